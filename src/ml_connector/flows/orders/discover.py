"""Find won deals: small portals are listed whole, which sees a change at once; large ones are searched."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.engine.process import Trigger, TriggerPage
from ml_connector.flows.orders.snapshot import read_time, value
from ml_connector.systems.hubspot.search import FURTHEST, LARGEST_PAGE, ascending, at_least, one_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime, timedelta

    from ml_connector.systems.hubspot.client import HubSpotClient

MODIFIED = "hs_lastmodifieddate"


@dataclass(frozen=True, slots=True)
class WonDeals:
    """Deals that entered a won stage after the flow went live."""

    hubspot: HubSpotClient
    go_live_at: datetime
    pipelines: Sequence[str]  # chosen ones; empty: all
    list_up_to: int
    overlap: timedelta

    async def pages(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Won deals, oldest change first where searched."""
        stages = await self.won_stages()
        properties = ["pipeline", "dealstage", MODIFIED, *(entered_property(stage) for stage in stages)]
        total = (await self.hubspot.search("deals", filters=[], sorts=[], properties=[], limit=1)).total
        small = total <= self.list_up_to
        found = self._listed(properties, stages) if small else self._searched(properties, stages, watermark)
        async with aclosing(found):
            async for page in found:
                yield page

    async def won_stages(self) -> frozenset[str]:
        """Stages that mean won: closed with probability 1.0.

        Source: https://developers.hubspot.com/docs/api-reference/legacy/crm/pipelines/guide
        """
        return frozenset(
            stage.id
            for pipeline in await self.hubspot.pipelines("deals")
            if not self.pipelines or pipeline.id in self.pipelines
            for stage in pipeline.stages
            if stage.closed and stage.probability == "1.0"
        )

    async def _listed(
        self, properties: Sequence[str], stages: frozenset[str]
    ) -> AsyncGenerator[TriggerPage, None]:
        after: str | None = None
        while True:
            page = await self.hubspot.list("deals", properties=properties, after=after)
            yield TriggerPage(self._triggers(page.records, stages), None)
            after = page.after
            if after is None:
                return

    async def _searched(
        self, properties: Sequence[str], stages: frozenset[str], watermark: str | None
    ) -> AsyncGenerator[TriggerPage, None]:
        """Windows by last change, below the search cap, each beginning at the last time seen."""
        reached = read_time(watermark) or self.go_live_at
        since = reached - self.overlap
        while True:
            newest, count = since, 0
            async with aclosing(self._window(properties, stages, since)) as window:
                async for records in window:
                    count += len(records)
                    times = [read_time(value(record["properties"], MODIFIED)) for record in records]
                    newest = max([newest, *(time for time in times if time is not None)])
                    reached = max(reached, newest)  # the overlap lies behind what was reached before
                    yield TriggerPage(self._triggers(records, stages), reached.isoformat())
            if count < FURTHEST or newest == since:
                return
            since = newest

    async def _window(
        self, properties: Sequence[str], stages: frozenset[str], since: datetime
    ) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
        after: str | None = None
        for _ in range(FURTHEST // LARGEST_PAGE):
            page = await self.hubspot.search(
                "deals",
                filters=[one_of("dealstage", sorted(stages)), at_least(MODIFIED, since)],
                sorts=[ascending(MODIFIED)],
                properties=properties,
                limit=LARGEST_PAGE,
                after=after,
            )
            yield page.records
            after = page.after
            if after is None:
                return

    def _triggers(self, records: Sequence[Mapping[str, Any]], stages: frozenset[str]) -> list[Trigger]:
        triggers = []
        for record in records:
            properties = record["properties"]
            stage = value(properties, "dealstage")
            changed_at = read_time(value(properties, MODIFIED)) or self.go_live_at
            if stage not in stages:
                continue
            won_at = read_time(value(properties, entered_property(stage))) or changed_at
            if won_at >= self.go_live_at:
                triggers.append(Trigger(str(record["id"]), won_at, changed_at))
        return triggers


def entered_property(stage: str) -> str:
    """The property that holds when a deal entered this stage."""
    return f"hs_v2_date_entered_{stage}"
