"""What the next pass over orders would do with each deal, as plain data. Nothing is written anywhere."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.app.deal_work import told
from ml_connector.app.flows import order_flow
from ml_connector.engine.process import LATER
from ml_connector.errors import RecordError, SubjectLeftError
from ml_connector.flows.orders.checks.readiness import check_deal
from ml_connector.flows.orders.draft.choices import Choices, choices_of
from ml_connector.flows.orders.draft.release import asks_for_a_person
from ml_connector.store import processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.app.workplace import Workplace
    from ml_connector.flows.orders.checks.readiness import Readiness
    from ml_connector.flows.orders.flow import OrderFlow
    from ml_connector.flows.orders.placing.refusals import Refusal
    from ml_connector.store.processes import Process

WHAT = ("place", "ask", "park", "wait", "decide", "leave", "done")
OPEN = 10_000  # processes that are not done


async def plan_orders(place: Workplace, limit: int) -> dict[str, Any]:
    """Won deals and deals that wait: what would be placed, would ask, would park with its cause, waits.

    Args:
        place: Where.
        limit: Tell of so many deals; the counts are of all.
    """
    flow = await order_flow(place, looking=True)
    counts: Counter[str] = Counter()
    shown: list[dict[str, Any]] = []
    known = await _known(flow)
    changed = await _won(flow)
    refusals = await flow.refusals.read()
    for deal in dict.fromkeys([*known, *changed]):
        line = await _line(flow, deal, known.get(deal), changed.get(deal), refusals)
        if line is None:
            continue
        counts[line["what"]] += 1
        if line["what"] != "done" and len(shown) < limit:
            shown.append(line)
    return {"counts": {what: counts[what] for what in WHAT}, "deals": shown}


async def _known(flow: OrderFlow) -> dict[str, Process]:
    """Every deal with a process that is not over, by id, as the store has it."""
    async with flow.engine.store.read() as tx:
        rows = await processes.list(
            tx,
            flow.engine.connection_id,
            flow.name,
            ["waiting", "running", "parked"],
            OPEN,
            flow.engine.vault,
        )
    return {row.subject: row for row in rows}


async def _won(flow: OrderFlow) -> dict[str, datetime]:
    """Won deals since the flow went live, with the time of their last change."""
    only_won = replace(flow.won_deals, watch_left=False)
    found: dict[str, datetime] = {}
    async with aclosing(only_won.pages(None)) as pages:
        async for page in pages:
            found |= {one.subject: one.changed_at for one in page.triggers}
    return found


async def _line(
    flow: OrderFlow,
    deal: str,
    process: Process | None,
    changed_at: datetime | None,
    refusals: Sequence[Refusal],
) -> dict[str, Any] | None:
    """What would become of one deal; None when nothing would, and nothing has."""
    if process is None:
        async with flow.engine.store.read() as tx:
            process = await processes.find(tx, flow.engine.connection_id, flow.name, deal, flow.engine.vault)
    if process is not None and process.state == "ignored":
        return None
    if process is not None and process.state == "done":
        return _told("decide" if LATER in process.result else "done", deal, process.message)
    if process is not None and process.step in ("place", "write back") and process.state != "parked":
        return _told("place", deal, process.message or "It is being placed.")
    try:
        await flow.gather(deal)
    except SubjectLeftError as error:
        return _told("leave", deal, error.message)
    except RecordError:
        pass  # told below, with its cause
    return await _foreseen(flow, deal, process, changed_at, refusals)


async def _foreseen(
    flow: OrderFlow,
    deal: str,
    process: Process | None,
    changed_at: datetime | None,
    refusals: Sequence[Refusal],
) -> dict[str, Any]:
    """What would become of a won deal whose order does not stand."""
    seen = await check_deal(flow, deal, choices_of(process.result) if process else Choices(), refusals)
    if (process is None or process.step == "quiet") and changed_at is not None:
        quiet = changed_at + timedelta(seconds=flow.quiet_s)
        if quiet > flow.engine.around.clock.now():
            return _told("wait", deal, f"It is left alone until {quiet.isoformat(timespec='seconds')}.", seen)
    if seen.draft is None:
        return _told("park", deal, seen.words, seen)
    revision = process.revision if process else 1
    asks = await asks_for_a_person(flow.hubspot, seen.draft, settings=flow.settings, revision=revision)
    approved = process is not None and process.release == "approved"
    warning = seen.words if seen.error is not None else ""  # foreseen, and tried all the same
    if (flow.release == "automatic" and not asks) or approved:
        return _told("place", deal, warning, seen)
    return _told("ask", deal, " ".join(filter(None, (asks or "It waits for approval.", warning))), seen)


def _told(what: str, deal: str, message: str, seen: Readiness | None = None) -> dict[str, Any]:
    found = told(seen) if seen is not None else {"name": "", "stopped": None, "draft": None}
    draft = seen.draft if seen is not None else None
    return {
        "deal": deal,
        "name": found["name"],
        "what": what,
        "message": message,
        "stopped": found["stopped"] if draft is None else None,
        "legal_entity": draft.legal_entity if draft else "",
        "customer": draft.customer_name if draft else "",
        "total": str(draft.total) if draft else "",
        "currency": draft.currency if draft else "",
    }
