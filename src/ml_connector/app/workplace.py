"""An opened connection: settings, store, vault and the clients of both sides, built when first needed."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.app.hubspot_credentials import stored_credentials
from ml_connector.app.sync_settings import SyncSettings
from ml_connector.engine.context import Engine, never
from ml_connector.engine.runs import Traffic
from ml_connector.errors import ConfigurationError
from ml_connector.settings import section
from ml_connector.store import connections
from ml_connector.store.budget import SharedBudget
from ml_connector.store.database import Store
from ml_connector.store.vault import Vault, load_master_key
from ml_connector.systems.dynamics.client import DynamicsClient
from ml_connector.systems.dynamics.faults import JUDGE as DYNAMICS_JUDGE
from ml_connector.systems.dynamics.settings import DynamicsSettings
from ml_connector.systems.dynamics.wall import DYNAMICS_WALL
from ml_connector.systems.hubspot.client import HubSpotClient
from ml_connector.systems.hubspot.faults import JUDGE as HUBSPOT_JUDGE
from ml_connector.systems.hubspot.faults import buckets
from ml_connector.systems.hubspot.settings import HubSpotSettings
from ml_connector.systems.hubspot.wall import HUBSPOT_WALL
from ml_connector.telemetry import register_secret
from ml_connector.transport.auth import EntraToken
from ml_connector.transport.http import Transport
from ml_connector.transport.shared import SharedLedger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    import httpx2

    from ml_connector.domain.clock import Surroundings
    from ml_connector.settings import Settings
    from ml_connector.store.connections import Connection, SideRow
    from ml_connector.transport.auth import Credentials
    from ml_connector.transport.budget import MemoryLedger


SIDES = ("dynamics", "hubspot")


@dataclass(slots=True)
class Workplace:
    """What a command works with."""

    settings: Settings
    store: Store
    vault: Vault
    around: Surroundings
    connection: Connection
    started_by: str
    budget: MemoryLedger  # opened for a command or a service, it is shared with all others
    network: httpx2.AsyncBaseTransport | None = None
    is_over: Callable[[], bool] = never
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _transports: dict[str, Transport] = field(default_factory=dict)
    _dynamics: DynamicsClient | None = None
    _hubspot: HubSpotClient | None = None
    _verified: tuple[datetime | None, ...] = ()

    @property
    def engine(self) -> Engine:
        """What engine functions are given."""
        cid = self.connection.connection_id
        return Engine(self.store, self.vault, cid, self.around, self.started_by, is_over=self.is_over)

    async def side(self, name: str) -> SideRow:
        """A connected side.

        Raises:
            ConfigurationError: it has not been connected yet.
        """
        async with self.store.read() as tx:
            row = await connections.side(tx, self.connection.connection_id, name)
        if row is None:
            title = {"dynamics": "Dynamics", "hubspot": "HubSpot"}[name]
            raise ConfigurationError(
                f"{title} is not connected yet.",
                code="configuration.not_connected",
                hint=f"Run: ml-connector connect {name}",
            )
        return row

    async def secret(self, name: str) -> str:
        """A stored secret in clear."""
        async with self.store.read() as tx:
            return await connections.secret(tx, self.connection.connection_id, name, self.vault)

    async def dynamics(self) -> DynamicsClient:
        """The client of the connected F&O environment."""
        if self._dynamics is None:
            row = await self.side("dynamics")
            settings = DynamicsSettings(**row.settings, allow_local=self.settings.allow_local)
            self._dynamics = self.dynamics_client(settings, await self.secret("dynamics.client_secret"))
        return self._dynamics

    async def hubspot(self) -> HubSpotClient:
        """The client of the connected portal."""
        if self._hubspot is None:
            row = await self.side("hubspot")
            settings = HubSpotSettings(**row.settings, allow_local=self.settings.allow_local)
            chosen: SyncSettings = section(SyncSettings, self.settings.sync, "sync")
            zone = str(row.capabilities.get("time_zone", ""))
            self.budget.day_of("hubspot", time_zone=zone, reserve=float(chosen.daily_reserve))
            self._hubspot = self.hubspot_client(settings, await stored_credentials(self, settings))
        return self._hubspot

    def dynamics_client(self, settings: DynamicsSettings, secret: str) -> DynamicsClient:
        """A client with these credentials."""
        register_secret(secret)
        token = EntraToken(settings.authority, settings.tenant, settings.client_id, secret, settings.url)
        transport = Transport(
            side="dynamics",
            base_url=settings.url,
            wall=DYNAMICS_WALL,
            credentials=token,
            judge=DYNAMICS_JUDGE,
            budget=self.budget,
            around=self.around,
            network=self.network,
        )
        return DynamicsClient(self._keep(transport), settings)

    def hubspot_client(self, settings: HubSpotSettings, credentials: Credentials) -> HubSpotClient:
        """A client that signs in with these."""
        transport = Transport(
            side="hubspot",
            base_url=settings.url,
            wall=HUBSPOT_WALL,
            credentials=credentials,
            judge=HUBSPOT_JUDGE,
            budget=self.budget,
            around=self.around,
            network=self.network,
            buckets=buckets,
        )
        return HubSpotClient(self._keep(transport), settings)

    def forget_clients(self) -> None:
        """New credentials have been stored: the next use builds new clients."""
        self._dynamics = None
        self._hubspot = None

    async def notice_new_credentials(self) -> None:
        """Forget the clients when a side was connected anew since they were built."""
        async with self.store.read() as tx:
            rows = [await connections.side(tx, self.connection.connection_id, name) for name in SIDES]
        verified = tuple(row.verified_at if row is not None else None for row in rows)
        if verified != self._verified:
            self.forget_clients()
            self._verified = verified

    def traffic(self) -> Traffic:
        """Calls sent so far."""
        return Traffic(
            {side: transport.sent for side, transport in self._transports.items()},
            sum(transport.throttled for transport in self._transports.values()),
        )

    def _keep(self, transport: Transport) -> Transport:
        self._transports[transport.side] = transport
        self._open.push_async_callback(transport.close)
        return transport

    async def close(self) -> None:
        """Close the connections to both sides, and leave their calls to other processes."""
        await self._open.aclose()
        await self.budget.close()


@asynccontextmanager
async def open_workplace(
    settings: Settings,
    around: Surroundings,
    *,
    started_by: str,
    network: httpx2.AsyncBaseTransport | None = None,
    **store_options: Any,
) -> AsyncIterator[Workplace]:
    """Open the database with its key, and the connection the settings name.

    Args:
        settings: The process settings.
        around: Clock, chance and identity.
        started_by: Who or what works here, for the audit.
        network: Stands in for real sockets (a simulation).
        store_options: Handed to ``Store.open``.

    Raises:
        ConfigurationError: no database, an old schema, or an unknown connection.
        KeyRefusedError: the key is missing or wrong; nothing was touched.
    """
    async with open_store(settings, around, **store_options) as (store, vault):
        connection = await _connection(store, settings.connection)
        place = Workplace(
            settings=settings,
            store=store,
            vault=vault,
            around=around,
            connection=connection,
            started_by=started_by,
            budget=SharedLedger(around, SharedBudget(store, connection.connection_id)),
            network=network,
        )
        try:
            yield place
        finally:
            await place.close()


@asynccontextmanager
async def open_store(
    settings: Settings, around: Surroundings, **store_options: Any
) -> AsyncIterator[tuple[Store, Vault]]:
    """The database the settings name, with its key.

    Raises:
        ConfigurationError: no database, or an old schema.
        KeyRefusedError: the key is missing or wrong; nothing was touched.
    """
    key = load_master_key(
        env_value=settings.master_key.get_secret_value() if settings.master_key else None,
        key_file=settings.key_file,
    )
    store = await Store.open(settings.database, around=around, **store_options)
    try:
        yield store, await store.unlock(key)
    finally:
        await store.close()


async def _connection(store: Store, name: str) -> Connection:
    async with store.read() as tx:
        connection = await connections.get(tx, name)
        known = [row.name for row in await connections.all(tx)]
    if connection is None:
        raise ConfigurationError(
            f"There is no connection named '{name}'. Known: {', '.join(known)}.",
            code="configuration.connection",
            hint=f"To make it, run: ml-connector init --connection {name}",
        )
    return connection
