"""Quantity, unit, price, discount and currency of each line: exact, and what the deal shows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.flows.orders.draft.order_draft import DraftLine
from ml_connector.flows.orders.placing.pricing import price_differences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.drafting import Situation, drafted, drafted_again
    from tests.flows.office import Office
    from tests.flows.selling import ITEM, sellable, sold

    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
else:
    from drafting import Situation, drafted, drafted_again  # pytest puts this folder on the path
    from selling import ITEM, sellable, sold

BOLT, HOSE = "HB-P5-HT", "HH-T40-SIH"  # sold by pcs, in whole numbers; and by m, with two decimals
PRICED = ("SalesPrice", "SalesPriceQuantity", "LineDiscountAmount", "LineDiscountPercentage")


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def test_the_deals_price_and_discount_are_sent_for_one_unit_zero_included(shop: Office) -> None:
    """As the line says; with the other policy F&O sets them and nothing of it is sent."""
    dynamics = {"price_policy": "dynamics", "price_tolerance": Decimal("0.025")}
    cases: list[tuple[Situation, tuple[Any, ...]]] = [
        (Situation("plain", [(ITEM, {"price": "250"})]), (250, 1, 0, 0)),
        (
            Situation(
                "percent", [(ITEM, {"quantity": "3", "price": "19.99", "hs_discount_percentage": "7.5"})]
            ),
            (Decimal("19.99"), 1, 0, Decimal("7.5")),
        ),
        (
            Situation("money", [(ITEM, {"quantity": "3", "price": "19.99", "discount": "0.5"})]),
            (Decimal("19.99"), 1, Decimal("0.5"), 0),
        ),
        (
            Situation("both", [(ITEM, {"price": "20", "discount": "2", "hs_discount_percentage": "50"})]),
            (20, 1, 2, 50),
        ),
        (Situation("free", [(ITEM, {"price": "0"})]), (0, 1, 0, 0)),
        (Situation("by Dynamics", [(ITEM, {"price": "250"})], settings=dynamics), (None, None, None, None)),
    ]
    for situation, sent in cases:
        outcome = await drafted(shop, situation)
        assert outcome.lines(*PRICED) == [sent], situation.what
        assert outcome.header("ArePricesIncludingSalesTax") == ("No",), situation.what
    note = (
        "Dynamics sets the prices. The deal shows 250.00 USD; a line that differs by more than 2.5 % waits for a "
        "person after the order has been placed."
    )
    assert outcome.notes == (note,)


async def test_a_percentage_that_the_deal_rounded_is_sent_as_the_net_price(shop: Office) -> None:
    """HubSpot's amount counts: 7 at 0.35 less a third is 1.61 there when it rounds the price of one."""
    deal = await sold(shop, (ITEM, {"quantity": "7", "price": "0.35", "hs_discount_percentage": "33.33"}))
    shop.answering("line_items", amount="1.61")
    outcome = await drafted_again(shop, deal, Situation("rounded", []))
    assert outcome.lines(*PRICED) == [(Decimal("0.23"), 1, 0, 0)]
    assert outcome.rule("SalesPrice") == "net price, so that the deal line's amount is met"
    shop.mended()
    shop.answering("line_items", amount="1.70")
    outcome = await drafted_again(shop, deal, Situation("not to be met", []))
    assert (outcome.cause, "shows the amount 1.70" in outcome.message) == ("order.amount_differs", True)


async def test_prices_include_no_tax_whatever_the_mapping_says(shop: Office) -> None:
    """The customer's own default would otherwise make gross prices of the deal's."""
    path = shop.home / "mappings" / "orders.yaml"
    text = path.read_text()
    row = "  - target: ArePricesIncludingSalesTax\n    source: order.prices_include_tax\n"
    assert row in text
    path.write_text(text.replace(row, ""))
    outcome = await drafted(shop, Situation("without the row", [(ITEM, {})]))
    assert outcome.header("ArePricesIncludingSalesTax") == ("No",)


async def test_a_line_that_cannot_be_reckoned_with_says_why(shop: Office) -> None:
    shop.clerk_changes(
        "ProductDefaultOrderSettings",
        f"usmf:{BOLT}",
        MinimumSalesOrderQuantity=20,
        MaximumSalesOrderQuantity=200,
        SalesQuantityMultiples=10,
    )
    of_site = {
        "dataAreaId": "usmf",
        "ItemNumber": HOSE,
        "OperationalSiteId": "1",
        "AreSalesDefaultOrderSettingsOverridden": "Yes",
        "MinimumSalesOrderQuantity": 5,
    }
    shop.twins.pair.set_up("ProductSpecificOrderSettingsV3", of_site)
    quantity = "order.quantity"
    cases = [
        (ITEM, {"quantity": "0"}, quantity, "has the quantity 0; it must be above zero"),
        (ITEM, {"quantity": "-1"}, quantity, "has the quantity -1; it must be above zero"),
        (ITEM, {"quantity": ""}, quantity, "has the quantity 0"),
        (ITEM, {"quantity": "2.5"}, quantity, "has the quantity 2.5; ea is counted in whole numbers"),
        (HOSE, {"quantity": "12.345"}, quantity, "has the quantity 12.345; m is counted in 2 decimals"),
        (HOSE, {"quantity": "4.5"}, quantity, "the item is sold from 5 m on"),
        (BOLT, {"quantity": "10"}, quantity, "the item is sold from 20 pcs on"),
        (BOLT, {"quantity": "210"}, quantity, "the item is sold up to 200 pcs"),
        (BOLT, {"quantity": "25"}, quantity, "the item is sold in multiples of 10 pcs"),
        (ITEM, {"discount": "101"}, "order.discount", "a discount below zero or above its price"),
        (ITEM, {"hs_discount_percentage": "101"}, "order.discount", "a discount below zero or above"),
        (ITEM, {"discount": "-1"}, "order.discount", "a discount below zero or above"),
    ]
    for sku, line, cause, words in cases:
        outcome = await drafted(shop, Situation(words, [(sku, line)]))
        assert (outcome.cause, words in outcome.message) == (cause, True), outcome.message
    every = await drafted(shop, Situation("all at once", [(sku, line) for sku, line, *_ in cases]))
    assert all(words in every.message for *_, words in cases)
    for sku, fits in ((BOLT, "40"), (HOSE, "5.25"), (ITEM, "3.00")):
        outcome = await drafted(shop, Situation("fits", [(sku, {"quantity": fits})]))
        assert outcome.lines("OrderedSalesQuantity") == [(Decimal(fits),)]


async def test_a_line_is_ordered_in_the_unit_it_was_quoted_in(shop: Office) -> None:
    """HubSpot copied it to the line; a unit the item has left is kept where F&O converts it, else it parks."""
    deal = await sold(shop, (ITEM, {"quantity": "2"}), (BOLT, {"quantity": "40"}))
    outcome = await drafted_again(shop, deal, Situation("as it was", []))
    assert outcome.lines("SalesUnitSymbol") == [("ea",), ("pcs",)]
    assert outcome.rule("SalesUnitSymbol") == "the unit the line was quoted in"

    shop.clerk_changes("ReleasedProductsV2", f"usmf:{BOLT}", SalesUnitSymbol="ea")
    shop.twins.pair.set_up(
        "ProductUnitOfMeasureConversions",
        {"FromUnitSymbol": "box", "ToUnitSymbol": "ea", "ProductNumber": ITEM, "Factor": 12},
    )
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{ITEM}", SalesUnitSymbol="box")
    outcome = await drafted_again(shop, deal, Situation("both have moved", []))
    assert outcome.lines("SalesUnitSymbol") == [("ea",), ("pcs",)]
    assert outcome.notes == (
        "Line 'A line' was quoted by ea and is ordered so; the item is now sold by box.",
        "Line 'A line' was quoted by pcs and is ordered so; the item is now sold by ea.",
    )
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{BOLT}", SalesUnitSymbol="kg")
    outcome = await drafted_again(shop, deal, Situation("without a conversion", []))
    assert outcome.cause == "order.unit_changed"
    assert "was quoted by pcs, the item is now sold by kg" in outcome.message


async def test_a_line_without_a_unit_of_its_own_takes_its_products_then_its_items(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Portals that copy no properties of their own to a line still know what the product is sold by."""
    shop = await sellable(await start(switches={"line_copies_custom": "no"}))
    deal = await sold(shop, (ITEM, {}))
    outcome = await drafted_again(shop, deal, Situation("the product's", []))
    assert outcome.rule("SalesUnitSymbol") == "the unit the line was quoted in"
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{ITEM}", SalesUnitSymbol="kg")
    assert (await drafted_again(shop, deal, Situation("moved", []))).cause == "order.unit_changed"
    outcome = await drafted(shop, Situation("by hand", [("", {"hs_sku": ITEM})]))
    assert outcome.lines("SalesUnitSymbol") == [("kg",)]
    assert outcome.rule("SalesUnitSymbol") == "the item's sales unit"


async def test_lines_of_a_kind_that_no_order_takes_and_quotes_that_say_otherwise_park(shop: Office) -> None:
    dollars = {"currencies": ("usd", "EUR")}
    euros = {"deal_currency_code": "EUR"}
    cases: list[tuple[Situation, str, str]] = [
        (Situation("no lines", []), "order.no_lines", "has no line items"),
        (
            Situation("monthly", [(ITEM, {"recurringbillingfrequency": "monthly"})]),
            "order.recurring_line",
            "is billed monthly",
        ),
        (
            Situation("tiers", [(ITEM, {"hs_pricing_model": "volume"})]),
            "order.tiered_line",
            "is priced in tiers (volume)",
        ),
        (
            Situation("another currency", [(ITEM, {"hs_line_item_currency_code": "USD"})], euros),
            "order.line_currency",
            "is in USD, and the deal is in EUR",
        ),
        (
            Situation("not allowed", [(ITEM, {})], settings={"currencies": ("CHF", "EUR")}),
            "order.currency_not_allowed",
            "is in USD, and orders may be in CHF, EUR",
        ),
    ]
    for situation, cause, words in cases:
        outcome = await drafted(shop, situation)
        assert (outcome.cause, words in outcome.message) == (cause, True), (situation.what, outcome.message)
        assert outcome.error is not None
        assert outcome.error.context["step"] == "gather"
    allowed = Situation("allowed", [(ITEM, {"hs_pricing_model": "flat"})], settings=dollars)
    assert (await drafted(shop, allowed)).error is None
    own = Situation("in euros", [(ITEM, {"hs_line_item_currency_code": "EUR"})], euros)
    assert (await drafted(shop, own)).header("CurrencyCode") == ("EUR",)


async def test_an_accepted_quote_holds_the_deal_to_what_the_buyer_signed(shop: Office) -> None:
    """A quote nobody accepted does not; of several accepted ones the deal keeps one."""
    deal = await sold(shop, (ITEM, {"quantity": "2", "price": "250"}))
    outcomes = []
    for accepted in (False, True):
        shop.twins.pair.make_quote(deal, status="APPROVAL_NOT_NEEDED", accepted=accepted)
        outcomes.append(await drafted_again(shop, deal, Situation("as quoted", [])))
    line = shop.line_of(deal)
    shop.rep_changes("line_items", line, quantity="3")
    outcomes.append(await drafted_again(shop, deal, Situation("one more", [])))
    shop.twins.pair.make_quote(deal, status="APPROVAL_NOT_NEEDED", accepted=True)
    outcomes.append(await drafted_again(shop, deal, Situation("signed anew", [])))
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True]
    assert outcomes[2].cause == "order.quote_differs"
    assert (
        "accepted the quote 'Pumps for the mill' (500.00 USD), and the deal's lines come to 750.00 USD"
        in (outcomes[2].message)
    )


async def test_amounts_keep_the_decimals_of_their_currency(shop: Office) -> None:
    for code in ("JPY", "KWD"):
        await shop.clerk_adds("Currencies", CurrencyCode=code)
    deal = await sold(shop, (ITEM, {"quantity": "2"}))

    def priced(currency: str, price: str, amount: str) -> Callable[[DealSnapshot], DealSnapshot]:
        def seen(snapshot: DealSnapshot) -> DealSnapshot:
            own = {"hs_line_item_currency_code": currency}
            line = replace(snapshot.lines[0], price=price, amount=amount, properties=own)
            return replace(snapshot, currency=currency, lines=(line,))

        return seen

    cases = [("JPY", "333.4", "667"), ("USD", "333.4", "666.80"), ("KWD", "1.2345", "2.469")]
    for currency, price, total in cases:
        situation = Situation(currency, [], seen=priced(currency, price, total))
        outcome = await drafted_again(shop, deal, situation)
        assert outcome.draft is not None, outcome.message
        assert str(outcome.draft.total) == total
    off_by_two = Situation("KWD", [], seen=priced("KWD", "1.2345", "2.471"))
    assert (await drafted_again(shop, deal, off_by_two)).cause == "order.amount_differs"


async def test_a_deal_amount_that_is_not_the_sum_of_its_lines_is_a_note(shop: Office) -> None:
    situation = Situation("another amount", [(ITEM, {"price": "250"})], {"amount": "999"})
    outcome = await drafted(shop, situation)
    assert outcome.notes == ("The deal shows 999 USD, its lines add up to 250.00.",)


def test_the_prices_dynamics_set_are_compared_with_the_deals_line_by_line() -> None:
    """A cent is no difference; what counts is the share of the deal's amount."""
    cases = [
        ("100.00", "100.01", None),
        ("100.00", "101.00", False),
        ("100.00", "101.01", True),
        ("100.00", "98.99", True),
        ("0.00", "0.01", None),
        ("0.00", "5.00", True),
    ]
    lines = [DraftLine(at, f"Item {at}", Decimal(deal), ()) for at, (deal, _, _) in enumerate(cases, 1)]
    stands = {at: Decimal(dynamics) for at, (_, dynamics, _) in enumerate(cases, 1)}
    found = price_differences(lines, stands, tolerance=Decimal("0.01"), currency="USD")
    assert {each.position: each.too_far for each in found} == {
        at: far for at, (_, _, far) in enumerate(cases, 1) if far is not None
    }
    assert found[0].in_words("USD") == "Line 2 'Item 2': the deal says 100.00 USD, Dynamics 101.00 USD."
