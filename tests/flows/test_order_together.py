"""Deals won together: worked on at once, and written one order at a time in each legal entity."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import GROUPS, company, customers_of, first_deal, newcomers, ordered_by
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, OTHER_ITEM, sellable, sold
else:
    from newcomer import (  # pytest puts this folder on the path
        GROUPS,
        company,
        customers_of,
        first_deal,
        newcomers,
        ordered_by,
    )
    from office import ON_BOTH_DATABASES, Office
    from selling import ITEM, OTHER_ITEM, sellable, sold

HEADERS, LINES = "SalesOrderHeadersV2", "SalesOrderLinesV3"


async def shop_of(start: Callable[..., Awaitable[Office]], **orders: Any) -> Office:
    """An office with a customer in each of two legal entities, and an F&O that takes its time."""
    chosen = {"quiet_minutes": 0, "release": "automatic", "change_sets": "never", **orders}
    shop = await sellable(await start(settings={"orders": chosen}))
    await shop.customer("demf:DE-001")
    await shop.sync("customers")
    shop.slow("dynamics", 0.05)
    return shop


async def won(shop: Office, *buyers: str) -> None:
    for buyer in buyers:
        currency = "EUR" if buyer.startswith("demf") else "USD"
        await sold(
            shop,
            (ITEM, {}),
            (OTHER_ITEM, {}),
            companies=[shop.company_id(buyer)],
            deal_currency_code=currency,
        )


def entities_in_turn(shop: Office, since: int) -> dict[str, list[str]]:
    """By legal entity the orders that were written to, one name for each run of writes to one order."""
    found: dict[str, list[str]] = {}
    numbers = {row["CustomersOrderReference"]: row["SalesOrderNumber"] for row in shop.orders()}
    for row in shop.writes(since):
        if row.method == "POST" and row.path.rpartition("/")[2] in {HEADERS, LINES}:
            body = row.body
            number = body.get("SalesOrderNumber") or numbers[body["CustomersOrderReference"]]
            found.setdefault(body["dataAreaId"], []).append(number)
    return {entity: [number for number, _ in groupby(each)] for entity, each in found.items()}


def were_mixed(shop: Office, since: int) -> bool:
    """Whether a write to one legal entity came between two to the same order of another."""
    written = [
        row.body["dataAreaId"]
        for row in shop.writes(since)
        if row.method == "POST" and row.path.rpartition("/")[2] in {HEADERS, LINES}
    ]
    return len(list(groupby(written))) > len(set(written))


@ON_BOTH_DATABASES
async def test_orders_of_a_legal_entity_are_written_one_by_one_and_those_of_several_side_by_side(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await shop_of(start)
    await won(shop, "usmf:US-001", "demf:DE-001", "usmf:US-001", "demf:DE-001", "usmf:US-001")
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 5, "created": 5}
    turns = entities_in_turn(shop, mark)
    assert {entity: len(numbers) for entity, numbers in turns.items()} == {"usmf": 3, "demf": 2}
    assert were_mixed(shop, mark)
    await shop.verified()


async def test_several_orders_at_once_are_a_setting(start: Callable[..., Awaitable[Office]]) -> None:
    shop = await shop_of(start, orders_at_once=4)
    await won(shop, *["usmf:US-001"] * 3)
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 3, "created": 3}
    assert len(entities_in_turn(shop, mark)["usmf"]) > 3
    assert len(shop.lines()) == 6


async def test_deals_of_one_new_company_that_are_worked_on_at_once_make_one_customer_and_none_waits(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start, rules=GROUPS, new_customers="create", release="automatic")
    buyer = await company(office)
    for _ in range(3):
        await first_deal(office, buyer)
    office.slow("dynamics", 0.02)
    assert await office.figures("orders") == {"read": 3, "created": 3}
    [account] = customers_of(office)
    assert ordered_by(office) == [account] * 3
    await office.verified()


@pytest.mark.parametrize("at_once", [1, 8])
async def test_a_side_that_lets_nobody_in_ends_the_run_and_what_was_under_way_is_whole(
    start: Callable[..., Awaitable[Office]], at_once: int
) -> None:
    """The next run goes on where each deal stands, and each has one order."""
    shop = await shop_of(start, deals_at_once=at_once)
    await won(shop, *["usmf:US-001"] * 4)
    shop.fault("dynamics", "status", "POST", HEADERS, status=403, times=1)
    with pytest.raises(AccessError, match="may not use SalesOrderHeadersV2"):
        await shop.figures("orders")
    await shop.figures("orders")
    assert len(shop.orders()) == 4
    assert len(shop.lines()) == 8
    await shop.verified()
