"""The audit is append-only, and every change behind its back shows (I12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from ml_connector.store import audit, connections, tables
from ml_connector.store.audit import Entry

if TYPE_CHECKING:
    from tests.conftest import ManualClock

    from ml_connector.store.database import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS, BATCHES, HEAD = tables.audit, tables.audit_batch, tables.audit_head


@pytest.fixture
async def chain(store: Store, cid: int, clock: ManualClock) -> int:
    """Five batches of three entries: sequence numbers 1 to 15."""
    for number in range(5):
        clock.advance(1)
        await write(store, cid, number)
    return cid


async def write(store: Store, cid: int, number: int, count: int = 3) -> None:
    async with store.write() as tx:
        entries = [
            Entry("updated", "customers", f"usmf:US-{place}", {"batch": number}, f"run-{number}", "call", 1, "person")
            for place in range(count)
        ]  # fmt: skip
        await audit.append(tx, cid, entries)


async def verified(store: Store, cid: int, known: audit.Head | None = None) -> audit.Verification:
    async with store.read() as tx:
        return await audit.verify(tx, cid, known=known)


async def behind_its_back(store: Store, *changes: Any) -> None:
    """Change rows as somebody with the database's own rights can: with the triggers out of the way."""
    async with store.write() as tx:
        if tx.dialect == "postgresql":
            await tx.connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            for table in ("mlc_audit", "mlc_audit_batch"):
                for trigger in ("no_update", "no_delete", "no_replace"):
                    await tx.connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{trigger}")
        for change in changes:
            await tx.connection.execute(change)


async def test_when_a_record_was_last_written_is_known_of_each(
    store: Store, cid: int, clock: ManualClock
) -> None:
    """Parking is no writing, and another flow or connection has records of its own."""
    async with store.write() as tx:
        other = (await connections.get_or_create(tx, "other")).connection_id
    told = [
        (cid, "created", "orders", "1"), (cid, "updated", "orders", "1"), (cid, "created", "orders", "2"),
        (cid, "parked", "orders", "2"), (cid, "updated", "products", "2"), (other, "updated", "orders", "2"),
    ]  # fmt: skip
    at: list[datetime] = []
    for connection_id, kind, flow, key in told:
        clock.advance(1)
        async with store.write() as tx:
            await audit.append(tx, connection_id, [Entry(kind, flow, key, {}, None)])
            at.append(tx.now)
    async with store.read() as tx:
        assert await audit.last_written(tx, cid, "orders", ["1", "2", "3"]) == {"1": at[1], "2": at[2]}
        assert await audit.last_written(tx, cid, "orders", []) == {}


async def test_an_untouched_chain_verifies_and_counts_its_rows(store: Store, chain: int) -> None:
    assert await verified(store, chain) == audit.Verification(
        ok=True, rows=15, first_bad=None, sentence="15 entries in 5 batches, chain unbroken."
    )


async def test_an_empty_chain_verifies(store: Store, cid: int) -> None:
    assert (await verified(store, cid)).ok


async def test_a_chain_longer_than_one_page_verifies(store: Store, cid: int) -> None:
    for number in range(audit.PAGE // 10 + 5):
        await write(store, cid, number, count=1)
    await write(store, cid, 1000, count=audit.PAGE + 5)
    result = await verified(store, cid)
    assert (result.ok, result.rows) == (True, audit.PAGE // 10 + 5 + audit.PAGE + 5)


EDITS: dict[str, Any] = {
    "payload": b'{"batch":9}',
    "kind": "created",
    "flow": "products",
    "key": "usmf:US-9",
    "run_id": None,
    "operation_id": "other",
    "subject_id": None,
    "mapping_version": 2,
    "batch_id": "other",
}


@pytest.mark.parametrize("column", EDITS)
async def test_an_edited_column_is_detected(store: Store, chain: int, column: str) -> None:
    await behind_its_back(store, update(ROWS).where(ROWS.c.seq == 8).values({column: EDITS[column]}))
    result = await verified(store, chain)
    assert (result.ok, result.first_bad) == (False, 7)
    assert "7 to 9" in result.sentence


async def test_an_edited_time_is_detected(store: Store, chain: int, clock: ManualClock) -> None:
    earlier = clock.now() - timedelta(microseconds=1)
    await behind_its_back(store, update(ROWS).where(ROWS.c.seq == 8).values(at=earlier))
    assert (await verified(store, chain)).first_bad == 7


@dataclass(frozen=True)
class Tampering:
    changes: list[Any]
    first_bad: int


def moved(table: Any, column: Any, old: int, new: int) -> Any:
    return update(table).where(column == old).values({column.name: new})


SEQ, FIRST = ROWS.c.seq, BATCHES.c.first_seq
TAMPERINGS = {
    "a row deleted": Tampering([delete(ROWS).where(SEQ == 8)], 8),
    "the first row deleted": Tampering([delete(ROWS).where(SEQ == 1)], 1),
    "a batch deleted, its rows left": Tampering([delete(BATCHES).where(FIRST == 7)], 7),
    "a batch deleted with its rows": Tampering(
        [delete(ROWS).where(SEQ.between(7, 9)), delete(BATCHES).where(FIRST == 7)], 7
    ),
    "two rows swapped in a batch": Tampering(
        [moved(ROWS, SEQ, 7, 99), moved(ROWS, SEQ, 8, 7), moved(ROWS, SEQ, 99, 8)], 7
    ),
    "two rows swapped between batches": Tampering(
        [moved(ROWS, SEQ, 4, 99), moved(ROWS, SEQ, 8, 4), moved(ROWS, SEQ, 99, 8)], 4
    ),
    "two batches swapped with their rows": Tampering(
        [
            *(moved(ROWS, SEQ, seq, seq + 100) for seq in (4, 5, 6)),
            *(moved(ROWS, SEQ, seq, seq - 3) for seq in (7, 8, 9)),
            *(moved(ROWS, SEQ, seq + 100, seq + 3) for seq in (4, 5, 6)),
            moved(BATCHES, FIRST, 4, 99), moved(BATCHES, FIRST, 7, 4), moved(BATCHES, FIRST, 99, 7),
        ],
        4,
    ),
    "the last row cut off": Tampering([delete(ROWS).where(SEQ == 15)], 15),
    "the last batch cut off": Tampering(
        [delete(ROWS).where(SEQ > 12), delete(BATCHES).where(FIRST > 12)], 13
    ),
    "everything cut off": Tampering([delete(ROWS), delete(BATCHES)], 1),
    "the head moved back": Tampering([update(HEAD).values(seq=12)], 12),
    "the head deleted": Tampering([delete(HEAD)], 1),
    "a batch hash edited": Tampering([update(BATCHES).where(FIRST == 7).values(hash=bytes(32))], 7),
    "a batch count edited": Tampering([update(BATCHES).where(FIRST == 7).values(count=2)], 7),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_detected_where_it_begins(store: Store, chain: int, name: str) -> None:
    await behind_its_back(store, *TAMPERINGS[name].changes)
    result = await verified(store, chain)
    assert (result.ok, result.first_bad) == (False, TAMPERINGS[name].first_bad), result.sentence


def forged(cid: int, seq: int, clock: ManualClock) -> Any:
    return insert(ROWS).values(
        connection_id=cid, seq=seq, batch_id="forged", kind="updated", flow="customers", key="usmf:US-1",
        at=clock.now(), payload=b"{}",
    )  # fmt: skip


async def test_an_entry_put_in_behind_the_end_is_detected(
    store: Store, chain: int, clock: ManualClock
) -> None:
    await behind_its_back(store, forged(chain, 16, clock))
    result = await verified(store, chain)
    assert (result.ok, result.first_bad) == (False, 16)


async def test_an_entry_put_in_between_is_detected(store: Store, chain: int, clock: ManualClock) -> None:
    """Rows make room for it, and the batch counts it."""
    room = [moved(ROWS, SEQ, seq, seq + 1) for seq in range(15, 8, -1)]
    first = [moved(BATCHES, FIRST, seq, seq + 1) for seq in (13, 10)]
    counted = update(BATCHES).where(FIRST == 7).values(count=4)
    end = update(HEAD).values(seq=16)
    await behind_its_back(store, *room, *first, counted, end, forged(chain, 9, clock))
    assert (await verified(store, chain)).first_bad == 7


async def test_an_entry_rewritten_together_with_its_batch_is_detected_by_the_batch_behind_it(
    store: Store, chain: int
) -> None:
    async with store.read() as tx:
        before = (await tx.connection.execute(select(BATCHES.c.hash).where(FIRST == 4))).scalar_one()
        batch = (await tx.connection.execute(select(BATCHES).where(FIRST == 7))).one()
        rows = [list(row) for row in await audit._rows(tx, chain, 7, 9)]
    rows[1][-1] = b'{"batch":9}'
    hashed = audit._chain(before, chain, batch.batch_id, batch.at, [tuple(row) for row in rows])
    edit = update(ROWS).where(SEQ == 8).values(payload=rows[1][-1])
    await behind_its_back(store, edit, update(BATCHES).where(FIRST == 7).values(hash=hashed))
    result = await verified(store, chain)
    assert (result.ok, result.first_bad) == (False, 10)


stored_rows = st.lists(
    st.tuples(
        st.integers(0, 99), st.text(max_size=3), st.none() | st.text(max_size=3), st.binary(max_size=4)
    ),
    max_size=3,
)


@given(stored_rows, stored_rows)
@example([(1, "a", None, b'[2,"b",null,0]')], [(1, "a", None, b""), (2, "b", None, b"")])
def test_different_rows_never_share_a_hash(one: list[Any], other: list[Any]) -> None:
    """No byte can move from one column, row or payload into the next."""

    def hashed(rows: list[Any]) -> bytes:
        return audit._chain(audit.FIRST_HASH, 1, "b", NOON, rows)

    assert (hashed(one) == hashed(other)) == (one == other)


async def test_a_tail_cut_together_with_its_head_is_detected_by_a_head_noted_earlier(
    store: Store, chain: int
) -> None:
    async with store.read() as tx:
        noted = await audit.head(tx, chain)
        before = (await tx.connection.execute(select(BATCHES.c.hash).where(FIRST == 10))).scalar_one()
    assert (await verified(store, chain, noted)).ok
    cut = [delete(ROWS).where(SEQ > 12), delete(BATCHES).where(FIRST > 12)]
    await behind_its_back(store, *cut, update(HEAD).values(seq=12, hash=before))
    assert (await verified(store, chain)).ok  # by itself the chain cannot know
    result = await verified(store, chain, noted)
    assert (result.ok, result.first_bad) == (False, 13)


async def test_a_chain_written_anew_is_detected_by_a_head_noted_earlier(store: Store, chain: int) -> None:
    async with store.read() as tx:
        noted = await audit.head(tx, chain)
    await behind_its_back(
        store, delete(ROWS), delete(BATCHES), update(HEAD).values(seq=0, hash=audit.FIRST_HASH)
    )
    for number in range(5):
        await write(store, chain, number + 100)
    assert (await verified(store, chain)).ok
    result = await verified(store, chain, noted)
    assert (result.ok, result.first_bad) == (False, 13)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mlc_audit SET kind = 'x'",
        "UPDATE mlc_audit_batch SET count = 1",
        "DELETE FROM mlc_audit",
        "DELETE FROM mlc_audit_batch",
    ],
)
async def test_the_database_refuses_to_change_the_audit(store: Store, chain: int, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with store.write() as tx:
            await tx.connection.execute(text(statement))
    assert (await verified(store, chain)).ok


async def test_the_database_refuses_to_empty_or_replace_the_audit(store: Store, chain: int) -> None:
    """PostgreSQL can TRUNCATE, SQLite can INSERT OR REPLACE: neither asks a delete trigger."""
    async with store.read() as tx:
        dialect = tx.dialect
    for table in ("mlc_audit", "mlc_audit_batch"):
        replace = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"  # noqa: S608 - our own names
        with pytest.raises(DBAPIError, match="append-only"):
            async with store.write() as tx:
                await tx.connection.execute(text(f"TRUNCATE {table}" if dialect == "postgresql" else replace))
    assert (await verified(store, chain)).ok


async def test_a_permit_lets_whole_old_segments_go_and_the_rest_still_verifies(
    store: Store, chain: int, clock: ManualClock
) -> None:
    async with store.write() as tx:
        anchor = (await tx.connection.execute(select(BATCHES.c.hash).where(FIRST == 4))).scalar_one()
        permit = insert(tables.audit_permit).values(
            connection_id=chain, through_seq=6, anchor=anchor, granted_by="test", granted_at=clock.now()
        )
        await tx.connection.execute(permit)
        await tx.connection.execute(delete(ROWS).where(SEQ <= 6))
        await tx.connection.execute(delete(BATCHES).where(FIRST <= 6))
    with pytest.raises(DBAPIError, match="append-only"):
        async with store.write() as tx:
            await tx.connection.execute(delete(ROWS).where(SEQ <= 7))
    result = await verified(store, chain)
    assert (result.ok, result.rows) == (True, 9)


async def test_one_transaction_is_one_batch_and_a_rollback_leaves_nothing(store: Store, cid: int) -> None:
    async def fail() -> None:
        async with store.write() as tx:
            await audit.append(tx, cid, [Entry("k", "f", "a", {}, None)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.write() as tx:
        first = await audit.append(tx, cid, [Entry("k", "f", "a", {}, None)])
        await audit.append(tx, cid, [])
        second = await audit.append(tx, cid, [Entry("k", "f", "b", {}, None)])
    assert first == second
    async with store.read() as tx:
        stories = [*await audit.story(tx, cid, "f", "a"), *await audit.story(tx, cid, "f", "b")]
        assert [(row.seq, row.key, row.batch_id) for row in stories] == [(1, "a", first), (2, "b", first)]
        assert (await audit.head(tx, cid)).seq == 2
    async with store.write() as tx:
        await audit.append(tx, cid, [])
    assert (await verified(store, cid)).sentence == "2 entries in 1 batches, chain unbroken."


async def test_payloads_are_canonical_json_with_exact_decimals(store: Store, cid: int) -> None:
    payload = {"b": Decimal("1E+2"), "a": [Decimal("0.10"), "ü"], "hash": b"\x01\xff", "none": None}
    async with store.write() as tx:
        await audit.append(tx, cid, [Entry("k", "f", "a", payload, "r", "o", 3, "s")])
    async with store.read() as tx:
        (row,) = await audit.story(tx, cid, "f", "a")
    assert row.payload == '{"a":["0.10","ü"],"b":"100","hash":"01ff","none":null}'.encode()
    assert (row.run_id, row.operation_id, row.mapping_version, row.subject_id) == ("r", "o", 3, "s")


async def test_a_story_is_the_newest_entries_of_one_record_oldest_first(store: Store, chain: int) -> None:
    async with store.read() as tx:
        rows = await audit.story(tx, chain, "customers", "usmf:US-1", limit=2)
        assert [row.seq for row in rows] == [11, 14]
        assert [row.seq for row in await audit.of_run(tx, chain, "run-2")] == [7, 8, 9]
        assert [row.seq for row in await audit.of_run(tx, chain, "run-2", after=7, limit=1)] == [8]
