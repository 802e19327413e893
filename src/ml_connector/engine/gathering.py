"""Commits for callers who come from outside and want an answer: many of them share one transaction.

Other than ``GroupCommit``, it waits a moment for company, answers each caller for itself, and goes on after a
transaction that failed: nothing that comes later leans on what failed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ml_connector.store.database import Store, Tx

Piece = TypeVar("Piece")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Caller(Generic[Piece, Answer]):
    piece: Piece
    weight: int
    answered: asyncio.Future[Answer]


class Gathering(Generic[Piece, Answer]):
    """Stores pieces in shared transactions and answers each caller after the commit.

    Args:
        store: Where.
        put: Writes any number of pieces into one transaction; an answer for each.
        wait_s: How long after the first piece a transaction begins at the latest.
        most: It begins at once when the pieces that wait weigh so much.
    """

    def __init__(
        self,
        store: Store,
        put: Callable[[Tx, Sequence[Piece]], Awaitable[Sequence[Answer]]],
        *,
        wait_s: float,
        most: int,
    ) -> None:
        self._store = store
        self._put = put
        self._wait_s = wait_s
        self._most = most
        self._waiting: list[_Caller[Piece, Answer]] = []
        self._enough = asyncio.Event()
        self.writer: asyncio.Task[None] | None = None

    async def add(self, piece: Piece, weight: int = 1) -> Answer:
        """Store this with whatever else comes meanwhile, and say what became of it.

        Raises:
            ConnectorError: the transaction failed, or the writer was stopped before it; the piece is not stored.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Caller(piece, weight, answered))
        if sum(caller.weight for caller in self._waiting) >= self._most:
            self._enough.set()
        if self.writer is None or self.writer.done():
            self.writer = asyncio.create_task(self._write())
        return await answered

    async def close(self) -> None:
        """Wait until whoever came has been answered."""
        if self.writer is not None:
            await asyncio.gather(self.writer, return_exceptions=True)

    async def _write(self) -> None:
        """Commit for whoever waits, until nobody does. A task of its own: a caller that gives up stops nobody."""
        group: list[_Caller[Piece, Answer]] = []
        try:
            while self._waiting:
                await self._company()
                group, self._waiting = self._waiting, []
                self._enough.clear()
                await self._commit(group)
        finally:  # the writer was stopped: nobody waits for ever
            stopped = UnavailableError("The writer was stopped before the commit.", code="store.stopped")
            for caller in (*group, *self._waiting):
                if not caller.answered.done():
                    caller.answered.set_exception(stopped)
            self._waiting = []

    async def _company(self) -> None:
        """Wait for more pieces, not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                await self._enough.wait()

    async def _commit(self, group: Sequence[_Caller[Piece, Answer]]) -> None:
        try:
            async with self._store.write() as tx:
                answers = await self._put(tx, [caller.piece for caller in group])
        except BaseException as error:
            if not isinstance(error, Exception):
                raise
            for caller in group:
                if not caller.answered.done():
                    caller.answered.set_exception(error)
        else:
            for caller, answer in zip(group, answers, strict=True):
                if not caller.answered.done():
                    caller.answered.set_result(answer)
