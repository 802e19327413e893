"""Step place over real sockets: several writes in one call, numbers of ours, and what stands against what was sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deal_work import decide_deal
from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.replay import replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tests.flows.office import Office
    from tests.flows.selling import ITEM, OTHER_ITEM, sellable, sold

    from ml_connector.twin.wire import Request

    Start = Callable[..., Awaitable[Office]]
else:
    from office import Office  # noqa: TC002 - pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, sellable, sold

    Start = Any

MANUAL = {"order_numbers": "manual"}


def _writes(shop: Office, mark: int) -> list[tuple[str, str]]:
    """What F&O was asked to write since, in order."""
    return [(row.method, row.path) for row in shop.writes(mark) if row.side == "dynamics"]


async def _asked(shop: Office) -> str:
    deal = await sold(shop, (ITEM, {"quantity": "2"}), (OTHER_ITEM, {"quantity": "3"}))
    await shop.figures("orders")
    return deal


def _stopped_meanwhile(shop: Office, item: str) -> None:
    """A clerk stops the sales of an item while its order is on its way: the draft knew nothing of it."""

    def stop(_side: str, request: Request, _at: datetime) -> None:
        if request.method == "POST" and "token" not in request.path:
            shop.clerk_changes("ProductDefaultOrderSettings", f"usmf:{item}", IsSalesProcessingStopped="Yes")

    shop.twins.pair.shells["dynamics"].on_request.append(stop)


def _items(shop: Office) -> list[tuple[str, int, int]]:
    return [
        (line["ItemNumber"], line["OrderedSalesQuantity"], line["CustomersLineNumber"])
        for line in shop.lines()
    ]


BOTH_LINES = [(ITEM, 2, 1), (OTHER_ITEM, 3, 2)]


async def test_the_lines_of_an_order_go_in_one_call(start: Start) -> None:
    shop = await sellable(await start())
    deal, mark = await _asked(shop), shop.mark()
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    assert _writes(shop, mark) == [("POST", "/data/SalesOrderHeadersV2"), ("POST", "/data/$batch")]
    assert _items(shop) == BOTH_LINES
    await shop.verified()


async def test_where_people_choose_numbers_header_and_lines_go_in_one_call_under_ours(start: Start) -> None:
    shop = await sellable(await start(switches=MANUAL))
    deal, mark = await _asked(shop), shop.mark()
    done = await approve_deal(shop.at, deal, by="Kim")
    assert (done["state"], done["number"]) == ("done", f"HS{deal}")
    assert _writes(shop, mark) == [("POST", "/data/$batch")]
    assert [order["SalesOrderNumber"] for order in shop.orders()] == [f"HS{deal}"]
    assert _items(shop) == BOTH_LINES
    await shop.verified()


@pytest.mark.parametrize("how", ["reset-after-commit", "reset-before", "late-commit"])
async def test_a_header_with_a_number_of_ours_needs_no_patience_after_a_lost_answer(
    start: Start, how: str
) -> None:
    """A repeat cannot make a second order: it is refused, or what it finds is adopted; nobody waits 15 minutes."""
    one_by_one = {"orders": {"quiet_minutes": 0, "change_sets": "never"}}
    shop = await sellable(await start(settings=one_by_one, switches=MANUAL))
    deal = await _asked(shop)
    late: dict[str, Any] = {"seconds": 0.3, "reset": True} if how == "late-commit" else {}
    shop.fault("dynamics", how, "POST", "SalesOrderHeadersV2", **late)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "waiting"
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    assert [order["SalesOrderNumber"] for order in shop.orders()] == [f"HS{deal}"]
    assert _items(shop) == BOTH_LINES
    await shop.verified()


@pytest.mark.parametrize("change_sets", ["atomic", "separate"])
@pytest.mark.parametrize("how", ["reset-after-commit", "reset-before", "late-commit"])
async def test_an_order_that_went_whole_is_patient_for_its_lines(
    start: Start, how: str, change_sets: str
) -> None:
    """A number of ours guards the header; where a change set is not kept whole, nothing guards a line but time."""
    shop = await sellable(await start(switches={**MANUAL, "batch_changesets": change_sets}))
    deal = await _asked(shop)
    late: dict[str, Any] = {"seconds": 1.5, "reset": True} if how == "late-commit" else {}
    shop.fault("dynamics", how, "POST", "batch", **late)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "waiting"
    await shop.figures("orders")  # somebody runs a pass at once
    await shop.twins.pair.shells["dynamics"].idle()
    shop.later(timedelta(hours=1))
    await shop.figures("orders")
    assert (await shop.process(deal)).state == "done"
    assert [order["SalesOrderNumber"] for order in shop.orders()] == [f"HS{deal}"]
    assert _items(shop) == BOTH_LINES
    await shop.verified()


async def test_a_number_that_another_order_has_parks_the_deal(start: Start) -> None:
    shop = await sellable(await start(switches=MANUAL))
    deal = await _asked(shop)
    await shop.clerk_adds(
        "SalesOrderHeadersV2",
        dataAreaId="usmf",
        SalesOrderNumber=f"HS{deal}",
        OrderingCustomerAccountNumber="US-001",
        InvoiceCustomerAccountNumber="US-001",
        CurrencyCode="USD",
        LanguageId="en-US",
        CustomersOrderReference="a clerk's own",
    )
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.number_taken", "finance")
    assert "a clerk's own" in stuck.message
    assert shop.lines() == []


@pytest.mark.parametrize("change_sets", ["atomic", "separate"])
@pytest.mark.parametrize("numbers", ["auto", "manual"])
async def test_a_line_that_is_refused_is_named_and_the_order_is_finished_once_it_may_be(
    start: Start, change_sets: str, numbers: str
) -> None:
    """Whether F&O takes a change set as a whole or part by part: one header, no line twice."""
    switches = {"batch_changesets": change_sets, "order_numbers": numbers}
    shop = await sellable(await start(switches=switches))
    deal = await _asked(shop)
    _stopped_meanwhile(shop, OTHER_ITEM)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    assert OTHER_ITEM in (await shop.stuck("orders"))[deal].message
    assert _items(shop) == BOTH_LINES[:1]
    shop.twins.pair.shells["dynamics"].on_request.pop()
    shop.clerk_changes("ProductDefaultOrderSettings", f"usmf:{OTHER_ITEM}", IsSalesProcessingStopped="No")
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert result.outcome == "done"
    assert (len(shop.orders()), _items(shop)) == (1, BOTH_LINES)
    await shop.verified()


async def test_a_discount_that_dynamics_adds_is_seen_when_the_order_is_read_back(start: Start) -> None:
    switches = {"trade_agreement_percent": "10", "agreement_when_sent": "overrides"}
    shop = await sellable(await start(switches=switches))
    deal = await _asked(shop)
    await approve_deal(shop.at, deal, by="Kim")
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.differs", "finance")
    assert "LineDiscountPercentage: sent 0, stands 10" in stuck.message
    assert "line 1 amounts to" in stuck.message


async def test_a_call_that_came_too_soon_is_tried_again_and_nothing_stands_twice(start: Start) -> None:
    shop = await sellable(await start())
    deal = await _asked(shop)
    busy = {"error": {"message": "This request could not be processed at this time."}}
    shop.fault("dynamics", "status", "POST", "batch", status=429, body=busy)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    assert _items(shop) == BOTH_LINES
    await shop.verified()


async def test_a_price_of_dynamics_that_is_too_far_off_can_be_corrected_there_or_accepted_once(
    start: Start,
) -> None:
    """The deal's line cannot mend it, for the order stands; what became of the price is told on the deal's page."""
    orders = {"quiet_minutes": 0, "release": "automatic", "price_policy": "dynamics"}
    shop = await sellable(await start(settings={"orders": orders}))
    corrected, accepted = [await sold(shop, (ITEM, {"price": "90"})) for _ in range(2)]
    await shop.figures("orders")
    line = shop.lines()[0]
    for deal in (corrected, accepted):
        assert (await shop.stuck("orders"))[deal].cause == "order.price_differs"
        shop.rep_changes("line_items", shop.line_of(deal), price=str(line["SalesPrice"]))
    await replay(shop.at, [f"deals/{corrected}", f"deals/{accepted}"])
    assert len(await shop.stuck("orders")) == 2
    shop.clerk_changes("SalesOrderLinesV3", f"usmf:{line['InventoryLotId']}", SalesPrice=90, LineAmount=90)
    await replay(shop.at, [f"deals/{corrected}"])
    async with shop.opened(orders={**orders, "price_tolerance": "5"}) as place:
        await replay(place, [f"deals/{accepted}"])
    assert [(await shop.process(deal)).state for deal in (corrected, accepted)] == ["done", "done"]
    assert (await show_deal(shop.at, corrected))["notes"] == []
    [note] = (await show_deal(shop.at, accepted))["notes"]
    assert "the deal says 90.00 USD, Dynamics" in note


async def test_where_numbers_are_ours_a_revision_has_one_of_its_own(start: Start) -> None:
    """Else the second order of a deal would meet the number of the first."""
    shop = await sellable(await start(settings={"orders": {"quiet_minutes": 0}}, switches=MANUAL))
    deal = await _asked(shop)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    await decide_deal(shop.at, deal, ["again"], by="Kim", reason="ordered once more")
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    assert [order["SalesOrderNumber"] for order in shop.orders()] == [f"HS{deal}", f"HS{deal}R2"]
