"""What every test may lean on: surroundings that never surprise, and a store on each database.

PostgreSQL is a real server, started once a session when the first test asks for it. Its tests follow each other in
one database that the migrations made, emptied before each.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_connector.domain.clock import Surroundings
from ml_connector.store.database import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

MASTER_KEY = bytes(range(32))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EMPTY = """
    SET lock_timeout = '10s';
    SET session_replication_role = replica;  -- silences the triggers that keep the audit
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'mlc_schema' LOOP
            EXECUTE 'DELETE FROM ' || name;
        END LOOP;
        FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
            EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
        END LOOP;
    END $$"""


MEMORY = Path("/dev/shm")  # noqa: S108 - files of one session, thrown away with it
ROOM = 2_000_000_000  # bytes that all tests together do not fill


def pytest_configure(config: pytest.Config) -> None:
    """Keep the files of tests in memory where there is room: their data need not survive a power cut."""
    if config.option.basetemp is None and "PYTEST_DEBUG_TEMPROOT" not in os.environ and _has_room(MEMORY):
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)  # pytest's own word for where tmp_path lies
        tempfile.tempdir = str(MEMORY)


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until a test moves it."""

    at: datetime = NOON
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.at

    def elapsed_s(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.elapsed += seconds


@dataclass(slots=True)
class Ids:
    """Ids that count: ``id-000001``."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self) -> str:
        return f"id-{next(self.numbers):06}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def around(clock: ManualClock) -> Surroundings:
    """The same chance, ids and time in every run."""
    chance = random.Random(7)  # noqa: S311 - repeatable on purpose
    return Surroundings(clock=clock, rng=chance, new_id=Ids(), random_bytes=chance.randbytes)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    asyncio.run(_build(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Callable[[str], str]]:
    """A running PostgreSQL: gives the URL of a database by its name, which is made when it is new."""
    if TYPE_CHECKING:
        from tests import postgres
    else:
        import postgres  # pytest puts this folder on the path; mypy names its modules from the root

    folder = Path(tempfile.mkdtemp(prefix="mlc-pg-"))
    try:
        _forget_durability(postgres.start(folder, "postgres"))
        yield lambda database: postgres.start(folder, database)
    finally:
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_migrated(postgresql_server: Callable[[str], str]) -> str:
    """The URL of the database that one test after the other uses, with the newest schema."""
    url = postgresql_server("mlc_tests")
    asyncio.run(_build(url))
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; every test that leans on it runs on both."""
    return str(request.param)


@pytest.fixture
def store_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, empty, migrated database."""
    if database == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url: str = request.getfixturevalue("postgresql_migrated")
    _on_server(url, EMPTY)
    yield url


@pytest.fixture
async def store(store_url: str, around: Surroundings) -> AsyncIterator[Store]:
    """An open, unlocked store, on SQLite and on PostgreSQL."""
    opened = await Store.open(store_url, around=around)
    await opened.unlock(MASTER_KEY)
    yield opened
    await opened.close()


async def _build(url: str) -> None:
    chance = random.Random(1)  # noqa: S311 - nothing secret is made
    around = Surroundings(clock=ManualClock(), rng=chance, new_id=Ids(), random_bytes=chance.randbytes)
    await (await Store.open(url, around=around, migrate=True)).close()


def _on_server(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _forget_durability(url: str) -> None:
    """A test's data need not survive a power cut; commits are then quick."""
    settings = ("fsync", "synchronous_commit", "full_page_writes")
    _on_server(url, *(f"ALTER SYSTEM SET {name} = off" for name in settings), "SELECT pg_reload_conf()")
