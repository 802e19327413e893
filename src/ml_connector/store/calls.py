"""One row per changing HTTP call, committed before its first byte leaves and finished by its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import bindparam, insert, or_, select, update

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among
from ml_connector.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.store.database import Tx

CallOutcome = Literal["done", "refused", "unknown", "repeated"]


ONCE = ("products.create",)  # records that a repeat would make twice: what became of them is looked up


@dataclass(frozen=True, slots=True)
class Call:
    """An intent: side and resource, the hash of the body, the records in it (a batch is one call)."""

    call_id: str
    run_id: str
    side: str
    resource: str
    payload_hash: bytes
    keys: Sequence[str]
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended; ``status`` is None when no answer came."""

    call_id: str
    outcome: CallOutcome
    status: int | None = None
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call of which nobody knows what it made."""

    call_id: str
    keys: Sequence[str]
    intended_at: datetime


_c = tables.call.c
_COLUMNS = [_c[name] for name in Call.__slots__]
_INTEND = insert(tables.call)
_FINISH = update(tables.call).where(_c.connection_id == bindparam("of"), _c.call_id == bindparam("the_call"))
_SETTLE = update(tables.call).where(
    _c.connection_id == bindparam("of"),
    or_(_c.outcome.is_(None), _c.outcome == "unknown"),
    _c.resource.not_in(ONCE),
    among(_c.run_id, bindparam("runs", type_=TextList())),
)


async def intend(tx: Tx, connection_id: int, *rows: Call) -> None:
    """Note calls that are about to be sent."""
    values = [
        {
            "connection_id": connection_id, "call_id": row.call_id, "run_id": row.run_id, "side": row.side,
            "resource": row.resource, "payload_hash": row.payload_hash, "keys": list(row.keys),
            "operation_id": row.operation_id, "intended_at": tx.now, "correlation_id": "",
        }
        for row in rows
    ]  # fmt: skip
    if values:
        await tx.connection.execute(_INTEND, values)


async def finish(tx: Tx, connection_id: int, *ends: Ended) -> None:
    """Note how calls ended; an unknown outcome may be resolved later by a second finish.

    Raises:
        StoreError: one of the calls was never intended.
    """
    values = [
        {
            "of": connection_id, "the_call": end.call_id, "outcome": end.outcome, "status": end.status,
            "correlation_id": end.correlation_id, "ended_at": tx.now,
        }
        for end in ends
    ]  # fmt: skip
    if values and (await tx.connection.execute(_FINISH, values)).rowcount != len(values):
        named = ", ".join(end.call_id for end in ends)
        raise StoreError(f"A call ended without an intent; it is one of {named}.")


async def open_calls(tx: Tx, connection_id: int, *, run_id: str | None = None) -> list[Call]:
    """Calls without an outcome, in the order they were intended."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.outcome.is_(None))
    if run_id is not None:
        query = query.where(_c.run_id == run_id)
    rows = await tx.connection.execute(query.order_by(_c.intended_at, _c.call_id))
    return [Call(*row) for row in rows]


async def one_at_a_time(tx: Tx, connection_id: int) -> None:
    """Let no other transaction of the connection pass here before this one ends; on SQLite none does anyway."""
    query = select(tables.connection.c.connection_id).where(
        tables.connection.c.connection_id == connection_id
    )
    await tx.connection.execute(query.with_for_update())


async def in_doubt(tx: Tx, connection_id: int, resource: str) -> list[Doubt]:
    """Calls of a resource that was to be made once whose outcome is not known, the oldest first."""
    if resource not in ONCE:
        return []
    query = (
        select(*(_c[name] for name in Doubt.__slots__))
        .where(_c.connection_id == connection_id, _c.resource == resource)
        .where(or_(_c.outcome.is_(None), _c.outcome == "unknown"))
        .order_by(_c.intended_at, _c.call_id)
    )
    return [Doubt(*row) for row in await tx.connection.execute(query)]


async def settle_open(tx: Tx, connection_id: int, flow_runs: Sequence[str], outcome: CallOutcome) -> int:
    """Give every open or unknown call of these runs one outcome: what they sent is sent again. How many there were.

    Calls that are made once are left: they are settled one by one.
    """
    values = {"of": connection_id, "runs": flow_runs, "outcome": outcome, "ended_at": tx.now}
    return int((await tx.connection.execute(_SETTLE, values)).rowcount)
