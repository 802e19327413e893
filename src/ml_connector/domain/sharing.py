"""How the calls one side allows are shared by all processes of a connection. Values and rules, no I/O.

A process is set aside a number of **slots** of a bucket; it alone uses them, one call each, and uses each of them again
one window after the answer of its call. So the limit holds as long as the slots of all together stay within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.domain.priority import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

NOTHING = (0,) * len(Priority)
PART_FOR_THE_LAST = 10  # one in so many slots, and one in so many turns, is not for those who would go first


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most ``calls`` in any ``window_s`` seconds; ``told``: by the side itself."""

    calls: int
    window_s: float
    told: bool

    def assumed(self) -> Allowance:
        """The same, without a claim that the side told it."""
        return Allowance(self.calls, self.window_s, told=False)


@dataclass(frozen=True, slots=True)
class DayQuota:
    """``left`` of the ``calls`` of a day were unused when the side said so."""

    calls: int
    left: int
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What a process tells about one bucket.

    Args:
        bucket: Its name.
        allowance: The limit as this process knows it.
        in_use: Slots under way or within the window: they cannot be given back now.
        wanted: Slots it could use, by priority.
        pause_s: A pause the others do not know yet.
        day: The day's quota, where it is known here.
        free_in_s: When the last slot in use leaves the window; what a process that goes away leaves behind ends then.
    """

    bucket: str
    allowance: Allowance
    in_use: int = 0
    wanted: tuple[int, ...] = NOTHING
    pause_s: float = 0.0
    day: DayQuota | None = None
    free_in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a process is told about one bucket.

    Args:
        slots: Slots it may use from now on.
        held: Slots set aside for it: more than ``slots`` while some that it owes are still in use.
        allowance: The limit in force.
        pause_s: Nobody calls for so long.
        day: The day's quota as last told to any process.
    """

    slots: int
    held: int
    allowance: Allowance
    pause_s: float = 0.0
    day: DayQuota | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The slots of one process, as all can see them; they are anybody's again at ``free_at``."""

    holder: str
    slots: int
    wanted: tuple[int, ...]
    grew_at: datetime
    free_at: datetime


@dataclass(slots=True)
class _Portion:
    """What is worked out for one process."""

    share: Share
    slots: int = 0
    at_level: list[int] = field(default_factory=lambda: list(NOTHING))


def better_known(one: Allowance | None, other: Allowance) -> Allowance:
    """Of a limit that is stored and one that is reported: what the side told stands against an assumption."""
    return one if one is not None and one.told and not other.told else other


def later_told(one: DayQuota | None, other: DayQuota | None) -> DayQuota | None:
    """The newer word about the day."""
    if one is None or other is None:
        return one or other
    return one if one.told_at > other.told_at else other


def granted(calls: int, mine: Share, others: Sequence[Share], in_use: int) -> tuple[int, int]:
    """Slots a process may use and slots set aside for it: its part of the limit, as far as it is free."""
    entitled = divide(calls, [mine, *others])[0]
    free = max(0, calls - sum(share.slots for share in others))
    slots = min(entitled, free)
    return slots, max(slots, in_use)


def divide(calls: int, shares: Sequence[Share]) -> list[int]:
    """Each process's part of the limit: by priority, then evenly; a tenth goes to lower priorities that want it.

    Where there are fewer slots than processes, those whose turn is longest ago go first, so that each has its turn.
    """
    portions = [_Portion(share) for share in shares]
    left = calls
    for level in Priority:
        below = sum(sum(share.wanted[level + 1 :]) for share in shares)
        kept = min(below, max(1, calls // PART_FOR_THE_LAST)) if left > 1 else 0
        left -= _evenly(max(0, left - kept), level, portions)
    return [portion.slots for portion in portions]


def _evenly(total: int, level: Priority, portions: Sequence[_Portion]) -> int:
    """Hand out slots of one priority; nobody gets more than it wants, and a remainder stays where it is."""
    left = min(total, sum(portion.share.wanted[level] for portion in portions))
    given = left
    while left:
        hungry = [one for one in portions if one.at_level[level] < one.share.wanted[level]]
        each = left // len(hungry)
        if not each:
            hungry = sorted(hungry, key=_turn)[:left]
            each = 1
        for one in hungry:
            more = min(each, one.share.wanted[level] - one.at_level[level])
            one.at_level[level] += more
            one.slots += more
            left -= more
    return given


def _turn(portion: _Portion) -> tuple[bool, float, str]:
    share = portion.share
    if portion.slots == 0:
        return False, share.grew_at.timestamp(), share.holder
    return True, -share.slots, share.holder
