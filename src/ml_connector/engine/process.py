"""What a process flow is, and how its processes begin, are released, replayed and found.

A process takes one trigger through ordered, individually recorded steps. It is a row in our tables: whoever
advances it goes on from what is stored, after any crash. How it advances stands in ``advance.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.store import audit, parked, processes
from ml_connector.store.audit import Entry
from ml_connector.store.processes import Process

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.once import NotYet
    from ml_connector.store.database import Tx
    from ml_connector.store.leases import Lease


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
    """A complete draft, the snapshot it was made from, and when a part of the subject last changed.

    ``asks`` says why this draft waits for a person even where the flow releases by itself.
    """

    draft: bytes
    snapshot: bytes
    snapshot_hash: bytes
    parts_changed_at: datetime | None = None
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands in the other system now."""

    number: str
    detail: dict[str, Any]


class ProcessFlow(Protocol):
    """A flow of processes."""

    @property
    def name(self) -> str:
        """The flow's name: orders."""

    @property
    def noun(self) -> str:
        """What a subject is called in front of people: deals."""

    @property
    def release(self) -> str:
        """``approve``: a draft waits for a person; ``automatic``: it is placed."""

    @property
    def quiet_s(self) -> float:
        """How long a subject must have been left alone."""

    def triggers(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Subjects that may need a process, oldest change first; the overlap is the flow's business."""

    async def prepare(self, process: Process) -> Prepared:
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
        if await processes.begin(tx, cid, process, engine.vault):
            noticed = {"happened_at": trigger.happened_at.isoformat()}
            await note(flow, process, tx, cid, kind="noticed", payload=noticed)
            return process
        return await processes.find(tx, cid, flow.name, trigger.subject, engine.vault) or process
    if known.state == "waiting" and known.step == "quiet" and known.quiet_since != trigger.changed_at:
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


def has_news(flow: ProcessFlow, process: Process, trigger: Trigger, now: datetime) -> bool:
    """Whether a process that waits for people is worth another look: its subject moved, or was not told why.

    A subject that is still being edited gets its quiet period first.
    """
    quiet = trigger.changed_at + timedelta(seconds=flow.quiet_s) <= now
    moved = quiet and trigger.changed_at > (process.updated_at or process.first_seen_at)
    untold = process.state == "parked" and process.result.get("reported") == []
    return process.state in ("waiting", "parked") and (moved or untold)


def is_due(process: Process, now: datetime) -> bool:
    """Running processes were left by a crash; waiting ones have their time."""
    if process.state == "running":
        return True
    return process.state == "waiting" and process.due_at is not None and process.due_at <= now


async def due(flow: ProcessFlow, engine: Engine, limit: int) -> Sequence[Process]:
    """Processes whose time has come."""
    now = engine.around.clock.now()
    async with engine.store.read() as tx:
        return await processes.due(tx, engine.connection_id, flow.name, now, limit, engine.vault)


async def put(
    flow: ProcessFlow,
    engine: Engine,
    tx: Tx,
    process: Process,
    *,
    kind: str,
    payload: dict[str, Any],
    resolve: str = "",
) -> None:
    """Store where a process stands, with its audit entry; its parked row is resolved when it went on."""
    cid = engine.connection_id
    await processes.put(tx, cid, replace(process, updated_at=tx.now), engine.vault)
    await note(flow, process, tx, cid, kind=kind, payload={"by": engine.started_by, **payload})
    if resolve:
        await parked.resolve(tx, cid, flow.name, [process.subject], resolve)


async def note(
    flow: ProcessFlow, process: Process, tx: Tx, connection_id: int, *, kind: str, payload: dict[str, Any]
) -> None:
    """One audit entry in the subject's story."""
    entry = Entry(
        kind=kind,
        flow=flow.name,
        key=process.subject,
        run_id=None,
        operation_id=process.process_id,
        payload={"step": process.step, **payload},
    )
    await audit.append(tx, connection_id, [entry])
