"""Several at once: how many, in which order, and what a failure does to the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ml_connector.engine.at_once import Turns, take_each

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


class Bench:
    """Pieces of work that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.gates: dict[int, asyncio.Future[None]] = {}

    async def work(self, number: int) -> None:
        self.begun.append(number)
        self.gates[number] = asyncio.get_running_loop().create_future()
        try:
            await self.gates[number]
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        self.ended.append(number)

    async def settle(self) -> None:
        """Let everything go on as far as it can."""
        for _ in range(10):
            await asyncio.sleep(0)


async def test_so_many_are_under_way_and_the_next_begins_when_one_has_ended() -> None:
    bench = Bench()
    taking = asyncio.create_task(take_each(numbers(5), bench.work, most=2))
    await bench.settle()
    assert bench.begun == [0, 1]
    bench.gates[1].set_result(None)
    await bench.settle()
    assert bench.begun == [0, 1, 2]
    for number in (0, 2, 3, 4):
        bench.gates[number].set_result(None)
        await bench.settle()
    await taking
    assert sorted(bench.ended) == bench.begun == [0, 1, 2, 3, 4]


async def test_after_a_failure_those_under_way_end_nothing_begins_and_it_is_raised() -> None:
    bench = Bench()
    taking = asyncio.create_task(take_each(numbers(9), bench.work, most=3))
    await bench.settle()
    bench.gates[1].set_exception(PermissionError("not any more"))
    await bench.settle()
    assert not taking.done()
    bench.gates[0].set_result(None)
    bench.gates[2].set_result(None)
    with pytest.raises(PermissionError, match="not any more"):
        await taking
    assert (bench.begun, bench.ended, bench.cancelled) == ([0, 1, 2], [0, 2], [])


async def test_who_is_cancelled_cancels_those_under_way_and_waits_for_them() -> None:
    bench = Bench()
    taking = asyncio.create_task(take_each(numbers(9), bench.work, most=3))
    await bench.settle()
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert sorted(bench.cancelled) == [0, 1, 2]


async def test_at_one_name_they_come_one_after_the_other_and_names_do_not_wait_for_each_other() -> None:
    turns, bench = Turns(1), Bench()

    async def at(name: str, number: int) -> None:
        async with turns.at(name):
            await bench.work(number)

    visits = [asyncio.create_task(at(name, number)) for number, name in enumerate(("usmf", "usmf", "demf"))]
    await bench.settle()
    assert bench.begun == [0, 2]
    bench.gates[0].set_result(None)
    await bench.settle()
    assert bench.begun == [0, 2, 1]
    bench.gates[1].set_result(None)
    bench.gates[2].set_result(None)
    await asyncio.gather(*visits)
