"""How far a flow has come. It moves only in the transaction that stores what it covers, and never back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select

from ml_connector.store import tables
from ml_connector.store.columns import upsert
from ml_connector.store.database import StoreError

if TYPE_CHECKING:
    from ml_connector.store.database import Tx


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a crawl stands (``cursor``, ``pages``) and how far the flow has read (``watermark``)."""

    flow: str
    run_id: str
    cursor: str | None = None
    watermark: str | None = None
    pages: int = 0
    complete: bool = False
    details: dict[str, Any] = field(default_factory=dict)


_FIELDS = list(Progress.__slots__)
_COLUMNS = [tables.progress.c[name] for name in _FIELDS]
_HISTORY = [tables.progress_history.c[name] for name in _FIELDS]
_KEPT = [name for name in _FIELDS if name != "flow"]
_PUT = upsert(tables.progress, key=["connection_id", "flow"], change=["seq", "rewind", "at", *_KEPT])


_NOW = (
    select(tables.progress.c.seq, *_COLUMNS)
    .where(
        tables.progress.c.connection_id == bindparam("connection_id"),
        tables.progress.c.flow == bindparam("flow"),
    )
    .with_for_update()
)
_REMEMBER = insert(tables.progress_history)


async def load(tx: Tx, connection_id: int, flow: str, *, for_update: bool = False) -> Progress | None:
    """The flow's progress; None before its first page. ``for_update`` keeps others from it until the commit."""
    if for_update:  # the connection's row stands in for one that is not there yet
        whole = tables.connection
        await tx.connection.execute(
            select(whole.c.connection_id).where(whole.c.connection_id == connection_id).with_for_update()
        )
    c = tables.progress.c
    query = select(*_COLUMNS).where(c.connection_id == connection_id, c.flow == flow)
    row = (await tx.connection.execute(query)).first()
    return Progress(*row) if row else None


async def save(tx: Tx, connection_id: int, progress: Progress, *, rewind: bool = False) -> None:
    """Store the progress and add it to the flow's history.

    Raises:
        StoreError: the watermark, or the pages of one run, would move back and nobody ordered a ``rewind``.
    """
    bound = {"connection_id": connection_id, "flow": progress.flow}
    row = (await tx.connection.execute(_NOW, bound)).first()
    seq = 0
    if row is not None:
        seq = row[0]
        if not rewind:
            _refuse_going_back(Progress(*row[1:]), progress)
    values = {
        "connection_id": connection_id, "seq": seq + 1, "rewind": rewind, "at": tx.now, **asdict(progress)
    }  # fmt: skip
    await tx.connection.execute(_PUT[tx.dialect], values)
    await tx.connection.execute(_REMEMBER, values)


async def history(tx: Tx, connection_id: int, flow: str) -> list[Progress]:
    """Every progress ever saved for the flow, oldest first."""
    c = tables.progress_history.c
    query = select(*_HISTORY).where(c.connection_id == connection_id, c.flow == flow).order_by(c.seq)
    return [Progress(*row) for row in await tx.connection.execute(query)]


def _refuse_going_back(old: Progress, new: Progress) -> None:
    if _is_before(new.watermark, old.watermark):
        raise StoreError(
            f"The watermark of '{new.flow}' would move back from {old.watermark} to {new.watermark}.",
            code="progress.back",
        )
    if new.run_id == old.run_id and new.pages < old.pages:
        raise StoreError(
            f"Run {new.run_id} of '{new.flow}' would go back from page {old.pages} to {new.pages}.",
            code="progress.back",
        )


def _is_before(new: str | None, old: str | None) -> bool:
    """Watermarks order as numbers, as times, or else as texts; none at all lies before every one."""
    if old is None or new is None:
        return old is not None
    if new.isdecimal() and old.isdecimal():
        return int(new) < int(old)
    try:
        return datetime.fromisoformat(new) < datetime.fromisoformat(old)
    except (ValueError, TypeError):  # not times, or only one of them with a zone
        return new < old
