"""What a process flow is, and how its processes begin, are noticed again and stored.

A process takes one trigger through ordered, individually recorded steps. It is a row in our tables: whoever
advances it goes on from what is stored, after any crash. How it advances stands in ``advance.py``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
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

LATER = "later"  # in a process's result: what has become of its subject since, until a person has decided
SETTLED = "settled"  # the same, once decided: it is not raised again
HANDLED = "handled"  # who handled the subject outside: it begins nothing by itself any more


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something that wants a process: its subject, when it happened, and when the subject last changed.

    ``holds`` is False for a subject that no longer wants one, ``begins`` for one that may not begin one by itself but
    may have one; ``former`` are subjects that were merged into it. Both times are the other system's own.
    """

    subject: str
    happened_at: datetime
    changed_at: datetime
    holds: bool = True
    begins: bool = True
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TriggerPage:
    """Triggers as found, and how far the flow has read once all of them are stored."""

    triggers: Sequence[Trigger]
    watermark: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow, by its name, with what came in and what came out, in words."""

    name: str
    took: str
    gave: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A complete draft, the snapshot it was made from, and when a part of the subject last changed.

    ``asks`` says why a person must release it even where nobody is asked otherwise; empty: nothing speaks for that.
    """

    draft: bytes
    snapshot: bytes
    snapshot_hash: bytes
    parts_changed_at: datetime | None = None
    asks: str = ""
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands in the other system now."""

    number: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Later:
    """What has become of a subject after its process was done: a cause, a sentence, and what else tells it apart."""

    cause: str
    message: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_kept(self) -> dict[str, Any]:
        """As it is kept in the result of a process."""
        return asdict(self)


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

    @property
    def at_once(self) -> int:
        """So many subjects are worked on at once."""

    @property
    def most_in_an_hour(self) -> int:
        """So many are released in an hour before the rest waits for a person; 0: by what is usual."""

    def triggers(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Subjects that may need a process, oldest change first; the overlap is the flow's business."""

    async def trigger(self, subject: str) -> Trigger:
        """The trigger of one subject that a person names.

        Raises:
            RecordError: it wants no process.
        """

    async def told(self, subjects: Sequence[str]) -> TriggerPage:
        """The same as a page of ``triggers`` for these subjects alone; it moves no watermark."""

    async def fingerprint(self, subject: str) -> bytes:
        """The hash of a subject with all its parts as they are now: equal while nothing of it changes."""

    async def prepare(self, process: Process) -> Prepared:
        """Everything up to the complete draft; writes nothing anywhere.

        Raises:
            SubjectLeftError: the subject wants no process any more.
            RecordError: the subject parks with this cause.
        """

    async def place(self, process: Process, lease: Lease) -> Placed | NotYet:
        """Write the draft, each remote write exactly once."""

    async def look_again(self, process: Process) -> Later | None:
        """What has become of the subject of a process that is done; None when it says what it said then."""

    async def report(self, subject: str, *, status: str | None, message: str, number: str = "") -> None:
        """Tell the people who wait, on the subject itself; a status of None is left as it is. Safe to repeat."""


async def notice(flow: ProcessFlow, engine: Engine, tx: Tx, trigger: Trigger) -> Process | None:
    """The stored process of a trigger; a new one begins with its quiet period.

    A known one is due again once its subject, which has moved, has been left alone. None: there is no process, and
    the subject wants none.
    """
    cid = engine.connection_id
    known = await processes.find(tx, cid, flow.name, trigger.subject, engine.vault)
    may_begin = trigger.holds and trigger.begins
    if known is None:
        return await _begin(flow, engine, tx, trigger) if may_begin else None
    if known.state == "ignored" and not may_begin:
        return None
    if known.quiet_since is not None and trigger.changed_at <= known.quiet_since:
        return known
    moved = _moved(flow, known, trigger)
    if moved is not known:
        await processes.put(tx, cid, moved, engine.vault)
    return moved


def quiet_until(flow: ProcessFlow, trigger: Trigger) -> datetime:
    """When the subject will have been left alone for long enough."""
    return trigger.changed_at + timedelta(seconds=flow.quiet_s)


def _moved(flow: ProcessFlow, known: Process, trigger: Trigger) -> Process:
    """A known process whose subject has changed since it was last seen."""
    seen = replace(known, quiet_since=trigger.changed_at, due_at=quiet_until(flow, trigger))
    if known.state == "ignored":
        if known.result.get(HANDLED):
            return known
        return replace(seen, state="waiting", step="quiet", release="none", message=LEFT_ALONE, cause="")
    if known.state == "waiting" and known.step == "quiet":
        return replace(seen, snapshot_hash=None)
    if known.state in ("parked", "done") or (known.state == "waiting" and known.step == "release"):
        return seen
    return known  # it is being placed: what moved is seen again once that is done


LEFT_ALONE = "Waiting until the deal has been left alone for a while."


async def _begin(flow: ProcessFlow, engine: Engine, tx: Tx, trigger: Trigger) -> Process:
    process = new_process(flow, engine, tx, trigger.subject)
    process = replace(
        process, due_at=quiet_until(flow, trigger), quiet_since=trigger.changed_at, message=LEFT_ALONE
    )
    cid = engine.connection_id
    if not await processes.begin(tx, cid, process, engine.vault):  # another worker was quicker
        return await processes.find(tx, cid, flow.name, trigger.subject, engine.vault) or process
    noticed = {"happened_at": trigger.happened_at.isoformat()}
    await note(flow, process, tx, cid, kind="noticed", payload=noticed)
    return process


def new_process(flow: ProcessFlow, engine: Engine, tx: Tx, subject: str, *, revision: int = 1) -> Process:
    """A process at its very beginning."""
    return Process(
        process_id=engine.around.new_id(),
        flow=flow.name,
        subject=subject,
        revision=revision,
        state="waiting",
        step="quiet",
        release="none",
        due_at=None,
        first_seen_at=tx.now,
        updated_at=tx.now,
    )


def is_due(process: Process, now: datetime) -> bool:
    """Running processes were left by a crash; the others have their time, if any."""
    if process.state == "running":
        return True
    return process.state != "ignored" and process.due_at is not None and process.due_at <= now


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
