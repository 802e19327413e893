"""A pair of twins over real sockets, and the production clients connected to them."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector.domain.clock import Surroundings
from ml_connector.systems.dynamics import capabilities as dynamics_ping
from ml_connector.systems.dynamics.client import DynamicsClient
from ml_connector.systems.dynamics.faults import JUDGE as DYNAMICS_JUDGE
from ml_connector.systems.dynamics.settings import DynamicsSettings
from ml_connector.systems.dynamics.wall import DYNAMICS_WALL
from ml_connector.systems.hubspot import capabilities as hubspot_ping
from ml_connector.systems.hubspot.client import HubSpotClient
from ml_connector.systems.hubspot.faults import JUDGE as HUBSPOT_JUDGE
from ml_connector.systems.hubspot.faults import buckets
from ml_connector.systems.hubspot.settings import HubSpotSettings
from ml_connector.systems.hubspot.wall import HUBSPOT_WALL
from ml_connector.transport.auth import EntraToken, StaticToken
from ml_connector.transport.budget import MemoryLedger
from ml_connector.transport.http import Transport
from ml_connector.transport.retry import RetryPolicy
from ml_connector.twin.launch import TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ml_connector.domain.ping import PingReport


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - real sockets run in real time

    def elapsed_s(self) -> float:
        return monotonic()


def surroundings() -> Surroundings:
    chance = random.Random(5)  # noqa: S311 - repeatable on purpose
    numbers = count(1)
    return Surroundings(SystemClock(), chance, lambda: f"id-{next(numbers)}", chance.randbytes)


@dataclass
class Twins:
    """The announced access to both twins, and what a test may do to them."""

    access: dict[str, Any]
    around: Surroundings = field(default_factory=surroundings)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def dynamics(self, **changed: Any) -> DynamicsClient:
        """The Dynamics client; keywords replace parts of the announced access."""
        access = self.access | changed
        settings = DynamicsSettings(
            url=access["dynamics_url"],
            authority=access["authority"],
            tenant=access["tenant"],
            client_id=access["client_id"],
            legal_entities=tuple(changed.get("legal_entities", ())),
            allow_local=True,
        )
        token = EntraToken(
            settings.authority, settings.tenant, settings.client_id, access["client_secret"], settings.url
        )
        options = {"wall": DYNAMICS_WALL, "credentials": token, "judge": DYNAMICS_JUDGE}
        return DynamicsClient(self._transport("dynamics", settings.url, options), settings)

    def hubspot(self, **changed: Any) -> HubSpotClient:
        """The HubSpot client; keywords replace parts of the announced access."""
        access = self.access | changed
        settings = HubSpotSettings(
            url=access["hubspot_url"], api_version=changed.get("api_version", "2026-03"), allow_local=True
        )
        token = StaticToken(access["hubspot_token"])
        options = {"wall": HUBSPOT_WALL, "credentials": token, "judge": HUBSPOT_JUDGE, "buckets": buckets}
        return HubSpotClient(self._transport("hubspot", settings.url, options), settings)

    async def ping(self, side: str, **changed: Any) -> PingReport:
        """The ping of one side."""
        expected = changed.pop("expected_portal", None)
        if side == "dynamics":
            dynamics = self.dynamics(**changed)
            return await dynamics_ping.ping(dynamics, dynamics.settings)
        hubspot = self.hubspot(**changed)
        return await hubspot_ping.ping(hubspot, hubspot.settings, expected)

    async def read(self, side: str, client: Any) -> Any:
        """One plain read of a side."""
        if side == "dynamics":
            return await client.page("LegalEntities", select=("LegalEntityId",))
        return await client.list("deals", properties=("dealname",))

    def client(self, side: str, **changed: Any) -> Any:
        """The client of a side."""
        return self.dynamics(**changed) if side == "dynamics" else self.hubspot(**changed)

    async def control(self, side: str, method: str, path: str, body: Any = None) -> Any:
        """A control call on the port of one side."""
        async with httpx2.AsyncClient() as client:
            reply = await client.request(method, f"{self.access[f'{side}_url']}/__twin__/{path}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    async def fault(self, side: str, **order: Any) -> None:
        """Order a fault."""
        await self.control(side, "POST", "faults", order)

    async def writes(self) -> list[dict[str, Any]]:
        """Everything that was sent to change something, on both sides."""
        found: list[dict[str, Any]] = await self.control("hubspot", "GET", "writes")
        return found

    def _transport(self, side: str, url: str, options: dict[str, Any]) -> Transport:
        transport = Transport(
            side=side,
            base_url=url,
            budget=MemoryLedger(self.around),
            around=self.around,
            retries=RetryPolicy(attempts=4, first_s=0.01, cap_s=0.05),
            **options,
        )
        self.stack.push_async_callback(transport.close)
        return transport


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    """Starts a small pair of twins; keywords are twin options."""
    async with AsyncExitStack() as stack:

        async def run(**options: Any) -> Twins:
            chosen = {"customers": 30, "products": 24, "deals": 12, "rep": False, **options}
            numbers = count(1)
            running = await stack.enter_async_context(
                running_twins(
                    TwinOptions(**chosen),
                    clock=SystemClock().now,
                    rng=random.Random(3),  # noqa: S311 - repeatable on purpose
                    new_id=lambda: f"twin-{next(numbers)}",
                )
            )
            twins = Twins(running.announcement())
            stack.push_async_callback(twins.stack.aclose)
            return twins

        yield run


@pytest.fixture
async def twins(start: Callable[..., Any]) -> Twins:
    started: Twins = await start()
    return started


@pytest.fixture(params=["dynamics", "hubspot"])
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)
