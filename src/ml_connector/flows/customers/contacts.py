"""People at customers of F&O become contacts in HubSpot, known by ``d365_contact_key``.

After the people come the contacts that stand on customers themselves. A contact tells which customers it belongs to
and what e-mail HubSpot must keep unique; adopting, merging and associating by them is the engine's. People do not carry
the group of their customers: those of a customer out of scope are contacts without that company.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.domain.keys import split_key
from ml_connector.domain.records import Page, Related, TargetRecord, digest
from ml_connector.domain.text import did_you_mean
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.errors import ConfigurationError, RecordError
from ml_connector.flows.customers.flow import DATA_ENTITY
from ml_connector.flows.customers.flow import NAME as CUSTOMERS
from ml_connector.flows.customers.own_contacts import OwnContacts
from ml_connector.flows.customers.people import VALUES, people
from ml_connector.flows.customers.scope import scope_of
from ml_connector.mapping.model import Email
from ml_connector.systems.dynamics.source import in_legal_entities
from ml_connector.systems.hubspot.sink import ContactCompanies, UpsertSink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ml_connector.domain.records import SourceRecord
    from ml_connector.flows.customers.people import People
    from ml_connector.flows.customers.settings import CustomerSettings
    from ml_connector.mapping.apply import CompiledMapping
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "contacts"
OBJECT_TYPE, KEY_PROPERTY = "contacts", "d365_contact_key"
NAMES = ("email", "firstname", "lastname")  # HubSpot wants one of them
IDENTITY = "email"  # HubSpot keeps it unique among contacts
SUPPLIED = VALUES | {"ContactKey", "LegalEntity", "Status"}  # every source the mapping may name
TRAITS = Traits(
    status="d365_status",
    names=frozenset({"firstname", "lastname"}),
    further_keys="d365_contact_keys",
    keeps_adopted=True,
)


@dataclass(frozen=True, slots=True)
class ContactSource:
    """People of the chosen legal entities, then the customers' own contacts."""

    people: People
    own: OwnContacts
    legal_entities: frozenset[str]

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every contact; the cursor names the data entity being read and the number or key done last."""
        reading, _, done = (cursor or "").partition(" ")
        if reading != DATA_ENTITY:
            begun = reading == self.people.data_entity  # else of another data entity's numbers
            pages = self.people.pages(done if begun else "")
            async with aclosing(pages):
                async for page in pages:
                    more = page.cursor is not None
                    place = f"{self.people.data_entity} {page.cursor}" if more else f"{DATA_ENTITY} "
                    yield replace(page, cursor=place)
            done = ""
        own = self.own.pages(done)
        async with aclosing(own):
            async for page in own:
                yield page if page.cursor is None else replace(page, cursor=f"{DATA_ENTITY} {page.cursor}")

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These contacts as they are now; a person goes before a customer whose key reads the same."""
        records: list[SourceRecord] = []
        for key in keys:
            legal_entity, number = split_key(key)
            if legal_entity not in self.legal_entities:
                continue
            record = await self.people.read(legal_entity, number) or await self.own.read(legal_entity, number)
            if record is not None:
                records.append(record)
        return records


def contacts(
    dynamics: DynamicsClient,
    hubspot: HubSpotClient,
    mapping: CompiledMapping,
    *,
    mapping_version: int,
    legal_entities: Sequence[str],
    people_from: str,
    settings: CustomerSettings,
    lanes: int,
) -> RecordFlow:
    """Build the flow for one connection; ``people_from`` is the data entity people are read from.

    Raises:
        ConfigurationError: the mapping names a source that people do not have, or leaves e-mails unchecked.
    """
    _check(mapping)
    deciding, left_by = scope_of(settings)
    source = ContactSource(
        people=people(dynamics, people_from, sources=mapping.sources, legal_entities=legal_entities),
        own=OwnContacts(
            client=dynamics,
            scope=in_legal_entities(legal_entities),
            deciding=deciding,
            left_by=left_by,
            companies_for_persons=settings.companies_for_persons,
        ),
        legal_entities=frozenset(legal_entities),
    )

    def to_contact(record: SourceRecord) -> TargetRecord:
        mapped = mapping.apply(record.fields)
        if not any(mapped.properties.get(name) for name in NAMES):
            raise RecordError(
                f"The contact {record.key} has neither a name nor a valid e-mail address.",
                code="contact.nameless",
            )
        return TargetRecord(
            key=record.key,
            properties=mapped.properties,
            fingerprint=digest(mapped.properties),
            source_digest=record.digest,
            first_write=mapping.first_write,
            notes=mapped.notes,
            identity=mapped.properties.get(IDENTITY, ""),
            related=tuple(Related(CUSTOMERS, key) for key in record.fields["Customers"]),
        )

    return RecordFlow(
        name=NAME,
        source=source,
        sink=UpsertSink(hubspot, OBJECT_TYPE, KEY_PROPERTY, IDENTITY),
        map=to_contact,
        mapping_version=mapping_version,
        lanes=lanes,
        properties=mapping.targets,
        first_write=mapping.first_write,
        traits=TRAITS,
        covers=lambda key: split_key(key)[0] in legal_entities,
        associations=ContactCompanies(hubspot),
    )


def _check(mapping: CompiledMapping) -> None:
    for name in sorted(mapping.sources - SUPPLIED):
        raise ConfigurationError(
            f"mappings/contacts.yaml reads {name}, which people do not have.{did_you_mean(name, SUPPLIED)}",
            code="configuration.mapping",
            hint=f"The sources are {', '.join(sorted(SUPPLIED))}.",
        )
    row = mapping.row(IDENTITY) if IDENTITY in mapping.targets else None
    if row is not None and not (row.transform and isinstance(row.transform[-1], Email)):
        raise ConfigurationError(
            f"mappings/contacts.yaml, line {row.line}: {IDENTITY} is filled without the transform 'email'.",
            code="configuration.mapping",
            hint="Make 'email' the row's last transform: contacts are found again by their checked e-mail.",
        )
