"""Customers of F&O become companies in HubSpot: one company each, known by ``d365_customer_key``.

Organisations always, persons only where ``customers.companies_for_persons`` says so. A customer that a scope filter
leaves out is handed on all the same, with the filter's name: only so can one that has been written be marked. Where
``customers.identity`` is ``per_party``, the accounts of one party share a company: the oldest key owns it, the others
are listed on it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import external_key, split_key
from ml_connector.domain.records import SourceRecord, TargetRecord, digest
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.flows.customers.changes import customer_changes
from ml_connector.flows.customers.scope import scope_of
from ml_connector.flows.customers.settings import PER_PARTY
from ml_connector.systems.dynamics.odata import equals
from ml_connector.systems.dynamics.source import Reading, both, in_legal_entities, pick, read_pages
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from ml_connector.domain.records import Page
    from ml_connector.flows.customers.settings import CustomerSettings
    from ml_connector.mapping.apply import CompiledMapping
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "customers"
OBJECT_TYPE, KEY_PROPERTY = "companies", "d365_customer_key"
DATA_ENTITY = "CustomersV3"
KEY_FIELDS = ("dataAreaId", "CustomerAccount")
SUPPLIED = frozenset({"LegalEntity", "CustomerKey", "Status"})  # sources this flow adds to the wire's own
ORGANISATION, PERSON = "Organization", "Person"  # members of DirPartyBaseType
PERSON_NAMES = ("PersonFirstName", "PersonMiddleName", "PersonLastNamePrefix", "PersonLastName")
TRAITS = Traits(
    status="d365_status",
    names=frozenset({"name"}),
    currencies=frozenset({"d365_currency"}),
    further_keys="d365_customer_accounts",
)
PARTY = "Party"  # whose accounts share a company; not in the fields where each has its own
ORDER = "dataAreaId,CustomerAccount"


@dataclass(frozen=True, slots=True)
class CustomerSource:
    """Customers of the chosen legal entities: organisations, and persons where they become companies."""

    client: DynamicsClient
    reading: Reading
    legal_entities: frozenset[str]
    party_types: frozenset[str]
    left_by: Callable[[Mapping[str, Any]], str]  # the scope filter that leaves a row out
    per_party: bool = False

    @property
    def read_by(self) -> str:
        """What this reading is known by."""
        return digest([self.client.settings.url, asdict(self.reading)]).hex()

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every such customer, in key order.

        The cursor is the server's next link, which asks for the fields, rows and host of its day; it is followed
        only while this reading is still the same.
        """
        read_by, _, link = (cursor or "").partition(" ")
        goes_on = read_by == self.read_by
        pages = read_pages(self.client, self.reading, link if goes_on else None, self.record)
        async with aclosing(pages):
            async for page in pages:
                came = replace(page, cursor=f"{self.read_by} {page.cursor}" if page.cursor else page.cursor)
                del page
                yield came
                del came

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These customers as they are now; those that this flow never reads are left out."""
        accounts: dict[str, list[str]] = {}
        for legal_entity, account in map(split_key, keys):
            if legal_entity in self.legal_entities:
                accounts.setdefault(legal_entity, []).append(account)
        rows = [row for entity, numbers in accounts.items() for row in await self._rows(entity, numbers)]
        return [self.record(row) for row in rows if row.get("PartyType") in self.party_types]

    async def _rows(self, legal_entity: str, accounts: Sequence[str]) -> list[dict[str, Any]]:
        """One row by its key, several by filters."""
        if len(accounts) > 1:
            return await self.client.rows_by(
                DATA_ENTITY,
                "CustomerAccount",
                accounts,
                select=self.reading.select,
                extra_filter=equals("dataAreaId", legal_entity),
            )
        key = {"dataAreaId": legal_entity, "CustomerAccount": accounts[0]}
        row = await self.client.row(DATA_ENTITY, key, select=self.reading.select)
        return [row] if row is not None else []

    def record(self, row: Mapping[str, Any]) -> SourceRecord:
        """The selected fields and those only this flow can tell.

        The scope filter is one of the fields, so that its digest moves when only the settings have.
        """
        fields = pick(row, self.reading.select, DATA_ENTITY)
        key = external_key(fields["dataAreaId"], fields["CustomerAccount"])
        if fields["PartyType"] == PERSON:
            fields["OrganizationName"] = full_name(fields)
        fields["LegalEntity"] = fields["dataAreaId"].lower()
        fields["CustomerKey"] = key
        fields["Status"] = "Active"
        if self.per_party:
            fields[PARTY] = str(fields["PartyNumber"] or "")
        fields["LeftScope"] = left_scope = self.left_by(fields)
        return SourceRecord(key, fields, digest(fields), left_scope)


def party_of(record: SourceRecord) -> str:
    """The party whose accounts share one company; empty where each account has its own."""
    return str(record.fields.get(PARTY, ""))


def full_name(fields: Mapping[str, Any]) -> str:
    """A person's names in the order they are spoken."""
    return " ".join(part for name in PERSON_NAMES if (part := str(fields[name] or "").strip()))


def customers(
    dynamics: DynamicsClient,
    hubspot: HubSpotClient,
    mapping: CompiledMapping,
    *,
    mapping_version: int,
    legal_entities: Sequence[str],
    settings: CustomerSettings,
    lanes: int,
) -> RecordFlow:
    """Build the flow for one connection."""
    deciding, left_by = scope_of(settings)
    with_persons = settings.companies_for_persons
    per_party = settings.identity == PER_PARTY
    own = {
        *KEY_FIELDS,
        "PartyType",
        *(PERSON_NAMES if with_persons else ()),
        *(["PartyNumber"] if per_party else ()),
    }
    reading = Reading(
        DATA_ENTITY,
        tuple(sorted((mapping.sources - SUPPLIED) | own | deciding)),
        filter=both(
            "" if with_persons else equals("PartyType", ORGANISATION), in_legal_entities(legal_entities)
        ),
        orderby=ORDER,
    )
    source = CustomerSource(
        client=dynamics,
        reading=reading,
        legal_entities=frozenset(legal_entities),
        party_types=frozenset({ORGANISATION, PERSON} if with_persons else {ORGANISATION}),
        left_by=left_by,
        per_party=per_party,
    )

    def to_company(record: SourceRecord) -> TargetRecord:
        mapped = mapping.apply(record.fields)
        party = party_of(record)
        return TargetRecord(
            key=record.key,
            properties=mapped.properties,
            fingerprint=digest([mapped.properties, party] if party else mapped.properties),
            identity=party,
            source_digest=record.digest,
            first_write=mapping.first_write,
            notes=mapped.notes,
        )

    return RecordFlow(
        name=NAME,
        source=source,
        sink=UpsertSink(hubspot, OBJECT_TYPE, KEY_PROPERTY),
        map=to_company,
        mapping_version=mapping_version,
        lanes=lanes,
        properties=mapping.targets,
        first_write=mapping.first_write,
        traits=TRAITS,
        covers=lambda key: split_key(key)[0] in legal_entities,
        changes=customer_changes(
            dynamics,
            settings,
            legal_entities,
            read_by=f"{source.read_by} {digest(settings.model_dump()).hex()}",
        ),
    )
