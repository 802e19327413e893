"""What leads from one entity set to another: the navigation properties, and how their rows are found.

Names and targets are in the table of sets. ``_BY_VALUE`` names the properties that tie the rows of the two sets
together; a navigation without an entry leads to no row, for nothing in the world ties its sets.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.tables import fold
from ml_connector.twin.dynamics.views import Navigation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.twin.dynamics.tables import Row, Store
    from ml_connector.twin.dynamics.views import View

Pairs = tuple[tuple[str, str], ...]  # (property of the target, property of the source); the first is searched


def _same(*names: str) -> Pairs:
    return tuple((name, name) for name in names)


_ORDER = _same("SalesOrderNumber", "dataAreaId")
_ITEM = _same("ItemNumber", "dataAreaId")
_PRODUCT = _same("ProductNumber")
_SET = (("DisplayValue", "DefaultDimensionDisplayValue"),)
_SET_BACK = (("DefaultDimensionDisplayValue", "DisplayValue"),)
_LEDGER_SET = (("DisplayValue", "DefaultLedgerDimensionDisplayValue"),)
_LEDGER_SET_BACK = (("DefaultLedgerDimensionDisplayValue", "DisplayValue"),)
_DIMENSION = (("DimensionName", "FinancialDimension"),)
_DIMENSION_BACK = (("FinancialDimension", "DimensionName"),)

_BY_VALUE: dict[str, Pairs] = {
    "CustomersV3.DimensionSet": _SET,
    "CustomersV3.Warehouses": (
        ("ExternallyLocatedWarehouseCustomerAccountNumber", "CustomerAccount"),
        ("dataAreaId", "dataAreaId"),
    ),
    "CustomerGroups.DimensionSet": _SET,
    "CDSContactPersonsV2.Party": (("PartyNumber", "ContactPersonPartyNumber"),),
    "PartyContactsV3.CDSParty": _same("PartyNumber"),
    "CDSParties.PartyContactV3": _same("PartyNumber"),
    "CDSParties.ContactPerson": (("ContactPersonPartyNumber", "PartyNumber"),),
    "ReleasedProductsV2.ProductSpecificOrderSettingsV3": _ITEM,
    "ReleasedProductsV2.ProductDefaultOrderSettings": _ITEM,
    "ReleasedProductsV2.ReleasedDistinctProductCDS": _same("ProductNumber", "dataAreaId"),
    "ReleasedProductsV2.ProductV2": _PRODUCT,
    "ReleasedProductsV2.EveryProduct": _PRODUCT,
    "ReleasedProductsV2.CatchWeightUnitOfMeasure": (("UnitSymbol", "CatchWeightUnitSymbol"),),
    "ReleasedProductsV2.OriginCountryRegion": (("CountryRegion", "OriginCountryRegionId"),),
    "ReleasedProductsV2.OriginState": (
        ("State", "OriginStateId"),
        ("CountryRegionId", "OriginCountryRegionId"),
    ),
    "ReleasedProductsV2.DimensionSet": _LEDGER_SET,
    "ReleasedDistinctProductsV2.ProductTranslation": _PRODUCT,
    "CDSReleasedDistinctProducts.ReleasedProductV2": _ITEM,
    "AllProducts.ProductUnitOfMeasureConversions": _PRODUCT,
    "AllProducts.ReleasedProductV2": _PRODUCT,
    "ProductsV2.ReleasedProducts": _PRODUCT,
    "ProductTranslations.ReleasedDistinctProductV2": _PRODUCT,
    "SalesOrderHeadersV2.SalesOrderLines": _ORDER,
    "SalesOrderHeadersV2.DimensionSet": _LEDGER_SET,
    "SalesOrderHeadersV3.SalesOrderLines": _ORDER,
    "SalesOrderHeadersV3.DimensionSet": _LEDGER_SET,
    "SalesOrderHeadersV4.SalesOrderOrigin": (
        ("OriginCode", "SalesOrderOriginCode"),
        ("dataAreaId", "dataAreaId"),
    ),
    "SalesOrderHeadersV4.DimensionSet": _LEDGER_SET,
    "SalesOrderLines.SalesOrderHeaderV2": _ORDER,
    "SalesOrderLines.SalesOrderHeaderV3": _ORDER,
    "SalesOrderLines.DimensionSet": _LEDGER_SET,
    "SalesOrderLinesV3.DimensionSet": _LEDGER_SET,
    "CDSSalesOrderHeaders.CDSSalesOrderLinesV2": _ORDER,
    "CDSSalesOrderLinesV2.CDSSalesOrderHeader": _ORDER,
    "SalesOrderOriginCodes.SalesOrderHeaders": (
        ("SalesOrderOriginCode", "OriginCode"),
        ("dataAreaId", "dataAreaId"),
    ),
    "DimensionAttributes.FinancialDimensionValueLegalEntityOverrideV2Entity_Role_FinancialDimension": _DIMENSION_BACK,
    "DimensionAttributes.FinancialDimensionValueEntity_Role_FinancialDimension": _DIMENSION_BACK,
    "FinancialDimensionValues.FinancialDimensionValueEntity_RelatedRole_FinancialDimension": _DIMENSION,
    "FinancialDimensionValueLegalEntityOverridesV2."
    "FinancialDimensionValueLegalEntityOverrideV2Entity_RelatedRole_FinancialDimension": _DIMENSION,
    "DimensionSets.SalesOrderHeaderV2": _LEDGER_SET_BACK,
    "DimensionSets.SalesOrderHeaderV3": _LEDGER_SET_BACK,
    "DimensionSets.SalesOrderHeaderV4": _LEDGER_SET_BACK,
    "DimensionSets.SalesOrderLine": _LEDGER_SET_BACK,
    "DimensionSets.SalesOrderLineV3": _LEDGER_SET_BACK,
    "DimensionSets.CustomerV3": _SET_BACK,
    "DimensionSets.DefaultDimensionSet": _SET_BACK,
    "Currencies.LedgerAccountingCurrency": (("AccountingCurrency", "CurrencyCode"),),
    "Currencies.LedgerReportingCurrency": (("ReportingCurrency", "CurrencyCode"),),
    "UnitsOfMeasure.FromUnitOfMeasureConversions": (("FromUnitSymbol", "UnitSymbol"),),
    "UnitsOfMeasure.ToUnitOfMeasureConversions": (("ToUnitSymbol", "UnitSymbol"),),
    **{
        f"Warehouses.{kind}Warehouse": (("WarehouseId", f"{kind}WarehouseId"), ("dataAreaId", "dataAreaId"))
        for kind in ("MainRefilling", "Quarantine", "Transit")
    },
    **{
        f"Warehouses.{kind}AssignedWarehouses": (
            (f"{kind}WarehouseId", "WarehouseId"),
            ("dataAreaId", "dataAreaId"),
        )
        for kind in ("MainRefilling", "Quarantine", "Transit")
    },
    "Warehouses.ExternallyLocatedWarehouseCustomer": (
        ("CustomerAccount", "ExternallyLocatedWarehouseCustomerAccountNumber"),
        ("dataAreaId", "dataAreaId"),
    ),
    "AddressCountryRegions.States": (("CountryRegionId", "CountryRegion"),),
    "AddressStates.CountryRegion": (("CountryRegion", "CountryRegionId"),),
    "Ledgers.LedgerAccountingCurrency": (("CurrencyCode", "AccountingCurrency"),),
    "Ledgers.LedgerReportingCurrency": (("CurrencyCode", "ReportingCurrency"),),
    "ProductDefaultOrderSettings.ReleasedProduct": _ITEM,
    "ProductSpecificOrderSettingsV3.ReleasedProductV2": _ITEM,
    "ProductUnitOfMeasureConversions.FromUnitOfMeasure": (("UnitSymbol", "FromUnitSymbol"),),
    "ProductUnitOfMeasureConversions.ToUnitOfMeasure": (("UnitSymbol", "ToUnitSymbol"),),
    "ProductUnitOfMeasureConversions.EveryProduct": _PRODUCT,
}


def connect(views: Mapping[str, View], store: Store) -> None:
    """Give every view its navigations; one to a set that is not offered is left out."""
    for view in views.values():
        for name, many, target in view.set.navigation:
            if target in views:
                pairs = _BY_VALUE.get(f"{view.name}.{name}", ())
                view.navigations[name] = Navigation(target, many, _finder(view, views[target], pairs, store))


def _nothing(_row: Row) -> Sequence[Row]:
    return ()


def _finder(source: View, target: View, pairs: Pairs, store: Store) -> Callable[[Row], Sequence[Row]]:
    known = source.set.properties.keys(), target.set.properties.keys()
    if not pairs or any(there not in known[1] or here not in known[0] for there, here in pairs):
        return _nothing
    wanted = [(there, source.getter(here)) for there, here in pairs]
    given = [(target.getter(there), source.getter(here)) for there, here in pairs[1:]]
    searched, read = wanted[0]

    def find(row: Row) -> Sequence[Row]:
        value = read(row)
        if value == "":
            return ()
        found = store.tables[target.table].where(searched, [value])
        rest = [(there, fold(here(row))) for there, here in given]
        return [item for item in found if all(fold(there(item)) == text for there, text in rest)]

    return find
