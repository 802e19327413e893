"""Readiness: what an open deal would park with, told while it is still a quote. Nothing is written to F&O."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.domain.causes import cause_of
from ml_connector.engine.calls import recorded
from ml_connector.errors import RecordError
from ml_connector.flows.orders.deal.discover import MODIFIED, changed_since
from ml_connector.flows.orders.deal.snapshot import read_time, value
from ml_connector.flows.orders.draft.resolved import GATHER, at_step
from ml_connector.store import progress
from ml_connector.store.progress import Progress
from ml_connector.systems.hubspot.client import BATCH, UpdateInput
from ml_connector.systems.hubspot.search import one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow

PROPERTY = "d365_order_readiness"
READY = "Ready"
KEPT = "orders.readiness"  # how far it has read, with the flow's progress
MOST = 200  # deals checked in one pass: each takes about eight calls; the rest follows in the next
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Readiness:
    """How a deal stands before it is won: its draft, or what stops it."""

    deal_id: str
    name: str
    draft: OrderDraft | None
    error: RecordError | None

    @property
    def words(self) -> str:
        """What is shown on the deal: Ready, or what is missing and what to do."""
        if self.error is None:
            return READY
        cause = cause_of(self.error.code)
        return f"{cause.title}: {self.error.message} {self.error.hint or cause.next_action}"


async def check_deal(flow: OrderFlow, deal_id: str, choices: Choices | None = None) -> Readiness:
    """Steps gather to draft for a deal, open or won."""
    name = ""
    try:
        with at_step(GATHER):
            snapshot, _ = await flow.gather(deal_id, won=False)
        name = snapshot.name
        draft = await flow.draft(snapshot, choices) if choices is not None else await flow.draft(snapshot)
    except RecordError as error:
        return Readiness(deal_id, name, None, error)
    return Readiness(deal_id, name, draft, None)


async def keep_readiness(flow: OrderFlow) -> int:
    """Bring the readiness of open deals that have changed up to date; how many were written.

    Only deals changed since the last pass are read, and only words that differ are written.
    """
    stages = await _open_stages(flow)
    async with flow.engine.store.read() as tx:
        kept = await progress.load(tx, flow.engine.connection_id, KEPT)
    reached = read_time(kept.watermark) if kept is not None else None
    known: dict[str, str] = dict(kept.details.get("checked", {})) if kept is not None else {}
    since = (reached or LONG_AGO + flow.won_deals.overlap) - flow.won_deals.overlap
    checked: dict[str, str] = {}
    written: dict[str, str] = {}
    if stages:
        window = changed_since(flow.hubspot, [one_of("dealstage", stages)], (PROPERTY,), since)
        async with aclosing(window) as pages:
            async for records in pages:
                for record in records:
                    deal, modified = str(record["id"]), value(record["properties"], MODIFIED)
                    if known.get(deal) == modified or checked.get(deal) == modified:
                        continue  # the overlap brings it again
                    if len(checked) == MOST:
                        break
                    checked[deal] = modified
                    written |= await _news(flow, deal, record["properties"])
                if len(checked) == MOST:
                    break
    await _write(flow, written)
    await _keep(flow, known | checked, since)
    return len(written)


async def _open_stages(flow: OrderFlow) -> list[str]:
    """The chosen stages, else every open one of the chosen pipelines."""
    settings = flow.settings
    return sorted(
        stage.id
        for pipeline in await flow.hubspot.pipelines("deals")
        if not settings.pipelines or pipeline.id in settings.pipelines
        for stage in pipeline.stages
        if not stage.closed and (not settings.readiness_stages or stage.id in settings.readiness_stages)
    )


async def _news(flow: OrderFlow, deal: str, properties: Mapping[str, Any]) -> dict[str, str]:
    """The words for a deal, if it does not show them already."""
    words = (await check_deal(flow, deal)).words
    return {deal: words} if words != value(properties, PROPERTY) else {}


async def _write(flow: OrderFlow, words: Mapping[str, str]) -> None:
    deals = list(words)
    for start in range(0, len(deals), BATCH):
        batch = deals[start : start + BATCH]
        inputs = [UpdateInput(deal, deal, {PROPERTY: words[deal]}) for deal in batch]

        async def send(call_id: str, inputs: list[UpdateInput] = inputs) -> Any:
            return await flow.hubspot.update_batch("deals", inputs, call_id=call_id)

        await recorded(
            flow.engine,
            side="hubspot",
            resource="deals.update",
            keys=batch,
            payload={deal: words[deal] for deal in batch},
            run_id=KEPT,
            send=send,
        )


async def _keep(flow: OrderFlow, checked: Mapping[str, str], since: datetime) -> None:
    """Where the next pass goes on; of what was checked only that which the overlap brings again."""
    times = [time for text in checked.values() if (time := read_time(text)) is not None]
    reached = max(times, default=since + flow.won_deals.overlap)
    again = {
        deal: text
        for deal, text in checked.items()
        if (read_time(text) or LONG_AGO) >= reached - flow.won_deals.overlap
    }
    async with flow.engine.store.write() as tx:
        kept = Progress(flow=KEPT, run_id="", watermark=reached.isoformat(), details={"checked": again})
        await progress.save(tx, flow.engine.connection_id, kept)
