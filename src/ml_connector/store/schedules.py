"""When each flow is polled, until when a person has paused it, and when it runs next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from ml_connector.store import tables
from ml_connector.store.columns import insert_if_new, upsert

if TYPE_CHECKING:
    from ml_connector.store.database import Tx

OPEN_END = datetime(9999, 12, 31, tzinfo=UTC)  # paused until somebody resumes it


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One flow's schedule. ``rule`` is empty where the flow's default holds, ``next_at`` before the first run."""

    flow: str
    rule: str = ""
    time_zone: str = "UTC"
    quiet: str = ""
    next_at: datetime | None = None
    paused_until: datetime | None = None
    paused_by: str = ""

    def is_paused(self, now: datetime) -> bool:
        """Whether a person keeps it from running now."""
        return self.paused_until is not None and self.paused_until > now


_c = tables.schedule.c
_COLUMNS = [_c[name] for name in ScheduleRow.__slots__]
_PUT = upsert(
    tables.schedule,
    key=["connection_id", "flow"],
    change=[name for name in ScheduleRow.__slots__ if name != "flow"],
)
_NEW = insert_if_new(tables.schedule, key=["connection_id", "flow"])


async def get(tx: Tx, connection_id: int, flow: str, *, for_update: bool = False) -> ScheduleRow:
    """The flow's schedule; ``for_update`` keeps others from it until the commit, if it is stored already."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow)
    row = (await tx.connection.execute(query.with_for_update() if for_update else query)).first()
    return ScheduleRow(*row) if row else ScheduleRow(flow)


async def put(tx: Tx, connection_id: int, row: ScheduleRow) -> None:
    """Store the schedule as given."""
    await tx.connection.execute(_PUT[tx.dialect], {"connection_id": connection_id, **asdict(row)})


async def all(tx: Tx, connection_id: int) -> dict[str, ScheduleRow]:  # noqa: A001 - read as schedules.all
    """Every schedule that is stored, by flow."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id)
    return {row.flow: ScheduleRow(*row) for row in await tx.connection.execute(query)}


async def touch(tx: Tx, connection_id: int, flow: str) -> None:
    """Make sure that the flow has a row."""
    await tx.connection.execute(
        _NEW[tx.dialect], {"connection_id": connection_id, **asdict(ScheduleRow(flow))}
    )
