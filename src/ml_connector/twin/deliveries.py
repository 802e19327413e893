"""The outbox of the twins: POSTs to receivers, their retries, and the record of every attempt.

The outbox itself only knows moments: ``next_at`` says when something is due, ``due`` hands it out, ``settle``
takes the receiver's answer. ``Postman`` drives it with a real or an invented loop and whatever sends bytes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    Send = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]

MOST_KEPT = 10_000  # attempts that stay readable
NO_ANSWER = 0  # the status of an attempt that got none
_FIRST_GOOD, _PAST_GOOD = 200, 300


class Letter(Protocol):
    """One thing to deliver: it knows its text for every attempt, and when to try again."""

    side: str
    url: str
    timeout_s: float

    def write(self, attempt: int, now: datetime) -> tuple[dict[str, str], bytes]:
        """Headers and body of one attempt, the first being number 0."""

    def wait(self, attempt: int, now: datetime) -> timedelta | None:
        """How long after this failed attempt the next one starts; None when there is none."""

    def give_up(self, reason: str, now: datetime) -> None:
        """The last attempt has failed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST as it went out, and what came back."""

    seq: int
    at: datetime
    side: str
    url: str
    attempt: int
    headers: Mapping[str, str]
    body: bytes
    status: int  # 0: no answer in time, or no connection
    outcome: str  # delivered, retried or given up

    def as_json(self) -> dict[str, Any]:
        """The attempt as the control API shows it."""
        return {
            "seq": self.seq,
            "at": self.at,
            "side": self.side,
            "url": self.url,
            "attempt": self.attempt,
            "headers": dict(self.headers),
            "body": orjson.loads(self.body),
            "status": self.status,
            "outcome": self.outcome,
        }


@dataclass(frozen=True, slots=True)
class Post:
    """One attempt that is under way."""

    letter: Letter
    attempt: int
    at: datetime
    headers: dict[str, str]
    body: bytes


def is_good(status: int) -> bool:
    """Whether a receiver has taken a POST."""
    return _FIRST_GOOD <= status < _PAST_GOOD


class Outbox:
    """Letters by the moment they are due; a side sends no more than its lanes at a time.

    Args:
        lanes: How many POSTs of a side may be under way at once; a side left out has no limit.
    """

    def __init__(self, lanes: Mapping[str, int]) -> None:
        self.lanes = dict(lanes)
        self.attempts: deque[Attempt] = deque(maxlen=MOST_KEPT)
        self._waiting: list[tuple[datetime, int, int, Letter]] = []
        self._order = 0
        self._seq = 0
        self._busy: dict[str, list[Post]] = {}

    def put(self, letter: Letter, at: datetime, attempt: int = 0) -> None:
        """Schedule one attempt."""
        self._order += 1
        heappush(self._waiting, (at, self._order, attempt, letter))

    def next_at(self) -> datetime | None:
        """When the next letter with a free lane is due; None when nothing waits."""
        free = (entry[0] for entry in self._waiting if self._has_lane(entry[3]))
        return min(free, default=None)

    def due(self, now: datetime) -> list[Post]:
        """Take out what is to be sent now, in the order it was due."""
        posts: list[Post] = []
        held: list[tuple[datetime, int, int, Letter]] = []
        while self._waiting and self._waiting[0][0] <= now:
            entry = heappop(self._waiting)
            _at, _order, attempt, letter = entry
            if not self._has_lane(letter):
                held.append(entry)
                continue
            post = Post(letter, attempt, now, *letter.write(attempt, now))
            self._busy.setdefault(letter.side, []).append(post)
            posts.append(post)
        for entry in held:
            heappush(self._waiting, entry)
        return posts

    def settle(self, post: Post, status: int, reason: str, now: datetime) -> None:
        """Take the receiver's answer, or the reason why there is none; nothing happens after ``clear``."""
        busy = self._busy.get(post.letter.side, [])
        if not any(one is post for one in busy):
            return
        self._busy[post.letter.side] = [one for one in busy if one is not post]
        outcome = "delivered"
        if not is_good(status):
            wait = post.letter.wait(post.attempt, now)
            if wait is None:
                outcome = "given up"
                post.letter.give_up(reason, now)
            else:
                outcome = "retried"
                self.put(post.letter, now + wait, post.attempt + 1)
        self.note(post, status, outcome)

    def note(self, post: Post, status: int, outcome: str) -> None:
        """Record one attempt."""
        self._seq += 1
        side, url = post.letter.side, post.letter.url
        self.attempts.append(
            Attempt(self._seq, post.at, side, url, post.attempt, post.headers, post.body, status, outcome)
        )

    def clear(self, side: str | None = None) -> None:
        """Forget what waits and what is under way, of one side or of both; without a side the record too."""
        self._waiting = [entry for entry in self._waiting if side is not None and entry[3].side != side]
        self._waiting.sort(key=lambda entry: entry[:2])
        if side is None:
            self._busy.clear()
            self.attempts.clear()
            self._seq = 0
        else:
            self._busy.pop(side, None)

    def _has_lane(self, letter: Letter) -> bool:
        most = self.lanes.get(letter.side)
        return most is None or len(self._busy.get(letter.side, ())) < most


class Postman:
    """Carries the outbox's letters to their receivers.

    Args:
        outbox: What is to be sent.
        collect: Called with the time before the outbox is looked at: turns what has happened into letters.
        send: Posts bytes and returns the status; OSError or TimeoutError when there is no answer.
        clock: Tells the time.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        collect: Callable[[datetime], None],
        send: Send,
        clock: Callable[[], datetime],
    ) -> None:
        self._outbox = outbox
        self._collect = collect
        self._send = send
        self._clock = clock
        self._round: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Go to work when a loop runs; without one, ``step`` does the work."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._round is not None:
            self._round.cancel()  # it may sleep until a later letter
        self._round = loop.create_task(self._work(), name="deliveries")

    async def step(self) -> None:
        """Send everything that is due now and wait for the answers."""
        now = self._clock()
        self._collect(now)
        await asyncio.gather(*(self.carry(post) for post in self._outbox.due(now)))

    async def carry(self, post: Post) -> None:
        """Send one POST and settle it."""
        status, reason = await self.ask(post)
        self._outbox.settle(post, status, reason, self._clock())

    async def ask(self, post: Post) -> tuple[int, str]:
        """Send one POST; the status, or 0, and what went wrong in words."""
        letter = post.letter
        try:
            async with asyncio.timeout(letter.timeout_s):
                status = await self._send(letter.url, post.headers, post.body)
        except TimeoutError:
            return NO_ANSWER, f"The operation has timed out after {letter.timeout_s:g} seconds."
        except OSError as error:
            return NO_ANSWER, f"Unable to connect to the remote server: {error}."
        return status, f"Response status code does not indicate success: {status}."

    async def close(self) -> None:
        """Stop at once."""
        tasks = [*self._under_way, *([self._round] if self._round else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._round = None

    async def _work(self) -> None:
        """Send what is due, sleep until the next letter, and end when none waits."""
        while True:
            await asyncio.sleep(0)  # whatever woke us ends its own work first
            now = self._clock()
            self._collect(now)
            for post in self._outbox.due(now):
                self._start(post)
            at = self._outbox.next_at()
            if at is None:
                return
            await asyncio.sleep(max(0.0, (at - self._clock()).total_seconds()))

    def _start(self, post: Post) -> None:
        task = asyncio.get_running_loop().create_task(self.carry(post))
        self._under_way.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if task.cancelled():
            return
        task.result()  # a failure inside the twin is shown by the loop
        with suppress(RuntimeError):
            if self._outbox.next_at() is not None:
                self.wake()
