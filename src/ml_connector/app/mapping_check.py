"""``mapping validate``: every mapping file and table of a connection, held against what both systems offer now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.app.flow_switch import known_flow
from ml_connector.app.home import SHIPPED
from ml_connector.app.mapping_findings import MappingReport, entity_catalog, read_tables
from ml_connector.app.mapping_orders import check_orders
from ml_connector.app.mappings import document_of, property_catalog, read_text
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.flows.customers import contacts, people
from ml_connector.flows.customers import flow as customers
from ml_connector.flows.products import source as products
from ml_connector.flows.products.records import DATA_ENTITY
from ml_connector.mapping.catalog import CatalogField, FieldCatalog
from ml_connector.mapping.check import check
from ml_connector.mapping.model import MappingDocument
from ml_connector.systems.dynamics.fields import unknown_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace

MAPPED = tuple(flow for flow in SHIPPED if flow != "dimensions")  # flows with a mapping file


async def check_mappings(place: Workplace, names: Sequence[str] = ()) -> MappingReport:
    """Check the mapping files of these flows, or of all; nothing is written on either side.

    Raises:
        ConfigurationError: there is no such flow, it has no mapping file, or a side is not connected.
    """
    flows = tuple(dict.fromkeys(map(mapped_flow, names))) or MAPPED
    report = MappingReport(flows)
    for flow in flows:
        if flow == "orders":
            await check_orders(place, report)
        else:
            await _check_records(place, flow, report)
    report.problems.sort(key=lambda found: (found.file, found.line))
    return report


def mapped_flow(name: str) -> str:
    """A flow that has a mapping file."""
    flow = "orders" if name == "dimensions" else known_flow(name)
    if flow not in MAPPED:
        raise ConfigurationError(
            f"The flow {flow} has no mapping file: what it writes is a fixed set.", code="usage.flow"
        )
    return flow


async def _check_records(place: Workplace, flow: str, report: MappingReport) -> None:
    """The mapping of a record flow: its tables, HubSpot's properties, F&O's fields."""
    file = f"mappings/{flow}.yaml"
    report.files.append(file)
    try:
        document = document_of(flow, read_text(place.settings.mappings / f"{flow}.yaml"))
    except ConfigurationError as error:
        report.refused(error, file)
        return
    if not isinstance(document, MappingDocument):
        return
    read_tables(place, document, file, report)
    try:
        target = await property_catalog(await place.hubspot(), document.object)
    except MissingScopeError as error:
        report.note(f"{file} is not checked against HubSpot: {error.message}")
        target = FieldCatalog(
            document.object, {row.target: CatalogField(row.target) for row in document.rows}
        )
    source = await _sources(place, flow, document, report)
    for found in check(document, source, target):
        report.add(file, found.line, found.sentence, nearest=found.nearest, fix=found.fix)


async def _sources(
    place: Workplace, flow: str, document: MappingDocument, report: MappingReport
) -> FieldCatalog:
    """What the rows of a flow may read."""
    named = {name for row in document.rows for name in row.all_sources}
    if flow == "contacts":
        lacking = await _lacking_of_people(place, named, report)
        return FieldCatalog("people", {name: CatalogField(name) for name in contacts.SUPPLIED - lacking})
    data_entity, supplied = {
        "customers": (customers.DATA_ENTITY, customers.SUPPLIED),
        "products": (DATA_ENTITY, products.SUPPLIED),
    }[flow]
    client = await place.dynamics()
    return await entity_catalog(client, data_entity, named - supplied, report, also=supplied)


async def _lacking_of_people(place: Workplace, named: set[str], report: MappingReport) -> set[str]:
    """The sources of contacts whose field the environment's set of people does not have."""
    client = await place.dynamics()
    try:
        data_entity = await people.offered_people(client)
        fields = people.FIELDS[data_entity]
        unknown = await unknown_fields(
            client, data_entity, (fields[name] for name in named if name in fields)
        )
    except MissingScopeError as error:
        report.note(f"mappings/contacts.yaml is not checked against Dynamics: {error.message}")
        return set()
    return {name for name in named if fields.get(name) in unknown}
