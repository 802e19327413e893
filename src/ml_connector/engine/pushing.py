"""The lanes that push batches: intent before, outcome after, bisection when a whole batch is refused.

A record the target no longer knows by its id is looked for; one whose identity another record has goes to the
followers, who are dealt with when everything before them is on record. What must not be made twice is claimed in the
journal before it is sent, and not sent again before somebody has looked (``creations``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.domain.diff import filled
from ml_connector.domain.records import Outcome, Pushed, Result, digest
from ml_connector.errors import AccessError, RecordError, RejectedError, RetryableError, UncertainWriteError
from ml_connector.store.calls import Call, Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Trace
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.recording import Ledger

DELETED = "record.deleted_in_target"
READY = 2  # batches that wait for a lane: more would only be held in memory


@dataclass(frozen=True, slots=True)
class Row:
    """One change and the page it came from; ``last``: what comes of it now is final."""

    change: Change
    covered: CoveredPage
    last: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call carries: creations by their keys, or changes by the target's ids; ``look`` reads those first."""

    rows: tuple[Row, ...]
    creating: bool
    look: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """One answered call, not yet on record; ``batch`` holds the rows whose outcome is final."""

    call_id: str
    batch: Batch
    pushed: Pushed
    missing: tuple[Row, ...] = ()
    unknown: bool = False  # no answer came: the rows may have landed

    @property
    def end(self) -> Ended:
        """What the journal keeps of the answer."""
        if self.unknown:
            return Ended(self.call_id, "unknown")
        return Ended(self.call_id, "done", self.pushed.status, self.pushed.correlation_id)


class Lanes:
    """What the lanes of a run share: the queue of batches, the count of those not finished, and the followers."""

    def __init__(self, flow: RecordFlow, engine: Engine, run_id: str, ledger: Ledger) -> None:
        self.flow = flow
        self.engine = engine
        self.run_id = run_id
        self.ledger = ledger
        self.batches: asyncio.Queue[Batch | None] = asyncio.Queue(maxsize=READY)
        self.in_flight: dict[str, bytes] = {}  # keys on their way, with the digests of what was read
        self.claimed: set[str] = set()  # identities of creations on their way
        self.followers: list[Row] = []
        self.unfinished = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def submit(self, batch: Batch) -> None:
        """Queue a batch; waits while the lanes are busy."""
        self.unfinished += 1
        self.idle.clear()
        await self.batches.put(batch)

    async def close(self) -> None:
        """Wait until every batch has its outcome on record, then let the lanes end."""
        await self.idle.wait()
        for _ in range(self.flow.lanes):
            await self.batches.put(None)

    async def push(self) -> None:
        """One lane: take a batch, store its intent (with the outcome of the one before), call, repeat."""
        finished: Finished | None = None
        while True:
            if finished is not None and self.batches.empty():
                await self.ledger.save(finished, None)
                await self.settle(finished)
                finished = None
            batch = await self.batches.get()
            if batch is None:
                return
            if finished is not None and (batch.look or self.is_fenced(batch)):
                await self.ledger.save(finished, None)  # an answer is on record before anything else may fail
                await self.settle(finished)
                finished = None
            if batch.look:
                batch = await self.looked(batch)
            if not batch.rows:
                self.done()
                continue
            finished = await self.send(batch, finished)

    async def send(self, batch: Batch, before: Finished | None = None) -> Finished | None:
        """Store the intent, with the outcome of the call before, and make the call."""
        if self.is_fenced(batch):
            return await self.send_once(batch)
        call = self.intent(batch)
        await self.ledger.save(before, call)
        if before is not None:
            await self.settle(before)
        return await self.call(call, batch)

    def is_fenced(self, batch: Batch) -> bool:
        """Whether sending the batch twice would make its records twice."""
        return batch.creating and self.flow.sink.settle is not None

    async def send_once(self, batch: Batch) -> Finished | None:
        """Make records unless a call of which nobody knows the outcome may have made them: those wait."""
        while batch.rows:
            call = self.intent(batch)
            taken = await self.ledger.claim(call)
            if not taken:
                return await self.call(call, batch)
            waiting = [row for row in batch.rows if row.change.key in taken]
            await self.ledger.put_off(waiting)
            self.free(waiting)
            batch = replace(batch, rows=tuple(row for row in batch.rows if row.change.key not in taken))
        self.done()
        return None

    def intent(self, batch: Batch) -> Call:
        """The intent row of one call: what is about to be sent, by hash and keys."""
        return Call(
            call_id=self.engine.around.new_id(),
            run_id=self.run_id,
            side=self.flow.sink.side,
            resource=self.flow.sink.resource(creating=batch.creating),
            payload_hash=digest([[row.change.key, row.change.send] for row in batch.rows]),
            keys=[row.change.key for row in batch.rows],
            operation_id=None,
        )

    async def call(self, call: Call, batch: Batch) -> Finished | None:
        """Send one batch. A batch refused as a whole comes back as two halves, a single record as parked."""
        changes = [row.change for row in batch.rows]
        try:
            pushed = await self.flow.sink.push(changes, creating=batch.creating, call_id=call.call_id)
        except RejectedError as error:
            if len(batch.rows) > 1:
                await self.ledger.refused(call.call_id, error)
                await self.split(batch)
                return None
            outcome = Outcome(changes[0].key, Result.PARKED, error=error)
            pushed = Pushed([outcome], error.status, error.correlation_id)
        except UncertainWriteError:
            waiting = Pushed([Outcome(change.key, Result.WAITING) for change in changes], 0, "")
            return Finished(call.call_id, batch, waiting, unknown=True)
        except (AccessError, RetryableError) as error:
            await self.ledger.failed(call.call_id, error, undone=self.is_fenced(batch))
            raise
        return self.sorted(call.call_id, batch, pushed)

    def sorted(self, call_id: str, batch: Batch, pushed: Pushed) -> Finished:
        """The rows whose outcome is final; the others go to the followers, or are looked for."""
        by_key = {outcome.key: outcome for outcome in pushed.outcomes}
        final: list[Row] = []
        missing: list[Row] = []
        for row in batch.rows:
            outcome = by_key[row.change.key]
            if row.last:
                final.append(row)
            elif outcome.occupied:
                self.followers.append(Row(replace(row.change, target_id=outcome.occupied_by), row.covered))
            elif outcome.missing:
                missing.append(row)
            else:
                final.append(row)
        return Finished(call_id, replace(batch, rows=tuple(final)), pushed, tuple(missing))

    async def looked(self, batch: Batch) -> Batch:
        """Read what stands in the target, so that only empty properties are filled and take-overs tell what was."""
        names = sorted({name for row in batch.rows for name in looked_at(row.change)})
        held = await self.flow.sink.look([row.change.target_id for row in batch.rows], names)
        rows = [
            Row(
                filled(row.change, held[row.change.target_id].values)
                if row.change.target_id in held
                else replace(row.change, kind="update"),  # its update will be told that it is not there
                row.covered,
            )
            for row in batch.rows
        ]
        return replace(batch, rows=tuple(rows), look=False)

    async def split(self, batch: Batch) -> None:
        """Push both halves of a refused batch in this lane: the queue may be full, and only lanes empty it."""
        middle = len(batch.rows) // 2
        self.unfinished += 1
        for rows in (batch.rows[:middle], batch.rows[middle:]):
            await self.deliver(replace(batch, rows=rows))

    async def deliver(self, batch: Batch) -> None:
        """Push one more batch at once, in this lane."""
        finished = await self.send(batch)
        if finished is not None:
            await self.ledger.save(finished, None)
            await self.settle(finished)

    async def settle(self, finished: Finished) -> None:
        """The outcome is on record: its keys are free again. Records that were not there are looked for."""
        self.free(finished.batch.rows)
        if finished.missing:
            await self.search(finished.missing)
        self.done()

    def free(self, rows: Sequence[Row]) -> None:
        """These records are no longer on their way."""
        for row in rows:
            self.in_flight.pop(row.change.key, None)
            self.claimed.discard(row.change.record.identity)

    def done(self) -> None:
        """One batch less."""
        self.unfinished -= 1
        if self.unfinished == 0:
            self.idle.set()

    async def search(self, rows: Sequence[Row]) -> None:
        """Find out what became of records that their ids do not find, and act on it."""
        traces = await self.flow.sink.trace(
            {row.change.key: row.change.target_id for row in rows},
            sorted({name for row in rows for name in looked_at(row.change)}),
        )
        moved: dict[str, Row] = {}
        lost: list[Row] = []
        with_own_key = {
            key: trace.now.target_id for key, trace in traces.items() if trace.now and trace.now.key == key
        }
        taken = await self.ledger.owned_by_others(with_own_key)
        for row in rows:
            trace = traces[row.change.key]
            own = trace.now is not None and trace.now.key in ("", row.change.key)
            if trace.now is None:
                lost.append(row)
            elif own and row.change.key not in taken and trace.now.target_id not in moved:
                moved[trace.now.target_id] = Row(_moved(row.change, trace), row.covered, last=True)
            else:
                self.followers.append(Row(replace(row.change, target_id=trace.now.target_id), row.covered))
        await self.give_up(lost)
        if moved:
            self.unfinished += 1
            await self.deliver(Batch(tuple(moved.values()), creating=False))

    async def give_up(self, rows: Sequence[Row]) -> None:
        """These records were deleted in the target: they wait for a person."""
        if rows:
            await self.ledger.lost([(row, _deleted(row.change.key)) for row in rows])
            self.free(rows)


def looked_at(change: Change) -> set[str]:
    """The properties whose present values decide what a change sends, or what the audit says was there."""
    return set(change.if_empty) | (set(change.send) if change.takes_over else set())


def _moved(change: Change, trace: Trace) -> Change:
    """The change of a record that was merged into another: the survivor takes it. A mark stays one."""
    assert trace.now is not None
    there = replace(change, target_id=trace.now.target_id)
    return there if change.kind == "mark" else filled(there, trace.now.values)


def _deleted(key: str) -> RecordError:
    return RecordError(
        f"The record of {key} was deleted in HubSpot. It is not made again by itself.",
        code=DELETED,
        hint="Restore it in HubSpot, or replay this one to have it made again.",
    )
