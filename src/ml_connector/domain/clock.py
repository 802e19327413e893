"""What the connector may know of time, chance and identity: all three are handed in, never taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from datetime import datetime


class Clock(Protocol):
    """The two times that matter."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def elapsed_s(self) -> float:
        """Seconds that only grow, also while the machine sleeps: what ``send_by`` is compared with."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock, chance and identity of one process; built in app and in tests."""

    clock: Clock
    rng: random.Random
    new_id: Callable[[], str]  # short, unique, sortable by creation is not required
    random_bytes: Callable[[int], bytes]
