"""The processes that serve, and whether they still live: each holds a lock that goes with it, however it ends.

On PostgreSQL an advisory lock of a session of its own, whose keepalives notice a host that is gone; on SQLite a lock on
a file beside the database, which one process at a time can hold.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ml_connector.errors import ConfigurationError, UnavailableError
from ml_connector.store import tables
from ml_connector.store.engines import in_our_words, read_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.store.database import Tx

CLASS = 50632200  # of our advisory locks: any number, the same in every process
KEEPALIVE = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
ASKING_S = 2.0  # a command that asks whether somebody serves holds the lock for a moment
_SERVER = {"tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3}
SERVER_KEEPALIVE = " ".join(f"-c {name}={value}" for name, value in _SERVER.items())


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One process that serves. ``number`` names its lock, ``name`` its host and process."""

    worker_id: str
    number: int
    name: str
    started_at: datetime
    seen_at: datetime


_c = tables.worker.c
_COLUMNS = [_c[name] for name in WorkerRow.__slots__]


class Life:
    """The lock of this process. ``still_held`` asks the server; a file cannot be lost."""

    def __init__(self, connection: AsyncConnection | None) -> None:
        self._connection = connection

    async def still_held(self) -> bool:
        """Whether the others can see that this process lives."""
        if self._connection is None:
            return True
        try:
            return bool((await self._connection.execute(select(1))).scalar_one())
        except (DBAPIError, OSError):
            return False


@asynccontextmanager
async def living(url: str, number: int, name: str) -> AsyncIterator[Life]:
    """Hold the lock of this process until the block is left.

    Raises:
        AnotherServesError: on SQLite another process serves already; the sentence names it.
        UnavailableError: the database does not answer.
    """
    address = read_url(url)
    if address.get_backend_name() == "sqlite":
        with _file_of(Path(address.database or ""), name):
            yield Life(None)
        return
    engine = create_async_engine(
        address,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={**KEEPALIVE, "options": SERVER_KEEPALIVE},
    )
    try:
        with in_our_words():
            async with engine.connect() as connection:
                query = select(func.pg_try_advisory_lock(CLASS, number))
                if not (await connection.execute(query)).scalar_one():
                    raise UnavailableError(
                        "The lock of this process is taken; start it again.", code="serve.lock"
                    )
                yield Life(connection)
    finally:
        await engine.dispose()


class AnotherServesError(ConfigurationError):
    """A second process wants to serve one SQLite database."""

    code = "serve.another"


class _file_of:  # noqa: N801 - reads as the words it stands for
    """The lock file beside a SQLite database, with the name of its holder in it."""

    def __init__(self, database: Path, name: str) -> None:
        self._lock = FileLock(lock_path(database))
        self._holder = holder_path(database)
        self._name = name

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=ASKING_S)
        except Timeout:
            raise AnotherServesError(
                f"This database is served already, by {holder_of(self._holder)}. SQLite takes one process that serves.",
                hint="Stop that one first; several at once need PostgreSQL (MLC_DATABASE_URL).",
            ) from None
        self._holder.write_text(self._name, encoding="utf-8")

    def __exit__(self, *_: object) -> None:
        self._holder.unlink(missing_ok=True)
        self._lock.release()


def lock_path(database: Path) -> Path:
    """The file that a serving process locks."""
    return database.with_name(f"{database.name}.serve-lock")


def holder_path(database: Path) -> Path:
    """The file in which a serving process writes down who it is."""
    return database.with_name(f"{database.name}.served-by")


def holder_of(path: Path) -> str:
    """Who serves, as it has written down."""
    try:
        return path.read_text(encoding="utf-8") or "another process"
    except OSError:
        return "another process"


def serves_file(url: str) -> str | None:
    """Who serves this SQLite database, empty when nobody does; None on PostgreSQL, where rows and locks say it."""
    address = read_url(url)
    if address.get_backend_name() != "sqlite":
        return None
    database = Path(address.database or "")
    if not lock_path(database).exists():
        return ""
    lock = FileLock(lock_path(database))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return holder_of(holder_path(database))
    except OSError:  # a folder that cannot be written: nobody serves from it
        return ""
    lock.release()
    return ""


async def enter(tx: Tx, row: WorkerRow) -> None:
    """A process begins to serve."""
    await tx.connection.execute(insert(tables.worker), asdict(row))


async def seen(tx: Tx, worker_id: str) -> None:
    """It is still at work."""
    await tx.connection.execute(update(tables.worker).where(_c.worker_id == worker_id).values(seen_at=tx.now))


async def leave(tx: Tx, worker_id: str) -> None:
    """It serves no longer."""
    await tx.connection.execute(delete(tables.worker).where(_c.worker_id == worker_id))


async def all(tx: Tx) -> list[WorkerRow]:  # noqa: A001 - read as workers.all
    """Every process that has begun to serve and has not said that it ended."""
    rows = await tx.connection.execute(select(*_COLUMNS).order_by(_c.started_at, _c.worker_id))
    return [WorkerRow(*row) for row in rows]


async def lives(tx: Tx, row: WorkerRow) -> bool:
    """Whether a process on PostgreSQL holds its lock; the question holds it no longer than this transaction."""
    query = select(func.pg_try_advisory_xact_lock(CLASS, row.number))
    return not (await tx.connection.execute(query)).scalar_one()
