"""One pass of a process flow: notice what has happened, then take every process that is due as far as it can go."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ml_connector.domain.records import Result
from ml_connector.engine.advance import advance, reopen
from ml_connector.engine.at_once import take_each
from ml_connector.engine.inherit import inherit
from ml_connector.engine.process import LATER, due, is_due, notice
from ml_connector.engine.runs import carry_out
from ml_connector.store import processes, progress, runs
from ml_connector.store.progress import Progress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ml_connector.domain.records import Counters
    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import ProcessFlow, TriggerPage
    from ml_connector.engine.runs import RunReport, Traffic
    from ml_connector.store.processes import Process

BULK = 1000  # due processes taken in one pass


async def sync_processes(flow: ProcessFlow, engine: Engine, traffic: Callable[[], Traffic]) -> RunReport:
    """Notice every trigger, advance what is due, count each subject once."""
    async with engine.write() as tx:
        await runs.abandon_open(tx, engine.connection_id, flow.name)

    async def work(run_id: str, counters: Counters) -> None:
        await _take_all(flow, engine, _to_take(flow, engine, run_id), counters)
        engine.require_time()

    return await carry_out(flow.name, engine, traffic, kind="orders", work=work)


async def told_processes(
    flow: ProcessFlow, engine: Engine, subjects: Sequence[str], traffic: Callable[[], Traffic]
) -> RunReport:
    """Look at the subjects that an event named, as a pass would: those that may begin, and those that have moved."""

    async def work(run_id: str, counters: Counters) -> None:
        async def noticed() -> AsyncGenerator[Process, None]:
            for process in await _notice_page(flow, engine, run_id, await flow.told(subjects)):
                yield process

        await _take_all(flow, engine, noticed(), counters)

    return await carry_out(flow.name, engine, traffic, kind="told", work=work)


async def _to_take(flow: ProcessFlow, engine: Engine, run_id: str) -> AsyncGenerator[Process, None]:
    """Each process once: those whose subjects have moved, then those that are due."""
    async with engine.store.read() as tx:
        covered = await progress.load(tx, engine.connection_id, flow.name)
    seen: set[str] = set()
    async with aclosing(flow.triggers(covered.watermark if covered else None)) as pages:
        async for page in pages:
            for process in await _notice_page(flow, engine, run_id, page):
                if engine.is_over():
                    return
                if process.subject not in seen:
                    seen.add(process.subject)
                    yield process
    for process in await due(flow, engine, BULK):
        if engine.is_over():
            return
        if process.subject not in seen:
            seen.add(process.subject)
            yield process


async def _notice_page(
    flow: ProcessFlow, engine: Engine, run_id: str, page: TriggerPage
) -> Sequence[Process]:
    """Store a process for each trigger, and how far the flow has read, in one transaction."""
    cid = engine.connection_id
    async with engine.write() as tx:
        for trigger in page.triggers:
            await inherit(flow, engine, tx, trigger)
        noticed = [await notice(flow, engine, tx, trigger) for trigger in page.triggers]
        if page.watermark is not None:
            await progress.save(
                tx,
                cid,
                Progress(
                    flow=flow.name,
                    run_id=run_id,
                    cursor=None,
                    watermark=page.watermark,
                    pages=1,
                    complete=True,
                    details={},
                ),
            )
    return [process for process in noticed if process is not None]


async def _take_all(
    flow: ProcessFlow, engine: Engine, found: AsyncGenerator[Process, None], counters: Counters
) -> None:
    """Take each, several at once, under the leases of their subjects: passes may go side by side."""

    async def take(process: Process) -> None:
        await _take(flow, engine, process, counters)

    async with aclosing(found):
        await take_each(found, take, most=flow.at_once)


async def _take(flow: ProcessFlow, engine: Engine, process: Process, counters: Counters) -> None:
    """Advance one process when it is due, or is seen for the first time, and count how it stands."""
    counters.read += 1
    was_done = process.state == "done"
    unseen = process.state == "waiting" and process.step == "quiet" and process.snapshot_hash is None
    if unseen or is_due(process, engine.around.clock.now()):
        process = await advance(flow, engine, process)
    counters.add(_result(process, was_done=was_done))


def _result(process: Process, *, was_done: bool) -> Result:
    if process.state == "parked" or LATER in process.result:
        return Result.PARKED
    if process.state == "done":
        return Result.UNCHANGED if was_done else Result.CREATED
    return Result.SKIPPED if process.state == "ignored" else Result.WAITING


async def replay_process(flow: ProcessFlow, engine: Engine, subject: str) -> Process:
    """Let one subject try again now; one that was never seen begins by hand.

    Raises:
        RecordError: it was never seen, and wants no process.
    """
    cid = engine.connection_id
    async with engine.store.read() as tx:
        process = await processes.find(tx, cid, flow.name, subject, engine.vault)
    if process is None:
        trigger = await flow.trigger(subject)
        async with engine.write() as tx:
            await inherit(flow, engine, tx, trigger)
            process = await notice(flow, engine, tx, trigger)
        assert process is not None
    if process.state in ("parked", "ignored"):
        process = await reopen(flow, engine, process)
    return await advance(flow, engine, process)
