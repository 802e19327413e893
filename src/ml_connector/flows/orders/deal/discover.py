"""Find won deals: small portals are listed whole, which sees a change at once; large ones are searched.

A search goes by the time of the last change, in windows that begin where the one before ended, so that neither the
cap on its results nor a record that moves between two pages loses one. Deals that show an order's status and have
left their won stage are found too, and those won before the flow went live: what began for them is followed.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.engine.process import Trigger, TriggerPage
from ml_connector.errors import SubjectLeftError
from ml_connector.flows.orders.deal.snapshot import read_time, value
from ml_connector.systems.hubspot.search import (
    LARGEST_PAGE,
    ascending,
    at_least,
    at_most,
    beyond,
    known,
    none_of,
    one_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.search import Filter

MODIFIED = "hs_lastmodifieddate"
MERGED_IDS = "hs_merged_object_ids"
STATUS = "d365_order_status"
TICK = timedelta(milliseconds=1)  # HubSpot's times have no smaller part


@dataclass(frozen=True, slots=True)
class WonDeals:
    """Deals that entered a won stage, and which of them begin something: those that did after the flow went live."""

    hubspot: HubSpotClient
    go_live_at: datetime
    pipelines: Sequence[str]  # chosen ones; empty: all
    list_up_to: int
    overlap: timedelta
    watch_known: bool = True  # also those of which a process may know: no longer won, or won before

    async def pages(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Won deals, oldest change first where searched."""
        stages = await self.won_stages()
        total = (await self.hubspot.search("deals", filters=[], sorts=[], properties=[], limit=1)).total
        small = total <= self.list_up_to
        found = self._listed(stages) if small else self._searched(stages, watermark)
        async with aclosing(found):
            async for page in found:
                yield page

    async def one(self, deal_id: str) -> Trigger:
        """The trigger of one deal, which a person names: also of one that was won before the flow went live.

        Raises:
            SubjectLeftError: it is not won, or not in HubSpot.
        """
        stages = await self.won_stages()
        record = await self.hubspot.get("deals", deal_id, properties=_properties(stages))
        if record is None:
            raise SubjectLeftError(f"There is no deal {deal_id} in HubSpot.", code="order.deal_gone")
        trigger = self._trigger(record, stages)
        if not trigger.holds:
            raise SubjectLeftError(f"deals/{deal_id} is not won.", code="order.not_won")
        return replace(trigger, begins=True)

    async def told(self, deal_ids: Sequence[str]) -> TriggerPage:
        """These deals as a pass would see them; what is gone from HubSpot is left to the daily sweep."""
        stages = await self.won_stages()
        found = await self.hubspot.read("deals", deal_ids, properties=_properties(stages))
        return TriggerPage(self._triggers(list(found.values()), stages), None)

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

    async def _listed(self, stages: frozenset[str]) -> AsyncGenerator[TriggerPage, None]:
        after: str | None = None
        while True:
            page = await self.hubspot.list("deals", properties=_properties(stages), after=after)
            yield TriggerPage(self._triggers(page.records, stages), None)
            after = page.after
            if after is None:
                return

    async def _searched(
        self, stages: frozenset[str], watermark: str | None
    ) -> AsyncGenerator[TriggerPage, None]:
        """First the deals that have left, then the won ones, which move the watermark."""
        reached = read_time(watermark) or self.go_live_at
        since = reached - self.overlap
        if self.watch_known:
            left = [known(STATUS), *([none_of("dealstage", sorted(stages))] if stages else [])]
            async with aclosing(changed_since(self.hubspot, left, _properties(stages), since)) as pages:
                async for records in pages:
                    yield TriggerPage(self._triggers(records, stages), None)
        if not stages:
            return
        won = [one_of("dealstage", sorted(stages))]
        async with aclosing(changed_since(self.hubspot, won, _properties(stages), since)) as pages:
            async for records in pages:
                reached = max([reached, *(_modified(record) or reached for record in records)])
                yield TriggerPage(self._triggers(records, stages), reached.isoformat())

    def _triggers(self, records: Sequence[Mapping[str, Any]], stages: frozenset[str]) -> list[Trigger]:
        triggers = [self._trigger(record, stages) for record in records]
        return [one for one in triggers if self.watch_known or (one.holds and one.begins)]

    def _trigger(self, record: Mapping[str, Any], stages: frozenset[str]) -> Trigger:
        properties = record["properties"]
        stage = value(properties, "dealstage")
        changed_at = _modified(record) or self.go_live_at
        former = tuple(one for one in value(properties, MERGED_IDS).split(";") if one)
        won_at = read_time(value(properties, entered_property(stage))) if stage in stages else None
        happened_at = won_at or changed_at
        return Trigger(
            str(record["id"]),
            happened_at,
            changed_at,
            holds=stage in stages,
            begins=happened_at >= self.go_live_at,
            former=former,
        )


async def changed_since(
    hubspot: HubSpotClient, filters: Sequence[Filter], properties: Sequence[str], since: datetime
) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
    """Deals that fit, changed at or after a moment, oldest change first; some come twice.

    Each window begins at the last time seen, and a time that more deals share than a page holds is read by their
    ids: no offset, which a record that moves meanwhile would make skip another one.
    """
    names = [*properties, MODIFIED]
    while True:
        window = [*filters, at_least(MODIFIED, since)]
        records = await _page(hubspot, window, MODIFIED, names)
        yield records
        if len(records) < LARGEST_PAGE:
            return
        newest = _modified(records[-1]) or since
        if newest > since:
            since = newest
            continue
        at_once = [*filters, at_least(MODIFIED, since), at_most(MODIFIED, since)]
        last = "0"
        while len(records) == LARGEST_PAGE:
            records = await _page(hubspot, [*at_once, beyond("hs_object_id", last)], "hs_object_id", names)
            yield records
            last = str(records[-1]["id"]) if records else last
        since += TICK


async def _page(
    hubspot: HubSpotClient, filters: Sequence[Filter], by: str, properties: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    found = await hubspot.search(
        "deals", filters=filters, sorts=[ascending(by)], properties=properties, limit=LARGEST_PAGE
    )
    return found.records


def _properties(stages: frozenset[str]) -> list[str]:
    return [
        "pipeline",
        "dealstage",
        MODIFIED,
        MERGED_IDS,
        *(entered_property(stage) for stage in sorted(stages)),
    ]


def _modified(record: Mapping[str, Any]) -> datetime | None:
    return read_time(value(record["properties"], MODIFIED))


def entered_property(stage: str) -> str:
    """The property that holds when a deal entered this stage."""
    return f"hs_v2_date_entered_{stage}"
