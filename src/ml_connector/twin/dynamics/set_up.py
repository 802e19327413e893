"""Set-up that people keep inside F&O: agreements, variants, translations, order settings, sequences.

Each table has the name, the keys and the property names of the entity set that shows it, so that the set needs
no more than to be offered. ``DynamicsMachine.add`` fills them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.tables import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.tables import Row, Store
    from ml_connector.twin.world.model import World

VARIANT_DIMENSIONS = {
    "ProductConfigurationId": "Configuration",
    "ProductSizeId": "Size",
    "ProductColorId": "Color",
    "ProductStyleId": "Style",
    "ProductVersionId": "Version",
}
TABLES: dict[str, tuple[str, ...]] = {
    "SalesPriceAgreements": ("dataAreaId", "RecordId"),
    "SalesLineDiscountAgreements": ("dataAreaId", "RecordId"),
    "ReleasedProductVariantsV2": ("dataAreaId", "ProductMasterNumber", *VARIANT_DIMENSIONS),
    "ProductTranslations": ("ProductNumber", "LanguageId"),
    "ProductSpecificOrderSettingsV3": ("dataAreaId", "ItemNumber", "OperationalSiteId", *VARIANT_DIMENSIONS),
    "UnitOfMeasureConversions": ("FromUnitSymbol", "ToUnitSymbol"),
    "ProductUnitOfMeasureConversions": ("FromUnitSymbol", "ToUnitSymbol", "ProductNumber"),
    "FinancialDimensionValueLegalEntityOverridesV2": (
        "FinancialDimension",
        "DimensionValue",
        "LegalEntityId",
    ),
    "SequenceV2Tables": ("NumberSequenceCode", "ScopeType", "ScopeValue"),
    "prospects": ("dataAreaId", "ProspectId"),
    "auto_charges": ("dataAreaId", "ChargeCode"),
    "charges": ("dataAreaId", "SalesOrderNumber", "ChargeCode"),
    "validations": ("dataAreaId", "ValidationId"),
}
FREIGHT = ("FREIGHT", Decimal(25))


def fill(world: World, store: Store, switches: Mapping[str, str]) -> None:
    """What every environment starts with: charges where the switch says so."""
    for entity in world.legal_entities:
        if switches["auto_charges"] == "set_up":
            code, amount = FREIGHT
            values = {"dataAreaId": entity.id, "ChargeCode": code, "Amount": amount}
            store.fill("auto_charges", values)


def row(table: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row: numbers as Decimal, companies in lower case, missing parts of the key empty.

    Raises:
        KeyError: no such table.
    """
    values: dict[str, Any] = dict.fromkeys(TABLES[table], "")
    for name, value in fields.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        values[name] = Decimal(str(value)) if is_number else value
    if "dataAreaId" in values:
        values["dataAreaId"] = str(values["dataAreaId"]).lower()
    return values


def rows_of(environment: Environment, table: str, company: str, **wanted: str) -> Iterator[Row]:
    """The rows of set-up in one legal entity that have those texts; not those that only mirror another table."""
    rows = environment.store.tables.peek(table)
    first = next(iter(wanted), None)  # read through its index: there may be many agreements
    candidates = rows.by_company.get(company, []) if first is None else rows.where(first, [wanted[first]])
    for row in candidates:
        own = row.joined is None and row.values.get("dataAreaId") == company
        if own and all(fold(row.values.get(name, "")) == fold(value) for name, value in wanted.items()):
            yield row


def fits(row: Row, **wanted: str) -> bool:
    """Whether each text of a row is empty, which stands for all, or the wanted one."""
    return all(
        not row.values.get(name) or fold(row.values[name]) == fold(value) for name, value in wanted.items()
    )


def number(values: Mapping[str, Any], name: str) -> Decimal:
    """A number of a row; empty is 0."""
    return Decimal(values.get(name) or 0)
