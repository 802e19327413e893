"""Operations: one row per remote write that must not happen twice, with the exact bytes to send, sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sql

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among, upsert
from ml_connector.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from ml_connector.store.database import Tx
    from ml_connector.store.vault import Vault

OperationState = Literal["intended", "done", "refused", "unknown", "adopted", "parked"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One such write. ``payload`` is in clear here and sealed in the table; never sent after ``send_by``."""

    operation_id: str
    process_id: str
    kind: str
    reference: str
    legal_entity: str
    payload_version: int
    payload: bytes
    payload_hash: bytes
    state: OperationState
    attempt: int
    send_by: datetime
    settle_until: datetime | None = None
    external_id: str = ""
    fence: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


_c = tables.operation.c
_FIELDS = list(Operation.__slots__)
_COLUMNS = [_c[name] for name in _FIELDS]
_PAYLOAD = _FIELDS.index("payload")
_PUT = upsert(
    tables.operation,
    key=["connection_id", "operation_id"],
    change=[*(name for name in _FIELDS if name != "operation_id"), "updated_at"],
)


async def put(tx: Tx, connection_id: int, operation: Operation, vault: Vault) -> None:
    """Store an operation, payload sealed; one that is stored keeps its place in its process."""
    placed = sql.select(sql.func.count()).where(
        _c.connection_id == connection_id, _c.process_id == operation.process_id
    )
    values = {name: getattr(operation, name) for name in _FIELDS}
    values["payload"] = vault.seal(connection_id, _field(operation.operation_id), operation.payload)
    values["seq"] = (await tx.connection.execute(placed)).scalar_one()
    values |= {"connection_id": connection_id, "updated_at": tx.now}
    await tx.connection.execute(_PUT[tx.dialect], values)


async def update(
    tx: Tx,
    connection_id: int,
    operation_id: str,
    *,
    state: OperationState | None = None,
    attempt: int | None = None,
    send_by: datetime | None = None,
    settle_until: datetime | None = None,
    external_id: str | None = None,
    fence: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Change what is given, keep the rest; the payload never changes.

    Raises:
        StoreError: there is no such operation.
    """
    given = {
        "state": state, "attempt": attempt, "send_by": send_by, "settle_until": settle_until,
        "external_id": external_id, "fence": fence, "detail": detail,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    row = sql.update(tables.operation).where(
        _c.connection_id == connection_id, _c.operation_id == operation_id
    )
    if (await tx.connection.execute(row.values(**changes, updated_at=tx.now))).rowcount != 1:
        raise StoreError(f"The operation {operation_id} is not stored.")


async def get(tx: Tx, connection_id: int, operation_id: str, vault: Vault) -> Operation | None:
    """One operation, payload opened."""
    query = sql.select(*_COLUMNS).where(_c.connection_id == connection_id, _c.operation_id == operation_id)
    row = (await tx.connection.execute(query)).first()
    return _opened(connection_id, row, vault) if row else None


async def of_process(tx: Tx, connection_id: int, process_id: str, vault: Vault) -> list[Operation]:
    """The operations of a process in the order they were first stored, payloads opened."""
    query = sql.select(*_COLUMNS).where(_c.connection_id == connection_id, _c.process_id == process_id)
    rows = await tx.connection.execute(query.order_by(_c.seq, _c.operation_id))
    return [_opened(connection_id, row, vault) for row in rows]


async def subjects(
    tx: Tx, connection_id: int, kinds: Sequence[str], external_ids: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Legal entity, external id and the process's subject of writes of these kinds that made one of these."""
    p = tables.process.c
    joined = (p.connection_id == _c.connection_id) & (p.process_id == _c.process_id)
    query = (
        sql.select(_c.legal_entity, _c.external_id, p.subject)
        .select_from(tables.operation.join(tables.process, joined))
        .where(
            _c.connection_id == connection_id,
            _c.kind.in_(kinds),
            among(_c.external_id, sql.bindparam("ids", type_=TextList())),
        )
        .order_by(p.subject)
    )
    return [(row[0], row[1], row[2]) for row in await tx.connection.execute(query, {"ids": external_ids})]


def _opened(connection_id: int, row: Row[Any], vault: Vault) -> Operation:
    values = list(row)
    values[_PAYLOAD] = vault.open(connection_id, _field(row[0]), values[_PAYLOAD])
    return Operation(*values)


def _field(operation_id: str) -> str:
    """What the payload is sealed for."""
    return f"operation.{operation_id}.payload"
