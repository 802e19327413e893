"""Runs: what was started, by whom, how it ended and what it counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, insert, or_, select, update

from ml_connector.store import tables
from ml_connector.store.database import StoreError

if TYPE_CHECKING:
    import builtins
    from datetime import datetime

    from ml_connector.store.database import Tx

RunKind = Literal["load", "crawl", "changes", "first", "plan", "keyed", "orders", "told", "replay"]
RunState = Literal["running", "done", "failed", "interrupted", "stopped"]  # stopped: the breaker holds it


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one flow. ``counters`` are the figures of ``domain.records.Counters``."""

    run_id: str
    flow: str
    kind: RunKind
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    counters: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    started_by: str = ""


_COLUMNS = [tables.run.c[name] for name in Run.__slots__]


async def start(tx: Tx, connection_id: int, run: Run) -> None:
    """Note a run at its start."""
    await tx.connection.execute(insert(tables.run), {"connection_id": connection_id, **asdict(run)})


async def finish(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, run_id: str, state: RunState, counters: dict[str, Any], message: str
) -> None:
    """Note how a run ended.

    Raises:
        StoreError: the run was never started.
    """
    c = tables.run.c
    change = update(tables.run).where(c.connection_id == connection_id, c.run_id == run_id)
    ended = change.values(state=state, counters=counters, message=message, ended_at=tx.now)
    if (await tx.connection.execute(ended)).rowcount != 1:
        raise StoreError(f"The run {run_id} was never started.")


async def becomes(tx: Tx, connection_id: int, run_id: str, kind: RunKind) -> None:
    """Note that a run goes on as one of another kind."""
    c = tables.run.c
    change = update(tables.run).where(c.connection_id == connection_id, c.run_id == run_id)
    await tx.connection.execute(change.values(kind=kind))


async def get(tx: Tx, connection_id: int, run_id: str) -> Run | None:
    """One run."""
    c = tables.run.c
    query = select(*_COLUMNS).where(c.connection_id == connection_id, c.run_id == run_id)
    row = (await tx.connection.execute(query)).first()
    return Run(*row) if row else None


async def list(  # noqa: A001 - read as runs.list
    tx: Tx, connection_id: int, limit: int = 50, before: datetime | None = None
) -> builtins.list[Run]:
    """The newest runs first; ``before`` is the start of the last one of the page before."""
    c = tables.run.c
    query = select(*_COLUMNS).where(c.connection_id == connection_id)
    if before is not None:
        query = query.where(c.started_at < before)
    rows = await tx.connection.execute(query.order_by(c.started_at.desc(), c.run_id.desc()).limit(limit))
    return [Run(*row) for row in rows]


async def stopped(tx: Tx, connection_id: int, flow: str) -> builtins.list[Run]:
    """Runs of a flow since its last one that came to its end: what they left open, the next run does again."""
    c = tables.run.c
    of_flow = (c.connection_id == connection_id, c.flow == flow)
    last = (
        select(func.max(c.started_at))
        .where(*of_flow, c.state == "done", c.kind.in_(("load", "crawl", "changes", "orders")))
        .scalar_subquery()
    )
    query = select(*_COLUMNS).where(
        *of_flow, c.state.in_(("failed", "interrupted")), or_(last.is_(None), c.started_at > last)
    )
    return [Run(*row) for row in await tx.connection.execute(query.order_by(c.started_at))]


async def abandon_open(tx: Tx, connection_id: int, flow: str) -> builtins.list[str]:
    """Mark the running runs of a flow as interrupted: their process is gone. Their ids, oldest first."""
    c = tables.run.c
    still_running = (c.connection_id == connection_id, c.flow == flow, c.state == "running")
    found = await tx.connection.execute(select(c.run_id).where(*still_running).order_by(c.started_at))
    run_ids = [str(run_id) for run_id in found.scalars()]
    if run_ids:
        change = update(tables.run).where(*still_running).values(state="interrupted", ended_at=tx.now)
        await tx.connection.execute(change)
    return run_ids
