"""What the connector may know of time, chance and identity: all three are handed in, never taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


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


def moment_of(text: str) -> datetime:
    """A time as a server writes it; without a zone it is UTC.

    Raises:
        ValueError: it is no time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
