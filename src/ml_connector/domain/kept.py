"""Answers kept by what was asked: read once, however many ask at the same time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """What was read, for as long as this is held; a failed read is not kept, and the next one to ask tries again."""

    def __init__(self) -> None:
        self._answers: dict[K, V] = {}
        self._reading: defaultdict[K, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._several = asyncio.Lock()
        self._forgotten = 0

    async def get(self, asked: K, read: Callable[[], Awaitable[V]]) -> V:
        """The answer; ``read`` is called by the first to ask, and the others wait for it."""
        async with self._reading[asked]:
            if asked not in self._answers:
                before = self._forgotten
                answer = await read()
                if self._forgotten != before:  # it may have been read before what made it out of date
                    return answer
                self._answers[asked] = answer
            return self._answers[asked]

    async def get_all(
        self, asked: Iterable[K], read: Callable[[list[K]], Awaitable[Mapping[K, V]]]
    ) -> dict[K, V]:
        """The answers to several; ``read`` is called once, with those not known yet, and must answer each of them."""
        wanted = list(dict.fromkeys(asked))
        async with self._several:
            new = [one for one in wanted if one not in self._answers]
            if new:
                self._answers |= await read(new)
            return {one: self._answers[one] for one in wanted}

    def forget(self, asked: K) -> None:
        """Something has changed there: it is read anew, and a read that is under way is not kept."""
        self._forgotten += 1
        self._answers.pop(asked, None)
