"""One process of the product inside the simulation: its clock, ids, database file and network, and where it dies.

A crash is a seam that never returns: the process gets no further, nothing of it is cancelled or closed, and the
next incarnation opens a copy of its files.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from tests.simulation.inline_work import creator
from tests.simulation.network import SimulatedNetwork

from ml_connector.app.workplace import Workplace, open_workplace
from ml_connector.domain.clock import Surroundings
from ml_connector.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ml_connector.twin.shell import Delivery, TwinShell

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MASTER_KEY = "c2ltdWxhdGlvbi1rZXktMzItYnl0ZXMtbG9uZy0hIS4="


class LoopClock:
    """Both clocks of a machine whose time is the loop's."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    def elapsed_s(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Counted:
    """Ids that tell which incarnation drew them."""

    prefix: str
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self) -> str:
        return f"{self.prefix}{next(self.numbers):05}"


class Incarnation:
    """A process that dies at its ``crash_at``-th seam (0: never), or falls asleep there for ``asleep_s``."""

    def __init__(
        self,
        number: int,
        home: Path,
        database: Path,
        shells: Mapping[str, TwinShell],
        *,
        seed: int,
        crash_at: int,
        asleep_s: float = 0.0,
    ) -> None:
        self.number = number
        self.home = home
        self.database = database
        self.shells = shells
        self.crash_at = crash_at
        self.asleep_s = asleep_s
        self._wakes_at = 0.0
        self.trace: list[str] = []
        self.dead = asyncio.get_running_loop().create_future()
        self.asleep = asyncio.get_running_loop().create_future()
        self.keep: list[asyncio.Task[Delivery]] = []
        self._rng = random.Random(seed * 1000 + number)  # noqa: S311 - reproducible on purpose
        self._order = random.Random(seed * 7919 + number)  # noqa: S311 - the same

    async def seam(self, name: str) -> None:
        """A point where the process may die; between two seams only its memory changes."""
        if self.dead.done():
            await asyncio.get_running_loop().create_future()
        self.trace.append(f"{asyncio.get_running_loop().time():.6f} {name}")
        if len(self.trace) == self.crash_at and self.asleep_s:
            self.asleep.set_result(name)
            self._wakes_at = asyncio.get_running_loop().time() + self.asleep_s
        elif len(self.trace) == self.crash_at:
            self.dead.set_result(name)
            await asyncio.get_running_loop().create_future()
        now = asyncio.get_running_loop().time()  # asleep, none of its tasks gets further
        await asyncio.sleep(max(self._wakes_at - now, self._order.choice((0.0, 0.0005, 0.001))))

    def surroundings(self) -> Surroundings:
        return Surroundings(
            clock=LoopClock(),
            rng=self._rng,
            new_id=Counted(f"p{self.number}-"),
            random_bytes=self._rng.randbytes,
        )

    @asynccontextmanager
    async def workplace(self, **options: Any) -> AsyncIterator[Workplace]:
        """The product, opened as a command would open it."""
        settings = simulated_settings(self.home, self.database)
        async with open_workplace(
            settings,
            self.surroundings(),
            started_by=f"process {self.number}",
            network=SimulatedNetwork(self.shells, self.seam, self.keep),
            async_creator=creator(self.database, self.seam),
            **options,
        ) as place:
            yield place

    def next_database(self) -> Path:
        """The files as the death left them, under a new name; a journal left behind comes along."""
        folder = (
            self.home / f"run-{os.getpid()}"
        )  # a forked run keeps its files apart: no stale journal is replayed
        folder.mkdir(exist_ok=True)
        copy = folder / f"world.{self.number + 1}.db"
        shutil.copy(self.database, copy)
        journal = Path(f"{self.database}-journal")
        if journal.exists():
            shutil.copy(journal, f"{copy}-journal")
        return copy


def simulated_settings(home: Path, database: Path) -> Settings:
    """Settings without environment or file."""
    return Settings(
        home=home,
        database_url=f"sqlite:///{database}",
        master_key=SecretStr(MASTER_KEY),
        allow_local=True,
        sync={"lanes": 2},
        orders={"quiet_minutes": 0, "default_legal_entity": "usmf"},
    )
