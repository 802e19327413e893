"""What a person decides about one subject: a value that nobody else can know, or what becomes of it after its order.

Each decision names its author and reason and stands in the audit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ml_connector.engine.advance import held
from ml_connector.engine.process import HANDLED, LATER, SETTLED, new_process, note
from ml_connector.errors import ConnectorError
from ml_connector.store import leases, parked, processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import ProcessFlow
    from ml_connector.engine.worker import Worker
    from ml_connector.store.processes import Process

Decision = Literal["keep", "handled", "again"]


async def choose(
    flow: ProcessFlow, engine: Engine, process: Process, kept_as: str, choices: Sequence[Mapping[str, str]]
) -> Process:
    """Keep what a person chose for one subject, and let it try again from its draft.

    Args:
        flow: The flow of the process.
        engine: Where it is stored.
        process: Which.
        kept_as: The name in the process's result.
        choices: Further choices; the last one of a field counts.

    Raises:
        ConnectorError: something of it stands in the other system, or may: it is too late to choose.
    """
    async with held(flow, engine, process) as worker:
        if worker is None:
            raise busy(flow, process.subject)
        if worker.process.state == "done" or await worker.step_again() != "draft":
            raise ConnectorError(
                f"{flow.noun}/{process.subject} stands in Dynamics already, or may: nothing can be chosen for it any "
                "more.",
                code="deals.too_late",
            )
        kept = [*worker.process.result.get(kept_as, ()), *choices]
        chosen = replace(
            worker.process,
            state="waiting",
            step="draft",
            release="none",
            due_at=engine.around.clock.now(),
            message="",
            cause="",
            result={**worker.process.result, kept_as: kept},
        )
        await worker.store(chosen, "chosen", {"choices": list(choices)})
        return worker.process


async def decide(
    flow: ProcessFlow, engine: Engine, process: Process, decision: Decision, *, by: str, reason: str
) -> Process:
    """Settle what waits for a person: keep the order, call it handled outside, or begin a new revision.

    Returns:
        The process as it stands now; with ``again`` the new one, which has not been advanced.

    Raises:
        ConnectorError: there is nothing to decide, or not in this way.
    """
    async with held(flow, engine, process) as worker:
        if worker is None:
            raise busy(flow, process.subject)
        told = {"decision": decision, "by": by, "reason": reason}
        if decision == "again":
            await _require_done(flow, worker.process)
            await flow.trigger(process.subject)  # it must be won
            return await _again(worker, told)
        if LATER in worker.process.result:
            settled = {**worker.process.result, SETTLED: worker.process.result[LATER]}
            await worker.settle(replace(worker.process, result=settled), "decided", told)
            return worker.process
        if decision == "keep" or worker.process.state == "done":
            raise ConnectorError(
                f"Nothing about {flow.noun}/{process.subject} waits for a decision.",
                code="deals.nothing_to_decide",
            )
        await _close(flow, worker, told)
        return worker.process


def busy(flow: ProcessFlow, subject: str) -> ConnectorError:
    """Somebody else is at work on it."""
    return ConnectorError(
        f"{flow.noun}/{subject} is being worked on. Try again in a moment.", code="deals.busy"
    )


async def _require_done(flow: ProcessFlow, process: Process) -> None:
    if process.state != "done":
        raise ConnectorError(
            f"{flow.noun}/{process.subject} has no order yet that could be placed again; it stands at "
            f"'{process.step}'.",
            code="deals.nothing_to_decide",
        )


async def _again(worker: Worker, told: dict[str, Any]) -> Process:
    """The next revision begins at its draft, with nothing that was chosen for the one before."""
    engine, flow, old = worker.engine, worker.flow, worker.process
    result = {name: kept for name, kept in old.result.items() if name != LATER}
    async with engine.write() as tx:
        cid = engine.connection_id
        await leases.check(tx, cid, worker.lease)
        await processes.put(
            tx, cid, replace(old, result=result, message="", cause="", due_at=None), engine.vault
        )
        fresh = new_process(flow, engine, tx, old.subject, revision=old.revision + 1)
        fresh = replace(fresh, step="draft", due_at=tx.now, quiet_since=old.quiet_since)
        await processes.put(tx, cid, fresh, engine.vault)
        await note(flow, fresh, tx, cid, kind="decided", payload={**told, "revision": fresh.revision})
        await parked.resolve(tx, cid, flow.name, [old.subject], "placed again")
    return fresh


async def _close(flow: ProcessFlow, worker: Worker, told: dict[str, Any]) -> None:
    """A subject that a person handles outside begins nothing by itself any more.

    Raises:
        ConnectorError: something of it stands, or may.
    """
    if await worker.step_again() != "draft":
        raise ConnectorError(
            f"{flow.noun}/{worker.process.subject} stands in Dynamics already, or may: let it be finished first.",
            code="deals.too_late",
        )
    closed = replace(
        worker.process,
        state="ignored",
        due_at=None,
        cause="",
        message=f"Handled outside by {told['by']}: {told['reason']}",
        result={**worker.process.result, HANDLED: told},
    )
    await worker.store(closed, "decided", told, resolve="handled outside")
    await worker.tell("", "")
