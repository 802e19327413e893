"""What decides whether an order header is right (reference: flows.md 3.3, 3.5, 3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

SET = "/data/SalesOrderHeadersV2"


def header(account: str = "US-001", **changes: Any) -> dict[str, Any]:
    return {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": account, **changes}


def customer(fo: Caller, **fields: Any) -> None:
    """Change customer US-001 as a person in F&O would."""
    fo.machine.edit("CustomersV3", "usmf:US-001", fields, fo.now)


def test_a_header_takes_over_what_its_customer_is_set_up_with(fo: Caller) -> None:
    """[2.4] Terms, modes, tax group, price group, site, tax in prices, one-time: when not sent."""
    customer(
        fo,
        DeliveryTerms="FOB",
        DeliveryMode="Truck",
        SalesTaxGroup="CA",
        DiscountPriceGroupId="GOLD",
        SiteId="2",
        IsSalesTaxIncludedInPrices="Yes",
        IsOneTimeCustomer="Yes",
    )
    created = fo.create("SalesOrderHeadersV2", header())
    expected = {
        "DeliveryTermsCode": "FOB",
        "DeliveryModeCode": "Truck",
        "SalesTaxGroupCode": "CA",
        "PriceCustomerGroupCode": "GOLD",
        "DefaultShippingSiteId": "2",
        "ArePricesIncludingSalesTax": "Yes",
        "IsOneTimeCustomer": "Yes",
    }
    assert {name: created[name] for name in expected} == expected
    sent = fo.create("SalesOrderHeadersV2", header(ArePricesIncludingSalesTax="No", DeliveryModeCode="Air"))
    assert (sent["ArePricesIncludingSalesTax"], sent["DeliveryModeCode"]) == ("No", "Air")


@pytest.mark.parametrize("kind", ["Invoice", "Payment", "Requisition", "Never", "PurchOrder", "No"])
def test_only_the_hold_for_all_stops_an_order(fo: Caller, kind: str) -> None:
    """[META, flows.md 3.3] CustVendorBlocked has seven members; one of them stops orders."""
    fo.machine.hold("usmf", "US-001", kind, fo.now)
    assert fo.create("SalesOrderHeadersV2", header("US-003"))  # whose payer is US-001


def test_a_hold_for_requisitions_may_stop_orders_too(starting: Callable[..., Caller]) -> None:
    """[INF] The other behaviour of order_holds."""
    fo = starting(order_holds="all_and_requisition")
    fo.machine.hold("usmf", "US-001", "Requisition", fo.now)
    assert "US-001 is on hold (Requisition)" in fo.refusal("POST", SET, header("US-003"))[1]


@pytest.mark.parametrize(("value", "without", "flagged"), [("customer", 201, 400), ("always", 400, 400)])
def test_a_requisition_number_is_demanded_by_customer_or_by_all(
    starting: Callable[..., Caller], value: str, without: int, flagged: int
) -> None:
    """[6.2 INF] The customer's IsOrderNumberReferenceUsed, or the whole environment."""
    fo = starting(requisition=value)
    assert fo.send("POST", SET, header()).status == without
    customer(fo, IsOrderNumberReferenceUsed="Yes")
    assert fo.send("POST", SET, header()).status == flagged
    assert fo.create("SalesOrderHeadersV2", header(CustomerRequisitionNumber="PO 7"))


def test_nobody_may_demand_a_requisition_number(starting: Callable[..., Caller]) -> None:
    """[6.2 INF] The third value."""
    fo = starting(requisition="never")
    customer(fo, IsOrderNumberReferenceUsed="Yes")
    assert fo.create("SalesOrderHeadersV2", header())


@pytest.mark.parametrize(("value", "second"), [("allowed", 201), ("refused", 400)])
def test_a_requisition_number_may_be_checked_for_duplicates(
    starting: Callable[..., Caller], value: str, second: int
) -> None:
    """[6.2 INF] Per customer; another customer may use the same number."""
    fo = starting(requisition_duplicates=value)
    body = header(CustomerRequisitionNumber="PO 7")
    fo.create("SalesOrderHeadersV2", body)
    assert fo.send("POST", SET, body).status == second
    assert fo.create("SalesOrderHeadersV2", header("US-003", CustomerRequisitionNumber="PO 7"))


def test_charges_come_by_themselves_unless_the_order_skips_them(starting: Callable[..., Caller]) -> None:
    """[flows.md 3.5] SkipCreateAutoCharges No takes the legal entity's set-up; line amounts stay free of it."""
    fo = starting(auto_charges="set_up", order_totals="computed")
    for skip in ("No", "Yes"):
        number = fo.create("SalesOrderHeadersV2", header(SkipCreateAutoCharges=skip))["SalesOrderNumber"]
        body = {"SalesOrderNumber": number, "ItemNumber": "D0001", "SalesPrice": 100}
        assert fo.create("SalesOrderLinesV3", body)["LineAmount"] == 100
    rows = fo.rows("SalesOrderHeadersV2", orderby="SalesOrderNumber")
    assert [row["OrderTotalChargesAmount"] for row in rows] == [25, 0]
    assert [row["OrderTotalAmount"] for row in rows] == [125, 100]
    assert [row["AreTotalsCalculated"] for row in rows] == ["Yes", "Yes"]


@pytest.mark.parametrize(("charges", "totals"), [("none", "computed"), ("set_up", "not_computed")])
def test_without_charges_or_totals_the_header_shows_no_charge(
    starting: Callable[..., Caller], charges: str, totals: str
) -> None:
    """[REC] AreTotalsCalculated No: the amounts are 0."""
    fo = starting(auto_charges=charges, order_totals=totals)
    fo.create("SalesOrderHeadersV2", header(SkipCreateAutoCharges="No"))
    assert fo.rows("SalesOrderHeadersV2")[0]["OrderTotalChargesAmount"] == 0
