"""Run a story at every seam, each run in a process of its own forked from one prepared world.

    python tests/simulation/run.py --story won_deal --answers late    every seam
    python tests/simulation/run.py --story won_deal --crash-at 17     one seam, with its trace

Prints one JSON object a run. Needs a system with fork.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.simulation.compiled_once import compile_once  # noqa: E402 - the path above makes it importable
from tests.simulation.simulated import Simulated  # noqa: E402 - the path above makes it importable
from tests.simulation.stories import STORIES  # noqa: E402 - the same
from tests.simulation.stories.story import passes  # noqa: E402 - the same
from tests.simulation.virtual_loop import VirtualLoop  # noqa: E402 - the same

from ml_connector.telemetry import setup_logging  # noqa: E402 - the path above makes it importable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.stories.story import Story

BUDGET = ("INSERT INTO mlc_budget", "DELETE FROM mlc_budget")  # no record hangs on these
CHANGING_NOTHING = tuple(
    f"before {word}" for word in ("SELECT", "BEGIN", "PRAGMA", "work", "close", "regexp", "floor", *BUDGET)
)
WORTH_REHEARSING = 30  # a rehearsal costs what a run or two do, and makes each that follows quicker
BOUND_S = (
    30.0 + 120.0 + 900.0
)  # to send in, for a request, to settle: who sleeps longer may write a second time
DAY_S = 86_400.0
REST_S = 2000.0  # longer than every late commit and settle


async def one_run(
    world: Simulated, story: Story, *, crash_at: int, answers: str = "prompt", asleep_s: float = 0.0
) -> dict[str, Any]:
    """Crash, or fall asleep, at one seam, recover, check; lost answers want one process more, which finds the rest."""
    await story.begin(world)
    number, world.writes_before = len(world.incarnations), world.writes()
    if asleep_s and crash_at:
        await world.live_beside(story.act, asleep_at=crash_at, asleep_s=asleep_s)
    elif not await world.live(story.act, crash_at=crash_at):
        await world.live(story.act, crash_at=0)
    await asyncio.sleep(REST_S)
    if answers != "prompt" or asleep_s:
        await world.live(story.act, crash_at=0)
    world.checkers.broken += story.end(world)
    world.checkers.at_the_end()
    breach = any(words.startswith("I1:") for words in world.checkers.broken)
    if breach and asleep_s > BOUND_S and await is_reported(world):
        world.checkers.broken.clear()
    before = world.writes()
    await world.live(story.again, crash_at=0)
    if world.writes() != before:
        world.checkers.broken.append(f"I13: once more made {world.writes() - before} writes")
    first = world.incarnations[number]
    return {
        "crash_at": crash_at,
        "seams": len(first.trace),
        "seam": first.trace[crash_at - 1] if 0 < crash_at <= len(first.trace) else "",
        "virtual_s": round(asyncio.get_running_loop().time()),
        "trace": hashlib.blake2b("\n".join(first.trace).encode(), digest_size=8).hexdigest(),
        "broken": sorted(set(world.checkers.broken)),
        "breach": breach,
        "steps": [step for process in world.incarnations[number:] for step in ["---", *process.trace]],
    }


async def is_reported(world: Simulated) -> bool:
    """Whether the sweep of the next day tells of what stands twice, as it must beyond the bound of exactly once."""
    await asyncio.sleep(DAY_S)
    await world.live(lambda place: passes(place, "orders"), crash_at=0)
    twice = "SELECT 1 FROM mlc_parked WHERE state = 'open' AND cause IN ('order.reference_twice', 'order.line_twice')"
    return bool(world.rows(twice))


def deaths(steps: Sequence[str]) -> list[int]:
    """The seams of the first process at which a death leaves something that one at the next seam does not.

    A death before a statement that changes nothing leaves what a death after it leaves, as long as no request is under
    way: such seams, four in ten, are passed over.
    """
    found: list[int] = []
    under_way = 0
    for number, step in enumerate(itertools.takewhile(lambda step: step != "---", steps[1:]), 1):
        what = step.partition(" ")[2]
        under_way += what.startswith("sent ") - what.startswith("answered ")
        if under_way or not what.startswith(CHANGING_NOTHING):
            found.append(number)
    return found


def sends(steps: Sequence[str]) -> list[int]:
    """The seams of the first process between its last look at the clock and a write to F&O."""
    first = itertools.takewhile(lambda step: step != "---", steps[1:])
    return [number for number, step in enumerate(first, 1) if " before send POST /data/" in step]


def in_a_fork(
    loop: VirtualLoop, world: Simulated, story: Story, crash_at: int, *, answers: str, asleep_s: float
) -> Any:
    """One run in a child: whatever it leaves open dies with it, and the prepared world stays untouched."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        lived = one_run(world, story, crash_at=crash_at, answers=answers, asleep_s=asleep_s)
        try:
            result = loop.run_until_complete(lived)
        except BaseException as error:  # noqa: BLE001 - reported to the parent, whatever it is
            import traceback

            broken = sorted({*world.checkers.broken, f"{type(error).__name__}: {error}"})
            result = {"crash_at": crash_at, "broken": broken, "seams": 0, "steps": []}
            result["traceback"] = traceback.format_exc()
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(orjson.dumps(result))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    shutil.rmtree(world.home / f"run-{child}", ignore_errors=True)
    return orjson.loads(answer)


def main() -> int:
    """Enumerate; exit 1 when a promise broke."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--story", choices=sorted(STORIES), required=True)
    parser.add_argument(
        "--answers",
        choices=("prompt", "late", "reset"),
        default="prompt",
        help="late: commits come after the client has given up; reset: they come, their answers do not",
    )
    parser.add_argument(
        "--asleep", type=float, default=0.0, help="sleep so many seconds at each send, instead of dying"
    )
    parser.add_argument("--crash-at", type=int, default=None)
    parser.add_argument("--every", type=int, default=1, help="only each n-th seam")
    parser.add_argument("--part", default="1/1", help="which share of the seams: 1/2, 2/2")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    setup_logging("ERROR")
    memory = Path("/dev/shm")  # noqa: S108 - files of one run, thrown away with it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        return enumerate_seams(options, Path(folder))


def enumerate_seams(options: argparse.Namespace, folder: Path) -> int:
    """Prepare the world once, then fork a run for each seam."""
    story = STORIES[options.story]
    compile_once()
    if options.crash_at is None and options.every < WORTH_REHEARSING:
        rehearsal, rehearsed = prepared(story, folder / "rehearsal", options.seed)
        rehearsal.run_until_complete(one_run(rehearsed, story, crash_at=0))  # every statement is compiled now
    loop, world = prepared(story, folder / "home", options.seed)
    if options.answers != "prompt":
        world.lose_answers(options.answers, story.late_paths, story.late_times)
    how, one = {"answers": options.answers, "asleep_s": options.asleep}, options.crash_at is not None
    first = in_a_fork(loop, world, story, options.crash_at or 0, **how)
    show(first, steps=one)
    broken = bool(first["broken"])
    if not one:
        part, parts = map(int, options.part.split("/"))
        seams = sends(first["steps"]) if options.asleep else deaths(first["steps"])
        for crash_at in seams[part - 1 :: parts * options.every]:
            result = in_a_fork(loop, world, story, crash_at, **how)
            show(result)
            broken = broken or bool(result["broken"])
    return 1 if broken else 0


def prepared(story: Story, home: Path, seed: int) -> tuple[VirtualLoop, Simulated]:
    """The world as it stands before anybody acts, and the loop that it lives on."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    world = Simulated(home, story.beginning, seed=seed)
    loop.run_until_complete(world.prepare())
    return loop, world


def show(result: dict[str, Any], *, steps: bool = False) -> None:
    """One line a run."""
    shown = {name: value for name, value in result.items() if steps or name != "steps"}
    print(orjson.dumps(shown).decode(), flush=True)  # noqa: T201 - the answer of this command


if __name__ == "__main__":
    sys.exit(main())
