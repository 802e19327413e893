"""What people and programs ask: how do we stand, where is this record, what is stuck, what ran. Reads only.

Every answer is a plain dict, ready to be printed or written as JSON; times are aware datetimes in UTC.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.app.asking import who_serves
from ml_connector.app.flow_switch import FLOW_NAMES, known_flow
from ml_connector.app.scheduling import list_schedules
from ml_connector.domain.causes import cause_of
from ml_connector.domain.keys import RecordName
from ml_connector.errors import ConfigurationError
from ml_connector.store import audit, connections, flows, links, parked, processes, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.scheduling import Scheduled
    from ml_connector.app.workplace import Workplace
    from ml_connector.store.audit import AuditRow
    from ml_connector.store.database import Tx
    from ml_connector.store.flows import FlowRow
    from ml_connector.store.links import Link
    from ml_connector.store.parked import ParkedRecord
    from ml_connector.store.processes import Process
    from ml_connector.store.runs import Run

ORDERS = "orders"
DEALS = "deals"  # what people call the records of the flow orders
SIDES = ("dynamics", "hubspot")
TITLES = {"dynamics": "Dynamics", "hubspot": "HubSpot"}
RECENT_RUNS = 200  # the last run of a flow is looked for among these
RECENT_DEALS = 1000  # an order number is looked for among these


async def status(place: Workplace) -> dict[str, Any]:
    """The verdict, the two sides, the flows, and how many records and deals wait for whom."""
    cid = place.connection.connection_id
    planned = {row.flow: row for row in await list_schedules(place)}
    served_by = await who_serves(place)
    async with place.store.read() as tx:
        sides = [await _side(tx, cid, name) for name in SIDES]
        recent = await runs.list(tx, cid, limit=RECENT_RUNS)
        stuck = await parked.counts(tx, cid)
        rows = [
            _flow(
                await flows.get(tx, cid, name),
                links_count=await links.count(tx, cid, name),
                parked_count=stuck.get(name, 0),
                last=next((run for run in recent if run.flow == name), None),
                success=next((run for run in recent if run.flow == name and run.state == "done"), None),
                planned=planned[name] if served_by else None,
            )
            for name in FLOW_NAMES
        ]
        waiting = await processes.list(tx, cid, ORDERS, ["waiting", "running"], RECENT_DEALS, place.vault)
    asked = sum(process.step == "release" for process in waiting)
    return {
        "verdict": _verdict(sides, rows, asked),
        "connection": place.connection.name,
        "served_by": served_by,
        "sides": sides,
        "flows": rows,
        "deals": {"waiting": len(waiting), "for_approval": asked},
        "parked": sum(stuck.values()),
    }


async def _side(tx: Tx, connection_id: int, name: str) -> dict[str, Any]:
    row = await connections.side(tx, connection_id, name)
    return {
        "side": name,
        "connected": row is not None,
        "identity": row.identity if row else "",
        "url": str(row.settings.get("url", "")) if row else "",
        "verified_at": row.verified_at if row else None,
    }


def _flow(  # what is known of one flow, gathered
    row: FlowRow,
    *,
    links_count: int,
    parked_count: int,
    last: Run | None,
    success: Run | None,
    planned: Scheduled | None,
) -> dict[str, Any]:
    return {
        "flow": row.flow,
        "state": row.state,
        "reason": row.paused_reason,
        "go_live_at": row.go_live_at,
        "loaded": row.loaded,
        "links": links_count,
        "parked": parked_count,
        "last_run": _run(last) if last else None,
        "last_success_at": success.ended_at if success else None,
        "next_at": planned.next_at if planned else None,
        "paused_until": planned.paused_until if planned else None,
    }


def _verdict(sides: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], asked: int) -> str:
    """One sentence: the most pressing thing first."""
    missing = [TITLES[side["side"]] for side in sides if not side["connected"]]
    if missing:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not connected yet."
    failed = [row["flow"] for row in rows if row["last_run"] and row["last_run"]["state"] == "failed"]
    if failed:
        return f"The last run of {' and '.join(failed)} failed."
    held = [row["flow"] for row in rows if row["last_run"] and row["last_run"]["state"] == "stopped"]
    if held:
        return (
            f"The last run of {' and '.join(held)} was stopped before it wrote anything: a person must look."
        )
    stuck = sum(row["parked"] for row in rows)
    if stuck or asked:
        return f"Both systems are connected; {_count(stuck, 'record')} {_verb(stuck)} someone, {_approvals(asked)}."
    on = [row["flow"] for row in rows if row["state"] != "off"]
    if not on:
        return "Both systems are connected; no flow is on."
    return f"Both systems are connected; nothing needs anybody in {', '.join(on)}."


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _verb(number: int) -> str:
    return "needs" if number == 1 else "need"


def _approvals(asked: int) -> str:
    return f"{_count(asked, 'deal')} {'waits' if asked == 1 else 'wait'} for approval"


async def known_records(place: Workplace) -> dict[str, int]:
    """How many records each flow has linked so far: what a pass can be expected to read."""
    async with place.store.read() as tx:
        return {name: await links.count(tx, place.connection.connection_id, name) for name in FLOW_NAMES}


# --- records ---------------------------------------------------------------------------------------------------


async def find_records(place: Workplace, text: str) -> list[dict[str, Any]]:
    """Records by external key or its beginning, number in any legal entity, HubSpot id, deal id or sales order."""
    cid, wanted = place.connection.connection_id, text.strip()
    if "/" in wanted:
        wanted = RecordName.parse(wanted).key
    async with place.store.read() as tx:
        entities = [row.legal_entity.lower() for row in await connections.legal_entities(tx, cid)]
        spellings = [wanted, *(f"{entity}:{wanted}" for entity in entities)] if wanted else []
        found = [link for spelling in spellings for link in await links.search(tx, cid, spelling)]
        stuck = [
            row for name in FLOW_NAMES for row in (await parked.open_for(tx, cid, name, spellings)).values()
        ]
        deals = await _deals(place, tx, wanted) if wanted else []
    rows: dict[str, dict[str, Any]] = {}
    for link in found:
        rows[_name(link.flow, link.key)] = {
            "object_type": link.object_type, "target_id": link.target_id, "state": "linked", "message": ""
        }  # fmt: skip
    for process in deals:
        rows[_name(ORDERS, process.subject)] = {
            "object_type": DEALS, "target_id": process.subject, "state": process.state, "message": process.message
        }  # fmt: skip
    for row in stuck:
        known = rows.get(_name(row.flow, row.key), {"object_type": "", "target_id": ""})
        rows[_name(row.flow, row.key)] = {**known, "state": "parked", "message": row.message}
    return [{"record": name, **row} for name, row in rows.items()]


async def _deals(place: Workplace, tx: Tx, text: str) -> list[Process]:
    """The deal of this id, else those whose sales order carries this number."""
    cid = place.connection.connection_id
    process = await processes.find(tx, cid, ORDERS, text, place.vault)
    if process is not None:
        return [process]
    recent = await processes.list(tx, cid, ORDERS, None, RECENT_DEALS, place.vault)
    return [row for row in recent if row.result.get("number") == text]


async def show_record(place: Workplace, name: RecordName) -> dict[str, Any]:
    """One record: its link, what stopped it, where its process stands, and everything that happened to it.

    Raises:
        ConfigurationError: nothing is known of it.
    """
    cid = place.connection.connection_id
    flow = ORDERS if name.flow == DEALS else known_flow(name.flow)
    async with place.store.read() as tx:
        link = (await links.many(tx, cid, flow, [name.key])).get(name.key)
        stuck = (await parked.open_for(tx, cid, flow, [name.key])).get(name.key)
        process = await processes.find(tx, cid, flow, name.key, place.vault) if flow == ORDERS else None
        story = await audit.story(tx, cid, flow, name.key)
    if link is None and stuck is None and process is None and not story:
        raise ConfigurationError(
            f"Nothing is known of {_name(flow, name.key)}.",
            code="usage.unknown_record",
            hint=f"Run: ml-connector records find {name.key.partition(':')[2] or name.key}",
        )
    return {
        "record": _name(flow, name.key),
        "flow": flow,
        "link": _link(link) if link else None,
        "parked": _parked(stuck) if stuck else None,
        "process": _process(process) if process else None,
        "timeline": [_event(row) for row in story],
    }


def _name(flow: str, key: str) -> str:
    """The record as people and scripts write it."""
    return str(RecordName(DEALS if flow == ORDERS else flow, key))


def _link(link: Link) -> dict[str, Any]:
    return {
        "object_type": link.object_type,
        "target_id": link.target_id,
        "state": link.state,
        "mapping_version": link.mapping_version,
        "written": orjson.loads(link.written),
    }


def _process(process: Process) -> dict[str, Any]:
    return {
        "state": process.state,
        "step": process.step,
        "release": process.release,
        "due_at": process.due_at,
        "message": process.message,
        "cause": process.cause,
        "number": process.result.get("number"),
        "approved_by": process.approved_by,
        "updated_at": process.updated_at,
    }


_EVENT_FIELDS = ("changed", "notes", "call", "status", "correlation_id", "by", "message")


def _event(row: AuditRow) -> dict[str, Any]:
    """One audit entry, the fields every reader wants first, the rest under ``detail``."""
    payload: dict[str, Any] = orjson.loads(row.payload)
    status = payload.get("status")
    if not isinstance(status, int):  # what was told on a deal has a status too, in words
        status = None
    changed = payload.get("changed") or {}
    return {
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "changed": [
            {"property": name, "before": before, "after": after} for name, (before, after) in changed.items()
        ],
        "notes": payload.get("notes") or [],
        "call": payload.get("call"),
        "status": status,
        "correlation_id": payload.get("correlation_id"),
        "message": payload.get("message") or payload.get("error") or payload.get("reason") or "",
        "by": payload.get("by"),
        "run_id": row.run_id,
        "operation_id": row.operation_id,
        "mapping_version": row.mapping_version,
        "detail": {
            name: value
            for name, value in payload.items()
            if name not in _EVENT_FIELDS or (name == "status" and status is None and value)
        },
    }


# --- errors ----------------------------------------------------------------------------------------------------


async def list_errors(
    place: Workplace, *, flow: str | None = None, limit: int = 100, after: int | None = None
) -> list[dict[str, Any]]:
    """What is parked now, oldest number first; ``after`` is the last number of the page before."""
    name = known_flow(ORDERS if flow == DEALS else flow) if flow else None
    async with place.store.read() as tx:
        rows = await parked.list(tx, place.connection.connection_id, flow=name, limit=limit, after=after)
    return [_parked(row) for row in rows]


async def show_error(place: Workplace, parked_id: int) -> dict[str, Any]:
    """One parked record with the plain explanation of its cause and the raw answer.

    Raises:
        ConfigurationError: there is no such number.
    """
    async with place.store.read() as tx:
        row = await parked.get(tx, place.connection.connection_id, parked_id)
    if row is None:
        raise ConfigurationError(
            f"There is no error number {parked_id}.",
            code="usage.unknown_error",
            hint="Run: ml-connector errors list",
        )
    cause = cause_of(row.cause)
    return {
        **_parked(row),
        "explanation": cause.explanation,
        "in_hubspot": cause.in_hubspot,
        "in_dynamics": cause.in_dynamics,
        "retryable": cause.retryable,
        "docs": cause.docs,
        "detail": row.detail,
    }


def _parked(row: ParkedRecord) -> dict[str, Any]:
    return {
        "id": row.parked_id,
        "record": _name(row.flow, row.key),
        "flow": row.flow,
        "state": row.state,
        "cause": row.cause,
        "title": cause_of(row.cause).title,
        "message": row.message,
        "turn": row.turn,
        "next_action": row.next_action,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "times": row.times,
    }


# --- runs ------------------------------------------------------------------------------------------------------


async def list_runs(place: Workplace, *, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs first."""
    async with place.store.read() as tx:
        return [_run(run) for run in await runs.list(tx, place.connection.connection_id, limit=limit)]


async def show_run(place: Workplace, run_id: str, *, records: int = 100) -> dict[str, Any]:
    """One run and the first records it wrote or parked; the beginning of its id is enough when only one fits.

    Raises:
        ConfigurationError: no run, or more than one, fits.
    """
    cid = place.connection.connection_id
    async with place.store.read() as tx:
        run = await runs.get(tx, cid, run_id)
        if run is None:
            run = _only_one(run_id, await runs.list(tx, cid, limit=RECENT_RUNS))
        rows = await audit.of_run(tx, cid, run.run_id, limit=records + 1)
    return {
        **_run(run),
        "records": [
            {"record": _name(row.flow, row.key), "kind": row.kind, "at": row.at} for row in rows[:records]
        ],
        "more": len(rows) > records,
    }


def _only_one(beginning: str, recent: Sequence[Run]) -> Run:
    fitting = [run for run in recent if beginning and run.run_id.startswith(beginning)]
    if len(fitting) == 1:
        return fitting[0]
    what = f"{len(fitting)} runs begin with '{beginning}'" if fitting else f"There is no run '{beginning}'"
    raise ConfigurationError(f"{what}.", code="usage.unknown_run", hint="Run: ml-connector runs list")


def _run(run: Run) -> dict[str, Any]:
    return asdict(run)
