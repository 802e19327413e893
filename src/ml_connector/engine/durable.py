"""DBOS decides where a slice runs and that a crash does not lose it; what is to be done stands in our tables.

The only module that imports dbos. Measured of its 3.4, and obeyed here: a workflow has one step, which may run more
than once; an open-source worker never recovers a dead peer, so ``release`` takes its work back by the public calls; a
partitioned queue without a partition sticks silently, so all that is queued goes through ``hand_over``; an id that
ended never runs again, so each attempt has one of its own; nothing is pruned by itself; inputs are kept in clear, so
only ids are passed.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

QUEUES = ("records", "orders")
PROTOCOL = (
    "1"  # of what is passed between versions of this program: theirs, not the program's, decides who may work
)
OPEN = ("ENQUEUED", "PENDING", "DELAYED")
AT_ONCE = 8  # slices of a queue in one process
POLL_S = 1.0
MANY = 1_000


class Ticket(NamedTuple):
    """One attempt at one slice of one request."""

    connection_id: int
    request_id: str
    slice: int
    attempt: int

    @property
    def id(self) -> str:
        """The workflow's id: the same ticket is never queued twice."""
        return ".".join(str(part) for part in self)

    @classmethod
    def of(cls, workflow_id: str) -> Ticket | None:
        """The ticket of a workflow; None when the id is no ticket of ours."""
        parts = workflow_id.split(".")
        try:
            return cls(int(parts[0]), parts[1], int(parts[2]), int(parts[3]))
        except (IndexError, ValueError):
            return None


class Durable:
    """The queues of this process, from ``launch`` to ``close``. One a process: so it is with DBOS."""

    def __init__(self, url: str, worker_id: str, work: Callable[[Ticket], Awaitable[None]]) -> None:
        """``url``: the engine's own database; ``work`` does one slice, and may be called again for the same one."""
        self._work = work
        config: dict[str, Any] = {
            "name": "ml-connector",
            "system_database_url": url,
            "executor_id": worker_id,
            "application_version": PROTOCOL,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        DBOS(config=config)  # type: ignore[arg-type]  # a TypedDict of many names
        _own_logging()

        @DBOS.workflow(name="slice")
        async def run_slice(ticket: str) -> None:
            await DBOS.run_step_async({"name": "slice"}, self._step, ticket)

        self._workflow = run_slice

    async def _step(self, ticket: str) -> None:
        found = Ticket.of(ticket)
        if found is None:
            raise ConnectorError(f"'{ticket}' names no slice of a request.", code="serve.ticket")
        await self._work(found)

    async def launch(self) -> None:
        """Begin to take work."""
        DBOS.launch()  # within the running loop: slices then run on it
        for name in QUEUES:
            await DBOS.register_queue_async(
                name,
                partition_concurrency=1,
                worker_concurrency=AT_ONCE,
                polling_interval_sec=POLL_S,
                on_conflict="always_update",
            )

    async def hand_over(self, queue: str, ticket: Ticket, *, rank: int) -> None:
        """Queue a slice, those of a lower rank first; one that is queued, under way or done stays as it is."""
        options = SetEnqueueOptions(queue_partition_key=str(ticket.connection_id), priority=rank)
        with SetWorkflowID(ticket.id), options:
            await DBOS.enqueue_workflow_async(queue, self._workflow, ticket.id)

    async def knows(self, ticket: Ticket) -> bool:
        """Whether the slice is queued or under way."""
        status = await DBOS.get_workflow_status_async(ticket.id)
        return status is not None and status.status in OPEN

    async def release(self, worker_id: str) -> list[Ticket]:
        """Take back what a dead process had begun, which frees its place in the queue: tickets to hand over anew."""
        found = await DBOS.list_workflows_async(
            status="PENDING", executor_id=worker_id, load_input=False, load_output=False
        )
        ids = [workflow.workflow_id for workflow in found]
        if ids:
            await DBOS.cancel_workflows_async(ids)
        return [ticket for ticket in map(Ticket.of, ids) if ticket is not None]

    async def prune(self, before: datetime) -> int:
        """Forget workflows that ended before a moment; how many those were."""
        ended = await DBOS.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            end_time=(before - timedelta(seconds=1)).isoformat(),
            limit=MANY,
            load_input=False,
            load_output=False,
        )
        ids = [workflow.workflow_id for workflow in ended]
        if ids:
            await DBOS.delete_workflows_async(ids)
        return len(ids)

    async def close(self) -> None:
        """Take no more work; what is still under way is given up, and the next process goes on with it."""
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=0)


def _own_logging() -> None:
    """Its lines through our log, where secrets are masked."""
    log = logging.getLogger("dbos")
    log.handlers.clear()
    log.propagate = True
