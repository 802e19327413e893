"""One process, step by step: wait for quiet, prepare a draft, wait for release, place it exactly once, report back.

The steps' meaning belongs to the flow; their order, their record and what happens when one cannot go on stand here.
A process is a row in our tables: whoever calls ``advance`` goes on from what is stored, after any crash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.domain.causes import Turn, cause_of
from ml_connector.engine.once import NotYet
from ml_connector.errors import ConnectorError, RecordError, RetryableError
from ml_connector.store import audit, leases, operations, parked, processes
from ml_connector.store.audit import Entry
from ml_connector.store.parked import Parking
from ml_connector.store.processes import Process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.store.database import Tx
    from ml_connector.store.leases import Lease

RETRY_LATER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something that wants a process: its subject, when it happened, and when the subject last changed."""

    subject: str
    happened_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class TriggerPage:
    """Triggers as found, and how far the flow has read once all of them are stored."""

    triggers: Sequence[Trigger]
    watermark: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A complete draft: its bytes, and the hash of the snapshot it was made from."""

    draft: bytes
    snapshot: bytes
    snapshot_hash: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands in the other system now."""

    number: str
    detail: dict[str, Any]


class ProcessFlow(Protocol):
    """A flow that takes one trigger through ordered, individually recorded steps."""

    name: str
    noun: str  # what a subject is called in front of people: deals
    release: str  # approve or automatic
    quiet_s: float

    def triggers(self, watermark: str | None) -> AsyncIterator[TriggerPage]:
        """Subjects that may need a process, oldest change first; the overlap is the flow's business."""

    async def prepare(self, subject: str) -> Prepared:
        """Everything up to the complete draft; writes nothing anywhere.

        Raises:
            RecordError: the subject parks with this cause.
        """

    async def place(self, process: Process, lease: Lease) -> Placed | NotYet:
        """Write the draft, each remote write exactly once."""

    async def report(self, subject: str, *, status: str, message: str, number: str = "") -> None:
        """Tell the people who wait, on the subject itself. Safe to repeat."""


async def notice(flow: ProcessFlow, engine: Engine, tx: Tx, trigger: Trigger) -> Process:
    """The stored process of a trigger; a new one begins with its quiet period."""
    cid = engine.connection_id
    quiet_until = trigger.changed_at + timedelta(seconds=flow.quiet_s)
    known = await processes.find(tx, cid, flow.name, trigger.subject, engine.vault)
    if known is None:
        process = _begin(flow, engine, tx, trigger, quiet_until)
        await processes.put(tx, cid, process, engine.vault)
        await _note(flow, process, tx, cid, "noticed", {"happened_at": trigger.happened_at.isoformat()})
        return process
    if known.step == "quiet" and known.quiet_since != trigger.changed_at:
        known = replace(known, quiet_since=trigger.changed_at, due_at=quiet_until)
        await processes.put(tx, cid, known, engine.vault)
    return known


def _begin(flow: ProcessFlow, engine: Engine, tx: Tx, trigger: Trigger, due_at: datetime) -> Process:
    return Process(
        process_id=engine.around.new_id(),
        flow=flow.name,
        subject=trigger.subject,
        revision=1,
        state="waiting",
        step="quiet",
        release="none",
        due_at=due_at,
        first_seen_at=tx.now,
        quiet_since=trigger.changed_at,
        snapshot=None,
        snapshot_hash=None,
        draft=None,
        result={},
        message="Waiting until the deal has been left alone for a while.",
        cause="",
        approved_by="",
        updated_at=tx.now,
    )


def has_news(process: Process, trigger: Trigger) -> bool:
    """Whether a process that waits for people is worth another look: its subject moved since."""
    return process.state in ("waiting", "parked") and trigger.changed_at > process.updated_at


async def advance(flow: ProcessFlow, engine: Engine, process_id: str, *, lease_s: float = 300.0) -> Process:
    """Take one process as far as it can go now.

    Returns:
        The process as stored at the end: done, parked, or waiting with ``due_at`` and the reason.

    Raises:
        AccessError: nothing can go on until a person acts.
    """
    cid = engine.connection_id
    holder = engine.around.new_id()
    async with engine.store.write() as tx:
        process = await processes.get(tx, cid, process_id, engine.vault)
        lease = await leases.acquire(tx, cid, f"{flow.name}:{process.subject}", holder, lease_s)
    if lease is None or process.state in ("done", "ignored"):
        return process
    try:
        return await _steps(flow, engine, process, lease)
    finally:
        async with engine.store.write() as tx:
            await leases.release(tx, cid, lease)


async def _steps(flow: ProcessFlow, engine: Engine, process: Process, lease: Lease) -> Process:
    """The steps in order, from the one the process stands at."""
    try:
        if process.step == "quiet" and process.due_at is not None:
            if engine.around.clock.now() < process.due_at:
                return process
        if process.step in ("quiet", "draft", "release"):
            process = await _draft(flow, engine, process)
            if process.step == "release":
                return process
        if process.step == "place":
            process = await _place(flow, engine, process, lease)
        if process.step == "write back":
            process = await _write_back(flow, engine, process)
    except RecordError as error:
        process = await park(flow, engine, process, error)
    except RetryableError as error:
        process = await _wait(flow, engine, process, engine.around.clock.now() + RETRY_LATER, error.message)
    return process


async def _draft(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Prepare the draft and see whether it may be placed."""
    prepared = await flow.prepare(process.subject)
    same = process.snapshot_hash == prepared.snapshot_hash
    approved = process.release == "approved" and same
    free = flow.release == "automatic" or approved
    if process.step == "release" and not free and same and process.draft is not None:
        return process
    release = process.release if approved else ("automatic" if free else "asked")
    process = replace(
        process,
        state="running" if free else "waiting",
        step="place" if free else "release",
        release=release,
        due_at=None,
        snapshot=prepared.snapshot,
        snapshot_hash=prepared.snapshot_hash,
        draft=prepared.draft if not (approved and process.draft) else process.draft,
        message="" if free else "Waiting for approval.",
        cause="",
    )
    process = await _store(flow, engine, process, "drafted", {"release": release}, resolve="went on")
    return process if free else await tell(flow, engine, process, "Awaiting approval", "")


async def _place(flow: ProcessFlow, engine: Engine, process: Process, lease: Lease) -> Process:
    """Write the stored draft to the other system."""
    placed = await flow.place(process, lease)
    if isinstance(placed, NotYet):
        return await _wait(flow, engine, process, placed.until, placed.reason)
    process = replace(
        process,
        state="running",
        step="write back",
        due_at=None,
        message="",
        cause="",
        result={**process.result, "number": placed.number, **placed.detail},
    )
    return await _store(flow, engine, process, "placed", process.result, resolve="placed")


async def _write_back(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Tell the subject; a failure here never touches what was placed."""
    await flow.report(process.subject, status="Open", message="", number=str(process.result["number"]))
    process = replace(process, state="done", step="done", due_at=None, message="")
    return await _store(flow, engine, process, "done", {"number": process.result["number"]}, resolve="done")


async def _wait(flow: ProcessFlow, engine: Engine, process: Process, until: datetime, reason: str) -> Process:
    """Go on at ``until``; nothing is lost by stopping here."""
    process = replace(process, state="waiting", due_at=until, message=reason)
    return await _store(flow, engine, process, "waiting", {"until": until.isoformat(), "reason": reason})


async def park(flow: ProcessFlow, engine: Engine, process: Process, error: RecordError) -> Process:
    """Stop this process with its cause, visibly, here and on the subject."""
    cause = cause_of(error.code)
    process = replace(process, state="parked", due_at=None, message=error.message, cause=error.code)
    row = Parking(
        flow=flow.name,
        key=process.subject,
        cause=error.code,
        message=error.message,
        turn=cause.turn.value,
        next_action=error.hint or cause.next_action,
        detail={"step": process.step, **error.context},
        source_digest=process.snapshot_hash or b"",
        run_id=None,
    )
    async with engine.store.write() as tx:
        await parked.park(tx, engine.connection_id, [row])
        await _put(flow, engine, process, tx, "parked", {"cause": error.code, "message": error.message})
    turn = "IT" if cause.turn is Turn.IT else cause.turn.value
    return await tell(flow, engine, process, f"Waiting for {turn}", error.message)


async def tell(flow: ProcessFlow, engine: Engine, process: Process, status: str, message: str) -> Process:
    """Report while a process waits, once for each change of words, and never as a reason to fail."""
    reported = [status, message]
    if process.result.get("reported") == reported:
        return process
    try:
        await flow.report(process.subject, status=status, message=message)
    except (RecordError, RetryableError):
        return process  # the command line and the desk show the cause; the next advance reports again
    process = replace(process, result={**process.result, "reported": reported})
    async with engine.store.write() as tx:
        await processes.put(tx, engine.connection_id, replace(process, updated_at=tx.now), engine.vault)
    return process


async def _store(
    flow: ProcessFlow,
    engine: Engine,
    process: Process,
    kind: str,
    payload: dict[str, Any],
    *,
    resolve: str = "",
) -> Process:
    """Store where the process stands, with its audit entry; a parked row of it is resolved when it went on."""
    async with engine.store.write() as tx:
        await _put(flow, engine, process, tx, kind, payload)
        if resolve:
            await parked.resolve(tx, engine.connection_id, flow.name, [process.subject], resolve)
    return process


async def _put(
    flow: ProcessFlow, engine: Engine, process: Process, tx: Tx, kind: str, payload: dict[str, Any]
) -> None:
    await processes.put(tx, engine.connection_id, replace(process, updated_at=tx.now), engine.vault)
    await _note(flow, process, tx, engine.connection_id, kind, {"by": engine.started_by, **payload})


async def _note(
    flow: ProcessFlow, process: Process, tx: Tx, connection_id: int, kind: str, payload: dict[str, Any]
) -> None:
    entry = Entry(
        kind=kind,
        flow=flow.name,
        key=process.subject,
        run_id=None,
        operation_id=process.process_id,
        payload={"step": process.step, **payload},
    )
    await audit.append(tx, connection_id, [entry])


async def approve(flow: ProcessFlow, engine: Engine, process: Process, by: str) -> Process:
    """Release a waiting draft; the next ``advance`` places it if the deal still says the same."""
    if process.step != "release":
        raise ConnectorError(_not_waiting(flow, process), code="deals.not_waiting")
    process = replace(process, release="approved", approved_by=by)
    return await _store(flow, engine, process, "approved", {"by": by})


def _not_waiting(flow: ProcessFlow, process: Process) -> str:
    """Why there is nothing to approve."""
    if process.state == "done":
        return f"{flow.noun}/{process.subject} has its order already: {process.result.get('number')}."
    if process.state == "parked":
        return f"{flow.noun}/{process.subject} is parked, not waiting for approval: {process.message}"
    return f"{flow.noun}/{process.subject} is not waiting for approval; it stands at '{process.step}'."


async def reopen(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Let a parked process try again: from the beginning, unless something of it stands in the other system."""
    async with engine.store.read() as tx:
        writes = await operations.of_process(tx, engine.connection_id, process.process_id, engine.vault)
    stands = any(write.state != "refused" for write in writes)
    step = process.step if stands or process.step == "write back" else "draft"
    process = replace(process, state="waiting", step=step, cause="", message="")
    return await _store(flow, engine, process, "replayed", {"from": step})


async def due(flow: ProcessFlow, engine: Engine, limit: int) -> Sequence[Process]:
    """Processes whose time has come."""
    async with engine.store.read() as tx:
        return await processes.due(
            tx, engine.connection_id, flow.name, engine.around.clock.now(), limit, engine.vault
        )
