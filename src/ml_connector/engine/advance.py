"""How a process advances: quiet, draft, release, place, write back; parked with its cause when it cannot go on.

One worker at a time holds the subject's lease, and its fence is checked in every commit: a worker that slept too
long stores nothing.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.domain.causes import Turn, cause_of
from ml_connector.engine.calls import report_run
from ml_connector.engine.once import NotYet
from ml_connector.engine.process import put
from ml_connector.errors import ConnectorError, RecordError, RetryableError
from ml_connector.store import calls, leases, operations, parked, processes
from ml_connector.store.leases import LeaseLostError
from ml_connector.store.parked import ParkedRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import Prepared, ProcessFlow
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process, Release

RETRY_LATER = timedelta(minutes=1)
# A dead worker's subject is free again after this; what it may have sent is resolved by write_once.
LEASE_S = 120.0


async def advance(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Take one process as far as it can go now.

    Returns:
        The process as stored at the end: done, parked, or waiting with ``due_at`` and the reason. A process that
        another worker holds comes back as it is.

    Raises:
        AccessError: nothing can go on until a person acts.
    """
    async with _held(flow, engine, process) as worker:
        if worker is None or worker.process.state in ("done", "ignored"):
            return process if worker is None else worker.process
        await worker.steps()
        return worker.process


async def approve(flow: ProcessFlow, engine: Engine, process: Process, by: str) -> Process:
    """Release a waiting draft; the next ``advance`` places it if the subject still says the same.

    Raises:
        ConnectorError: it is not waiting for approval; the sentence says where it stands.
    """
    async with _held(flow, engine, process) as worker:
        if worker is None:
            raise ConnectorError(
                f"{flow.noun}/{process.subject} is being worked on. Try again in a moment.", code="deals.busy"
            )
        if worker.process.step != "release" or worker.process.state != "waiting":
            raise ConnectorError(_not_waiting(flow, worker.process), code="deals.not_waiting")
        now = engine.around.clock.now()  # due at once: an approval survives the process that took it
        approved = replace(worker.process, release="approved", approved_by=by, due_at=now)
        await worker.store(approved, "approved", {"by": by})
        return worker.process


async def choose(
    flow: ProcessFlow, engine: Engine, process: Process, choices: Sequence[Mapping[str, str]]
) -> tuple[Process, bool]:
    """Keep what a person chose, and draft anew with it; what was parked tries again.

    Args:
        flow: Whose process it is.
        engine: Where.
        process: Which.
        choices: As the flow keeps them under ``choices`` in the result, each with its author and reason.

    Returns:
        The process as stored at the end, and whether it differs from what the person saw by the choices alone.

    Raises:
        ConnectorError: nothing can be chosen any more; the sentence says where it stands.
    """
    async with _held(flow, engine, process) as worker:
        if worker is None:
            raise ConnectorError(
                f"{flow.noun}/{process.subject} is being worked on. Try again in a moment.", code="deals.busy"
            )
        current = worker.process
        if current.state == "parked":
            current = replace(current, step=await worker.step_again())
        if current.state not in ("waiting", "parked") or current.step not in ("quiet", "draft", "release"):
            raise ConnectorError(_not_waiting(flow, worker.process), code="deals.not_waiting")
        seen = await worker.still_as_shown()
        kept = [*current.result.get("choices", ()), *choices]
        chosen = replace(current, result={**current.result, "choices": kept})
        await worker.store(chosen, "chosen", {"choices": list(choices)})
        await worker.steps()
        return worker.process, seen


async def reopen(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Let a parked process try again: from the beginning, unless something of it stands in the other system."""
    async with _held(flow, engine, process) as worker:
        if worker is None or worker.process.state != "parked":
            return process
        step = await worker.step_again()
        waiting = replace(worker.process, state="waiting", step=step, cause="", message="")
        await worker.store(waiting, "replayed", {"from": step})
        return worker.process


@asynccontextmanager
async def _held(flow: ProcessFlow, engine: Engine, process: Process) -> AsyncIterator[Worker | None]:
    """The subject's lease with the process as it is stored now; None when somebody else holds it."""
    cid, holder = engine.connection_id, engine.around.new_id()
    async with engine.store.write() as tx:
        lease = await leases.acquire(tx, cid, f"{flow.name}:{process.subject}", holder, LEASE_S)
        current = await processes.get(tx, cid, process.process_id, engine.vault)
        if lease is not None:  # nobody else is at work here: reports without an outcome will be made again
            await calls.settle_open(tx, cid, [report_run(flow.name, process.subject)], "repeated")
    if lease is None:
        yield None
        return
    try:
        yield Worker(flow, engine, lease, current or process)
    finally:
        async with engine.store.write() as tx:
            await leases.release(tx, cid, lease)


def _not_waiting(flow: ProcessFlow, process: Process) -> str:
    """Why there is nothing to approve."""
    if process.state == "done":
        return f"{flow.noun}/{process.subject} has its order already: {process.result.get('number')}."
    if process.state == "parked":
        return f"{flow.noun}/{process.subject} is parked, not waiting for approval: {process.message}"
    return f"{flow.noun}/{process.subject} is not waiting for approval; it stands at '{process.step}'."


@dataclass(slots=True)
class Worker:
    """Holds the lease of one subject and its process as last stored."""

    flow: ProcessFlow
    engine: Engine
    lease: Lease
    process: Process

    async def steps(self) -> None:
        """The steps in order, from the one the process stands at."""
        if self.process.step == "quiet" and self._too_early():
            return
        try:
            if self.process.state == "parked":  # its subject has moved since
                self.process = replace(self.process, step=await self.step_again())
            if self.process.step in ("quiet", "draft", "release"):
                await self.draft()
            if self.process.step == "place":
                await self.place()
            if self.process.step == "write back":
                await self.write_back()
        except LeaseLostError:
            return  # another worker has taken over and goes on from what is stored
        except RecordError as error:
            await self.park(error)
        except RetryableError as error:
            await self.wait(self.engine.around.clock.now() + RETRY_LATER, error.message)

    async def step_again(self) -> str:
        """Where a parked process goes on: at its draft, unless something of it stands in the other system."""
        cid, process = self.engine.connection_id, self.process
        async with self.engine.store.read() as tx:
            writes = await operations.of_process(tx, cid, process.process_id, self.engine.vault)
        stands = any(write.state != "refused" for write in writes)
        return process.step if stands or process.step == "write back" else "draft"

    async def still_as_shown(self) -> bool:
        """Whether the draft that waits for approval is the one that would be made now."""
        if not self._asks():
            return False
        try:
            prepared = await self.flow.prepare(self.process)
        except RecordError:
            return False
        return (self.process.snapshot_hash, self.process.draft) == (prepared.snapshot_hash, prepared.draft)

    def _too_early(self) -> bool:
        due_at = self.process.due_at
        return due_at is not None and self.engine.around.clock.now() < due_at

    async def draft(self) -> None:
        """Prepare the draft and see whether it may be placed."""
        prepared = await self.flow.prepare(self.process)
        quiet_until = self._quiet_until(prepared)
        if quiet_until is not None:
            await self.wait(quiet_until, self.process.message)
            return
        same = (self.process.snapshot_hash, self.process.draft) == (prepared.snapshot_hash, prepared.draft)
        approved = self.process.release == "approved" and same  # what is placed is what a person has seen
        free = approved or (self.flow.release == "automatic" and not prepared.asks)
        if free or not same or not self._asks():
            await self._store_draft(prepared, approved=approved, free=free)
        if not free:
            await self.tell("Awaiting approval", "")

    def _asks(self) -> bool:
        """Whether the process is waiting for approval and for nothing else."""
        process = self.process
        return process.state == "waiting" and process.step == "release" and process.due_at is None

    async def _store_draft(self, prepared: Prepared, *, approved: bool, free: bool) -> None:
        """Keep the draft; who approved another one has not approved this."""
        release: Release = "approved" if approved else "automatic" if free else "asked"
        drafted = replace(
            self.process,
            state="running" if free else "waiting",
            step="place" if free else "release",
            release=release,
            approved_by=self.process.approved_by if approved else "",
            due_at=None,
            snapshot=prepared.snapshot,
            snapshot_hash=prepared.snapshot_hash,
            draft=prepared.draft,
            message="" if free else prepared.asks or "Waiting for approval.",
            cause="",
        )
        await self.store(drafted, "drafted", {"release": release}, resolve="went on")

    def _quiet_until(self, prepared: Prepared) -> datetime | None:
        """A part of the subject that changed a moment ago prolongs the quiet period."""
        if self.process.step != "quiet" or prepared.parts_changed_at is None:
            return None
        until = prepared.parts_changed_at + timedelta(seconds=self.flow.quiet_s)
        return until if self.engine.around.clock.now() < until else None

    async def place(self) -> None:
        """Write the stored draft to the other system."""
        placed = await self.flow.place(self.process, self.lease)
        if isinstance(placed, NotYet):
            return await self.wait(placed.until, placed.reason)
        stands = replace(
            self.process,
            state="running",
            step="write back",
            due_at=None,
            message="",
            cause="",
            result={**self.process.result, "number": placed.number, **placed.detail},
        )
        return await self.store(
            stands, "placed", {"number": placed.number, **placed.detail}, resolve="placed"
        )

    async def write_back(self) -> None:
        """Tell the subject; a failure here never touches what was placed."""
        number = str(self.process.result["number"])
        await self.flow.report(self.process.subject, status="Open", message="", number=number)
        done = replace(self.process, state="done", step="done", due_at=None, message="", cause="")
        await self.store(done, "done", {"number": number}, resolve="done")

    async def wait(self, until: datetime, reason: str) -> None:
        """Go on at ``until``; nothing is lost by stopping here."""
        waiting = replace(self.process, state="waiting", due_at=until, message=reason)
        await self.store(waiting, "waiting", {"until": until.isoformat(), "reason": reason})

    async def park(self, error: RecordError) -> None:
        """Stop this process with its cause, visibly, here and on the subject."""
        cause = cause_of(error.code)
        row = ParkedRecord(
            parked_id=0,
            flow=self.flow.name,
            key=self.process.subject,
            cause=error.code,
            message=error.message,
            turn=cause.turn.value,
            next_action=error.hint or cause.next_action,
            detail={"step": self.process.step, **error.context},
            source_digest=self.process.snapshot_hash or b"",
        )
        stopped = replace(self.process, state="parked", due_at=None, message=error.message, cause=error.code)
        async with self.engine.store.write() as tx:
            await leases.check(tx, self.engine.connection_id, self.lease)
            await parked.park(tx, self.engine.connection_id, [row])
            payload = {"cause": error.code, "message": error.message}
            await put(self.flow, self.engine, tx, stopped, kind="parked", payload=payload)
            self.process = replace(stopped, updated_at=tx.now)
        turn = "IT" if cause.turn is Turn.IT else cause.turn.value
        await self.tell(f"Waiting for {turn}", error.message)

    async def tell(self, status: str, message: str) -> None:
        """Report while the process waits, once for each change of words, and never as a reason to fail."""
        reported = [status, message]
        if self.process.result.get("reported") == reported:
            return None
        try:
            await self.flow.report(self.process.subject, status=status, message=message)
        except RecordError:
            return None  # the command line and the desk show the cause
        except RetryableError:
            return await self._tell_later(status)
        told = replace(self.process, result={**self.process.result, "reported": reported})
        return await self.store(told, "told", {"status": status})

    async def _tell_later(self, status: str) -> None:
        """What stands on the subject is not what it should say: a due time, or its next trigger, tells it again."""
        waits = self.process.state == "waiting"
        due_at = self.engine.around.clock.now() + RETRY_LATER if waits else None
        untold = replace(self.process, due_at=due_at, result={**self.process.result, "reported": []})
        await self.store(untold, "untold", {"status": status})

    async def store(self, process: Process, kind: str, payload: dict[str, Any], *, resolve: str = "") -> None:
        """Store where the process stands, if the lease is still ours."""
        async with self.engine.store.write() as tx:
            await leases.check(tx, self.engine.connection_id, self.lease)
            await put(self.flow, self.engine, tx, process, kind=kind, payload=payload, resolve=resolve)
            self.process = replace(process, updated_at=tx.now)
