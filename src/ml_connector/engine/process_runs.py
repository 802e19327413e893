"""One pass of a process flow: notice what has happened, then take every process that is due as far as it can go."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ml_connector.domain.records import Result
from ml_connector.engine.advance import advance, reopen
from ml_connector.engine.process import due, has_news, is_due, notice
from ml_connector.engine.runs import carry_out
from ml_connector.errors import ConnectorError
from ml_connector.store import processes, progress, runs
from ml_connector.store.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector.domain.records import Counters
    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import ProcessFlow, Trigger, TriggerPage
    from ml_connector.engine.runs import RunReport, Traffic
    from ml_connector.store.processes import Process

BULK = 1000  # due processes taken in one pass


async def sync_processes(flow: ProcessFlow, engine: Engine, traffic: Callable[[], Traffic]) -> RunReport:
    """Notice every trigger, advance what is due, count each subject once."""
    async with engine.store.write() as tx:
        await runs.abandon_open(tx, engine.connection_id, flow.name)

    async def work(run_id: str, counters: Counters) -> None:
        await _pass(flow, engine, run_id, counters)

    return await carry_out(flow.name, engine, traffic, kind="orders", work=work)


async def _pass(flow: ProcessFlow, engine: Engine, run_id: str, counters: Counters) -> None:
    async with engine.store.read() as tx:
        covered = await progress.load(tx, engine.connection_id, flow.name)
    seen: set[str] = set()
    async with aclosing(flow.triggers(covered.watermark if covered else None)) as pages:
        async for page in pages:
            for trigger, process in await _notice_page(flow, engine, run_id, page):
                if process.subject not in seen:
                    seen.add(process.subject)
                    await _take(
                        flow,
                        engine,
                        process,
                        counters,
                        news=has_news(flow, process, trigger, engine.around.clock.now()),
                    )
    for process in await due(flow, engine, BULK):
        if process.subject not in seen:
            seen.add(process.subject)
            await _take(flow, engine, process, counters, news=False)


async def _notice_page(
    flow: ProcessFlow, engine: Engine, run_id: str, page: TriggerPage
) -> Sequence[tuple[Trigger, Process]]:
    """Store a process for each trigger, and how far the flow has read, in one transaction."""
    cid = engine.connection_id
    async with engine.store.write() as tx:
        noticed = [(trigger, await notice(flow, engine, tx, trigger)) for trigger in page.triggers]
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
    return noticed


async def _take(
    flow: ProcessFlow, engine: Engine, process: Process, counters: Counters, *, news: bool
) -> None:
    """Advance one process when it is due or has news, and count how it stands."""
    counters.read += 1
    was_done = process.state in ("done", "ignored")
    if not was_done and (news or is_due(process, engine.around.clock.now())):
        process = await advance(flow, engine, process)
    if process.state == "done":
        counters.add(Result.UNCHANGED if was_done else Result.CREATED)
    elif process.state == "parked":
        counters.add(Result.PARKED)
    elif process.state == "ignored":
        counters.add(Result.SKIPPED)
    else:
        counters.add(Result.WAITING)


async def replay_process(flow: ProcessFlow, engine: Engine, subject: str) -> Process:
    """Let one parked subject try again now.

    Raises:
        ConnectorError: no process is known for this subject.
    """
    async with engine.store.read() as tx:
        process = await processes.find(tx, engine.connection_id, flow.name, subject, engine.vault)
    if process is None:
        raise ConnectorError(
            f"{flow.noun}/{subject} has not been seen yet; run 'ml-connector sync {flow.name}' first.",
            code="records.unknown",
        )
    if process.state == "parked":
        process = await reopen(flow, engine, process)
    return await advance(flow, engine, process)
