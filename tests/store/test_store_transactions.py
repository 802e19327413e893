"""A transaction is whole or nothing, writers wait for each other, and the database can be driven without a thread."""

from __future__ import annotations

import asyncio
import heapq
import shutil
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from ml_connector.errors import ConfigurationError, UnavailableError
from ml_connector.store import audit, connections, database, engines, flows, sqlite, tables
from ml_connector.store.database import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.domain.clock import Surroundings

ENTRY = audit.Entry("k", "f", "a", {}, None)


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A fresh, migrated SQLite file."""
    return Path(shutil.copy(sqlite_template, tmp_path / "store.db"))


async def count_up(store: Store, cid: int, times: int) -> None:
    """Read a number, and write the next one, in one transaction each time."""
    for _ in range(times):
        async with store.write() as tx:
            row = await flows.get(tx, cid, "customers")
            await asyncio.sleep(0)
            number = int(row.paused_reason or "0") + 1
            await flows.put(tx, cid, flows.FlowRow("customers", paused_reason=str(number)))
            await audit.append(tx, cid, [ENTRY])


async def counted(store: Store, cid: int) -> int:
    async with store.read() as tx:
        return int((await flows.get(tx, cid, "customers")).paused_reason)


async def test_a_failed_transaction_leaves_nothing(store: Store, cid: int) -> None:
    async def fail() -> None:
        async with store.write() as tx:
            await flows.put(tx, cid, flows.FlowRow("customers", "on"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.read() as tx:
        assert (await flows.get(tx, cid, "customers")).state == "off"


async def test_a_cancelled_transaction_leaves_nothing_and_the_next_one_works(store: Store, cid: int) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with store.write() as tx:
            await flows.put(tx, cid, flows.FlowRow("customers", "on"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await count_up(store, cid, 1)
    async with store.read() as tx:
        assert (await flows.get(tx, cid, "customers")).state == "off"


async def test_a_read_cannot_write(store: Store, cid: int) -> None:
    async with store.read() as tx:
        with pytest.raises((DBAPIError, UnavailableError), match=r"read-only|readonly"):
            await tx.connection.execute(insert(tables.flow), _flow_row(cid))


def _flow_row(cid: int) -> dict[str, Any]:
    return {"connection_id": cid, "flow": "f", "state": "on", "paused_reason": "", "loaded": False}


async def test_checkers_run_after_each_commit_and_only_then(store: Store, cid: int) -> None:
    seen: list[str] = []
    store.after_commit.append(lambda: seen.append("commit"))
    async with store.write() as tx:
        await flows.put(tx, cid, flows.FlowRow("customers", "on"))
        assert seen == []
    assert seen == ["commit"]
    with pytest.raises(ConfigurationError):
        async with store.write() as tx:
            raise ConfigurationError("no")
    async with store.read() as tx:
        await flows.get(tx, cid, "customers")
    assert seen == ["commit"]


async def test_writers_of_one_process_follow_each_other_on_sqlite(path: Path, around: Surroundings) -> None:
    store = await opened(path, around)
    cid = await connected(store)
    await asyncio.gather(*(count_up(store, cid, 10) for _ in range(5)))
    assert await counted(store, cid) == 50
    await store.close()


async def test_two_stores_on_one_sqlite_file_lose_no_commit(path: Path, around: Surroundings) -> None:
    """Without SQLite's own waiting, as in a simulation: only our retries are between them."""
    first, second = [await opened(path, around, wait_s=0.0) for _ in range(2)]
    cid = await connected(first)
    await asyncio.gather(count_up(first, cid, 40), count_up(second, cid, 40))
    assert await counted(second, cid) == 80
    async with first.read() as tx:
        assert (await audit.verify(tx, cid)).rows == 80
    await first.close()
    await second.close()


PROCESS = """
import asyncio, itertools, random, sys
sys.path[:0] = [sys.argv[3], sys.argv[4]]
from conftest import Ids, ManualClock
from test_store_transactions import connected, count_up
from ml_connector.domain.clock import Surroundings
from ml_connector.store.database import Store

async def main():
    chance = random.Random(int(sys.argv[2]))
    around = Surroundings(ManualClock(), chance, Ids(), chance.randbytes)
    store = await Store.open(sys.argv[1], around=around)
    await count_up(store, await connected(store), 60)
    await store.close()

asyncio.run(main())
"""


async def test_two_processes_on_one_sqlite_file_lose_no_commit(path: Path, around: Surroundings) -> None:
    store = await opened(path, around)
    cid = await connected(store)
    here = Path(__file__).parent
    command = [sys.executable, "-c", PROCESS, f"sqlite:///{path}"]
    writers = [subprocess.Popen([*command, seed, str(here.parent), str(here)]) for seed in ("1", "2")]  # noqa: ASYNC220 - only started here
    codes = [await asyncio.to_thread(writer.wait) for writer in writers]
    assert codes == [0, 0]
    assert await counted(store, cid) == 120
    async with store.read() as tx:
        verified = await audit.verify(tx, cid)
    assert (verified.ok, verified.rows) == (True, 120)
    await store.close()


async def test_two_stores_on_postgresql_share_one_unbroken_audit_chain(
    postgresql_server: Callable[[str], str], around: Surroundings
) -> None:
    url = postgresql_server("mlc_shared")
    stores = [await Store.open(url, around=around, migrate=True) for _ in range(2)]
    cid = await connected(stores[0])

    async def append(store: Store) -> None:
        for _ in range(30):
            async with store.write() as tx:
                await audit.append(tx, cid, [ENTRY, ENTRY])

    await asyncio.gather(*(append(store) for store in stores * 2))
    async with stores[0].read() as tx:
        verified = await audit.verify(tx, cid)
    assert (verified.ok, verified.rows) == (True, 240)
    for store in stores:
        await store.close()


async def test_a_commit_refused_because_of_a_reader_is_tried_again(path: Path, around: Surroundings) -> None:
    store = await opened(path, around, wait_s=0.0)
    cid = await connected(store)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM mlc_connection").fetchall()  # holds a shared lock from here on
    asyncio.get_running_loop().call_later(0.2, reader.rollback)
    await count_up(store, cid, 1)
    assert await counted(store, cid) == 1
    reader.close()
    await store.close()


async def test_a_database_that_stays_locked_is_said_to_be(
    path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.1)
    store = await opened(path, around, wait_s=0.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="kept the database locked"):
        await connected(store)
    other.rollback()
    other.close()
    assert await connected(store) == 1
    await store.close()


async def test_a_full_disk_stops_writing_keeps_what_is_there_and_says_so(
    path: Path, around: Surroundings
) -> None:
    store = await opened(path, around, pragmas=("PRAGMA max_page_count=60",))
    cid = await connected(store)
    await count_up(store, cid, 1)
    with pytest.raises(UnavailableError, match="disk of the database is full"):
        async with store.write() as tx:
            await audit.append(tx, cid, [audit.Entry("k", "f", "a", {"big": "x" * 300_000}, None)])
    assert await counted(store, cid) == 1
    async with store.read() as tx:
        assert (await audit.verify(tx, cid)).rows == 1
    await store.close()


async def opened(
    path: Path, around: Surroundings, *, wait_s: float | None = None, pragmas: tuple[str, ...] = ()
) -> Store:
    """A SQLite store; with ``wait_s`` or ``pragmas``, over connections of its own kind."""
    settings = (*engines.PRAGMAS, "PRAGMA journal_mode=delete", *pragmas)
    creator = partial(sqlite.connect, path, wait_s=wait_s or 0.0, pragmas=settings)
    own = wait_s is not None or pragmas
    return await Store.open(f"sqlite:///{path}", around=around, async_creator=creator if own else None)


async def connected(store: Store) -> int:
    async with store.write() as tx:
        return (await connections.get_or_create(tx, "default")).connection_id


class ThreadlessLoop(asyncio.BaseEventLoop):
    """A loop on virtual time that no thread can wake."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0
        self._selector = self

    def time(self) -> float:
        return self._virtual

    def select(self, timeout: float | None) -> list[Any]:
        assert timeout is not None, "nothing is ready and nothing is scheduled"
        if timeout > 0:
            self._virtual = heapq.nsmallest(1, self._scheduled)[0]._when  # type: ignore[attr-defined]
        return []

    def _process_events(self, events: list[Any]) -> None:
        assert not events

    def _write_to_self(self) -> None:
        raise AssertionError("a thread woke the loop")


class InPlace:
    """Work done at once; every piece is a place where a simulation could crash."""

    def __init__(self, seams: list[str]) -> None:
        self.seams = seams

    async def __call__(self, work: Callable[[], Any]) -> Any:
        self.seams.append("work")
        await asyncio.sleep(0.001)
        return work()

    def stop(self) -> None:
        pass


def test_the_store_runs_on_a_loop_without_threads_or_real_time(path: Path, around: Surroundings) -> None:
    """As the simulation drives it: connections handed in, two workers, every statement a seam."""
    seams: list[str] = []

    async def creator(*_: Any, **__: Any) -> sqlite.Connection:
        return await sqlite.connect(
            path, wait_s=0, pragmas=["PRAGMA synchronous=OFF"], carry_out=InPlace(seams)
        )

    async def story() -> int:
        stores = [
            await Store.open(f"sqlite:///{path}", around=around, async_creator=creator) for _ in range(2)
        ]
        cid = await connected(stores[0])
        await asyncio.gather(*(count_up(store, cid, 5) for store in stores))
        number = await counted(stores[0], cid)
        for store in stores:
            await store.close()
        return number

    loop = ThreadlessLoop()
    try:
        assert loop.run_until_complete(story()) == 10
    finally:
        loop.close()
    assert len(seams) > 50
