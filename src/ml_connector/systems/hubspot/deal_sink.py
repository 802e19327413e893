"""Deals as a sink: our own properties of deals that exist, by their ids. No deal is ever made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.records import Edited, Held, Outcome, Pushed, Result, Trace
from ml_connector.errors import RejectedError
from ml_connector.systems.hubspot.client import BATCH, UpdateInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from ml_connector.domain.diff import Change
    from ml_connector.systems.hubspot.client import HubSpotClient


@dataclass(frozen=True, slots=True)
class DealSink:
    """Deals, each known by its id; the wall lets nothing pass but properties of ours."""

    client: HubSpotClient
    gone_code: str  # the cause that parks the record of a deal which is not there any more
    side: str = "hubspot"
    object_type: str = "deals"
    batch_size: int = BATCH
    identity: str = ""
    settle: timedelta | None = None

    def resource(self, *, creating: bool) -> str:  # noqa: ARG002 - what is new to us is an update there, too
        """What a call is named in the journal."""
        return "deals.update"

    async def push(self, changes: Sequence[Change], *, creating: bool, call_id: str) -> Pushed:  # noqa: ARG002 - the same
        """Update one batch; each deal carries a trace id, so that a refused one does not sink the rest."""
        traced = {f"{call_id}-{position}": change for position, change in enumerate(changes)}
        inputs = [
            UpdateInput(trace_id=trace_id, id=change.key, properties=change.send)
            for trace_id, change in traced.items()
        ]
        reply = await self.client.update_batch(self.object_type, inputs, call_id=call_id)
        outcomes = [
            self._outcome(change.key, reply.refused.get(trace_id)) for trace_id, change in traced.items()
        ]
        return Pushed(outcomes, reply.status, reply.correlation_id)

    async def look(self, target_ids: Sequence[str], properties: Sequence[str]) -> dict[str, Held]:
        """Deals as they stand now."""
        found = await self.client.read(self.object_type, target_ids, properties=properties)
        return {deal: Held(deal, record["properties"], deal) for deal, record in found.items()}

    async def holders(self, identities: Sequence[str], properties: Sequence[str]) -> dict[str, Held]:  # noqa: ARG002 - deals have no identity beside their id
        """Nobody."""
        return {}

    async def standing(self, keys: Sequence[str]) -> dict[str, str]:
        """A deal is known by its id."""
        return {key: key for key in keys}

    async def trace(self, target_ids: Mapping[str, str], properties: Sequence[str]) -> dict[str, Trace]:  # noqa: ARG002 - a deal that is gone is parked with a cause of its own
        """Deals that are gone stay gone."""
        return {key: Trace("deleted") for key in target_ids}

    async def binned(self, target_ids: Sequence[str]) -> set[str]:  # noqa: ARG002 - a deleted deal is parked
        """None that is waited for."""
        return set()

    async def edited(self, since: str, properties: Sequence[str]) -> Edited:  # noqa: ARG002 - deals belong to HubSpot
        """Nothing: an edit of the three properties is put back with the order's next change."""
        return Edited(since)

    def _outcome(self, deal: str, refused: RejectedError | None) -> Outcome:
        """What HubSpot said about one deal; the client refuses an answer that leaves one out."""
        if refused is None:
            return Outcome(deal, Result.UPDATED, target_id=deal)
        if refused.code == "hubspot.not_found":
            refused = RejectedError(
                f"Deal {deal} is not in HubSpot any more: it was deleted, or merged into another.",
                status=refused.status,
                code=self.gone_code,
                remote_code=refused.remote_code,
                correlation_id=refused.correlation_id,
            )
        return Outcome(deal, Result.PARKED, error=refused)
