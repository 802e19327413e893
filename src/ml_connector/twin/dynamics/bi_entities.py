"""The table entities for business intelligence: a table's own columns, with the moment its own row last changed.

``SysModifiedDateTime`` moves with a row of the table itself. A customer's name, address and e-mail are the party's:
changing them leaves CustTable's moment where it was. https://github.com/ntrtd/d365-agent
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.customers import name_alias, name_of
from ml_connector.twin.dynamics.derived import Derivation
from ml_connector.twin.dynamics.values import second

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.twin.dynamics.tables import Row

_CUSTOMER = {
    "AccountNum": "CustomerAccount",
    "CustGroup": "CustomerGroupId",
    "Currency": "SalesCurrencyCode",
    "PaymTermId": "PaymentTerms",
    "PaymMode": "PaymentMethod",
    "InvoiceAccount": "InvoiceAccount",
    "Blocked": "OnHoldStatus",
    "VATNum": "TaxExemptNumber",
    "ContactPersonId": "ContactPersonId",
    "DlvMode": "DeliveryMode",
    "DlvTerm": "DeliveryTerms",
    "TaxGroup": "SalesTaxGroup",
    "CreditMax": "CreditLimit",
    "CreditRating": "CreditRating",
    "LineOfBusinessId": "LineOfBusinessId",
    "InventSiteId": "SiteId",
    "InventLocation": "WarehouseId",
    "IdentificationNumber": "IdentificationNumber",
    "OneTimeCustomer": "IsOneTimeCustomer",
}
_ITEM = {
    "ItemId": "ItemNumber",
    "NetWeight": "NetProductWeight",
    "TaraWeight": "TareProductWeight",
    "ProductLifecycleStateId": "ProductLifecycleStateId",
    "PrimaryVendorId": "PrimaryVendorAccountNumber",
    "OrigCountryRegionId": "OriginCountryRegionId",
    "OrigStateId": "OriginStateId",
}
_ORDER = {
    "SalesId": "SalesOrderNumber",
    "CustAccount": "OrderingCustomerAccountNumber",
    "InvoiceAccount": "InvoiceCustomerAccountNumber",
    "CurrencyCode": "CurrencyCode",
    "LanguageId": "LanguageId",
    "SalesName": "SalesOrderName",
    "SalesStatus": "SalesOrderStatus",
    "CustomerRef": "CustomersOrderReference",
    "PurchOrderFormNum": "CustomerRequisitionNumber",
    "SalesPoolId": "SalesOrderPoolId",
    "SalesOriginId": "SalesOrderOriginCode",
    "Payment": "PaymentTermsName",
    "PostingProfile": "CustomerPostingProfileId",
    "InventSiteId": "DefaultShippingSiteId",
    "InventLocationId": "DefaultShippingWarehouseId",
    "ReceiptDateRequested": "RequestedReceiptDate",
    "ShippingDateRequested": "RequestedShippingDate",
    "CreatedOn": "OrderCreationDateTime",
    "Email": "Email",
}
_LINE = {
    "SalesId": "SalesOrderNumber",
    "LineCreationSequenceNumber": "LineCreationSequenceNumber",
    "LineNum": "LineNumber",
    "InventTransId": "InventoryLotId",
    "ItemId": "ItemNumber",
    "Name": "LineDescription",
    "SalesQty": "OrderedSalesQuantity",
    "QtyOrdered": "OrderedSalesQuantity",
    "SalesUnit": "SalesUnitSymbol",
    "SalesPrice": "SalesPrice",
    "PriceUnit": "SalesPriceQuantity",
    "LineDisc": "LineDiscountAmount",
    "LinePercent": "LineDiscountPercentage",
    "LineAmount": "LineAmount",
    "SalesStatus": "SalesOrderLineStatus",
    "CustomerLineNum": "CustomersLineNumber",
    "ExternalItemId": "ExternalItemNumber",
    "CurrencyCode": "CurrencyCode",
    "ReceiptDateRequested": "RequestedReceiptDate",
    "ShippingDateRequested": "RequestedShippingDate",
}
MODULES = ("Invent", "Purch", "Sales")


def _moment(row: Row) -> str:
    return second(row.modified) if row.modified else ""


def _system(row: Row) -> dict[str, Any]:
    """The columns every table has."""
    found = {"SourceKey": row.record_id, "SysRecVersion": row.version, "SysModifiedDateTime": _moment(row)}
    company = row.values.get("dataAreaId", "")
    return {"dataAreaId": company, "SysDataAreaId": company, **found} if company else found


def _columns(names: Mapping[str, str]) -> Callable[[Row, str], dict[str, Any]]:
    def values(row: Row, _part: str) -> dict[str, Any]:
        own = row.values
        return {**_system(row), **{column: own[name] for column, name in names.items() if name in own}}

    return values


def _customer(row: Row, part: str) -> dict[str, Any]:
    return {**_columns(_CUSTOMER)(row, part), "Party": row.joined.record_id if row.joined else 0}


def _item(row: Row, part: str) -> dict[str, Any]:
    shared = row.joined
    values = {**(shared.values if shared else {}), **row.values}
    kind = {"ItemType": values.get("ProductType", ""), "NameAlias": values.get("SearchName", "")}
    return {**_columns(_ITEM)(row, part), **kind, "Product": shared.record_id if shared else 0}


def _module(row: Row, part: str) -> dict[str, Any]:
    values = {**(row.joined.values if row.joined else {}), **row.values}
    names = {
        "Invent": ("InventoryUnitSymbol", "UnitCost", "UnitCostQuantity"),
        "Purch": ("PurchaseUnitSymbol", "PurchasePrice", "PurchasePriceQuantity"),
        "Sales": ("SalesUnitSymbol", "SalesPrice", "SalesPriceQuantity"),
    }[part]
    unit, price, per = (values.get(name, "") for name in names)
    key = {"ItemId": row.values["ItemNumber"], "ModuleType": part}
    return {**_system(row), **key, "UnitId": unit, "Price": price, "PriceUnit": per}


def _product(row: Row, _part: str) -> dict[str, Any]:
    names = {
        "DisplayProductNumber": "ProductNumber",
        "SearchName": "SearchName",
        "ProductType": "ProductType",
    }
    shown = {column: row.values.get(name, "") for column, name in names.items()}
    return {"SourceKey": row.record_id, "SysRecVersion": row.version, **shown}


def _party(row: Row, _part: str) -> dict[str, Any]:
    shown = type(row)(0, {}, row)
    return {
        "PartyNumber": row.values["PartyNumber"],
        "Name": name_of(shown),
        "NameAlias": name_alias(shown),
        "KnownAs": row.values.get("KnownAs", ""),
        "LanguageId": row.values.get("LanguageId", ""),
        "SourceKey": row.record_id,
    }


def _modules(_row: Row) -> tuple[str, ...]:
    return MODULES


_DATED = ("SysModifiedDateTime", "SysRecVersion")  # of two tables that one row of the twin stands for
DERIVATIONS: dict[str, tuple[Derivation, ...]] = {
    "CustTableBiEntities": (Derivation("customers", _customer),),
    "InventTableBiEntities": (Derivation("releases", _item, dated=_DATED),),
    "InventTableModuleBiEntities": (Derivation("releases", _module, _modules, dated=_DATED),),
    "SalesTableBiEntities": (Derivation("orders", _columns(_ORDER)),),
    "SalesLineBiEntities": (Derivation("lines", _columns(_LINE)),),
    "EcoResProductBiEntities": (Derivation("products", _product),),
    "DirPartyTableBiEntities": (Derivation("parties", _party),),
}
