"""The slots of processes as the databases keep them: one limit a bucket, one truth for all who exchange."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ml_connector.domain.sharing import Allowance, DayQuota, Report
from ml_connector.store.budget import SharedBudget
from ml_connector.store.database import Store

if TYPE_CHECKING:
    from ml_connector.domain.clock import Surroundings

ASSUMED = Allowance(10, 600.0, told=False)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def wish(slots: int, **rest: object) -> Report:
    given = {"allowance": ASSUMED, "wanted": (0, 0, slots, 0), **rest}
    return Report("hubspot", **given)  # type: ignore[arg-type]  # parts of a report by name


async def test_what_one_holds_the_other_does_not_get(store: Store, cid: int) -> None:
    budget = SharedBudget(store, cid)
    first = (await budget.exchange("one", [wish(7)], 60))["hubspot"]
    second = (await budget.exchange("two", [wish(7)], 60))["hubspot"]
    assert (first.slots, second.slots) == (7, 3)
    owing = (await budget.exchange("one", [wish(7, in_use=7)], 60))["hubspot"]
    assert (owing.slots, owing.held) == (5, 7)  # it may use its half, and holds what is still in the window
    assert (await budget.exchange("two", [wish(7, in_use=3)], 60))["hubspot"].slots == 3
    await budget.exchange("one", [wish(7, in_use=5)], 60)
    assert (await budget.exchange("two", [wish(7, in_use=3)], 60))["hubspot"].slots == 5


async def test_many_who_ask_at_once_are_never_given_more_than_there_is(
    store: Store, store_url: str, around: Surroundings, cid: int
) -> None:
    other = await Store.open(store_url, around=around)
    budgets = [SharedBudget(each, cid) for each in (store, other)]
    asked = [budgets[number % 2].exchange(f"p{number}", [wish(4)], 60) for number in range(8)]
    given = [grants["hubspot"].slots for grants in await asyncio.gather(*asked)]
    await other.close()
    assert sum(given) == 10


async def test_two_connections_share_nothing(store: Store, cid: int) -> None:
    one, two = SharedBudget(store, cid), SharedBudget(store, cid + 1)
    learnt = Allowance(4, 600.0, told=True)
    day = DayQuota(1000, 1, NOON)
    await one.exchange("p", [wish(4, allowance=learnt, pause_s=600.0, day=day)], 60)
    apart = (await two.exchange("p", [wish(10)], 60))["hubspot"]
    assert (apart.slots, apart.allowance, apart.pause_s, apart.day) == (10, ASSUMED, 0.0, None)


async def test_limit_pause_and_day_are_there_for_whoever_comes_next(store: Store, cid: int) -> None:
    budget = SharedBudget(store, cid)
    learnt, day = Allowance(4, 600.0, told=True), DayQuota(1000, 900, NOON)
    await budget.exchange("one", [wish(1, allowance=learnt, pause_s=600.0, day=day)], 60)
    older = DayQuota(1000, 950, NOON.replace(hour=11))
    heard = (await budget.exchange("two", [wish(1, day=older)], 60))["hubspot"]
    assert (heard.allowance, heard.day) == (learnt, day)
    assert 590 < heard.pause_s <= 600


async def test_who_says_goodbye_leaves_only_what_is_in_the_window(store: Store, cid: int) -> None:
    budget = SharedBudget(store, cid)
    await budget.exchange("one", [wish(10)], 60)
    await budget.exchange("one", [wish(0, in_use=4, free_in_s=600.0)], 0)
    assert (await budget.exchange("two", [wish(10)], 60))["hubspot"].slots == 6
