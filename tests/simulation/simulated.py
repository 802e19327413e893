"""A simulated world: both twins on one virtual clock, a prepared connection, and processes that die where told."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from tests.simulation.checkers import Checkers
from tests.simulation.incarnation import EPOCH, Counted, Incarnation, simulated_settings
from tests.simulation.inline_work import creator
from tests.simulation.small_world import small_world

from ml_connector.app.connect import connect_dynamics, connect_hubspot
from ml_connector.app.flow_switch import enable
from ml_connector.app.home import init
from ml_connector.app.properties import hubspot_properties
from ml_connector.app.sync import sync
from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment
from ml_connector.twin.dynamics import SWITCHES as DYNAMICS_SWITCHES
from ml_connector.twin.dynamics import DynamicsMachine
from ml_connector.twin.dynamics_port import DynamicsPort
from ml_connector.twin.entra import SWITCHES as ENTRA_SWITCHES
from ml_connector.twin.entra import Credentials, Entra
from ml_connector.twin.faults import Fault, Kind
from ml_connector.twin.hubspot import HubSpotMachine, rep
from ml_connector.twin.shell import TwinShell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from ml_connector.app.workplace import Workplace

DYNAMICS_HOST, HUBSPOT_HOST = "127.0.0.1:8365", "127.0.0.1:8366"  # never opened: the network is simulated
TOKEN = "pat-na1-simulated"
LATE_S = 300.0  # longer than the client waits, shorter than the settle time


class Simulated:
    """Twins, files and incarnations of one run."""

    def __init__(self, home: Path, *, seed: int, limit: tuple[int, float] = (190, 10.0)) -> None:
        self.home = home
        self.seed = seed
        self.limit = limit
        self.rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.database = home / "world.0.db"
        self.incarnations: list[Incarnation] = []
        self.graves: list[
            asyncio.Task[None]
        ] = []  # the dead stay referenced: their ``finally`` must never run
        world = small_world()
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
            page_size=1000,
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
            portal_id=4711,
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
        """A connected pair, both record flows run once, orders on."""
        self.home.mkdir(parents=True, exist_ok=True)
        process = self.process(crash_at=0)
        settings = simulated_settings(self.home, self.database)
        await init(settings, process.surroundings(), async_creator=creator(self.database, process.seam))
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
            for report in await sync(place, ["customers", "products"]):
                if report.error is not None:
                    raise report.error
        for shell in self.shells.values():
            shell.on_request.append(self.checkers.on_request)
            shell.log.listeners.append(self.checkers.on_write)

    def process(self, *, crash_at: int) -> Incarnation:
        """The next incarnation, on the files the one before it left."""
        if self.incarnations:
            self.database = self.incarnations[-1].next_database()
            self.checkers.database = self.database
        number = len(self.incarnations)
        process = Incarnation(
            number, self.home, self.database, self.shells, seed=self.seed, crash_at=crash_at
        )
        self.incarnations.append(process)
        return process

    async def live(self, act: Callable[[Workplace], Awaitable[None]], *, crash_at: int) -> bool:
        """One process acts until it is done or dies; whether it got to the end."""
        process = self.process(crash_at=crash_at)

        async def life() -> None:
            async with process.workplace() as place:
                await act(place)

        task = asyncio.get_running_loop().create_task(life())
        await asyncio.wait({task, process.dead}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        self.graves.append(task)
        return False

    async def win_deal(self) -> None:
        """The rep links the first deal, quotes it and wins it."""
        deal_id = self.records("hubspot", "deals")[0]["id"]
        rep.link_and_quote(self.hubspot, deal_id, self.now())
        self.hubspot.set_deal_stage(deal_id, "won", self.now())

    def make_newcomer(self, key: str, name: str) -> None:
        """The company of a customer becomes one that neither side knows; finance has a rule for its group."""
        [company] = self.companies(key)
        unknown = {"d365_customer_key": "", "name": name, "phone": "", "zip": "", "domain": "", "website": ""}
        self.hubspot.edit("companies", str(company["id"]), unknown, self.now())
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("DELETE FROM mlc_link WHERE key = ?", (key,))
        mapping = self.home / "mappings" / "orders.yaml"
        ruled = mapping.read_text("utf-8").replace("customer_group: []", 'customer_group: [{value: "10"}]')
        mapping.write_text(ruled, "utf-8")

    def make_late(self, paths: str, times: int | None) -> None:
        """So many POSTs to these paths commit long after the client has given up."""
        for shell in self.shells.values():
            late = Fault(Kind.LATE_COMMIT, method="POST", path=re.compile(paths), seconds=LATE_S, times=times)
            shell.faults.add(late)

    def records(self, side: str, of: str) -> list[dict[str, Any]]:
        """Ground truth."""
        machine = self.dynamics if side == "dynamics" else self.hubspot
        return machine.records(of, after=None, limit=1000)[0]

    def companies(self, key: str) -> list[dict[str, Any]]:
        """Live companies with this key."""
        found = self.records("hubspot", "companies")
        return [company for company in found if company["properties"].get("d365_customer_key") == key]

    def writes(self) -> int:
        """Writes both twins have stored so far."""
        return sum(row.committed for shell in self.shells.values() for row in shell.log.rows)
