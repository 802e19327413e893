"""What is read once: however many ask at the same time, and whatever becomes of the read."""

from __future__ import annotations

import asyncio

import pytest

from ml_connector.domain.kept import Kept


class Source:
    """Counts its reads; each waits until the test lets it go."""

    def __init__(self) -> None:
        self.reads: list[object] = []
        self.gate = asyncio.Event()

    async def one(self) -> int:
        self.reads.append("one")
        number = len(self.reads)
        await self.gate.wait()
        return number

    async def several(self, asked: list[str]) -> dict[str, str]:
        self.reads.append(asked)
        await self.gate.wait()
        return {name: name.upper() for name in asked}


async def under_way() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_while_another_reads_waits_for_that_answer() -> None:
    source, kept = Source(), Kept[str, int]()
    asking = [asyncio.create_task(kept.get("a", source.one)) for _ in range(3)]
    await under_way()
    source.gate.set()
    assert await asyncio.gather(*asking) == [1, 1, 1]
    assert source.reads == ["one"]


async def test_a_failed_read_is_not_kept_and_the_next_tries_again() -> None:
    source, kept = Source(), Kept[str, int]()

    async def fail() -> int:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await kept.get("a", fail)
    source.gate.set()
    assert await kept.get("a", source.one) == 1


async def test_of_several_only_the_new_ones_are_read() -> None:
    source, kept = Source(), Kept[str, str]()
    source.gate.set()
    assert await kept.get_all(["a", "b", "a"], source.several) == {"a": "A", "b": "B"}
    assert await kept.get_all(["b", "c"], source.several) == {"b": "B", "c": "C"}
    assert source.reads == [["a", "b"], ["c"]]


async def test_those_who_ask_for_several_at_the_same_time_each_get_theirs() -> None:
    source, kept = Source(), Kept[str, str]()
    asking = [
        asyncio.create_task(kept.get_all(names, source.several)) for names in (["a", "b"], ["b", "c"], ["a"])
    ]
    await under_way()
    source.gate.set()
    assert await asyncio.gather(*asking) == [{"a": "A", "b": "B"}, {"b": "B", "c": "C"}, {"a": "A"}]
    assert source.reads == [["a", "b"], ["c"]]


async def test_a_read_that_was_under_way_when_something_changed_is_not_kept() -> None:
    """It may have been answered before the change."""
    source, kept = Source(), Kept[str, int]()
    asking = asyncio.create_task(kept.get("a", source.one))
    await under_way()
    kept.forget("a")
    source.gate.set()
    assert await asking == 1
    assert await kept.get("a", source.one) == 2
    assert await kept.get("a", source.one) == 2
