"""What SQLAlchemy's aiosqlite dialect needs of a connection, without a thread. Every await is a seam."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator


class Cursor:
    """A cursor that looks like aiosqlite's."""

    def __init__(self, raw: sqlite3.Cursor, seam: Callable[[str], Awaitable[None]]) -> None:
        self._raw = raw
        self._seam = seam

    def __await__(self) -> Generator[Any, None, Cursor]:
        return self
        yield  # makes this a generator function, which is what awaiting wants

    async def __aenter__(self) -> Cursor:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._raw.close()

    async def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        await self._seam(f"sql {statement.split(None, 3)[:3]}")
        self._raw.execute(statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Any) -> Cursor:
        await self._seam(f"sql {statement.split(None, 3)[:3]} many")
        self._raw.executemany(statement, parameters)
        return self

    async def fetchone(self) -> Any:
        return self._raw.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._raw.fetchmany(size) if size else self._raw.fetchmany()

    async def fetchall(self) -> list[Any]:
        return self._raw.fetchall()

    async def close(self) -> None:
        self._raw.close()

    @property
    def description(self) -> Any:
        return self._raw.description

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._raw.lastrowid

    @property
    def arraysize(self) -> int:
        return self._raw.arraysize


class InlineConnection:
    """A connection that looks like aiosqlite's."""

    def __init__(self, raw: sqlite3.Connection, seam: Callable[[str], Awaitable[None]]) -> None:
        self._conn = self._connection = raw
        self._seam = seam

    def cursor(self) -> Cursor:
        return Cursor(self._conn.cursor(), self._seam)

    def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        return Cursor(self._conn.execute(statement, parameters), self._seam)

    async def commit(self) -> None:
        await self._seam("before commit")
        self._conn.commit()
        await self._seam("after commit")

    async def rollback(self) -> None:
        self._conn.rollback()

    async def close(self) -> None:
        self._conn.close()

    async def create_function(self, *args: Any, **kwargs: Any) -> None:
        self._conn.create_function(*args, **kwargs)

    @property
    def isolation_level(self) -> str | None:
        return self._conn.isolation_level

    @isolation_level.setter
    def isolation_level(self, level: str | None) -> None:
        self._conn.isolation_level = level


def creator(path: str, seam: Callable[[str], Awaitable[None]]) -> Callable[..., Awaitable[InlineConnection]]:
    """What ``create_async_engine`` takes as ``async_creator``."""

    async def connect(*_args: Any, **_kwargs: Any) -> InlineConnection:
        return InlineConnection(sqlite3.connect(path, timeout=0, check_same_thread=False), seam)

    return connect
