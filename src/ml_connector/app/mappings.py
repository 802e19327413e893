"""The mapping files of a connection: read, checked against the portal, compiled, and every version kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.mapping.apply import (
    CompiledMapping,
    CompiledOrderMapping,
    compile_dimensions,
    compile_mapping,
)
from ml_connector.mapping.catalog import CatalogField, FieldCatalog
from ml_connector.mapping.check import check
from ml_connector.mapping.documents import OrderMappingDocument
from ml_connector.mapping.load import load_dimensions, load_mapping
from ml_connector.mapping.lookups import read_lookup, tables_of
from ml_connector.mapping.model import MappingDocument
from ml_connector.store import mappings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ml_connector.app.workplace import Workplace
    from ml_connector.mapping.catalog import Kind
    from ml_connector.mapping.documents import DimensionDocument, Document
    from ml_connector.mapping.rules import DimensionRules
    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.models import PropertyDefinition

_KINDS: dict[str, Kind] = {
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "enumeration": "enum",
    "bool": "bool",
}
DIMENSIONS_FILE = "dimensions.yaml"
_HINT = "Run: ml-connector init (it puts the shipped file where one is missing)"


async def record_mapping(place: Workplace, flow: str) -> tuple[CompiledMapping, int]:
    """The compiled mapping of a record flow and its version.

    Raises:
        ConfigurationError: the file is malformed, or names a property that the portal does not have or let us write.
    """
    text = read_text(place.settings.mappings / f"{flow}.yaml")
    document = document_of(flow, text)
    if not isinstance(document, MappingDocument):
        raise ConfigurationError(
            f"mappings/{flow}.yaml is not a record mapping.", code="configuration.mapping"
        )
    await _require_targets(place, document)
    return compile_mapping(document, lookups=lookups_of(place, document)), await _version(place, flow, text)


async def order_mapping(place: Workplace) -> tuple[CompiledOrderMapping, int]:
    """The compiled mapping of orders and its version."""
    text = read_text(place.settings.mappings / "orders.yaml")
    return _compiled_orders(place, text), await _version(place, "orders", text)


def record_mapping_as_it_is(place: Workplace, flow: str) -> CompiledMapping:
    """The compiled mapping of a record flow, neither checked against the portal nor kept: for looking only."""
    document = document_of(flow, read_text(place.settings.mappings / f"{flow}.yaml"))
    if not isinstance(document, MappingDocument):
        raise ConfigurationError(
            f"mappings/{flow}.yaml is not a record mapping.", code="configuration.mapping"
        )
    return compile_mapping(document, lookups=lookups_of(place, document))


def order_mapping_as_it_is(place: Workplace) -> CompiledOrderMapping:
    """The compiled mapping of orders, without keeping its version: for looking only."""
    return _compiled_orders(place, read_text(place.settings.mappings / "orders.yaml"))


def dimension_rules(place: Workplace) -> DimensionRules:
    """The rules of financial dimensions; none where there is no ``dimensions.yaml``.

    Raises:
        ConfigurationError: the file is malformed, or a table beside it is missing.
    """
    path = place.settings.mappings / DIMENSIONS_FILE
    text = read_text(path) if path.exists() else "{}"
    document = dimensions_of(text)
    return compile_dimensions(document, lookups=lookups_of(place, document))


@lru_cache(maxsize=4)
def dimensions_of(text: str) -> DimensionDocument:
    """The text of ``dimensions.yaml`` as a document."""
    return load_dimensions(text, file_name=f"mappings/{DIMENSIONS_FILE}")


def _compiled_orders(place: Workplace, text: str) -> CompiledOrderMapping:
    document = document_of("orders", text)
    if not isinstance(document, OrderMappingDocument):
        raise ConfigurationError(
            "mappings/orders.yaml is not an order mapping.", code="configuration.mapping"
        )
    return compile_mapping(document, lookups=lookups_of(place, document))


@lru_cache(maxsize=16)
def document_of(flow: str, text: str) -> Document:
    """A mapping file's text as a document; reading the same text again costs nothing."""
    return load_mapping(text, flow=flow, file_name=f"mappings/{flow}.yaml")


def read_text(path: Path) -> str:
    """A file of the home.

    Raises:
        ConfigurationError: it is not there, or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"The file {path} cannot be read: {exc}.", code="configuration.mapping", hint=_HINT
        ) from exc


def lookups_of(place: Workplace, document: Document | DimensionDocument) -> dict[str, Mapping[str, str]]:
    """The tables a mapping uses, from the CSV files beside it."""
    names = sorted(tables_of(document))
    return {
        name: read_lookup(read_text(place.settings.mappings / f"{name}.csv"), name=name) for name in names
    }


async def _require_targets(place: Workplace, document: MappingDocument) -> None:
    """Compare the targets with what the portal has; which sources exist, F&O says at the first read."""
    target = await property_catalog(await place.hubspot(), document.object)
    names = {name for row in document.fields for name in row.all_sources}
    source = FieldCatalog("Dynamics", {name: CatalogField(name) for name in names})
    problems = check(document, source, target)
    if problems:
        first, more = problems[0], len(problems) - 1
        others = f" There are {more} more problems in this file." if more else ""
        raise ConfigurationError(
            f"mappings/{document.flow}.yaml, line {first.line}: {first.sentence}{others}",
            code="configuration.mapping",
            hint=first.fix,
        )


async def property_catalog(client: HubSpotClient, object_type: str) -> FieldCatalog:
    """What the portal has of one object type."""
    definitions = await client.properties(object_type)
    return FieldCatalog(object_type, {item.name: _field(item) for item in definitions if not item.archived})


def _field(item: PropertyDefinition) -> CatalogField:
    return CatalogField(
        item.name,
        kind=_KINDS.get(item.type, "text"),
        writable=not (item.read_only or item.calculated),
        options=tuple(option.value for option in item.options),
    )


async def _version(place: Workplace, flow: str, text: str) -> int:
    async with place.store.write() as tx:
        return await mappings.remember(tx, place.connection.connection_id, flow, text.encode())
