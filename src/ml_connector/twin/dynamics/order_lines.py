"""Business rules of sales order lines: what is checked, defaulted and numbered, in F&O's order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import dimensions, items, numbers
from ml_connector.twin.dynamics.environment import (
    Change,
    Environment,
    Reference,
    check_references,
    unknown_reference,
)
from ml_connector.twin.dynamics.errors import invalid_field, invalid_write
from ml_connector.twin.dynamics.orders import (
    CLOSED,
    check_warehouse,
    lines_of,
    move_past_dates,
    settle_status,
)
from ml_connector.twin.dynamics.pricing import line_amount, price_line, rounded_quantity, units_of_item
from ml_connector.twin.dynamics.set_up import number

if TYPE_CHECKING:
    from ml_connector.twin.dynamics.tables import Row

_ORDER = Reference("SalesOrderNumber", "Sales order", "Sales orders", "SalesOrderHeadersV2")
REFERENCES = (
    Reference("SalesUnitSymbol", "Unit", "Units", "UnitsOfMeasure", per_company=False),
    Reference("ShippingSiteId", "Site", "Sites", "OperationalSitesV2"),
    Reference("ShippingWarehouseId", "Warehouse", "Warehouses", "Warehouses"),
)


def create(environment: Environment, change: Change) -> Row:
    """Validate and store a new line; the order's status follows.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    order = _order(environment, change)
    release = items.released(environment, change)
    _check(environment, change)
    items.check_variant(environment, change, release)
    values = _values(environment, change, order, release)
    items.check_stop(environment, change.company, release, values)
    values |= _quantity(environment, change, release, values)
    values |= price_line(environment, change, order, release, values)
    values |= _numbers(environment, change, order)
    if environment.is_on("past_dates", "today"):
        move_past_dates(values, change.now)
    if values["CalculateLineAmount"] == "Yes" or "LineAmount" not in values:
        values["LineAmount"] = line_amount(values)
    row = environment.store.insert("lines", values)
    settle_status(environment, order)
    return row


def _values(environment: Environment, change: Change, order: Row, release: Row) -> dict[str, Any]:
    """What the line is about, where it leaves from, and how it is accounted for."""
    return {
        **_defaults(environment, order, release),
        **_sent(change),
        **items.place(environment, change, order, release),
        "dataAreaId": change.company,
        "SalesOrderNumber": order.values["SalesOrderNumber"],
        "ItemNumber": release.values["ItemNumber"],
        "CurrencyCode": order.values["CurrencyCode"],
        "DefaultLedgerDimensionDisplayValue": _dimension_value(environment, change, order, release),
        "SalesOrderLineStatus": "Backorder",
    }


def _quantity(
    environment: Environment, change: Change, release: Row, values: dict[str, Any]
) -> dict[str, Decimal]:
    """The quantity in the line's unit: as sent, else the item's standard quantity, else 1."""
    settings = items.order_settings(environment, change.company, release, values)
    unit = str(values["SalesUnitSymbol"])
    units_of_item(environment, change, release, unit, str(_of_product(release, "SalesUnitSymbol")))
    standard = number(settings, "StandardSalesOrderQuantity") or Decimal(1)
    sent = Decimal(change.fields.get("OrderedSalesQuantity", standard))
    quantity = rounded_quantity(environment, change, sent, unit)
    items.check_quantity(environment, change, settings, quantity)
    return {"OrderedSalesQuantity": quantity}


def _numbers(environment: Environment, change: Change, order: Row) -> dict[str, Any]:
    """The lot id, and the numbers 1, 2, 3 in the order of arrival."""
    existing = lines_of(environment, order)
    sequence = 1 + max((line.values["LineCreationSequenceNumber"] for line in existing), default=0)
    last = max((line.values["LineNumber"] for line in existing), default=Decimal(0))
    return {
        "InventoryLotId": numbers.draw(environment, "lots", change.company),
        "LineCreationSequenceNumber": sequence,
        "LineNumber": change.fields.get("LineNumber") or int(last) + 1,
    }


def update(environment: Environment, change: Change, row: Row) -> None:
    """Validate changed fields of a line.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    for name in ("SalesOrderNumber", "ItemNumber", "SalesOrderLineStatus"):
        if name in change.fields and change.fields[name] != row.values[name]:
            raise invalid_field(f"Field '{name}' is not allowed to be edited.", change.field_name(name))
    if row.values["SalesOrderLineStatus"] in {"Invoiced", "Canceled"}:
        raise invalid_write(f"Line {row.values['InventoryLotId']} is closed and cannot be changed.")
    _check(environment, change)
    release = environment.find("ReleasedProductsV2", change.company, row.values["ItemNumber"])
    unit = change.fields.get("SalesUnitSymbol")
    if release is not None and unit:
        units_of_item(environment, change, release, unit, str(_of_product(release, "SalesUnitSymbol")))
    if "OrderedSalesQuantity" in change.fields:
        _change_quantity(environment, change, row, release)


def _change_quantity(environment: Environment, change: Change, row: Row, release: Row | None) -> None:
    quantity = Decimal(change.fields["OrderedSalesQuantity"])
    delivered = number(row.values, "DeliveredQuantity")
    if abs(quantity) < abs(delivered):
        raise invalid_field(
            f"Quantity {quantity} is less than the delivered quantity {delivered}.",
            change.field_name("OrderedSalesQuantity"),
        )
    unit = str(change.fields.get("SalesUnitSymbol") or row.values["SalesUnitSymbol"])
    change.fields["OrderedSalesQuantity"] = rounded_quantity(environment, change, quantity, unit)
    if release is not None:
        settings = items.order_settings(environment, change.company, release, row.values)
        items.check_quantity(environment, change, settings, quantity)


def remove(environment: Environment, row: Row) -> None:
    """Delete a line; the order's status follows.

    Raises:
        InfologError: something of it is delivered.
    """
    if row.values.get("DeliveredQuantity"):
        raise invalid_write(f"Line {row.values['InventoryLotId']} is delivered and cannot be deleted.")
    environment.store.delete("lines", row)
    order = environment.find("SalesOrderHeadersV2", row.values["dataAreaId"], row.values["SalesOrderNumber"])
    if order is not None:
        settle_status(environment, order)


def _order(environment: Environment, change: Change) -> Row:
    number = change.fields.get("SalesOrderNumber", "")
    if not number:
        raise invalid_write("Field 'Sales order' must be filled in.")
    order = environment.find("SalesOrderHeadersV2", change.company, number)
    if order is None:
        raise unknown_reference(change, _ORDER, number)
    if order.values["SalesOrderStatus"] in CLOSED:
        raise invalid_write(f"Sales order {number} is closed and cannot be changed.")
    return order


def _check(environment: Environment, change: Change) -> None:
    check_references(environment, change, REFERENCES, change.fields)
    check_warehouse(environment, change, "ShippingSiteId", "ShippingWarehouseId")
    dimensions.check_display_value(environment, change, "DefaultLedgerDimensionDisplayValue")


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
        "DeliveryAddressName": header.get("DeliveryAddressName", ""),
        "DeliveryModeCode": header.get("DeliveryModeCode", ""),
        "DeliveryTermsId": header.get("DeliveryTermsCode", ""),
        "SalesTaxGroupCode": header.get("SalesTaxGroupCode", ""),
        "CustomerRequisitionNumber": header.get("CustomerRequisitionNumber", ""),
        "RequestedShippingDate": header["RequestedShippingDate"],
        "RequestedReceiptDate": header["RequestedReceiptDate"],
        "SkipCreateAutoCharges": header.get("SkipCreateAutoCharges", "No"),
        "CalculateLineAmount": "Yes",
    }


def _dimension_value(environment: Environment, change: Change, order: Row, release: Row) -> str:
    """As sent, then the header's, then the item's, segment by segment."""
    name = "DefaultLedgerDimensionDisplayValue"
    sent = change.fields.get(name, "")
    if sent and environment.is_on("dimension_post", "replace"):
        return str(sent)
    found = dimensions.merge(environment, sent, order.values.get(name, ""))
    if environment.is_on("item_dimensions", "ignored"):
        return found
    return dimensions.merge(environment, found, release.values.get(name, ""))
