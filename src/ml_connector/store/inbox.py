"""The inbox: what the sides told by themselves, which records that hints at, and how many requests were refused.

An event is open while its record has still to be read: accepted, and not done. It is taken while somebody reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among, upsert

if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from ml_connector.store.database import Tx
    from ml_connector.store.vault import Vault

EventOutcome = Literal["accepted", "duplicate", "superseded", "out_of_scope", "test"]


@dataclass(frozen=True, slots=True)
class Event:
    """One received event, as far as it concerns one record. ``body`` is in clear here and sealed in the table."""

    source: str
    type: str
    legal_entity: str
    identifier: str
    number: str
    identity: str
    content: str
    body: bytes | None
    received_at: datetime
    outcome: EventOutcome
    other_no: int | None = None
    note: str = ""
    flow: str = ""
    key: str = ""
    due_at: datetime | None = None
    take_id: str | None = None
    taken_at: datetime | None = None
    done_at: datetime | None = None
    event_no: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """An event that was accepted before, as far as another one is compared with it."""

    event_no: int
    content: str


_c, _r = tables.event.c, tables.rejected.c
_STORED = [name for name in Event.__slots__ if name != "event_no"]
_COLUMNS = [_c[name] for name in Event.__slots__]
_ADD = insert(tables.event).returning(_c.event_no, sort_by_parameter_order=True)
_OPEN = and_(_c.outcome == "accepted", _c.done_at.is_(None))
_TELLS = ("accepted", "superseded")  # outcomes of events that have had their effect
_SUPERSEDE = (
    update(tables.event)
    .where(_c.connection_id == bindparam("of"), _c.event_no == bindparam("at"))
    .values(outcome="superseded", other_no=bindparam("by"), done_at=bindparam("now"))
)
_REPEATS = (
    update(tables.event)
    .where(_c.connection_id == bindparam("of"), _c.event_no == bindparam("at"))
    .values(other_no=bindparam("by"))
)
_COUNT = upsert(
    tables.rejected,
    key=["connection_id", "day", "source", "reason"],
    change=[],
    count=_r.count + bindparam("more"),
)


async def add(tx: Tx, connection_id: int, rows: Sequence[Event], vault: Vault) -> builtins.list[int]:
    """Store these events; their numbers, in the same order."""
    if not rows:
        return []
    values = [
        {"connection_id": connection_id, **{name: getattr(row, name) for name in _STORED}} for row in rows
    ]
    for row, value in zip(rows, values, strict=True):
        if row.body is not None:
            value["body"] = vault.seal(connection_id, _field(row.content), row.body)
    return [int(number) for number in (await tx.connection.execute(_ADD, values)).scalars()]


async def known(tx: Tx, connection_id: int, identities: Sequence[str]) -> dict[str, builtins.list[Known]]:
    """The events with these identities that have had their effect, the oldest first."""
    query = (
        select(_c.identity, _c.event_no, _c.content)
        .where(
            _c.connection_id == connection_id,
            among(_c.identity, bindparam("identities", type_=TextList())),
            _c.outcome.in_(_TELLS),
        )
        .order_by(_c.event_no)
    )
    found: dict[str, builtins.list[Known]] = {}
    for identity, number, content in await tx.connection.execute(query, {"identities": identities}):
        found.setdefault(identity, []).append(Known(number, content))
    return found


async def waiting(
    tx: Tx, connection_id: int, flow: str, keys: Sequence[str]
) -> dict[str, builtins.list[tuple[int, datetime]]]:
    """Open events of these records that nobody has taken: their numbers and when they are due, by key."""
    query = (
        select(_c.key, _c.event_no, _c.due_at)
        .where(
            _c.connection_id == connection_id,
            _c.flow == flow,
            among(_c.key, bindparam("keys", type_=TextList())),
            _OPEN,
            _c.take_id.is_(None),
        )
        .order_by(_c.event_no)
    )
    found: dict[str, builtins.list[tuple[int, datetime]]] = {}
    for key, number, due_at in await tx.connection.execute(query, {"keys": keys}):
        found.setdefault(key, []).append((number, due_at))
    return found


async def supersede(tx: Tx, connection_id: int, pairs: Sequence[tuple[int, int]]) -> None:
    """Events whose record a newer one hints at as well; pairs of the older number and the newer."""
    if pairs:
        values = [{"of": connection_id, "at": old, "by": new, "now": tx.now} for old, new in pairs]
        await tx.connection.execute(_SUPERSEDE, values)


async def repeats(tx: Tx, connection_id: int, pairs: Sequence[tuple[int, int]]) -> None:
    """Duplicates that were stored together with what they repeat; pairs of the duplicate's number and the first."""
    if pairs:
        values = [{"of": connection_id, "at": number, "by": first} for number, first in pairs]
        await tx.connection.execute(_REPEATS, values)


async def count_open(tx: Tx, connection_id: int) -> int:
    """How many events are open, taken ones among them."""
    query = select(func.count()).where(_c.connection_id == connection_id, _OPEN)
    return int((await tx.connection.execute(query)).scalar_one())


async def open_by_flow(tx: Tx, connection_id: int) -> dict[str, int]:
    """How many events are open, by flow."""
    query = select(_c.flow, func.count()).where(_c.connection_id == connection_id, _OPEN).group_by(_c.flow)
    return {str(flow): int(number) for flow, number in await tx.connection.execute(query)}


async def take(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, flow: str, take_id: str, most: int, lapsed: datetime
) -> builtins.list[str]:
    """Mark the open events of at most so many records as taken, the longest due first; the keys of these records.

    ``lapsed``: what was taken before this moment and never done is taken anew: who took it is no more.
    """
    free = or_(_c.take_id.is_(None), _c.taken_at < lapsed)
    due = and_(_c.connection_id == connection_id, _c.flow == flow, _OPEN, _c.due_at <= tx.now, free)
    query = select(_c.key).where(due).group_by(_c.key).order_by(func.min(_c.due_at), _c.key).limit(most)
    keys = [str(key) for key in (await tx.connection.execute(query)).scalars()]
    if not keys:
        return []
    chosen = among(_c.key, bindparam("chosen", type_=TextList()))
    change = update(tables.event).where(due, chosen).values(take_id=take_id, taken_at=tx.now)
    marked = set((await tx.connection.execute(change.returning(_c.key), {"chosen": keys})).scalars())
    return [key for key in keys if key in marked]  # another process may have taken some of them meanwhile


async def done(tx: Tx, connection_id: int, take_id: str) -> int:
    """The records taken under this id have been read; how many events that ends."""
    change = update(tables.event).where(_taken(connection_id, take_id)).values(done_at=tx.now)
    return int((await tx.connection.execute(change)).rowcount)


async def put_back(tx: Tx, connection_id: int, take_id: str, due_at: datetime) -> int:
    """The records taken under this id could not be read: they are due again at this moment."""
    change = update(tables.event).where(_taken(connection_id, take_id))
    again = change.values(take_id=None, taken_at=None, due_at=due_at)
    return int((await tx.connection.execute(again)).rowcount)


def _taken(connection_id: int, take_id: str) -> ColumnElement[bool]:
    return and_(_c.connection_id == connection_id, _c.take_id == take_id, _OPEN)


async def list(  # noqa: A001 - read as inbox.list
    tx: Tx,
    connection_id: int,
    *,
    limit: int = 100,
    before: int | None = None,
    after: int | None = None,
    source: str = "",
    outcome: str = "",
) -> builtins.list[Event]:
    """Events without their bodies, the newest first; ``after`` a number: the oldest first."""
    columns = [column for column in _COLUMNS if column.name != "body"]
    query = select(*columns).where(_c.connection_id == connection_id)
    for column, value in ((_c.source, source), (_c.outcome, outcome)):
        if value:
            query = query.where(column == value)
    if before is not None:
        query = query.where(_c.event_no < before)
    if after is not None:
        query = query.where(_c.event_no > after)
    order = _c.event_no.desc() if after is None else _c.event_no.asc()
    rows = await tx.connection.execute(query.order_by(order).limit(limit))
    return [Event(body=None, **row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


async def get(tx: Tx, connection_id: int, event_no: int, vault: Vault) -> Event | None:
    """One event with its body; that of a duplicate is the one of the event it repeats."""
    row = await _row(tx, connection_id, event_no)
    if row is None:
        return None
    values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    if values["body"] is None and values["other_no"] is not None:
        first = await _row(tx, connection_id, values["other_no"])
        values["body"] = first.body if first is not None else None
    if values["body"] is not None:
        values["body"] = vault.open(connection_id, _field(values["content"]), values["body"])
    return Event(**values)


async def _row(tx: Tx, connection_id: int, event_no: int) -> Row[Any] | None:
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.event_no == event_no)
    return (await tx.connection.execute(query)).first()


async def last_received(tx: Tx, connection_id: int) -> dict[tuple[str, bool], datetime]:
    """When the newest event came, by source and whether it was a test."""
    is_test = _c.outcome == "test"
    query = (
        select(_c.source, is_test, func.max(_c.received_at, type_=_c.received_at.type))
        .where(_c.connection_id == connection_id)
        .group_by(_c.source, is_test)
    )
    return {(source, bool(test)): at for source, test, at in await tx.connection.execute(query)}


async def summary(tx: Tx, connection_id: int, since: datetime) -> dict[str, int]:
    """How many events came since then, by outcome."""
    query = (
        select(_c.outcome, func.count())
        .where(_c.connection_id == connection_id, _c.received_at >= since)
        .group_by(_c.outcome)
    )
    return {str(outcome): int(number) for outcome, number in await tx.connection.execute(query)}


async def prune(tx: Tx, connection_id: int, before: datetime) -> int:
    """Forget events that came before this moment and are not open, and the counts of those days.

    The newest test event stays: it is how the way was tried.
    """
    tests = select(func.max(_c.event_no)).where(_c.connection_id == connection_id, _c.outcome == "test")
    old = and_(_c.connection_id == connection_id, _c.received_at < before)
    newest_test = func.coalesce(tests.scalar_subquery(), 0)
    ended = or_(_c.outcome != "accepted", _c.done_at.is_not(None))
    gone = await tx.connection.execute(delete(tables.event).where(old, ended, _c.event_no != newest_test))
    day = before.date().isoformat()
    await tx.connection.execute(
        delete(tables.rejected).where(_r.connection_id.in_((connection_id, 0)), _r.day < day)
    )
    return int(gone.rowcount)


async def reject(tx: Tx, counts: Mapping[tuple[int, str, str], int]) -> None:
    """Count refused requests: by connection (0: none of ours), source and reason."""
    day = tx.now.date().isoformat()
    for (connection_id, source, reason), more in sorted(counts.items()):
        row = {"connection_id": connection_id, "day": day, "source": source, "reason": reason}
        await tx.connection.execute(_COUNT[tx.dialect], {**row, "count": more, "more": more})


async def rejected(tx: Tx, connection_id: int, since_day: str) -> builtins.list[tuple[str, str, str, int]]:
    """Day, source, reason and number of refused requests since a day."""
    query = (
        select(_r.day, _r.source, _r.reason, _r.count)
        .where(_r.connection_id == connection_id, _r.day >= since_day)
        .order_by(_r.day, _r.source, _r.reason)
    )
    return [(row[0], row[1], row[2], row[3]) for row in await tx.connection.execute(query)]


def _field(content: str) -> str:
    """What a body is sealed for."""
    return f"event.{content}"
