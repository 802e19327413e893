"""A simulated world: both twins on one virtual clock, a prepared connection, and processes that die where told."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import SecretStr
from tests.simulation.checkers import PORTAL, Checkers
from tests.simulation.incarnation import EPOCH, Counted, Incarnation, simulated_settings
from tests.simulation.inline_work import creator

from ml_connector.app.connect import connect_dynamics, connect_hubspot
from ml_connector.app.flow_switch import enable
from ml_connector.app.home import init
from ml_connector.app.properties import hubspot_properties
from ml_connector.app.sync import sync
from ml_connector.errors import ConnectorError
from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment
from ml_connector.twin.dynamics import SWITCHES as DYNAMICS_SWITCHES
from ml_connector.twin.dynamics import DynamicsMachine
from ml_connector.twin.dynamics_port import DynamicsPort
from ml_connector.twin.entra import SWITCHES as ENTRA_SWITCHES
from ml_connector.twin.entra import Credentials, Entra
from ml_connector.twin.faults import Fault, Kind
from ml_connector.twin.hubspot import HubSpotMachine, rep
from ml_connector.twin.shell import TwinShell
from ml_connector.twin.wire import Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from tests.simulation.stories.story import Beginning

    from ml_connector.app.workplace import Workplace

DYNAMICS_HOST, HUBSPOT_HOST = "127.0.0.1:8365", "127.0.0.1:8366"  # never opened: the network is simulated
TOKEN = "pat-na1-simulated"
CUSTOMER_GROUP = (
    "  customer_group: []",
    "  customer_group:\n    - {when: {customer.AddressCountryRegionId: USA}, value: '10'}",
)
LATE_S = 300.0  # longer than the client waits, shorter than the settle time


class Simulated:
    """Twins, files and incarnations of one run."""

    def __init__(
        self, home: Path, beginning: Beginning, *, seed: int, limit: tuple[int, float] = (190, 10.0)
    ) -> None:
        self.home = home
        self.beginning = beginning
        self.seed = seed
        self.limit = limit
        self.rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.database = home / "world.0.db"
        self.incarnations: list[Incarnation] = []
        self.writes_before = 0  # what the twins had stored when the first process that may die began
        self.graves: list[
            asyncio.Task[None]
        ] = []  # the dead stay referenced: their ``finally`` must never run
        world = beginning.world
        credentials = Credentials(tenant="tenant", client_id="client", client_secret="secret")
        entra = Entra(
            credentials,
            resource=lambda: f"http://{DYNAMICS_HOST}",
            new_id=Counted("e"),
            switches={name: switch.default for name, switch in ENTRA_SWITCHES.items()},
        )
        machine = DynamicsMachine(
            world,
            verify=entra.verify,
            rng=self.rng,
            new_id=Counted("d"),
            base_url=lambda: f"http://{DYNAMICS_HOST}",
            switches={name: switch.default for name, switch in DYNAMICS_SWITCHES.items()},
            page_size=beginning.page_size,
            now=EPOCH,
        )
        self.dynamics = DynamicsPort(entra, machine)
        self.hubspot = HubSpotMachine(
            world,
            rng=self.rng,
            new_id=Counted("h"),
            switches={},
            limit=self.limit,
            token=TOKEN,
            portal_id=PORTAL,
            now=EPOCH,
        )
        self.shells = {
            DYNAMICS_HOST: self._shell(self.dynamics, 0.15),
            HUBSPOT_HOST: self._shell(self.hubspot, 0.08),
        }
        self.checkers = Checkers(self.dynamics, self.hubspot, self.database)

    def _shell(self, machine: Any, latency_s: float) -> TwinShell:
        return TwinShell(machine, clock=self.now, rng=self.rng, new_id=Counted("f"), latency_s=latency_s)

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    async def prepare(self) -> None:
        """A connected pair, every flow on that needs no confirmation, and those of the beginning loaded."""
        self.home.mkdir(parents=True, exist_ok=True)
        process = self.process(crash_at=0)
        settings = simulated_settings(self.home, self.database)
        await init(settings, process.surroundings(), async_creator=creator(self.database, process.seam))
        orders = settings.mappings / "orders.yaml"
        orders.write_text(orders.read_text(encoding="utf-8").replace(*CUSTOMER_GROUP), encoding="utf-8")
        async with process.workplace() as place:
            dynamics = DynamicsEnvironment(
                url=f"http://{DYNAMICS_HOST}",
                tenant="tenant",
                client_id="client",
                client_secret=SecretStr("secret"),
                authority=f"http://{DYNAMICS_HOST}",
            )
            (await connect_dynamics(place, dynamics)).require()
            hubspot = HubSpotEnvironment(url=f"http://{HUBSPOT_HOST}", token=SecretStr(TOKEN))
            (await connect_hubspot(place, hubspot)).require()
            await hubspot_properties(place, create=True)
            await enable(place, [])
            for report in await sync(place, self.beginning.loaded):
                if report.error is not None:
                    raise report.error
        for shell in self.shells.values():
            shell.on_request.append(self.checkers.on_request)
            shell.log.listeners.append(self.checkers.on_write)
        if self.beginning.already is not None:
            await self.beginning.already(self)

    def process(self, *, crash_at: int, asleep_s: float = 0.0) -> Incarnation:
        """The next incarnation, on the files the one before it left."""
        if self.incarnations:
            self.database = self.incarnations[-1].next_database()
            self.checkers.database = self.database
        number = len(self.incarnations)
        process = Incarnation(
            number,
            self.home,
            self.database,
            self.shells,
            seed=self.seed,
            crash_at=crash_at,
            asleep_s=asleep_s,
        )
        self.incarnations.append(process)
        return process

    async def live(self, act: Callable[[Workplace], Awaitable[None]], *, crash_at: int) -> bool:
        """One process acts until it is done or dies; whether it got to the end."""
        process = self.process(crash_at=crash_at)
        task = asyncio.get_running_loop().create_task(_life(process, act))
        await asyncio.wait({task, process.dead}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        self.graves.append(task)
        return False

    async def live_beside(
        self, act: Callable[[Workplace], Awaitable[None]], *, asleep_at: int, asleep_s: float
    ) -> None:
        """One process falls asleep at a seam; another does its work on the same database; then the first wakes."""
        sleeper = self.process(crash_at=asleep_at, asleep_s=asleep_s)
        task = asyncio.get_running_loop().create_task(_life(sleeper, act))
        await asyncio.wait({task, sleeper.asleep}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            other = Incarnation(
                sleeper.number + 1, self.home, self.database, self.shells, seed=self.seed, crash_at=0
            )
            self.incarnations.append(other)
            await _life(other, act)
        with suppress(ConnectorError):  # a command that slept for so long may end with what it met
            await task

    def deal_ids(self) -> list[str]:
        """The live deals, oldest first."""
        return [record["id"] for record in self.records("hubspot", "deals")]

    def win_deals(self) -> None:
        """The rep wins every deal."""
        for deal_id in self.deal_ids():
            self.win_deal(deal_id)

    def win_deal(self, deal_id: str) -> None:
        """The rep links a deal, quotes it, as far as not done yet, and wins it."""
        rep.link_and_quote(self.hubspot, deal_id, self.now())
        self.hubspot.set_deal_stage(deal_id, "won", self.now())

    def rep_asks(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A person does something in HubSpot: no call of ours, so nothing about it stands in the journal."""
        request = Request(method, path, body=orjson.dumps(body))
        answer = self.hubspot.handle(request, self.now())
        found: dict[str, Any] = orjson.loads(answer.body)
        assert answer.status < 300, found
        return found

    def lose_answers(self, answers: str, paths: str, times: int | None) -> None:
        """So many POSTs, and PATCHes, to these paths commit long after the client has given up, or at once, unseen."""
        kind = {"late": Kind.LATE_COMMIT, "reset": Kind.RESET_AFTER_COMMIT}[answers]
        for shell in self.shells.values():
            for method in ("POST", "PATCH"):
                lost = Fault(kind, method=method, path=re.compile(paths), seconds=LATE_S, times=times)
                shell.faults.add(lost)

    def records(self, side: str, of: str) -> list[dict[str, Any]]:
        """Ground truth."""
        machine = self.dynamics if side == "dynamics" else self.hubspot
        return machine.records(of, after=None, limit=1000)[0]

    def by_key(self, of: str, key_property: str) -> dict[str, dict[str, Any]]:
        """HubSpot's live records of a type by what a key property says; those without one are left out."""
        found = {record["properties"].get(key_property): record for record in self.records("hubspot", of)}
        return {key: record for key, record in found.items() if key}

    def companies(self) -> dict[str, dict[str, Any]]:
        """Live companies by customer key."""
        return self.by_key("companies", "d365_customer_key")

    def contacts(self) -> dict[str, dict[str, Any]]:
        """Live contacts by contact key."""
        return self.by_key("contacts", "d365_contact_key")

    def rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """What the database of the last process holds."""
        return self.checkers.rows(statement, *values)

    def writes(self) -> int:
        """Writes both twins have stored so far."""
        return sum(row.committed for shell in self.shells.values() for row in shell.log.rows)


async def _life(process: Incarnation, act: Callable[[Workplace], Awaitable[None]]) -> None:
    async with process.workplace() as place:
        await act(place)
