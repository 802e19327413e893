"""What the next pass would do, as plain data: figures, verdict, calls and the first changes. Nothing is written.

The one thing stored is the version of a mapping file that was never read before, so that a plan can name it.
"""

from __future__ import annotations

from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.app.first_load import refuse_unmatched_portal
from ml_connector.app.fit.report import SMALLEST_LIMIT
from ml_connector.app.flow_switch import FLOW_NAMES, flows_on, known_flow
from ml_connector.app.flows import breaker_limits, record_flow
from ml_connector.app.plan_file import writing
from ml_connector.app.plan_orders import plan_orders
from ml_connector.app.properties import require_properties
from ml_connector.domain.causes import cause_of
from ml_connector.domain.keys import RecordName
from ml_connector.domain.records import Counters, Result
from ml_connector.engine.changes import keyed_pages
from ml_connector.engine.foresight import Foreseen
from ml_connector.engine.plan import Plan
from ml_connector.errors import ConfigurationError
from ml_connector.store import connections

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from ml_connector.app.plan_file import PlanWriter
    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.records import Page
    from ml_connector.engine.judging import Stopped
    from ml_connector.engine.ports import RecordFlow

ORDERS = "orders"
ABOUT_ORDERS = "Of orders: deals show has the draft of a deal that was seen, deals check that of any deal."
OTHER_LEGAL_ENTITY = "another legal entity"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to plan: everything a flow reads, or these keys, or one legal entity; how many lines to tell of."""

    keys: Sequence[str] = ()
    legal_entity: str = ""
    limit: int = 20
    out: Path | None = None
    force: bool = False

    @property
    def whole(self) -> bool:
        """Whether everything is planned."""
        return not self.keys and not self.legal_entity


async def plan(
    place: Workplace,
    names: Sequence[str],
    wanted: Wanted,
    *,
    on_progress: Callable[[str, Counters], None] | None = None,
) -> dict[str, Any]:
    """Plan these flows; those that are on when none is named, every record flow when none is on.

    Raises:
        ConfigurationError: words that do not go together, or a file that cannot be written.
        AccessError, RetryableError: a side does not let us read.
    """
    chosen = await _chosen(place, names)
    _refuse_mixture(chosen, wanted)
    entities = await _legal_entities(place)
    if wanted.legal_entity and wanted.legal_entity.lower() not in entities:
        raise ConfigurationError(
            f"The legal entity '{wanted.legal_entity}' is not connected; these are: {', '.join(sorted(entities))}.",
            code="usage.legal_entity",
        )
    await require_properties(place, chosen)
    found: dict[str, Any] = {}
    for name in chosen:
        watch = (lambda counters, of=name: on_progress(of, counters)) if on_progress is not None else None
        with writing(wanted.out, force=wanted.force) if wanted.out else nullcontext() as writer:
            found[name] = await _plan(place, name, wanted, entities, writer, watch)
    orders = await plan_orders(place, wanted.limit) if ORDERS in names else None
    return {
        "flows": found,
        "orders": orders,
        "file": str(wanted.out) if wanted.out else None,
        "notes": [ABOUT_ORDERS] if orders is not None else [],
    }


async def _chosen(place: Workplace, names: Sequence[str]) -> list[str]:
    named = {known_flow(name) for name in names} or set(await flows_on(place)) - {ORDERS} or set(FLOW_NAMES)
    return [name for name in FLOW_NAMES if name in named and name != ORDERS]


def _refuse_mixture(chosen: Sequence[str], wanted: Wanted) -> None:
    if (wanted.out or wanted.keys) and len(chosen) != 1:
        option = "--out" if wanted.out else "--key"
        raise ConfigurationError(
            f"{option} goes with exactly one record flow.",
            code="usage.plan",
            hint=f"Run: ml-connector plan {chosen[0] if chosen else 'customers'} {option} ...",
        )


async def _legal_entities(place: Workplace) -> set[str]:
    async with place.store.read() as tx:
        rows = await connections.legal_entities(tx, place.connection.connection_id)
    return {row.legal_entity.lower() for row in rows}


async def _plan(  # noqa: PLR0917 - one flow's plan
    place: Workplace,
    name: str,
    wanted: Wanted,
    entities: Collection[str],
    writer: PlanWriter | None,
    watch: Callable[[Counters], None] | None,
) -> dict[str, Any]:
    flow = await record_flow(place, name)
    others = (
        {f"{one}:" for one in entities if one != wanted.legal_entity.lower()}
        if wanted.legal_entity
        else set()
    )
    only = _only(flow, tuple(others))
    pages = keyed_pages(flow, wanted.keys) if wanted.keys else flow.source.pages(None)
    counters = Counters()
    made = Plan(only, place.engine, breaker_limits(place), counters, whole=wanted.whole, watch=watch)
    before, began = place.traffic(), place.around.clock.now()
    changes: list[Foreseen] = []
    parks: list[Stopped] = []
    async with aclosing(made.lines(_without(pages, tuple(others), made))) as portions:
        async for lines in portions:
            if writer is not None:
                writer.add(lines)
            for line in lines:
                kept: list[Any] = changes if isinstance(line, Foreseen) else parks
                if len(kept) < wanted.limit:
                    kept.append(line)
    read = place.traffic().since(before).requests.get("dynamics", 0)
    figures = _figures(place, made, read, keys=len(wanted.keys)) | {"refused": await _refused(place, name)}
    if writer is not None:
        writer.finish(place, await _header(place, flow, began, figures))
    return figures | {
        "changes": [_change(name, line) for line in changes],
        "parked": [_parked(name, line) for line in parks],
    }


async def _header(
    place: Workplace, flow: RecordFlow, began: datetime, figures: dict[str, Any]
) -> dict[str, Any]:
    """What the file of a plan says of itself."""
    return {
        "connection": place.connection.name,
        "sides": {side: (await place.side(side)).identity for side in ("dynamics", "hubspot")},
        "flow": flow.name,
        "mapping_version": flow.mapping_version,
        "created_at": began.isoformat(),
        "verdict": figures["verdict"],
        "figures": {key: figures[key] for key in ("counts", "filters", "causes", "calls", "minutes")},
    }


def _only(flow: RecordFlow, others: tuple[str, ...]) -> RecordFlow:
    """The flow without the records of these legal entities; what belongs to all of them stays."""
    if not others:
        return flow
    return replace(flow, covers=lambda key: flow.covers(key) and not key.startswith(others))


async def _without(
    pages: AsyncGenerator[Page, None], others: tuple[str, ...], made: Plan
) -> AsyncGenerator[Page, None]:
    """The pages without the records of these legal entities, which count as skipped."""
    async with aclosing(pages):
        async for page in pages:
            kept = [one for one in page.records if not others or not one.key.startswith(others)]
            if left_out := len(page.records) - len(kept):
                made.outlook.skipped[OTHER_LEGAL_ENTITY] += left_out
                made.counters.read += left_out
                made.counters.add(Result.SKIPPED, left_out)
            yield replace(page, records=kept)


async def _refused(place: Workplace, name: str) -> dict[str, str] | None:
    """Why a first load would be refused now."""
    try:
        await refuse_unmatched_portal(place, name)
    except ConfigurationError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return None


def _figures(place: Workplace, made: Plan, read: int, *, keys: int) -> dict[str, Any]:
    outlook, counters = made.outlook, made.counters
    told = place.budget.known_limit("hubspot")
    calls, window_s = told or SMALLEST_LIMIT
    needed = made.calls()
    return {
        "first_load": outlook.first_load,
        "whole": made.whole,
        "judged": outlook.judged,
        "verdict": outlook.verdict,
        "stopped": list(outlook.stopped),
        "under_way": outlook.under_way,
        "counts": {
            "read": counters.read,
            **{
                what: outlook.changes[what]
                for what in ("create", "adopt", "follow", "update", "restore", "mark")
            },
            "unchanged": counters.unchanged,
            "held": counters.held,
            "waiting": counters.waiting + outlook.changes["wait"],
            "park": outlook.causes.total(),
            "parked": outlook.still_parked,
            "skipped": counters.skipped,
        },
        "written": outlook.written,
        "filters": dict(outlook.skipped),
        "marks": dict(outlook.marks),
        "causes": dict(outlook.causes),
        "absent": outlook.absent,
        "not_found": max(0, keys - counters.read),
        "names_replaced": outlook.names_replaced,
        "calls": {"dynamics": read, "hubspot": needed},
        "minutes": round(needed * window_s / calls / 60, 1),
        "hubspot_limit": {"calls": calls, "seconds": window_s, "known": told is not None},
    }


def _change(flow: str, line: Foreseen) -> dict[str, Any]:
    return {
        "record": str(RecordName(flow, line.change.key)),
        "what": line.what,
        "target_id": line.target_id,
        "changed": [
            {"property": name, "before": before, "after": after}
            for name, (before, after) in line.changed.items()
        ],
        "notes": list(line.change.record.notes),
    }


def _parked(flow: str, line: Stopped) -> dict[str, Any]:
    cause = cause_of(line.error.code)
    return {
        "record": str(RecordName(flow, line.key)),
        "cause": line.error.code,
        "title": cause.title,
        "message": line.error.message,
        "turn": cause.turn.value,
        "next_action": line.error.hint or cause.next_action,
    }
