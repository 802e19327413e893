"""Both sides of a comparison, read page by page into compact values; one entry for each flow that can be matched."""

from __future__ import annotations

from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.app.flows import record_flow
from ml_connector.domain.matching.companies import company_pairs
from ml_connector.domain.matching.people import person_pairs
from ml_connector.domain.matching.products import product_pairs
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.flows.customers import matching as customers
from ml_connector.flows.customers.settings import MatchingSettings
from ml_connector.flows.products import matching as products
from ml_connector.settings import section
from ml_connector.store import connections
from ml_connector.systems.hubspot.properties import unique_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.matching.deciding import Proposal


@dataclass(slots=True)
class Sides:
    """What stands on both sides: values with ``id``, ``name`` and ``key``; and what could not be looked at."""

    sources: list[Any] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Kind:
    """How the records of one flow are compared.

    Args:
        object_type: What they are in HubSpot.
        read: Both sides.
        pairs: What fits.
        replaces_names: Whether a load writes its own name over the one that stands there.
    """

    object_type: str
    read: Callable[[Workplace], Awaitable[Sides]]
    pairs: Callable[[Iterable[Any], Iterable[Any]], Iterator[Proposal]]
    replaces_names: bool

    @property
    def key_property(self) -> str:
        """The property a stamp goes to."""
        [name] = unique_keys(self.object_type)
        return name


async def _customers(place: Workplace) -> Sides:
    """Customers as the load would write them, beside companies with the addresses of their contacts."""
    tax_id = section(MatchingSettings, place.settings.matching, "matching").tax_id_property
    sides = Sides()
    people = await _emails_of_customers(place, sides)
    flow = await record_flow(place, "customers")
    async with aclosing(flow.source.pages(None)) as pages:
        async for page in pages:
            sides.sources += [
                customers.customer(record, flow.map, emails=people.pop(record.key, ()), tax_id=tax_id)
                for record in page.records
                if not record.left_scope
            ]
    contacts = await _emails_of_companies(place, sides)
    kind = KINDS["customers"]
    properties = (*customers.COMPANY_PROPERTIES, kind.key_property, *([tax_id] if tax_id else []))
    async for record in _listed(place, kind.object_type, properties):
        emails = contacts.pop(str(record["id"]), ())
        company = customers.company(record, key_property=kind.key_property, emails=emails, tax_id=tax_id)
        sides.targets.append(company)
    return sides


async def _contacts(place: Workplace) -> Sides:
    """People of customers beside contacts."""
    sides = Sides()
    people = {}
    async for row in _people(place):  # a person of two customers has two rows
        person = customers.contact_person(row)
        people[person.id] = person
    sides.sources += people.values()
    kind = KINDS["contacts"]
    async for record in _listed(place, kind.object_type, (*customers.CONTACT_PROPERTIES, kind.key_property)):
        sides.targets.append(customers.contact(record, key_property=kind.key_property))
    return sides


async def _products(place: Workplace) -> Sides:
    """Released products beside the library."""
    sides = Sides()
    flow = await record_flow(place, "products")
    async with aclosing(flow.source.pages(None)) as pages:
        async for page in pages:
            sides.sources += [products.released(record) for record in page.records if not record.left_scope]
    kind = KINDS["products"]
    async for record in _listed(place, kind.object_type, (*products.LIBRARY_PROPERTIES, kind.key_property)):
        sides.targets.append(products.listed(record, key_property=kind.key_property))
    return sides


KINDS: dict[str, Kind] = {
    "customers": Kind("companies", _customers, company_pairs, replaces_names=True),
    "contacts": Kind("contacts", _contacts, person_pairs, replaces_names=False),
    "products": Kind("products", _products, product_pairs, replaces_names=True),
}


async def _people(place: Workplace) -> AsyncIterator[dict[str, Any]]:
    """Rows of people who belong to customers of the chosen legal entities."""
    dynamics = await place.dynamics()
    async with place.store.read() as tx:
        entities = [
            row.legal_entity for row in await connections.legal_entities(tx, place.connection.connection_id)
        ]
    async for row in customers.people(dynamics, entities):
        yield row


async def _emails_of_customers(place: Workplace, sides: Sides) -> dict[str, list[str]]:
    """The addresses of people by their customer's key; none where the environment does not offer them."""
    found: dict[str, list[str]] = defaultdict(list)
    try:
        async for row in _people(place):
            if row["PrimaryEmailAddress"]:
                found[customers.customer_of(row)].append(row["PrimaryEmailAddress"])
    except ConfigurationError as missing:
        if missing.code not in {"dynamics.unknown_entity", "dynamics.unknown_field"}:
            raise
        sides.notes.append("Dynamics does not offer the people of customers: e-mail addresses count less.")
    return found


async def _emails_of_companies(place: Workplace, sides: Sides) -> dict[str, list[str]]:
    """The addresses of contacts by their company's id; none where the token may not read contacts."""
    found: dict[str, list[str]] = defaultdict(list)
    try:
        async for record in _listed(place, "contacts", customers.CONTACT_PROPERTIES):
            properties = record["properties"]
            if company := properties.get("associatedcompanyid"):
                texts = (
                    properties.get("email"),
                    *str(properties.get("hs_additional_emails") or "").split(";"),
                )
                found[str(company)] += [str(text) for text in texts if text]
    except MissingScopeError:
        sides.notes.append("HubSpot's token may not read contacts: their e-mail addresses were not compared.")
    return found


async def _listed(
    place: Workplace, object_type: str, properties: Iterable[str]
) -> AsyncIterator[dict[str, Any]]:
    """Every record of a type."""
    hubspot = await place.hubspot()
    names, after = tuple(properties), None
    while True:
        page = await hubspot.list(object_type, properties=names, after=after)
        for record in page.records:
            yield record
        after = page.after
        if after is None:
            return
