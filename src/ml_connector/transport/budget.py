"""How many calls may be under way and within a window: the ledger every call draws a slot from.

A slot is free again one window after the **answer**, not after the send: the server counts when it sees the
call, which is some unknown time in between.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from ml_connector.domain.priority import Priority, current_priority
from ml_connector.domain.sharing import Allowance, DayQuota
from ml_connector.transport.day import Day
from ml_connector.transport.line import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.domain.clock import Surroundings

AT_ONCE = {"dynamics": 6, "hubspot": 16}  # calls under way of one process


class Slot(Protocol):
    """The right to make one call."""

    def answered(self) -> None:
        """The call is over, whatever came of it. Safe to call twice."""


class Ledger(Protocol):
    """Who may call when. Buckets are named general first (``hubspot``, then ``hubspot.search``)."""

    async def acquire(
        self, buckets: tuple[str, ...], *, patience_s: float = math.inf, priority: Priority | None = None
    ) -> Slot:
        """Wait in line for a slot in every bucket; without a priority, that of the run goes.

        Raises:
            ThrottledError: a bucket is paused for longer than ``patience_s``, or the day's calls are used up.
        """

    def learn(self, bucket: str, limit: int, window_s: float, *, left: int | None = None) -> None:
        """The side allows ``limit`` calls in any ``window_s`` seconds; ``left`` of them were still unused."""

    def assume(self, bucket: str, limit: int, window_s: float) -> None:
        """A limit that holds until the side tells its own; one that is known already stands."""

    def learn_day(self, side: str, calls: int, left: int) -> None:
        """The side allows ``calls`` in a day; ``left`` of them were still unused."""

    def day_is_spent(self, side: str) -> float:
        """The side said that the day is used up; the seconds until it ends, infinite where that is not known."""

    def pause(self, bucket: str, until_elapsed_s: float) -> None:
        """Nobody calls before this moment of the elapsed clock."""


class MemoryLedger:
    """The ledger of one process. By priority, then first come, first served; constant work for each call."""

    def __init__(self, around: Surroundings, *, concurrent: Mapping[str, int] | None = None) -> None:
        self._clock = around.clock
        self._concurrent = {**AT_ONCE, **(concurrent or {})}
        self._buckets: dict[str, Bucket] = {}
        self._days: dict[str, Day] = {}
        self._starving: Callable[[str], None] | None = None

    def _bucket(self, name: str) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            width = self._concurrent.get(name, math.inf)
            bucket = self._buckets[name] = Bucket(name, self._clock, width, self._starving)
        return bucket

    def _limited(self, bucket: Bucket) -> None:
        """A bucket has a limit for the first time."""

    def _day(self, side: str) -> Day:
        return self._days.setdefault(side, Day(side, self._clock))

    def known_limit(self, bucket: str) -> tuple[int, float] | None:
        """Calls and seconds of a window, where they are known; None where they are not."""
        known = self._bucket(bucket).allowance
        return (known.calls, known.window_s) if known is not None and known.window_s else None

    def day_of(self, side: str, *, time_zone: str, reserve: float) -> None:
        """The day of a side ends at midnight of this time zone; this share of its calls is kept for others."""
        self._day(side).set_up(time_zone, reserve)

    async def acquire(
        self, buckets: tuple[str, ...], *, patience_s: float = math.inf, priority: Priority | None = None
    ) -> Slot:
        """Wait in line, for the most special bucket first: nobody who waits for it holds a general slot."""
        rank = current_priority() if priority is None else priority
        day = self._day(buckets[0].partition(".")[0])
        day.require(rank)
        slot = _Slots([], day, rank)
        try:
            for name in reversed(buckets):
                bucket = self._bucket(name)
                await bucket.take(rank, patience_s)
                slot.held.append(bucket)
            day.require(rank)  # it may have been used up while this call waited
        except BaseException:
            slot.unused()
            raise
        day.under_way += 1
        return slot

    def learn(self, bucket: str, limit: int, window_s: float, *, left: int | None = None) -> None:
        """Take over a limit the side told; calls of others in the same window count against it."""
        found = self._bucket(bucket)
        told = Allowance(max(1, limit), window_s, told=True)
        if found.allowance != told:
            self._allow(found, told)
            self._learnt(bucket)
        if left is not None:
            found.left(left)

    def assume(self, bucket: str, limit: int, window_s: float) -> None:
        """Take a limit for granted where none is known; a second client of one portal forgets nothing."""
        found = self._bucket(bucket)
        if found.allowance is None:
            self._allow(found, Allowance(limit, window_s, told=False))

    def learn_day(self, side: str, calls: int, left: int) -> None:
        """Take over what the side told of the day."""
        self._day(side).told(DayQuota(calls, left, self._clock.now()))

    def day_is_spent(self, side: str) -> float:
        """Nobody calls any more until the day ends, or an hour has passed without a word of the side."""
        return self._day(side).spent()

    def pause(self, bucket: str, until_elapsed_s: float) -> None:
        """Stop a bucket for all callers and let only half as many calls at once afterwards."""
        self._bucket(bucket).pause(until_elapsed_s, halve=True)
        self._paused(bucket)

    async def close(self) -> None:
        """Nothing is left behind: this ledger is nobody else's."""

    def _allow(self, bucket: Bucket, allowance: Allowance) -> None:
        if bucket.allowance is None:
            self._limited(bucket)
        bucket.allow(allowance)

    def _learnt(self, bucket: str) -> None:
        """A limit is known now that others should know too."""

    def _paused(self, bucket: str) -> None:
        """The same of a pause."""


class _Slots:
    """The slots of one call, one a bucket."""

    def __init__(self, held: list[Bucket], day: Day, priority: Priority) -> None:
        self.held = held
        self._day = day
        self._priority = priority

    def answered(self) -> None:
        if self.held:
            self._day.under_way -= 1
        for bucket in self.held:
            bucket.answered(self._priority)
        self.held = []

    def unused(self) -> None:
        for bucket in self.held:
            bucket.unused(self._priority)
        self.held = []
