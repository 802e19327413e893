"""When a flow runs next: every so often, or by a cron expression in a time zone; never within its quiet hours.

A cron expression means the clock on the wall. Where that clock jumps ahead, what was due in the gap runs once, at its
end; where it goes back, a time that comes twice runs once, at its first coming. An expression that runs in every hour
goes on through both, as an interval does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter  # type: ignore[import-untyped]  # it comes without types

from ml_connector.errors import ConfigurationError

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=31)
MOST_QUIET = 20  # times in a row that may lie within quiet hours: each is on another day
A_DAY_OF_NO_CHANGE = datetime(2026, 1, 5, tzinfo=UTC)
_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}
_EVERY = re.compile(r"(?:every\s+)?(\d+)?\s*([a-z]+?)s?", re.IGNORECASE)
_QUIET = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_CRON_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day, by the wall clock, within which no run begins; they may go over midnight."""

    begins: time
    ends: time

    def holds(self, at: time) -> bool:
        """Whether a time of day lies within."""
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One of ``every`` and ``cron``; the zone is that of the cron expression and of the quiet hours."""

    every: timedelta | None
    cron: str = ""
    time_zone: str = "UTC"
    quiet: Quiet | None = None

    @property
    def rule(self) -> str:
        """As it is stored, and as ``schedule_of`` reads it."""
        return self.cron if self.every is None else f"every {_in_words(self.every)}"

    @property
    def interval(self) -> timedelta:
        """How long two runs lie apart at most on an ordinary day: what "delayed" is measured by."""
        if self.every is not None:
            return self.every
        clock = croniter(self.cron, A_DAY_OF_NO_CHANGE)
        times = [clock.get_next(datetime) for _ in range(50)]
        gaps: list[timedelta] = [later - earlier for earlier, later in pairwise(times)]
        return max(gaps)


def schedule_of(rule: str, *, time_zone: str = "UTC", quiet: str = "") -> Schedule:
    """Read a schedule as a person writes it.

    Args:
        rule: "every 5 min", "30 s", "hour", or a cron expression of five fields ("0 6 * * 1-5").
        time_zone: A name of the IANA database: "Europe/Berlin".
        quiet: "22:00-06:00", or nothing.

    Raises:
        ConfigurationError: it cannot be read; the sentence says what is wrong with it.
    """
    text = " ".join(rule.split())
    _zone(time_zone)
    hours = _quiet(quiet)
    if len(text.split(" ")) == _CRON_FIELDS:
        if not croniter.is_valid(text):
            raise _wrong(f"'{rule}' is no cron expression: minute, hour, day, month, day of the week.")
        schedule = Schedule(None, text, time_zone, hours)
        next_run(schedule, A_DAY_OF_NO_CHANGE)
        return schedule
    found = _EVERY.fullmatch(text)
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise _wrong(f"'{rule}' is no schedule. Write 'every 5 min', 'every 2 hours' or a cron expression.")
    every = timedelta(seconds=int(found[1] or 1) * unit)
    if not SHORTEST <= every <= LONGEST:
        raise _wrong(f"'{rule}' lies outside of 1 second to {LONGEST.days} days.")
    return Schedule(every, "", time_zone, hours)


def next_run(schedule: Schedule, after: datetime) -> datetime:
    """The first moment later than ``after`` at which the schedule runs, in UTC.

    Raises:
        ConfigurationError: it never runs outside of its quiet hours.
    """
    found = _next(schedule, after)
    for _ in range(MOST_QUIET):
        if schedule.quiet is None or not schedule.quiet.holds(_wall(schedule, found).time()):
            return found
        ends = _end_of_quiet(schedule, found)
        found = ends if schedule.every is not None else _next(schedule, ends - timedelta(seconds=1))
    raise _wrong(f"'{schedule.rule}' never runs: all its times lie within {schedule.quiet}.")


def _next(schedule: Schedule, after: datetime) -> datetime:
    if schedule.every is not None:
        return after.astimezone(UTC) + schedule.every
    zone = _zone(schedule.time_zone)
    offset = after.astimezone(zone).utcoffset() or timedelta()
    if schedule.cron.split(" ")[1].startswith("*"):  # every hour: by a clock that does not jump
        clock = croniter(schedule.cron, (after.astimezone(UTC) + offset).replace(tzinfo=None))
        wall: datetime = clock.get_next(datetime)
        return (wall - offset).replace(tzinfo=UTC)
    # from a day earlier: in the hour after the clock went back, the wall shows times that have been
    clock = croniter(schedule.cron, after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1))
    while True:
        found = _moment(clock.get_next(datetime), zone)
        if found > after:
            return found


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall clock shows this; for a time in a gap, the end of the gap."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    before = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    behind = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    late = moment.astimezone(zone).replace(tzinfo=None) - wall  # the length of the gap
    low, high = moment - late, moment
    assert before < behind  # the clock jumped ahead
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if (middle.astimezone(zone).utcoffset() or timedelta()) == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _end_of_quiet(schedule: Schedule, at: datetime) -> datetime:
    assert schedule.quiet is not None
    wall = _wall(schedule, at)
    end = datetime.combine(wall.date(), schedule.quiet.ends)
    if end <= wall.replace(tzinfo=None):
        end += timedelta(days=1)
    return _moment(end, _zone(schedule.time_zone))


def _wall(schedule: Schedule, at: datetime) -> datetime:
    return at.astimezone(_zone(schedule.time_zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong(
            f"'{name}' is no time zone. Write it as Europe/Berlin, America/Chicago or UTC."
        ) from None


def _quiet(text: str) -> Quiet | None:
    if not text.strip():
        return None
    found = _QUIET.fullmatch(text.strip())
    try:
        hours = [time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))] if found else []
    except ValueError:
        hours = []
    if not hours or hours[0] == hours[1]:
        raise _wrong(f"'{text}' are no quiet hours. Write them as 22:00-06:00.")
    return Quiet(*hours)


def _in_words(every: timedelta) -> str:
    seconds = int(every.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "min")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 and unit != 'min' else ''}"
    return f"{seconds} s"


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(sentence, code="configuration.schedule")
