"""Business rules of customers: what F&O defaults, validates and shares through the party."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import dimensions, numbers
from ml_connector.twin.dynamics.environment import (
    Change,
    Environment,
    Reference,
    as_language,
    check_lengths,
    check_references,
    same,
    unknown_reference,
)
from ml_connector.twin.dynamics.errors import invalid_field, invalid_write
from ml_connector.twin.dynamics.set_up import rows_of
from ml_connector.twin.dynamics.views import is_of_party

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.dynamics.tables import Row

ALIAS_LENGTH = 20
_COUNTRY = Reference(
    "AddressCountryRegionId", "Country/region", "Country/region", "AddressCountryRegions", per_company=False
)
_STATE = Reference("AddressState", "State", "State", "AddressStates")
_PARTY = Reference("PartyNumber", "Party ID", "Global address book", "")
REFERENCES = (
    Reference("CustomerGroupId", "Customer group", "Customer groups", "CustomerGroups"),
    Reference("SalesCurrencyCode", "Currency", "Currency", "Currencies", per_company=False),
    Reference("PaymentTerms", "Terms of payment", "Terms of payment", "PaymentTerms"),
    Reference("InvoiceAccount", "Invoice account", "Customers", "CustomersV3"),
    Reference("SiteId", "Site", "Sites", "OperationalSitesV2"),
    Reference("WarehouseId", "Warehouse", "Warehouses", "Warehouses"),
    Reference("SalesOrderPoolId", "Pool", "Sales order pools", "SalesOrderPools"),
    _COUNTRY,
)
# What a customer takes over from its group when it is not sent.
_FROM_GROUP = {
    "PaymentTerms": "PaymentTermId",
    "SalesTaxGroup": "TaxGroupId",
    "DefaultDimensionDisplayValue": "DefaultDimensionDisplayValue",
}
_REQUIRED = {"CustomerGroupId": "Customer group", "SalesCurrencyCode": "Currency"}
# AllowEdit is No in the entity's metadata.
READ_ONLY = {"PartyNumber", "PaymentBankAccount", "CredManEligibleCreditLimitDate", "CredManCreditLimitDate"}


def create(environment: Environment, change: Change) -> Row:
    """Validate and store a new customer with its party.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    code = _group_sequence(environment, change)
    numbers.check_supplied(environment, change, "customer_numbers", "CustomerAccount", code)
    _check_required(change)
    _check(environment, change, change.fields)
    party = _party(environment, change)
    account = numbers.number_for(environment, change, "customer_numbers", "CustomerAccount", code)
    _check_prospect(environment, change, party, account)
    own = {name: value for name, value in change.fields.items() if not is_of_party(name)}
    defaults = {
        "LanguageId": environment.companies[change.company]["language"],
        **_group_defaults(environment, change),
    }
    values = {**defaults, **own, "dataAreaId": change.company, "CustomerAccount": account}
    values["LanguageId"] = as_language(values["LanguageId"])
    return environment.store.insert("customers", values, party)


def update(environment: Environment, change: Change, row: Row) -> None:
    """Validate and store changed fields; those of the party change for every account of it.

    Raises:
        InfologError: F&O's rules refuse it.
    """
    for name in change.fields:
        if name in READ_ONLY or name.endswith("RecordId"):
            raise invalid_field(f"Field '{name}' is not allowed to be edited.", change.field_name(name))
    party = row.joined.values if row.joined else {}
    _check(environment, change, {**party, **row.values, **change.fields})


def remove(environment: Environment, row: Row) -> None:
    """Delete a customer; its party stays.

    Raises:
        InfologError: it has orders, as customer or as payer.
    """
    own = row.values
    names = ("OrderingCustomerAccountNumber", "InvoiceCustomerAccountNumber")
    orders = [
        order
        for name in names
        for order in environment.store.tables["orders"].where(name, [own["CustomerAccount"]])
        if order.values["dataAreaId"] == own["dataAreaId"]
    ]
    if orders and environment.is_on("restricted_delete", "refused"):
        raise invalid_write(
            f"Customer {own['CustomerAccount']} cannot be deleted while dependent Sales orders exist."
        )
    environment.store.delete("customers", row)


def _group_sequence(environment: Environment, change: Change) -> str:
    """The number sequence of the customer's group, where it has one of its own."""
    return str(_group(environment, change).get("CustomerAccountNumberSequence", ""))


def _group_defaults(environment: Environment, change: Change) -> dict[str, Any]:
    group = _group(environment, change)
    return {name: group[source] for name, source in _FROM_GROUP.items() if group.get(source)}


def _group(environment: Environment, change: Change) -> Mapping[str, Any]:
    found = environment.find("CustomerGroups", change.company, change.fields.get("CustomerGroupId", ""))
    return found.values if found else {}


def _check_prospect(environment: Environment, change: Change, party: Row, account: str) -> None:
    for prospect in rows_of(
        environment, "prospects", change.company, PartyNumber=str(party.values["PartyNumber"])
    ):
        number = prospect.values["ProspectId"]
        if not same(number, account):
            raise invalid_write(
                f"Cannot create customer with account number '{account}' with same party number as prospect "
                f"'{number}'. The customer and prospect should have the same account number."
            )


def _check_required(change: Change) -> None:
    for name, label in _REQUIRED.items():
        if not change.fields.get(name):
            raise invalid_write(f"Field '{label}' must be filled in.")
    party_type = change.fields.get("PartyType", "Organization")
    needed = {"Organization": "OrganizationName", "Person": "PersonFirstName"}.get(party_type)
    if needed is None:
        raise invalid_field(f"The party type '{party_type}' is not known.", change.field_name("PartyType"))
    if not change.fields.get(needed) and not change.fields.get("PartyNumber"):
        raise invalid_write("Field 'Name' must be filled in.")


def _check(environment: Environment, change: Change, values: dict[str, Any]) -> None:
    changed = {name: value for name, value in values.items() if name in change.fields}
    check_references(environment, change, REFERENCES, changed)
    state = changed.get("AddressState", "")
    country = values.get("AddressCountryRegionId", "")
    if state and environment.find("AddressStates", country, state) is None:
        raise unknown_reference(change, _STATE, state)
    dimensions.check_display_value(environment, change, "DefaultDimensionDisplayValue")
    check_lengths(environment, change)


def _party(environment: Environment, change: Change) -> Row:
    """The party named by number, else a new one."""
    number = change.fields.get("PartyNumber", "")
    if number and environment.is_on("party_reuse", "on"):
        known = environment.store.tables["parties"].find(("PartyNumber",), [number])
        if known is None:
            raise unknown_reference(change, _PARTY, number)
        accounts = environment.store.tables["customers"].by_company.get(change.company, ())
        if environment.is_on("party_twice", "refused") and any(row.joined is known for row in accounts):
            raise invalid_field(
                f"Party {number} is already a customer in company {change.company}.",
                change.field_name("PartyNumber"),
            )
        return known
    values = {name: value for name, value in change.fields.items() if is_of_party(name)}
    values["PartyNumber"] = numbers.draw_party(environment)
    return environment.store.insert("parties", values)


def name_of(customer: Row) -> str:
    """The customer's name, whichever kind of party it is."""
    party = customer.joined.values if customer.joined else {}
    parts = [party.get(name, "") for name in ("PersonFirstName", "PersonMiddleName", "PersonLastName")]
    return str(party.get("OrganizationName") or " ".join(part for part in parts if part))


def name_alias(customer: Row) -> str:
    """The search name: as set, else the name cut to its length."""
    party = customer.joined.values if customer.joined else {}
    return str(party.get("NameAlias", name_of(customer)[:ALIAS_LENGTH]))


def full_address(customer: Row) -> str:
    """The primary address as one text."""
    party = customer.joined.values if customer.joined else {}
    place = " ".join(
        part
        for part in (party.get("AddressCity"), party.get("AddressState"), party.get("AddressZipCode"))
        if part
    )
    lines = (party.get("AddressStreet"), place, party.get("AddressCountryRegionId"))
    return "\n".join(line for line in lines if line)
