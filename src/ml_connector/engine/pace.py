"""How many drafts are released in an hour: the breaker of a process flow.

The counts of the last hour, by slots of five minutes, and the busiest full hour before it are kept with the flow's
progress, in the transaction that releases a draft.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.store import progress
from ml_connector.store.progress import Progress

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.store.database import Tx

SLOT_S = 300
SLOTS = 12  # in an hour
LEAST = 25  # so few in an hour hold nothing
USUAL = 3  # times the busiest hour known


@dataclass(slots=True)
class Pace:
    """Released drafts by slot of the last hour, by full hour before that, and the busiest of those hours."""

    slots: dict[int, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    busiest: int = 0

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> Pace:
        """As it was kept."""
        slots, hours = (
            {int(at): n for at, n in details.get(name, {}).items()} for name in ("slots", "hours")
        )
        return cls(slots, hours, int(details.get("busiest", 0)))

    def as_details(self) -> dict[str, Any]:
        """As it is kept."""
        slots, hours = ({str(at): n for at, n in each.items()} for each in (self.slots, self.hours))
        return {"slots": slots, "hours": hours, "busiest": self.busiest}

    def forget(self, now: datetime) -> None:
        """Drop the slots that ended more than an hour ago; an hour that is over may have been the busiest."""
        slot, hour = _numbers(now)
        self.slots = {at: count for at, count in self.slots.items() if at > slot - SLOTS}
        over = {at: count for at, count in self.hours.items() if at < hour - 1}
        self.busiest = max([self.busiest, *over.values()])
        self.hours = {at: count for at, count in self.hours.items() if at not in over}

    def count(self, now: datetime) -> None:
        """One more."""
        slot, hour = _numbers(now)
        self.slots[slot] = self.slots.get(slot, 0) + 1
        self.hours[hour] = self.hours.get(hour, 0) + 1

    def most(self, chosen: int) -> int:
        """So many go in an hour: as chosen, else by what is usual."""
        return chosen or max(LEAST, USUAL * self.busiest)


def _numbers(now: datetime) -> tuple[int, int]:
    """Number of the slot and of the hour."""
    seconds = int(now.timestamp())
    return seconds // SLOT_S, seconds // int(timedelta(hours=1).total_seconds())


async def room(tx: Tx, connection_id: int, flow: str, now: datetime, *, chosen: int) -> tuple[int, int]:
    """How many were released within the hour, and how many may be; nothing is counted."""
    pace = _pace(await progress.load(tx, connection_id, _name(flow)), now)
    return sum(pace.slots.values()), pace.most(chosen)


async def released(
    tx: Tx, connection_id: int, flow: str, now: datetime, *, chosen: int, approved: bool
) -> str:
    """Count one released draft; a sentence instead when it would be one too many and nobody has approved it."""
    name = _name(flow)
    pace = _pace(await progress.load(tx, connection_id, name, for_update=True), now)
    within, most = sum(pace.slots.values()), pace.most(chosen)
    if within >= most and not approved:
        return too_many(within, most)
    pace.count(now)
    await progress.save(tx, connection_id, Progress(flow=name, run_id="", details=pace.as_details()))
    return ""


def too_many(within: int, most: int) -> str:
    """Why the next one waits, as a sentence without its end."""
    return f"{within} orders were released within an hour, and more than {most} wait for a person"


def _name(flow: str) -> str:
    return f"{flow}.pace"


def _pace(kept: Progress | None, now: datetime) -> Pace:
    pace = Pace.from_details(kept.details if kept is not None else {})
    pace.forget(now)
    return pace
