"""Full crawls: the keys each has seen, a row a page, and the changes it has staged, sealed, until they are pushed."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from ml_connector.store import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Tx

FIELD = "stage.change"  # what a staged change is sealed for


@dataclass(frozen=True, slots=True)
class Staged:
    """Changes that go out in one call, sealed; ``seq`` is their place in the crawl."""

    seq: int
    key: str  # of the first
    change: bytes


_stage, _seen = tables.stage.c, tables.seen.c


async def see(tx: Tx, connection_id: int, crawl_id: str, seq: int, hashes: array[int]) -> None:
    """Remember the keys of one page."""
    values = {"connection_id": connection_id, "crawl_id": crawl_id, "seq": seq, "hashes": hashes.tobytes()}
    await tx.connection.execute(insert(tables.seen), values)


class Seen:
    """Every key a crawl has seen: eight bytes each, in 256 sorted parts."""

    def __init__(self) -> None:
        self._parts = [array("Q") for _ in range(256)]

    def add(self, hashes: array[int]) -> None:
        """Take over the keys of one page."""
        for one in hashes:
            self._parts[one & 255].append(one)

    def sort(self) -> None:
        """Make them searchable; a part at a time, so that little is held twice."""
        self._parts = [array("Q", sorted(part)) for part in self._parts]

    def __contains__(self, wanted: int) -> bool:
        part = self._parts[wanted & 255]
        place = bisect_left(part, wanted)
        return place < len(part) and part[place] == wanted


async def seen(tx: Tx, connection_id: int, crawl_id: str) -> Seen:
    """Every key the crawl has seen."""
    query = select(_seen.hashes).where(_seen.connection_id == connection_id, _seen.crawl_id == crawl_id)
    found = Seen()
    for row in await tx.connection.execute(query.order_by(_seen.seq)):
        page: array[int] = array("Q")
        page.frombytes(row[0])
        found.add(page)
    found.sort()
    return found


async def stage(tx: Tx, connection_id: int, crawl_id: str, rows: Sequence[Staged]) -> None:
    """Keep changes until the crawl has been judged."""
    values = [
        {
            "connection_id": connection_id,
            "crawl_id": crawl_id,
            "seq": row.seq,
            "key": row.key,
            "change": row.change,
        }
        for row in rows
    ]
    if values:
        await tx.connection.execute(insert(tables.stage), values)


async def staged(
    tx: Tx, connection_id: int, crawl_id: str, *, after: int = -1, limit: int = 32
) -> list[Staged]:
    """A page of staged changes in their order; ``after`` is the last ``seq`` of the page before."""
    query = (
        select(_stage.seq, _stage.key, _stage.change)
        .where(_stage.connection_id == connection_id, _stage.crawl_id == crawl_id, _stage.seq > after)
        .order_by(_stage.seq)
        .limit(limit)
    )
    return [Staged(*row) for row in await tx.connection.execute(query)]


async def next_seq(tx: Tx, connection_id: int, crawl_id: str) -> int:
    """The place of the next staged row."""
    query = select(func.max(_stage.seq)).where(
        _stage.connection_id == connection_id, _stage.crawl_id == crawl_id
    )
    last = (await tx.connection.execute(query)).scalar()
    return 0 if last is None else int(last) + 1


async def unstage(tx: Tx, connection_id: int, crawl_id: str, *, through: int) -> None:
    """The changes up to this place are on record: they need not be kept."""
    await tx.connection.execute(
        delete(tables.stage).where(
            _stage.connection_id == connection_id, _stage.crawl_id == crawl_id, _stage.seq <= through
        )
    )


async def forget(tx: Tx, connection_id: int, crawl_id: str) -> None:
    """Drop everything a crawl has kept."""
    for table in (tables.seen, tables.stage):
        await tx.connection.execute(
            delete(table).where(table.c.connection_id == connection_id, table.c.crawl_id == crawl_id)
        )
