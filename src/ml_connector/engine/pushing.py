"""The lanes that push batches: intent before, outcome after, bisection when a whole batch is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.records import Outcome, Pushed, Result, digest
from ml_connector.errors import AccessError, RejectedError, RetryableError
from ml_connector.store.calls import Call, Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.recording import Ledger


@dataclass(frozen=True, slots=True)
class Row:
    """One change and the page it came from."""

    change: Change
    covered: CoveredPage


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call carries."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """One answered call, not yet on record."""

    call_id: str
    batch: Batch
    pushed: Pushed

    @property
    def end(self) -> Ended:
        """What the journal keeps of the answer."""
        return Ended(self.call_id, "done", self.pushed.status, self.pushed.correlation_id)


class Lanes:
    """What the lanes of a run share: the queue of batches and the count of those not finished."""

    def __init__(
        self,
        flow: RecordFlow,
        engine: Engine,
        run_id: str,
        ledger: Ledger,
        batches: asyncio.Queue[Batch | None],
    ) -> None:
        self.flow = flow
        self.engine = engine
        self.run_id = run_id
        self.ledger = ledger
        self.batches = batches
        self.in_flight: dict[str, bytes] = {}
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
                self.settle(finished)
                finished = None
            batch = await self.batches.get()
            if batch is None:
                return
            call = self.intent(batch)
            await self.ledger.save(finished, call)
            self.settle(finished)
            finished = await self.call(call, batch)

    def intent(self, batch: Batch) -> Call:
        """The intent row of one call: what is about to be sent, by hash and keys."""
        return Call(
            call_id=self.engine.around.new_id(),
            run_id=self.run_id,
            side=self.flow.sink.side,
            resource=self.flow.sink.resource,
            payload_hash=digest([[row.change.key, row.change.send] for row in batch.rows]),
            keys=[row.change.key for row in batch.rows],
            operation_id=None,
        )

    async def call(self, call: Call, batch: Batch) -> Finished | None:
        """Send one batch. A batch refused as a whole comes back as two halves, a single record as parked."""
        changes = [row.change for row in batch.rows]
        try:
            pushed = await self.flow.sink.push(changes, call_id=call.call_id)
        except RejectedError as error:
            if len(batch.rows) > 1:
                await self.ledger.refused(call.call_id, error)
                await self.split(batch)
                return None
            outcome = Outcome(changes[0].key, Result.PARKED, error=error)
            pushed = Pushed([outcome], error.status, error.correlation_id)
        except (AccessError, RetryableError) as error:
            await self.ledger.failed(call.call_id, error)
            raise
        return Finished(call.call_id, batch, pushed)

    async def split(self, batch: Batch) -> None:
        """Push both halves of a refused batch in this lane: the queue may be full, and only lanes empty it."""
        middle = len(batch.rows) // 2
        halves: Sequence[Batch] = (Batch(batch.rows[:middle]), Batch(batch.rows[middle:]))
        self.unfinished += 1
        for half in halves:
            await self.deliver(half)

    async def deliver(self, batch: Batch) -> None:
        """Push one half at once, in this lane."""
        call = self.intent(batch)
        await self.ledger.save(None, call)
        finished = await self.call(call, batch)
        if finished is not None:
            await self.ledger.save(finished, None)
            self.settle(finished)

    def settle(self, finished: Finished | None) -> None:
        """The outcome is on record: its keys are free again."""
        if finished is None:
            return
        for row in finished.batch.rows:
            self.in_flight.pop(row.change.key, None)
        self.unfinished -= 1
        if self.unfinished == 0:
            self.idle.set()
