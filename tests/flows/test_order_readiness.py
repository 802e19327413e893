"""Ready or not, before the deal is won: the same steps, nothing written to Dynamics."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ml_connector.app.deal_work import check
from ml_connector.app.plan import Wanted, plan
from ml_connector.app.sync import sync
from ml_connector.flows.orders.checks import readiness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import GROUPS, company, first_deal, newcomers
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, sellable, sold
else:
    from newcomer import GROUPS, company, first_deal, newcomers  # pytest puts this folder on the path
    from office import ON_BOTH_DATABASES, Office
    from selling import ITEM, sellable, sold

READY = "d365_order_readiness"


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def test_an_open_deal_is_checked_with_its_draft_or_what_is_missing_and_nothing_is_written(
    shop: Office,
) -> None:
    good = await sold(shop, (ITEM, {"quantity": "2"}), win=False)
    bad = await sold(shop, (ITEM, {}), ("NO-SUCH", {}), win=False)
    mark = shop.mark()
    ready = await check(shop.at, f"deals/{good}")
    assert (ready["ready"], ready["readiness"], ready["stopped"]) == (True, "Ready", None)
    assert (str(ready["draft"]["total"]), ready["draft"]["reference"].endswith(good)) == ("200.00", True)
    missing = await check(shop.at, bad)
    assert (missing["ready"], missing["draft"]) == (False, None)
    assert (missing["stopped"]["step"], missing["stopped"]["cause"]) == ("products", "order.item_unknown")
    assert "NO-SUCH" in missing["readiness"]
    assert missing["stopped"]["next_action"] in missing["readiness"]
    gone = await check(shop.at, "1")
    assert gone["stopped"]["cause"] == "order.deal_gone"
    assert shop.writes(mark) == []


@ON_BOTH_DATABASES
async def test_readiness_is_kept_on_open_deals_and_only_what_changed_is_written(
    start: Callable[..., Awaitable[Office]],
) -> None:
    settings = {"orders": {"quiet_minutes": 0, "readiness": True}}
    shop = await sellable(await start(settings=settings, switches={"search_lag_s": "0"}))
    good = await sold(shop, (ITEM, {}), win=False)
    bad = await sold(shop, win=False)
    won = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    assert shop.deal(good)[READY] == "Ready"
    assert shop.deal(bad)[READY].startswith("The deal has no line items: ")
    assert not shop.deal(won).get(READY)

    await shop.figures("orders")
    mark, calls = shop.mark(), shop.calls("dynamics")
    await shop.figures("orders")
    assert (shop.writes(mark), calls) == ([], []), "nothing has changed: nothing is checked"

    await shop.new_line(bad, ITEM)
    shop.rep_changes("deals", bad, dealname="With a line")
    mark = shop.mark()
    await shop.figures("orders")
    assert shop.deal(bad)[READY] == "Ready"
    assert [list(row.keys) for row in shop.writes(mark)] == [[bad]]
    await shop.verified()


async def test_an_open_deal_that_does_not_change_is_looked_at_again_after_some_hours(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Dynamics changes, too, and days pass."""
    orders = {"quiet_minutes": 0, "readiness": True, "readiness_hours": 4}
    shop = await sellable(await start(settings={"orders": orders}, switches={"search_lag_s": "0"}))
    await shop.customer("usmf:US-002")
    today = shop.around.clock.now().date().isoformat()
    held = await sold(shop, (ITEM, {}), win=False, d365_customer_account="US-002")
    late = await sold(shop, (ITEM, {}), win=False, d365_requested_date=today)
    for _ in range(2):
        await shop.figures("orders")
    assert (shop.deal(held)[READY], shop.deal(late)[READY]) == ("Ready", "Ready")
    shop.clerk_changes("CustomersV3", "usmf:US-002", OnHoldStatus="All")
    shop.later(timedelta(hours=3))
    await shop.figures("orders")
    assert shop.deal(held)[READY] == "Ready"
    shop.later(timedelta(hours=1))
    await shop.figures("orders")
    assert shop.deal(held)[READY].startswith("The customer is on hold: ")
    assert shop.deal(late)[READY] == "Ready"
    shop.later(timedelta(days=2))
    await shop.figures("orders")
    assert shop.deal(late)[READY].startswith("The requested date is past: ")
    mark = shop.mark()
    shop.later(timedelta(hours=5))
    for _ in range(2):
        await shop.figures("orders")
    assert shop.writes(mark) == [], "words that stand already are not written again"
    await shop.verified()


async def test_a_round_of_more_deals_than_one_pass_looks_at_is_finished_by_the_next(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = {"quiet_minutes": 0, "readiness": True, "readiness_hours": 4}
    shop = await sellable(await start(settings={"orders": orders}, switches={"search_lag_s": "0"}))
    deals = [await sold(shop, (ITEM, {}), win=False) for _ in range(5)]
    for _ in range(2):
        await shop.figures("orders")
    monkeypatch.setattr(readiness, "MOST", 2)
    shop.clerk_changes("CustomersV3", "usmf:US-001", OnHoldStatus="All")
    shop.later(timedelta(hours=4))
    shown = []
    for _ in range(8):  # a deal whose words were written is looked at once more, as changed
        await shop.figures("orders")
        shown.append(sum("on hold" in shop.deal(deal)[READY] for deal in deals))
    assert (shown[0], shown[-1]) == (2, 5)


async def test_readiness_of_more_deals_than_one_pass_checks_is_finished_by_the_next(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "MOST", 2)
    settings = {"orders": {"quiet_minutes": 0, "readiness": True}}
    shop = await sellable(await start(settings=settings, switches={"search_lag_s": "0"}))
    deals = [await sold(shop, (ITEM, {}), win=False, **{READY: "Ready"}) for _ in range(3)]
    deals += [await sold(shop, (ITEM, {}), win=False) for _ in range(3)]
    shown = []
    for _ in range(4):
        await shop.figures("orders")
        shown.append(sum(shop.deal(deal).get(READY) == "Ready" for deal in deals))
    assert shown[0] == 3, "the first ones were right already, and are not checked for ever"
    assert shown[-1] == 6


async def test_readiness_is_kept_in_the_chosen_stages_only(start: Callable[..., Awaitable[Office]]) -> None:
    orders = {"quiet_minutes": 0, "readiness": True, "readiness_stages": ["contractsent"]}
    shop = await sellable(await start(settings={"orders": orders}, switches={"search_lag_s": "0"}))
    early = await sold(shop, (ITEM, {}), win=False)
    late = await sold(shop, (ITEM, {}), win=False, dealstage="contractsent")
    await shop.figures("orders")
    assert (shop.deal(early).get(READY), shop.deal(late)[READY]) == (None, "Ready")


async def test_a_plan_of_orders_tells_what_would_become_of_each_deal(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Seen or not; and nothing is written to either system or to the store."""
    settings = {"orders": {"quiet_minutes": 0, "release": "automatic", "most_amount": 1000}}
    shop = await sellable(await start(settings=settings))
    done = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    parked = await sold(shop)
    large = await sold(shop, (ITEM, {"price": "5000"}))
    await shop.figures("orders")
    fresh = await sold(shop, (ITEM, {}))
    mark = shop.mark()
    found = (await plan(shop.at, ["orders"], Wanted()))["orders"]
    assert {row["deal"]: row["what"] for row in found["deals"]} == {
        parked: "park",
        large: "ask",
        fresh: "place",
    }
    rows = {row["deal"]: row for row in found["deals"]}
    assert rows[parked]["stopped"]["cause"] == "order.no_lines"
    assert "1000" in rows[large]["message"]
    assert (rows[fresh]["total"], rows[fresh]["customer"]) == ("100.00", "US-001 Works")
    assert found["counts"]["done"] == 1
    assert (await shop.process(done)).state == "done"
    assert shop.writes(mark) == []
    with pytest.raises(AssertionError):
        await shop.process(fresh)
    assert await shop.figures("orders") == {
        "read": 4,
        "created": 1,
        "unchanged": 1,
        "parked": 1,
        "waiting": 1,
    }
    assert (await shop.process(fresh)).state == "done"


async def test_a_plan_of_orders_foresees_who_will_be_asked(start: Callable[..., Awaitable[Office]]) -> None:
    """What a person was asked stays asked; beyond the pace of an hour the rest asks. The pass does the same."""
    shop = await sellable(await start(settings={"orders": {"quiet_minutes": 0}}))
    asked = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    fresh = [await sold(shop, (ITEM, {})) for _ in range(3)]
    automatic = {"quiet_minutes": 0, "most_in_an_hour": 2, "release": "automatic"}
    async with shop.opened(orders=automatic) as place:
        found = (await plan(place, ["orders"], Wanted()))["orders"]
        await sync(place, ["orders"])
    assert (found["counts"]["place"], found["counts"]["ask"]) == (2, 2)
    foreseen = {row["deal"]: row for row in found["deals"]}
    assert foreseen[asked]["what"] == "ask"
    [held] = [foreseen[deal]["message"] for deal in fresh if foreseen[deal]["what"] == "ask"]
    assert held == "2 orders were released within an hour, and more than 2 wait for a person"
    became = {deal: (await shop.process(deal)).state for deal in (asked, *fresh)}
    assert became == {deal: "done" if foreseen[deal]["what"] == "place" else "waiting" for deal in became}


async def test_a_plan_of_orders_foresees_that_a_new_customer_asks(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start, rules=GROUPS, release="automatic")
    await office.sync("products")
    deal = await first_deal(office, await company(office))
    found = (await plan(office.at, ["orders"], Wanted()))["orders"]
    assert [(row["deal"], row["what"], row["message"]) for row in found["deals"]] == [
        (deal, "ask", "Birk Foundry becomes a customer of usmf.")
    ]
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
