"""The calls of a day: a reserve is left to orders and to other programs, until the portal's midnight (A16)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.transport.conftest import Answer

from ml_connector.domain.clock import Surroundings
from ml_connector.domain.priority import Priority
from ml_connector.errors import DAILY_LIMIT, ThrottledError
from ml_connector.systems.hubspot.faults import JUDGE
from ml_connector.transport.budget import MemoryLedger
from ml_connector.transport.judge import Again, DayLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.transport.conftest import Loopback

    from ml_connector.transport.http import Transport

BERLIN = "Europe/Berlin"


@dataclass
class Clock:
    at: datetime = datetime(2026, 3, 2, 15, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def elapsed_s(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> MemoryLedger:
    chance = random.Random(1)  # noqa: S311 - repeatable on purpose
    made = MemoryLedger(Surroundings(clock, chance, lambda: "id", chance.randbytes))
    made.day_of("hubspot", time_zone=BERLIN, reserve=0.2)
    return made


async def passes(ledger: MemoryLedger, priority: Priority, bucket: str = "hubspot") -> bool:
    try:
        (await ledger.acquire((bucket,), priority=priority)).answered()
    except ThrottledError as error:
        return error.code != DAILY_LIMIT
    return True


async def test_when_only_the_reserve_is_left_polls_and_backfills_stop_and_orders_and_events_go_on(
    ledger: MemoryLedger,
) -> None:
    ledger.learn_day("hubspot", 1000, 201)
    assert [await passes(ledger, each) for each in Priority] == [True] * 4
    ledger.learn_day("hubspot", 1000, 200)
    assert [await passes(ledger, each) for each in Priority] == [True, True, False, False]


async def test_calls_under_way_count_as_used(ledger: MemoryLedger) -> None:
    ledger.learn_day("hubspot", 1000, 203)
    held = [await ledger.acquire(("hubspot",), priority=Priority.POLLS) for _ in range(3)]
    assert not await passes(ledger, Priority.POLLS)
    for slot in held:
        slot.answered()
    assert await passes(ledger, Priority.POLLS)


async def test_when_the_day_is_used_up_nobody_calls_before_the_midnight_of_the_portal(
    ledger: MemoryLedger, clock: Clock
) -> None:
    ledger.learn_day("hubspot", 1000, 0)
    assert [await passes(ledger, each) for each in Priority] == [False] * 4
    assert not await passes(ledger, Priority.ORDERS, "hubspot.associations")
    with pytest.raises(ThrottledError) as told:
        await ledger.acquire(("hubspot",))
    midnight = datetime(2026, 3, 2, 23, tzinfo=UTC)  # of Berlin
    assert told.value.retry_after_s == (midnight - clock.at).total_seconds()
    clock.at = midnight - timedelta(minutes=10)
    ledger.learn_day("hubspot", 1000, 0)
    assert not await passes(ledger, Priority.ORDERS)
    clock.at = midnight
    assert [await passes(ledger, each) for each in Priority] == [True] * 4


async def test_what_was_told_an_hour_ago_is_asked_again(ledger: MemoryLedger, clock: Clock) -> None:
    """A clock that is ahead would else take yesterday's last word for the whole of today."""
    ledger.learn_day("hubspot", 1000, 0)
    clock.at += timedelta(minutes=61)
    assert await passes(ledger, Priority.POLLS)


async def test_a_side_that_tells_nothing_of_a_day_is_not_held_to_one(ledger: MemoryLedger) -> None:
    assert [await passes(ledger, each) for each in Priority] == [True] * 4


async def test_the_other_side_goes_on_when_the_day_of_one_is_used_up(ledger: MemoryLedger) -> None:
    ledger.learn_day("hubspot", 1000, 0)
    assert await passes(ledger, Priority.BACKFILLS, "dynamics")


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {"x-hubspot-ratelimit-daily": "250000", "x-hubspot-ratelimit-daily-remaining": "17"},
            DayLimit(250000, 17),
        ),
        ({"x-hubspot-ratelimit-daily": "250000"}, None),
        ({"x-hubspot-ratelimit-daily": "many", "x-hubspot-ratelimit-daily-remaining": "-1"}, None),
        ({}, None),
    ],
)
def test_hubspots_headers_tell_of_the_day(headers: dict[str, str], told: DayLimit | None) -> None:
    assert JUDGE.day(headers) == told


async def test_a_429_of_the_day_waits_no_longer_than_the_day(
    connect: Callable[..., Transport], loopback: Loopback, ledger: MemoryLedger, clock: Clock
) -> None:
    from ml_connector.transport.judge import Judge
    from ml_connector.transport.request import ReadRequest

    def verdict(*_: object) -> Again:
        return Again(after_s=3600.0, throttled=True, pause=True, bucket="plain", day_is_spent=True)

    clock.at = datetime(2026, 3, 2, 22, 50, tzinfo=UTC)
    ledger.day_of("plain", time_zone=BERLIN, reserve=0.2)
    loopback.answer = Answer(status=429)
    judge = Judge(verdict, lambda *_: ThrottledError("x", retry_after_s=0))
    transport = connect(budget=ledger, judge=judge)
    with pytest.raises(ThrottledError) as told:
        await transport.read(ReadRequest("plain", "GET", "/things", "things"))
    assert told.value.retry_after_s == 600
    with pytest.raises(ThrottledError) as again:
        await transport.read(ReadRequest("plain", "GET", "/things", "things"))
    assert again.value.code == DAILY_LIMIT
    assert len(loopback.seen) == 1
