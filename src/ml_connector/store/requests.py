"""Requests: work that was asked for by a schedule, an event or a person, and how it went.

What is to be done stands here; which process does it is decided elsewhere and may be forgotten without loss. A request
is done in slices: ``slice`` counts them, ``attempt`` how often the present one was handed to a worker.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, insert, select, update

from ml_connector.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.store.database import Tx

RequestKind = Literal["poll", "events", "sync", "replay"]
RequestState = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work. ``what`` are its details: keys, options; ``figures`` the counters of its slices together."""

    request_id: str
    flow: str
    kind: RequestKind
    asked_at: datetime
    due_at: datetime
    asked_by: str
    priority: int = 0
    state: RequestState = "waiting"
    what: dict[str, Any] = field(default_factory=dict)
    slice: int = 1
    attempt: int = 1
    worker: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    cause: str = ""


_c = tables.request.c
_COLUMNS = [_c[name] for name in Request.__slots__]


async def file(tx: Tx, connection_id: int, request: Request) -> None:
    """Store a new request."""
    await tx.connection.execute(insert(tables.request), {"connection_id": connection_id, **asdict(request)})


async def get(tx: Tx, connection_id: int, request_id: str) -> Request | None:
    """One request."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.request_id == request_id)
    row = (await tx.connection.execute(query)).first()
    return Request(*row) if row else None


async def open_of(tx: Tx, connection_id: int, flow: str) -> list[Request]:
    """The requests of a flow that have not ended, oldest first."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.flow == flow, _c.ended_at.is_(None))
    rows = await tx.connection.execute(query.order_by(_c.asked_at, _c.request_id))
    return [Request(*row) for row in rows]


async def due(tx: Tx, now: datetime, limit: int) -> list[tuple[int, Request]]:
    """Open requests of all connections whose time has come, with their connection; the longest due first."""
    query = (
        select(_c.connection_id, *_COLUMNS)
        .where(_c.ended_at.is_(None), _c.due_at <= now)
        .order_by(_c.due_at, _c.request_id)
        .limit(limit)
    )
    return [(row[0], Request(*row[1:])) for row in await tx.connection.execute(query)]


async def take(tx: Tx, connection_id: int, request_id: str, number: int, worker: str) -> Request | None:
    """Begin a slice, or begin it again; None when it is over already: a later one is due, or the request has ended."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.request_id == request_id)
    row = (await tx.connection.execute(query.with_for_update())).first()
    found = Request(*row) if row else None
    if found is None or found.ended_at is not None or found.slice != number:
        return None
    await _change(
        tx, connection_id, request_id, state="running", worker=worker, started_at=found.started_at or tx.now
    )
    return found


async def goes_on(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, request: Request, due_at: datetime, figures: dict[str, Any], message: str
) -> None:
    """A slice has ended and the next one is due."""
    await _change(
        tx,
        connection_id,
        request.request_id,
        state="waiting",
        slice=request.slice + 1,
        attempt=1,
        worker="",
        due_at=due_at,
        figures=figures,
        message=message,
    )


async def hand_over_again(tx: Tx, connection_id: int, request: Request) -> None:
    """The worker of a slice is gone, or nobody knows of it any more: it is handed over once more."""
    await _change(
        tx, connection_id, request.request_id, state="waiting", worker="", attempt=request.attempt + 1
    )


async def end(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx,
    connection_id: int,
    request_id: str,
    state: Literal["done", "failed"],
    figures: dict[str, Any],
    message: str,
    cause: str = "",
) -> None:
    """The request has come to its end."""
    changes = {"state": state, "ended_at": tx.now, "figures": figures, "message": message, "cause": cause}
    await _change(tx, connection_id, request_id, **changes)


async def prune(tx: Tx, before: datetime) -> int:
    """Forget the requests that ended before a moment; how many that were."""
    return (await tx.connection.execute(delete(tables.request).where(_c.ended_at < before))).rowcount


async def _change(tx: Tx, connection_id: int, request_id: str, **values: Any) -> None:
    change = update(tables.request).where(_c.connection_id == connection_id, _c.request_id == request_id)
    await tx.connection.execute(change.values(**values))
