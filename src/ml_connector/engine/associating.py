"""Associations after records: a step of its own, repeated until each one stands."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.domain.records import Pair, digest
from ml_connector.engine.calls import recorded
from ml_connector.engine.judging import Stopped
from ml_connector.engine.recording import parking
from ml_connector.store import associations, audit, links, parked
from ml_connector.store.audit import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ml_connector.domain.records import Counters
    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import Associations, RecordFlow
    from ml_connector.errors import RejectedError
    from ml_connector.store.associations import Association
    from ml_connector.store.database import Tx


async def associate(flow: RecordFlow, engine: Engine, run_id: str) -> None:
    """Make every association of the flow that is wanted and whose other end stands; the others are held.

    Raises:
        AccessError, RetryableError: nothing is lost; the next run goes on.
    """
    if flow.associations is None:
        return
    after = ("", "")
    while True:
        async with engine.store.read() as tx:
            rows = await associations.open_of(
                tx,
                engine.connection_id,
                flow.name,
                after=after,
                limit=flow.associations.batch_size,
            )
            ready = await with_other_end(tx, engine, rows)
        if not rows:
            return
        after = (rows[-1].key, rows[-1].to_key)
        if ready:
            await make(flow, flow.associations, engine, run_id, ready)


@asynccontextmanager
async def associating(
    flow: RecordFlow, engine: Engine, run_id: str, counters: Counters
) -> AsyncGenerator[Callable[[], None], None]:
    """Associate while records are still on their way, a call's worth at a time, and the rest when the block ends.

    Yields a function to call now and then: it starts a pass when enough has been created since the last one.

    Raises:
        AccessError, RetryableError: nothing is lost; the next run goes on.
    """
    passing: asyncio.Task[None] | None = None
    done = counters.created
    size = flow.associations.batch_size if flow.associations is not None else 0

    def tie() -> None:
        nonlocal passing, done
        if size and counters.created - done >= size and (passing is None or passing.done()):
            if passing is not None:
                passing.result()  # an error of the pass before ends the run
            done = counters.created
            passing = asyncio.create_task(associate(flow, engine, run_id))

    try:
        yield tie
        if passing is not None:
            await passing
        await associate(flow, engine, run_id)
    finally:
        if passing is not None and not passing.done():
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)


async def with_other_end(tx: Tx, engine: Engine, rows: Sequence[Association]) -> list[Association]:
    """The associations whose other record is in the target, with its id."""
    found: dict[tuple[str, str], str] = {}
    for to_flow in {row.to_flow for row in rows}:
        keys = sorted({row.to_key for row in rows if row.to_flow == to_flow})
        heads = await links.heads(tx, engine.connection_id, to_flow, keys)
        found |= {
            (to_flow, key): head.target_id for key, head in heads.items() if head.state in ("live", "gone")
        }
    return [
        replace(row, to_id=found[row.to_flow, row.to_key])
        for row in rows
        if (row.to_flow, row.to_key) in found
    ]


async def make(
    flow: RecordFlow,
    maker: Associations,
    engine: Engine,
    run_id: str,
    rows: Sequence[Association],
) -> None:
    """One call: what does not stand yet, the first company of a record that has none as its primary one."""
    current = await maker.current(sorted({row.from_id for row in rows if not row.fresh}))
    pairs: dict[tuple[str, str], Pair] = {}
    has_primary = {from_id for from_id, others in current.items() if any(others.values())}
    for row in rows:
        ends = (row.from_id, row.to_id)
        if row.to_id in current.get(row.from_id, {}) or ends in pairs:
            continue
        pairs[ends] = Pair(row.from_id, row.to_id, row.from_id not in has_primary)
        has_primary.add(row.from_id)
    answers: dict[tuple[str, str], RejectedError | None] = {}
    if pairs:
        wanted = list(pairs.values())
        answers = await recorded(
            engine,
            side=flow.sink.side,
            resource=maker.resource,
            keys=[f"{pair.from_id}>{pair.to_id}" for pair in wanted],
            payload=[[pair.from_id, pair.to_id, pair.primary] for pair in wanted],
            send=lambda call_id: maker.make(wanted, call_id=call_id),
            run_id=run_id,
        )
    async with engine.write() as tx:
        await keep(tx, flow, engine, run_id, rows, answers)


async def keep(  # noqa: PLR0917 - one transaction's worth
    tx: Tx,
    flow: RecordFlow,
    engine: Engine,
    run_id: str,
    rows: Sequence[Association],
    answers: dict[tuple[str, str], RejectedError | None],
) -> None:
    """Store what became of each: made, or refused and parked under a name of its own."""
    cid = engine.connection_id
    ended: list[Association] = []
    stopped: list[Stopped] = []
    for row in rows:
        error = answers.get((row.from_id, row.to_id))
        if error is None:
            ended.append(replace(row, state="made", message=""))
        else:
            ended.append(replace(row, state="refused", message=error.message))
            stopped.append(Stopped(f"{row.key}>{row.to_key}", error, digest([row.from_id, row.to_id])))
    await associations.end(tx, cid, ended)
    made = [row for row in ended if row.state == "made"]
    await parked.resolve(tx, cid, flow.name, [f"{row.key}>{row.to_key}" for row in made], "arrived")
    await parked.park(tx, cid, [parking(flow.name, run_id, one) for one in stopped])
    await audit.append(
        tx,
        cid,
        [
            Entry(
                kind="associated" if row.state == "made" else "parked",
                flow=flow.name,
                key=row.key,
                run_id=run_id,
                payload={
                    "with": f"{row.to_flow}/{row.to_key}",
                    "ids": [row.from_id, row.to_id],
                    "message": row.message,
                },
            )
            for row in ended
        ],
    )
