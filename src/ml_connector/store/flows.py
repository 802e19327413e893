"""Whether a flow is off, on or paused, since when it is live, and whether its first load is done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from ml_connector.store import tables
from ml_connector.store.columns import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.store.database import Tx


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One flow of one connection.

    ``paused``: on, and kept from working for ``paused_reason``; ``loaded``: a first load has been completed.
    """

    flow: str
    state: Literal["off", "on", "paused"] = "off"
    go_live_at: datetime | None = None
    paused_reason: str = ""
    loaded: bool = False

    @property
    def is_on(self) -> bool:
        """Whether a pass runs it; a paused flow tries again."""
        return self.state != "off"


_COLUMNS = [tables.flow.c[name] for name in FlowRow.__slots__]
_PUT = upsert(
    tables.flow, key=["connection_id", "flow"], change=["state", "go_live_at", "paused_reason", "loaded"]
)


async def get(tx: Tx, connection_id: int, flow: str) -> FlowRow:
    """The flow as it stands; one that was never touched is off."""
    c = tables.flow.c
    query = select(*_COLUMNS).where(c.connection_id == connection_id, c.flow == flow)
    row = (await tx.connection.execute(query)).first()
    return FlowRow(*row) if row else FlowRow(flow)


async def put(tx: Tx, connection_id: int, row: FlowRow) -> None:
    """Store the flow as given."""
    await tx.connection.execute(_PUT[tx.dialect], {"connection_id": connection_id, **asdict(row)})


async def all(tx: Tx, connection_id: int) -> list[FlowRow]:  # noqa: A001 - read as flows.all
    """Every flow that was ever touched, by name."""
    c = tables.flow.c
    query = select(*_COLUMNS).where(c.connection_id == connection_id).order_by(c.flow)
    return [FlowRow(*row) for row in await tx.connection.execute(query)]
