"""Customers of F&O become companies in HubSpot: organisations, one company each, known by ``d365_customer_key``."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import external_key, split_key
from ml_connector.domain.records import TargetRecord, digest
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.systems.dynamics.odata import equals
from ml_connector.systems.dynamics.source import Reading, as_record, both, in_legal_entities, pick, read_pages
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from ml_connector.domain.records import Page, SourceRecord
    from ml_connector.mapping.apply import CompiledMapping
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "customers"
OBJECT_TYPE, KEY_PROPERTY = "companies", "d365_customer_key"
DATA_ENTITY = "CustomersV3"
KEY_FIELDS = ("dataAreaId", "CustomerAccount")
SUPPLIED = frozenset({"LegalEntity", "CustomerKey", "Status"})  # sources this flow adds to the wire's own
ORGANISATION = "Organization"  # a member of DirPartyBaseType
ORDER = "dataAreaId,CustomerAccount"


@dataclass(frozen=True, slots=True)
class CustomerSource:
    """Organisations of the chosen legal entities."""

    client: DynamicsClient
    reading: Reading
    legal_entities: frozenset[str]

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every organisation, in key order.

        The cursor is the server's next link, which asks for the fields, rows and host of its day; it is followed
        only while this reading is still the same.
        """
        reading = digest([self.client.settings.url, asdict(self.reading)]).hex()
        read_by, _, link = (cursor or "").partition(" ")
        pages = read_pages(self.client, self.reading, link if read_by == reading else None, self.derive)
        async with aclosing(pages):
            async for page in pages:
                came = replace(page, cursor=f"{reading} {page.cursor}" if page.cursor else page.cursor)
                del page
                yield came
                del came

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These customers as they are now; persons, and customers of other legal entities, are left out."""
        records: list[SourceRecord] = []
        for key in keys:
            legal_entity, account = split_key(key)
            if legal_entity not in self.legal_entities:
                continue
            row = await self.client.row(
                DATA_ENTITY,
                {"dataAreaId": legal_entity, "CustomerAccount": account},
                select=self.reading.select,
            )
            if row is not None and row.get("PartyType") == ORGANISATION:
                records.append(as_record(*self.derive(row)))
        return records

    def derive(self, row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The selected fields and those only this flow can tell."""
        fields = pick(row, self.reading.select, DATA_ENTITY)
        key = external_key(fields["dataAreaId"], fields["CustomerAccount"])
        fields["LegalEntity"] = fields["dataAreaId"].lower()
        fields["CustomerKey"] = key
        fields["Status"] = "Active"
        return key, fields


def customers(
    dynamics: DynamicsClient,
    hubspot: HubSpotClient,
    mapping: CompiledMapping,
    *,
    mapping_version: int,
    legal_entities: Sequence[str],
    lanes: int,
) -> RecordFlow:
    """Build the flow for one connection."""
    select = tuple(sorted((mapping.sources - SUPPLIED) | {*KEY_FIELDS, "PartyType"}))
    reading = Reading(
        DATA_ENTITY,
        select,
        filter=both(equals("PartyType", ORGANISATION), in_legal_entities(legal_entities)),
        orderby=ORDER,
    )

    def to_company(record: SourceRecord) -> TargetRecord:
        mapped = mapping.apply(record.fields)
        return TargetRecord(
            key=record.key,
            properties=mapped.properties,
            fingerprint=digest(mapped.properties),
            source_digest=record.digest,
            first_write=mapping.first_write,
            notes=mapped.notes,
        )

    return RecordFlow(
        name=NAME,
        source=CustomerSource(dynamics, reading, frozenset(legal_entities)),
        sink=UpsertSink(hubspot, OBJECT_TYPE, KEY_PROPERTY),
        map=to_company,
        mapping_version=mapping_version,
        lanes=lanes,
        properties=mapping.targets,
        first_write=mapping.first_write,
        traits=Traits(
            status="d365_status",
            names=frozenset({"name"}),
            currencies=frozenset({"d365_currency"}),
            further_keys="d365_customer_accounts",
        ),
        covers=lambda key: split_key(key)[0] in legal_entities,
    )
