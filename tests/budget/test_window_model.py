"""Whatever processes come, go, die and want, no window of the side ever holds more calls than it allows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.budget.conftest import EPOCH, Side

from ml_connector.domain.priority import Priority
from ml_connector.domain.sharing import NOTHING, Share, divide

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from tests.budget.conftest import World

    Virtually = Callable[[Callable[[World], Coroutine[Any, Any, Any]]], Any]


@dataclass(frozen=True)
class Life:
    """One process: when it begins, how it works, and how it ends."""

    begins_s: float
    lanes: int
    calls: int
    priority: Priority
    latency_s: float
    slow_s: float  # how late the database's word comes
    ends_s: float
    end: str  # stays, stops, dies, rests: an end, a kill, or an hour without work


lives = st.builds(
    Life,
    begins_s=st.floats(0, 4),
    lanes=st.integers(1, 25),
    calls=st.integers(1, 30),
    priority=st.sampled_from(Priority),
    latency_s=st.sampled_from([0.0, 0.01, 0.1]),
    slow_s=st.sampled_from([0.0, 0.1, 0.4]),
    ends_s=st.floats(0.1, 5),
    end=st.sampled_from(["stays", "stops", "dies", "rests"]),
)


@pytest.mark.parametrize("window_s", [0.5, 2.0])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 30),
    planned=st.lists(lives, min_size=1, max_size=3),
    changes=st.lists(st.tuples(st.floats(0, 6), st.integers(1, 40)), max_size=2),
)
def test_no_window_ever_holds_more_calls_than_the_side_allows(
    virtually: Virtually,
    window_s: float,
    limit: int,
    planned: Sequence[Life],
    changes: Sequence[tuple[float, int]],
) -> None:
    """A limit that grows is used, too; one that shrinks is another matter: it refuses what it allowed before."""

    async def main(world: World) -> Side:
        world.side = Side(limit, window_s)

        async def live(number: int, life: Life) -> None:
            await asyncio.sleep(life.begins_s)
            process = await world.process(f"p{number}")
            process.latency_s, process.shares.slow_s = life.latency_s, life.slow_s
            process.work(life.lanes, life.priority, life.calls)
            await asyncio.sleep(life.ends_s)
            if life.end == "stops":
                await process.stop()
            elif life.end == "dies":
                process.shares.dead = True
            elif life.end == "rests":
                await process.rest()

        async def grow(after_s: float, calls: int) -> None:
            await asyncio.sleep(after_s)
            world.side.limit = max(world.side.limit, calls)
            for process in world.processes:
                if not process.shares.dead and process.tasks:
                    process.ledger.learn("hubspot", world.side.limit, window_s)

        await asyncio.gather(
            *(live(number, life) for number, life in enumerate(planned)), *(grow(*each) for each in changes)
        )
        await asyncio.sleep(8)
        return world.side

    side = virtually(main)
    assert side.refused == 0


shares = st.builds(
    Share,
    holder=st.uuids().map(str),
    slots=st.integers(0, 200),
    wanted=st.tuples(*[st.integers(0, 300)] * len(Priority)),
    grew_at=st.just(EPOCH),
    free_at=st.just(EPOCH),
)


@given(calls=st.integers(1, 250), everybody=st.lists(shares, min_size=1, max_size=6))
def test_a_division_gives_away_neither_more_than_there_is_nor_less_than_is_wanted(
    calls: int, everybody: Sequence[Share]
) -> None:
    parts = divide(calls, everybody)
    wanted = [sum(share.wanted) for share in everybody]
    assert all(0 <= part <= want for part, want in zip(parts, wanted, strict=True))
    assert sum(parts) == min(calls, sum(wanted))


@given(calls=st.integers(2, 250), high=st.integers(1, 500), low=st.integers(1, 500))
def test_the_lower_priority_has_at_least_a_tenth_and_no_more_than_the_higher_leaves(
    calls: int, high: int, low: int
) -> None:
    first = Share("first", 0, (high, 0, 0, 0), EPOCH, EPOCH)
    last = Share("last", 0, (0, 0, 0, low), EPOCH, EPOCH)
    for_first, for_last = divide(calls, [first, last])
    assert for_last >= min(low, max(1, calls // 10))
    assert for_first == min(high, calls - min(low, max(1, calls // 10)))


def test_where_there_are_fewer_slots_than_processes_each_has_its_turn() -> None:
    wanting = (0, 0, 3, 0)
    holding = [Share(f"p{n}", 1 if n < 2 else 0, wanting, EPOCH, EPOCH) for n in range(3)]
    had: set[str] = set()
    for turn in range(3):
        parts = divide(2, holding)
        assert sum(parts) == 2
        had |= {share.holder for share, part in zip(holding, parts, strict=True) if part}
        later = EPOCH.replace(minute=turn + 1)
        holding = [
            Share(share.holder, part, wanting, later if part else share.grew_at, EPOCH)
            for share, part in zip(holding, parts, strict=True)
        ]
    assert had == {"p0", "p1", "p2"}


def test_who_wants_nothing_gets_nothing() -> None:
    assert divide(19, [Share("p", 19, NOTHING, EPOCH, EPOCH)]) == [0]
