"""What an item demands of a line: released, not stopped, a variant, quantities, a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.environment import Reference, same, unknown_reference
from ml_connector.twin.dynamics.errors import InfologError, invalid_field, invalid_write
from ml_connector.twin.dynamics.set_up import VARIANT_DIMENSIONS, fits, number, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from ml_connector.twin.dynamics.environment import Change, Environment
    from ml_connector.twin.dynamics.tables import Row

_ITEM = Reference("ItemNumber", "Item number", "Released products", "ReleasedProductsV2")


def released(environment: Environment, change: Change) -> Row:
    """The item of a line, released in its legal entity.

    Raises:
        InfologError: no item sent, or not released there.
    """
    item = change.fields.get("ItemNumber", "")
    if not item:
        raise invalid_write("Field 'Item number' must be filled in.")
    release = environment.find("ReleasedProductsV2", change.company, item)
    if release is None:
        raise unknown_reference(change, _ITEM, item)
    return release


def check_variant(environment: Environment, change: Change, release: Row) -> None:
    """Refuse a line of a product master that does not name one of its released variants.

    Raises:
        InfologError: a product dimension is missing, or no such variant is released.
    """
    item = str(release.values["ItemNumber"])
    rows = list(rows_of(environment, "ReleasedProductVariantsV2", change.company, ItemNumber=item))
    if not rows:
        return
    sent = {name: str(change.fields.get(name, "")) for name in VARIANT_DIMENSIONS}
    for name, label in VARIANT_DIMENSIONS.items():
        if not sent[name] and any(row.values.get(name) for row in rows):
            raise _mandatory(label)
    if not any(all(same(row.values.get(name, ""), sent[name]) for name in sent) for row in rows):
        wanted = ", ".join(value for value in sent.values() if value)
        raise invalid_write(f"The variant {wanted} of item {item} is not released.")


def order_settings(
    environment: Environment, company: str, release: Row, line: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The order settings that count: the site's own where they override, else the default ones."""
    for row in _of_site(environment, company, release, line):
        if row.values.get("AreSalesDefaultOrderSettingsOverridden") == "Yes":
            return row.values
    return release.values


def check_stop(environment: Environment, company: str, release: Row, line: Mapping[str, Any]) -> None:
    """Refuse an item whose sales are stopped, everywhere or at the line's site.

    Raises:
        InfologError: stopped.
    """
    settings = order_settings(environment, company, release, line)
    stopped = [settings, *(row.values for row in _of_site(environment, company, release, line))]
    if any(values.get("IsSalesProcessingStopped") == "Yes" for values in stopped):
        text = f"Item '{release.values['ItemNumber']}' is blocked for 'Sales order'."
        source = "validateWrite failed on data source 'SalesLine (SalesLine)'"
        raise InfologError(("Warning", text), ("Warning", source))


def check_quantity(
    environment: Environment, change: Change, settings: Mapping[str, Any], quantity: Decimal
) -> None:
    """Refuse a quantity outside the item's order settings, where the switch says that F&O does.

    Raises:
        InfologError: below the minimum, above the maximum, or no multiple.
    """
    if environment.is_on("quantity_rules", "ignored"):
        return
    low, high = number(settings, "MinimumSalesOrderQuantity"), number(settings, "MaximumSalesOrderQuantity")
    multiple, ordered = number(settings, "SalesQuantityMultiples"), abs(quantity)
    problem = ""
    if low and ordered < low:
        problem = f"Quantity {ordered} is less than the minimum order quantity {low}."
    elif high and ordered > high:
        problem = f"Quantity {ordered} is more than the maximum order quantity {high}."
    elif multiple and ordered % multiple:
        problem = f"Quantity {ordered} is not a multiple of {multiple}."
    if problem:
        raise invalid_field(problem, change.field_name("OrderedSalesQuantity"))


def place(environment: Environment, change: Change, order: Row, release: Row) -> dict[str, str]:
    """Site and warehouse: line, else header, else the item's default order settings.

    Raises:
        InfologError: the site, or a warehouse that the item demands, comes from nowhere.
    """
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
        raise _mandatory("Site")
    if warehouse and _site_of(environment, change.company, warehouse) != site:
        warehouse = ""  # a default of another site does not count
    if not warehouse and release.values.get("IsSalesWarehouseMandatory") == "Yes":
        raise _mandatory("Warehouse")
    return {"ShippingSiteId": site, "ShippingWarehouseId": warehouse}


def _mandatory(dimension: str) -> InfologError:
    return invalid_write(f"Inventory dimension {dimension} is mandatory and must consequently be specified.")


def _site_of(environment: Environment, company: str, warehouse: str) -> str:
    found = environment.find("Warehouses", company, warehouse) if warehouse else None
    return str(found.values.get("OperationalSiteId", "")) if found else ""


def _of_site(environment: Environment, company: str, release: Row, line: Mapping[str, Any]) -> list[Row]:
    item, site = str(release.values["ItemNumber"]), str(line.get("ShippingSiteId", ""))
    dimensions = {name: str(line.get(name, "")) for name in VARIANT_DIMENSIONS}
    rows = rows_of(
        environment, "ProductSpecificOrderSettingsV3", company, ItemNumber=item, OperationalSiteId=site
    )
    return [row for row in rows if fits(row, **dimensions)]
