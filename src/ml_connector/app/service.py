"""The service: it files what is due, hands it to the queues, does slices, and takes over from processes that died."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from ml_connector.app.event_rules import event_settings
from ml_connector.app.flow_switch import FLOW_NAMES
from ml_connector.app.scheduling import DEFAULT_RULES
from ml_connector.app.slices import ORDERS, run_slice
from ml_connector.app.workplace import Workplace, open_store
from ml_connector.engine import inbox
from ml_connector.engine.context import Engine
from ml_connector.engine.dispatch import Rank, file_due, file_hints
from ml_connector.engine.durable import Durable, Ticket
from ml_connector.errors import ConnectorError, UnavailableError
from ml_connector.store import connections, requests, workers
from ml_connector.store.budget import SharedBudget
from ml_connector.store.workers import WorkerRow, living
from ml_connector.transport.shared import SharedLedger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ml_connector.domain.clock import Surroundings
    from ml_connector.settings import Settings
    from ml_connector.store.connections import Connection
    from ml_connector.store.database import Store
    from ml_connector.store.requests import Request
    from ml_connector.store.vault import Vault

_log = structlog.get_logger(__name__)

TICK_S = 1.0
OTHERS_S = 2.0  # how soon the work of a dead process is taken over
SWEEP_S = 30.0
SEEN_S = 5.0
PRUNE_S = 3_600.0
MANY = 500
KEPT = timedelta(days=14)
SLICE_S = {"records": 60.0, "orders": 20.0}  # then others of the connection have their turn
HEAD_START_S = {Rank.PERSON: 120, Rank.EVENT: 60, Rank.POLL: 0}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SAME_TIME_S = 2.0
LAST_RANK = 2**31 - 1
ATTEMPTS = 5  # of one slice: a slice that kills its process this often is given up
DRAIN_S = 25.0


@dataclass(slots=True)
class Service:
    """One process that serves. Made by ``serving``."""

    settings: Settings
    store: Store
    vault: Vault
    around: Surroundings
    me: WorkerRow
    life: workers.Life
    schedules: bool = True  # whether it polls and works, or only takes events in
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    lost: UnavailableError | None = None  # why it ends by itself
    last_tick_at: datetime | None = None  # what /readyz looks at
    _durable: Durable | None = None
    _places: dict[tuple[int, str], Workplace] = field(default_factory=dict)
    _budgets: dict[int, SharedLedger] = field(default_factory=dict)
    _connections: list[Connection] = field(default_factory=list)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _handed: set[str] = field(default_factory=set)
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    # Working ---

    async def work(self, ticket: Ticket) -> None:
        """Do one slice; one that comes again after a crash goes on from what is stored."""
        task = asyncio.current_task()
        if task is not None:
            self._under_way.add(task)
        try:
            if self.draining.is_set():
                await self._hand_back(ticket)
                return
            place = await self._place(ticket)
            if place is not None:
                with structlog.contextvars.bound_contextvars(slice=ticket.id):
                    await run_slice(place, ticket.request_id, ticket.slice, self.me.worker_id)
        finally:
            if task is not None:
                self._under_way.discard(task)

    async def _hand_back(self, ticket: Ticket) -> None:
        """A process that is about to end begins nothing: the slice is handed over once more."""
        async with self.store.write() as tx:
            request = await requests.get(tx, ticket.connection_id, ticket.request_id)
            if request is not None and _is(request, ticket):
                await requests.hand_over_again(tx, ticket.connection_id, request)

    async def _place(self, ticket: Ticket) -> Workplace | None:
        """Where the slices of a connection are done: one place for records, one for orders, as they have queues."""
        async with self.store.read() as tx:
            request = await requests.get(tx, ticket.connection_id, ticket.request_id)
            known = {one.connection_id: one for one in await connections.all(tx)}
        if request is None or ticket.connection_id not in known:
            return None
        queue = queue_of(request)
        key = (ticket.connection_id, queue)
        if key not in self._places:
            cid = ticket.connection_id
            place = Workplace(
                settings=self.settings,
                store=self.store,
                vault=self.vault,
                around=self.around,
                connection=known[cid],
                started_by=request.asked_by,
                budget=self._budget(cid),
            )
            self._opened.push_async_callback(place.close)
            self._places[key] = place
        place = self._places[key]
        until = self.around.clock.elapsed_s() + SLICE_S[queue]
        place.is_over = lambda: self.draining.is_set() or self.around.clock.elapsed_s() >= until
        return place

    def _budget(self, connection_id: int) -> SharedLedger:
        """The calls of a connection, shared by its two places here and with all other processes."""
        if connection_id not in self._budgets:
            shared = SharedBudget(self.store, connection_id)
            self._budgets[connection_id] = SharedLedger(self.around, shared)
        return self._budgets[connection_id]

    # Filing and handing over ---

    async def run(self) -> None:
        """Tick until the service is told to drain; a tick that fails is told, and the next one tries again."""
        times = _Times()
        while not self.draining.is_set():
            try:
                await self._tick(times)
            except ConnectorError as error:
                _log.warning("tick_failed", reason=error.message, code=error.code)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.draining.wait(), TICK_S)

    async def _tick(self, times: _Times) -> None:
        now = self.around.clock.elapsed_s()
        if times.is_due("seen", now, SEEN_S):
            await self._be_seen()
        if times.is_due("sweep", now, SWEEP_S):
            await self.sweep()
        if times.is_due("prune", now, PRUNE_S):
            await self._prune()
        if times.is_due("others", now, OTHERS_S):
            await self._take_over()
        for connection in self._connections:
            engine = self._engine(connection)
            await file_due(engine, DEFAULT_RULES)
            await file_hints(engine, DEFAULT_RULES)
        await self._hand_over()
        self.last_tick_at = self.around.clock.now()

    def _engine(self, connection: Connection) -> Engine:
        return Engine(self.store, self.vault, connection.connection_id, self.around, "schedule")

    async def _hand_over(self) -> None:
        """Queue the requests that are due and that nobody works on."""
        async with self.store.read() as tx:
            found = await requests.due(tx, self.around.clock.now(), MANY)
        open_ones = set()
        for cid, request in found:
            ticket = ticket_of(cid, request)
            open_ones.add(ticket.id)
            if request.state == "waiting" and ticket.id not in self._handed:
                await self.durable.hand_over(queue_of(request), ticket, rank=rank_of(request))
                self._handed.add(ticket.id)
        self._handed &= open_ones

    async def sweep(self) -> None:
        """Whatever our tables say is due and the queues know nothing of is handed over anew.

        So it is after the engine's tables were lost, and after a slice ended in a way that nobody foresaw.
        """
        async with self.store.read() as tx:
            self._connections = await connections.all(tx)
            found = await requests.due(tx, self.around.clock.now(), MANY)
        for cid, request in found:
            ticket = ticket_of(cid, request)
            known = ticket.id in self._handed or request.state == "running"
            if not known or await self.durable.knows(ticket):
                continue
            await self._again(ticket)

    async def _again(self, ticket: Ticket) -> None:
        """Hand a slice over once more, unless it has been tried too often: then a person looks."""
        cid = ticket.connection_id
        async with self.store.write() as tx:
            request = await requests.get(tx, cid, ticket.request_id)
            if request is None or not _is(request, ticket):
                return
            if request.attempt < ATTEMPTS:
                await requests.hand_over_again(tx, cid, request)
                return
            said = f"This work was begun {ATTEMPTS} times and never came to an end. The log says why."
            await requests.end(tx, cid, request.request_id, "failed", request.figures, said, "serve.given_up")

    # Living and dying ---

    async def _be_seen(self) -> None:
        if not await self.life.still_held():
            # to the others this process is dead: they take over what it does
            self.lost = UnavailableError(
                "The database has ended the session by which others see that this process lives.",
                code="serve.lock_lost",
                hint="Start it again; what it had begun goes on.",
            )
            self.draining.set()
            return
        async with self.store.write() as tx:
            await workers.seen(tx, self.me.worker_id)

    async def _take_over(self) -> None:
        """The work of processes that are gone is handed over anew."""
        dead: list[WorkerRow] = []
        async with self.store.read() as tx:
            others = [row for row in await workers.all(tx) if row.worker_id != self.me.worker_id]
        for row in others:
            async with self.store.read() as tx:
                if tx.dialect == "sqlite" or not await workers.lives(tx, row):
                    dead.append(row)
        for row in dead:
            released = await self.durable.release(row.worker_id)
            for ticket in released:
                await self._again(ticket)
            async with self.store.write() as tx:
                await workers.leave(tx, row.worker_id)
            _log.warning("worker_gone", worker=row.name, slices=len(released))

    async def _prune(self) -> None:
        """Forget requests and workflows that ended long ago."""
        before = self.around.clock.now() - KEPT
        kept = timedelta(days=event_settings(self.settings).keep_days)
        for connection in self._connections:
            await inbox.prune(self._engine(connection), kept)
        async with self.store.write() as tx:
            await requests.prune(tx, before)
        await self.durable.prune(self.around.clock.now() - timedelta(hours=1))

    async def drain(self) -> None:
        """Begin nothing more and let slices under way end where they can go on."""
        self.draining.set()
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=DRAIN_S)

    async def close(self) -> None:
        """Close the connections to both sides."""
        await self._opened.aclose()

    @property
    def durable(self) -> Durable:
        """The queues, once they are launched."""
        assert self._durable is not None
        return self._durable


@dataclass(slots=True)
class _Times:
    """When each part of a tick was last done."""

    last: dict[str, float] = field(default_factory=dict)

    def is_due(self, name: str, now: float, every_s: float) -> bool:
        if name in self.last and now - self.last[name] < every_s:
            return False
        self.last[name] = now
        return True


def queue_of(request: Request) -> str:
    """Orders do not wait behind a crawl: they have a queue of their own."""
    return "orders" if request.flow == ORDERS else "records"


def rank_of(request: Request) -> int:
    """Its place in the queue: since when it is due, people and events so much earlier than polls.

    What has waited for longer than that comes before them, so nobody starves. Of what is due at the same time, flows
    go in their own order: companies before their contacts.
    """
    since = (request.due_at - EPOCH).total_seconds() - HEAD_START_S[Rank(request.priority)]
    place = int(since / SAME_TIME_S) * len(FLOW_NAMES) + FLOW_NAMES.index(request.flow)
    return min(max(1, place), LAST_RANK)


def ticket_of(connection_id: int, request: Request) -> Ticket:
    """The ticket of the slice and attempt that are due."""
    return Ticket(connection_id, request.request_id, request.slice, request.attempt)


def _is(request: Request, ticket: Ticket) -> bool:
    """Whether the request stands where the ticket says."""
    due = request.ended_at is None and request.slice == ticket.slice
    return due and request.attempt == ticket.attempt


def engine_url(settings: Settings) -> str:
    """Where the engine keeps its own tables: a file of its own on SQLite, a schema of its own on PostgreSQL."""
    if not settings.database.startswith("sqlite"):
        return settings.database
    path = settings.database.removeprefix("sqlite:///")
    return f"sqlite:///{path.removesuffix('.db')}-engine.db"


@asynccontextmanager
async def serving(
    settings: Settings, around: Surroundings, *, schedules: bool = True
) -> AsyncIterator[Service]:
    """A service that has begun to take work; at the end it drains, and says that it is gone.

    Without ``schedules`` it takes no work: it is there for what others ask over HTTP.

    Raises:
        ConfigurationError: another process serves this SQLite database, or there is no such database.
    """
    number = around.rng.getrandbits(31)
    name = f"{socket.gethostname()}, process {os.getpid()}"
    async with (
        open_store(settings, around) as (store, vault),
        living(settings.database, number, name) as life,
    ):
        now = around.clock.now()
        me = WorkerRow(around.new_id(), number, name, now, now)
        service = Service(settings, store, vault, around, me, life, schedules)
        async with AsyncExitStack() as opened:
            if schedules:
                await opened.enter_async_context(_working(service))
            try:
                yield service
            finally:
                await service.drain()


@asynccontextmanager
async def _working(service: Service) -> AsyncIterator[None]:
    """Others see that it takes work; the queues are open and the schedules looked at."""
    async with service.store.write() as tx:
        await workers.enter(tx, service.me)
    service._durable = Durable(engine_url(service.settings), service.me.worker_id, service.work)  # noqa: SLF001 - its own module
    await service.durable.launch()
    ticking = asyncio.create_task(service.run())
    try:
        yield
    finally:  # it has drained by now: begun nothing more, and waited for what was under way
        await ticking
        await service.durable.close()
        await service.close()
        async with service.store.write() as tx:
            await workers.leave(tx, service.me.worker_id)
