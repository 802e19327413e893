"""Group commit: what is to be stored while a commit is under way shares the next transaction.

A commit costs the disk's latency whatever it holds; lanes that finish together pay it once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ml_connector.store.database import Store, Tx

Piece = TypeVar("Piece")


class GroupCommit(Generic[Piece]):
    """Stores pieces in shared transactions; each caller returns when its piece is committed.

    After a transaction that failed nothing more is stored: a later piece could cover what the failed one held.

    Args:
        store: Where.
        put: Writes any number of pieces into one transaction.
    """

    def __init__(self, store: Store, put: Callable[[Tx, Sequence[Piece]], Awaitable[None]]) -> None:
        self._store = store
        self._put = put
        self._waiting: list[tuple[Piece, asyncio.Future[None]]] = []
        self._drain: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None

    async def add(self, piece: Piece) -> None:
        """Store this with whatever else is waiting.

        Raises:
            ConnectorError: the transaction failed, or one before it; then the piece is not stored.
        """
        if self._failed is not None:
            raise self._failed
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, stored))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._commit_all())
        await stored

    async def rest(self) -> None:
        """Wait until nothing is on its way into the store, also of callers that have given up."""
        if self._drain is not None:
            await self._drain

    async def _commit_all(self) -> None:
        """Commit for whoever waits, until nobody does. A task of its own: a caller that gives up stops nobody."""
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                async with self._store.write() as tx:
                    await self._put(tx, [piece for piece, _ in group])
            except BaseException as error:  # for each caller to raise; a cancellation cancels them
                self._failed = error
                group, self._waiting = [*group, *self._waiting], []
                for _, stored in group:
                    _fail(stored, error)
                if not isinstance(error, Exception):
                    raise
            else:
                for _, stored in group:
                    if not stored.done():
                        stored.set_result(None)


def _fail(stored: asyncio.Future[None], error: BaseException) -> None:
    if stored.done():
        return
    if isinstance(error, asyncio.CancelledError):
        stored.cancel()
    else:
        stored.set_exception(error)
