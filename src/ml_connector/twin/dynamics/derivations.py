"""Sets that show other sets' records anew: parties, their contacts, the customers' addresses, order settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import bi_entities
from ml_connector.twin.dynamics.customers import full_address, name_alias
from ml_connector.twin.dynamics.derived import Derivation
from ml_connector.twin.dynamics.tables import FIRST_RECORD_ID
from ml_connector.twin.dynamics.values import second

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.dynamics.tables import Row

PRIMARY, DELIVERY = "primary", "delivery"
OPEN_END = "2154-12-31T23:59:59Z"
_DELIVERY_EVERY = (
    5  # of the customers the world starts with, so many have an address for deliveries of its own
)
PARTY_CONTACTS = {"Phone": "PrimaryContactPhone", "Email": "PrimaryContactEmail", "URL": "PrimaryContactURL"}
PERSON_CONTACTS = {"Phone": "PrimaryPhoneNumber", "Email": "PrimaryEmailAddress"}
ADDRESS = (
    *("AddressStreet", "AddressCity", "AddressZipCode", "AddressState"),
    *("AddressCountryRegionId", "AddressCountryRegionISOCode"),
)


def location_of(customer: Row) -> str:
    """The location id of a customer's primary address, shared by all accounts of the party."""
    party = customer.joined
    if party is None or not _has_address(party):
        return ""
    return f"{party.record_id - FIRST_RECORD_ID + 1:09d}"


def derivations(last_of_world: Mapping[str, int]) -> dict[str, tuple[Derivation, ...]]:
    """How each of the sets is made; ``last_of_world`` tells the last record the world started with, by table."""

    def address_parts(customer: Row) -> tuple[str, ...]:
        if customer.joined is None or not _has_address(customer.joined):
            return ()
        of_world = customer.record_id <= last_of_world.get("customers", 0)
        delivers = of_world and (customer.record_id - FIRST_RECORD_ID) % _DELIVERY_EVERY == 0
        return (PRIMARY, DELIVERY) if delivers else (PRIMARY,)

    return {
        "CustomerPostalAddresses": (Derivation("customers", _postal_address, address_parts),),
        "CDSParties": (
            Derivation("parties", _party),
            Derivation("contacts", _party_of_contact),
            Derivation("EmployeesV2", _party_of_employee),
        ),
        "PartyContactsV3": (
            Derivation("parties", _party_contact, lambda row: _filled_parts(row, PARTY_CONTACTS)),
            Derivation("contacts", _contact_contact, lambda row: _filled_parts(row, PERSON_CONTACTS)),
        ),
        "CDSCustomerContactPersons": (Derivation("contacts", _customer_contact, _customers_only),),
        "ProductSpecificOrderSettingsV3": (Derivation("releases", _order_settings, _with_site),),
        **bi_entities.DERIVATIONS,
    }


def _has_address(party: Row) -> bool:
    return any(party.values.get(name) for name in ADDRESS)


def _postal_address(customer: Row, part: str) -> dict[str, Any]:
    party = customer.joined
    assert party is not None
    address = {name: party.values.get(name, "") for name in ADDRESS}
    primary = part == PRIMARY
    if not primary:
        address["AddressStreet"] = f"{address['AddressStreet']}, gate 2"
    location = location_of(customer) if primary else f"D{customer.record_id - FIRST_RECORD_ID + 1:08d}"
    return {
        "dataAreaId": customer.values["dataAreaId"],
        "CustomerAccountNumber": customer.values["CustomerAccount"],
        "CustomerLegalEntityId": customer.values["dataAreaId"],
        "AddressLocationId": location,
        "Effective": second(customer.modified) if customer.modified and not primary else _since(party),
        "Expiration": OPEN_END,
        "AddressDescription": "Primary address" if primary else "Deliveries",
        "AddressLocationRoles": "Business" if primary else "Delivery",
        "IsPrimary": "Yes" if primary else "",
        "IsRoleBusiness": "Yes" if primary else "",
        "IsRoleDelivery": "" if primary else "Yes",
        "IsPostalAddress": "Yes",
        "IsLocationOwner": "Yes",
        "FormattedAddress": full_address(customer) if primary else "\n".join(filter(None, address.values())),
        **address,
    }


def _since(party: Row) -> str:
    return str(party.values.get("AddressValidFrom", "1900-01-01T00:00:00Z"))


_NAMES = (
    *("OrganizationName", "OrganizationPhoneticName", "OrganizationNumber", "KnownAs", "LanguageId"),
    *("PersonFirstName", "PersonMiddleName", "PersonLastName", "PersonGender", "PersonProfessionalTitle"),
)


def _party(party: Row, _part: str) -> dict[str, Any]:
    names = {name: party.values[name] for name in _NAMES if name in party.values}
    kind = party.values.get("PartyType", "Organization")
    alias = name_alias_of(party)
    return {"PartyNumber": party.values["PartyNumber"], "PartyType": kind, "NameAlias": alias, **names}


def name_alias_of(party: Row) -> str:
    """The search name of a party, by the rule of customers."""
    shown = type(party)(0, {}, party)
    return name_alias(shown)


def _party_of_contact(contact: Row, _part: str) -> dict[str, Any]:
    get = contact.values.get
    return {
        "PartyNumber": contact.values["ContactPersonPartyNumber"],
        "PartyType": "Person",
        "NameAlias": str(get("ContactPersonName", ""))[:20],
        "PersonFirstName": get("FirstName", ""),
        "PersonLastName": get("LastName", ""),
    }


def _party_of_employee(employee: Row, _part: str) -> dict[str, Any]:
    get = employee.values.get
    return {
        "PartyNumber": get("PartyNumber", ""),
        "PartyType": "Person",
        "NameAlias": str(get("Name", ""))[:20],
        "PersonFirstName": get("FirstName", ""),
        "PersonLastName": get("LastName", ""),
    }


def _filled_parts(row: Row, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(kind for kind, name in names.items() if row.values.get(name))


def _electronic(number: str, address_id: int, kind: str, locator: str) -> dict[str, Any]:
    return {
        "PartyNumber": number,
        "ElectronicAddressId": f"{address_id:09d}",
        "Type": kind,
        "Locator": locator,
        "Description": f"Primary {'phone' if kind == 'Phone' else kind if kind == 'URL' else 'e-mail'}",
        "Purpose": "Business",
        "IsPrimary": "Yes",
    }


def _party_contact(party: Row, kind: str) -> dict[str, Any]:
    place = (party.record_id - FIRST_RECORD_ID) * 10 + [*PARTY_CONTACTS].index(kind) + 1
    return _electronic(party.values["PartyNumber"], place, kind, party.values[PARTY_CONTACTS[kind]])


def _contact_contact(contact: Row, kind: str) -> dict[str, Any]:
    place = (contact.record_id - FIRST_RECORD_ID) * 10 + [*PERSON_CONTACTS].index(kind) + 5
    locator = contact.values[PERSON_CONTACTS[kind]]
    return _electronic(contact.values["ContactPersonPartyNumber"], place, kind, locator)


def _customers_only(contact: Row) -> tuple[str, ...]:
    return ("",) if contact.values.get("AssociatedContactType") == "Customer" else ()


def _customer_contact(contact: Row, _part: str) -> dict[str, Any]:
    return {
        "dataAreaId": contact.values["dataAreaId"],
        "ContactPersonPartyNumber": contact.values["ContactPersonPartyNumber"],
        "CustomerAccountNumber": contact.values.get("AssociatedContactNumber", ""),
    }


def _with_site(release: Row) -> tuple[str, ...]:
    return ("",) if release.values.get("SalesSiteId") else ()


def _order_settings(release: Row, _part: str) -> dict[str, Any]:
    get = release.values.get
    return {
        "dataAreaId": release.values["dataAreaId"],
        "ItemNumber": release.values["ItemNumber"],
        "OperationalSiteId": get("SalesSiteId", ""),
        "SalesSiteId": get("SalesSiteId", ""),
        "SalesWarehouseId": get("SalesWarehouseId", ""),
        "IsSalesProcessingStopped": get("IsSalesProcessingStopped", ""),
        "OrderSettingsRank": 10,
    }


DERIVED = frozenset(derivations({}))  # the tables made here
