"""Processes and operations: what must happen once is stored with its exact bytes, sealed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from ml_connector.store import connections, operations, processes, tables
from ml_connector.store.database import Store, StoreError

if TYPE_CHECKING:
    from tests.conftest import ManualClock

    from ml_connector.store.processes import ProcessState
    from ml_connector.store.vault import Vault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEAL = processes.Process(
    "p1", "orders", "deals/1", 1, "waiting", "gather", "none", NOON, NOON,
    snapshot=b"frozen", snapshot_hash=b"hash", draft=b"draft", result={"order": "SO-1"}, updated_at=NOON,
)  # fmt: skip
HEADER = operations.Operation(
    "o1", "p1", "header", "HS-1-1", "usmf", 1, b'{"exact": "bytes"}', b"hash", "intended", 1,
    NOON + timedelta(seconds=30), fence=7, detail={"note": ""},
)  # fmt: skip


async def test_a_process_comes_back_whole_and_its_newest_revision_is_found(
    store: Store, cid: int, vault: Vault
) -> None:
    revised = replace(DEAL, process_id="p2", revision=2, snapshot=None, draft=None)
    async with store.write() as tx:
        await processes.put(tx, cid, DEAL, vault)
        await processes.put(tx, cid, revised, vault)
        await processes.put(tx, cid, replace(DEAL, state="done"), vault)
    async with store.read() as tx:
        assert await processes.get(tx, cid, "p1", vault) == replace(DEAL, state="done")
        assert await processes.get(tx, cid, "p9", vault) is None
        assert await processes.find(tx, cid, "orders", "deals/1", vault) == revised
        assert await processes.find(tx, cid, "orders", "deals/9", vault) is None


async def test_of_two_workers_that_begin_one_subject_at_once_one_does(
    store: Store, cid: int, vault: Vault
) -> None:
    """The other one is told, and fails not."""

    async def begin(process_id: str) -> bool:
        async with store.write() as tx:
            begun = await processes.begin(tx, cid, replace(DEAL, process_id=process_id), vault)
            await asyncio.sleep(0)
            return begun

    assert sorted(await asyncio.gather(begin("p1"), begin("p2"))) == [False, True]
    async with store.read() as tx:
        assert len(await processes.list(tx, cid, "orders", None, 10, vault)) == 1


@pytest.mark.parametrize("state", ["waiting", "parked", "done"])
async def test_a_process_is_due_once_its_time_has_come_and_never_without_one(
    store: Store, cid: int, vault: Vault, state: ProcessState
) -> None:
    """One that is parked or done has a time when its subject moved since: it is looked at again."""
    async with store.write() as tx:
        hour = timedelta(hours=1)
        for n, due_at in enumerate((NOON, NOON - hour, NOON + hour, None)):
            row = replace(DEAL, process_id=f"p{n}", subject=f"deals/{n}", state=state, due_at=due_at)
            await processes.put(tx, cid, row, vault)
    async with store.read() as tx:
        due = await processes.due(tx, cid, "orders", NOON, 10, vault)
        assert [row.process_id for row in due] == ["p1", "p0"]
        assert len(await processes.due(tx, cid, "orders", NOON, 1, vault)) == 1


async def test_processes_are_listed_by_state_latest_change_first(
    store: Store, cid: int, vault: Vault, clock: ManualClock
) -> None:
    states: tuple[ProcessState, ...] = ("waiting", "parked", "done")
    for n, state in enumerate(states):
        clock.advance(1)
        async with store.write() as tx:
            row = replace(DEAL, process_id=f"p{n}", subject=f"deals/{n}", state=state)
            await processes.put(tx, cid, row, vault)
    async with store.read() as tx:
        everything = await processes.list(tx, cid, "orders", None, 10, vault)
        assert [row.process_id for row in everything] == ["p2", "p1", "p0"]
        chosen = await processes.list(tx, cid, "orders", ["waiting", "parked"], 10, vault)
        assert [row.process_id for row in chosen] == ["p1", "p0"]


async def test_subjects_that_are_done_come_in_pages_in_their_order_by_their_newest_revision(
    store: Store, cid: int, vault: Vault
) -> None:
    async with store.write() as tx:
        states: tuple[ProcessState, ...] = ("done", "done", "parked", "done", "done")
        for number, state in enumerate(states):
            row = replace(DEAL, process_id=f"p{number}", subject=f"{10 - number}", state=state)
            await processes.put(tx, cid, row, vault)
        again = replace(DEAL, process_id="again", subject="7", revision=2, state="waiting")
        await processes.put(tx, cid, again, vault)
        other = (await connections.get_or_create(tx, "other")).connection_id
        await processes.put(tx, other, replace(DEAL, process_id="else", subject="9", state="done"), vault)
    async with store.read() as tx:
        first = await processes.finished(tx, cid, "orders", after="", limit=2)
        assert first == [("10", {"order": "SO-1"}), ("6", {"order": "SO-1"})]
        assert await processes.finished(tx, cid, "orders", after="6", limit=2) == [("9", {"order": "SO-1"})]
        asked = await processes.finished_of(tx, cid, "orders", ["9", "8", "7", "5"])
        assert [row.subject for row in asked] == ["9"]


async def test_an_operation_keeps_its_exact_bytes_while_its_state_changes(
    store: Store, cid: int, vault: Vault
) -> None:
    later = NOON + timedelta(minutes=15)
    async with store.write() as tx:
        await operations.put(tx, cid, HEADER, vault)
        await operations.update(tx, cid, "o1", state="unknown", settle_until=later, fence=8)
        await operations.update(tx, cid, "o1", attempt=2)
    async with store.read() as tx:
        assert await operations.get(tx, cid, "o1", vault) == replace(
            HEADER, state="unknown", settle_until=later, fence=8, attempt=2
        )
        assert await operations.get(tx, cid, "o2", vault) is None
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await operations.update(tx, cid, "o2", state="done")


async def test_operations_of_a_process_keep_the_order_they_were_stored_in(
    store: Store, cid: int, vault: Vault
) -> None:
    async with store.write() as tx:
        for operation_id in ("o9", "o1", "o5"):
            await operations.put(tx, cid, replace(HEADER, operation_id=operation_id), vault)
        await operations.put(tx, cid, replace(HEADER, operation_id="o9", state="done"), vault)
        await operations.put(tx, cid, replace(HEADER, operation_id="o3", process_id="p2"), vault)
    async with store.read() as tx:
        stored = await operations.of_process(tx, cid, "p1", vault)
    assert [(row.operation_id, row.state) for row in stored] == [
        ("o9", "done"), ("o1", "intended"), ("o5", "intended"),
    ]  # fmt: skip


async def test_payload_snapshot_and_draft_lie_sealed_in_their_tables(
    store: Store, cid: int, vault: Vault
) -> None:
    async with store.write() as tx:
        await operations.put(tx, cid, HEADER, vault)
        await processes.put(tx, cid, DEAL, vault)
    async with store.read() as tx:
        payload = (await tx.connection.execute(select(tables.operation.c.payload))).scalar_one()
        row = (await tx.connection.execute(select(tables.process.c.snapshot, tables.process.c.draft))).one()
    assert b"exact" not in payload
    assert b"frozen" not in row.snapshot
    assert b"draft" not in row.draft
