"""The shell around a machine: latency, faults, late commits, the log of writes.

The machine commits in an instant; what takes time or goes wrong on the way there and back lives here. The
work of every request runs in a task that the shell owns: a client that goes away, times out or crashes
neither undoes nor prevents a commit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ml_connector.twin.faults import HTML_PAGE, Faults, Kind, expired_token
from ml_connector.twin.writes import WriteLog

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from datetime import datetime

    from ml_connector.twin.faults import Fault
    from ml_connector.twin.wire import Answer, Machine, Request

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
TOKEN_PATHS = ("/token", "/oauth/")  # asking for a token changes nothing


class Manner(Enum):
    """How an answer reaches the client."""

    COMPLETE = "complete"
    RESET = "reset"  # the connection dies without a byte
    TRUNCATED = (
        "truncated"  # the length is announced in full, half of the body sent, then the connection closed
    )
    SLOW = "slow"  # the body's bytes paced over ``seconds``


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the carrier must do for one request; ``answer`` is None only for RESET."""

    answer: Answer | None
    manner: Manner = Manner.COMPLETE
    seconds: float = 0.0


RESET = Delivery(None, Manner.RESET)


class TwinShell:
    """One side's machine with everything that lies between it and its clients.

    Args:
        machine: The system's behaviour; may be swapped with ``replace``.
        clock: Tells the time; every request is answered as of the instant of its commit.
        rng: Draws jitter and how a latency divides before and after the commit.
        new_id: Makes ids of faults and correlation ids.
        latency_s: Mean seconds a request takes; 0 waits nowhere.
        jitter: Share of the latency by which it varies either way.
        log: Where writes go; both sides of a pair share one.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        clock: Callable[[], datetime],
        rng: random.Random,
        new_id: Callable[[], str],
        latency_s: float = 0.0,
        jitter: float = 0.2,
        log: WriteLog | None = None,
    ) -> None:
        self.machine = machine
        self.latency_s = latency_s
        self.jitter = jitter
        self.faults = Faults(new_id)
        self.log = WriteLog() if log is None else log
        self.throttled = 0
        self.on_request: list[Callable[[str, Request, datetime], None]] = []
        self.on_answer: list[Callable[[str, Request, Answer, datetime], None]] = []
        self._clock = clock
        self._rng = rng
        self._new_id = new_id
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def side(self) -> str:
        """Which system stands here: dynamics or hubspot."""
        return self.machine.side

    async def handle(self, request: Request) -> Delivery:
        """Return how to deliver the request's answer; cancelling the caller does not stop the work."""
        loop = asyncio.get_running_loop()
        delivered: asyncio.Future[Delivery] = loop.create_future()
        for listener in self.on_request:
            listener(self.side, request, self._clock())
        task = loop.create_task(self._serve(request, delivered))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(done, delivered))
        return await delivered

    def replace(self, machine: Machine) -> None:
        """Start over with another machine: faults go, requests under way die with the old one."""
        self.machine = machine
        self.faults.clear()
        self.throttled = 0
        self._abandon()

    async def idle(self) -> None:
        """Wait until nothing is under way, late commits included."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Drop what is under way, late commits included."""
        tasks = self._abandon()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _abandon(self) -> list[asyncio.Task[None]]:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return tasks

    def _finish(self, task: asyncio.Task[None], delivered: asyncio.Future[Delivery]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            _deliver(delivered, RESET)
            return
        error = task.exception()
        if error is not None and not delivered.done():
            delivered.set_exception(error)
        elif error is not None:
            context = {"message": "a request failed inside the twin", "exception": error}
            task.get_loop().call_exception_handler(context)

    async def _serve(self, request: Request, delivered: asyncio.Future[Delivery]) -> None:
        fault = self.faults.take(request)
        before, after = self._latency()
        await _wait(before)
        delivery = await self._work(request, fault, delivered)
        await _wait(after)
        _deliver(delivered, delivery)

    async def _work(
        self, request: Request, fault: Fault | None, delivered: asyncio.Future[Delivery]
    ) -> Delivery:
        if fault is None:
            return Delivery(self._commit(request))
        refused = self._refuse(fault)
        if refused is not None:
            self._log_faulted(request, refused.answer)
            return refused
        if fault.kind is Kind.LATE_COMMIT:
            return await self._commit_late(request, fault, delivered)
        if fault.kind is Kind.DELAY:
            await _wait(fault.seconds)
        return _disturbed(self._commit(request), fault)

    def _refuse(self, fault: Fault) -> Delivery | None:
        """What the client gets when the request never reaches the machine; None when it does."""
        match fault.kind:
            case Kind.RESET_BEFORE:
                return RESET
            case Kind.STATUS:
                return Delivery(fault.answer(fault.status or 500))
            case Kind.HTML:
                return Delivery(fault.answer(fault.status or 200, HTML_PAGE.encode()))
            case Kind.EXPIRED_TOKEN:
                return Delivery(expired_token(self.side, self._new_id))
            case _:
                return None

    async def _commit_late(
        self, request: Request, fault: Fault, delivered: asyncio.Future[Delivery]
    ) -> Delivery:
        """Let the request in now, commit it later, and tell the client something else meanwhile."""
        machine = self.machine
        answer = machine.admit(request, self._clock())
        if answer is not None:
            return Delivery(self._note(request, answer))
        if fault.status is not None:
            _deliver(delivered, Delivery(fault.answer(fault.status)))
        elif fault.reset:
            _deliver(delivered, RESET)
        await _wait(fault.seconds)
        return Delivery(self._note(request, machine.handle(request, self._clock())))

    def _commit(self, request: Request) -> Answer:
        """Admission and the machine's whole work: one instant."""
        now = self._clock()
        answer = self.machine.admit(request, now) or self.machine.handle(request, now)
        return self._note(request, answer)

    def _note(self, request: Request, answer: Answer) -> Answer:
        now = self._clock()
        self.throttled += answer.throttled
        if answer.written is not None:
            self.log.add(
                request,
                at=now,
                side=self.side,
                keys=answer.written.keys,
                status=answer.status,
                committed=answer.written.committed,
            )
        for listener in self.on_answer:
            listener(self.side, request, answer, now)
        return answer

    def _log_faulted(self, request: Request, answer: Answer | None) -> None:
        """Log a write that never reached the machine, as not committed; status 0 is no answer."""
        now = self._clock()
        if request.method in MUTATING and not any(part in request.path for part in TOKEN_PATHS):
            status = answer.status if answer else 0
            self.log.add(request, at=now, side=self.side, keys=(), status=status, committed=False)
        if answer is not None:
            for listener in self.on_answer:
                listener(self.side, request, answer, now)

    def _latency(self) -> tuple[float, float]:
        """Seconds before and after the commit."""
        if not self.latency_s:
            return 0.0, 0.0
        whole = self.latency_s * (1 + self.jitter * self._rng.uniform(-1, 1))
        before = whole * self._rng.uniform(0, 1)
        return before, whole - before


def _disturbed(answer: Answer, fault: Fault) -> Delivery:
    """The machine has answered; what the fault leaves of it on the way back."""
    match fault.kind:
        case Kind.RESET_AFTER_COMMIT:
            return RESET
        case Kind.TRUNCATE:
            return Delivery(answer, Manner.TRUNCATED)
        case Kind.SLOW:
            return Delivery(answer, Manner.SLOW, fault.seconds)
        case _:
            return Delivery(answer)


def _deliver(delivered: asyncio.Future[Delivery], delivery: Delivery) -> None:
    if not delivered.done():
        delivered.set_result(delivery)


async def _wait(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
