"""What the next run of a record flow would do: the same reading and judging as a crawl, and nothing written.

``Plan`` reads; ``push_plan`` sends what an earlier plan kept, through the same lanes as everything else.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.domain.records import Result
from ml_connector.engine.associating import associate
from ml_connector.engine.breaker import Figures, verdict
from ml_connector.engine.coverage import Coverage
from ml_connector.engine.crawl import CrawlState, gone, known_pages, still_due
from ml_connector.engine.edits import LOOKED_AT, differing
from ml_connector.engine.filling import pushing
from ml_connector.engine.foresight import Foresight
from ml_connector.engine.judging import CHUNK, NOT_IN_DYNAMICS, Judge, Stopped
from ml_connector.engine.reading import judged_pages
from ml_connector.engine.recheck import PAGE, fates
from ml_connector.engine.recording import Ledger, count
from ml_connector.store import crawls, flows, links, progress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Counters, Page
    from ml_connector.engine.breaker import Limits
    from ml_connector.engine.context import Engine
    from ml_connector.engine.foresight import Foreseen
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.reading import JudgedPage

    Line = Foreseen | Stopped

LEFT_OUT = "left out while reading"  # by the source: what the flow never moves, or a row it was given twice
ASSOCIATION_READS = 1_000  # records a call tells the associations of


@dataclass(slots=True)
class Outlook:
    """What a plan has come to so far."""

    changes: Counter[str] = field(default_factory=Counter)  # by what would come of them
    marks: Counter[str] = field(default_factory=Counter)  # by the status they would get
    skipped: Counter[str] = field(default_factory=Counter)  # by filter
    causes: Counter[str] = field(default_factory=Counter)  # of records that would be parked
    still_parked: int = 0
    absent: int = 0  # not listed for the first time: marked when the next crawl does not find them either
    names_replaced: int = 0
    breaker: Figures = field(default_factory=Figures)
    routes: Counter[str] = field(default_factory=Counter)  # changes by the calls that carry them
    first_load: bool = False
    judged: bool = False  # the breaker has looked: it does not at a first load, nor at chosen records
    verdict: list[str] = field(default_factory=list)
    stopped: tuple[str, ...] = ()  # the verdict of an earlier run that waits for a person
    under_way: bool = False  # an earlier run was cut off: the next one goes on with what that one had read

    @property
    def written(self) -> int:
        """Records that would be written."""
        return self.changes.total() - self.changes["wait"]


@dataclass(slots=True)
class Plan:
    """One plan of one flow. ``whole``: of everything the source lists, so that what is missing is gone."""

    flow: RecordFlow
    engine: Engine
    limits: Limits
    counters: Counters
    whole: bool = True
    outlook: Outlook = field(default_factory=Outlook)
    watch: Callable[[Counters], None] | None = None

    async def lines(self, pages: AsyncGenerator[Page, None]) -> AsyncGenerator[list[Line], None]:
        """What would be done, in portions; the outlook is complete when the last one was taken.

        Raises:
            AccessError, RetryableError: a side does not let us read.
        """
        crawl, is_new = await self.next_crawl()
        whole = self.whole and not self.outlook.first_load
        foresight, seen = Foresight(self.flow, self.engine), crawls.Seen()
        if whole and is_new:
            async for edited in self.edits(crawl.edits_since):
                yield self.counted(await foresight.of(edited))
        judge = Judge(self.flow, self.engine, restored=await self.restored())
        async with aclosing(judged_pages(pages, judge)) as judged:
            async for page in judged:
                self.count(page)
                if whole:
                    seen.add(page.hashes)
                yield list(page.judged.stopped)
                changes = page.judged.changes
                del page  # neither it nor its changes are held while the next one is read
                while changes:
                    yield self.counted(await foresight.of(changes[:CHUNK]))
                    del changes[:CHUNK]
        yield self.counted(await foresight.rest())
        if whole:
            seen.sort()
            async for marks in self.gone(seen, crawl.number):
                yield self.counted(await foresight.of(marks))
            yield self.counted(await foresight.rest())
            self.outlook.verdict = verdict(self.outlook.breaker, self.flow.traits, self.limits)
            self.outlook.judged = True

    async def next_crawl(self) -> tuple[CrawlState, bool]:
        """The state the next crawl works with, and whether it is a new one; how the flow stands is noted."""
        cid, name = self.engine.connection_id, self.flow.name
        async with self.engine.store.read() as tx:
            row = await flows.get(tx, cid, name)
            covered = await progress.load(tx, cid, name)
        self.outlook.first_load = not row.loaded
        before = CrawlState.from_details(covered.details) if covered is not None and row.loaded else None
        if before is None:
            return CrawlState("", number=1), True
        if before.goes_on(self.flow):
            self.outlook.under_way = True
            return before, before.phase == "read" and before.pages == 0
        self.outlook.stopped = before.verdict if before.phase == "stopped" else ()
        return CrawlState("", number=before.number + 1, edits_since=before.edits_since), True

    async def restored(self) -> dict[str, str]:
        """The keys of records that had been deleted in the target and are there again, and their ids."""
        found: dict[str, str] = {}
        after = ""
        while True:
            async with self.engine.store.read() as tx:
                rows = await links.in_state(
                    tx, self.engine.connection_id, self.flow.name, "deleted", after=after, limit=PAGE
                )
            if not rows:
                return found
            after = rows[-1].key
            found |= {link.key: link.target_id for link in (await fates(self.flow, rows)).back}

    async def edits(self, since: str) -> AsyncGenerator[list[Change], None]:
        """What people edited in the target since the last look, and would be put back."""
        self.outlook.routes["search"] += 1
        edited = await self.flow.sink.edited(since, sorted(self.flow.properties))
        for start in range(0, len(edited.records), LOOKED_AT):
            changes = await differing(self.flow, self.engine, edited.records[start : start + LOOKED_AT])
            yield [change for change in changes if self.flow.covers(change.key)]

    async def gone(self, seen: crawls.Seen, number: int) -> AsyncGenerator[list[Change], None]:
        """The marks of linked records that neither this listing nor the one before has."""
        judge = Judge(self.flow, self.engine)
        async for rows in known_pages(self.flow, self.engine, seen):
            self.outlook.breaker.known += len(rows)
            self.outlook.absent += sum(not missed and not is_seen for _, missed, is_seen in rows)
            if self.flow.traits.status:
                keys = gone(rows, number)
                self.outlook.breaker.gone += len(keys)
                heirs = await judge.heirs(keys)
                yield await judge.marked([key for key in keys if key not in heirs], NOT_IN_DYNAMICS)

    # Counting ---

    def count(self, page: JudgedPage) -> None:
        """The records of a page that end with the comparison, and what the breaker looks at."""
        judged, outlook = page.judged, self.outlook
        outlook.breaker.read += page.read
        outlook.breaker.parked += len(judged.stopped)
        outlook.breaker.add(judged.changes, self.flow.traits, self.limits)
        outlook.skipped += judged.skipped
        if page.skipped:
            outlook.skipped[LEFT_OUT] += page.skipped
        outlook.causes.update(stopped.error.code for stopped in judged.stopped)
        outlook.still_parked += judged.still_parked
        self.counters.read += page.read
        self.counters.add(Result.SKIPPED, page.skipped)
        self.counters.add(Result.PARKED, len(judged.stopped))
        count(self.counters, judged)
        if self.watch is not None:
            self.watch(self.counters)

    def counted(self, lines: list[Foreseen]) -> list[Line]:
        """What would come of changes, and which calls would carry them."""
        outlook, names = self.outlook, self.flow.traits.names
        for line in lines:
            outlook.changes[line.what] += 1
            change = line.change
            if line.what == "mark":
                outlook.marks.update(change.send.values())
            elif line.what in ("adopt", "update") and (change.takes_over or change.kind == "create"):
                outlook.names_replaced += any(
                    before and before != after
                    for name, (before, after) in line.changed.items()
                    if name in names
                )
            outlook.routes[change.kind if change.kind in ("create", "look") else "update"] += 1
            if change.kind == "create" and line.what != "create":
                outlook.routes["taken"] += 1
            if line.what in ("create", "adopt", "follow"):
                outlook.routes["related"] += len(change.record.related)
                outlook.routes["related_read"] += line.what != "create" and bool(change.record.related)
        return list(lines)

    def calls(self) -> int:
        """The calls that sending it would take, in full batches."""
        size, routes = self.flow.sink.batch_size, self.outlook.routes
        found = math.ceil(routes["create"] / size) + math.ceil(routes["update"] / size) + routes["search"]
        found += 2 * math.ceil(routes["look"] / size)  # what is empty there, then the update
        found += 2 * math.ceil(routes["taken"] / size)  # who has the identity, then the update of that record
        if self.flow.associations is not None:
            found += math.ceil(routes["related"] / self.flow.associations.batch_size)
            found += math.ceil(routes["related_read"] / ASSOCIATION_READS)
        return found


async def push_plan(  # noqa: PLR0917 - one run's worth
    flow: RecordFlow,
    engine: Engine,
    run_id: str,
    counters: Counters,
    portions: Iterable[Sequence[Change]],
    watch: Callable[[Counters], None] | None = None,
) -> None:
    """Send the changes of a plan; those whose records have been written since are left out. No progress moves.

    Raises:
        AccessError, RetryableError: a side does not let us work; what was stored stays.
    """
    ledger = Ledger(flow, engine, run_id, counters, Coverage(), watch=watch)
    async with pushing(flow, engine, run_id, ledger) as filler:
        for portion in portions:
            covered = ledger.coverage.begin(None)
            counters.read += len(portion)
            for change in await still_due(flow, engine, portion, ledger, filler):
                await filler.send(change, covered)
            covered.judged = True
            await ledger.save_progress()
    await associate(flow, engine, run_id)
