"""The mapping files of a connection: read, checked, compiled, and every version kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.mapping.apply import CompiledMapping, CompiledOrderMapping, compile_mapping
from ml_connector.mapping.load import load_mapping
from ml_connector.mapping.model import MappingDocument, OrderMappingDocument
from ml_connector.store import mappings

if TYPE_CHECKING:
    from ml_connector.app.workplace import Workplace


def read_mapping(place: Workplace, flow: str) -> str:
    """The text of a flow's mapping file.

    Raises:
        ConfigurationError: the file is not there.
    """
    path = place.settings.mappings / f"{flow}.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"The mapping file {path} cannot be read: {exc}.",
            code="configuration.mapping",
            hint="Run: ml-connector init (it puts the shipped file where one is missing)",
        ) from exc


async def record_mapping(place: Workplace, flow: str) -> tuple[CompiledMapping, int]:
    """The compiled mapping of a record flow and its version."""
    text = read_mapping(place, flow)
    document = load_mapping(text, flow=flow, file_name=f"mappings/{flow}.yaml")
    if not isinstance(document, MappingDocument):
        raise ConfigurationError(
            f"mappings/{flow}.yaml is not a record mapping.", code="configuration.mapping"
        )
    return compile_mapping(document), await _version(place, flow, text)


async def order_mapping(place: Workplace) -> tuple[CompiledOrderMapping, int]:
    """The compiled mapping of orders and its version."""
    text = read_mapping(place, "orders")
    document = load_mapping(text, flow="orders", file_name="mappings/orders.yaml")
    if not isinstance(document, OrderMappingDocument):
        raise ConfigurationError(
            "mappings/orders.yaml is not an order mapping.", code="configuration.mapping"
        )
    return compile_mapping(document), await _version(place, "orders", text)


async def _version(place: Workplace, flow: str, text: str) -> int:
    async with place.store.write() as tx:
        return await mappings.remember(tx, place.connection.connection_id, flow, text.encode())
