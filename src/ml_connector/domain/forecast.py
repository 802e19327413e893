"""When a backfill ends: from the calls still to be made and what the side allows. A pure reckoning, no promise."""

from __future__ import annotations

import math
from dataclasses import dataclass

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Today:
    """What is left of a day's calls: ``reserve`` is the share of ``calls`` a backfill leaves to others."""

    calls: int
    left: int
    ends_in_s: float
    reserve: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls may go.

    Args:
        calls: The limit of a window.
        window_s: Its length.
        share: The part of the limit that this work has beside other processes and priorities.
        answer_s: How long an answer takes; a slot is free a window after it.
        at_once: Calls under way at once.
        today: The day's calls, where the side counts them.
    """

    calls: int
    window_s: float
    share: float = 1.0
    answer_s: float = 0.1
    at_once: int = 16
    today: Today | None = None

    @property
    def _slots(self) -> int:
        return max(1, math.floor(self.calls * self.share))

    def takes_s(self, calls: int) -> float:
        """How long so many calls take when the day sets no limit."""
        if calls <= 0:
            return 0.0
        windows, rest = divmod(calls - 1, self._slots)
        turns = math.ceil((rest + 1) / min(self.at_once, self._slots))
        return max(
            windows * (self.window_s + self.answer_s) + turns * self.answer_s,
            math.ceil(calls / min(self.at_once, self._slots)) * self.answer_s,
        )

    def made_in(self, seconds: float) -> int:
        """How many calls are over after so long."""
        low, high = 0, 1
        while self.takes_s(high) <= seconds:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.takes_s(middle) <= seconds else (low, middle)
        return low


def ends_in_s(calls: int, pace: Pace) -> float:
    """Seconds until so many calls are made; infinite where the reserve leaves nothing of any day."""
    today = pace.today
    if today is None:
        return pace.takes_s(calls)
    kept = today.calls * today.reserve
    each_day = math.floor(today.calls - kept)
    usable, until_s, passed_s = max(0, math.floor(today.left - kept)), today.ends_in_s, 0.0
    while calls > usable or pace.takes_s(calls) > until_s:
        if each_day <= 0:
            return math.inf
        calls -= min(usable, pace.made_in(until_s))
        passed_s += until_s
        usable, until_s = each_day, _DAY_S
    return passed_s + pace.takes_s(calls)
