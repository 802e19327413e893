"""When a flow runs next: by intervals, by the clock on the wall, around clock changes and quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.schedule import next_run, schedule_of
from ml_connector.errors import ConfigurationError

BERLIN = "Europe/Berlin"
ZONES = ("UTC", BERLIN, "America/Chicago", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
RULES = (
    "30 2 * * *",
    "0 6 * * 1-5",
    "*/5 * * * *",
    "15 */4 * * *",
    "0 0 1 * *",
    "every 90 s",
    "every 7 hours",
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - given its zone at once


def runs(rule: str, zone: str, since: str, count: int, quiet: str = "") -> list[str]:
    """So many runs after a moment, as UTC times."""
    schedule, at = schedule_of(rule, time_zone=zone, quiet=quiet), datetime.fromisoformat(since)
    found = []
    for _ in range(count):
        at = next_run(schedule, at)
        found.append(f"{at:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("written", "every"),
    [
        ("every 5 min", timedelta(minutes=5)),
        ("5m", timedelta(minutes=5)),
        ("every 2 hours", timedelta(hours=2)),
        ("hour", timedelta(hours=1)),
        ("every day", timedelta(days=1)),
        ("30 s", timedelta(seconds=30)),
    ],
)
def test_an_interval_is_read_as_people_write_it_and_stored_so_that_it_reads_the_same(
    written: str, every: timedelta
) -> None:
    schedule = schedule_of(written)
    assert schedule.every == every
    assert schedule_of(schedule.rule) == schedule


@pytest.mark.parametrize(
    "rule", ["", "often", "every", "every 0 min", "every 40 days", "61 * * * *", "* * * *", "every -5 min"]
)
def test_what_is_no_schedule_is_refused_with_a_sentence(rule: str) -> None:
    with pytest.raises(ConfigurationError, match=r"schedule|cron|outside"):
        schedule_of(rule)


@pytest.mark.parametrize(
    ("zone", "quiet"), [("Mars/Olympus", ""), ("UTC", "22-6"), ("UTC", "25:00-06:00"), ("UTC", "06:00-06:00")]
)
def test_an_unknown_zone_and_hours_that_are_none_are_refused(zone: str, quiet: str) -> None:
    with pytest.raises(ConfigurationError, match=r"time zone|quiet hours"):
        schedule_of("every 5 min", time_zone=zone, quiet=quiet)


def test_b8_a_time_in_the_gap_runs_once_at_its_end() -> None:
    """On 29 March 2026 Berlin's clocks go from 02:00 to 03:00: 02:30 never comes."""
    assert runs("30 2 * * *", BERLIN, "2026-03-28T12:00+00:00", 2) == ["2026-03-29 01:00", "2026-03-30 00:30"]


def test_b8_a_time_that_comes_twice_runs_once_at_its_first_coming() -> None:
    """On 25 October 2026 Berlin's clocks go from 03:00 back to 02:00: 02:30 comes at 00:30 and at 01:30 UTC."""
    assert runs("30 2 * * *", BERLIN, "2026-10-24T12:00+00:00", 2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_b8_what_runs_in_every_hour_runs_in_the_hour_that_comes_twice_as_well() -> None:
    found = runs("*/20 * * * *", BERLIN, "2026-10-25T00:30+00:00", 4)
    assert found == ["2026-10-25 00:40", "2026-10-25 01:00", "2026-10-25 01:20", "2026-10-25 01:40"]


def test_no_run_begins_within_quiet_hours_over_midnight() -> None:
    """An interval goes on when they end, a cron expression with its next time; both by the clock on the wall."""
    assert runs("every 5 min", BERLIN, "2026-07-01T19:58+00:00", 1, "22:00-06:00") == ["2026-07-02 04:00"]
    assert runs("10 * * * *", BERLIN, "2026-07-01T19:30+00:00", 1, "22:00-06:00") == ["2026-07-02 04:10"]


@given(rule=st.sampled_from(RULES), zone=st.sampled_from(ZONES), at=moments)
def test_a_run_lies_after_the_moment_asked_about_and_within_its_interval_and_a_clock_change(
    rule: str, zone: str, at: datetime
) -> None:
    schedule = schedule_of(rule, time_zone=zone)
    found = next_run(schedule, at)
    assert at < found
    longest = timedelta(days=31) if rule == "0 0 1 * *" else schedule.interval
    assert found - at <= longest + timedelta(hours=1)


def test_a_time_that_is_always_quiet_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="never runs"):
        schedule_of("30 2 * * *", quiet="22:00-06:00")


@given(zone=st.sampled_from(ZONES), at=moments)
def test_a_daily_time_runs_once_for_each_day_of_the_wall_clock(zone: str, at: datetime) -> None:
    """Whatever the clocks do: no day is left out, and none has two runs."""
    schedule, days = schedule_of("30 2 * * *", time_zone=zone), []
    for _ in range(5):
        at = next_run(schedule, at)
        days.append(at.astimezone(ZoneInfo(zone)).date())
    assert days == [days[0] + timedelta(days=number) for number in range(5)]


@given(
    rule=st.sampled_from(RULES),
    zone=st.sampled_from(ZONES),
    at=moments,
    begins=st.integers(0, 23),
    length=st.integers(1, 20),
)
def test_no_run_begins_in_a_quiet_hour(rule: str, zone: str, at: datetime, begins: int, length: int) -> None:
    quiet = f"{begins:02}:00-{(begins + length) % 24:02}:00"
    try:
        schedule = schedule_of(rule, time_zone=zone, quiet=quiet)
    except ConfigurationError as refused:  # its only time of day is a quiet one
        assert "never runs" in refused.message  # noqa: PT017 - either outcome is right, each in its way
        return
    found = next_run(schedule, at).astimezone(ZoneInfo(zone))
    assert schedule.quiet is not None
    assert not schedule.quiet.holds(found.time())
