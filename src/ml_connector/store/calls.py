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

    from ml_connector.store.database import Tx

CallOutcome = Literal["done", "refused", "unknown", "repeated"]


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


_c = tables.call.c
_COLUMNS = [_c[name] for name in Call.__slots__]
_INTEND = insert(tables.call)
_FINISH = update(tables.call).where(_c.connection_id == bindparam("of"), _c.call_id == bindparam("the_call"))
_SETTLE = update(tables.call).where(
    _c.connection_id == bindparam("of"),
    or_(_c.outcome.is_(None), _c.outcome == "unknown"),
    among(_c.run_id, bindparam("runs", type_=TextList())),
)


async def intend(tx: Tx, connection_id: int, call: Call) -> None:
    """Note a call that is about to be sent."""
    row = {
        "connection_id": connection_id, "call_id": call.call_id, "run_id": call.run_id, "side": call.side,
        "resource": call.resource, "payload_hash": call.payload_hash, "keys": list(call.keys),
        "operation_id": call.operation_id, "intended_at": tx.now, "correlation_id": "",
    }  # fmt: skip
    await tx.connection.execute(_INTEND, row)


async def finish(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, call_id: str, outcome: CallOutcome, status: int | None, correlation_id: str
) -> None:
    """Note how a call ended; an unknown outcome may be resolved later by a second finish.

    Raises:
        StoreError: the call was never intended.
    """
    values = {
        "of": connection_id, "the_call": call_id, "outcome": outcome, "status": status,
        "correlation_id": correlation_id, "ended_at": tx.now,
    }  # fmt: skip
    if (await tx.connection.execute(_FINISH, values)).rowcount != 1:
        raise StoreError(f"The call {call_id} ended without an intent.")


async def open_calls(tx: Tx, connection_id: int, *, run_id: str | None = None) -> list[Call]:
    """Calls without an outcome, in the order they were intended."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.outcome.is_(None))
    if run_id is not None:
        query = query.where(_c.run_id == run_id)
    rows = await tx.connection.execute(query.order_by(_c.intended_at, _c.call_id))
    return [Call(*row) for row in rows]


async def settle_open(tx: Tx, connection_id: int, flow_runs: Sequence[str], outcome: CallOutcome) -> int:
    """Give every open or unknown call of these runs one outcome: what they sent is sent again. How many there were."""
    values = {"of": connection_id, "runs": flow_runs, "outcome": outcome, "ended_at": tx.now}
    return int((await tx.connection.execute(_SETTLE, values)).rowcount)
