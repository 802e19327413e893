"""Topic deals: those won of late, put through the order flow's own steps up to the draft; nothing is written."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.app.fit.adoption import unlinked
from ml_connector.domain.causes import cause_of
from ml_connector.domain.fit import EXAMPLES, Deals, Stopped
from ml_connector.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from ml_connector.app.fit.adoption import Adoption
    from ml_connector.flows.orders.deal.discover import WonDeals
    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
    from ml_connector.flows.orders.flow import OrderFlow
    from ml_connector.systems.hubspot.client import HubSpotClient

DAYS = 30
MOST = 500  # deals tried, the newest first: each takes about eight calls
AT_ONCE = 16


@dataclass(slots=True)
class WonMonth:
    """The deals of the month as they were read, and those a step has stopped."""

    won: int = 0
    tried: int = 0
    snapshots: list[DealSnapshot] = field(default_factory=list)
    stopped: dict[str, list[str]] = field(default_factory=dict)  # deal ids by cause

    def stop(self, cause: str, deal: str) -> None:
        """A step stopped this deal."""
        self.stopped.setdefault(cause, []).append(deal)


async def gather_month(flow: OrderFlow, now: datetime, adoption: Adoption) -> WonMonth:
    """Find and read the deals won in the last 30 days; tell what their companies and lines lack a link for."""
    month = WonMonth()
    deals = await _newest(
        replace(flow.won_deals, go_live_at=now - timedelta(days=DAYS), watch_known=False), month
    )
    month.tried = len(deals)

    async def read(deal: str) -> None:
        snapshot, _ = await flow.gather(deal)
        month.snapshots.append(snapshot)

    await _each(deals, read, month)
    for snapshot in month.snapshots:
        adoption.want(snapshot)
    adoption.know_domains(await _domains(flow.hubspot, month.snapshots))
    return month


async def judge_month(flow: OrderFlow, month: WonMonth, adoption: Adoption) -> Deals:
    """Draft each deal as it would be after the first load, and sort them by what came of it."""
    ended: Counter[str] = Counter()
    by_id = {snapshot.deal_id: snapshot for snapshot in month.snapshots}

    async def draft(deal: str) -> None:
        adopted = adoption.adopted(by_id[deal])
        await flow.draft(adopted)
        ended["ready" if adopted == by_id[deal] else "matched"] += 1

    await _each(list(by_id), draft, month)
    stopped = [
        Stopped(cause, cause_of(cause).title, len(deals), tuple(sorted(deals, key=_by_number)[:EXAMPLES]))
        for cause, deals in month.stopped.items()
    ]
    return Deals(
        days=DAYS,
        won=month.won,
        tried=month.tried,
        ready=ended["ready"],
        ready_once_matched=ended["matched"],
        stopped=tuple(sorted(stopped, key=lambda each: (-each.count, each.cause))),
    )


async def _newest(won_deals: WonDeals, month: WonMonth) -> list[str]:
    """Ids of the deals won last; all of them are counted."""
    newest: list[tuple[datetime, str]] = []
    seen: set[str] = set()
    async with aclosing(won_deals.pages(None)) as pages:
        async for page in pages:
            for trigger in page.triggers:
                if trigger.subject not in seen:
                    seen.add(trigger.subject)
                    newest.append((trigger.happened_at, trigger.subject))
            newest = heapq.nlargest(MOST, newest)
    month.won = len(seen)
    return [deal for _, deal in newest]


async def _each(deals: Sequence[str], step: Callable[[str], Awaitable[None]], month: WonMonth) -> None:
    """Take a step with every deal, some at once; what concerns one deal only stops that one."""

    async def one(deal: str) -> None:
        try:
            await step(deal)
        except RecordError as exc:
            month.stop(exc.code, deal)

    for start in range(0, len(deals), AT_ONCE):
        chunk = deals[start : start + AT_ONCE]
        for ended in await asyncio.gather(*(one(deal) for deal in chunk), return_exceptions=True):
            if ended is not None:
                raise ended


async def _domains(hubspot: HubSpotClient, snapshots: Sequence[DealSnapshot]) -> dict[str, str]:
    ids = sorted({company.id for snapshot in snapshots for company in unlinked(snapshot)})
    if not ids:
        return {}
    records = await hubspot.read("companies", ids, properties=("domain",))
    return {company: str(record["properties"].get("domain") or "") for company, record in records.items()}


def _by_number(deal: str) -> tuple[int, str]:
    return len(deal), deal
