"""The doors of a process: take it further, release it, let it try again.

One worker at a time holds the subject's lease; what it then does stands in ``worker.py``.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.engine.calls import report_run
from ml_connector.engine.process import HANDLED
from ml_connector.engine.worker import Worker
from ml_connector.errors import ConnectorError
from ml_connector.store import calls, leases, processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import ProcessFlow
    from ml_connector.store.processes import Process

# A dead worker's subject is free again after this; what it may have sent is resolved by write_once.
LEASE_S = 120.0


async def advance(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Take one process as far as it can go now.

    Returns:
        The process as stored at the end: done, parked, or waiting with ``due_at`` and the reason. A process that
        another worker holds comes back as it is.

    Raises:
        AccessError: nothing can go on until a person acts.
    """
    async with held(flow, engine, process) as worker:
        if worker is None:
            return process
        if worker.process.state != "ignored":
            await worker.steps()
        return worker.process


async def approve(flow: ProcessFlow, engine: Engine, process: Process, by: str) -> Process:
    """Release a waiting draft; the next ``advance`` places it if the subject still says the same.

    Raises:
        ConnectorError: it is not waiting for approval; the sentence says where it stands.
    """
    async with held(flow, engine, process) as worker:
        if worker is None:
            raise ConnectorError(
                f"{flow.noun}/{process.subject} is being worked on. Try again in a moment.", code="deals.busy"
            )
        if worker.process.step != "release" or worker.process.state != "waiting":
            raise ConnectorError(_not_waiting(flow, worker.process), code="deals.not_waiting")
        now = engine.around.clock.now()  # due at once: an approval survives the process that took it
        approved = replace(worker.process, release="approved", approved_by=by, due_at=now)
        await worker.store(approved, "approved", {"by": by})
        return worker.process


async def choose(
    flow: ProcessFlow, engine: Engine, process: Process, choices: Sequence[Mapping[str, str]]
) -> tuple[Process, bool]:
    """Keep what a person chose, and draft anew with it; what was parked tries again.

    Args:
        flow: Whose process it is.
        engine: Where.
        process: Which.
        choices: As the flow keeps them under ``choices`` in the result, each with its author and reason.

    Returns:
        The process as stored at the end, and whether it differs from what the person saw by the choices alone.

    Raises:
        ConnectorError: nothing can be chosen any more; the sentence says where it stands.
    """
    async with held(flow, engine, process) as worker:
        if worker is None:
            raise ConnectorError(
                f"{flow.noun}/{process.subject} is being worked on. Try again in a moment.", code="deals.busy"
            )
        current = worker.process
        if current.state == "parked":
            current = replace(current, step=await worker.step_again())
        if current.state not in ("waiting", "parked") or current.step not in ("quiet", "draft", "release"):
            raise ConnectorError(_not_waiting(flow, worker.process), code="deals.not_waiting")
        seen = await worker.still_as_shown()
        kept = [*current.result.get("choices", ()), *choices]
        chosen = replace(current, result={**current.result, "choices": kept})
        await worker.store(chosen, "chosen", {"choices": list(choices)})
        await worker.steps()
        return worker.process, seen


async def reopen(flow: ProcessFlow, engine: Engine, process: Process) -> Process:
    """Let a parked or ignored process try again: from the beginning, unless something of it stands elsewhere."""
    async with held(flow, engine, process) as worker:
        if worker is None or worker.process.state not in ("parked", "ignored"):
            return process
        step = await worker.step_again()
        result = {name: kept for name, kept in worker.process.result.items() if name != HANDLED}
        now = engine.around.clock.now()  # due at once: a replay survives the process that took it
        waiting = replace(
            worker.process, state="waiting", step=step, due_at=now, cause="", message="", result=result
        )
        await worker.store(waiting, "replayed", {"from": step})
        return worker.process


@asynccontextmanager
async def held(flow: ProcessFlow, engine: Engine, process: Process) -> AsyncIterator[Worker | None]:
    """The subject's lease with the process as it is stored now; None when somebody else holds it."""
    cid, holder = engine.connection_id, engine.around.new_id()
    async with engine.write() as tx:
        lease = await leases.acquire(tx, cid, f"{flow.name}:{process.subject}", holder, LEASE_S)
        current = await processes.get(tx, cid, process.process_id, engine.vault)
        if lease is not None:  # nobody else is at work here: reports without an outcome will be made again
            await calls.settle_open(tx, cid, [report_run(flow.name, process.subject)], "repeated")
    if lease is None:
        yield None
        return
    try:
        yield Worker(flow, engine, lease, current or process)
    finally:
        async with engine.write() as tx:
            await leases.release(tx, cid, lease)


def _not_waiting(flow: ProcessFlow, process: Process) -> str:
    """Why there is nothing to approve."""
    if process.state == "done":
        return f"{flow.noun}/{process.subject} has its order already: {process.result.get('number')}."
    if process.state == "parked":
        return f"{flow.noun}/{process.subject} is parked, not waiting for approval: {process.message}"
    return f"{flow.noun}/{process.subject} is not waiting for approval; it stands at '{process.step}'."
