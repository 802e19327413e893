"""Runs of a record flow: start, go on where the last one stopped, end with figures and a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.domain.records import Counters, Page
from ml_connector.engine.records import run_records
from ml_connector.errors import ConnectorError
from ml_connector.store import calls, flows, progress, runs
from ml_connector.store.runs import Run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.runs import RunKind, RunState


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
    """How a run ended; ``error`` is what stopped it, if anything did."""

    run_id: str
    flow: str
    counters: Counters
    error: ConnectorError | None = None


async def sync_records(
    flow: RecordFlow,
    engine: Engine,
    traffic: Callable[[], Traffic],
    *,
    watch: Callable[[Counters], None] | None = None,
) -> RunReport:
    """One pass over everything the source holds, going on where an interrupted pass stopped."""
    cid = engine.connection_id
    async with engine.store.write() as tx:
        await runs.abandon_open(tx, cid, flow.name)
        stopped = [run.run_id for run in await runs.stopped(tx, cid, flow.name)]
        await calls.settle_open(tx, cid, stopped, "repeated")
        covered = await progress.load(tx, cid, flow.name)
        state = await flows.get(tx, cid, flow.name)
    cursor = covered.cursor or None if covered is not None and not covered.complete else None
    kind: RunKind = "crawl" if state.loaded else "load"
    report = await _move(flow, engine, traffic, kind=kind, pages=flow.source.pages(cursor), watch=watch)
    if report.error is None and not state.loaded:
        async with engine.store.write() as tx:
            current = await flows.get(tx, cid, flow.name)
            await flows.put(tx, cid, replace(current, loaded=True))
    return report


async def replay_records(
    flow: RecordFlow, engine: Engine, keys: Sequence[str], traffic: Callable[[], Traffic]
) -> RunReport:
    """Read these records again and send them through the same door, parked or not."""
    records = await flow.source.read(keys)

    async def pages() -> AsyncGenerator[Page, None]:
        yield Page(records, None)

    return await _move(flow, engine, traffic, kind="replay", pages=pages(), again=True)


async def _move(
    flow: RecordFlow,
    engine: Engine,
    traffic: Callable[[], Traffic],
    *,
    kind: RunKind,
    pages: AsyncGenerator[Page, None],
    again: bool = False,
    watch: Callable[[Counters], None] | None = None,
) -> RunReport:
    """Move these pages in a run of their own."""

    async def work(run_id: str, counters: Counters) -> None:
        await run_records(flow, engine, run_id, pages=pages, counters=counters, again=again, watch=watch)

    return await carry_out(flow.name, engine, traffic, kind=kind, work=work)


async def carry_out(
    flow: str,
    engine: Engine,
    traffic: Callable[[], Traffic],
    *,
    kind: RunKind,
    work: Callable[[str, Counters], Awaitable[None]],
) -> RunReport:
    """Store that a run has begun, do its work, store how it ended; what stopped it is in the report."""
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
    state: RunState = "failed" if error else "done"
    async with engine.store.write() as tx:
        # calls that were under way when another lane stopped the run: the next run makes them again
        await calls.settle_open(tx, cid, [run.run_id], "repeated")
        await runs.finish(tx, cid, run.run_id, state, asdict(counters), error.message if error else "")
    return RunReport(run.run_id, flow, counters, error)


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
    async with engine.store.write() as tx:
        await runs.start(tx, engine.connection_id, run)
    return run
