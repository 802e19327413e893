"""SQLite behind asyncio: one trip to a thread per statement, its rows fetched before the trip ends.

SQLAlchemy's dialect ``sqlite+aiosqlite`` drives it. aiosqlite's own connection makes three or four trips where this one
makes one, and leaves a SELECT open between two of them, which keeps a writer in rollback mode from its commit. A
simulation hands in its own ``carry_out`` and needs no thread at all.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

T = TypeVar("T")


class CarryOut(Protocol):
    """How work on a connection is done."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Do the work and give its result."""

    def stop(self) -> None:
        """No more work will come."""


class InThread:
    """Every piece of work in one thread of its own, one after the other (an executor's trip takes twice as long)."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        Thread(target=self._run, name="sqlite", daemon=True).start()

    async def __call__(self, work: Callable[[], T]) -> T:
        """Do the work there; the loop goes on meanwhile."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._work.put((answer, work))
        return await answer

    def stop(self) -> None:
        """Let the thread end behind its last work."""
        self._work.put(None)

    def _run(self) -> None:
        while (job := self._work.get()) is not None:
            answer, work = job
            try:
                settle = partial(_settle, answer, work(), None)
            except BaseException as error:  # noqa: BLE001 - handed on, whole, to who waits for it
                settle = partial(_settle, answer, None, error)
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                answer.get_loop().call_soon_threadsafe(settle)


def _settle(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Tell who waits, unless it was cancelled meanwhile."""
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


class Cursor:
    """One statement and its rows, in the shape SQLAlchemy expects of aiosqlite."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.raw.cursor()
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Execute and fetch, in one trip."""

        def work() -> list[Any]:
            self._cursor.execute(statement, values)
            return self._cursor.fetchall() if self._cursor.description else []

        self._rows = await self._connection.carry_out(work)
        return self

    async def executemany(self, statement: str, values: Sequence[Sequence[Any]]) -> Cursor:
        """Execute once per row, all in one trip."""
        await self._connection.carry_out(partial(self._cursor.executemany, statement, values))
        return self

    async def fetchall(self) -> list[Any]:
        """The rows, which are here already."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open any more."""

    @property
    def description(self) -> Any:
        """The columns of the rows."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number SQLite gave the last inserted row."""
        return self._cursor.lastrowid


class Connection:
    """One SQLite connection, in the shape SQLAlchemy expects of aiosqlite."""

    def __init__(self, raw: sqlite3.Connection, carry_out: CarryOut) -> None:
        self.raw = raw
        self.carry_out = carry_out
        self._connection: sqlite3.Connection | None = raw  # SQLAlchemy asks whether it is still there

    def cursor(self) -> Cursor:
        """A cursor for one statement."""
        return Cursor(self)

    async def commit(self) -> None:
        """Make the transaction last."""
        await self.carry_out(self.raw.commit)

    async def rollback(self) -> None:
        """Forget the transaction, if one is open."""
        if self.raw.in_transaction:
            await self.carry_out(self.raw.rollback)

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        """SQLAlchemy teaches SQLite its regular expressions."""
        await self.carry_out(partial(self.raw.create_function, *arguments, **options))

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection = None
            await self.carry_out(self.raw.close)
            self.carry_out.stop()

    def stop(self) -> None:
        """Close without waiting: SQLAlchemy's last resort when a task was cancelled."""
        self._connection = None
        self.carry_out.stop()


async def connect(
    path: str | Path, *, wait_s: float, pragmas: Sequence[str], carry_out: CarryOut | None = None
) -> Connection:
    """Open a file, let it wait ``wait_s`` for other programs, and apply the pragmas. Transactions begin by hand."""
    doing = carry_out or InThread()

    def work() -> sqlite3.Connection:
        raw = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
        try:
            for pragma in pragmas:
                raw.execute(pragma).fetchall()
        except BaseException:
            raw.close()
            raise
        return raw

    try:
        return Connection(await doing(work), doing)
    except BaseException:
        doing.stop()
        raise
