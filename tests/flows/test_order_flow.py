"""Won deals of HubSpot become sales orders in F&O."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.replay import replay
from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, ON_BOTH_IN_THE_TIER, Office
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold
else:
    from office import ON_BOTH_DATABASES, ON_BOTH_IN_THE_TIER, Office  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold


@pytest.fixture
async def shop(office: Office) -> Office:
    """One customer and the products stand in HubSpot."""
    return await sellable(office)


@pytest.fixture
async def one_by_one(start: Callable[..., Awaitable[Office]]) -> Office:
    """The same, each line sent by itself."""
    return await sellable(await start(settings={"orders": {"quiet_minutes": 0, "change_sets": "never"}}))


# --- from the won deal to the order ---


@ON_BOTH_DATABASES
async def test_a_won_deal_waits_for_approval_with_its_draft_and_the_rule_behind_each_value(
    office: Office,
) -> None:
    shop = await sellable(office)
    deal = await sold(
        shop, (ITEM, {"quantity": "2", "price": "250"}), (OTHER_ITEM, {"quantity": "5", "price": "19.9"})
    )
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert shop.orders() == []

    shown = await show_deal(shop.at, deal)
    assert (shown["step"], shown["release"], shown["total"]) == ("release", "asked", "599.50")
    draft = shown["draft"]
    header = {field["name"]: (field["value"], field["rule"]) for field in draft["header"]}
    assert header["OrderingCustomerAccountNumber"] == ("US-001", "the account of US-001 Works in usmf")
    assert header["dataAreaId"] == ("usmf", "the legal entity of the company's account")
    assert header["CustomersOrderReference"][0] == _reference(shop, deal)
    assert header["ArePricesIncludingSalesTax"][0] == "No"
    assert [line["title"] for line in draft["lines"]] == ["A line", "A line"]
    first = {field["name"]: field for field in draft["lines"][0]["fields"]}
    assert first["ItemNumber"]["value"] == ITEM
    assert first["SalesPrice"]["value"] == Decimal(250)
    assert first["SalesPriceQuantity"]["value"] == 1
    assert all(field["rule"] for line in draft["lines"] for field in line["fields"])
    assert _told(shop, deal) == ("Awaiting approval", "", "")

    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert shop.writes(mark) == []
    await shop.verified()


@ON_BOTH_DATABASES
async def test_an_approved_deal_becomes_one_order_and_its_number_stands_on_the_deal(office: Office) -> None:
    """Right reference, lines, prices, discounts and units; a second pass changes nothing."""
    shop = await sellable(office)
    deal = await sold(
        shop,
        (ITEM, {"quantity": "2", "price": "250", "hs_discount_percentage": "10"}),
        (OTHER_ITEM, {"quantity": "5", "price": "19.90", "discount": "0.4"}),
    )
    await shop.figures("orders")
    done = await approve_deal(shop.at, deal, by="Kim")
    assert (done["state"], done["approved_by"]) == ("done", "Kim")

    [order] = shop.orders()
    assert order["CustomersOrderReference"] == _reference(shop, deal)
    assert order["OrderingCustomerAccountNumber"] == order["InvoiceCustomerAccountNumber"] == "US-001"
    assert order["CurrencyCode"] == "USD"
    lines = [_told_line(line) for line in shop.lines()]
    unit, other_unit = (shop.releases()[item]["usmf"]["SalesUnitSymbol"] for item in (ITEM, OTHER_ITEM))
    assert lines == [
        (1, ITEM, Decimal(2), unit, Decimal(250), Decimal(1), Decimal(0), Decimal(10), Decimal("450.00")),
        (
            2,
            OTHER_ITEM,
            Decimal(5),
            other_unit,
            Decimal("19.9"),
            Decimal(1),
            Decimal("0.4"),
            Decimal(0),
            Decimal("97.50"),
        ),
    ]
    assert _told(shop, deal) == ("Open", "", order["SalesOrderNumber"])

    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert shop.writes(mark) == []
    with pytest.raises(ConnectorError, match="has its order already"):
        await approve_deal(shop.at, deal, by="Kim")
    await shop.verified()


def _reference(shop: Office, deal: str) -> str:
    return f"HS-{shop.twins.announcement()['portal_id']}-{deal}"


def _told(shop: Office, deal: str) -> tuple[str, str, str]:
    """What stands on the deal: status, message, number."""
    found = shop.deal(deal)
    names = ("d365_order_status", "d365_order_message", "d365_sales_order_number")
    status, message, number = (found.get(name) or "" for name in names)
    return status, message, number


def _told_line(line: dict[str, Any]) -> tuple[Any, ...]:
    names = (
        "CustomersLineNumber",
        "ItemNumber",
        "OrderedSalesQuantity",
        "SalesUnitSymbol",
        "SalesPrice",
        "SalesPriceQuantity",
        "LineDiscountAmount",
        "LineDiscountPercentage",
        "LineAmount",
    )
    return tuple(line[name] for name in names)


async def test_with_automatic_release_an_order_is_placed_without_anybody(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await sellable(await start(settings={"orders": {"quiet_minutes": 0, "release": "automatic"}}))
    deal = await sold(shop, (ITEM, {}))
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    [order] = shop.orders()
    assert _told(shop, deal) == ("Open", "", order["SalesOrderNumber"])
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}


async def test_a_deal_won_before_go_live_is_not_seen(shop: Office) -> None:
    deal = await sold(shop, (ITEM, {}))
    await shop.switch_off_and_on("orders")
    assert await shop.figures("orders") == {}
    assert _told(shop, deal) == ("", "", "")


async def test_an_open_or_a_lost_deal_is_not_seen(shop: Office) -> None:
    deal = await sold(shop, (ITEM, {}), win=False)
    assert await shop.figures("orders") == {}
    shop.twins.pair.set_deal_stage(deal, "closedlost")
    assert await shop.figures("orders") == {}


async def test_a_won_deal_is_left_alone_until_it_has_been_quiet(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await sellable(await start(settings={"orders": {"quiet_minutes": 10}}))
    deal = await sold(shop, (ITEM, {}))
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert (await shop.process(deal)).step == "quiet"
    assert _told(shop, deal) == ("", "", "")


async def test_a_deal_edited_while_it_waits_or_after_its_approval_asks_again(shop: Office) -> None:
    """Nobody has approved what stands there now."""
    deal = await sold(shop, (ITEM, {"quantity": "2"}))
    await shop.figures("orders")
    line = shop.line_of(deal)
    shop.rep_changes("line_items", line, quantity="3")
    asked = await approve_deal(shop.at, deal, by="Kim")
    assert (asked["state"], asked["step"], asked["release"], asked["total"]) == (
        "waiting",
        "release",
        "asked",
        "300.00",
    )
    assert asked["approved_by"] == ""
    assert shop.orders() == []

    await approve_deal(shop.at, deal, by="Kim")
    assert [line["OrderedSalesQuantity"] for line in shop.lines()] == [3]


async def test_a_customer_whose_payer_changes_after_the_draft_was_shown_asks_again(shop: Office) -> None:
    """The order would not be the one that was approved."""
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    await shop.customer("usmf:US-900")
    shop.clerk_changes("CustomersV3", "usmf:US-001", InvoiceAccount="US-900")
    asked = await approve_deal(shop.at, deal, by="Kim")
    assert (asked["step"], asked["release"]) == ("release", "asked")
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    [order] = shop.orders()
    assert order["InvoiceCustomerAccountNumber"] == "US-900"


async def test_the_customers_invoice_account_pays(shop: Office) -> None:
    await shop.customer("usmf:US-900", OrganizationName="Alder Holding")
    shop.clerk_changes("CustomersV3", "usmf:US-001", InvoiceAccount="US-900")
    deal = await sold(shop, (ITEM, {}))
    await approved(shop, deal)
    [order] = shop.orders()
    assert order["OrderingCustomerAccountNumber"] == "US-001"
    assert order["InvoiceCustomerAccountNumber"] == "US-900"


async def test_discounts_in_percent_and_in_money_come_out_to_the_cent(shop: Office) -> None:
    cases = [
        (ITEM, {"quantity": "3", "price": "19.99", "hs_discount_percentage": "7.5"}, "55.47"),
        (ITEM, {"quantity": "7", "price": "0.35", "hs_discount_percentage": "33.33"}, "1.63"),
        (ITEM, {"quantity": "12", "price": "101.05", "discount": "1.15"}, "1198.80"),
        ("HH-T40-SIH", {"quantity": "2.5", "price": "10.01"}, "25.03"),
        (ITEM, {"quantity": "1", "price": "99.99", "hs_discount_percentage": "100"}, "0.00"),
    ]
    deal = await sold(shop, *((item, line) for item, line, _ in cases))
    await approved(shop, deal)
    amounts = [Decimal(amount) for _, _, amount in cases]
    assert [line["LineAmount"] for line in shop.lines()] == amounts
    assert [Decimal(line["properties"]["amount"]) for line in shop.records("line_items")] == amounts


async def test_the_deal_may_name_account_and_legal_entity_and_order_number(shop: Office) -> None:
    await shop.customer("usmf:US-002")
    deal = await sold(
        shop,
        (ITEM, {}),
        d365_customer_account="US-002",
        d365_legal_entity="USMF",
        d365_customer_po="PO-77",
    )
    await approved(shop, deal)
    [order] = shop.orders()
    assert order["OrderingCustomerAccountNumber"] == "US-002"
    assert order["CustomerRequisitionNumber"] == "PO-77"


# --- what stops a deal, and how it goes on ---


@dataclass(frozen=True, slots=True)
class Stop:
    """One way in which a won deal cannot become an order, whose turn it then is, and what mends it."""

    cause: str
    turn: str
    mend: Callable[[Office, str, str], Awaitable[None]]  # of this deal and its customer's key
    lines: tuple[tuple[str, dict[str, Any]], ...] = ((ITEM, {}),)
    companies: tuple[str, ...] = ("own",)
    legal_entity: str = ""
    hold: str = "No"
    price: str = "100"


async def _add_company(shop: Office, deal: str, customer: str) -> None:
    await shop.associate("deals", deal, "companies", shop.company_id(customer), 5)


async def _name_account(shop: Office, deal: str, customer: str) -> None:
    account = customer.removeprefix("usmf:")
    shop.rep_changes("deals", deal, d365_legal_entity="usmf", d365_customer_account=account)


async def _add_line(shop: Office, deal: str, _customer: str) -> None:
    await shop.new_line(deal, ITEM)


async def _choose_product(shop: Office, deal: str, _customer: str) -> None:
    product = next(row["id"] for row in shop.records("products") if row["properties"]["hs_sku"] == ITEM)
    shop.rep_changes("line_items", shop.line_of(deal), hs_product_id=product, hs_sku=ITEM)


async def _one_time(shop: Office, deal: str, _customer: str) -> None:
    shop.rep_changes("line_items", shop.line_of(deal), recurringbillingfrequency="")


async def _quantity(shop: Office, deal: str, _customer: str) -> None:
    shop.rep_changes("line_items", shop.line_of(deal), quantity="1")


async def _price(shop: Office, deal: str, _customer: str) -> None:
    shop.rep_changes("line_items", shop.line_of(deal), price="100")


async def _lift_hold(shop: Office, _deal: str, customer: str) -> None:
    shop.clerk_changes("CustomersV3", customer, OnHoldStatus="No")


async def _no_entity(shop: Office, deal: str, _customer: str) -> None:
    shop.rep_changes("deals", deal, d365_legal_entity="")


MONTHLY = (ITEM, {"recurringbillingfrequency": "monthly"})
STOPS = (
    Stop("order.no_company", "sales", _add_company, companies=()),
    Stop("order.company_unclear", "sales", _add_company, companies=("stranger", "own")),
    Stop("order.company_not_linked", "finance", _name_account, companies=("stranger",)),
    Stop("order.no_lines", "sales", _add_line, lines=()),
    Stop("order.line_without_product", "sales", _choose_product, lines=(("", {}),)),
    Stop("order.item_unknown", "sales", _choose_product, lines=(("NO-SUCH", {}),)),
    Stop("order.recurring_line", "sales", _one_time, lines=(MONTHLY,)),
    Stop("order.quantity", "sales", _quantity, lines=((ITEM, {"quantity": "0"}),)),
    Stop("order.price_missing", "sales", _price, price=""),
    Stop("order.customer_on_hold", "finance", _lift_hold, hold="All"),
    Stop("order.legal_entity_unknown", "sales", _no_entity, legal_entity="demo"),
    Stop("order.legal_entity_conflict", "sales", _no_entity, legal_entity="ussi"),
)


@ON_BOTH_IN_THE_TIER
async def test_deals_that_cannot_become_orders_wait_for_the_right_people_and_complete_after_replay(
    office: Office,
) -> None:
    """Each with its cause, its turn and the message on the deal; the one that is complete goes through."""
    customers = [
        await office.customer(f"usmf:C-{place:03}", OnHoldStatus=stop.hold)
        for place, stop in enumerate(STOPS)
    ]
    shop = await sellable(office)
    body = {"properties": {"name": "Birk Foundry"}}
    stranger = str((await shop.rep_asks("POST", "/crm/v3/objects/companies", body))["id"])
    complete = await sold(shop, (ITEM, {}))
    deals = []
    for stop, customer in zip(STOPS, customers, strict=True):
        known = {"stranger": stranger, "own": shop.company_id(customer)}
        companies = [known[company] for company in stop.companies]
        deals.append(await sold(shop, *stop.lines, companies=companies, d365_legal_entity=stop.legal_entity))
        if not stop.price:
            shop.rep_changes("line_items", shop.line_of(deals[-1]), price="")
    count = len(STOPS)
    assert await shop.figures("orders") == {"read": count + 1, "waiting": 1, "parked": count}
    stuck = await shop.stuck("orders")
    assert [(stuck[deal].cause, stuck[deal].turn) for deal in deals] == [
        (stop.cause, stop.turn) for stop in STOPS
    ]
    assert all(row.next_action for row in stuck.values())
    assert [_told(shop, deal) for deal in deals] == [
        (f"Waiting for {stop.turn}", stuck[deal].message, "") for stop, deal in zip(STOPS, deals, strict=True)
    ]
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": count + 1, "waiting": 1, "parked": count}
    assert shop.writes(mark) == []
    await approve_deal(shop.at, complete, by="Kim")

    for stop, deal, customer in zip(STOPS, deals, customers, strict=True):
        await stop.mend(shop, deal, customer)
    replayed = await replay(shop.at, [str(stuck[deal].parked_id) for deal in deals])
    assert [(result.record, result.outcome) for result in replayed] == [
        (f"deals/{deal}", "waiting") for deal in deals
    ]
    assert await shop.stuck("orders") == {}
    assert {_told(shop, deal) for deal in deals} == {("Awaiting approval", "", "")}
    for deal in deals:
        assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    references = {order["CustomersOrderReference"] for order in shop.orders()}
    assert references == {_reference(shop, deal) for deal in (complete, *deals)}
    assert len(shop.orders()) == len(shop.lines()) == count + 1
    await shop.verified()


async def test_an_amount_that_price_and_discount_do_not_give_stops_the_deal(shop: Office) -> None:
    """HubSpot works out a line's amount itself; here its answer says another one."""
    deal = await sold(shop, (ITEM, {"quantity": "300", "price": "10"}))
    shop.answering("line_items", amount="31.77")
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.amount_differs", "sales")
    assert "31.77" in stuck.message


async def test_a_corrected_deal_goes_on_by_itself(shop: Office) -> None:
    """The next pass sees that the deal has moved."""
    deal = await sold(shop)
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    await shop.new_line(deal, ITEM)
    shop.rep_changes("deals", deal, dealname="Pumps for the mill, corrected")
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert await shop.stuck("orders") == {}


async def test_a_deal_on_hold_for_invoicing_is_placed_with_a_note(shop: Office) -> None:
    shop.clerk_changes("CustomersV3", "usmf:US-001", OnHoldStatus="Invoice")
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    assert (await show_deal(shop.at, deal))["draft"]["notes"] == ("Customer US-001 is on hold for Invoice.",)
    await approve_deal(shop.at, deal, by="Kim")
    assert len(shop.orders()) == 1


async def test_a_payer_on_hold_stops_the_deal(shop: Office) -> None:
    await shop.customer("usmf:US-900", OnHoldStatus="All")
    shop.clerk_changes("CustomersV3", "usmf:US-001", InvoiceAccount="US-900")
    deal = await sold(shop, (ITEM, {}))
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    assert "US-900" in (await shop.stuck("orders"))[deal].message


async def test_one_deal_that_stops_keeps_no_other_from_its_order(shop: Office) -> None:
    await sold(shop)
    good = await sold(shop, (ITEM, {}))
    await sold(shop, ("NO-SUCH", {}))
    assert await shop.figures("orders") == {"read": 3, "waiting": 1, "parked": 2}
    assert (await approve_deal(shop.at, good, by="Kim"))["state"] == "done"
    assert await shop.figures("orders") == {"read": 3, "unchanged": 1, "parked": 2}


async def test_a_parked_deal_cannot_be_approved(shop: Office) -> None:
    """Also one that was waiting for approval before it was stopped."""
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    shop.clerk_changes("CustomersV3", "usmf:US-001", OnHoldStatus="All")
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    with pytest.raises(ConnectorError, match="is parked, not waiting for approval"):
        await approve_deal(shop.at, deal, by="Kim")


async def test_a_deal_stopped_while_it_waited_goes_back_to_waiting_when_the_reason_is_gone(
    shop: Office,
) -> None:
    """The deal itself is again as it was shown: it asks for approval once more."""
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    shop.rep_changes("deals", deal, d365_legal_entity="demf")
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    shop.rep_changes("deals", deal, d365_legal_entity="")
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert await shop.stuck("orders") == {}
    assert _told(shop, deal) == ("Awaiting approval", "", "")


async def test_an_order_dynamics_refused_is_drafted_anew_from_the_corrected_deal(shop: Office) -> None:
    """The approval was for what the deal said then: the corrected one asks again."""
    deal = await sold(shop, (ITEM, {"quantity": "2"}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The order pool is closed."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderHeaders", status=400, body=refused)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    assert "The order pool is closed" in _told(shop, deal)[1]

    shop.rep_changes("line_items", shop.line_of(deal), quantity="7")
    shop.rep_changes("deals", deal, dealname="Pumps for the mill, seven")
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert shop.orders() == []
    await approve_deal(shop.at, deal, by="Kim")
    assert [line["OrderedSalesQuantity"] for line in shop.lines()] == [7]
    await shop.verified()


async def test_an_order_dynamics_refused_goes_through_as_approved_once_dynamics_is_mended(
    shop: Office,
) -> None:
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The order pool is closed."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderHeaders", status=400, body=refused)
    await approve_deal(shop.at, deal, by="Kim")
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert result.outcome == "done"
    assert len(shop.orders()) == 1
    await shop.verified()


async def test_a_line_dynamics_refused_leaves_the_header_and_is_finished_by_replay(
    one_by_one: Office,
) -> None:
    """No second header, no line twice."""
    shop = one_by_one
    deal = await sold(shop, (ITEM, {}), (OTHER_ITEM, {}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The item is being counted."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderLines", status=400, body=refused, skip=1)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    assert (len(shop.orders()), len(shop.lines())) == (1, 1)
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert result.outcome == "done"
    assert [line["ItemNumber"] for line in shop.lines()] == [ITEM, OTHER_ITEM]
    assert len(shop.orders()) == 1
    await shop.verified()


async def test_an_order_that_stands_otherwise_than_sent_waits_for_finance(
    one_by_one: Office,
) -> None:
    """Somebody adds lines and a discount while the last line is on its way."""
    shop = one_by_one
    deal = await sold(shop, (ITEM, {}), (OTHER_ITEM, {}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The item is being counted."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderLines", status=400, body=refused, skip=1)
    await approve_deal(shop.at, deal, by="Kim")
    [order] = shop.orders()
    for _ in range(2):
        await shop.clerk_adds(
            "SalesOrderLinesV3",
            dataAreaId="usmf",
            SalesOrderNumber=order["SalesOrderNumber"],
            ItemNumber=OTHER_ITEM,
            OrderedSalesQuantity=1,
        )
    await replay(shop.at, [f"deals/{deal}"])
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.differs", "finance")
    assert "2 lines too many" in stuck.message
    assert _told(shop, deal)[0] == "Waiting for finance"


async def test_a_line_that_stands_twice_is_seen_when_the_order_is_read_back(one_by_one: Office) -> None:
    shop = one_by_one
    deal = await sold(shop, (ITEM, {}), (OTHER_ITEM, {}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The item is being counted."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderLines", status=400, body=refused, skip=1)
    await approve_deal(shop.at, deal, by="Kim")
    [first] = shop.lines()
    await shop.clerk_adds(
        "SalesOrderLinesV3",
        dataAreaId="usmf",
        SalesOrderNumber=first["SalesOrderNumber"],
        ItemNumber=ITEM,
        OrderedSalesQuantity=first["OrderedSalesQuantity"],
        SalesPrice=first["SalesPrice"],
        SalesPriceQuantity=1,
        CustomersLineNumber=1,
    )
    await replay(shop.at, [f"deals/{deal}"])
    assert (await shop.process(deal)).state == "parked"
    assert (await shop.stuck("orders"))[deal].cause in {"order.line_twice", "order.differs"}


async def test_a_price_that_stands_for_another_quantity_is_seen_when_the_order_is_read_back(
    one_by_one: Office,
) -> None:
    """100 for each hundred is not 100 for each."""
    shop = one_by_one
    deal = await sold(shop, (ITEM, {}), (OTHER_ITEM, {}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The item is being counted."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderLines", status=400, body=refused, skip=1)
    await approve_deal(shop.at, deal, by="Kim")
    [first] = shop.lines()
    shop.clerk_changes("SalesOrderLinesV3", f"usmf:{first['InventoryLotId']}", SalesPriceQuantity=100)
    await replay(shop.at, [f"deals/{deal}"])
    assert (await shop.stuck("orders"))[deal].cause == "order.differs"


async def test_a_status_that_could_not_be_written_on_the_deal_is_written_later(shop: Office) -> None:
    """The order stands at once; its number follows, alone."""
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    shop.fault("hubspot", "status", "PATCH", f"/deals/{deal}", status=503, times=0)
    placed = await approve_deal(shop.at, deal, by="Kim")
    assert (placed["state"], placed["step"]) == ("waiting", "write back")
    [order] = shop.orders()
    shop.mended()
    mark = shop.mark()
    await shop.due_now(deal)
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    assert _told(shop, deal) == ("Open", "", order["SalesOrderNumber"])
    assert {row.side for row in shop.writes(mark)} == {"hubspot"}
    await shop.verified()


async def test_that_a_deal_waits_for_approval_is_told_later_when_hubspot_could_not_take_it(
    shop: Office,
) -> None:
    deal = await sold(shop, (ITEM, {}))
    shop.fault("hubspot", "status", "PATCH", f"/deals/{deal}", status=503, times=0)
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert _told(shop, deal) == ("", "", "")
    shop.mended()
    await shop.due_now(deal)
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert _told(shop, deal) == ("Awaiting approval", "", "")
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert shop.writes(mark) == []


async def test_a_large_portal_is_searched_pass_after_pass(start: Callable[..., Awaitable[Office]]) -> None:
    """Also when nothing has been won, and when what was won last is gone again."""
    orders = {"quiet_minutes": 0, "list_up_to": 0}
    shop = await sellable(await start(settings={"orders": orders}, switches={"search_lag_s": "0"}))
    await sold(shop, win=False)
    for _ in range(2):
        assert await shop.figures("orders") == {}
    deal = await sold(shop, (ITEM, {}))
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    await shop.rep_asks("DELETE", f"/crm/v3/objects/deals/{deal}")
    for _ in range(2):
        assert await shop.figures("orders") == {}
