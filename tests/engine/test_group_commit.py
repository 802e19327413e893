"""Group commit: callers that finish together share a transaction, and nothing is stored after one that failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ml_connector.engine.grouped import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Store, Tx


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """The order of commits is the same on every database."""
    return str(request.param)


async def test_pieces_that_come_during_a_commit_share_the_next_one(store: Store) -> None:
    stored: list[list[str]] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def put(_tx: Tx, pieces: Sequence[str]) -> None:
        stored.append(list(pieces))
        begun.set()
        await go_on.wait()

    commits = GroupCommit[str](store, put)
    callers = [asyncio.create_task(commits.add("a"))]
    await begun.wait()
    callers += [asyncio.create_task(commits.add(piece)) for piece in ("b", "c")]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*callers)
    assert stored == [["a"], ["b", "c"]]


async def test_after_a_commit_that_failed_nothing_more_is_stored(store: Store) -> None:
    """Progress must not move past what the failed transaction held: pieces that wait fail with it, later ones too."""
    tried: list[list[str]] = []
    begun = asyncio.Event()

    async def put(_tx: Tx, pieces: Sequence[str]) -> None:
        tried.append(list(pieces))
        begun.set()
        await asyncio.sleep(0)
        raise OSError("the disk is full")

    commits = GroupCommit[str](store, put)
    first = asyncio.create_task(commits.add("a"))
    await begun.wait()
    second = asyncio.create_task(commits.add("b"))
    for task in (first, second):
        with pytest.raises(OSError, match="full"):
            await task
    with pytest.raises(OSError, match="full"):
        await commits.add("c")
    await commits.rest()
    assert tried == [["a"]]
