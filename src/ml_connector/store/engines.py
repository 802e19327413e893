"""How a database is reached: address, engine, durability; and its failures in our words."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, make_url
from sqlalchemy import exc as database_errors
from sqlalchemy.ext.asyncio import create_async_engine

from ml_connector.errors import ConfigurationError, ConnectorError, UnavailableError
from ml_connector.store import sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

SQLITE_WAIT_S = 5.0  # how long SQLite itself waits for another program's commit, in its own thread
PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_spill=OFF",  # a spilling writer would lock readers out before its commit
)


def read_url(url: str) -> URL:
    """The address with the driver we use: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        ConfigurationError: it names another database, or no file.
    """
    wanted = "Write it as sqlite:///PATH or postgresql://USER@HOST/DATABASE (MLC_DATABASE_URL)."
    try:
        address = make_url(url)
    except (database_errors.ArgumentError, ValueError) as error:
        raise ConfigurationError(
            f"The database address cannot be read. {wanted}", code="store.url"
        ) from error
    kind = address.drivername.partition("+")[0]
    if kind == "sqlite" and address.database not in (None, "", ":memory:"):
        return address.set(drivername="sqlite+aiosqlite")
    if kind in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"'{kind}' does not name a database to keep data in. {wanted}", code="store.url")


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """``wal`` where it is safe with several connections, else ``delete`` (a rollback journal).

    Before 3.51.3, 3.50.7 and 3.44.6 a write-ahead log can lose commits: https://sqlite.org/wal.html#walresetbug
    """
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "wal" if mended else "delete"


def create_engine(
    address: URL, *, async_creator: Callable[..., Awaitable[Any]] | None, query_only: bool = False
) -> AsyncEngine:
    """An engine of at most eight connections.

    A handed-in ``async_creator`` makes SQLite connections by its own rules: waiting, journal and durability
    are its business then (a simulation keeps them in memory).
    """
    if address.get_backend_name() == "postgresql":
        return create_async_engine(address, pool_size=4, max_overflow=4, pool_pre_ping=True)
    last = "PRAGMA query_only=ON" if query_only else f"PRAGMA journal_mode={journal_mode()}"
    creator = async_creator or partial(
        sqlite.connect, address.database or "", wait_s=SQLITE_WAIT_S, pragmas=[*PRAGMAS, last]
    )
    return create_async_engine(address, async_creator=creator, pool_size=4, max_overflow=4)


def require_file(path: Path, *, create: bool) -> None:
    """A SQLite database is a file that exists; a new one is readable by its owner only.

    Raises:
        ConfigurationError: it is not there and shall not be made.
    """
    if path.is_file():
        return
    if not create:
        raise ConfigurationError(
            f"There is no database at {path}.", code="store.missing", hint="Run: ml-connector init"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def is_locked(error: BaseException) -> bool:
    """SQLite says that another connection is writing."""
    origin = error.orig if isinstance(error, database_errors.DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", 0) or 0
    return isinstance(origin, sqlite3.OperationalError) and code & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn a database failure that a person or a retry can mend into one of our errors."""
    try:
        yield
    except database_errors.TimeoutError as error:
        raise UnavailableError("All connections to the database are in use.", code="store.busy") from error
    except database_errors.DBAPIError as error:
        mended = _translate(error)
        if mended is None:
            raise
        raise mended from error


def _translate(error: database_errors.DBAPIError) -> ConnectorError | None:
    code = (getattr(error.orig, "sqlite_errorcode", 0) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return ConfigurationError(
            "The database file is damaged or is not a database. Nothing was changed.",
            code="store.damaged",
            hint="Restore the last backup; orders are not placed twice by that.",
        )
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            "The disk of the database is full. Nothing was half-saved; make room and run again.",
            code="store.full",
        )
    if isinstance(error, database_errors.OperationalError | database_errors.InterfaceError):
        reason = str(error.orig).strip().splitlines() or ["no reason given"]
        return UnavailableError(f"The database did not answer: {reason[0]}", code="store.unavailable")
    return None
