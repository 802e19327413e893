"""A transaction waits a moment for company, and no longer than it takes to have enough."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ml_connector.engine.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Store, Tx

NEVER = 3600.0


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """When a transaction begins is the same on every database."""
    return str(request.param)


class Groups:
    """What was stored together; each piece is answered with the number of its transaction."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    async def put(self, _tx: Tx, pieces: Sequence[str]) -> list[int]:
        self.seen.append(list(pieces))
        return [len(self.seen)] * len(pieces)


async def test_enough_pieces_are_committed_at_once(store: Store) -> None:
    """Also when one of them weighs as much as several."""
    groups = Groups()
    commits = Gathering[str, int](store, groups.put, wait_s=NEVER, most=3)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(commits.add(piece) for piece in "abc")) == [1, 1, 1]
        assert await commits.add("d", weight=3) == 2
    assert groups.seen == [["a", "b", "c"], ["d"]]


async def test_a_lone_piece_is_committed_after_the_wait(store: Store) -> None:
    groups = Groups()
    commits = Gathering[str, int](store, groups.put, wait_s=0.01, most=3)
    async with asyncio.timeout(5):
        assert [await commits.add(piece) for piece in "ab"] == [1, 2]


async def test_a_caller_that_gives_up_takes_nobody_with_it(store: Store) -> None:
    groups = Groups()
    commits = Gathering[str, int](store, groups.put, wait_s=NEVER, most=2)
    impatient = asyncio.create_task(commits.add("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    async with asyncio.timeout(5):
        assert await commits.add("b") == 1
    assert groups.seen == [["a", "b"]]


async def test_closing_waits_until_whoever_came_is_answered(store: Store) -> None:
    groups = Groups()
    commits = Gathering[str, int](store, groups.put, wait_s=0.01, most=9)
    caller = asyncio.create_task(commits.add("a"))
    await asyncio.sleep(0)
    await commits.close()
    await asyncio.sleep(0)
    assert caller.done()
    assert await caller == 1
