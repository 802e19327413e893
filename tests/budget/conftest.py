"""Processes that share a budget on a virtual clock: the real SQL on a real SQLite file, without a thread."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.inline_work import creator
from tests.simulation.virtual_loop import VirtualLoop

from ml_connector.domain.clock import Surroundings
from ml_connector.domain.priority import Priority
from ml_connector.store.budget import SharedBudget
from ml_connector.store.database import Store
from ml_connector.transport.shared import SharedLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from ml_connector.domain.sharing import Grant, Report
    from ml_connector.errors import ConnectorError

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LIMIT, WINDOW_S = 19, 1.0


class LoopClock:
    """Both clocks of a machine whose time is the loop's."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    def elapsed_s(self) -> float:
        return asyncio.get_running_loop().time()


def surroundings(name: str) -> Surroundings:
    chance = random.Random(name)  # noqa: S311 - repeatable on purpose
    numbers = itertools.count()
    return Surroundings(LoopClock(), chance, lambda: f"{name}-{next(numbers)}", chance.randbytes)


class Mortal:
    """The database as a process sees it that may be killed: from then on nothing comes back."""

    def __init__(self, shares: SharedBudget) -> None:
        self.shares = shares
        self.dead = False
        self.unreachable: ConnectorError | None = None
        self.slow_s = 0.0  # between what the database has settled and the process that hears of it
        self.exchanges = 0

    async def exchange(self, holder: str, reports: Sequence[Report], term_s: float) -> Mapping[str, Grant]:
        await self.alive()
        if self.unreachable is not None:
            raise self.unreachable
        self.exchanges += 1
        grants = await self.shares.exchange(holder, reports, term_s)
        await asyncio.sleep(self.slow_s)
        await self.alive()
        return grants

    async def alive(self) -> None:
        if self.dead:
            await asyncio.get_running_loop().create_future()


@dataclass
class Side:
    """A server that counts calls when it sees them, and refuses those beyond its limit."""

    limit: int = LIMIT
    window_s: float = WINDOW_S
    arrivals: list[tuple[float, str, Priority]] = field(default_factory=list)
    refused: int = 0
    at_once: int = 0
    most_at_once: int = 0
    _window: deque[float] = field(default_factory=deque)

    def arrive(self, who: str, priority: Priority) -> None:
        now = asyncio.get_running_loop().time()
        while self._window and self._window[0] + self.window_s <= now + 1e-9:
            self._window.popleft()
        if len(self._window) >= self.limit:
            self.refused += 1
            return
        self._window.append(now)
        self.arrivals.append((now, who, priority))

    def of(self, who: str, since: float = 0.0, until: float = 1e9) -> int:
        """Calls of a process that arrived in a span of time."""
        return sum(name == who and since <= at < until for at, name, _ in self.arrivals)


@dataclass
class Process:
    """One process: its store, its ledger, and callers that go on until they are told to stop."""

    name: str
    store: Store
    shares: Mortal
    ledger: SharedLedger
    side: Side
    rng: random.Random
    latency_s: float = 0.02
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def call(
        self, priority: Priority = Priority.POLLS, buckets: tuple[str, ...] = ("hubspot",)
    ) -> None:
        """One call, from the line to its answer."""
        await self.shares.alive()
        slot = await self.ledger.acquire(buckets, priority=priority)
        await self.shares.alive()
        self.side.at_once += 1
        self.side.most_at_once = max(self.side.most_at_once, self.side.at_once)
        await asyncio.sleep(self.rng.random() * self.latency_s)
        self.side.arrive(self.name, priority)
        await asyncio.sleep(self.rng.random() * self.latency_s)
        self.side.at_once -= 1
        await self.shares.alive()
        slot.answered()

    def work(self, lanes: int, priority: Priority = Priority.POLLS, calls: int | None = None) -> None:
        """Call on so many lanes, for ever or so often each."""

        async def lane() -> None:
            for _ in itertools.count() if calls is None else range(calls):
                await self.call(priority)

        self.tasks += [asyncio.get_running_loop().create_task(lane()) for _ in range(lanes)]

    async def stop(self) -> None:
        """An orderly end."""
        await self.rest()
        await self.ledger.close()
        await self.store.close()

    async def rest(self) -> None:
        """The callers go away; the process stays."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []


@dataclass
class World:
    """A side, a database, and the processes on it."""

    path: Path
    side: Side = field(default_factory=Side)
    connection_id: int = 1
    beat_s: float = 0.25
    processes: list[Process] = field(default_factory=list)

    async def process(self, name: str, **concurrent: int) -> Process:
        around = surroundings(name)
        store = await Store.open(
            f"sqlite:///{self.path}", around=around, async_creator=creator(self.path, _no_seam)
        )
        shares = Mortal(SharedBudget(store, self.connection_id))
        ledger = SharedLedger(around, shares, beat_s=self.beat_s, concurrent={"hubspot": 1000, **concurrent})
        ledger.assume("hubspot", self.side.limit, self.side.window_s)
        process = Process(name, store, shares, ledger, self.side, random.Random(name))  # noqa: S311 - repeatable
        self.processes.append(process)
        return process


async def _no_seam(_name: str) -> None:
    await asyncio.sleep(0.001)  # a statement takes its time, so that others come between


@pytest.fixture
def virtually(
    sqlite_template: Path, tmp_path: Path
) -> Callable[[Callable[[World], Coroutine[Any, Any, Any]]], Any]:
    """Runs a coroutine function on a fresh virtual loop, with a world of that loop."""
    numbers = itertools.count()

    def run(main: Callable[[World], Coroutine[Any, Any, Any]]) -> Any:
        path = tmp_path / f"budget-{next(numbers)}.db"
        shutil.copy(sqlite_template, path)
        loop = VirtualLoop()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(_whole(World(path), main))
        finally:
            loop.close()
            asyncio.set_event_loop(None)
            path.unlink()

    return run


async def _whole(world: World, main: Callable[[World], Coroutine[Any, Any, Any]]) -> Any:
    found = await main(world)
    for process in world.processes:
        process.shares.dead = False  # so that its tasks can end
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for process in world.processes:
        await process.store.close()
    return found
