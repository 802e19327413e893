"""The real clock, chance and identity. Everywhere else they are handed in."""

from __future__ import annotations

import os
import random
import time
import uuid
from datetime import UTC, datetime

from ml_connector.domain.clock import Surroundings


class SystemClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads it

    def elapsed_s(self) -> float:
        """Seconds since start-up of the machine, sleep included where the platform counts it."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


def new_id() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return uuid.uuid4().hex  # noqa: TID251 - the one place that draws ids


def surroundings() -> Surroundings:
    """What a real process is given."""
    return Surroundings(
        clock=SystemClock(),
        rng=random.Random(),  # noqa: S311 - jitter, not secrets
        new_id=new_id,
        random_bytes=os.urandom,  # noqa: TID251 - the one place that draws them
    )
