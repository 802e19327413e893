"""The calls of a day: all programs of an account share them, so the last part is left to the others.

Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ml_connector.domain.sharing import DayQuota, later_told
from ml_connector.errors import DAILY_LIMIT, ThrottledError

if TYPE_CHECKING:
    from ml_connector.domain.clock import Clock
    from ml_connector.domain.priority import Priority

DAILY_RESERVE = 0.2
ASK_AGAIN = timedelta(hours=1)  # what the side said so long ago is asked again, by a call


class Day:
    """What one side has told of its day."""

    def __init__(self, side: str, clock: Clock) -> None:
        self.quota: DayQuota | None = None
        self.under_way = 0
        self._side = side
        self._clock = clock
        self._reserve = DAILY_RESERVE
        self._zone: ZoneInfo | None = None

    def set_up(self, time_zone: str, reserve: float) -> None:
        """Where the side's midnight is, none where its zone has no name we know; and how much others keep."""
        self._reserve = reserve
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = None

    def told(self, quota: DayQuota | None) -> None:
        """Take over a word of the side, unless a newer one is known."""
        self.quota = later_told(self.quota, quota)

    def spent(self) -> float:
        """The side said that nothing is left; the seconds until the day ends, infinite where that is not known."""
        now = self._clock.now()
        self.quota = DayQuota(self.quota.calls if self.quota else 0, 0, now)
        ends = self._ends(now)
        return (ends - now).total_seconds() if ends else math.inf

    def require(self, priority: Priority) -> None:
        """Let a call pass while the day has calls for it.

        Raises:
            ThrottledError: what is left is kept for orders and the portal's other programs, or nothing is left.
        """
        quota, now = self.quota, self._clock.now()
        if quota is None or now - quota.told_at >= ASK_AGAIN:
            return
        ends = self._ends(quota.told_at)
        if ends is not None and now >= ends:
            return
        left = quota.left - self.under_way
        kept = 0.0 if priority.may_use_reserve else quota.calls * self._reserve
        if left > 0 and left > kept:
            return
        wait_s = ((ends or quota.told_at + ASK_AGAIN) - now).total_seconds()
        what = (
            f"Of the {quota.calls:,} calls {self._side} allows in a day {quota.left:,} are left, kept for orders and "
            "for the portal's other programs."
            if left > 0
            else f"The calls {self._side} allows in a day are used up."
        )
        raise ThrottledError(
            what,
            code=DAILY_LIMIT,
            retry_after_s=wait_s,
            hint="Nothing is lost: it goes on after the portal's midnight.",
        )

    def _ends(self, at: datetime) -> datetime | None:
        """The midnight after a moment, in the side's time zone."""
        if self._zone is None:
            return None
        tomorrow = at.astimezone(self._zone).date() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._zone).astimezone(UTC)
