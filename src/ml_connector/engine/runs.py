"""Runs of a record flow: start, go on where the last one stopped, end with figures and a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.domain.records import Counters, Page
from ml_connector.engine.changes import (
    ChangesRead,
    Reading,
    Rhythm,
    full_due_at,
    keyed_pages,
    why_full,
)
from ml_connector.engine.crawl import Crawl, CrawlState
from ml_connector.engine.creations import settle_creations
from ml_connector.engine.plan import push_plan
from ml_connector.engine.recheck import recheck
from ml_connector.engine.records import run_records
from ml_connector.errors import (
    AccessError,
    ConfigurationError,
    ConnectorError,
    RunStoppedError,
    SliceOverError,
    ThrottledError,
)
from ml_connector.store import audit, calls, crawls, flows, progress, runs
from ml_connector.store.audit import Entry
from ml_connector.store.leases import LeaseLostError
from ml_connector.store.runs import Run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.engine.breaker import Limits
    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.database import Tx
    from ml_connector.store.flows import FlowRow
    from ml_connector.store.progress import Progress
    from ml_connector.store.runs import RunKind, RunState

PASSES = frozenset({"load", "crawl", "changes", "orders"})  # kinds of runs that bring a flow up to date
DAILY = Rhythm()
PAUSES = (AccessError, ConfigurationError, ThrottledError, RunStoppedError)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls sent to each side and 429s answered, read from the transports before and after a run."""

    requests: dict[str, int]
    throttled: int

    def since(self, before: Traffic) -> Traffic:
        """What was sent between two looks."""
        return Traffic(
            {side: count - before.requests.get(side, 0) for side, count in self.requests.items()},
            self.throttled - before.throttled,
        )


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended.

    ``error`` is what stopped it, if anything did, ``reading`` what a pass has read, and ``more`` says that only its
    slice has ended: the next run goes on.
    """

    run_id: str
    flow: str
    counters: Counters
    error: ConnectorError | None = None
    reading: Reading | None = None
    more: bool = False


async def sync_records(
    flow: RecordFlow,
    engine: Engine,
    traffic: Callable[[], Traffic],
    *,
    limits: Limits,
    rhythm: Rhythm = DAILY,
    full: bool = False,
    watch: Callable[[Counters], None] | None = None,
) -> RunReport:
    """One pass over what the source holds, going on where an interrupted pass stopped.

    A first load streams; once it is done every pass is a crawl, which the breaker judges before anything is written.
    Between two crawls a pass reads the changes alone, where the source tells them and nothing speaks against it;
    ``full`` asks for a crawl.
    """
    engine = await engine.holding(flow.name)
    state, covered = await _begin_pass(flow, engine)
    if not state.loaded:
        cursor = covered.cursor or None if covered is not None and not covered.complete else None

        async def load(run_id: str, counters: Counters) -> None:
            await settle_creations(flow, engine, run_id)
            await recheck(flow, engine, run_id)
            if flow.changes is not None:  # a setting that cannot work is told before a crawl needs it
                await flow.changes.newest()
            pages = flow.source.pages(cursor)
            await run_records(flow, engine, run_id, pages=pages, counters=counters, tracked=True, watch=watch)

        report = await carry_out(flow.name, engine, traffic, kind="load", work=load)
        if report.error is None and not report.more:
            async with engine.write() as tx:
                current = await flows.get(tx, engine.connection_id, flow.name)
                await flows.put(tx, engine.connection_id, replace(current, loaded=True))
        return report
    before = CrawlState.from_details(covered.details) if covered is not None else None
    because = await why_full(flow, engine, before, rhythm, asked=full)
    reading = Reading("full" if because else "changes", because)

    async def work(run_id: str, counters: Counters) -> None:
        last = before
        if not because:
            assert last is not None
            reading.since, reading.full_due_at = last.watermark or "", full_due_at(last, rhythm)
            read = ChangesRead(
                flow, engine, Crawl(flow, engine, run_id, counters, last, limits, watch), rhythm, reading
            )
            reading.because = await read.run()
            if not reading.because:
                return
            reading.kind, last = "full", read.crawl.state
            async with engine.write() as tx:
                await runs.becomes(tx, engine.connection_id, run_id, "crawl")
        if last is None or not last.goes_on(flow):
            last = await _new_crawl(flow, engine, last)
        await Crawl(flow, engine, run_id, counters, last, limits, watch).run()

    return await carry_out(
        flow.name,
        engine,
        traffic,
        kind="crawl" if because else "changes",
        work=work,
        reading=reading if flow.changes is not None else None,
    )


async def release_records(
    flow: RecordFlow, engine: Engine, traffic: Callable[[], Traffic], *, limits: Limits
) -> RunReport:
    """Push what a stopped crawl has staged: a person has looked at it.

    Raises:
        ConfigurationError: no run of the flow is stopped.
    """
    engine = await engine.holding(flow.name)
    _, covered = await _begin_pass(flow, engine)
    crawl = CrawlState.from_details(covered.details) if covered is not None else None
    if crawl is None or crawl.phase != "stopped":
        raise not_stopped(flow.name)
    released = replace(crawl, phase="sweep")
    # what is written names the mapping that made it: a newer one is still to be applied
    flow = replace(flow, mapping_version=crawl.mapping_version)

    async def work(run_id: str, counters: Counters) -> None:
        async with engine.write() as tx:
            entry = Entry(
                "released", flow.name, "", {"verdict": crawl.verdict, "by": engine.started_by}, run_id
            )
            await audit.append(tx, engine.connection_id, [entry])
        await Crawl(flow, engine, run_id, counters, released, limits).run()

    return await carry_out(flow.name, engine, traffic, kind="crawl", work=work)


def not_stopped(flow: str) -> ConfigurationError:
    """What is said to somebody who wants to release a run that nobody holds."""
    return ConfigurationError(
        f"No run of {flow} is stopped.", code="usage.not_stopped", hint="See: ml-connector runs list"
    )


async def first_records(
    flow: RecordFlow, engine: Engine, traffic: Callable[[], Traffic], *, most: int
) -> RunReport:
    """Write so many records and no more: the step between a preview and switching a flow on."""
    engine = await engine.holding(flow.name)
    await _begin_pass(flow, engine)

    async def work(run_id: str, counters: Counters) -> None:
        await settle_creations(flow, engine, run_id)
        await run_records(flow, engine, run_id, pages=flow.source.pages(None), counters=counters, most=most)

    return await carry_out(flow.name, engine, traffic, kind="first", work=work)


async def planned_records(
    flow: RecordFlow,
    engine: Engine,
    portions: Iterable[Sequence[Change]],
    traffic: Callable[[], Traffic],
    *,
    watch: Callable[[Counters], None] | None = None,
) -> RunReport:
    """Write what a plan kept. The breaker does not judge it: a person has looked at the plan and chose it."""
    engine = await engine.holding(flow.name)
    await _begin_pass(flow, engine)

    async def work(run_id: str, counters: Counters) -> None:
        await settle_creations(flow, engine, run_id)
        await push_plan(flow, engine, run_id, counters, portions, watch)

    return await carry_out(flow.name, engine, traffic, kind="plan", work=work)


async def keyed_records(
    flow: RecordFlow, engine: Engine, keys: Sequence[str], traffic: Callable[[], Traffic]
) -> RunReport:
    """Move these records only; one that is parked stays so while nothing about it has changed.

    It takes no pass over: a record that is asked for goes beside one, as a replay does.
    """

    async def work(run_id: str, counters: Counters) -> None:
        await settle_creations(flow, engine, run_id)
        await recheck(flow, engine, run_id, keys)
        pages = keyed_pages(flow, keys)
        await run_records(flow, engine, run_id, pages=pages, counters=counters)

    return await carry_out(flow.name, engine, traffic, kind="keyed", work=work)


async def _begin_pass(flow: RecordFlow, engine: Engine) -> tuple[FlowRow, Progress | None]:
    """Clear up after a pass that was cut off; how the flow stands."""
    cid = engine.connection_id
    async with engine.write() as tx:
        await runs.abandon_open(tx, cid, flow.name)
        stopped = [run.run_id for run in await runs.stopped(tx, cid, flow.name)]
        await calls.settle_open(tx, cid, stopped, "repeated")
        return await flows.get(tx, cid, flow.name), await progress.load(tx, cid, flow.name)


async def _new_crawl(flow: RecordFlow, engine: Engine, before: CrawlState | None) -> CrawlState:
    """A crawl from the first page; what the one before had staged is dropped, for it is read afresh."""
    if before is not None:
        async with engine.write() as tx:
            await crawls.forget(tx, engine.connection_id, before.crawl_id)
    crawl_id = engine.around.new_id()
    if before is None:
        return CrawlState(crawl_id, number=1, mapping_version=flow.mapping_version)
    return CrawlState(
        crawl_id,
        number=before.number + 1,
        mapping_version=flow.mapping_version,
        edits_since=before.edits_since,
        watermark=before.watermark,
        seen_at=before.seen_at,
    )


async def replay_records(
    flow: RecordFlow, engine: Engine, keys: Sequence[str], traffic: Callable[[], Traffic]
) -> RunReport:
    """Read these records again and send them through the same door, parked or not."""
    records = await flow.source.read(keys)

    async def pages(unsure: frozenset[str]) -> AsyncGenerator[Page, None]:
        yield Page([record for record in records if record.key not in unsure], None)

    async def work(run_id: str, counters: Counters) -> None:
        await settle_creations(flow, engine, run_id)
        unsure = await recheck(flow, engine, run_id, keys)
        await run_records(flow, engine, run_id, pages=pages(unsure), counters=counters, again=True)

    return await carry_out(flow.name, engine, traffic, kind="replay", work=work)


async def carry_out(
    flow: str,
    engine: Engine,
    traffic: Callable[[], Traffic],
    *,
    kind: RunKind,
    work: Callable[[str, Counters], Awaitable[None]],
    reading: Reading | None = None,
) -> RunReport:
    """Store that a run has begun, do its work, store how it ended; what stopped it is in the report.

    ``reading`` is filled in by the work: what a pass has read is told where nothing stopped it.
    """
    cid, clock = engine.connection_id, engine.around.clock
    run = await _begin(flow, engine, kind=kind)
    before, began = traffic(), clock.elapsed_s()
    counters, error = Counters(), None
    try:
        await work(run.run_id, counters)
    except ConnectorError as stopped:
        error = stopped
    spent = traffic().since(before)
    counters.requests, counters.throttled = spent.requests, spent.throttled
    counters.seconds = clock.elapsed_s() - began
    more = isinstance(error, SliceOverError)
    state: RunState = (
        "stopped"
        if isinstance(error, RunStoppedError)
        else "interrupted"
        if more
        else "failed"
        if error
        else "done"
    )
    try:
        async with engine.write() as tx:
            # calls that were under way when another lane stopped the run: the next run makes them again
            await calls.settle_open(tx, cid, [run.run_id], "repeated")
            said = error.message if error else reading.sentence if reading else ""
            await runs.finish(tx, cid, run.run_id, state, asdict(counters), said)
            await _pause_or_go_on(tx, cid, run, error)
    except LeaseLostError as lost:  # who has taken over has noted that this run was cut off
        return RunReport(run.run_id, flow, counters, lost, reading)
    return RunReport(run.run_id, flow, counters, None if more else error, reading, more)


async def _pause_or_go_on(tx: Tx, connection_id: int, run: Run, error: ConnectorError | None) -> None:
    """Pause the flow for a cause of the system, or when the breaker stopped it; a pass that gets through lifts it.

    Single records never pause a flow, nor does a side that is away for a while: the next pass finds it again.
    """
    row = await flows.get(tx, connection_id, run.flow)
    if isinstance(error, PAUSES) and row.is_on:
        await flows.put(tx, connection_id, replace(row, state="paused", paused_reason=error.message))
    elif error is None and run.kind in PASSES and row.state == "paused":
        await flows.put(tx, connection_id, replace(row, state="on", paused_reason=""))


async def _begin(flow: str, engine: Engine, *, kind: RunKind) -> Run:
    """Store that a run has begun."""
    run = Run(
        run_id=engine.around.new_id(),
        flow=flow,
        kind=kind,
        state="running",
        started_at=engine.around.clock.now(),
        ended_at=None,
        counters={},
        message="",
        started_by=engine.started_by,
    )
    async with engine.write() as tx:
        await runs.start(tx, engine.connection_id, run)
    return run
