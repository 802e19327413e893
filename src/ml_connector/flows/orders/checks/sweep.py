"""The daily sweep: what no single deal can show. It reads both systems and reports; neither is written to.

A reference or a line seen twice, a won deal without an order, an order of ours without a deal, a header without lines.
Deals of orders that are gone from HubSpot are looked at again.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.domain.causes import cause_of
from ml_connector.flows.orders.placing.read_back import POSITION
from ml_connector.store import parked, processes, progress
from ml_connector.store.parked import ParkedRecord
from ml_connector.store.progress import Progress
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.flows.orders.flow import OrderFlow
    from ml_connector.store.database import Tx

KEPT = "orders.sweep"  # when it was last done, with the flow's progress
EVERY = timedelta(days=1)
PAGE = 500
FOUND_BY = {"found_by": "sweep"}  # in the detail of a parked record
NO_LINES, OPEN = "None", "Backorder"  # SalesOrderStatus of an order without lines; of one to be delivered


@dataclass(frozen=True, slots=True)
class Header:
    """An order of F&O that carries our reference."""

    legal_entity: str
    number: str
    reference: str
    status: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be, with the deal it concerns."""

    cause: str
    deal: str
    message: str
    orders: tuple[str, ...] = ()


async def sweep_is_due(flow: OrderFlow) -> bool:
    """Whether the last sweep was a day ago; the first is due a day after the flow's first pass."""
    now = flow.engine.around.clock.now()
    async with flow.engine.store.write() as tx:
        kept = await progress.load(tx, flow.engine.connection_id, KEPT)
        if kept is None:
            begun = Progress(flow=KEPT, run_id="", details={"at": now.isoformat(), "findings": 0})
            await progress.save(tx, flow.engine.connection_id, begun)
            return False
    return now - datetime.fromisoformat(str(kept.details["at"])) >= EVERY


async def sweep(flow: OrderFlow) -> list[Finding]:
    """Look once over everything, park what was found, resolve what is not so any more."""
    headers = await _headers(flow)
    placed, done = await _done(flow)
    await _look_at_the_gone(flow, done)
    deals = {deal for header in headers if (deal := deal_of(flow, header.reference))}
    won = await _won(flow)
    known = await _known(flow, sorted(deals | set(won)))
    lines = await _lines(flow, headers)
    findings = [
        *_twice(flow, headers),
        *_stray(flow, headers, placed, known),
        *_lines_twice(flow, lines),
        *await _without_lines(flow, lines),
        *(_missed(deal) for deal in won if deal not in known),
    ]
    await _store(flow, findings)
    return findings


def deal_of(flow: OrderFlow, reference: str) -> str:
    """The deal in one of our references; empty when it is not one."""
    found = re.fullmatch(rf"HS-{flow.portal_id}-(\w+?)(?:-R\d+)?", reference)
    return found[1] if found else ""


async def _headers(flow: OrderFlow) -> list[Header]:
    """Every order with a reference of ours; ``*`` in F&O's filters stands for any text."""
    field, prefix = flow.settings.reference_field, f"HS-{flow.portal_id}-"
    found = []
    async for page in flow.dynamics.pages(
        flow.settings.header_entity,
        select=("dataAreaId", "SalesOrderNumber", "SalesOrderStatus", field),
        filter=equals(field, f"{prefix}*"),
    ):
        found += [
            Header(
                str(row["dataAreaId"]).lower(),
                str(row["SalesOrderNumber"]),
                str(row[field]),
                str(row["SalesOrderStatus"]),
            )
            for row in page.rows
            if str(row[field]).startswith(prefix)
        ]
    return [header for header in found if header.legal_entity in flow.legal_entities]


async def _done(flow: OrderFlow) -> tuple[set[tuple[str, str]], list[str]]:
    """The orders the connector has placed, and their deals."""
    placed: set[tuple[str, str]] = set()
    deals: list[str] = []
    while True:
        async with flow.engine.store.read() as tx:
            page = await processes.finished(
                tx, flow.engine.connection_id, flow.name, after=deals[-1] if deals else "", limit=PAGE
            )
        deals += [one.subject for one in page]
        placed |= {
            (str(one.result.get("legal_entity")).lower(), str(one.result.get("number"))) for one in page
        }
        if len(page) < PAGE:
            return placed, deals


async def _look_at_the_gone(flow: OrderFlow, deals: Sequence[str]) -> None:
    """Deals of orders that HubSpot does not answer are looked at again by the next pass."""
    there = await flow.hubspot.read("deals", deals, properties=())
    gone = [deal for deal in deals if deal not in there]
    engine, now = flow.engine, flow.engine.around.clock.now()
    for deal in gone:
        async with engine.store.write() as tx:
            process = await processes.find(tx, engine.connection_id, flow.name, deal, engine.vault)
            if process is not None and process.state == "done" and not process.cause:
                await processes.put(tx, engine.connection_id, replace(process, due_at=now), engine.vault)


async def _won(flow: OrderFlow) -> list[str]:
    """Deals won since the flow went live, and left alone for long enough to have been taken up."""
    before = flow.engine.around.clock.now() - timedelta(seconds=flow.quiet_s)
    only_won = replace(flow.won_deals, watch_known=False)
    found: dict[str, None] = {}
    async with aclosing(only_won.pages(None)) as pages:
        async for page in pages:
            found |= {one.subject: None for one in page.triggers if one.changed_at <= before}
    return list(found)


async def _known(flow: OrderFlow, deals: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(deals), PAGE):
        async with flow.engine.store.read() as tx:
            found |= await processes.known(
                tx, flow.engine.connection_id, flow.name, deals[start : start + PAGE]
            )
    return found


def _twice(flow: OrderFlow, headers: Sequence[Header]) -> Iterator[Finding]:
    by_reference: dict[str, list[Header]] = {}
    for header in headers:
        by_reference.setdefault(header.reference, []).append(header)
    for reference, found in by_reference.items():
        if len(found) > 1:
            named = tuple(f"{header.number} in {header.legal_entity}" for header in found)
            yield Finding(
                "order.reference_twice",
                deal_of(flow, reference) or reference,
                f"The reference {reference} stands on {len(found)} orders: {', '.join(named)}. Keep one in Dynamics "
                "and take the reference off the others.",
                tuple(header.number for header in found),
            )


def _stray(
    flow: OrderFlow, headers: Sequence[Header], placed: set[tuple[str, str]], known: set[str]
) -> Iterator[Finding]:
    for header in headers:
        deal = deal_of(flow, header.reference)
        if (header.legal_entity, header.number) not in placed and deal not in known:
            yield Finding(
                "order.stray",
                deal or header.reference,
                f"Order {header.number} in {header.legal_entity} carries the reference {header.reference}, and no deal "
                "is known for it.",
                (header.number,),
            )


async def _lines(flow: OrderFlow, headers: Sequence[Header]) -> dict[Header, list[int]]:
    """The positions of the lines of orders that nothing was delivered of yet, or that seem to have none."""
    found: dict[Header, list[int]] = {header: [] for header in headers if header.status in (NO_LINES, OPEN)}
    for legal_entity in sorted({header.legal_entity for header in found}):
        of = {header.number: header for header in found if header.legal_entity == legal_entity}
        rows = await flow.dynamics.rows_by(
            flow.settings.line_entity,
            "SalesOrderNumber",
            list(of),
            select=("dataAreaId", "SalesOrderNumber", POSITION),
            extra_filter=equals("dataAreaId", legal_entity),
        )
        for row in rows:
            found[of[str(row["SalesOrderNumber"])]].append(row[POSITION])
    return found


async def _without_lines(flow: OrderFlow, lines: Mapping[Header, Sequence[int]]) -> list[Finding]:
    found: list[Finding] = []
    for header, positions in lines.items():
        if not positions and not await _is_under_way(flow, header):
            message = (
                f"Order {header.number} in {header.legal_entity} ({header.reference}) has no lines, and nobody is "
                "about to add them."
            )
            deal = deal_of(flow, header.reference) or header.reference
            found.append(Finding("order.header_only", deal, message, (header.number,)))
    return found


def _lines_twice(flow: OrderFlow, lines: Mapping[Header, Sequence[int]]) -> Iterator[Finding]:
    """Lines sent once more by a process that slept for too long; lines that people add carry no position of ours."""
    for header, positions in lines.items():
        twice = sorted(position for position, count in Counter(positions).items() if position and count > 1)
        if twice:
            yield Finding(
                "order.line_twice",
                deal_of(flow, header.reference) or header.reference,
                f"Order {header.number} in {header.legal_entity} ({header.reference}) holds more than once the line "
                f"{', '.join(map(str, twice))}. Delete what is surplus in Dynamics.",
                (header.number,),
            )


async def _is_under_way(flow: OrderFlow, header: Header) -> bool:
    """Whether the order is being placed, or is parked on the way: the deal itself tells of it then."""
    async with flow.engine.store.read() as tx:
        process = await processes.find(
            tx, flow.engine.connection_id, flow.name, deal_of(flow, header.reference), flow.engine.vault
        )
    return process is not None and process.state in ("waiting", "running", "parked")


def _missed(deal: str) -> Finding:
    return Finding("order.missed", deal, f"deals/{deal} was won, and the connector has never taken it up.")


async def _store(flow: OrderFlow, findings: Sequence[Finding]) -> None:
    """Park what was found, unless the deal is parked for a reason of its own; resolve what is mended."""
    cid, engine = flow.engine.connection_id, flow.engine
    async with engine.store.write() as tx:
        before = await _by_sweep(tx, cid, flow.name)
        open_rows = await parked.open_for(tx, cid, flow.name, [found.deal for found in findings])
        mended = set(before) - {found.deal for found in findings}
        await parked.resolve(tx, cid, flow.name, sorted(mended), "mended")
        rows = [
            _row(flow, found) for found in findings if found.deal not in open_rows or found.deal in before
        ]
        first = {row.key: row for row in reversed(rows)}  # of what is found of one deal, the gravest
        await parked.park(tx, cid, list(first.values()))
        at = {"at": engine.around.clock.now().isoformat(), "findings": len(findings)}
        await progress.save(tx, cid, Progress(flow=KEPT, run_id="", details=at))


async def _by_sweep(tx: Tx, connection_id: int, flow: str) -> dict[str, ParkedRecord]:
    found: dict[str, ParkedRecord] = {}
    after: int | None = None
    while True:
        rows = await parked.list(tx, connection_id, flow=flow, limit=PAGE, after=after)
        found |= {row.key: row for row in rows if row.detail.get("found_by") == FOUND_BY["found_by"]}
        if len(rows) < PAGE:
            return found
        after = rows[-1].parked_id


def _row(flow: OrderFlow, found: Finding) -> ParkedRecord:
    cause = cause_of(found.cause)
    return ParkedRecord(
        parked_id=0,
        flow=flow.name,
        key=found.deal,
        cause=found.cause,
        message=found.message,
        turn=cause.turn.value,
        next_action=cause.next_action,
        detail={**FOUND_BY, "orders": list(found.orders)},
    )
