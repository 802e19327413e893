"""One tenant ready for deals: both twins, a connected home, customers and products loaded. Each row acts in a fork.

A fork leaves the prepared tenant untouched: whatever a row changes in either system or in the store dies with it.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import traceback
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import SecretStr
from tests.simulation.incarnation import EPOCH, MASTER_KEY, Counted, LoopClock
from tests.simulation.inline_work import creator
from tests.simulation.network import SimulatedNetwork
from tests.simulation.virtual_loop import VirtualLoop

from ml_connector.app.connect import connect_dynamics, connect_hubspot
from ml_connector.app.flow_switch import enable
from ml_connector.app.home import init
from ml_connector.app.properties import hubspot_properties
from ml_connector.app.sync import sync
from ml_connector.app.workplace import open_workplace
from ml_connector.domain.clock import Surroundings
from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment, Settings
from ml_connector.store import database
from ml_connector.telemetry import setup_logging
from ml_connector.twin.dynamics import SWITCHES as DYNAMICS_SWITCHES
from ml_connector.twin.dynamics import DynamicsMachine
from ml_connector.twin.dynamics_port import DynamicsPort
from ml_connector.twin.entra import SWITCHES as ENTRA_SWITCHES
from ml_connector.twin.entra import Credentials, Entra
from ml_connector.twin.hubspot import HubSpotMachine
from ml_connector.twin.shell import TwinShell
from ml_connector.twin.wire import Request

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine
    from tests.orders.tenants import Tenant

    from ml_connector.app.workplace import Workplace
    from ml_connector.twin.shell import Delivery

Told = TypeVar("Told")
DYNAMICS_HOST, HUBSPOT_HOST = "127.0.0.1:8365", "127.0.0.1:8366"  # never opened: the network is simulated
TOKEN, PORTAL = "pat-na1-table", 4711
LINE_TO_DEAL, DEAL_TO_COMPANY, DEAL_TO_PRIMARY, DEAL_TO_CONTACT = 20, 341, 5, 3


class ShopLoop(VirtualLoop):
    """Generators that are left half-way are closed when they are collected, in this same thread."""

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, **how: Any) -> Any:  # type: ignore[override]
        return self.call_soon(callback, *args, **how)


class Shop:
    """One prepared tenant, with what people do in its two systems."""

    def __init__(self, tenant: Tenant, home: Path, create_engine: Callable[..., AsyncEngine]) -> None:
        self.tenant, self.home, self.create_engine = tenant, home, create_engine
        self.loop = ShopLoop()
        self.database = home / "shop.db"
        world, rng = tenant.world(), random.Random(5)  # noqa: S311 - reproducible on purpose
        entra = Entra(
            Credentials(tenant="tenant", client_id="client", client_secret="secret"),
            resource=lambda: f"http://{DYNAMICS_HOST}",
            new_id=Counted("e"),
            switches={name: switch.default for name, switch in ENTRA_SWITCHES.items()},
        )
        self.dynamics = DynamicsMachine(
            world,
            verify=entra.verify,
            rng=rng,
            new_id=Counted("d"),
            base_url=lambda: f"http://{DYNAMICS_HOST}",
            switches={name: switch.default for name, switch in DYNAMICS_SWITCHES.items()} | tenant.switches,
            page_size=1000,
            now=EPOCH,
        )
        self.hubspot = HubSpotMachine(
            world,
            rng=rng,
            new_id=Counted("h"),
            switches={"search_lag_s": "0", **tenant.told.get("hubspot", {})},
            limit=(0, 0.0),
            token=TOKEN,
            portal_id=PORTAL,
            now=EPOCH,
        )
        self.shells = {
            host: TwinShell(machine, clock=self.now, rng=rng, new_id=Counted("f"), latency_s=0.0)
            for host, machine in (
                (DYNAMICS_HOST, DynamicsPort(entra, self.dynamics)),
                (HUBSPOT_HOST, self.hubspot),
            )
        }

    def now(self) -> datetime:
        """The time it is in both systems and for the connector."""
        return EPOCH + timedelta(seconds=self.loop.time())

    # --- the connector ---

    def settings(self, **orders: Any) -> Settings:
        """What the tenant's people have set."""
        chosen = {"quiet_minutes": 0, "most_in_an_hour": 1000, **self.tenant.told["settings"], **orders}
        return Settings(
            home=self.home,
            database_url=f"sqlite:///{self.database}",
            master_key=SecretStr(MASTER_KEY),
            allow_local=True,
            orders=chosen,
            products=self.tenant.told.get("product settings", {}),
        )

    @asynccontextmanager
    async def opened(self, **orders: Any) -> AsyncIterator[Workplace]:
        """The connector on the tenant's home."""
        keep: list[asyncio.Task[Delivery]] = []
        async with open_workplace(
            self.settings(**orders),
            self._surroundings(),
            started_by="the table",
            network=SimulatedNetwork(self.shells, _no_seam, keep),
            async_creator=creator(self.database, _no_seam),
        ) as place:
            yield place

    def _surroundings(self) -> Surroundings:
        chance = random.Random(11)  # noqa: S311 - reproducible on purpose
        return Surroundings(
            clock=LoopClock(), rng=chance, new_id=Counted(f"p{os.getpid()}-"), random_bytes=chance.randbytes
        )

    def prepare(self) -> None:
        """Connect both sides, keep the mapping files, load customers and products."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._sql():
            self.loop.run_until_complete(self._prepare())

    @contextmanager
    def _sql(self) -> Iterator[None]:
        """Statements are compiled once for all shops of this program; elsewhere nothing changes."""
        own = database.create_engine  # type: ignore[attr-defined]  # what the store imports it as
        database.create_engine = self.create_engine  # type: ignore[attr-defined]
        try:
            yield
        finally:
            database.create_engine = own  # type: ignore[attr-defined]

    def act(self, work: Callable[[], Coroutine[Any, Any, Told]]) -> Told:
        """What a piece of work tells; this shop is used up by it."""
        with self._sql():
            return self.loop.run_until_complete(work())

    async def _prepare(self) -> None:
        await init(self.settings(), self._surroundings(), async_creator=creator(self.database, _no_seam))
        self.tenant.write_mappings(self.home / "mappings")
        self._set_up()
        for name in self.tenant.told["deal properties"]:
            form = {
                "name": name,
                "label": name,
                "type": "string",
                "fieldType": "text",
                "groupName": "dealinformation",
            }
            self.rep_asks("POST", "/crm/v3/properties/deals", form)
        async with self.opened() as place:
            dynamics = DynamicsEnvironment(
                url=f"http://{DYNAMICS_HOST}",
                tenant="tenant",
                client_id="client",
                client_secret=SecretStr("secret"),
                authority=f"http://{DYNAMICS_HOST}",
                legal_entities=",".join(self.tenant.connected),
            )
            (await connect_dynamics(place, dynamics)).require()
            hubspot = HubSpotEnvironment(url=f"http://{HUBSPOT_HOST}", token=SecretStr(TOKEN))
            (await connect_hubspot(place, hubspot)).require()
            await hubspot_properties(place, create=True)
            await enable(place, [])
            for report in await sync(place, ["customers", "products"]):
                if report.error is not None:
                    raise report.error
        self._merge_companies()

    def _set_up(self) -> None:
        """What the tenant's people keep in Dynamics beside customers and items."""
        for change in self.tenant.filled(self.tenant.told.get("set up", [])):
            for what, fields in change.items():
                self.clerk_does(what, fields)
        for name, one in self.tenant.told["customers"].items():
            if "with" in one:
                self.clerk_does(f"customer {name}", one["with"])

    def _merge_companies(self) -> None:
        """A person merges the companies of a customer with accounts in several legal entities."""
        for name, one in self.tenant.told["customers"].items():
            keys = [f"{entity}:{account}" for entity, account in one.get("also", {}).items()]
            own = self.of_hubspot("companies", "d365_customer_key", self.tenant.key(name))
            for key in keys:
                other = self.of_hubspot("companies", "d365_customer_key", key)
                assert own, name
                assert other, key
                both = {"primaryObjectId": own["id"], "objectIdToMerge": other["id"]}
                merged = self.rep_asks("POST", "/crm/v3/objects/companies/merge", both)["id"]
                accounts = {
                    "d365_customer_key": self.tenant.key(name),
                    "d365_customer_accounts": ";".join(keys),
                }
                self.hubspot.edit("companies", merged, accounts, self.now())

    def in_a_fork(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What a piece of work tells that is done in a child, on a copy of the database.

        Raises:
            RuntimeError: it did not come to its end; the message says why.
        """
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                gc.disable()  # it would copy what parent and child share, and the child is short-lived
                copy = self.home / f"row-{os.getpid()}.db"
                shutil.copy(self.database, copy)
                self.database = copy
                setup_logging("ERROR")
                told = {"done": self.act(work)}
            except BaseException:  # noqa: BLE001 - reported to the parent, whatever it is
                told = {"failed": traceback.format_exc()}
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(orjson.dumps(told))
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = orjson.loads(pipe.read())
        os.waitpid(child, 0)
        for left in self.home.glob(f"row-{child}.db*"):
            left.unlink()
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer["done"]

    # --- what stands in the two systems ---

    def rows(self, of: str) -> list[dict[str, Any]]:
        """Records of a data entity of F&O, or of an object type of HubSpot."""
        machine = self.dynamics if of in self.dynamics.environment.views else self.hubspot
        return machine.records(of, after=None, limit=10_000)[0]

    def of_hubspot(self, of: str, name: str, value: str) -> dict[str, Any] | None:
        """A record of HubSpot by a property."""
        return next((row for row in self.rows(of) if row["properties"].get(name) == value), None)

    # --- a clerk in F&O ---

    def clerk_does(self, what: str, fields: dict[str, Any]) -> None:
        """``customer NAME``, ``item NUMBER``, ``order settings NUMBER``, ``new SET``, ``no SET KEY`` or ``SET KEY``."""
        home, (first, _, rest) = self.tenant.home, what.partition(" ")
        if first == "new":
            self._clerk_adds(rest, fields)
        elif first == "no":
            self.dynamics.remove(*rest.split(" ", 1))
        elif first == "customer":
            self.dynamics.edit("CustomersV3", self.tenant.key(rest), fields, self.now())
        elif first == "item":
            self.dynamics.edit(
                "ReleasedProductsV2", f"{home}:{self.tenant.item_number(rest)}", fields, self.now()
            )
        elif what.startswith("order settings "):
            number = self.tenant.item_number(what.rsplit(" ", 1)[1])
            self.dynamics.edit("ProductDefaultOrderSettings", f"{home}:{number}", fields, self.now())
        else:
            self.dynamics.edit(first, rest, fields, self.now())

    def _clerk_adds(self, of: str, fields: dict[str, Any]) -> None:
        view = self.dynamics.environment.views.get(of)
        if view is None or "dataAreaId" in view.set.properties:
            fields = {"dataAreaId": self.tenant.home, **fields}
        try:
            self.dynamics.add(of, fields)
        except KeyError:
            request = Request(
                "POST", f"/data/{of}", {"content-type": "application/json"}, orjson.dumps(fields)
            )
            answer = self.dynamics.handle(request, self.now())
            assert answer.status < 300, answer.body

    # --- a rep in HubSpot ---

    def rep_asks(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """What a person does in HubSpot, as another program would ask for it."""
        answer = self.hubspot.handle(Request(method, path, body=orjson.dumps(body)), self.now())
        assert answer.status < 300, answer.body
        found: dict[str, Any] = orjson.loads(answer.body) if answer.body else {}
        return found

    def rep_makes(self, of: str, properties: dict[str, Any]) -> str:
        """A new record."""
        texts = {name: str(value) for name, value in properties.items()}
        return str(self.rep_asks("POST", f"/crm/v3/objects/{of}", {"properties": texts})["id"])

    def rep_joins(self, deal: str, to: str, other: str, kind: int) -> None:
        """Associate something with a deal."""
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]
        self.rep_asks("PUT", f"/crm/v4/objects/deals/{deal}/associations/{to}/{other}", types)


async def _no_seam(_name: str) -> None:
    """Nobody dies here."""
