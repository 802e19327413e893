"""The store of one process: it hands out transactions and keeps them short, whole and alone.

SQLite knows one writer at a time. All writers of a process queue at one lock, so that only other programs can
lock the file against us; then the transaction is begun, or committed, again after a pause.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.exc import OperationalError

from ml_connector.errors import ConnectorError, UnavailableError
from ml_connector.store import schema
from ml_connector.store.engines import create_engine, in_our_words, is_locked, read_url, require_file
from ml_connector.store.vault import Vault, open_vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from ml_connector.domain.clock import Surroundings

LOCK_WAIT_S = 30.0  # how long a writer waits for other programs before it gives up
PAUSE_S = (0.005, 0.05)  # between two attempts; drawn, so that two waiting programs do not march in step


class StoreError(ConnectorError):
    """A caller asked the store for something that must never be stored."""

    code = "store.refused"


@dataclass(slots=True)
class Tx:
    """One transaction. ``now`` is its time; ``finishers`` run as its last statements, before the commit."""

    connection: AsyncConnection
    around: Surroundings
    now: datetime
    dialect: Literal["sqlite", "postgresql"]
    finishers: dict[tuple[str, int], Callable[[Tx], Awaitable[None]]] = field(default_factory=dict)


class Store:
    """The database of this process. Made by ``Store.open``, closed by ``close``."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, around: Surroundings) -> None:
        self._writer = writer
        self._reader = reader
        self._around = around
        self._dialect: Literal["sqlite", "postgresql"] = (
            "sqlite" if writer.dialect.name == "sqlite" else "postgresql"
        )
        self._one_writer = asyncio.Lock() if self._dialect == "sqlite" else nullcontext()
        self.vault: Vault | None = None
        self.after_commit: list[Callable[[], None]] = []

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        around: Surroundings,
        async_creator: Callable[..., Awaitable[Any]] | None = None,
        migrate: bool = False,
    ) -> Store:
        """Reach the database and make sure that its schema is the one this program knows.

        Args:
            url: ``sqlite:///PATH`` or ``postgresql://…``.
            around: clock, chance and ids of this process.
            async_creator: makes SQLite connections in place of aiosqlite's: for simulations, no thread.
            migrate: create the database and bring its schema up to date; otherwise an old one is refused.

        Raises:
            ConfigurationError: no database there, or its schema is older or newer; the hint is the command.
            UnavailableError: it does not answer.
        """
        address = read_url(url)
        if address.get_backend_name() == "sqlite":
            require_file(Path(address.database or ""), create=migrate)
        writer = create_engine(address, async_creator=async_creator)
        separate = address.get_backend_name() == "sqlite" and async_creator is None
        reader = create_engine(address, async_creator=None, query_only=True) if separate else writer
        store = cls(writer, reader, around)
        try:
            if migrate:
                await store._migrate()
            async with store.read() as tx:
                schema.require_current(await schema.revision(tx.connection))
        except BaseException:
            await store.close()
            raise
        return store

    @classmethod
    async def revision_of(
        cls, url: str, *, around: Surroundings, async_creator: Callable[..., Awaitable[Any]] | None = None
    ) -> str | None:
        """The revision of a database, old or new; None when it is empty.

        Raises:
            ConfigurationError: there is no such database.
            UnavailableError: it does not answer.
        """
        address = read_url(url)
        if address.get_backend_name() == "sqlite":
            require_file(Path(address.database or ""), create=False)
        engine = create_engine(address, async_creator=async_creator)
        store = cls(engine, engine, around)
        try:
            async with store.read() as tx:
                return await schema.revision(tx.connection)
        finally:
            await store.close()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """One write transaction: committed when the block ends, rolled back when it raises.

        Raises:
            UnavailableError: the database does not answer, is full, or another program keeps it locked.
        """
        async with self._one_writer:
            with in_our_words():
                async with self._writer.connect() as connection:
                    await self._begin(connection)
                    tx = self._tx(connection)
                    yield tx
                    for _, finish in sorted(tx.finishers.items()):
                        await finish(tx)
                    await self._commit(connection)
                    for checker in self.after_commit:
                        checker()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A short read. Every statement sees what was committed when it began, and cannot write."""
        with in_our_words():
            async with self._reader.connect() as connection:
                if self._dialect == "postgresql":
                    await connection.execution_options(postgresql_readonly=True)
                yield self._tx(connection)

    async def unlock(self, master_key: bytes) -> Vault:
        """Open the vault with the master key (32 bytes); the first key ever makes it.

        Raises:
            KeyRefusedError: it is not the key this database was sealed with. Nothing was changed.
        """
        async with self.write() as tx:
            vault = await open_vault(tx, master_key)
        self.vault = vault
        return vault

    async def close(self) -> None:
        """Give back every connection."""
        await self._writer.dispose()
        await self._reader.dispose()

    def _tx(self, connection: AsyncConnection) -> Tx:
        return Tx(connection, self._around, self._around.clock.now(), self._dialect)

    async def _begin(self, connection: AsyncConnection) -> None:
        if self._dialect == "sqlite":
            await self._patiently(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    async def _commit(self, connection: AsyncConnection) -> None:
        try:
            await connection.commit()
        except OperationalError as error:
            if not is_locked(error):
                raise
            # Refused because of a reader: the transaction is still open, and its commit may be tried again.
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await self._patiently(driver.commit)

    async def _patiently(self, attempt: Callable[[], Awaitable[Any]]) -> None:
        """Repeat while another program holds the file, with pauses on the loop's clock."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + LOCK_WAIT_S
        while True:
            try:
                await attempt()
                return
            except (OperationalError, sqlite3.OperationalError) as error:
                if not is_locked(error):
                    raise
                if loop.time() > give_up_at:
                    raise UnavailableError(
                        f"Another program has kept the database locked for {LOCK_WAIT_S:.0f} seconds.",
                        code="store.locked",
                    ) from error
            await asyncio.sleep(self._around.rng.uniform(*PAUSE_S))

    async def _migrate(self) -> None:
        """One step, one transaction, under a lock: a step that was killed is simply done again."""
        while True:
            async with self.write() as tx:
                if tx.dialect == "postgresql":
                    await tx.connection.execute(schema.LOCK)
                current = await schema.revision(tx.connection)
                step = schema.step_after(current)
                if step is None:
                    return
                await tx.connection.run_sync(schema.apply, step)
