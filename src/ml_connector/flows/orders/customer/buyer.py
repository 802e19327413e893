"""Who buys: the deal's company with the customers it is linked to, or the one person who is a customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.domain.keys import external_key, split_key
from ml_connector.errors import RecordError
from ml_connector.flows.orders.customer.legal_entity import resolve_company
from ml_connector.flows.orders.deal.snapshot import DealCompany
from ml_connector.store import links

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.flows.orders.deal.snapshot import DealContact, DealSnapshot
    from ml_connector.systems.dynamics.client import DynamicsClient

CUSTOMERS, COMPANIES = "customers", "companies"  # the flow that links them, and the object type
OWN_CONTACT = "c-"  # a contact's key that names a customer: its own primary contact, or the customer itself
PERSON = "Person"


@dataclass(frozen=True, slots=True)
class Buyer:
    """The buying company with the keys of its customers, its own first; of a person the contact in its place.

    ``linked`` are the keys that only our link table knows.
    """

    company: DealCompany
    linked: frozenset[str] = frozenset()
    is_person: bool = False

    def accounts_in(self, legal_entity: str) -> list[str]:
        """Its customer accounts in one legal entity."""
        return [
            number for entity, number in map(split_key, self.company.customer_keys) if entity == legal_entity
        ]


async def find_buyer(engine: Engine, dynamics: DynamicsClient, snapshot: DealSnapshot) -> Buyer:
    """The primary or only company, else the only person customer among the deal's contacts.

    Raises:
        RecordError: nobody, or nobody for certain.
    """
    if not snapshot.companies and snapshot.contacts:
        person = await _person(dynamics, snapshot)
        if person is not None:
            return person
    company = resolve_company(snapshot)
    if company.customer_keys:
        return Buyer(company)
    linked = await _linked(engine, company)
    return Buyer(replace(company, customer_keys=linked), frozenset(linked))


async def _linked(engine: Engine, company: DealCompany) -> tuple[str, ...]:
    """Keys of the customers that are linked to the company, or to one that was merged into it."""
    ids = [company.id, *company.properties.get("hs_merged_object_ids", "").split(";")]
    found: dict[str, None] = {}
    async with engine.store.read() as tx:
        for company_id in dict.fromkeys(one.strip() for one in ids if one.strip()):
            rows = await links.by_target(tx, engine.connection_id, COMPANIES, company_id)
            found |= dict.fromkeys(row.key for row in rows if row.flow == CUSTOMERS and row.state == "live")
    return tuple(found)


async def _person(dynamics: DynamicsClient, snapshot: DealSnapshot) -> Buyer | None:
    """The one contact that is a customer itself, read from F&O; None when no contact is."""
    persons = set(await _persons(dynamics, _own_keys(snapshot.contacts)))
    buyers = []
    for contact in snapshot.contacts:
        keys = tuple(key for key in _own_keys([contact]) if key in persons)
        if keys:
            buyers.append(DealCompany(contact.id, contact.name, primary=True, customer_keys=keys))
    if len(buyers) > 1:
        names = ", ".join(buyer.name for buyer in buyers)
        raise RecordError(
            f"{snapshot.subject} has no company, and several of its contacts are customers: {names}. "
            "Keep the one who buys on the deal.",
            code="order.contact_unclear",
        )
    return Buyer(buyers[0], is_person=True) if buyers else None


def _own_keys(contacts: Iterable[DealContact]) -> list[str]:
    """Keys of the customers that contacts stand for: of ``usmf:c-US-001`` the ``usmf:US-001``."""
    found = []
    for contact in contacts:
        for legal_entity, number in map(split_key, contact.contact_keys):
            if number.startswith(OWN_CONTACT):
                found.append(external_key(legal_entity, number.removeprefix(OWN_CONTACT)))
    return found


async def _persons(dynamics: DynamicsClient, keys: Sequence[str]) -> list[str]:
    """Those of the customers that are persons: an organisation's own contact does not buy for itself."""
    if not keys:
        return []
    accounts = [split_key(key)[1] for key in keys]
    rows = await dynamics.rows_by(
        "CustomersV3", "CustomerAccount", accounts, select=("dataAreaId", "CustomerAccount", "PartyType")
    )
    persons = {
        external_key(row["dataAreaId"], row["CustomerAccount"]) for row in rows if row["PartyType"] == PERSON
    }
    return [key for key in keys if key in persons]
