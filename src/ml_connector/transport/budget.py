"""How many calls may be under way and within a window: the ledger every call draws a slot from.

A slot is free again one window after the **answer**, not after the send: the server counts when it sees the
call, which is some unknown time in between.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ml_connector.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.domain.clock import Clock, Surroundings

_SOONEST_S = 0.001  # the loop's clock and the elapsed clock may differ by less than this


class Slot(Protocol):
    """The right to make one call."""

    def answered(self) -> None:
        """The call is over, whatever came of it. Safe to call twice."""


class Ledger(Protocol):
    """Who may call when. Buckets are named general first (``hubspot``, then ``hubspot.search``)."""

    async def acquire(self, buckets: tuple[str, ...], *, patience_s: float = math.inf) -> Slot:
        """Wait in line for a slot in every bucket.

        Raises:
            ThrottledError: a bucket is paused for longer than ``patience_s``.
        """

    def learn(self, bucket: str, limit: int, window_s: float, *, left: int | None = None) -> None:
        """The side allows ``limit`` calls in any ``window_s`` seconds; ``left`` of them were still unused."""

    def assume(self, bucket: str, limit: int, window_s: float) -> None:
        """A limit that holds until the side tells its own; one that is known already stands."""

    def pause(self, bucket: str, until_elapsed_s: float) -> None:
        """Nobody calls before this moment of the elapsed clock."""


class MemoryLedger:
    """The ledger of one process. First come, first served; constant work for each call."""

    def __init__(self, around: Surroundings, *, concurrent: Mapping[str, int] | None = None) -> None:
        self._clock = around.clock
        self._concurrent = {"dynamics": 6, "hubspot": 16, **(concurrent or {})}
        self._buckets: dict[str, _Bucket] = {}

    def _bucket(self, name: str) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            width = self._concurrent.get(name, math.inf)
            bucket = self._buckets[name] = _Bucket(name, self._clock, width)
        return bucket

    def known_limit(self, bucket: str) -> tuple[int, float] | None:
        """Calls and seconds of a window, where the side told them; None where it has not."""
        return self._bucket(bucket).told

    async def acquire(self, buckets: tuple[str, ...], *, patience_s: float = math.inf) -> Slot:
        """Wait in line, for the most special bucket first: nobody who waits for it holds a general slot."""
        slot = _Slots([])
        try:
            for name in reversed(buckets):
                bucket = self._bucket(name)
                await bucket.take(patience_s)
                slot.held.append(bucket)
        except BaseException:
            slot.unused()
            raise
        return slot

    def learn(self, bucket: str, limit: int, window_s: float, *, left: int | None = None) -> None:
        """Take over a limit the side told; calls of others in the same window count against it."""
        self._bucket(bucket).learn(limit, window_s, left)

    def assume(self, bucket: str, limit: int, window_s: float) -> None:
        """Take a limit for granted where none is known; a second client of one portal forgets nothing."""
        found = self._bucket(bucket)
        if not found.is_known:
            found.learn(limit, window_s, None)

    def pause(self, bucket: str, until_elapsed_s: float) -> None:
        """Stop a bucket for all callers and let only half as many calls at once afterwards."""
        self._bucket(bucket).pause(until_elapsed_s)


class _Slots:
    """The slots of one call, one a bucket."""

    def __init__(self, held: list[_Bucket]) -> None:
        self.held = held

    def answered(self) -> None:
        for bucket in self.held:
            bucket.answered()
        self.held = []

    def unused(self) -> None:
        for bucket in self.held:
            bucket.unused()
        self.held = []


class _Bucket:
    """One limit: what is under way, what was answered within the window, and who waits."""

    def __init__(self, name: str, clock: Clock, width: float) -> None:
        self._name = name
        self._clock = clock
        self._widest = width
        self._width = width  # calls at once; halved by a pause, widened by answers
        self._limit = math.inf
        self._window_s = 0.0
        self._paused_until = -math.inf
        self._under_way = 0
        self._free_at: deque[float] = deque()  # moments at which answered calls leave the window
        self._line: deque[tuple[asyncio.Future[None], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_known(self) -> bool:
        return self._limit < math.inf

    @property
    def told(self) -> tuple[int, float] | None:
        return (int(self._limit), self._window_s) if self._window_s and self.is_known else None

    async def take(self, patience_s: float) -> None:
        now = self._clock.elapsed_s()
        if self._paused_until - now > patience_s:
            raise self._too_long(self._paused_until - now)
        if not self._line and self._wait_s(now) <= 0:
            self._under_way += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((turn, patience_s))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.unused()
            raise

    def answered(self) -> None:
        self._under_way -= 1
        if self._window_s:
            self._free_at.append(self._clock.elapsed_s() + self._window_s)
        if self._width < self._widest:
            self._width = min(self._widest, self._width + 1.0 / self._width)
        self._serve()

    def unused(self) -> None:
        self._under_way -= 1
        self._serve()

    def learn(self, limit: int, window_s: float, left: int | None) -> None:
        now = self._clock.elapsed_s()
        self._limit, self._window_s = max(1, limit), window_s
        if left is not None:
            self._forget(now)
            elsewhere = limit - left - self._under_way - len(self._free_at)
            self._free_at.extend([now + window_s] * min(max(elsewhere, 0), limit))
        self._serve()

    def pause(self, until_elapsed_s: float) -> None:
        now = self._clock.elapsed_s()
        if self._paused_until <= now:  # one storm is one pause, however many calls it hit
            self._width = max(1.0, min(self._width, self._under_way + 1.0) / 2.0)
        self._paused_until = max(self._paused_until, until_elapsed_s)
        wait = self._paused_until - now
        for turn, patience_s in self._line:
            if wait > patience_s and not turn.done():
                turn.set_exception(self._too_long(wait))
        self._serve()

    def _too_long(self, wait_s: float) -> ThrottledError:
        return ThrottledError(
            f"{self._name} asked for a pause of {math.ceil(wait_s)} s, longer than this run may wait.",
            retry_after_s=wait_s,
            hint="Nothing is lost: run it again after the pause.",
        )

    def _forget(self, now: float) -> None:
        while self._free_at and self._free_at[0] <= now:
            self._free_at.popleft()

    def _wait_s(self, now: float) -> float:
        """Until the next slot: 0 when one is free, infinite when only an answer can free one."""
        if now < self._paused_until:
            return self._paused_until - now
        self._forget(now)
        if self._under_way + 1 > self._width:
            return math.inf
        if self._under_way + len(self._free_at) < self._limit:
            return 0.0
        return self._free_at[0] - now if self._free_at else math.inf

    def _serve(self) -> None:
        """Hand free slots to those who waited longest, and set the alarm for the next one."""
        if not self._line:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.elapsed_s()
        while self._line:
            turn, _ = self._line[0]
            if turn.done():  # cancelled, or told that the pause is too long
                self._line.popleft()
                continue
            wait = self._wait_s(now)
            if wait > 0:
                if wait < math.inf:
                    self._timer = asyncio.get_running_loop().call_later(max(wait, _SOONEST_S), self._serve)
                return
            self._line.popleft()
            self._under_way += 1
            turn.set_result(None)
