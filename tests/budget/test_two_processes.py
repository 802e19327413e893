"""Two processes on one database hammer HubSpot's twin: no 429, hardly a call below the limit, in life and death."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.budget.caller import BEAT_S

from ml_connector.app.system import surroundings
from ml_connector.twin.faults import parse_fault
from ml_connector.twin.launch import RunningTwins, TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from ml_connector.twin.wire import Answer, Request

CALLER = Path(__file__).with_name("caller.py")
LIMIT, WINDOW_S = 19, 1.0
KINDS = ("companies", "products")  # what the first process asks for, and the second
TAKEN_OVER_S = 5 * BEAT_S + WINDOW_S  # the term of a dead process, and the window


@dataclass
class Scene:
    """A twin that notes each answer, and the processes that call it."""

    twins: RunningTwins
    database_url: str
    answers: list[tuple[float, str, int]] = field(default_factory=list)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, _side: str, request: Request, answer: Answer, _at: datetime) -> None:
        kind = next((kind for kind in KINDS if request.path.endswith(kind)), "")
        self.answers.append((asyncio.get_running_loop().time(), kind, answer.status))
        self.answered.set()

    async def begin(self, kind: str) -> subprocess.Popen[str]:
        """A process that calls, from its first answer on."""
        announced = self.twins.announcement()
        command = [sys.executable, str(CALLER), self.database_url]
        process = subprocess.Popen(  # noqa: ASYNC220 - it is begun here and looked at by what it calls
            [*command, announced["hubspot_url"], announced["hubspot_token"], kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.processes.append(process)
        await self.until(lambda: self.served(kind, 0.0) > 0)
        return process

    def served(self, kind: str, since: float) -> int:
        """Calls that were let through."""
        return sum(at >= since and each == kind and status == 200 for at, each, status in self.answers)

    def refused(self) -> int:
        """Calls beyond the limit, as the twin counts them."""
        return self.twins.pair.shells["hubspot"].throttled

    async def rate(self, windows: int) -> float:
        """The next calls of so many windows, and one: the time they could have taken as a part of what they took."""
        first = len(self.answers)
        await self.until(lambda: len(self.answers) > first + windows * LIMIT)
        took_s = self.answers[first + windows * LIMIT][0] - self.answers[first][0]
        return windows * WINDOW_S / took_s

    async def until(self, come: Callable[[], bool]) -> None:
        """Look at each answer until it has come to this."""
        while not come():
            self.answered.clear()
            await asyncio.wait_for(self.answered.wait(), 30)

    def end(self) -> list[str]:
        """Orderly ends; what each process says last."""
        living = [process for process in self.processes if process.poll() is None]
        return [process.communicate(timeout=30)[0].strip() for process in living]


@pytest.fixture
async def scene(store_url: str) -> AsyncIterator[Scene]:
    around = surroundings()
    options = TwinOptions(customers=3, products=3, hubspot_limit=(LIMIT, WINDOW_S), rep=False)
    async with AsyncExitStack() as stack:
        twins = await stack.enter_async_context(
            running_twins(options, clock=around.clock.now, rng=around.rng, new_id=around.new_id)
        )
        scene = Scene(twins, store_url)
        twins.pair.shells["hubspot"].on_answer.append(scene.note)
        yield scene
        for process in scene.processes:
            process.kill()
            process.communicate()


async def test_two_processes_use_the_limit_whole_and_the_one_that_is_killed_leaves_it_to_the_other(
    scene: Scene,
) -> None:
    killed = await scene.begin("companies")
    await scene.begin("products")
    await asyncio.sleep(2 * WINDOW_S)  # the first had everything; the second gets its part
    began = asyncio.get_running_loop().time()
    assert await scene.rate(3) >= 0.9
    parts = [scene.served(kind, began) for kind in KINDS]
    assert min(parts) >= 0.35 * sum(parts)
    killed.kill()
    await asyncio.sleep(TAKEN_OVER_S + WINDOW_S)
    assert await scene.rate(2) >= 0.9
    assert scene.refused() == 0
    assert scene.end() == ["ended"]


async def test_a_429_that_one_process_meets_pauses_both(scene: Scene) -> None:
    for kind in KINDS:
        await scene.begin(kind)
    order = {
        "match": {"method": "GET", "path": f".*/{KINDS[0]}"},
        "fault": "status",
        "status": 429,
        "headers": {"Retry-After": "3"},
        "times": 1,
    }
    scene.twins.pair.shells["hubspot"].faults.add(parse_fault(order))
    await scene.until(lambda: any(status == 429 for _, _, status in scene.answers))
    met = asyncio.get_running_loop().time()
    await asyncio.sleep(2.8)
    in_pause = [at - met for at, _, status in scene.answers if at > met and status == 200]
    assert max(in_pause, default=0.0) <= 2 * BEAT_S  # until the other has heard of it
    await asyncio.sleep(WINDOW_S)
    assert all(scene.served(kind, met + 2.8) for kind in KINDS)
    assert scene.end() == ["ended", "ended"]
    assert scene.refused() == 0  # but for the one that was ordered
