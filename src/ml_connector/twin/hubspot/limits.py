"""How many calls the portal takes: a sliding window, searches a second, calls a day.

Facts: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.settings import Settings

Pool = Literal["none", "plain", "search", "association"]

ASSOCIATION_SECONDS = 10.0
OAUTH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Which policy a request ran into."""

    policy: str
    message: str


ROLLING = Exceeded("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
SECONDLY = Exceeded("SECONDLY", "You have reached your secondly limit.")
DAILY = Exceeded("DAILY", "You have reached your daily limit.")


class Window:
    """At most ``calls`` arrivals in any ``seconds``; refused ones do not count. No calls means no limit."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls = calls
        self.span = timedelta(seconds=seconds)
        self._arrivals: deque[datetime] = deque()

    def remaining(self, now: datetime) -> int:
        """How many more calls fit at this moment."""
        edge = now - self.span
        while self._arrivals and self._arrivals[0] <= edge:
            self._arrivals.popleft()
        return self.calls - len(self._arrivals)

    def full(self, now: datetime) -> bool:
        """Whether the next call is one too many."""
        return self.calls > 0 and self.remaining(now) <= 0

    def take(self, now: datetime) -> None:
        """Count one call."""
        if self.calls:
            self._arrivals.append(now)


class Day:
    """At most ``calls`` between two midnights of the account's time zone; 0 means no limit."""

    def __init__(self, calls: int, zone: ZoneInfo) -> None:
        self.calls = calls
        self.used = 0
        self._zone = zone
        self._ends = datetime.min.replace(tzinfo=UTC)

    def ends(self, now: datetime) -> datetime:
        """The midnight that ends the present day; the count starts anew after it."""
        if now >= self._ends:
            tomorrow = now.astimezone(self._zone).date() + timedelta(days=1)
            local = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._zone)
            self._ends = local.astimezone(UTC)
            self.used = 0
        return self._ends

    def full(self, now: datetime) -> bool:
        """Whether the next call is one too many."""
        self.ends(now)
        return self.calls > 0 and self.used >= self.calls


class Limits:
    """All limits of one portal. OAuth and association calls have their own quotas, searches theirs as well."""

    def __init__(self, limit: tuple[int, float], settings: Settings) -> None:
        calls, seconds = limit
        self.zone = _zone(settings["time_zone"])
        self.rolling = Window(calls, seconds)
        self.oauth = Window(int(settings.number("oauth_rate")) if calls else 0, OAUTH_SECONDS)
        self.search = Window(int(settings.number("search_rate")), 1.0)
        burst = int(settings.number("association_burst")) if calls else 0
        self.association = Window(burst, ASSOCIATION_SECONDS)
        self.day = Day(int(settings.number("daily_limit")), self.zone)
        self.association_day = Day(int(settings.number("association_daily")), self.zone)
        self._search_counts = settings.yes("search_counts_rolling")

    def arrive(self, pool: Pool, now: datetime, *, oauth: bool = False) -> Exceeded | None:
        """Count one request on arrival, or say which limit it ran into.

        An OAuth app has a window of its own for each account and no share in the day's quota.
        """
        if pool == "none":
            return None
        windows, days = self._of(pool)
        if oauth:
            windows, days = [self.oauth if one is self.rolling else one for one in windows], []
        for window in windows:
            if window.full(now):
                return SECONDLY if window is self.search else ROLLING
        if any(day.full(now) for day in days):
            return DAILY
        for window in windows:
            window.take(now)
        for day in days:
            day.used += 1
        return None

    def headers(self, pool: Pool, now: datetime, *, oauth: bool = False) -> dict[str, str]:
        """What HubSpot tells about the limits; nothing on searches, nothing of the day to an OAuth app."""
        if pool in {"search", "none"}:
            return {}
        self.day.ends(now)
        printed = {}
        if self.day.calls and not oauth:
            printed = {
                "X-HubSpot-RateLimit-Daily": str(self.day.calls),
                "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.day.calls - self.day.used)),
            }
        plain = self.oauth if oauth else self.rolling
        window = self.association if pool == "association" else plain
        if window.calls:
            a_second = max(1, round(window.calls / window.span.total_seconds()))
            remaining = max(0, window.remaining(now))
            printed |= {
                "X-HubSpot-RateLimit-Max": str(window.calls),
                "X-HubSpot-RateLimit-Remaining": str(remaining),
                "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(window.span.total_seconds() * 1000)),
                "X-HubSpot-RateLimit-Secondly": str(a_second),
                "X-HubSpot-RateLimit-Secondly-Remaining": str(min(a_second, remaining)),
            }
        return printed

    def _of(self, pool: Pool) -> tuple[list[Window], list[Day]]:
        if pool == "association":
            return [self.association], [self.association_day, self.day]
        if pool == "search":
            return [self.search, *([self.rolling] if self._search_counts else [])], [self.day]
        return [self.rolling], [self.day]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            f"switch time_zone does not take {name!r}; it takes a name like US/Eastern"
        ) from None
