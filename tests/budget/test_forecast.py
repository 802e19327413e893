"""When a backfill ends, foretold, and then made against the limits of HubSpot's twin in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING

import pytest
from tests.budget.conftest import LoopClock
from tests.simulation.virtual_loop import VirtualLoop

from ml_connector.domain.clock import Surroundings
from ml_connector.domain.forecast import Pace, Today, ends_in_s
from ml_connector.domain.priority import Priority
from ml_connector.errors import ThrottledError
from ml_connector.systems.hubspot.faults import JUDGE
from ml_connector.transport.budget import MemoryLedger
from ml_connector.twin.hubspot.limits import Limits
from ml_connector.twin.hubspot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

ZONE = "US/Eastern"  # the twin's own
ANSWER_S = 0.1


class Backfill:
    """Sixteen lanes that call, and wait where they are told to."""

    def __init__(self, limit: tuple[int, float], daily: int) -> None:
        self.clock = LoopClock()
        chance = random.Random(3)  # noqa: S311 - repeatable on purpose
        self.ledger = MemoryLedger(Surroundings(self.clock, chance, lambda: "id", chance.randbytes))
        self.ledger.day_of("hubspot", time_zone=ZONE, reserve=0.2)
        self.limits = Limits(limit, Settings({"daily_limit": str(daily), "time_zone": ZONE}))
        self.ledger.learn("hubspot", *limit)
        self.refused = 0

    async def call(self) -> None:
        while True:
            try:
                slot = await self.ledger.acquire(("hubspot",), priority=Priority.BACKFILLS)
            except ThrottledError as error:
                await asyncio.sleep(error.retry_after_s)
                continue
            await asyncio.sleep(ANSWER_S / 2)
            self.refused += self.limits.arrive("plain", self.clock.now()) is not None
            headers = self.limits.headers("plain", self.clock.now())
            await asyncio.sleep(ANSWER_S / 2)
            self.learn({name.lower(): value for name, value in headers.items()})
            slot.answered()
            return

    def learn(self, headers: Mapping[str, str]) -> None:
        day = JUDGE.day(headers)
        if day is not None:
            self.ledger.learn_day("hubspot", day.calls, day.left)

    async def make(self, calls: int) -> float:
        left = iter(range(calls))

        async def lane() -> None:
            for _ in left:
                await self.call()

        began = self.clock.elapsed_s()
        await asyncio.gather(*(lane() for _ in range(16)))
        return self.clock.elapsed_s() - began


@pytest.mark.parametrize(
    ("limit", "daily", "calls"),
    [
        ((190, 10.0), 1_000_000, 150),
        ((190, 10.0), 1_000_000, 1000),
        ((190, 10.0), 1_000_000, 5000),
        ((100, 10.0), 250_000, 3000),
        ((19, 1.0), 1_000_000, 2000),
        ((190, 10.0), 2_000, 1_500),  # within the day
        ((190, 10.0), 2_000, 2_500),  # past midnight
        ((190, 10.0), 1_000, 3_000),  # over several days
    ],
)
def test_a_backfill_ends_when_it_was_foretold(limit: tuple[int, float], daily: int, calls: int) -> None:
    loop = VirtualLoop()

    async def main() -> tuple[float, float, int]:
        backfill = Backfill(limit, daily)
        now = backfill.clock.now()
        today = Today(daily, daily, (backfill.limits.day.ends(now) - now).total_seconds(), 0.2)
        foretold = ends_in_s(calls, Pace(*limit, answer_s=ANSWER_S, today=today))
        return foretold, await backfill.make(calls), backfill.refused

    try:
        foretold, took, refused = loop.run_until_complete(main())
    finally:
        loop.close()
    assert refused == 0
    assert foretold == pytest.approx(took, rel=0.1)


def test_half_of_the_limit_takes_twice_as_long() -> None:
    whole, half = Pace(190, 10.0), Pace(190, 10.0, share=0.5)
    assert ends_in_s(19_000, half) == pytest.approx(2 * ends_in_s(19_000, whole), rel=0.02)


def test_where_the_reserve_leaves_nothing_a_backfill_never_ends() -> None:
    assert ends_in_s(1, Pace(190, 10.0, today=Today(1, 1, 60.0, 0.5))) == math.inf


def test_nothing_to_do_takes_no_time() -> None:
    assert ends_in_s(0, Pace(190, 10.0)) == 0
