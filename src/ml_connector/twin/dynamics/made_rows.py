"""Writing to sets whose rows are made from other records: to the record behind, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.derivations import (
    ADDRESS,
    DERIVED,
    OPEN_END,
    PARTY_CONTACTS,
    PERSON_CONTACTS,
)
from ml_connector.twin.dynamics.environment import same
from ml_connector.twin.dynamics.errors import InfologError, invalid_write
from ml_connector.twin.dynamics.numbers import draw_party
from ml_connector.twin.dynamics.values import second

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.dynamics.environment import Change, Environment
    from ml_connector.twin.dynamics.tables import Row, Store


def is_made(table: str, row: Row) -> bool:
    """Whether the row follows another record."""
    return table in DERIVED and row.joined is not None


def read_only(table: str) -> InfologError:
    """The refusal of a change that no record behind can take."""
    return invalid_write(f"Records of {table} cannot be changed here.")


def write_through(store: Store, table: str, row: Row, fields: Mapping[str, Any]) -> bool:
    """Write changes of a made row to the record behind it; whether the row is a made one.

    Raises:
        InfologError: a property that the record behind does not hold.
    """
    if not is_made(table, row):
        return False
    source = row.joined
    assert source is not None
    if table == "PartyContactsV3":
        _write_contact(store, row, source, fields)
    elif table == "CustomerPostalAddresses":
        _write_address(store, row, source, fields)
    else:
        raise read_only(table)
    return True


def _write_contact(store: Store, row: Row, source: Row, fields: Mapping[str, Any]) -> None:
    _only(fields, {"Locator"})
    of_person = "ContactPersonId" in source.values
    name = (PERSON_CONTACTS if of_person else PARTY_CONTACTS)[row.values["Type"]]
    store.update("contacts" if of_person else "parties", source, {name: fields["Locator"]})


def _write_address(store: Store, row: Row, source: Row, fields: Mapping[str, Any]) -> None:
    if row.values.get("IsPrimary") != "Yes" or source.joined is None:
        raise read_only("CustomerPostalAddresses")
    _only(fields, {*ADDRESS})
    store.update("parties", source.joined, fields)


def _only(fields: Mapping[str, Any], allowed: set[str]) -> None:
    for name in sorted(fields.keys() - allowed):
        raise invalid_write(f"Field '{name}' is not allowed to be edited.")


def defaults(environment: Environment, change: Change) -> dict[str, Any]:
    """What a new address, contact or person gets by itself.

    Raises:
        InfologError: its customer or party does not exist.
    """
    fields, table = change.fields, change.view.table
    if table == "CustomerPostalAddresses":
        account = fields.get("CustomerAccountNumber", "")
        if environment.find("CustomersV3", change.company, account) is None:
            raise invalid_write(f"Customer account '{account}' does not exist.")
        given = {
            "CustomerLegalEntityId": change.company,
            "AddressLocationId": f"A{environment.store.draw('locations', ''):08d}",
            "Effective": second(change.now),
            "Expiration": OPEN_END,
            "IsPostalAddress": "Yes",
        }
    elif table == "PartyContactsV3":
        number = fields.get("PartyNumber", "")
        if environment.find("CDSParties", number) is None:
            raise invalid_write(f"Party '{number}' does not exist.")
        given = {"ElectronicAddressId": f"E{environment.store.draw('contacts', ''):08d}"}
    elif table == "contacts":
        given = _person(environment, change)
    else:
        return {}
    return {name: value for name, value in given.items() if not fields.get(name)}


def _person(environment: Environment, change: Change) -> dict[str, Any]:
    """Numbers of a new person; the customer follows from the party it is given, and the party from the customer."""
    get = change.fields.get
    given = {
        "ContactPersonId": f"CP{environment.store.draw('people', ''):06d}",
        "ContactPersonPartyNumber": get("ContactPersonPartyNumber") or draw_party(environment),
        "ContactPersonName": " ".join(filter(None, (get("FirstName"), get("LastName")))),
    }
    party, account = get("AssociatedPartyNumber"), get("AssociatedContactNumber")
    for customer in environment.store.tables["customers"].by_company.get(change.company, ()):
        of_party = customer.joined.values["PartyNumber"] if customer.joined else ""
        own = customer.values["CustomerAccount"]
        if same(party, of_party) or (get("AssociatedContactType") == "Customer" and same(account, own)):
            return given | {
                "AssociatedPartyNumber": of_party,
                "AssociatedContactType": "Customer",
                "AssociatedContactNumber": own,
            }
    return given | {"AssociatedContactType": "NotSupported"}  # of a vendor, or of nobody known
