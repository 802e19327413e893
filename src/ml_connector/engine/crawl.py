"""A full crawl: read and judge the whole listing, staging what changed; let the breaker look; push the stage.

Every page is stored with its progress in one transaction, so that an interrupted crawl goes on with the page it was
at. A record is gone when two full crawls in a row have not seen it; it is marked then, never deleted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ml_connector.domain.records import Result, key_hash
from ml_connector.engine.absent import close_absent
from ml_connector.engine.associating import associate
from ml_connector.engine.breaker import Figures, Limits, verdict
from ml_connector.engine.coverage import Coverage
from ml_connector.engine.creations import settle_creations
from ml_connector.engine.edits import put_back_edits
from ml_connector.engine.filling import pushing
from ml_connector.engine.judging import NOT_IN_DYNAMICS, Judge
from ml_connector.engine.reading import judged_pages
from ml_connector.engine.recheck import recheck
from ml_connector.engine.recording import Ledger, count, of_judged
from ml_connector.engine.staging import seal, unseal
from ml_connector.errors import RunStoppedError
from ml_connector.store import crawls, links, parked, progress
from ml_connector.store.progress import Progress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Counters
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.filling import Filler
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.reading import JudgedPage
    from ml_connector.store.database import Tx

Phase = Literal["read", "judge", "sweep", "stopped", "push", "done"]


@dataclass(frozen=True, slots=True)
class CrawlState:
    """How far a crawl has come; kept with the flow's progress."""

    crawl_id: str
    number: int  # of the flow's full crawls
    mapping_version: int = 0  # what it has staged was mapped by this one
    phase: Phase = "read"
    cursor: str | None = None
    pages: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    swept: str = ""  # links up to this key have been looked through for gone records
    verdict: tuple[str, ...] = ()
    edits_since: str = ""  # changes of people in the target have been looked at up to here, by its clock
    began_at: str = (
        ""  # when its reading began, by our clock; kept only where the source tells times of change
    )
    newest: str = ""  # the newest of those times that the source's server showed before the first page
    read_by: str = ""  # by which settings it has read
    watermark: str | None = (
        None  # what changed up to here has been read, by the server's times; set by its end
    )
    seen_at: str = ""  # when the watermark was first seen, by our clock
    looked_at: str = ""  # when the latest pass began, by our clock

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> CrawlState | None:
        """The state kept with a progress row; None when it was not a crawl's."""
        if "crawl_id" not in details:
            return None
        return cls(**{**details, "verdict": tuple(details["verdict"])})

    def goes_on(self, flow: RecordFlow) -> bool:
        """Whether the next run goes on with this crawl.

        A new mapping reads and stages afresh, and so does a source that can only begin at the start: nothing is
        staged twice, and nothing that an older mapping made is pushed.
        """
        begins_again = self.phase == "read" and self.pages > 0 and not self.cursor
        unfinished = self.phase not in ("done", "stopped")
        return unfinished and not begins_again and self.mapping_version == flow.mapping_version


@dataclass(slots=True)
class Crawl:
    """One crawl of one flow, from whatever phase it is in."""

    flow: RecordFlow
    engine: Engine
    run_id: str
    counters: Counters
    state: CrawlState
    limits: Limits
    watch: Callable[[Counters], None] | None = None
    counted: range = range(0)  # places in the stage whose records this run has counted as read

    async def run(self) -> None:
        """Go through the phases that are left.

        Raises:
            RunStoppedError: the breaker wants a person to look; nothing was written.
            AccessError, RetryableError: a side does not let us work; the next run goes on here.
        """
        await settle_creations(self.flow, self.engine, self.run_id)
        if self.state.phase == "read":
            await recheck(self.flow, self.engine, self.run_id)
            if self.state.pages == 0:
                await self.put_back()
                await self.note_times()
            await self.read()
        if self.state.phase == "judge":
            await self.look()
        if self.state.phase == "sweep":
            await self.sweep()
        await self.push()
        await associate(self.flow, self.engine, self.run_id)

    async def put_back(self) -> None:
        """Look at what people edited in the target before the listing is read: values that are ours are put back."""
        newest = await put_back_edits(
            self.flow, self.engine, self.run_id, self.counters, self.state.edits_since
        )
        if newest != self.state.edits_since:
            async with self.engine.write() as tx:
                await self.move(tx, edits_since=newest)

    async def note_times(self) -> None:
        """Remember the newest time of change the server shows before the first page: what is newer may be missed."""
        if self.flow.changes is None:
            return
        clock, state = self.engine.around.clock, self.state
        began = clock.now().isoformat()
        newest = await self.flow.changes.newest()
        seen_at = state.seen_at if newest == state.watermark else clock.now().isoformat()
        async with self.engine.write() as tx:
            await self.move(
                tx,
                began_at=began,
                looked_at=began,
                newest=newest,
                seen_at=seen_at,
                read_by=self.flow.changes.read_by,
            )

    # Reading ---

    async def read(self) -> None:
        """Judge every page and stage its changes."""
        judge = Judge(self.flow, self.engine)
        ledger = Ledger(self.flow, self.engine, self.run_id, self.counters, Coverage())
        figures = Figures.from_details(self.state.figures)
        async with self.engine.store.read() as tx:
            seq = first = await crawls.next_seq(tx, self.engine.connection_id, self.state.crawl_id)
        async for page in judged_pages(self.flow.source.pages(self.state.cursor), judge):
            figures.read += page.read
            figures.parked += len(page.judged.stopped)
            figures.skipped += page.judged.skipped
            figures.add(page.judged.changes, self.flow.traits, self.limits)
            rows = self.sealed(page.judged.changes, seq)
            seq += len(rows)
            self.counted = range(first, seq)
            self.counters.read += page.read
            self.counters.add(Result.SKIPPED, page.skipped)
            count(self.counters, page.judged)
            async with self.engine.write() as tx:
                await self.keep_page(tx, ledger, page, rows, figures)
            if self.watch is not None:
                self.watch(self.counters)
            can_go_on = bool(page.cursor)
            del page, rows  # not held while the next page is read
            if can_go_on:
                self.engine.require_time()

    def sealed(self, changes: Sequence[Change], seq: int) -> list[crawls.Staged]:
        """A page's changes in portions of a call each."""
        size = self.flow.sink.batch_size
        starts = range(0, len(changes), size)
        return [
            seal(self.engine, seq + number, changes[start : start + size])
            for number, start in enumerate(starts)
        ]

    async def keep_page(
        self,
        tx: Tx,
        ledger: Ledger,
        page: JudgedPage,
        rows: Sequence[crawls.Staged],
        figures: Figures,
    ) -> None:
        """Everything one page came to, and that it is covered."""
        await ledger.put(tx, [of_judged(page.judged)])
        cid, crawl_id = self.engine.connection_id, self.state.crawl_id
        await crawls.see(tx, cid, crawl_id, self.state.pages, page.hashes)
        await crawls.stage(tx, cid, crawl_id, rows)
        await self.move(
            tx,
            phase="judge" if page.cursor is None else "read",
            cursor=page.cursor,
            pages=self.state.pages + 1,
            figures=figures.as_details(),
        )

    # Judging ---

    async def look(self) -> None:
        """Let the breaker judge what was read.

        Raises:
            RunStoppedError: it is not what an ordinary day brings.
        """
        figures = Figures.from_details(self.state.figures)
        figures.known = figures.gone = 0
        async with self.engine.store.read() as tx:
            seen = await crawls.seen(tx, self.engine.connection_id, self.state.crawl_id)
        async for keys in known_pages(self.flow, self.engine, seen):
            figures.known += len(keys)
            figures.gone += len(gone(keys, self.state.number)) if self.flow.traits.status else 0
        found = verdict(figures, self.flow.traits, self.limits)
        phase: Phase = "stopped" if found else "sweep"
        async with self.engine.write() as tx:
            await self.move(tx, phase=phase, figures=figures.as_details(), verdict=tuple(found))
        if found:
            self.counters.add(Result.WAITING, await self.waiting())
            raise stopped(self.flow.name, found)

    async def waiting(self) -> int:
        """How many records that this run has read are staged."""
        count, after = 0, self.counted.start - 1
        while rows := await self.staged(after):
            after = rows[-1].seq
            count += sum(len(unseal(self.engine, row)) for row in rows)
        return count

    # Sweeping ---

    async def sweep(self) -> None:
        """Note which records this crawl has not seen; stage the mark of those that the one before missed too."""
        judge = Judge(self.flow, self.engine)
        cid, name, number = self.engine.connection_id, self.flow.name, self.state.number
        async with self.engine.store.read() as tx:
            seq = await crawls.next_seq(tx, cid, self.state.crawl_id)
            hashes = await crawls.seen(tx, cid, self.state.crawl_id)
        await close_absent(self.flow, self.engine, number, lambda key: key_hash(key) in hashes)
        async for rows in known_pages(self.flow, self.engine, hashes, after=self.state.swept):
            if not rows:
                continue
            away = gone(rows, number)
            heirs = await judge.heirs(away)
            marks = await judge.marked([key for key in away if key not in heirs], NOT_IN_DYNAMICS)
            staged = self.sealed(marks, seq)
            seq += len(staged)
            async with self.engine.write() as tx:
                back = [key for key, missed, seen in rows if seen and missed]
                absent = [key for key, missed, seen in rows if not seen and not missed]
                await links.set_missed(tx, cid, name, back, 0)
                await links.set_missed(tx, cid, name, absent, number)
                await links.hand_over(tx, cid, name, list(heirs.items()))
                if self.flow.traits.status:  # further keys of a record leave its status to the owner
                    silent = sorted(set(away) - {change.key for change in marks})
                    await links.set_state(tx, cid, name, silent, "gone")
                await crawls.stage(tx, cid, self.state.crawl_id, staged)
                await self.move(tx, swept=rows[-1][0])
        async with self.engine.write() as tx:
            await self.move(tx, phase="push")

    # Pushing ---

    async def push(self) -> None:
        """Send what is staged; what has its outcome on record leaves the stage in the same transaction."""
        cid, crawl_id = self.engine.connection_id, self.state.crawl_id

        async def unstage(tx: Tx, covered: CoveredPage, _done: int) -> None:
            await crawls.unstage(tx, cid, crawl_id, through=int(covered.place or 0))

        coverage = Coverage()
        ledger = Ledger(
            self.flow, self.engine, self.run_id, self.counters, coverage, on_covered=unstage, watch=self.watch
        )
        after, ended_early = -1, False
        async with pushing(self.flow, self.engine, self.run_id, ledger) as filler:
            while rows := await self.staged(after):
                if ended_early := after >= 0 and self.engine.is_over():  # each slice pushes something
                    break
                for row in rows:
                    after = row.seq
                    covered = coverage.begin(str(row.seq))
                    changes = unseal(self.engine, row)
                    self.counters.read += 0 if row.seq in self.counted else len(changes)
                    for change in await still_due(self.flow, self.engine, changes, ledger, filler):
                        await filler.send(change, covered)
                    covered.judged = True
                    await ledger.save_progress()
        if ended_early:
            self.engine.require_time()
        newest = self.state.newest or None
        async with self.engine.write() as tx:
            await crawls.forget(tx, cid, crawl_id)
            # everything has been read: the watermark may go back, as after F&O was set back to an older copy
            rewind = newest != self.state.watermark
            await self.move(tx, rewind=rewind, phase="done", cursor=None, watermark=newest)

    async def staged(self, after: int) -> list[crawls.Staged]:
        """The next portions."""
        async with self.engine.store.read() as tx:
            return await crawls.staged(tx, self.engine.connection_id, self.state.crawl_id, after=after)

    # Storing ---

    async def move(self, tx: Tx, *, rewind: bool = False, **changed: Any) -> None:
        """Store the state the crawl is in now."""
        self.state = replace(self.state, **changed)
        await progress.save(
            tx,
            self.engine.connection_id,
            Progress(
                flow=self.flow.name,
                run_id=self.run_id,
                cursor=self.state.cursor,
                watermark=self.state.watermark,
                pages=self.state.pages,
                complete=self.state.phase == "done",
                details=asdict(self.state),
            ),
            rewind=rewind,
        )


async def known_pages(
    flow: RecordFlow, engine: Engine, seen: crawls.Seen, *, after: str = ""
) -> AsyncGenerator[list[tuple[str, int, bool]], None]:
    """The live links a crawl should have seen, by pages: key, first crawl that missed it, seen now."""
    while True:
        async with engine.store.read() as tx:
            rows = await links.page(tx, engine.connection_id, flow.name, after=after)
        if not rows:
            return
        yield [
            (key, missed, key_hash(key) in seen)
            for key, missed, state in rows
            if state == "live" and flow.covers(key)
        ]
        after = rows[-1][0]


def gone(rows: Sequence[tuple[str, int, bool]], number: int) -> list[str]:
    """The keys that neither crawl ``number`` nor the one before it has seen."""
    return [key for key, missed, seen in rows if not seen and missed not in (0, number)]


async def still_due(
    flow: RecordFlow, engine: Engine, changes: Sequence[Change], ledger: Ledger, filler: Filler
) -> list[Change]:
    """The changes that nobody has overtaken since they were judged; the others count as skipped.

    A row that moved to the next page while it was read is staged twice: the first goes, the next crawl compares.
    """
    cid, keys = engine.connection_id, [change.key for change in changes]
    async with engine.store.read() as tx:
        heads = await links.heads(tx, cid, flow.name, keys)
        ledger.open_parked |= (await parked.open_for(tx, cid, flow.name, keys)).keys()
    due = [
        change
        for change in changes
        if (head := heads.get(change.key)) is None
        or (change.kind in ("create", "follow") and head.role == "follower")
        or (change.kind not in ("create", "follow") and head.fingerprint == change.base)
    ]
    once = {change.key: change for change in reversed(due) if change.key not in filler.in_flight}
    ledger.counters.add(Result.SKIPPED, len(changes) - len(once))
    return list(reversed(once.values()))


def stopped(flow: str, found: Sequence[str]) -> RunStoppedError:
    """Why a run waits for a person, and how it goes on."""
    return RunStoppedError(
        f"The run of {flow} was stopped before anything was written: {'; '.join(found)}.",
        hint=f"Look at: ml-connector plan {flow}. If it is right, run: ml-connector runs release {flow}",
        verdict=list(found),
    )
