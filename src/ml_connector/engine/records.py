"""One record run, top to bottom: pull, map, diff, push, record.

Reading, mapping and writing overlap through bounded queues, so memory does not grow with the number of records. A
batch's outcomes, links, audit, parked records and progress are stored in one transaction, together with the intent
of the batch that follows it.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

from ml_connector.domain.diff import creation, update
from ml_connector.domain.records import FINGERPRINT_VERSION, Result
from ml_connector.engine.coverage import Coverage
from ml_connector.engine.pushing import Batch, Lanes, Row
from ml_connector.engine.recording import Ledger, Stopped
from ml_connector.errors import ConnectorError, RecordError
from ml_connector.store import links, parked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Counters, Page, SourceRecord, TargetRecord
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.links import LinkHead

CHUNK = 500  # records compared with their links in one look-up
BREATH = 50  # records mapped between two looks at the loop, so that answers are not kept waiting
PAGES_AHEAD = 2


async def run_records(
    flow: RecordFlow,
    engine: Engine,
    run_id: str,
    *,
    pages: AsyncGenerator[Page, None],
    counters: Counters,
    again: bool = False,
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
        watch: Told the counters after each stored batch.

    Raises:
        AccessError: a person must act; what was stored stays.
        RetryableError: a side cannot be reached; the next run goes on from the stored progress.
    """
    run = RecordRun(flow, engine, run_id, counters, again=again, watch=watch)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.pull(pages))
            tasks.create_task(run.judge())
            for _ in range(flow.lanes):
                tasks.create_task(run.lanes.push())
    except* ConnectorError as group:
        raise first_error(group) from group
    finally:
        await run.ledger.commits.rest()


def first_error(group: BaseExceptionGroup[ConnectorError]) -> ConnectorError:
    """The error that stopped a run: the first that any of its tasks raised."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error


class RecordRun:
    """The state of one run: two queues between three kinds of task."""

    def __init__(
        self,
        flow: RecordFlow,
        engine: Engine,
        run_id: str,
        counters: Counters,
        *,
        again: bool,
        watch: Callable[[Counters], None] | None,
    ) -> None:
        self.flow = flow
        self.engine = engine
        self.again = again
        self.pages: asyncio.Queue[Page | None] = asyncio.Queue(maxsize=PAGES_AHEAD)
        self.batches: asyncio.Queue[Batch | None] = asyncio.Queue(maxsize=flow.lanes)
        self.coverage = Coverage()
        self.ledger = Ledger(flow, engine, run_id, counters, self.coverage, tracked=not again, watch=watch)
        self.lanes = Lanes(flow, engine, run_id, self.ledger, self.batches)
        self.filling: list[Row] = []
        self.in_flight: dict[str, bytes] = self.lanes.in_flight

    async def pull(self, pages: AsyncGenerator[Page, None]) -> None:
        """Read ahead, never further than the queue allows."""
        async with aclosing(pages):
            async for page in pages:
                await self.pages.put(page)
        await self.pages.put(None)

    async def judge(self) -> None:
        """Map each record, compare it with what was last written, and fill batches with the changes."""
        while (page := await self.pages.get()) is not None:
            covered = self.coverage.begin(page.cursor)
            self.ledger.counters.read += len(page.records) + page.skipped
            self.ledger.counters.add(Result.SKIPPED, page.skipped)
            for chunk in _chunks(page.records):
                await self.judge_chunk(chunk, covered)
            covered.judged = True
            await self.ledger.save_progress()
        if self.filling:
            await self.flush()
        await self.lanes.close()

    async def judge_chunk(self, chunk: Sequence[SourceRecord], covered: CoveredPage) -> None:
        """One chunk against the links: unchanged, stopped, or on its way."""
        fresh = self.without_duplicates(chunk)
        heads, open_parked = await self.known([record.key for record in fresh])
        self.ledger.open_parked.update(open_parked)
        stopped: list[Stopped] = []
        touched: list[tuple[str, bytes]] = []
        unchanged: list[str] = []
        changes: list[tuple[TargetRecord, LinkHead | None]] = []
        for count, record in enumerate(fresh, start=1):
            if count % BREATH == 0:
                await asyncio.sleep(0)
            head = heads.get(record.key)
            if head is not None and self.is_as_written(record, head):
                unchanged.append(record.key)
            elif not self.again and open_parked.get(record.key) == record.digest:
                self.ledger.counters.parked += 1
            else:
                try:
                    target = self.flow.map(record)
                except RecordError as error:
                    stopped.append(Stopped(record.key, error, record.digest))
                    continue
                if head is not None and head.fingerprint == target.fingerprint:
                    touched.append((record.key, record.digest))
                    unchanged.append(record.key)
                else:
                    changes.append((target, head))
        self.ledger.counters.add(Result.UNCHANGED, len(unchanged))
        taken_back = [key for key in unchanged if key in open_parked]
        await self.ledger.save_judged(stopped, touched, taken_back)
        for change in await self.as_changes(changes):
            await self.send(change, covered)

    def without_duplicates(self, chunk: Sequence[SourceRecord]) -> list[SourceRecord]:
        """A key that is already on its way in this run is not sent twice: the first wins, the next run compares."""
        fresh: dict[str, SourceRecord] = {}
        for record in chunk:
            if record.key in fresh or record.key in self.in_flight:
                same = self.in_flight.get(record.key) == record.digest or (
                    record.key in fresh and fresh[record.key].digest == record.digest
                )
                self.ledger.counters.add(Result.SKIPPED if same else Result.HELD)
            else:
                fresh[record.key] = record
        return list(fresh.values())

    def is_as_written(self, record: SourceRecord, head: LinkHead) -> bool:
        """The source has not moved and neither has the mapping: no need to map at all."""
        return (
            head.source_digest == record.digest
            and head.mapping_version == self.flow.mapping_version
            and head.fingerprint_version == FINGERPRINT_VERSION
        )

    async def known(self, keys: Sequence[str]) -> tuple[dict[str, LinkHead], dict[str, bytes]]:
        """The links of these keys, and the digests with which keys are parked."""
        async with self.engine.store.read() as tx:
            heads = await links.heads(tx, self.engine.connection_id, self.flow.name, keys)
            stopped = await parked.open_for(tx, self.engine.connection_id, self.flow.name, keys)
        return heads, {key: row.source_digest for key, row in stopped.items()}

    async def as_changes(self, pairs: Sequence[tuple[TargetRecord, LinkHead | None]]) -> list[Change]:
        """Creations as they are; updates against the values last written."""
        known = [target.key for target, head in pairs if head is not None]
        written: dict[str, dict[str, str]] = {}
        if known:
            async with self.engine.store.read() as tx:
                rows = await links.many(tx, self.engine.connection_id, self.flow.name, known)
            written = {key: orjson.loads(row.written) for key, row in rows.items()}
        return [
            creation(target) if head is None else update(target, written[target.key], head.target_id)
            for target, head in pairs
        ]

    async def send(self, change: Change, covered: CoveredPage) -> None:
        """Put one change into the batch being filled."""
        covered.open += 1
        self.in_flight[change.key] = change.record.source_digest
        self.filling.append(Row(change, covered))
        if len(self.filling) >= self.flow.sink.batch_size:
            await self.flush()

    async def flush(self) -> None:
        """Hand the filled batch to the lanes."""
        rows, self.filling = self.filling, []
        await self.lanes.submit(Batch(tuple(rows)))


def _chunks(records: Sequence[SourceRecord]) -> Iterable[Sequence[SourceRecord]]:
    for start in range(0, len(records), CHUNK):
        yield records[start : start + CHUNK]
