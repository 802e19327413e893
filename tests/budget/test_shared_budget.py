"""Processes that share one budget, in virtual time: limits hold for all together, and none is wasted or starved."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.budget.conftest import LIMIT, Side

from ml_connector.domain.priority import Priority, priority
from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.budget.conftest import Process, World

    Virtually = Callable[[Callable[[World], Coroutine[Any, Any, Any]]], Any]


async def two(world: World) -> tuple[Process, Process]:
    return await world.process("one"), await world.process("two")


def test_one_process_alone_has_the_whole_limit(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        (await world.process("one")).work(40)
        await asyncio.sleep(20)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    assert side.of("one", 1, 20) >= 0.95 * 19 * LIMIT


def test_two_processes_share_the_limit_evenly_and_never_exceed_it(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        for process in await two(world):
            process.work(40)
        await asyncio.sleep(20)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    each = [side.of(name, 2, 20) for name in ("one", "two")]
    assert sum(each) >= 0.95 * 18 * LIMIT
    assert min(each) >= 0.85 * max(each)


def test_a_process_that_comes_later_gets_its_part_within_a_few_seconds(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        one, two_ = await two(world)
        one.work(40)
        await asyncio.sleep(5)
        two_.work(40)
        await asyncio.sleep(10)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    assert side.of("two", 7, 15) >= 0.45 * 8 * LIMIT


def test_slots_that_one_does_not_use_are_the_others(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        one, two_ = await two(world)
        one.work(1)
        one.latency_s = 1.0
        two_.work(40)
        await asyncio.sleep(20)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    assert side.of("one", 2, 20) >= 10
    assert side.of("two", 2, 20) >= 0.80 * 18 * LIMIT


@pytest.mark.parametrize("orderly", [True, False])
def test_the_slots_of_a_process_that_ended_come_back(virtually: Virtually, *, orderly: bool) -> None:
    async def main(world: World) -> Side:
        one, two_ = await two(world)
        one.work(40)
        two_.work(40)
        await asyncio.sleep(5)
        if orderly:
            await one.stop()
        else:
            one.shares.dead = True
        await asyncio.sleep(10)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    since = 7.5 if orderly else 8.5
    assert side.of("two", since, 15) >= 0.90 * (15 - since) * LIMIT


def test_an_idle_process_leaves_nothing_behind(virtually: Virtually) -> None:
    async def main(world: World) -> tuple[list[Any], int, int]:
        one = await world.process("one")
        one.work(5, calls=3)
        await asyncio.gather(*one.tasks)
        await asyncio.sleep(5)
        exchanges = one.shares.exchanges
        await asyncio.sleep(100)
        async with one.store.read() as tx:
            rows = (
                await tx.connection.exec_driver_sql(
                    "SELECT * FROM mlc_budget_share WHERE free_at > ?", ("2026-03-02T08:01",)
                )
            ).all()
        return list(rows), exchanges, one.shares.exchanges

    rows, before, after = virtually(main)
    assert rows == []
    assert before == after


def test_a_limit_that_one_learns_holds_for_all(virtually: Virtually) -> None:
    async def main(world: World) -> tuple[Any, Side]:
        one, two_ = await two(world)
        one.work(40)
        two_.work(40)
        await asyncio.sleep(3)
        world.side.limit = 50
        one.ledger.learn("hubspot", 50, 1.0)
        await asyncio.sleep(10)
        return two_.ledger.known_limit("hubspot"), world.side

    known, side = virtually(main)
    assert known == (50, 1.0)
    assert side.refused == 0
    assert sum(side.of(name, 5, 13) for name in ("one", "two")) >= 0.9 * 8 * 50


def test_what_the_side_told_once_is_known_to_a_process_that_begins(virtually: Virtually) -> None:
    async def main(world: World) -> Any:
        one = await world.process("one")
        one.ledger.learn("hubspot", 7, 2.0)
        await one.call()
        await one.stop()
        two_ = await world.process("two")
        await two_.call()
        return two_.ledger.known_limit("hubspot")

    assert virtually(main) == (7, 2.0)


def test_no_more_calls_to_dynamics_are_under_way_in_all_processes_than_it_is_given(
    virtually: Virtually,
) -> None:
    async def main(world: World) -> Side:
        world.side.limit = 10**6

        async def lane(process: Process) -> None:
            for _ in range(10):
                await process.call(buckets=("dynamics",))

        both = await two(world)
        for process in both:
            process.latency_s = 1.0
        await asyncio.gather(*(lane(process) for process in both for _ in range(20)))
        return world.side

    side = virtually(main)
    assert side.most_at_once == 6
    assert len(side.arrivals) == 400


def test_a_pause_that_one_process_was_told_is_obeyed_by_all(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        one, two_ = await two(world)
        one.work(40)
        two_.work(40)
        await asyncio.sleep(5)
        one.ledger.pause("hubspot", asyncio.get_running_loop().time() + 20)
        await asyncio.sleep(25)
        late = await world.process("late")
        assert late.ledger.known_limit("hubspot") is not None
        return world.side

    side = virtually(main)
    assert side.of("one", 5.1, 25) == 0
    assert side.of("two", 5.1 + 0.5, 25) == 0
    assert side.of("two", 25, 30) > 0


def test_a_process_that_begins_in_a_pause_waits_for_its_end(virtually: Virtually) -> None:
    async def main(world: World) -> float:
        one, two_ = await two(world)
        await one.call()
        one.ledger.pause("hubspot", asyncio.get_running_loop().time() + 60)
        await asyncio.sleep(1)
        await two_.call()
        return world.side.arrivals[-1][0]

    assert virtually(main) >= 60


def test_orders_of_one_process_go_before_the_backfill_of_another(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        one, two_ = await two(world)
        one.work(40, Priority.BACKFILLS)
        await asyncio.sleep(5)
        two_.work(40, Priority.ORDERS)
        await asyncio.sleep(15)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    assert side.of("two", 8, 20) >= 0.85 * 12 * LIMIT
    assert side.of("one", 8, 20) >= 10  # a tenth, or one: nobody starves


def test_within_a_process_the_line_is_ordered_by_priority_and_then_by_arrival(virtually: Virtually) -> None:
    async def main(world: World) -> list[Priority]:
        one = await world.process("one")
        world.side.window_s = 1.0
        order = [Priority.BACKFILLS, Priority.POLLS, Priority.ORDERS, Priority.EVENTS, Priority.ORDERS]
        for _ in range(LIMIT):
            await one.call()
        one.tasks = [asyncio.create_task(one.call(each)) for each in order]
        await asyncio.gather(*one.tasks)
        return [each for _, _, each in world.side.arrivals[LIMIT:]]

    found = virtually(lambda world: _without_latency(world, main))
    assert found == sorted(found)


async def _without_latency(world: World, main: Callable[[World], Coroutine[Any, Any, Any]]) -> Any:
    whole = world.process

    async def process(name: str, **concurrent: int) -> Process:
        made = await whole(name, **concurrent)
        made.latency_s = 0.0
        return made

    world.process = process  # type: ignore[method-assign]  # the same with quick calls
    return await main(world)


def test_the_lowest_priority_is_served_however_many_orders_wait(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        one = await world.process("one")
        one.work(40, Priority.ORDERS)
        one.work(1, Priority.BACKFILLS)
        await asyncio.sleep(20)
        return world.side

    side = virtually(main)
    low = sum(each is Priority.BACKFILLS for _, _, each in side.arrivals)
    assert low >= 6  # each tenth turn is that of whoever waits longest, and forty orders wait two windows


def test_a_run_hands_its_priority_to_every_call_made_in_it(virtually: Virtually) -> None:
    async def main(world: World) -> list[Priority]:
        one = await world.process("one")
        await one.call()
        seen: list[Priority] = []
        bucket = one.ledger._bucket("hubspot")
        take = bucket.take

        async def noted(rank: Priority, patience_s: float) -> None:
            seen.append(rank)
            await take(rank, patience_s)

        bucket.take = noted  # type: ignore[method-assign,assignment]  # to see what arrives

        async def run(of: Priority | None) -> None:
            if of is None:
                (await one.ledger.acquire(("hubspot",))).answered()
                return
            with priority(of):
                await asyncio.create_task(run(None))

        await asyncio.gather(run(Priority.ORDERS), run(Priority.BACKFILLS), run(None))
        return seen

    assert sorted(virtually(main)) == [Priority.ORDERS, Priority.POLLS, Priority.BACKFILLS]


def test_whoever_waits_is_told_when_the_database_cannot_be_reached_and_later_calls_go_on(
    virtually: Virtually,
) -> None:
    async def main(world: World) -> int:
        one = await world.process("one")
        one.shares.unreachable = UnavailableError("The database did not answer.")
        with pytest.raises(UnavailableError):
            await one.call()
        one.shares.unreachable = None
        await one.call()
        return len(world.side.arrivals)

    assert virtually(main) == 1


def test_a_process_that_hears_nothing_sends_nothing_once_its_term_has_ended(virtually: Virtually) -> None:
    async def main(world: World) -> Side:
        one, two_ = await two(world)
        one.work(40)
        await asyncio.sleep(3)
        one.shares.slow_s = 60.0
        two_.work(40)
        await asyncio.sleep(10)
        return world.side

    side = virtually(main)
    assert side.refused == 0
    assert side.of("one", 4.75) == 0  # a beat, and the term that was granted last
    assert side.of("two", 6, 13) >= 0.9 * 7 * LIMIT


def test_slots_that_are_taken_away_are_not_used_while_the_word_of_it_is_on_its_way(
    virtually: Virtually,
) -> None:
    async def main(world: World) -> Side:
        world.side.limit = 190
        one, two_ = await two(world)
        for process in (one, two_):
            process.shares.slow_s = 0.2
        for turn in range(8):  # one has slots that it does not use, and needs them when they have just gone
            one.work(30, calls=1)
            await asyncio.sleep(0.4)
            two_.work(400, Priority.ORDERS, calls=1)
            await asyncio.sleep(0.05 + turn * 0.06)
            one.work(40, calls=1)
            await asyncio.sleep(4)
        return world.side

    assert virtually(main).refused == 0


def test_searches_wait_for_their_own_limit_and_keep_no_other_call_back(virtually: Virtually) -> None:
    async def main(world: World) -> tuple[int, int]:
        both = await two(world)
        for process in both:
            process.ledger.assume("hubspot.search", 5, 1.0)

        async def search(process: Process) -> None:
            while True:
                await process.call(buckets=("hubspot", "hubspot.search"))

        searching = [asyncio.create_task(search(process)) for process in both for _ in range(10)]
        await asyncio.sleep(10)
        searched = len(world.side.arrivals)
        both[0].work(40)
        await asyncio.sleep(10)
        for task in searching:
            task.cancel()
        await asyncio.gather(*searching, return_exceptions=True)
        return searched, len(world.side.arrivals) - searched

    searched, together = virtually(main)
    assert 40 <= searched <= 55
    assert together >= 0.85 * 10 * LIMIT
