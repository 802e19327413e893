"""The daily sweep: what no single deal can show. It reads both systems and writes to neither."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deal_work import sweep_deals
from ml_connector.app.deals import approve_deal
from ml_connector.app.flows import order_flow
from ml_connector.app.replay import replay
from ml_connector.flows.orders.checks.sweep import KEPT, sweep_is_due
from ml_connector.store import progress
from ml_connector.store.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold
else:
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold

ONE_BY_ONE = {"orders": {"quiet_minutes": 0, "change_sets": "never"}}  # so that an order can stand half-way


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


def reference(shop: Office, deal: str) -> str:
    return f"HS-{shop.twins.announcement()['portal_id']}-{deal}"


async def header(shop: Office, deal: str, **further: Any) -> str:
    """A clerk enters an order with a reference of ours."""
    row = await shop.clerk_adds(
        "SalesOrderHeadersV2",
        dataAreaId="usmf",
        OrderingCustomerAccountNumber="US-001",
        InvoiceCustomerAccountNumber="US-001",
        CurrencyCode="USD",
        LanguageId="en-us",
        CustomersOrderReference=reference(shop, deal),
        **further,
    )
    return str(row["SalesOrderNumber"])


async def line(shop: Office, number: str) -> None:
    await shop.clerk_adds(
        "SalesOrderLinesV3",
        dataAreaId="usmf",
        SalesOrderNumber=number,
        ItemNumber=ITEM,
        OrderedSalesQuantity=1,
    )


async def found(shop: Office) -> dict[str, str]:
    """The causes a sweep finds, by deal; neither system is written to."""
    mark = shop.mark()
    findings = await sweep_deals(shop.at)
    assert shop.writes(mark) == []
    return {finding["deal"]: finding["cause"] for finding in findings}


@ON_BOTH_DATABASES
async def test_a_reference_seen_twice_is_found_and_is_resolved_when_it_is_mended(office: Office) -> None:
    shop = await sellable(office)
    deal = await sold(shop, (ITEM, {}))
    await approved(shop, deal)
    assert await found(shop) == {}
    number = await header(shop, deal)
    await line(shop, number)
    assert await found(shop) == {deal: "order.reference_twice"}
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.reference_twice", "finance")
    assert all(order["SalesOrderNumber"] in stuck.message for order in shop.orders())
    shop.clerk_changes("SalesOrderHeadersV2", f"usmf:{number}", CustomersOrderReference="")
    assert await found(shop) == {}
    assert await shop.stuck("orders") == {}


async def test_a_line_of_ours_that_stands_twice_is_found_and_lines_that_people_add_are_not(
    shop: Office,
) -> None:
    deal = await sold(shop, (ITEM, {}))
    await approved(shop, deal)
    number = str(shop.orders()[0]["SalesOrderNumber"])
    for _ in range(2):
        await line(shop, number)
    assert await found(shop) == {}
    ours = next(row for row in shop.lines() if row["CustomersLineNumber"] == 1)
    copied = ("dataAreaId", "SalesOrderNumber", "ItemNumber", "OrderedSalesQuantity", "CustomersLineNumber")
    await shop.clerk_adds("SalesOrderLinesV3", **{name: ours[name] for name in copied})
    assert await found(shop) == {deal: "order.line_twice"}
    assert number in (await shop.stuck("orders"))[deal].message


async def test_an_order_with_our_reference_and_no_deal_is_found(shop: Office) -> None:
    number = await header(shop, "4711")
    await line(shop, number)
    await line(shop, await header(shop, "x", CustomerRequisitionNumber="77"))
    assert await found(shop) == {"4711": "order.stray", "x": "order.stray"}
    assert number in (await shop.stuck("orders"))["4711"].message


async def test_a_header_without_lines_is_found_unless_it_is_being_finished(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A deal that is parked half-way tells of it itself."""
    shop = await sellable(await start(settings=ONE_BY_ONE))
    half = await sold(shop, (ITEM, {}), (OTHER_ITEM, {}))
    done = await sold(shop, (ITEM, {}))
    await approved(shop, done)
    refused = {"error": {"message": "Write failed. Infolog: Error: The item is being counted."}}
    of_lines = r"/data/(\$batch|SalesOrderLines)"
    shop.fault("dynamics", "status", "POST", of_lines, status=400, body=refused, times=0)
    assert (await approve_deal(shop.at, half, by="Kim"))["state"] == "parked"
    assert [order["SalesOrderStatus"] for order in shop.orders()].count("None") == 1
    assert await found(shop) == {}
    await header(shop, done)  # one of a deal that has its order: nobody is about to finish it
    causes = {finding["cause"] for finding in await sweep_deals(shop.at)}
    assert causes == {"order.header_only", "order.reference_twice"}
    assert (await shop.stuck("orders"))[done].cause == "order.reference_twice"  # the graver of the two


async def test_a_won_deal_that_was_never_taken_up_is_found_and_begins_by_replay(shop: Office) -> None:
    """Its process is lost here, as when an older backup was restored."""
    deal = await sold(shop, (ITEM, {}))
    assert await found(shop) == {deal: "order.missed"}
    assert (await shop.stuck("orders"))[deal].turn == "it"
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert (result.outcome, await shop.stuck("orders")) == ("waiting", {})
    assert await found(shop) == {}


async def test_a_sweep_leaves_a_deal_alone_that_is_parked_for_its_own_reason(shop: Office) -> None:
    deal = await sold(shop)
    await shop.figures("orders")
    await line(shop, await header(shop, deal))
    await line(shop, await header(shop, deal, CustomerRequisitionNumber="2"))
    assert await found(shop) == {deal: "order.reference_twice"}
    assert (await shop.stuck("orders"))[deal].cause == "order.no_lines"


async def test_the_sweep_belongs_to_a_pass_once_a_day(shop: Office) -> None:
    await line(shop, await header(shop, "4711"))
    for _ in range(2):
        await shop.figures("orders")
        assert await shop.stuck("orders") == {}
    flow = await order_flow(shop.at)
    assert not await sweep_is_due(flow)
    yesterday = shop.around.clock.now() - timedelta(days=1)
    async with shop.at.store.write() as tx:
        cid = shop.at.connection.connection_id
        await progress.save(tx, cid, Progress(flow=KEPT, run_id="", details={"at": yesterday.isoformat()}))
    await shop.figures("orders")
    assert set(await shop.stuck("orders")) == {"4711"}
    assert not await sweep_is_due(flow)
