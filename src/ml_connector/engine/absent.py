"""Parked records that are no longer at the source: nobody needs to act on them any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.store import parked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.parked import ParkedRecord

DUPLICATE = "record.duplicate_key"
PAGE = 500
MISSED = "missed"  # in the details: the first of the crawls in a row that did not see the record


async def close_absent(flow: RecordFlow, engine: Engine, number: int, seen: Callable[[str], bool]) -> None:
    """Close what two crawls in a row have not seen, and at once the loser of two records with one key.

    Args:
        flow: Whose parked records.
        engine: Where.
        number: Of this crawl.
        seen: Whether this crawl has seen a key.
    """
    after: int | None = None
    while True:
        async with engine.store.read() as tx:
            rows = await parked.list(tx, engine.connection_id, flow=flow.name, limit=PAGE, after=after)
        if not rows:
            return
        after = rows[-1].parked_id
        here = [row for row in rows if is_seen(row, seen)]
        away = [row for row in rows if not is_seen(row, seen) and flow.covers(row.key)]
        over = [row for row in away if row.cause == DUPLICATE or row.detail.get(MISSED, number) != number]
        back = [(row.parked_id, without_missed(row)) for row in here if MISSED in row.detail]
        first = [(row.parked_id, row.detail | {MISSED: number}) for row in away if row not in over]
        if not (over or back or first):
            continue
        async with engine.write() as tx:
            await parked.note(tx, engine.connection_id, [*back, *first])
            keys = [row.key for row in over]
            await parked.resolve(tx, engine.connection_id, flow.name, keys, "no longer at the source")


def is_seen(row: ParkedRecord, seen: Callable[[str], bool]) -> bool:
    """Whether the record was read; what is parked behind a record (``KEY>OTHER``) is there as long as it is."""
    return seen(row.key) or (row.cause != DUPLICATE and seen(row.key.partition(">")[0]))


def without_missed(row: ParkedRecord) -> dict[str, object]:
    """Its details, now that it is there again."""
    return {name: value for name, value in row.detail.items() if name != MISSED}
