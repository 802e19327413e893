"""One record run, top to bottom: pull, map, diff, push, record.

Reading, mapping and writing overlap through bounded queues, so memory does not grow with the number of records. A
batch's outcomes, links, audit, parked records and progress are stored in one transaction, together with the intent
of the batch that follows it. This is how first loads and keyed reads go; a full crawl is in ``crawl``.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from ml_connector.domain.records import Result
from ml_connector.engine.associating import associating
from ml_connector.engine.coverage import Coverage
from ml_connector.engine.filling import pushing
from ml_connector.engine.judging import CHUNK, Judge
from ml_connector.engine.reading import without_duplicates
from ml_connector.engine.recording import Ledger
from ml_connector.store import progress
from ml_connector.store.progress import Progress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from ml_connector.domain.records import Counters, Page, SourceRecord
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.filling import Filler
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.database import Tx


async def run_records(
    flow: RecordFlow,
    engine: Engine,
    run_id: str,
    *,
    pages: AsyncGenerator[Page, None],
    counters: Counters,
    again: bool = False,
    tracked: bool = False,
    most: int | None = None,
    watch: Callable[[Counters], None] | None = None,
) -> None:
    """Move every record of ``pages`` into the target and account for each.

    Args:
        flow: What moves.
        engine: Where.
        run_id: The run row that is already stored.
        pages: The pages to move, usually ``flow.source.pages(cursor)``.
        counters: Counted into while the run goes, so that a run that stops still has its figures.
        again: Send parked records again although nothing about them has changed (replay).
        tracked: The pages are a load's: progress moves with them.
        most: Write so many records at most, then stop reading.
        watch: Told the counters after each stored batch.

    Raises:
        AccessError: a person must act; what was stored stays.
        RetryableError: a side cannot be reached; the next run goes on from the stored progress.
        SliceOverError: the slice ended between two pages; everything read is on record.
    """

    async def move_progress(tx: Tx, covered: CoveredPage, done: int) -> None:
        await progress.save(
            tx,
            engine.connection_id,
            Progress(
                flow=flow.name,
                run_id=run_id,
                cursor=covered.place,
                pages=done,
                complete=covered.place is None,
            ),
        )

    coverage = Coverage()
    on_covered = move_progress if tracked else None
    ledger = Ledger(flow, engine, run_id, counters, coverage, on_covered=on_covered, watch=watch)
    judge = Judge(flow, engine, again=again)
    left, ended_early, can_go_on = most, False, False  # each slice moves a page at least
    async with (
        aclosing(ReadAhead(pages)) as ahead,
        associating(flow, engine, run_id, counters) as tie,
        pushing(flow, engine, run_id, ledger) as filler,
    ):
        while left != 0 and not (ended_early := can_go_on and engine.is_over()):
            page = await ahead.next()
            if page is None:
                break
            can_go_on = bool(page.cursor)
            covered = coverage.begin(page.cursor)
            counters.read += len(page.records) + page.skipped
            counters.add(Result.SKIPPED, page.skipped)
            few = len(page.records) // 8
            while page.records and left != 0:
                left = await move_chunk(take(page.records), judge, ledger, filler, covered, left)
                if len(page.records) <= few and page.cursor is not None:
                    ahead.start()
                tie()
            counters.read -= len(page.records)
            covered.judged = True
            await ledger.save_progress()
    if ended_early:
        engine.require_time()


async def move_chunk(  # noqa: PLR0917 - the stations of the line, in their order
    chunk: Sequence[SourceRecord],
    judge: Judge,
    ledger: Ledger,
    filler: Filler,
    covered: CoveredPage,
    left: int | None,
) -> int | None:
    """One chunk through the line; how many records may still be written comes back."""
    fresh, losers = without_duplicates(chunk)
    ledger.counters.add(Result.SKIPPED, len(chunk) - len(fresh) - len(losers))
    judged = await judge.judge(not_on_their_way(fresh, filler.in_flight, ledger.counters))
    await judge.stop(losers, judged)
    await ledger.save_judged(judged)
    changes = judged.changes if left is None else judged.changes[:left]
    ledger.counters.read -= len(judged.changes) - len(changes)
    for change in changes:
        await filler.send(change, covered)
    return None if left is None else left - len(changes)


def not_on_their_way(
    records: Sequence[SourceRecord], in_flight: Mapping[str, bytes], counters: Counters
) -> list[SourceRecord]:
    """A key that is on its way in this run is not sent again beside it: the first wins, the next run compares."""
    fresh: list[SourceRecord] = []
    for record in records:
        if record.key in in_flight:
            same = in_flight[record.key] == record.digest
            counters.add(Result.SKIPPED if same else Result.HELD)
        else:
            fresh.append(record)
    return fresh


class ReadAhead:
    """The pages of a source, the next one read while the last records of the one before are moved.

    A page may have 10,000 rows, and parsing one takes as much memory again: what is held is little more than one.
    The batches on their way keep the lanes busy meanwhile.
    """

    def __init__(self, pages: AsyncGenerator[Page, None]) -> None:
        self._pages = pages
        self._following: asyncio.Task[Page | None] | None = None

    def start(self) -> None:
        """Begin to read the next page, if that has not begun yet."""
        if self._following is None:
            self._following = asyncio.create_task(self._read())

    async def next(self) -> Page | None:
        """The next page; None after the last."""
        self.start()
        assert self._following is not None
        page, self._following = await self._following, None
        return page

    async def aclose(self) -> None:
        """Stop reading."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._pages.aclose()

    async def _read(self) -> Page | None:
        return await anext(self._pages, None)


def take(records: list[SourceRecord]) -> list[SourceRecord]:
    """As many records as one look-up compares, taken out of their page."""
    chunk = records[:CHUNK]
    del records[:CHUNK]
    return chunk
