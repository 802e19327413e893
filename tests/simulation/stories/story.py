"""What a story is: what stands when it begins, what people do, what a process does about it, what must be true then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tests.simulation.small_world import small_world

from ml_connector.app.sync import sync
from ml_connector.engine.advance import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace
    from ml_connector.twin.world.model import World

PATIENCE = 40  # passes a story may need; each wait is slept through in virtual time


@dataclass(frozen=True)
class Beginning:
    """What stands before anybody acts: made once, before the runs are forked."""

    world: World = field(default_factory=small_world)
    page_size: int = (
        1000  # rows of a page of F&O: one a page makes a crawl of several pages out of few records
    )
    loaded: tuple[str, ...] = ("customers", "products")  # flows that have been loaded
    already: Callable[[Simulated], Awaitable[None]] | None = None  # what has happened since then


class Story(Protocol):
    """One story."""

    @property
    def beginning(self) -> Beginning:
        """What stands before anybody acts."""

    @property
    def late_paths(self) -> str:
        """Regex of the POSTs and PATCHes whose answers get lost where answers do."""

    @property
    def late_times(self) -> int | None:
        """How many answers are lost; None: all. A server that never answers in time can never be known to have."""

    async def begin(self, world: Simulated) -> None:
        """What people do before the process that may crash starts."""

    async def act(self, place: Workplace) -> None:
        """What a process does about it, from whatever it finds; ends when nothing is left to do."""

    def end(self, world: Simulated) -> list[str]:
        """What is not as it must be, in words."""

    async def again(self, place: Workplace) -> None:
        """The same once more: nothing may change (I13)."""


async def passes(place: Workplace, *flows: str) -> None:
    """Passes over these flows until one comes to its end."""
    for _ in range(PATIENCE):
        reports = await sync(place, flows)
        if all(report.error is None for report in reports):
            return
        await asyncio.sleep(LEASE_S)
    raise AssertionError(f"{flows} did not come to rest within {PATIENCE} passes")


def differences(expected: dict[str, object], found: dict[str, object]) -> list[str]:
    """What was found otherwise than it must be, a sentence each."""
    return [
        f"{what}: {found.get(what)!r} instead of {value!r}"
        for what, value in expected.items()
        if found.get(what) != value
    ]
