"""Sales order lines (reference: dynamics.md 6.2; flows.md 3.4, 3.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.wire import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller


def line(**changes: Any) -> dict[str, Any]:
    return {"dataAreaId": "usmf", "SalesOrderNumber": "SO-000001", "ItemNumber": "D0001", **changes}


@pytest.fixture
def ordered(fo: Caller, order: dict[str, Any]) -> Caller:
    """An environment with one order, SO-000001."""
    assert order["SalesOrderNumber"] == "SO-000001"
    return fo


@pytest.mark.parametrize("name", ["SalesOrderLines", "SalesOrderLinesV3"])
def test_a_line_takes_its_defaults_from_item_and_header(ordered: Caller, name: str) -> None:
    """[CODE C9, REC] Unit, price, description, site, warehouse, dates; numbers 1, 2, 3 and a lot from the system."""
    created = ordered.create(name, line())
    expected = {
        "LineNumber": 1,
        "LineCreationSequenceNumber": 1,
        "InventoryLotId": "USMF-000001",
        "SalesUnitSymbol": "ea",
        "SalesPrice": Decimal("412.35"),
        "SalesPriceQuantity": 1,
        "OrderedSalesQuantity": 1,
        "LineAmount": Decimal("412.35"),
        "LineDescription": "Pump 40",
        "ShippingSiteId": "1",
        "ShippingWarehouseId": "11",
        "CurrencyCode": "USD",
        "SalesOrderLineStatus": "Backorder",
        "RequestedShippingDate": "2026-03-02T12:00:00Z",
        "DeliveryAddressName": "O'Neill Pumps",
        "DefaultLedgerDimensionDisplayValue": "001--",
    }
    assert {key: created[key] for key in expected} == expected


def test_lines_are_numbered_in_the_order_of_their_arrival(ordered: Caller) -> None:
    """[REC] LineNumber and LineCreationSequenceNumber count 1, 2, 3."""
    created = [ordered.create("SalesOrderLinesV3", line()) for _ in range(3)]
    assert [(row["LineNumber"], row["LineCreationSequenceNumber"]) for row in created] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert len({row["InventoryLotId"] for row in created}) == 3


def test_the_log_names_company_order_and_lot(ordered: Caller) -> None:
    """Written keys are company:order:lot; a refused line names the order."""
    accepted = ordered.send("POST", "/data/SalesOrderLinesV3", line())
    refused = ordered.send("POST", "/data/SalesOrderLinesV3", line(ItemNumber="nope"))
    assert accepted.written == Written(("usmf:SO-000001:USMF-000001",), committed=True)
    assert refused.written == Written(("usmf:SO-000001",), committed=False)


def test_an_order_becomes_open_with_its_first_line_and_none_without(ordered: Caller) -> None:
    """[REC] None until lines exist, then Backorder (open order)."""
    path = "/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='SO-000001')"
    before = ordered.get(path)["@odata.etag"]
    lot = ordered.create("SalesOrderLinesV3", line())["InventoryLotId"]
    after = ordered.get(path)
    assert (after["SalesOrderStatus"], after["@odata.etag"] != before) == ("Backorder", True)
    ordered.send("DELETE", f"/data/SalesOrderLinesV3(dataAreaId='usmf',InventoryLotId='{lot}')")
    assert ordered.get(path)["SalesOrderStatus"] == "None"


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ({"OrderedSalesQuantity": 3, "SalesPrice": 10}, "30.00"),
        ({"OrderedSalesQuantity": 3, "SalesPrice": 1500.5, "SalesPriceQuantity": 100}, "45.02"),
        ({"OrderedSalesQuantity": 3, "SalesPrice": 10, "LineDiscountAmount": 1.5}, "25.50"),
        ({"OrderedSalesQuantity": 3, "SalesPrice": 10, "LineDiscountPercentage": 7.5}, "27.75"),
        (
            {
                "OrderedSalesQuantity": 4,
                "SalesPrice": 10,
                "LineDiscountAmount": 1,
                "LineDiscountPercentage": 50,
            },
            "18.00",
        ),
        ({"OrderedSalesQuantity": 2.5, "SalesPrice": 0.01}, "0.03"),
        ({"OrderedSalesQuantity": -1, "SalesPrice": 0.005}, "-0.01"),
        ({"SalesPrice": 0}, "0.00"),
    ],
)
def test_the_amount_is_quantity_times_net_price_to_the_cent(
    ordered: Caller, sent: dict[str, Any], amount: str
) -> None:
    """[flows.md 3.5] quantity x (price / price quantity - discount) x (1 - percent)."""
    created = ordered.create("SalesOrderLinesV3", line(**sent))
    assert created["LineAmount"] == Decimal(amount)
    stored, _ = ordered.machine.records("SalesOrderLinesV3", after=None, limit=1)
    assert str(stored[0]["LineAmount"]) == amount


def test_a_price_alone_is_read_per_the_items_price_quantity(ordered: Caller) -> None:
    """[flows.md 3.5] So the connector sends SalesPriceQuantity 1 beside a deal's price."""
    created = ordered.create("SalesOrderLinesV3", line(ItemNumber=" OIL-5", SalesPrice=20))
    assert (created["SalesPriceQuantity"], created["LineAmount"]) == (100, Decimal("0.20"))


def test_a_trade_agreement_discounts_a_line_that_sends_none(starting: Callable[..., Caller]) -> None:
    """[flows.md 3.5] So the connector sends discounts explicitly, zero included."""
    fo = starting(trade_agreement_percent="5")
    fo.create("SalesOrderHeadersV2", {"OrderingCustomerAccountNumber": "US-001"})
    agreed = fo.create("SalesOrderLinesV3", line(SalesPrice=100))
    explicit = fo.create(
        "SalesOrderLinesV3", line(SalesPrice=100, LineDiscountAmount=0, LineDiscountPercentage=0)
    )
    assert (agreed["LineDiscountPercentage"], agreed["LineAmount"]) == (5, Decimal(95))
    assert (explicit["LineDiscountPercentage"], explicit["LineAmount"]) == (0, Decimal(100))


def test_without_a_site_from_anywhere_the_line_is_refused(ordered: Caller) -> None:
    """[CODE C6] Line, else header, else the item's default order settings, else "Site is mandatory"."""
    status, text = ordered.refusal("POST", "/data/SalesOrderLinesV3", line(ItemNumber="S0001"))
    assert status == 400
    assert text == (
        "Write failed for table row of type 'SalesOrderLineV3Entity'. Infolog: Warning: Inventory dimension Site is "
        "mandatory and must consequently be specified.; Error: Update has been canceled.."
    )


def test_the_site_comes_from_line_header_or_item(ordered: Caller) -> None:
    """[CODE C6] In that order; a warehouse brings its site."""
    create = ordered.create
    assert create("SalesOrderLinesV3", line(ItemNumber="S0001", ShippingSiteId="2"))["ShippingSiteId"] == "2"
    by_warehouse = create("SalesOrderLinesV3", line(ItemNumber="S0001", ShippingWarehouseId="21"))
    assert by_warehouse["ShippingSiteId"] == "2"
    path = "/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='SO-000001')"
    ordered.send("PATCH", path, {"DefaultShippingSiteId": "2"})
    row = create("SalesOrderLinesV3", line())
    assert (row["ShippingSiteId"], row["ShippingWarehouseId"]) == ("2", "")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"SalesOrderNumber": "SO-000009"}, "'SO-000009' in field 'Sales order'"),
        ({"SalesOrderNumber": ""}, "Sales order"),
        ({"ItemNumber": "D9999"}, "'D9999' in field 'Item number'"),
        ({"ItemNumber": "OIL-5"}, "'OIL-5' in field 'Item number'"),
        ({"ItemNumber": ""}, "Item number"),
        ({"SalesUnitSymbol": "parsec"}, "'parsec' in field 'Unit'"),
        ({"SalesUnitSymbol": "kg"}, "No unit conversion"),
        ({"ShippingSiteId": "99"}, "'99' in field 'Site'"),
        ({"ShippingWarehouseId": "99"}, "'99' in field 'Warehouse'"),
        ({"ShippingSiteId": "1", "ShippingWarehouseId": "21"}, "does not belong to site 1"),
        ({"DefaultLedgerDimensionDisplayValue": "001-022"}, "2 segments"),
    ],
)
def test_lines_are_validated(ordered: Caller, changes: dict[str, str], word: str) -> None:
    """[2.5 bad reference] Unknown orders, items, units, sites, warehouses, dimension values."""
    status, text = ordered.refusal("POST", "/data/SalesOrderLinesV3", line(**changes))
    assert status == 400
    assert word in text
    assert ordered.machine.counts()["SalesOrderLines"] == 0


def test_an_item_is_known_only_where_it_is_released(fo: Caller) -> None:
    """[flows.md 3.2] Release is per legal entity."""
    fo.create("SalesOrderHeadersV2", {"dataAreaId": "demf", "OrderingCustomerAccountNumber": "DE-001"})
    body = line(dataAreaId="demf", ItemNumber=" OIL-5", ShippingSiteId="4")
    assert "' OIL-5' in field 'Item number'" in fo.refusal("POST", "/data/SalesOrderLinesV3", body)[1]


@pytest.mark.parametrize(("value", "shown"), [("shown", "Yes"), ("hidden", "No")])
def test_a_stopped_item_is_refused_whether_its_settings_show_it_or_not(
    starting: Callable[..., Caller], value: str, shown: str
) -> None:
    """[CODE; flows.md 2, v] Item ... is blocked for 'Sales order'."""
    fo = starting(sales_stop=value)
    settings = fo.get(
        "/data/ProductDefaultOrderSettings(dataAreaId='demf',ItemNumber='D0001')?cross-company=true"
    )
    assert settings["IsSalesProcessingStopped"] == shown
    fo.create("SalesOrderHeadersV2", {"dataAreaId": "demf", "OrderingCustomerAccountNumber": "DE-001"})
    _, text = fo.refusal("POST", "/data/SalesOrderLinesV3", line(dataAreaId="demf"))
    assert "Item 'D0001' is blocked for 'Sales order'.; validateWrite failed" in text.replace(
        "; Warning: ", "; "
    )


def test_a_changed_line_has_its_amount_worked_out_again(ordered: Caller) -> None:
    """[2.4] An update runs the same rules."""
    lot = ordered.create("SalesOrderLinesV3", line(SalesPrice=10))["InventoryLotId"]
    path = f"/data/SalesOrderLinesV3(dataAreaId='usmf',InventoryLotId='{lot}')"
    assert ordered.send("PATCH", path, {"OrderedSalesQuantity": 4}).status == 204
    assert ordered.get(path)["LineAmount"] == 40
    assert ordered.refusal("PATCH", path, {"ItemNumber": "S0001"})[0] == 400


def test_references_of_the_client_are_kept_on_the_line(ordered: Caller) -> None:
    """[6.2 line idempotency] CustomersLineNumber, OrderLineReference, ExternalItemNumber."""
    sent = {"CustomersLineNumber": 2, "OrderLineReference": "HS-1/2", "ExternalItemNumber": "X"}
    created = ordered.create("SalesOrderLinesV3", line(**sent))
    assert {name: created[name] for name in sent} == sent
    found = ordered.rows(
        "SalesOrderLinesV3", filter="dataAreaId eq 'usmf' and SalesOrderNumber eq 'SO-000001'"
    )
    assert [row["CustomersLineNumber"] for row in found] == [2]


def test_a_closed_order_takes_no_more_lines(ordered: Caller) -> None:
    """[6.2] Later only inside F&O."""
    ordered.machine.edit(
        "SalesOrderHeadersV2", "usmf:SO-000001", {"SalesOrderStatus": "Invoiced"}, ordered.now
    )
    assert ordered.refusal("POST", "/data/SalesOrderLinesV3", line())[0] == 400
