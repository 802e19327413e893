"""Several at once: so many pieces of work under way, and how many may be at one thing at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

T = TypeVar("T")


async def take_each(things: AsyncIterator[T], take: Callable[[T], Awaitable[None]], *, most: int) -> None:
    """Take every thing, ``most`` at a time, beginning in their order.

    The first failure lets those under way end - a call that is cut off leaves open what came of it - and is raised
    then; nothing further is begun. Being cancelled cancels them all.
    """
    under_way: set[asyncio.Future[None]] = set()
    try:
        async for thing in things:
            if len(under_way) >= most:
                await _wait_for_one(under_way)
            under_way.add(asyncio.ensure_future(take(thing)))
        while under_way:
            await _wait_for_one(under_way)
    except asyncio.CancelledError:
        for each in under_way:
            each.cancel()
        raise
    finally:
        await asyncio.gather(*under_way, return_exceptions=True)


async def _wait_for_one(under_way: set[asyncio.Future[None]]) -> None:
    """Wait until one of them has ended; its failure is raised."""
    ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    under_way -= ended
    for each in ended:
        each.result()


@dataclass(slots=True)
class Turns:
    """At most so many at one name at a time; the others wait for their turn in the order in which they came."""

    most: int = 1
    _by_name: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @asynccontextmanager
    async def at(self, name: str) -> AsyncIterator[None]:
        """Wait for a turn at this name, and have it until the block is left."""
        async with self._by_name.setdefault(name, asyncio.Semaphore(self.most)):
            yield
