"""The schema: one step, one transaction; killed half-way it is done again; what does not fit is refused."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ml_connector.errors import ConfigurationError, UnavailableError
from ml_connector.store import audit, connections, engines, links, parked, schema, tables
from ml_connector.store.database import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ml_connector.domain.clock import Surroundings

DUMPS = Path(__file__).parent / "dumps"
MASTER_KEY = bytes(range(32))


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that holds nothing yet."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path}/fresh.db"
    server: Callable[[str], str] = request.getfixturevalue("postgresql_server")
    return server(f"mlc_fresh_{abs(hash(request.node.name)):x}")


def test_the_revisions_known_are_the_migrations_there_are() -> None:
    script = ScriptDirectory(str(schema.MIGRATIONS))
    in_order = [revision.revision for revision in script.walk_revisions()][::-1]
    assert tuple(in_order) == schema.REVISIONS


async def test_the_migrations_leave_exactly_the_tables_the_code_knows(store: Store) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "version_table": schema.VERSION_TABLE}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata))

    async with store.read() as tx:
        assert await tx.connection.run_sync(differences) == []


async def test_identifiers_sort_by_their_bytes_on_postgresql(
    postgresql_migrated: str, around: Surroundings
) -> None:
    """SQLite does so unasked; keyset pages of both, and of Python, must agree on what comes next."""
    store = await Store.open(postgresql_migrated, around=around)
    async with store.read() as tx:
        query = """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE collation_name = 'C' AND table_schema = 'public'"""
        stored = {tuple(row) for row in await tx.connection.execute(text(query))}
    await store.close()
    columns = [column for table in tables.metadata.tables.values() for column in table.c]
    assert stored == {(column.table.name, column.name) for column in columns if column.type is tables.Name}


async def test_upgrading_again_changes_nothing(empty_url: str, around: Surroundings) -> None:
    for _ in range(2):
        store = await Store.open(empty_url, around=around, migrate=True)
        async with store.write() as tx:
            await connections.get_or_create(tx, "default")
        await store.close()
    store = await Store.open(empty_url, around=around)
    async with store.read() as tx:
        assert len(await connections.all(tx)) == 1
    await store.close()


async def test_many_processes_may_upgrade_at_once(empty_url: str, around: Surroundings) -> None:
    stores = await asyncio.gather(*(Store.open(empty_url, around=around, migrate=True) for _ in range(3)))
    async with stores[2].read() as tx:
        assert await schema.revision(tx.connection) == schema.REVISIONS[-1]
    for store in stores:
        await store.close()


KILLED = """
import asyncio, random, sys, time
sys.path.insert(0, sys.argv[2])
from conftest import Ids, ManualClock
from ml_connector.domain.clock import Surroundings
from ml_connector.store import schema
from ml_connector.store.database import Store

whole = schema.apply
def apply_and_hang(connection, step):
    whole(connection, step)
    print("applied", flush=True)  # every statement is done, nothing is committed
    time.sleep(600)
schema.apply = apply_and_hang
chance = random.Random(1)
around = Surroundings(ManualClock(), chance, Ids(), chance.randbytes)
asyncio.run(Store.open(sys.argv[1], around=around, migrate=True))
"""


async def test_a_migration_killed_half_way_is_simply_done_again(empty_url: str, around: Surroundings) -> None:
    command = [sys.executable, "-c", KILLED, empty_url, str(Path(__file__).parent.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - the test waits for it
        assert process.stdout is not None
        assert process.stdout.readline() == b"applied\n"
        process.kill()
    with pytest.raises(ConfigurationError, match="empty"):
        await Store.open(empty_url, around=around)
    store = await Store.open(empty_url, around=around, migrate=True)
    async with store.write() as tx:
        cid = (await connections.get_or_create(tx, "default")).connection_id
        await audit.append(tx, cid, [audit.Entry("k", "f", "a", {}, None)])
    await store.close()


async def test_an_empty_database_is_refused_with_the_command(empty_url: str, around: Surroundings) -> None:
    if empty_url.startswith("sqlite"):
        sqlite3.connect(empty_url.removeprefix("sqlite:///")).execute("VACUUM").connection.close()
    with pytest.raises(ConfigurationError, match="empty") as refused:
        await Store.open(empty_url, around=around)
    assert refused.value.hint == "Run: ml-connector init"


@pytest.mark.parametrize("migrate", [False, True])
async def test_a_newer_database_is_refused_and_left_alone(
    store: Store, store_url: str, around: Surroundings, *, migrate: bool
) -> None:
    async with store.write() as tx:
        await tx.connection.execute(text("UPDATE mlc_schema SET version_num = '9999'"))
    try:
        with pytest.raises(ConfigurationError, match="written by a newer ml-connector"):
            await Store.open(store_url, around=around, migrate=migrate)
        async with store.read() as tx:
            assert await schema.revision(tx.connection) == "9999"
    finally:
        async with store.write() as tx:
            await tx.connection.execute(text(f"UPDATE mlc_schema SET version_num = '{schema.REVISIONS[-1]}'"))  # noqa: S608


async def test_an_older_database_is_refused_with_the_command(
    store_url: str, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0999"))
    with pytest.raises(ConfigurationError, match="this ml-connector needs 0999") as refused:
        await Store.open(store_url, around=around)
    assert "ml-connector db upgrade" in refused.value.hint


async def test_a_missing_sqlite_file_is_not_made_by_looking(tmp_path: Path, around: Surroundings) -> None:
    with pytest.raises(ConfigurationError, match="There is no database") as refused:
        await Store.open(f"sqlite:///{tmp_path}/none.db", around=around)
    assert refused.value.hint == "Run: ml-connector init"
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no file modes")
async def test_a_new_sqlite_file_is_for_its_owner_only(tmp_path: Path, around: Surroundings) -> None:
    await (await Store.open(f"sqlite:///{tmp_path}/new/store.db", around=around, migrate=True)).close()
    assert (tmp_path / "new" / "store.db").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, around: Surroundings
) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    before = path.read_bytes()
    for migrate in (False, True):
        with pytest.raises(ConfigurationError, match="damaged or is not a database"):
            await Store.open(f"sqlite:///{path}", around=around, migrate=migrate)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root:pass-canary@host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://host:port/db",
    ],
)
async def test_an_address_that_names_no_database_is_refused(url: str, around: Surroundings) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///PATH") as refused:
        await Store.open(url, around=around)
    assert "pass-canary" not in str(refused.value)


async def test_a_postgresql_that_does_not_answer_is_unavailable(tmp_path: Path, around: Surroundings) -> None:
    with pytest.raises(UnavailableError, match="did not answer") as refused:
        await Store.open(f"postgresql://someone:pass-canary@/db?host={tmp_path}", around=around)
    assert "pass-canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "delete"), ((3, 44, 5), "delete"), ((3, 44, 6), "wal"), ((3, 45, 0), "delete"),
        ((3, 50, 6), "delete"), ((3, 50, 7), "wal"), ((3, 51, 0), "delete"), ((3, 51, 2), "delete"),
        ((3, 51, 3), "wal"), ((3, 52, 0), "wal"), ((4, 0, 0), "wal"),
    ],
)  # fmt: skip
def test_a_write_ahead_log_is_used_only_where_it_loses_nothing(version: tuple[int, ...], mode: str) -> None:
    assert engines.journal_mode(version) == mode


async def test_sqlite_waits_for_the_disk_and_journals_as_its_version_allows(
    sqlite_template: Path, tmp_path: Path, around: Surroundings
) -> None:
    path = shutil.copy(sqlite_template, tmp_path / "store.db")
    store = await Store.open(f"sqlite:///{path}", around=around)
    async with store.write() as tx:
        assert (await tx.connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2
        mode = (await tx.connection.exec_driver_sql("PRAGMA journal_mode")).scalar()
    assert mode == engines.journal_mode(sqlite3.sqlite_version_info)
    await store.close()


async def test_a_database_of_the_first_revision_upgrades_and_keeps_everything(
    empty_url: str, request: pytest.FixtureRequest, around: Surroundings
) -> None:
    """The dumps were written by ``write_dumps.py`` when the revision was the newest."""
    kind = "sqlite" if empty_url.startswith("sqlite") else "postgresql"
    restore((DUMPS / f"0001.{kind}.sql").read_text("utf-8"), empty_url)
    store = await Store.open(empty_url, around=around, migrate=True)
    vault = await store.unlock(MASTER_KEY)
    async with store.read() as tx:
        known = await connections.get(tx, "default")
        assert known is not None
        cid = known.connection_id
        assert await connections.secret(tx, cid, "dynamics.client_secret", vault) == "dumped secret"
        assert (await links.heads(tx, cid, "customers", ["usmf:US-001"]))["usmf:US-001"].target_id == "9001"
        assert [row.key for row in await parked.list(tx, cid)] == ["usmf:US-002"]
        assert (await audit.verify(tx, cid)).sentence == "2 entries in 2 batches, chain unbroken."
    async with store.write() as tx:
        await audit.append(tx, cid, [audit.Entry("k", "f", "a", {}, None)])
    await store.close()


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def restore(dump: str, url: str) -> None:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.executescript(dump)
        connection.close()
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as server:
        server.execute(dump.encode())
