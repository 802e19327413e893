"""Business rules of sales order lines: item, site, unit, price, discount, amount, numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import dimensions, numbers
from ml_connector.twin.dynamics.environment import (
    Change,
    Environment,
    Reference,
    check_references,
    same,
    unknown_reference,
)
from ml_connector.twin.dynamics.errors import InfologError, invalid_field, invalid_write
from ml_connector.twin.dynamics.orders import check_warehouse, lines_of, move_past_dates, settle_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.dynamics.tables import Row

_ORDER = Reference("SalesOrderNumber", "Sales order", "Sales orders", "SalesOrderHeadersV2")
_ITEM = Reference("ItemNumber", "Item number", "Released products", "ReleasedProductsV2")
REFERENCES = (
    Reference("SalesUnitSymbol", "Unit", "Units", "UnitsOfMeasure", per_company=False),
    Reference("ShippingSiteId", "Site", "Sites", "OperationalSitesV2"),
    Reference("ShippingWarehouseId", "Warehouse", "Warehouses", "Warehouses"),
)
AMOUNT_PARTS = {
    *("OrderedSalesQuantity", "SalesPrice", "SalesPriceQuantity"),
    *("LineDiscountAmount", "LineDiscountPercentage"),
}
_DISCOUNTS = ("LineDiscountAmount", "LineDiscountPercentage")
_CENT = Decimal("0.01")


def create(environment: Environment, change: Change) -> Row:
    """Validate and store a new line; the order's status follows.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    order = _order(environment, change)
    release = _release(environment, change)
    _check(environment, change)
    values = {**_defaults(environment, order, release), **_sent(change)}
    _check_unit(change, release)
    values |= _place(environment, change, order, release)
    values |= _price(environment, change, release)
    existing = lines_of(environment, order)
    sequence = 1 + max((line.values["LineCreationSequenceNumber"] for line in existing), default=0)
    last = max((line.values["LineNumber"] for line in existing), default=Decimal(0))
    values |= {
        "dataAreaId": change.company,
        "SalesOrderNumber": order.values["SalesOrderNumber"],
        "ItemNumber": release.values["ItemNumber"],
        "CurrencyCode": order.values["CurrencyCode"],
        "InventoryLotId": numbers.draw(environment, "lots", change.company),
        "LineCreationSequenceNumber": sequence,
        "LineNumber": change.fields.get("LineNumber") or int(last) + 1,
        "DefaultLedgerDimensionDisplayValue": _dimension_value(environment, change, order),
        "SalesOrderLineStatus": "Backorder",
    }
    if environment.is_on("past_dates", "today"):
        move_past_dates(values, change.now)
    if values["CalculateLineAmount"] == "Yes" or "LineAmount" not in values:
        values["LineAmount"] = line_amount(values)
    row = environment.store.insert("lines", values)
    settle_status(environment, order)
    return row


def update(environment: Environment, change: Change, row: Row) -> None:
    """Validate changed fields of a line.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    for name in ("SalesOrderNumber", "ItemNumber", "SalesOrderLineStatus"):
        if name in change.fields and change.fields[name] != row.values[name]:
            raise invalid_field(f"Field '{name}' is not allowed to be edited.", change.field_name(name))
    _check(environment, change)


def remove(environment: Environment, row: Row) -> None:
    """Delete a line; the order's status follows."""
    environment.store.delete("lines", row)
    order = environment.find("SalesOrderHeadersV2", row.values["dataAreaId"], row.values["SalesOrderNumber"])
    if order is not None:
        settle_status(environment, order)


def line_amount(values: Mapping[str, Any]) -> Decimal:
    """Net amount: quantity x (price / price quantity - discount) x (1 - percent / 100), to the cent."""
    price = Decimal(values.get("SalesPrice", 0)) / (
        Decimal(values.get("SalesPriceQuantity", 0)) or Decimal(1)
    )
    net = price - Decimal(values.get("LineDiscountAmount", 0))
    share = 1 - Decimal(values.get("LineDiscountPercentage", 0)) / 100
    amount = Decimal(values.get("OrderedSalesQuantity", 0)) * net * share
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _order(environment: Environment, change: Change) -> Row:
    number = change.fields.get("SalesOrderNumber", "")
    if not number:
        raise invalid_write("Field 'Sales order' must be filled in.")
    order = environment.find("SalesOrderHeadersV2", change.company, number)
    if order is None:
        raise unknown_reference(change, _ORDER, number)
    if order.values["SalesOrderStatus"] in {"Invoiced", "Canceled"}:
        raise invalid_write(f"Sales order {number} is closed and cannot be changed.")
    return order


def _release(environment: Environment, change: Change) -> Row:
    item = change.fields.get("ItemNumber", "")
    if not item:
        raise invalid_write("Field 'Item number' must be filled in.")
    release = environment.find("ReleasedProductsV2", change.company, item)
    if release is None:
        raise unknown_reference(change, _ITEM, item)
    if release.values.get("IsSalesProcessingStopped") == "Yes":
        text = f"Item '{item}' is blocked for 'Sales order'."
        source = "validateWrite failed on data source 'SalesLine (SalesLine)'"
        raise InfologError(("Warning", text), ("Warning", source))
    return release


def _check(environment: Environment, change: Change) -> None:
    check_references(environment, change, REFERENCES, change.fields)
    check_warehouse(environment, change, "ShippingSiteId", "ShippingWarehouseId")
    dimensions.check_display_value(environment, change, "DefaultLedgerDimensionDisplayValue")


def _check_unit(change: Change, release: Row) -> None:
    """The twin knows no unit conversions: a line is sold in its item's own unit."""
    unit = change.fields.get("SalesUnitSymbol", "")
    own = _of_product(release, "SalesUnitSymbol")
    if unit and not same(unit, own):
        raise invalid_field(
            f"No unit conversion from {unit} to {own} exists for item {release.values['ItemNumber']}.",
            change.field_name("SalesUnitSymbol"),
        )


def _sent(change: Change) -> dict[str, Any]:
    """What the client decides: sent fields that hold something, without what the system sets."""
    return {name: value for name, value in change.fields.items() if value != ""}


def _of_product(release: Row, name: str) -> Any:
    beside = release.joined.values if release.joined else {}
    return release.values.get(name, beside.get(name, ""))


def _defaults(environment: Environment, order: Row, release: Row) -> dict[str, Any]:
    header = order.values
    product = environment.find("AllProducts", release.values["ProductNumber"])
    return {
        "SalesUnitSymbol": _of_product(release, "SalesUnitSymbol"),
        "LineDescription": product.values["ProductName"] if product else "",
        "OrderedSalesQuantity": Decimal(1),
        "DeliveryAddressName": header.get("DeliveryAddressName", ""),
        "RequestedShippingDate": header["RequestedShippingDate"],
        "RequestedReceiptDate": header["RequestedReceiptDate"],
        "SkipCreateAutoCharges": header.get("SkipCreateAutoCharges", "No"),
        "CalculateLineAmount": "Yes",
    }


def _place(environment: Environment, change: Change, order: Row, release: Row) -> dict[str, str]:
    """Site and warehouse: line, else header, else the item's default order settings."""
    warehouse = (
        change.fields.get("ShippingWarehouseId")
        or order.values.get("DefaultShippingWarehouseId")
        or release.values.get("SalesWarehouseId")
        or ""
    )
    site = (
        change.fields.get("ShippingSiteId")
        or order.values.get("DefaultShippingSiteId")
        or _site_of(environment, change.company, warehouse)
        or release.values.get("SalesSiteId")
        or ""
    )
    if not site:
        raise invalid_write("Inventory dimension Site is mandatory and must consequently be specified.")
    if warehouse and _site_of(environment, change.company, warehouse) != site:
        warehouse = ""  # a default of another site does not count
    return {"ShippingSiteId": site, "ShippingWarehouseId": warehouse}


def _site_of(environment: Environment, company: str, warehouse: str) -> str:
    found = environment.find("Warehouses", company, warehouse) if warehouse else None
    return str(found.values.get("OperationalSiteId", "")) if found else ""


def _price(environment: Environment, change: Change, release: Row) -> dict[str, Any]:
    """What the client did not send comes from the item, and from a trade agreement where one stands."""
    sent = change.fields
    found = {
        name: sent.get(name, release.values.get(name, 0)) for name in ("SalesPrice", "SalesPriceQuantity")
    }
    agreed = Decimal(environment.switches["trade_agreement_percent"])
    if agreed and not any(name in sent for name in _DISCOUNTS):
        found["LineDiscountPercentage"] = agreed
    return found


def _dimension_value(environment: Environment, change: Change, order: Row) -> str:
    sent = change.fields.get("DefaultLedgerDimensionDisplayValue", "")
    if sent and environment.is_on("dimension_post", "replace"):
        return str(sent)
    return dimensions.merge(environment, sent, order.values.get("DefaultLedgerDimensionDisplayValue", ""))
