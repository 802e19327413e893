"""Customers and companies as values that can be compared, both in the vocabulary of HubSpot.

A customer is taken as the load would write it: what the mapping makes of it is what stands beside the company.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import external_key
from ml_connector.domain.matching.companies import Company
from ml_connector.domain.matching.people import Person
from ml_connector.errors import MappingError
from ml_connector.flows.customers.flow import party_of
from ml_connector.mapping.phone import international
from ml_connector.mapping.places import country_of
from ml_connector.mapping.web import company_domain, email_address
from ml_connector.systems.dynamics.odata import EnumMember, equals
from ml_connector.systems.dynamics.source import both, in_legal_entities

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from ml_connector.domain.records import SourceRecord, TargetRecord
    from ml_connector.systems.dynamics.client import DynamicsClient

COMPANY_PROPERTIES = (
    "name", "domain", "hs_additional_domains", "website", "phone", "zip", "city", "country",
)  # fmt: skip
CONTACT_PROPERTIES = ("email", "hs_additional_emails", "firstname", "lastname", "associatedcompanyid")
PEOPLE_ENTITY = "CDSContactPersonsV2"
PEOPLE_FIELDS = (
    "dataAreaId", "ContactPersonPartyNumber", "AssociatedContactType", "AssociatedContactNumber", "FirstName",
    "LastName", "PrimaryEmailAddress",
)  # fmt: skip
PEOPLE_KIND, OF_CUSTOMERS = "SmmContactPersonCdsAssociatedContactType", "Customer"
_NO_TAX_ID = re.compile(r"[\W_]+")
_SHORTEST_TAX_ID = 5
# What a customer offers whose mapping fails: it parks in a load, and must not come twice once it is mended.
_PLAIN = {
    "name": "OrganizationName", "zip": "AddressZipCode", "city": "AddressCity",
    "country": "AddressCountryRegionISOCode", "website": "PrimaryContactURL", "phone": "PrimaryContactPhone",
}  # fmt: skip


def customer(
    record: SourceRecord,
    to_company: Callable[[SourceRecord], TargetRecord],
    *,
    emails: Iterable[str] = (),
    tax_id: str = "",
) -> Company:
    """A customer as the load would write it; ``tax_id`` names the property that its tax number is mapped to."""
    try:
        properties = to_company(record).properties
    except MappingError:
        properties = {name: str(record.fields.get(field) or "") for name, field in _PLAIN.items()}
    mailbox = str(record.fields.get("PrimaryContactEmail") or "")
    found = _company(record.key, properties, emails=(mailbox, *emails), tax_id=tax_id)
    return replace(found, party=party_of(record))


def company(
    record: Mapping[str, Any], *, key_property: str, emails: Iterable[str] = (), tax_id: str = ""
) -> Company:
    """A company of HubSpot with the addresses of its contacts."""
    properties = record["properties"]
    key = str(properties.get(key_property) or "")
    return _company(str(record["id"]), properties, key=key, emails=emails, tax_id=tax_id)


def _company(
    record_id: str, properties: Mapping[str, Any], *, emails: Iterable[str], tax_id: str, key: str = ""
) -> Company:
    def value(name: str) -> str:
        return str(properties.get(name) or "")

    country = country_of(value("country"))
    addresses = frozenset(found for text in emails if (found := email_address(text)))
    sites = (value("domain"), value("website"), *value("hs_additional_domains").split(";"), *addresses)
    phone = international(value("phone"), country.alpha_2 if country else None) if value("phone") else None
    number = _NO_TAX_ID.sub("", value(tax_id)).upper() if tax_id else ""
    return Company(
        id=record_id,
        name=value("name"),
        key=key,
        domains=frozenset(found for text in sites if text and (found := company_domain(text))),
        tax_ids=frozenset((number,) if len(number) >= _SHORTEST_TAX_ID else ()),
        emails=addresses,
        phones=frozenset((phone.partition(" ext. ")[0],) if phone else ()),
        postal_code=value("zip"),
        city=value("city"),
        country=country.alpha_2 if country else "",
    )


def customer_of(row: Mapping[str, Any]) -> str:
    """The key of the customer a person belongs to."""
    return external_key(str(row["dataAreaId"]), str(row["AssociatedContactNumber"]))


async def people(dynamics: DynamicsClient, legal_entities: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
    """Rows of the people who belong to customers of these legal entities.

    Raises:
        ConfigurationError: the environment does not offer them.
    """
    of_customers = EnumMember(PEOPLE_KIND, OF_CUSTOMERS)
    pages = dynamics.pages(
        PEOPLE_ENTITY,
        select=PEOPLE_FIELDS,
        filter=both(equals("AssociatedContactType", of_customers), in_legal_entities(legal_entities)),
        orderby="dataAreaId,ContactPersonPartyNumber",
    )
    async for page in pages:
        for row in page.rows:
            yield row


def contact_person(row: Mapping[str, Any]) -> Person:
    """A person of F&O's customers."""
    found = email_address(str(row.get("PrimaryEmailAddress") or ""))
    name = f"{row.get('FirstName') or ''} {row.get('LastName') or ''}".strip()
    key = external_key(str(row["dataAreaId"]), f"p-{row['ContactPersonPartyNumber']}")
    return Person(id=key, name=name, emails=frozenset((found,) if found else ()))


def contact(record: Mapping[str, Any], *, key_property: str) -> Person:
    """A contact of HubSpot with all its addresses."""
    properties = record["properties"]
    texts = (properties.get("email"), *str(properties.get("hs_additional_emails") or "").split(";"))
    name = f"{properties.get('firstname') or ''} {properties.get('lastname') or ''}".strip()
    return Person(
        id=str(record["id"]),
        name=name,
        key=str(properties.get(key_property) or ""),
        emails=frozenset(found for text in texts if text and (found := email_address(str(text)))),
    )
