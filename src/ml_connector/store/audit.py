"""The audit: what happened to every record, append-only, in a chain of batches that shows every later change.

Entries are buffered in the transaction and written as its last statements: one batch, one chain link. Its
hash covers the hash before it, its own columns, and every column and byte of its rows as stored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import bindparam, func, insert, select, union_all

from ml_connector.store import tables
from ml_connector.store.columns import RowInsert, TextList, among, time_as_stored, upsert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.store.database import Tx

FIRST_HASH = bytes(32)  # what the first batch of a connection follows
PAGE = 1000  # rows read at once when a chain is verified


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one record, as the caller tells it."""

    kind: str
    flow: str
    key: str
    payload: Mapping[str, Any]
    run_id: str | None
    operation_id: str | None = None
    mapping_version: int | None = None
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry as stored. ``payload`` is canonical JSON: sorted keys, Decimals as text, bytes as hex."""

    seq: int
    at: datetime
    kind: str
    flow: str
    key: str
    payload: bytes
    run_id: str | None
    operation_id: str | None
    mapping_version: int | None
    subject_id: str | None
    batch_id: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain; noted outside the database, it later proves that nothing was cut off."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying found; ``first_bad`` is the first sequence number that cannot be trusted."""

    ok: bool
    rows: int
    first_bad: int | None
    sentence: str


# As hashed: the columns of mlc_audit behind connection_id, in their order; the last two are time and payload.
StoredRow = tuple[Any, ...]

_ROW = [tables.audit.c[name] for name in AuditRow.__slots__]
_HEAD = (
    select(tables.audit_head.c.seq, tables.audit_head.c.hash)
    .where(tables.audit_head.c.connection_id == bindparam("connection_id"))
    .with_for_update()
)
_PUT_HEAD = upsert(tables.audit_head, key=["connection_id"], change=["seq", "hash"])
_ADD_ROWS = RowInsert(tables.audit.insert())
_ADD_BATCH = insert(tables.audit_batch)


@dataclass(slots=True)
class _Batch:
    """The entries of one transaction for one connection; called right before the commit."""

    connection_id: int
    batch_id: str
    entries: list[Entry] = field(default_factory=list)

    async def __call__(self, tx: Tx) -> None:
        bound = {"connection_id": self.connection_id}
        end = (await tx.connection.execute(_HEAD, bound)).first()
        before, previous = (end.seq, end.hash) if end else (0, FIRST_HASH)
        at = tx.now.astimezone(UTC)
        rows = [self._row(seq, at, entry) for seq, entry in enumerate(self.entries, before + 1)]
        digest = _chain(previous, self.connection_id, self.batch_id, at, rows)
        batch = {
            "first_seq": before + 1,
            "batch_id": self.batch_id,
            "count": len(rows),
            "at": at,
            "hash": digest,
        }
        stored_at = time_as_stored(at, tx.dialect)
        stored = [(self.connection_id, *row[:-2], stored_at, row[-1]) for row in rows]
        await _ADD_ROWS.execute(tx.connection, stored)
        await tx.connection.execute(_ADD_BATCH, {**bound, **batch})
        after = {**bound, "seq": before + len(rows), "hash": digest}
        await tx.connection.execute(_PUT_HEAD[tx.dialect], after)

    def _row(self, seq: int, at: datetime, entry: Entry) -> StoredRow:
        payload = orjson.dumps(dict(entry.payload), option=orjson.OPT_SORT_KEYS, default=_plain)
        return (
            seq, self.batch_id, entry.subject_id, entry.operation_id, entry.run_id, entry.kind,
            entry.mapping_version, entry.flow, entry.key, at, payload,
        )  # fmt: skip


def _plain(value: Any) -> Any:
    """How values JSON does not know are written down."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "keys"):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot stand in an audit entry")


def _chain(
    previous: bytes, connection_id: int, batch_id: str, at: datetime, rows: Sequence[StoredRow]
) -> bytes:
    """The hash of a batch. Every part says how long it is, so that no byte can change its column."""
    parts = [previous, orjson.dumps([connection_id, batch_id, at, len(rows)])]
    for row in rows:
        parts += (orjson.dumps((*row[:-1], len(row[-1]))), row[-1])
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


async def append(tx: Tx, connection_id: int, entries: Sequence[Entry]) -> str:
    """Add entries to the batch of this transaction, which is written right before its commit.

    Returns:
        The id of the batch: the same for every call in one transaction.
    """
    batch = tx.finishers.get(("audit", connection_id))
    if not isinstance(batch, _Batch):
        batch = _Batch(connection_id, tx.around.new_id())
        if entries:
            tx.finishers[("audit", connection_id)] = batch
    batch.entries.extend(entries)
    return batch.batch_id


async def head(tx: Tx, connection_id: int) -> Head:
    """The end of the chain as it stands."""
    c = tables.audit_head.c
    query = select(c.seq, c.hash).where(c.connection_id == connection_id)
    row = (await tx.connection.execute(query)).first()
    return Head(row.seq, row.hash) if row else Head(0, FIRST_HASH)


async def story(tx: Tx, connection_id: int, flow: str, key: str, limit: int = 200) -> list[AuditRow]:
    """The newest ``limit`` entries of one record, oldest first."""
    c = tables.audit.c
    query = select(*_ROW).where(c.connection_id == connection_id, c.flow == flow, c.key == key)
    rows = await tx.connection.execute(query.order_by(c.seq.desc()).limit(limit))
    return [AuditRow(*row) for row in reversed(rows.all())]


async def last_written(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> dict[str, datetime]:
    """When each of these records was last created or updated; those the audit no longer tells of are not in it."""
    if not keys:
        return {}
    c = tables.audit.c
    query = select(c.key, func.max(c.at)).where(
        c.connection_id == connection_id,
        c.flow == flow,
        among(c.key, bindparam("keys", type_=TextList())),
        c.kind.in_(("created", "updated")),
    )
    return {row[0]: row[1] for row in await tx.connection.execute(query.group_by(c.key), {"keys": keys})}


async def of_run(
    tx: Tx, connection_id: int, run_id: str, after: int = 0, limit: int = PAGE
) -> list[AuditRow]:
    """A page of the entries one run wrote, in their order."""
    c = tables.audit.c
    query = select(*_ROW).where(c.connection_id == connection_id, c.run_id == run_id, c.seq > after)
    return [AuditRow(*row) for row in await tx.connection.execute(query.order_by(c.seq).limit(limit))]


async def verify(tx: Tx, connection_id: int, *, known: Head | None = None) -> Verification:
    """Read the whole chain again and compare every hash; other writers may go on meanwhile.

    Args:
        tx: a read is enough.
        connection_id: whose chain.
        known: a head noted earlier, outside the database; a chain cut off or written anew does not hold it.
    """
    end = await head(tx, connection_id)
    walk = await _start(tx, connection_id)
    if known is not None and known.seq <= walk.seq:
        known = None  # lies in a segment that was pruned by permit
    while walk.bad is None and walk.seq < end.seq:
        batches = await _batches(tx, connection_id, walk.seq)
        if not batches:
            return walk.broken(
                walk.seq + 1, f"Entries {walk.seq + 1} to {end.seq} are missing: the end was cut off."
            )
        await _follow(tx, connection_id, walk, batches, known)
    if walk.bad is not None:
        return walk.bad
    if (walk.seq, walk.hash) != (end.seq, end.hash):
        return walk.broken(
            end.seq, f"The chain ends at entry {walk.seq} otherwise than its head says ({end.seq})."
        )
    if known is not None and known.seq > end.seq:
        return walk.broken(
            end.seq + 1, f"Entries {end.seq + 1} to {known.seq} once existed: the end was cut off."
        )
    stray = await _stray(tx, connection_id, end.seq)
    if stray is not None:
        return walk.broken(stray, f"Entry {stray} stands behind the end of the chain: it was put in by hand.")
    return Verification(
        ok=True,
        rows=walk.rows,
        first_bad=None,
        sentence=f"{walk.rows} entries in {walk.batches} batches, chain unbroken.",
    )


@dataclass(slots=True)
class _Walk:
    """Where verifying stands: the last entry and hash that are right."""

    seq: int
    hash: bytes
    rows: int = 0
    batches: int = 0
    bad: Verification | None = None

    def broken(self, first_bad: int, sentence: str) -> Verification:
        self.bad = Verification(ok=False, rows=self.rows, first_bad=first_bad, sentence=sentence)
        return self.bad


async def _start(tx: Tx, connection_id: int) -> _Walk:
    """The beginning, or the end of the segment that a permit let pruning remove."""
    c = tables.audit_permit.c
    query = select(c.through_seq, c.anchor).where(c.connection_id == connection_id)
    permit = (await tx.connection.execute(query)).first()
    return _Walk(permit.through_seq, permit.anchor) if permit else _Walk(0, FIRST_HASH)


async def _batches(tx: Tx, connection_id: int, after: int) -> list[Any]:
    c = tables.audit_batch.c
    query = select(c.first_seq, c["count"], c.batch_id, c.at, c.hash).where(
        c.connection_id == connection_id, c.first_seq > after
    )
    return list((await tx.connection.execute(query.order_by(c.first_seq).limit(PAGE // 10))).all())


async def _follow(
    tx: Tx, connection_id: int, walk: _Walk, batches: Sequence[Any], known: Head | None
) -> None:
    """Walk a page of batches on, up to the first that is wrong."""
    for first_seq, count, batch_id, at, digest in batches:
        expected = walk.seq + 1
        if first_seq != expected:
            walk.broken(expected, f"The batch of entry {expected} is missing.")
            return
        rows = await _rows(tx, connection_id, first_seq, first_seq + count - 1)
        present = [row[0] for row in rows]
        wanted = range(first_seq, first_seq + count)
        if present != list(wanted):
            missing = next(seq for seq in wanted if seq not in present)
            walk.broken(missing, f"Entry {missing} is missing.")
            return
        if _chain(walk.hash, connection_id, batch_id, at, rows) != digest:
            which = f"One of the entries {first_seq} to {wanted[-1]}" if count > 1 else f"Entry {first_seq}"
            walk.broken(first_seq, f"{which}, or the batch they came in, was changed.")
            return
        walk.seq, walk.hash = wanted[-1], digest
        walk.rows, walk.batches = walk.rows + count, walk.batches + 1
        if known is not None and known.seq in wanted and known != Head(walk.seq, walk.hash):
            walk.broken(
                first_seq, f"Entry {known.seq} is not the one noted earlier: the chain was written anew."
            )
            return


async def _rows(tx: Tx, connection_id: int, first: int, last: int) -> Sequence[StoredRow]:
    columns = [column for column in tables.audit.c if column.name != "connection_id"]
    c = tables.audit.c
    query = select(*columns).where(c.connection_id == connection_id, c.seq.between(first, last))
    return [tuple(row) for row in (await tx.connection.execute(query.order_by(c.seq))).all()]


async def _stray(tx: Tx, connection_id: int, end: int) -> int | None:
    """An entry or batch behind the head. Writers move the head with their rows, so the head is read last."""
    rows, batches = tables.audit.c, tables.audit_batch.c
    after_rows = select(rows.seq).where(rows.connection_id == connection_id, rows.seq > end)
    after_batches = select(batches.first_seq).where(
        batches.connection_id == connection_id, batches.first_seq > end
    )
    found = (
        await tx.connection.execute(union_all(after_rows, after_batches).order_by("seq").limit(1))
    ).scalar()
    return None if found is None or found <= (await head(tx, connection_id)).seq else int(found)
