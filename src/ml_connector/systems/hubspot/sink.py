"""HubSpot as a sink: batch upsert on our own unique property, an outcome for each record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.records import Outcome, Pushed, Result
from ml_connector.systems.hubspot.client import BATCH, UpsertInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.systems.hubspot.client import HubSpotClient, UpsertReport


@dataclass(frozen=True, slots=True)
class UpsertSink:
    """One object type, written by its unique key property."""

    client: HubSpotClient
    object_type: str
    id_property: str
    side: str = "hubspot"
    batch_size: int = BATCH

    @property
    def resource(self) -> str:
        """What the call is named in the journal."""
        return f"{self.object_type}.upsert"

    async def push(self, changes: Sequence[Change], *, call_id: str) -> Pushed:
        """Upsert one batch; each record carries a trace id, so that a refused one does not sink the rest."""
        traced = {f"{call_id}-{position}": change for position, change in enumerate(changes)}
        inputs = [
            UpsertInput(trace_id=trace_id, id=change.key, properties=change.send)
            for trace_id, change in traced.items()
        ]
        reply = await self.client.upsert(self.object_type, self.id_property, inputs, call_id=call_id)
        outcomes = [_outcome(trace_id, change, reply) for trace_id, change in traced.items()]
        return Pushed(outcomes, reply.status, reply.correlation_id)


def _outcome(trace_id: str, change: Change, reply: UpsertReport) -> Outcome:
    """What HubSpot said about one record."""
    refused = reply.refused.get(trace_id)
    if refused is not None:
        return Outcome(change.key, Result.PARKED, error=refused)
    done = reply.done[trace_id]  # the client refuses an answer that leaves a record out
    return Outcome(change.key, Result.CREATED if done.new else Result.UPDATED, target_id=done.id)
