"""Processes: one row per (flow, subject, revision), such as one won deal on its way to an order."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import and_, bindparam, exists, or_, select

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among, insert_if_new, upsert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from ml_connector.store.database import Tx
    from ml_connector.store.vault import Vault

ProcessState = Literal["waiting", "running", "parked", "done", "ignored"]
Release = Literal["none", "asked", "approved", "automatic"]


@dataclass(frozen=True, slots=True)
class Process:
    """Where one subject stands. ``snapshot`` and ``draft`` are in clear here and sealed in the table."""

    process_id: str
    flow: str
    subject: str
    revision: int
    state: ProcessState
    step: str
    release: Release
    due_at: datetime | None
    first_seen_at: datetime
    quiet_since: datetime | None = None
    snapshot: bytes | None = None
    snapshot_hash: bytes | None = None
    draft: bytes | None = None
    result: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    cause: str = ""
    approved_by: str = ""
    updated_at: datetime | None = None  # the store's: set by put


class Finished(NamedTuple):
    """A subject whose newest revision is done, and what it came to."""

    subject: str
    result: dict[str, Any]


_c = tables.process.c
_FIELDS = builtins.list(Process.__slots__)
_COLUMNS = [_c[name] for name in _FIELDS]
_SEALED = ("snapshot", "draft")
_DUE = (
    "waiting",
    "parked",
    "done",
)  # states in which a process has a time to go on at, or to be looked at again
_newer = tables.process.alias("newer")
_FINISHED = (
    select(_c.subject, _c.result)
    .where(
        _c.connection_id == bindparam("connection_id"),
        _c.flow == bindparam("flow"),
        _c.state == "done",
        ~exists().where(
            _newer.c.connection_id == _c.connection_id,
            _newer.c.flow == _c.flow,
            _newer.c.subject == _c.subject,
            _newer.c.revision > _c.revision,
        ),
    )
    .order_by(_c.subject)
)
_PUT = upsert(
    tables.process,
    key=["connection_id", "process_id"],
    change=[name for name in _FIELDS if name != "process_id"],
)
_BEGIN = insert_if_new(tables.process, key=["connection_id", "flow", "subject", "revision"])


async def begin(tx: Tx, connection_id: int, process: Process, vault: Vault) -> bool:
    """Store a new process; False when another worker has begun this revision of the subject meanwhile."""
    await tx.connection.execute(_BEGIN[tx.dialect], _values(tx, connection_id, process, vault))
    ours = select(_c.process_id).where(_c.connection_id == connection_id, _c.process_id == process.process_id)
    return (await tx.connection.execute(ours)).first() is not None


async def put(tx: Tx, connection_id: int, process: Process, vault: Vault) -> None:
    """Store a process as given, snapshot and draft sealed; ``updated_at`` becomes the transaction's time."""
    await tx.connection.execute(_PUT[tx.dialect], _values(tx, connection_id, process, vault))


async def get(tx: Tx, connection_id: int, process_id: str, vault: Vault) -> Process | None:
    """One process."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.process_id == process_id)
    row = (await tx.connection.execute(query)).first()
    return _opened(connection_id, row, vault) if row else None


async def find(tx: Tx, connection_id: int, flow: str, subject: str, vault: Vault) -> Process | None:
    """The newest revision of a subject."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow, _c.subject == subject)
    row = (await tx.connection.execute(query.order_by(_c.revision.desc()).limit(1))).first()
    return _opened(connection_id, row, vault) if row else None


async def revisions(
    tx: Tx, connection_id: int, flow: str, subject: str, vault: Vault
) -> builtins.list[Process]:
    """Every revision of a subject, the newest first."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow, _c.subject == subject)
    rows = await tx.connection.execute(query.order_by(_c.revision.desc()))
    return [_opened(connection_id, row, vault) for row in rows]


async def list(  # noqa: A001, PLR0917 - read as processes.list; all are needed
    tx: Tx, connection_id: int, flow: str, states: Sequence[ProcessState] | None, limit: int, vault: Vault
) -> builtins.list[Process]:
    """Processes in these states (None: in any), the latest changed first."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow)
    if states is not None:
        query = query.where(_c.state.in_(states))
    rows = await tx.connection.execute(query.order_by(_c.updated_at.desc(), _c.process_id).limit(limit))
    return [_opened(connection_id, row, vault) for row in rows]


async def due(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, flow: str, now: datetime, limit: int, vault: Vault
) -> builtins.list[Process]:
    """Processes whose time has come, the longest due first; and running ones, which a crash has left.

    One that is parked or done is due when its subject has moved since it was last looked at.
    """
    timely = or_(_c.state == "running", and_(_c.state.in_(_DUE), _c.due_at <= now))
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow, timely)
    rows = await tx.connection.execute(query.order_by(_c.due_at, _c.process_id).limit(limit))
    return [_opened(connection_id, row, vault) for row in rows]


async def done_since(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, flow: str, since: datetime, limit: int, vault: Vault
) -> builtins.list[Process]:
    """Processes that are done and were begun at or after a moment, the newest first."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id, _c.flow == flow, _c.state == "done", _c.first_seen_at >= since
    )
    rows = await tx.connection.execute(query.order_by(_c.first_seen_at.desc(), _c.process_id).limit(limit))
    return [_opened(connection_id, row, vault) for row in rows]


async def finished(
    tx: Tx, connection_id: int, flow: str, *, after: str, limit: int
) -> builtins.list[Finished]:
    """A page of the subjects that are done, in their order; ``after`` is the last one of the page before."""
    query = _FINISHED.where(_c.subject > after).limit(limit)
    rows = await tx.connection.execute(query, {"connection_id": connection_id, "flow": flow})
    return [Finished(*row) for row in rows]


async def finished_of(
    tx: Tx, connection_id: int, flow: str, subjects: Sequence[str]
) -> builtins.list[Finished]:
    """Those of these subjects that are done."""
    query = _FINISHED.where(among(_c.subject, bindparam("subjects", type_=TextList())))
    bound = {"connection_id": connection_id, "flow": flow, "subjects": subjects}
    return [Finished(*row) for row in await tx.connection.execute(query, bound)]


async def known(tx: Tx, connection_id: int, flow: str, subjects: Sequence[str]) -> set[str]:
    """Those of these subjects that have a process."""
    query = select(_c.subject).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        among(_c.subject, bindparam("subjects", type_=TextList())),
    )
    return {str(row[0]) for row in await tx.connection.execute(query, {"subjects": subjects})}


def _values(tx: Tx, connection_id: int, process: Process, vault: Vault) -> dict[str, Any]:
    """The row of a process, snapshot and draft sealed."""
    values = {name: getattr(process, name) for name in _FIELDS}
    for name in _SEALED:
        if values[name] is not None:
            values[name] = vault.seal(connection_id, _field(process.process_id, name), values[name])
    return {**values, "connection_id": connection_id, "updated_at": tx.now}


def _opened(connection_id: int, row: Row[Any], vault: Vault) -> Process:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _SEALED:
        if values[name] is not None:
            values[name] = vault.open(connection_id, _field(values["process_id"], name), values[name])
    return Process(**values)


def _field(process_id: str, name: str) -> str:
    """What a snapshot or draft is sealed for."""
    return f"process.{process_id}.{name}"
