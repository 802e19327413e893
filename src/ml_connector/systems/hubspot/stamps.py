"""The key property of records that exist already: write it, clear it, read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.systems.hubspot.client import BATCH, UpdateInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.errors import RejectedError
    from ml_connector.systems.hubspot.client import HubSpotClient


@dataclass(frozen=True, slots=True)
class KeyStamps:
    """One object type and the unique property that names the record of Dynamics."""

    client: HubSpotClient
    object_type: str
    key_property: str
    batch_size: int = BATCH

    async def write(self, keys: Mapping[str, str], *, call_id: str) -> dict[str, RejectedError]:
        """Write keys by record id, an empty one clears; which were refused, and why."""
        traced = {f"{call_id}-{position}": record_id for position, record_id in enumerate(keys)}
        inputs = [
            UpdateInput(trace_id, record_id, {self.key_property: keys[record_id]})
            for trace_id, record_id in traced.items()
        ]
        report = await self.client.update_batch(self.object_type, inputs, call_id=call_id)
        return {traced[trace_id]: error for trace_id, error in report.refused.items()}

    async def read(self, record_ids: Sequence[str]) -> dict[str, str]:
        """The keys these records carry now; records that are not there are left out."""
        found = await self.client.read(self.object_type, record_ids, properties=[self.key_property])
        return {
            record_id: str(record["properties"].get(self.key_property) or "")
            for record_id, record in found.items()
        }
