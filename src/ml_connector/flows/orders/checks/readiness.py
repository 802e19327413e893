"""Readiness: what an open deal would park with, told while it is still a quote. Nothing is written to F&O."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.domain.causes import cause_of
from ml_connector.engine.calls import recorded
from ml_connector.errors import RecordError
from ml_connector.flows.orders.checks.foreseen import require_nothing_foreseen
from ml_connector.flows.orders.deal.discover import MODIFIED, changed_since
from ml_connector.flows.orders.deal.snapshot import read_time, value
from ml_connector.flows.orders.draft.resolved import GATHER, at_step
from ml_connector.flows.orders.flow import NOTHING_CHOSEN
from ml_connector.store import progress
from ml_connector.store.progress import Progress
from ml_connector.systems.hubspot.client import BATCH, UpdateInput
from ml_connector.systems.hubspot.search import LARGEST_PAGE, ascending, beyond, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow
    from ml_connector.flows.orders.placing.refusals import Refusal

PROPERTY = "d365_order_readiness"
READY = "Ready"
KEPT = "orders.readiness"  # how far it has read, with the flow's progress
MOST = 200  # deals checked in one pass: each takes about eight calls; the rest follows in the next
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Readiness:
    """How a deal stands before it is won: its draft as far as there is one, and what stops it or will."""

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


async def check_deal(
    flow: OrderFlow,
    deal_id: str,
    choices: Choices = NOTHING_CHOSEN,
    refusals: Sequence[Refusal] | None = None,
) -> Readiness:
    """Steps gather to draft for a deal, open or won, and what can be foreseen of placing it."""
    name, draft = "", None
    try:
        with at_step(GATHER):
            snapshot, _ = await flow.gather(deal_id, won=False)
        name = snapshot.name
        draft = await flow.draft(snapshot, choices)
        known = await flow.refusals.read() if refusals is None else refusals
        await require_nothing_foreseen(flow, draft, known)
    except RecordError as error:
        return Readiness(deal_id, name, draft, error)
    return Readiness(deal_id, name, draft, None)


async def keep_readiness(flow: OrderFlow) -> int:
    """Bring the readiness of open deals up to date; how many were written.

    Deals that have changed since the last pass go first. The others follow in rounds, since Dynamics changes, too,
    and days pass. Only words that differ are written.
    """
    stages = await _open_stages(flow)
    if not stages:
        return 0
    async with flow.engine.store.read() as tx:
        kept = await progress.load(tx, flow.engine.connection_id, KEPT)
    look = _Pass(flow, stages, kept, await flow.refusals.read())
    await look.at_changed()
    await look.around()
    await _write(flow, look.written)
    await look.keep()
    return len(look.written)


@dataclass(slots=True)
class _Pass:
    """One pass over open deals: what it has looked at, and what it found to say."""

    flow: OrderFlow
    stages: Sequence[str]
    kept: Progress | None
    refusals: Sequence[Refusal]
    checked: dict[str, str] = field(default_factory=dict)  # deal -> its last change
    looked_at: set[str] = field(default_factory=set)
    written: dict[str, str] = field(default_factory=dict)
    round: dict[str, str] = field(default_factory=dict)  # when it began, and the last deal it has come to

    @property
    def _details(self) -> dict[str, Any]:
        return self.kept.details if self.kept is not None else {}

    @property
    def _since(self) -> datetime:
        overlap = self.flow.won_deals.overlap
        reached = read_time(self.kept.watermark) if self.kept is not None else None
        return (reached or LONG_AGO + overlap) - overlap

    async def at_changed(self) -> None:
        """Deals that have changed, the oldest change first."""
        known: dict[str, str] = self._details.get("checked", {})
        window = changed_since(
            self.flow.hubspot, [one_of("dealstage", self.stages)], (PROPERTY,), self._since
        )
        async with aclosing(window) as pages:
            async for records in pages:
                for record in records:
                    deal, modified = str(record["id"]), value(record["properties"], MODIFIED)
                    if modified in (known.get(deal), self.checked.get(deal)):
                        continue  # the overlap brings it again
                    if len(self.looked_at) == MOST:
                        return
                    self.checked[deal] = modified
                    await self._look(deal, record["properties"])

    async def around(self) -> None:
        """Deals that have not changed, by their ids, from where the last pass stopped; then the round rests."""
        now = self.flow.engine.around.clock.now()
        self.round = dict(self._details.get("round", {}))
        begun = read_time(self.round.get("begun"))
        if "after" not in self.round:
            if begun is not None and now - begun < timedelta(hours=self.flow.settings.readiness_hours):
                return
            self.round = {"begun": now.isoformat(), "after": "0"}
        while True:
            records = await self._page_after(self.round["after"])
            for record in records:
                if len(self.looked_at) == MOST:
                    return
                deal = self.round["after"] = str(record["id"])
                if deal not in self.looked_at:
                    await self._look(deal, record["properties"])
            if len(records) < LARGEST_PAGE:
                break
        del self.round["after"]

    async def _page_after(self, last: str) -> Sequence[Mapping[str, Any]]:
        found = await self.flow.hubspot.search(
            "deals",
            filters=[one_of("dealstage", self.stages), beyond("hs_object_id", last)],
            sorts=[ascending("hs_object_id")],
            properties=(PROPERTY,),
            limit=LARGEST_PAGE,
        )
        return found.records

    async def _look(self, deal: str, properties: Mapping[str, Any]) -> None:
        """Keep the words for a deal, if it does not show them already."""
        self.looked_at.add(deal)
        words = (await check_deal(self.flow, deal, refusals=self.refusals)).words
        if words != value(properties, PROPERTY):
            self.written[deal] = words

    async def keep(self) -> None:
        """Where the next pass goes on; of what was checked only that which the overlap brings again."""
        overlap = self.flow.won_deals.overlap
        checked = {**self._details.get("checked", {}), **self.checked}
        times = [time for text in checked.values() if (time := read_time(text)) is not None]
        reached = max(times, default=self._since + overlap)
        again = {
            deal: text for deal, text in checked.items() if (read_time(text) or LONG_AGO) >= reached - overlap
        }
        details = {"checked": again, "round": self.round}
        async with self.flow.engine.store.write() as tx:
            kept = Progress(flow=KEPT, run_id="", watermark=reached.isoformat(), details=details)
            await progress.save(tx, self.flow.engine.connection_id, kept)


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
