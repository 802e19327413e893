"""Subjects that were merged: what was begun for one of them goes on for the one that is left.

One order stays one order. A process of a former subject of which something stands in the other system moves to the
subject that is left, with everything it knows; one of which nothing stands lets go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.engine.process import note
from ml_connector.errors import RetryableError
from ml_connector.store import leases, operations, parked, processes

if TYPE_CHECKING:
    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import ProcessFlow, Trigger
    from ml_connector.store.database import Tx
    from ml_connector.store.processes import Process

MERGED = "merged"  # in a process's result: the subject it was begun for
ALSO = "also"  # the numbers of what stands for other subjects that were merged into this one
MERGING_S = 5.0  # the lease of a former subject, for one transaction
ASIDE = 0  # the revision of a process that made room


async def inherit(flow: ProcessFlow, engine: Engine, tx: Tx, trigger: Trigger) -> None:
    """Take over what was begun for the former subjects of this one.

    Raises:
        RetryableError: a former subject is being worked on; nothing is lost.
    """
    cid, vault = engine.connection_id, engine.vault
    for former in trigger.former:
        rows = (
            await processes.revisions(tx, cid, flow.name, former, vault) if former != trigger.subject else []
        )
        rows = [row for row in rows if row.state != "ignored"]
        if not rows:
            continue
        lease = await leases.acquire(tx, cid, f"{flow.name}:{former}", engine.around.new_id(), MERGING_S)
        if lease is None:
            raise RetryableError(
                f"{flow.noun}/{former} was merged into {trigger.subject} while it is being worked on. It goes on "
                "with the next pass.",
                code="deals.busy",
            )
        own = await processes.revisions(tx, cid, flow.name, trigger.subject, vault)
        if not any([await _stands(tx, engine, row) for row in rows]):
            await _let_go(flow, engine, tx, rows, trigger.subject)
        elif any([await _stands(tx, engine, row) for row in own]):
            await _say_so(flow, engine, tx, own[0], rows)
        else:
            await _make_room(engine, tx, own, former)
            await _move(flow, engine, tx, rows, trigger.subject)
        await leases.release(tx, cid, lease)


async def _stands(tx: Tx, engine: Engine, process: Process) -> bool:
    """Whether something of the process stands in the other system, or may."""
    if process.state == "done" or process.result.get("number"):
        return True
    writes = await operations.of_process(tx, engine.connection_id, process.process_id, engine.vault)
    return any(write.state != "refused" for write in writes)


async def _let_go(flow: ProcessFlow, engine: Engine, tx: Tx, rows: list[Process], winner: str) -> None:
    cid = engine.connection_id
    for row in rows:
        words = f"{flow.noun}/{row.subject} was merged into {flow.noun}/{winner}."
        left = replace(row, state="ignored", due_at=None, message=words, cause="")
        await processes.put(tx, cid, left, engine.vault)
        await note(flow, left, tx, cid, kind="merged", payload={"into": winner, "message": words})
    await parked.resolve(tx, cid, flow.name, [rows[0].subject], "merged")


async def _make_room(engine: Engine, tx: Tx, own: list[Process], former: str) -> None:
    """What had begun for the winner itself, and of which nothing stands, takes the former subject's place."""
    for row in own:
        aside = replace(
            row, subject=former, revision=ASIDE, state="ignored", due_at=None, message="", cause=""
        )
        await processes.put(tx, engine.connection_id, aside, engine.vault)


async def _move(flow: ProcessFlow, engine: Engine, tx: Tx, rows: list[Process], winner: str) -> None:
    cid, former, now = engine.connection_id, rows[0].subject, engine.around.clock.now()
    for row in rows:
        told = {**row.result, MERGED: former}
        moved = replace(row, subject=winner, result=told, quiet_since=None, due_at=row.due_at or now)
        await processes.put(tx, cid, moved, engine.vault)
        for one in (row, moved):
            await note(flow, one, tx, cid, kind="merged", payload={"from": former, "into": winner})
    await parked.resolve(tx, cid, flow.name, [former, winner], "merged")


async def _say_so(flow: ProcessFlow, engine: Engine, tx: Tx, own: Process, rows: list[Process]) -> None:
    """Two of the merged subjects have come to something: both stay, and a person hears of it."""
    cid, numbers = engine.connection_id, own.result.get(ALSO, [])
    further = [str(row.result["number"]) for row in rows if row.result.get("number")]
    if set(further) <= set(numbers):
        return
    told = {**own.result, ALSO: [*numbers, *further]}
    due_at = own.due_at or engine.around.clock.now()
    await processes.put(tx, cid, replace(own, result=told, due_at=due_at), engine.vault)
    await note(flow, own, tx, cid, kind="merged", payload={"from": rows[0].subject, "also": further})
