"""Between full crawls: the records whose times of change lie behind the watermark, judged and pushed like a crawl's.

The watermark is a time of the source's own server, and moves in the transaction that stores the last of the changes.
A read begins a while before it, the overlap, for a transaction that lasts shows an older time than others seen before.
Once a pass has begun an overlap after the one that saw the watermark first, no such row can follow: the next read
begins behind the watermark, and a mass change is not read over and over.

What no time of change tells is read beside: records whose links must be compared anyway, and those about which a
person has decided something. Records that are gone, and changes in tables without such times, are found by crawls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from ml_connector.domain.clock import moment_of
from ml_connector.domain.records import Page, Result
from ml_connector.engine.associating import associate
from ml_connector.engine.breaker import Figures, verdict
from ml_connector.engine.coverage import Coverage
from ml_connector.engine.creations import settle_creations, unsure_keys
from ml_connector.engine.filling import pushing
from ml_connector.engine.judging import Judge
from ml_connector.engine.reading import judged_pages
from ml_connector.engine.recheck import recheck
from ml_connector.engine.recording import Ledger
from ml_connector.store import links, matches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.crawl import Crawl, CrawlState
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.reading import JudgedPage
    from ml_connector.store.database import Tx


A_DAY = timedelta(days=1)  # a time further ahead than that means something else than a change
A_TICK = timedelta(seconds=1)  # servers tell times of change to the second


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often everything is read, and what a read of changes may be."""

    full_every: timedelta = timedelta(hours=24)
    overlap: timedelta = timedelta(minutes=5)
    most: int = 500  # records; of more, a crawl is the better read


@dataclass(slots=True)
class Reading:
    """What a run has read: everything, and why; or the changes since a moment of the source's server."""

    kind: Literal["full", "changes"]
    because: str = ""  # of a full one
    since: str = ""
    records: int = 0  # that had changed
    full_due_at: datetime | None = None

    @property
    def sentence(self) -> str:
        """What people are told."""
        if self.kind == "full":
            return f"Everything was read: {self.because}."
        found = f"{self.records:,}" if self.records else "No"
        found += " change" if self.records == 1 else " changes"
        due = f"; the next full crawl is due at {shown(self.full_due_at)}" if self.full_due_at else ""
        return f"{found} since {shown(moment_of(self.since))}{due}."


@dataclass(slots=True)
class ChangesRead:
    """One read of changes; ``crawl`` is the finished full crawl that it goes on from."""

    flow: RecordFlow
    engine: Engine
    crawl: Crawl
    rhythm: Rhythm
    reading: Reading

    async def run(self) -> str:
        """Bring the changes into the target.

        Returns:
            Why everything must be read instead, with nothing written of the changes; empty when they are there.

        Raises:
            AccessError, RetryableError: a side does not let us work; the next run reads the same changes again.
        """
        crawl = self.crawl
        began = self.engine.around.clock.now()
        await settle_creations(self.flow, self.engine, crawl.run_id)
        await recheck(self.flow, self.engine, crawl.run_id)
        assert self.flow.changes is not None
        assert crawl.state.watermark is not None
        watermark = moment_of(crawl.state.watermark)
        found = await self.flow.changes.changed(self.after(watermark), most=self.rhythm.most)
        seen_at = self.engine.around.clock.now()
        keys = list(dict.fromkeys([*found.keys, *await self.beside()]))
        if not found.whole or len(keys) > self.rhythm.most:
            return f"more than {self.rhythm.most:,} changes since {shown(watermark)}"
        page = await self.judged(keys)
        if against := self.verdict(page):
            return f"of the changes since {shown(watermark)}, {'; '.join(against)}"
        self.reading.records = len(page.judged.changes)
        newest = max(crawl.state.watermark, found.newest or crawl.state.watermark, key=moment_of)
        moved = {"looked_at": began.isoformat()}
        if newest != crawl.state.watermark:
            moved |= {"watermark": newest, "seen_at": seen_at.isoformat()}
        await self.push(page, moved)
        await crawl.put_back()  # now: what a call without an answer has written is no edit of a person
        await associate(self.flow, self.engine, crawl.run_id)
        return ""

    def after(self, watermark: datetime) -> datetime:
        """The moment behind which the read begins."""
        state, overlap = self.crawl.state, self.rhythm.overlap
        waited = datetime.fromisoformat(state.looked_at) - datetime.fromisoformat(state.seen_at)
        return watermark if waited >= overlap > timedelta() else watermark - overlap - A_TICK

    async def beside(self) -> list[str]:
        """Records that a pass must look at though no time of theirs has moved."""
        cid, name, limit = self.engine.connection_id, self.flow.name, self.rhythm.most + 1
        since = datetime.fromisoformat(self.crawl.state.looked_at)
        async with self.engine.store.read() as tx:
            due = await links.due(tx, cid, name, limit=limit)
            decided = await matches.decided_since(tx, cid, name, since, limit=limit)
        return [*due, *sorted(decided)]

    async def judged(self, keys: Sequence[str]) -> JudgedPage:
        """These records as they are now, compared with what was last written."""
        judge = Judge(self.flow, self.engine)
        [page] = [page async for page in judged_pages(keyed_pages(self.flow, keys), judge)]
        return page

    def verdict(self, page: JudgedPage) -> list[str]:
        """What the breaker says to this part of a day's changes; its shares are of all the records a crawl knows."""
        figures = Figures(known=Figures.from_details(self.crawl.state.figures).known, read=page.read)
        figures.parked = len(page.judged.stopped)
        figures.add(page.judged.changes, self.flow.traits, self.crawl.limits)
        return verdict(figures, self.flow.traits, self.crawl.limits)

    async def push(self, page: JudgedPage, moved: Mapping[str, Any]) -> None:
        """Send the changes; the watermark moves with the outcome of the last of them."""

        async def move(tx: Tx, _covered: CoveredPage, _done: int) -> None:
            await self.crawl.move(tx, **moved)

        crawl, coverage = self.crawl, Coverage()
        ledger = Ledger(
            self.flow,
            self.engine,
            crawl.run_id,
            crawl.counters,
            coverage,
            on_covered=move,
            watch=crawl.watch,
        )
        crawl.counters.read += page.read
        crawl.counters.add(Result.SKIPPED, page.skipped)
        covered = coverage.begin(None)
        await ledger.save_judged(page.judged)
        async with pushing(self.flow, self.engine, crawl.run_id, ledger) as filler:
            for change in page.judged.changes:
                await filler.send(change, covered)
            covered.judged = True
            await ledger.save_progress()


async def why_full(
    flow: RecordFlow, engine: Engine, before: CrawlState | None, rhythm: Rhythm, *, asked: bool
) -> str:
    """Why a pass must read everything, as far as can be told before it reads; empty when the changes will do."""
    if flow.changes is None:
        return "no time of change is set up"
    if asked:
        return "a full crawl was asked for"
    if before is None:
        return "no full crawl has been finished yet"
    if reason := _against(before, flow, flow.changes.read_by, rhythm, engine.around.clock.now()):
        return reason
    if flow.sink.settle is not None:
        async with engine.store.read() as tx:
            if await unsure_keys(tx, engine.connection_id, flow.sink.resource(creating=True)):
                return "it is not known yet whether some records were made"
    return ""


def _against(before: CrawlState, flow: RecordFlow, read_by: str, rhythm: Rhythm, now: datetime) -> str:
    """What speaks against going on from this crawl; empty when nothing does."""
    began = datetime.fromisoformat(before.began_at) if before.began_at else now
    speaks = {
        "the last full crawl was stopped": before.phase == "stopped",
        "the last full crawl was cut off": before.phase not in ("stopped", "done"),
        "the mapping has changed": before.mapping_version != flow.mapping_version,
        "the settings have changed": before.read_by != read_by,
        "the last full crawl met no time of change": not before.watermark,
        "the newest time of change lies ahead": bool(before.watermark)
        and moment_of(before.watermark or "") > now + A_DAY,
        f"the last full crawl began at {shown(began)}": not timedelta() <= now - began < rhythm.full_every,
    }
    return next((reason for reason, is_so in speaks.items() if is_so), "")


def full_due_at(state: CrawlState, rhythm: Rhythm) -> datetime:
    """When the next full crawl is due."""
    return datetime.fromisoformat(state.began_at) + rhythm.full_every


async def keyed_pages(flow: RecordFlow, keys: Sequence[str]) -> AsyncGenerator[Page, None]:
    """These records as they are now, as one page."""
    yield Page(await flow.source.read(keys), None)


def shown(moment: datetime) -> str:
    """A time as people read it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
