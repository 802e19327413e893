"""The ledger of one process among several: it has slots set aside for it, and lines its callers up for those.

While it is busy it tells and hears once a second, in one exchange: what it uses and wants, limits and pauses. Idle, it
gives its slots back. Slots of a process that died are free again when their term has ended, and a window more.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import structlog

from ml_connector.domain.sharing import NOTHING, Report
from ml_connector.errors import ConnectorError
from ml_connector.transport.budget import AT_ONCE, MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.domain.clock import Surroundings
    from ml_connector.domain.sharing import Grant
    from ml_connector.transport.line import Bucket

_log = structlog.get_logger(__name__)

BEAT_S = 1.0
_LONGEST_BEAT_S = 16.0
_BEATS_A_TERM = 5  # exchanges that may fail before the slots are somebody else's
_SAFE_PART = 0.9  # of a term: what is sent at its end must arrive before the others think it has ended


class Shares(Protocol):
    """Where the slots of all processes are written down."""

    async def exchange(self, holder: str, reports: Sequence[Report], term_s: float) -> Mapping[str, Grant]:
        """Tell how each bucket stands; what is granted holds for the term. A term of nothing is a goodbye.

        Raises:
            UnavailableError: the place cannot be reached.
        """


class SharedLedger(MemoryLedger):
    """A ledger whose limits hold for all processes that exchange through the same ``shares``."""

    def __init__(
        self,
        around: Surroundings,
        shares: Shares,
        *,
        concurrent: Mapping[str, int] | None = None,
        beat_s: float = BEAT_S,
    ) -> None:
        super().__init__(around, concurrent=concurrent)
        self._shares = shares
        self._holder = around.new_id()
        self._starving = self._more
        self._beat_s = self._interval_s = beat_s
        self._linger_s = 2 * beat_s  # so long slots are kept without a call
        self._not_before = -math.inf
        self._short: set[str] = set()  # buckets that had no more for us when we last asked
        self._timer: asyncio.TimerHandle | None = None
        self._exchanging: asyncio.Task[None] | None = None
        self._news: set[str] = set()  # buckets whose limit the others do not know
        self._pauses: set[str] = set()  # the same for pauses
        self._holds = False
        self._next_in_s: float | None = None
        self.assume("dynamics", self._concurrent.get("dynamics", AT_ONCE["dynamics"]), 0.0)

    async def close(self) -> None:
        """Give back every slot; those in the window when they have left it."""
        if self._exchanging is not None:
            await asyncio.gather(self._exchanging, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._holds:
            with suppress(ConnectorError):  # they are free when their term has ended
                await self._give_back()

    def _limited(self, bucket: Bucket) -> None:
        bucket.share(0, -math.inf)

    def _learnt(self, bucket: str) -> None:
        self._news.add(bucket)
        self._schedule(0.0)

    def _paused(self, bucket: str) -> None:
        self._pauses.add(bucket)
        self._schedule(0.0)

    def _more(self, bucket: str) -> None:
        """Somebody waits for more slots: ask for them at once, or in a beat where there were none just now."""
        wait_s = self._not_before - self._clock.elapsed_s() if bucket in self._short else 0.0
        self._schedule(max(0.0, wait_s))

    def _schedule(self, in_s: float) -> None:
        if self._exchanging is not None:
            return
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + in_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(in_s, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._exchanging = asyncio.get_running_loop().create_task(self._exchange())
        self._exchanging.add_done_callback(self._exchanged)

    def _exchanged(self, task: asyncio.Task[None]) -> None:
        self._exchanging = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.warning("the budget cannot be shared now", error=str(error))
            self._not_before = self._clock.elapsed_s() + self._beat_s
            self._short = set(self._buckets)
            self._next_in_s = self._beat_s if self._holds else None
            for bucket in self._buckets.values():
                bucket.fail(error)
        if self._next_in_s is not None:
            self._schedule(self._next_in_s)
        if error is None and (self._news or self._pauses):
            self._schedule(0.0)
        for bucket in self._buckets.values():  # whoever still lacks slots, or came meanwhile, says so
            bucket.serve()

    async def _exchange(self) -> None:
        shared = [bucket for bucket in self._buckets.values() if bucket.allowance is not None]
        busy = any(bucket.asked_within(self._linger_s) for bucket in shared)
        if not busy and not any(bucket.under_way for bucket in shared):
            await self._give_back()
            return
        self._interval_s = self._beat_s if busy else min(2 * self._interval_s, _LONGEST_BEAT_S)
        reports = [self._report(bucket) for bucket in shared]
        owing = await self._tell(reports, _BEATS_A_TERM * self._interval_s)
        self._next_in_s = self._beat_s / 4 if owing else self._interval_s

    async def _give_back(self) -> None:
        """Nobody calls now: what is not in the window is free at once."""
        shared = [bucket for bucket in self._buckets.values() if bucket.allowance is not None]
        for bucket in shared:
            bucket.share(0, -math.inf)
        await self._tell([self._report(bucket) for bucket in shared], 0.0)
        self._holds = False
        self._next_in_s = None

    def _report(self, bucket: Bucket) -> Report:
        allowance = bucket.allowance
        if allowance is None:
            raise AssertionError(f"{bucket.name} has no limit to share")
        news = allowance if bucket.name in self._news else allowance.assumed()
        day = self._days.get(bucket.name)
        wanted = bucket.wanted() if bucket.asked_within(self._linger_s) else NOTHING
        bucket.lower(sum(wanted))
        return Report(
            bucket.name,
            news,
            in_use=max(bucket.in_use(), bucket.slots()),  # what it may use while this is under way
            wanted=wanted,
            pause_s=bucket.pause_s if bucket.name in self._pauses else 0.0,
            day=day.quota if day else None,
            free_in_s=bucket.free_in_s(),
        )

    async def _tell(self, reports: Sequence[Report], term_s: float) -> bool:
        """One exchange; whether slots are owed that could be given back now."""
        began_s = self._clock.elapsed_s()
        news, self._news = self._news, set()
        pauses, self._pauses = self._pauses, set()
        known = {report.bucket: self._buckets[report.bucket].allowance for report in reports}
        try:
            grants = await self._shares.exchange(self._holder, reports, term_s)
        except BaseException:
            self._news |= news
            self._pauses |= pauses
            raise
        owing = False
        self._short = {
            report.bucket for report in reports if grants[report.bucket].slots < sum(report.wanted)
        }
        self._not_before = self._clock.elapsed_s() + self._beat_s
        for name, grant in grants.items():
            bucket = self._buckets[name]
            if bucket.allowance == known[name]:  # nothing newer came meanwhile
                bucket.allow(grant.allowance)
            if grant.pause_s:
                bucket.pause(self._clock.elapsed_s() + grant.pause_s, halve=False)
            if grant.day is not None:
                self._day(name).told(grant.day)
            owing = owing or grant.held > max(grant.slots, bucket.in_use())
            self._holds = self._holds or grant.held > 0
        if term_s:
            for name, grant in grants.items():
                self._buckets[name].share(grant.slots, began_s + _SAFE_PART * term_s)
        return owing
