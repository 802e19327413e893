"""Parked records: stopped with a cause a person must lift. At most one open row a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import bindparam, func, select, text, update

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among, upsert

if TYPE_CHECKING:
    import builtins
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.store.database import Tx

ParkedState = Literal["open", "resolved", "ignored"]


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """One stopped record. ``parked_id``, ``first_at``, ``last_at`` and ``times`` are the store's."""

    parked_id: int
    flow: str
    key: str
    cause: str
    message: str
    turn: str
    next_action: str
    detail: dict[str, Any] = field(default_factory=dict)
    source_digest: bytes = b""
    state: ParkedState = "open"
    run_id: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    times: int = 1
    payload: bytes | None = None


_c = tables.parked.c
_COLUMNS = [_c[name] for name in ParkedRecord.__slots__]
_PARK = upsert(
    tables.parked,
    key=["connection_id", "flow", "key"],
    change=[
        "cause",
        "message",
        "turn",
        "next_action",
        "detail",
        "source_digest",
        "run_id",
        "last_at",
        "payload",
    ],
    only_where=text("state = 'open'"),
    times=_c.times + 1,
)
_OPEN_FOR = select(*_COLUMNS).where(
    _c.connection_id == bindparam("connection_id"),
    _c.flow == bindparam("flow"),
    _c.state == "open",
    among(_c.key, bindparam("keys", type_=TextList())),
)


async def park(tx: Tx, connection_id: int, rows: Sequence[ParkedRecord]) -> builtins.list[int]:
    """Park records; one that is parked already keeps its number, counts one more, and takes the new cause.

    Returns:
        The numbers, in the order of the rows.
    """
    values = [
        {
            "connection_id": connection_id, "flow": row.flow, "key": row.key, "cause": row.cause,
            "message": row.message, "turn": row.turn, "next_action": row.next_action, "detail": row.detail,
            "source_digest": row.source_digest, "state": "open", "run_id": row.run_id, "first_at": tx.now,
            "last_at": tx.now, "times": 1, "payload": row.payload, "reason": "",
        }
        for row in rows
    ]  # fmt: skip
    if not values:
        return []
    await tx.connection.execute(_PARK[tx.dialect], values)
    numbers: dict[tuple[str, str], int] = {}
    for flow in {row.flow for row in rows}:
        found = await open_for(tx, connection_id, flow, [row.key for row in rows if row.flow == flow])
        numbers.update({(flow, key): record.parked_id for key, record in found.items()})
    return [numbers[row.flow, row.key] for row in rows]


async def resolve(
    tx: Tx,
    connection_id: int,
    flow: str,
    keys: Sequence[str],
    reason: str,
    *,
    state: Literal["resolved", "ignored"] = "resolved",
) -> int:
    """Close the open rows of these records. How many there were."""
    change = update(tables.parked).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        _c.state == "open",
        among(_c.key, bindparam("keys", value=keys, type_=TextList())),
    )
    return int(
        (await tx.connection.execute(change.values(state=state, reason=reason, last_at=tx.now))).rowcount
    )


async def note(tx: Tx, connection_id: int, rows: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Put other details on open rows, by their numbers."""
    for parked_id, detail in rows:
        change = update(tables.parked).where(_c.connection_id == connection_id, _c.parked_id == parked_id)
        await tx.connection.execute(change.values(detail=detail))


async def get(tx: Tx, connection_id: int, parked_id: int) -> ParkedRecord | None:
    """One parked record by its number."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.parked_id == parked_id)
    row = (await tx.connection.execute(query)).first()
    return ParkedRecord(*row) if row else None


async def open_for(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> dict[str, ParkedRecord]:
    """The open rows of these records, by key."""
    bound = {"connection_id": connection_id, "flow": flow, "keys": keys}
    return {row[2]: ParkedRecord(*row) for row in await tx.connection.execute(_OPEN_FOR, bound)}


async def list(  # noqa: A001 - read as parked.list
    tx: Tx,
    connection_id: int,
    *,
    flow: str | None = None,
    cause: str | None = None,
    state: ParkedState | None = "open",
    limit: int = 100,
    after: int | None = None,
) -> builtins.list[ParkedRecord]:
    """A page of parked records, oldest number first; ``after`` is the last number of the page before."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id)
    if flow is not None:
        query = query.where(_c.flow == flow)
    if cause is not None:
        query = query.where(_c.cause == cause)
    if state is not None:
        query = query.where(_c.state == state)
    if after is not None:
        query = query.where(_c.parked_id > after)
    rows = await tx.connection.execute(query.order_by(_c.parked_id).limit(limit))
    return [ParkedRecord(*row) for row in rows]


async def counts(tx: Tx, connection_id: int) -> dict[str, int]:
    """How many records are parked now, by flow; a flow without any is not in it."""
    query = select(_c.flow, func.count()).where(_c.connection_id == connection_id, _c.state == "open")
    return {row[0]: row[1] for row in await tx.connection.execute(query.group_by(_c.flow).order_by(_c.flow))}
