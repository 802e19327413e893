"""Business rules of sales order headers: defaults from the customer, holds, references, status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import dimensions, numbers
from ml_connector.twin.dynamics.charges import charge
from ml_connector.twin.dynamics.customers import name_of
from ml_connector.twin.dynamics.environment import (
    Change,
    Environment,
    Reference,
    as_language,
    check_lengths,
    check_references,
    unknown_reference,
)
from ml_connector.twin.dynamics.errors import invalid_field, invalid_write
from ml_connector.twin.dynamics.values import noon, second

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.twin.dynamics.tables import Row

_CUSTOMER = Reference("OrderingCustomerAccountNumber", "Customer account", "Customers", "CustomersV3")
_PAYER = Reference("InvoiceCustomerAccountNumber", "Invoice account", "Customers", "CustomersV3")
REFERENCES = (
    Reference("CurrencyCode", "Currency", "Currency", "Currencies", per_company=False),
    Reference("PaymentTermsName", "Terms of payment", "Terms of payment", "PaymentTerms"),
    Reference("SalesOrderPoolId", "Pool", "Sales order pools", "SalesOrderPools"),
    Reference("SalesOrderOriginCode", "Sales origin", "Sales origin", "SalesOrderOriginCodes"),
    Reference("DefaultShippingSiteId", "Site", "Sites", "OperationalSitesV2"),
    Reference("DefaultShippingWarehouseId", "Warehouse", "Warehouses", "Warehouses"),
    Reference(
        "DeliveryAddressCountryRegionId",
        "Country/region",
        "Country/region",
        "AddressCountryRegions",
        per_company=False,
    ),
)
READ_ONLY = {"SalesOrderStatus", "SalesOrderProcessingStatus", "OrderCreationDateTime"}
# Holds that stop a new order, by the switch order_holds.
BLOCKING_HOLDS = {"all": {"All"}, "all_and_requisition": {"All", "Requisition"}}
CLOSED = {"Invoiced", "Canceled"}
# What a header takes over from its customer when it is not sent.
_FROM_CUSTOMER = {
    "CurrencyCode": "SalesCurrencyCode",
    "LanguageId": "LanguageId",
    "PaymentTermsName": "PaymentTerms",
    "CustomerPaymentMethodName": "PaymentMethod",
    "CashDiscountCode": "PaymentCashDiscount",
    "SalesOrderPoolId": "SalesOrderPoolId",
    "DefaultShippingSiteId": "SiteId",
    "DefaultShippingWarehouseId": "WarehouseId",
    "DeliveryTermsCode": "DeliveryTerms",
    "DeliveryModeCode": "DeliveryMode",
    "SalesTaxGroupCode": "SalesTaxGroup",
    "TaxExemptNumber": "TaxExemptNumber",
    "PriceCustomerGroupCode": "DiscountPriceGroupId",
    "LineDiscountCustomerGroupCode": "LineDiscountCode",
    "ChargeCustomerGroupId": "ChargesGroupId",
    "ContactPersonId": "ContactPersonId",
    "IsOneTimeCustomer": "IsOneTimeCustomer",
    "ArePricesIncludingSalesTax": "IsSalesTaxIncludedInPrices",
}
REQUESTED_DATES = ("RequestedShippingDate", "RequestedReceiptDate")
_DELIVERY_PARTS = ("Street", "City", "ZipCode", "CountryRegionId", "CountryRegionISOCode")


def create(environment: Environment, change: Change) -> Row:
    """Validate and store a new order without lines.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    numbers.check_supplied(environment, change, "order_numbers", "SalesOrderNumber")
    customer = _account(environment, change, _CUSTOMER, change.fields.get(_CUSTOMER.property, ""))
    account = str(customer.values["CustomerAccount"])
    payer_account = change.fields.get(_PAYER.property) or customer.values.get("InvoiceAccount") or account
    payer = _account(environment, change, _PAYER, payer_account)
    _check_holds(environment, change, (customer, payer))
    _check(environment, change)
    _check_requisition(environment, change, customer)
    values = {**_defaults(environment, change, customer), **_filled(change.fields)}
    if not _warehouse_is_at(environment, change.company, values):
        del values["DefaultShippingWarehouseId"]  # the customer's own, of another site than the one sent
    values |= {
        "dataAreaId": change.company,
        "OrderingCustomerAccountNumber": account,
        "InvoiceCustomerAccountNumber": payer.values["CustomerAccount"],
        "DefaultLedgerDimensionDisplayValue": _dimension_value(environment, change, customer),
        "LanguageId": as_language(values.get("LanguageId", "")),
        "SalesOrderStatus": "None",
        "SalesOrderProcessingStatus": "Active",
    }
    if environment.is_on("past_dates", "today"):
        move_past_dates(values, change.now)
    values["SalesOrderNumber"] = numbers.number_for(environment, change, "order_numbers", "SalesOrderNumber")
    order = environment.store.insert("orders", values)
    charge(environment, order)
    return order


def update(environment: Environment, change: Change, row: Row) -> None:
    """Validate changed fields of an order.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    for name in change.fields:
        if name in READ_ONLY:
            raise invalid_field(f"Field '{name}' is not allowed to be edited.", change.field_name(name))
    accounts = [
        _account(environment, change, reference, change.fields[reference.property])
        for reference in (_CUSTOMER, _PAYER)
        if reference.property in change.fields
    ]
    _check_holds(environment, change, tuple(accounts))
    _check(environment, change)
    if row.values["SalesOrderStatus"] in CLOSED:
        raise invalid_write(f"Sales order {row.values['SalesOrderNumber']} is closed and cannot be changed.")


def remove(environment: Environment, row: Row) -> None:
    """Delete an order and its lines.

    Raises:
        InfologError: something of it is delivered or invoiced.
    """
    lines = lines_of(environment, row)
    delivered = any(line.values.get("DeliveredQuantity") for line in lines)
    if delivered or row.values["SalesOrderStatus"] == "Invoiced":
        raise invalid_write(f"Sales order {row.values['SalesOrderNumber']} is posted and cannot be deleted.")
    for line in lines:
        environment.store.delete("lines", line)
    environment.store.delete("orders", row)


def lines_of(environment: Environment, order: Row) -> list[Row]:
    """The lines of an order, in record order."""
    lines = environment.store.tables["lines"].where("SalesOrderNumber", [order.values["SalesOrderNumber"]])
    return [line for line in lines if line.values["dataAreaId"] == order.values["dataAreaId"]]


def settle_status(environment: Environment, order: Row) -> None:
    """An order is open (Backorder) as soon as it has a line, and None without lines."""
    wanted = "Backorder" if lines_of(environment, order) else "None"
    if order.values["SalesOrderStatus"] in {"None", "Backorder"} - {wanted}:
        environment.store.update("orders", order, {"SalesOrderStatus": wanted})


def move_past_dates(values: dict[str, Any], now: datetime) -> None:
    """Delivery date control: requested dates before today become today."""
    today = noon(now)
    values |= {name: max(values.get(name, today), today) for name in REQUESTED_DATES}


def _account(environment: Environment, change: Change, reference: Reference, account: str) -> Row:
    if not account:
        raise invalid_write(f"Field '{reference.label}' must be filled in.")
    found = environment.find("CustomersV3", change.company, account)
    if found is None:
        raise unknown_reference(change, reference, account)
    return found


def _check_holds(environment: Environment, change: Change, accounts: tuple[Row, ...]) -> None:
    blocking = BLOCKING_HOLDS[environment.switches["order_holds"]]
    for customer in accounts:
        hold = customer.values.get("OnHoldStatus", "No")
        if hold in blocking:
            account = customer.values["CustomerAccount"]
            raise invalid_field(
                f"Customer {account} is on hold ({hold}). The sales order cannot be created.",
                change.field_name("OrderingCustomerAccountNumber"),
            )


def _check(environment: Environment, change: Change) -> None:
    check_references(environment, change, REFERENCES, change.fields)
    check_warehouse(environment, change, "DefaultShippingSiteId", "DefaultShippingWarehouseId")
    dimensions.check_display_value(environment, change, "DefaultLedgerDimensionDisplayValue")
    check_lengths(environment, change)


def check_warehouse(environment: Environment, change: Change, site: str, warehouse: str) -> None:
    """Refuse a warehouse of another site.

    Raises:
        InfologError: both are sent and do not belong together.
    """
    wanted, name = change.fields.get(site), change.fields.get(warehouse)
    if not (wanted and name):
        return
    found = environment.find("Warehouses", change.company, name)
    if found is not None and found.values.get("OperationalSiteId") != wanted:
        raise invalid_field(
            f"Warehouse {name} does not belong to site {wanted}.", change.field_name(warehouse)
        )


def _warehouse_is_at(environment: Environment, company: str, values: dict[str, Any]) -> bool:
    """Whether the warehouse of a header, if it has one, belongs to its site, if it has one."""
    site, name = values.get("DefaultShippingSiteId"), values.get("DefaultShippingWarehouseId")
    found = environment.find("Warehouses", company, name) if site and name else None
    return found is None or found.values.get("OperationalSiteId") == site


def _check_requisition(environment: Environment, change: Change, customer: Row) -> None:
    requisition = change.fields.get("CustomerRequisitionNumber", "")
    flags = ("IsOrderNumberReferenceUsed", "IsPurchRequestUsed")
    demanded = {
        "always": True,
        "never": False,
        "customer": any(customer.values.get(name) == "Yes" for name in flags),
    }
    if demanded[environment.switches["requisition"]] and not requisition:
        raise invalid_write("Field 'Customer requisition' must be filled in.")
    if not requisition or environment.is_on("requisition_duplicates", "allowed"):
        return
    account = customer.values["CustomerAccount"]
    for order in environment.store.tables["orders"].where("CustomerRequisitionNumber", [requisition]):
        own = order.values
        if (own["dataAreaId"], own["OrderingCustomerAccountNumber"]) == (change.company, account):
            raise invalid_field(
                f"Customer requisition {requisition} is already used on order {own['SalesOrderNumber']}.",
                change.field_name("CustomerRequisitionNumber"),
            )


def _dimension_value(environment: Environment, change: Change, customer: Row) -> str:
    sent = change.fields.get("DefaultLedgerDimensionDisplayValue", "")
    default = customer.values.get("DefaultDimensionDisplayValue", "")
    if sent and environment.is_on("dimension_post", "replace"):
        return str(sent)
    return dimensions.merge(environment, sent, default)


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    """The sent fields that hold something; empty text leaves the default in place."""
    return {name: value for name, value in fields.items() if value != ""}


def _defaults(environment: Environment, change: Change, customer: Row) -> dict[str, Any]:
    party = customer.joined.values if customer.joined else {}
    own = customer.values
    name = name_of(customer)
    today = noon(change.now)
    delivery = {
        f"DeliveryAddress{part}": party[f"Address{part}"]
        for part in _DELIVERY_PARTS
        if f"Address{part}" in party
    }
    found = {
        **delivery,
        "DeliveryAddressStateId": party.get("AddressState", ""),
        "DeliveryAddressName": name,
        "SalesOrderName": name,
        "CurrencyCode": environment.companies[change.company]["currency"],
        **{name: own[source] for name, source in _FROM_CUSTOMER.items() if own.get(source)},
        "Email": party.get("PrimaryContactEmail", ""),
        "URL": party.get("PrimaryContactURL", ""),
        "CustomerPostingProfileId": "GEN",
        "SkipCreateAutoCharges": "Yes",
        "RequestedShippingDate": today,
        "RequestedReceiptDate": today,
        "OrderCreationDateTime": second(change.now),
    }
    return {name: value for name, value in found.items() if value != ""}
