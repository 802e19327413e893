"""Associations between records of the target: wanted, refused for now, or made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import bindparam, case, func, literal_column, select, update

from ml_connector.store import tables
from ml_connector.store.columns import upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Tx


@dataclass(frozen=True, slots=True)
class Association:
    """One association. ``fresh``: the record was created by us, nothing hangs on it yet."""

    key: str
    flow: str
    to_flow: str
    to_key: str
    from_id: str
    fresh: bool = False
    state: Literal["wanted", "refused", "made"] = "wanted"
    to_id: str = ""
    message: str = ""


_c = tables.association.c
_FIELDS = list(Association.__slots__)
_COLUMNS = [_c[name] for name in _FIELDS]
_same_record = _c.from_id == literal_column("excluded.from_id")
_WANT = upsert(
    tables.association,
    key=["connection_id", "key", "flow", "to_flow", "to_key"],
    change=["from_id"],
    state=case((_same_record, _c.state), else_="wanted"),
    fresh=case((_same_record, _c.fresh), else_=False),
)
_END = (
    update(tables.association)
    .where(
        _c.connection_id == bindparam("of"),
        _c.key == bindparam("the_key"),
        _c.flow == bindparam("of_flow"),
        _c.to_flow == bindparam("the_to_flow"),
        _c.to_key == bindparam("the_to_key"),
    )
    .values(
        state=bindparam("ends"), to_id=bindparam("with_id"), message=bindparam("says"), at=bindparam("now")
    )
)


async def want(tx: Tx, connection_id: int, rows: Sequence[Association]) -> None:
    """Note associations that shall stand; one that is made stays so unless its record has become another."""
    values = [
        {
            "connection_id": connection_id, "key": row.key, "flow": row.flow, "to_flow": row.to_flow,
            "to_key": row.to_key, "state": "wanted", "fresh": row.fresh, "from_id": row.from_id, "to_id": "",
            "message": "", "at": tx.now,
        }
        for row in sorted(rows, key=lambda row: (row.key, row.flow, row.to_flow, row.to_key))
    ]  # fmt: skip
    if values:
        await tx.connection.execute(_WANT[tx.dialect], values)


async def end(tx: Tx, connection_id: int, rows: Sequence[Association]) -> None:
    """Note what became of associations: their state, other end and message as given."""
    values = [
        {
            "of": connection_id, "the_key": row.key, "of_flow": row.flow, "the_to_flow": row.to_flow,
            "the_to_key": row.to_key, "ends": row.state, "with_id": row.to_id, "says": row.message,
            "now": tx.now,
        }
        for row in rows
    ]  # fmt: skip
    if values:
        await tx.connection.execute(_END, values)


async def open_of(
    tx: Tx, connection_id: int, flow: str, *, after: tuple[str, str] = ("", ""), limit: int = 1000
) -> list[Association]:
    """A page of associations that are not made yet, in the order of their keys; ``after`` is the last one's."""
    key, to_key = after
    query = (
        select(*_COLUMNS)
        .where(
            _c.connection_id == connection_id,
            _c.flow == flow,
            _c.state != "made",
            (_c.key > key) | ((_c.key == key) & (_c.to_key > to_key)),
        )
        .order_by(_c.key, _c.to_key)
        .limit(limit)
    )
    return [Association(*row) for row in await tx.connection.execute(query)]


async def of_record(tx: Tx, connection_id: int, flow: str, key: str) -> list[Association]:
    """Every association of one record."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow, _c.key == key)
    return [Association(*row) for row in await tx.connection.execute(query.order_by(_c.to_flow, _c.to_key))]


async def counts(tx: Tx, connection_id: int) -> dict[tuple[str, str], int]:
    """How many associations there are, by flow and state."""
    query = select(_c.flow, _c.state, func.count()).where(_c.connection_id == connection_id)
    rows = await tx.connection.execute(query.group_by(_c.flow, _c.state))
    return {(row[0], row[1]): row[2] for row in rows}
