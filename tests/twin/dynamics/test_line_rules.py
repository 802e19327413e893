"""What decides whether an order line is right: agreements, units, quantities, variants, stops (flows.md 3.4, 3.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

SET = "/data/SalesOrderLinesV3"
AGREED = {"dataAreaId": "usmf", "ItemNumber": "D0001", "PriceCurrencyCode": "USD", "Price": 300}


def line(**changes: Any) -> dict[str, Any]:
    return {"dataAreaId": "usmf", "SalesOrderNumber": "SO-000001", "ItemNumber": "D0001", **changes}


def ordering(fo: Caller) -> Caller:
    fo.create(
        "SalesOrderHeadersV2", {"OrderingCustomerAccountNumber": "US-001", "DefaultShippingSiteId": "1"}
    )
    return fo


@pytest.fixture
def ordered(fo: Caller) -> Caller:
    """An environment with one order, SO-000001, that leaves from site 1."""
    return ordering(fo)


def price(fo: Caller, **changes: Any) -> Decimal:
    return Decimal(fo.create("SalesOrderLinesV3", line(**changes))["SalesPrice"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "300"),
        ({"CustomerAccountNumber": "US-001"}, "300"),
        ({"CustomerAccountNumber": "US-005"}, "412.35"),
        ({"PriceCurrencyCode": "EUR"}, "412.35"),
        ({"ItemNumber": "S0001"}, "412.35"),
        ({"FromQuantity": 10}, "412.35"),
        ({"ToQuantity": 2}, "412.35"),
        ({"FromQuantity": 2, "ToQuantity": 10}, "300"),
        ({"PriceApplicableFromDate": "2026-03-03T12:00:00Z"}, "412.35"),
        ({"PriceApplicableToDate": "2026-03-01T12:00:00Z"}, "412.35"),
        (
            {
                "PriceApplicableFromDate": "2026-03-02T12:00:00Z",
                "PriceApplicableToDate": "2026-03-02T12:00:00Z",
            },
            "300",
        ),
        ({"QuantityUnitySymbol": "box"}, "412.35"),
        ({"PriceSiteId": "2"}, "412.35"),
        ({"dataAreaId": "demf"}, "412.35"),
    ],
)
def test_an_agreed_price_counts_for_its_customer_currency_quantity_dates_unit_and_site(
    ordered: Caller, changes: dict[str, Any], expected: str
) -> None:
    """[META SalesPriceAgreements] A line without a price takes the agreement that is for it, else the item's."""
    ordered.machine.add("SalesPriceAgreements", AGREED | changes)
    assert price(ordered, OrderedSalesQuantity=2) == Decimal(expected)


def test_the_customers_own_agreement_goes_before_its_groups_and_everybodys(fo: Caller) -> None:
    """[META] Customer, then price group, then all; WillSearchContinue lets a cheaper one of a later level win."""
    fo.machine.edit("CustomersV3", "usmf:US-001", {"DiscountPriceGroupId": "GOLD"}, fo.now)
    ordering(fo)
    fo.machine.add("SalesPriceAgreements", AGREED | {"Price": 100})
    assert price(fo) == 100
    fo.machine.add("SalesPriceAgreements", AGREED | {"PriceCustomerGroupCode": "GOLD", "Price": 200})
    assert price(fo) == 200
    own = AGREED | {"CustomerAccountNumber": "US-001", "Price": 300}
    fo.machine.add("SalesPriceAgreements", own)
    assert price(fo) == 300
    fo.machine.add("SalesPriceAgreements", own | {"Price": 290, "SalesPriceQuantity": 1})
    assert price(fo) == 290


def test_a_search_that_continues_finds_the_best_price(ordered: Caller) -> None:
    """[META WillSearchContinue]"""
    own = {"CustomerAccountNumber": "US-001", "WillSearchContinue": "Yes"}
    ordered.machine.add("SalesPriceAgreements", AGREED | own)
    ordered.machine.add("SalesPriceAgreements", AGREED | {"Price": 100})
    assert price(ordered) == 100


def test_an_agreed_price_is_per_its_own_quantity(ordered: Caller) -> None:
    """[META SalesPriceQuantity] 300 per 100 pieces."""
    ordered.machine.add("SalesPriceAgreements", AGREED | {"SalesPriceQuantity": 100})
    created = ordered.create("SalesOrderLinesV3", line(OrderedSalesQuantity=10))
    assert (created["SalesPriceQuantity"], created["LineAmount"]) == (100, 30)


@pytest.mark.parametrize(("value", "expected"), [("kept", (50, 0)), ("overrides", (300, 10))])
def test_an_agreement_leaves_what_was_sent_or_overrides_it(
    starting: Callable[..., Caller], value: str, expected: tuple[int, int]
) -> None:
    """[flows.md 3.8] So the connector reads prices and discounts back."""
    fo = ordering(starting(agreement_when_sent=value))
    fo.machine.add("SalesPriceAgreements", AGREED)
    fo.machine.add("SalesLineDiscountAgreements", AGREED | {"DiscountPercentage": 10})
    sent = line(SalesPrice=50, LineDiscountPercentage=0, LineDiscountAmount=0)
    created = fo.create("SalesOrderLinesV3", sent)
    assert (created["SalesPrice"], created["LineDiscountPercentage"]) == expected


def test_an_agreed_discount_meets_a_line_that_sends_none(ordered: Caller) -> None:
    """[flows.md 3.5] The best one; a discount of zero that is sent keeps it away."""
    for percent in (5, 10):
        agreed = AGREED | {"DiscountPercentage": percent, "DiscountAmount": 1}
        ordered.machine.add("SalesLineDiscountAgreements", agreed)
    created = ordered.create("SalesOrderLinesV3", line(SalesPrice=101))
    assert (created["LineDiscountPercentage"], created["LineAmount"]) == (10, 90)
    assert (
        ordered.create("SalesOrderLinesV3", line(SalesPrice=101, LineDiscountAmount=0))["LineAmount"] == 101
    )


def test_another_unit_needs_a_conversion_which_carries_the_price_over(ordered: Caller) -> None:
    """[flows.md 3.5] The item's own price is per its own unit; both directions and the product's own count."""
    assert "No unit conversion from box to ea" in ordered.refusal("POST", SET, line(SalesUnitSymbol="box"))[1]
    ordered.machine.add(
        "UnitOfMeasureConversions", {"FromUnitSymbol": "box", "ToUnitSymbol": "ea", "Factor": 10}
    )
    assert price(ordered, SalesUnitSymbol="box") == Decimal("4123.50")
    own = {"FromUnitSymbol": "ea", "ToUnitSymbol": "pack", "Denominator": 2, "ProductNumber": "D0001"}
    ordered.machine.add("ProductUnitOfMeasureConversions", own)
    assert price(ordered, SalesUnitSymbol="pack") == Decimal("824.70")
    assert price(ordered, SalesUnitSymbol="box", SalesPrice=7) == 7
    lot = ordered.create("SalesOrderLinesV3", line())["InventoryLotId"]
    path = f"{SET}(dataAreaId='usmf',InventoryLotId='{lot}')"
    assert "No unit conversion" in ordered.refusal("PATCH", path, {"SalesUnitSymbol": "kg"})[1]
    assert ordered.send("PATCH", path, {"SalesUnitSymbol": "box"}).status == 204


@pytest.mark.parametrize(("value", "stored"), [("kept", "2.5"), ("rounded", "3")])
def test_a_quantity_may_be_rounded_to_the_decimals_of_its_unit(
    starting: Callable[..., Caller], value: str, stored: str
) -> None:
    """[META DecimalPrecision] Pieces have none, hours two."""
    fo = ordering(starting(unit_decimals=value))
    created = fo.create("SalesOrderLinesV3", line(OrderedSalesQuantity=2.5, SalesPrice=10))
    assert (created["OrderedSalesQuantity"], created["LineAmount"]) == (Decimal(stored), Decimal(stored) * 10)


def test_a_quantity_with_too_many_decimals_may_be_refused(starting: Callable[..., Caller]) -> None:
    """[INF] On create and on change."""
    fo = ordering(starting(unit_decimals="refused"))
    assert "more decimals than unit ea" in fo.refusal("POST", SET, line(OrderedSalesQuantity=2.5))[1]
    assert fo.create("SalesOrderLinesV3", line(ItemNumber="S0001", OrderedSalesQuantity=2.25))
    lot = fo.create("SalesOrderLinesV3", line())["InventoryLotId"]
    path = f"{SET}(dataAreaId='usmf',InventoryLotId='{lot}')"
    assert fo.refusal("PATCH", path, {"OrderedSalesQuantity": 1.5})[0] == 400


RULES = {"MinimumSalesOrderQuantity": 4, "MaximumSalesOrderQuantity": 20, "SalesQuantityMultiples": 2}


@pytest.mark.parametrize(("quantity", "word"), [(2, "minimum"), (22, "maximum"), (7, "multiple")])
def test_an_items_quantities_are_enforced_or_not(
    starting: Callable[..., Caller], quantity: int, word: str
) -> None:
    """[META order settings] Minimum, maximum and multiple."""
    for value in ("refused", "ignored"):
        fo = ordering(starting(quantity_rules=value))
        fo.machine.edit("ProductDefaultOrderSettings", "usmf:D0001", RULES, fo.now)
        body = line(OrderedSalesQuantity=quantity)
        if value == "ignored":
            assert fo.create("SalesOrderLinesV3", body)["OrderedSalesQuantity"] == quantity
        else:
            assert word in fo.refusal("POST", SET, body)[1]
            assert fo.create("SalesOrderLinesV3", line(OrderedSalesQuantity=6))


def test_a_line_without_a_quantity_takes_the_items_standard_one(ordered: Caller) -> None:
    """[META StandardSalesOrderQuantity]"""
    settings = {"StandardSalesOrderQuantity": 12}
    ordered.machine.edit("ProductDefaultOrderSettings", "usmf:D0001", settings, ordered.now)
    assert ordered.create("SalesOrderLinesV3", line())["OrderedSalesQuantity"] == 12


def test_an_item_may_be_stopped_at_one_site(ordered: Caller) -> None:
    """[META ProductSpecificOrderSettingsV3] Other sites go on selling."""
    row = {
        "dataAreaId": "usmf",
        "ItemNumber": "D0001",
        "OperationalSiteId": "1",
        "IsSalesProcessingStopped": "Yes",
    }
    ordered.machine.add("ProductSpecificOrderSettingsV3", row)
    assert "is blocked for 'Sales order'" in ordered.refusal("POST", SET, line())[1]
    assert ordered.create("SalesOrderLinesV3", line(ShippingSiteId="2"))


def test_a_site_that_overrides_the_defaults_sells_what_is_stopped_elsewhere(ordered: Caller) -> None:
    """[META AreSalesDefaultOrderSettingsOverridden]"""
    ordered.machine.stop_item("usmf", "D0001", ordered.now)
    assert "is blocked for 'Sales order'" in ordered.refusal("POST", SET, line())[1]
    row = {"dataAreaId": "usmf", "ItemNumber": "D0001", "OperationalSiteId": "1"}
    ordered.machine.add(
        "ProductSpecificOrderSettingsV3", row | {"AreSalesDefaultOrderSettingsOverridden": "Yes"}
    )
    assert ordered.create("SalesOrderLinesV3", line())
    ordered.machine.stop_item("usmf", "D0001", ordered.now, stopped=False)
    assert ordered.create("SalesOrderLinesV3", line(ShippingSiteId="2"))


def test_a_master_is_sold_by_its_variants_only(ordered: Caller) -> None:
    """[6 ReleasedProductVariantsV2] A variant needs its dimension ids on the line."""
    variant = {
        "dataAreaId": "usmf",
        "ProductMasterNumber": "D0001",
        "ItemNumber": "D0001",
        "ProductColorId": "RED",
        "ProductSizeId": "L",
    }
    ordered.machine.add("ReleasedProductVariantsV2", variant)
    missing = ordered.refusal("POST", SET, line(ProductSizeId="L"))[1]
    assert "Inventory dimension Color is mandatory and must consequently be specified." in missing
    wrong = ordered.refusal("POST", SET, line(ProductSizeId="L", ProductColorId="BLUE"))[1]
    assert "The variant L, BLUE of item D0001 is not released." in wrong
    created = ordered.create("SalesOrderLinesV3", line(ProductSizeId="L", ProductColorId="RED"))
    assert (created["ProductSizeId"], created["ProductColorId"]) == ("L", "RED")


def test_an_item_may_demand_a_warehouse(ordered: Caller) -> None:
    """[META IsSalesWarehouseMandatory] The same sentence as for the site."""
    settings = {"IsSalesWarehouseMandatory": "Yes"}
    ordered.machine.edit("ProductDefaultOrderSettings", "usmf:D0001", settings, ordered.now)
    text = ordered.refusal("POST", SET, line(ShippingSiteId="2"))[1]
    assert "Inventory dimension Warehouse is mandatory and must consequently be specified." in text
    assert ordered.create("SalesOrderLinesV3", line())["ShippingWarehouseId"] == "11"


@pytest.mark.parametrize(("value", "stored"), [("merged", "001-022-"), ("ignored", "001--")])
def test_an_items_dimensions_fill_what_header_and_line_leave_empty(
    starting: Callable[..., Caller], value: str, stored: str
) -> None:
    """[flows.md 3.6] The item's default comes last."""
    fo = ordering(starting(item_dimensions=value))
    defaults = {"DefaultLedgerDimensionDisplayValue": "002-022-"}
    fo.machine.edit("ReleasedProductsV2", "usmf:D0001", defaults, fo.now)
    assert fo.create("SalesOrderLinesV3", line())["DefaultLedgerDimensionDisplayValue"] == stored
