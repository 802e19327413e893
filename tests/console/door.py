"""A running door with a connection behind it: what senders post, and what is stored of it."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.app.event_secrets import endpoints, keep_signing_secret
from ml_connector.app.home import init
from ml_connector.app.intake import Intake
from ml_connector.app.workplace import open_workplace
from ml_connector.console.server import create_app, create_server
from ml_connector.domain.clock import Surroundings
from ml_connector.engine import inbox as box
from ml_connector.settings import load_settings
from ml_connector.store import connections, flows, inbox
from ml_connector.twin.hubspot.signatures import sign_v3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.inbox import Event

PUBLIC = "https://connector.example"
SECRET = "hubspot-signing-canary"
PORTAL, APP = 4711, 99
FO = "https://contoso.operations.dynamics.com"
CHANGED, ORDERED = "FFYCustomerChangedBusinessEvent", "OwnOrderEvent"
EVENTS: dict[str, Any] = {
    "dynamics": {
        CHANGED: {"flow": "customers", "entity_set": "CustomersV3", "key": "Account"},
        ORDERED: {"flow": "order_status", "entity_set": "SalesOrderHeadersV2", "key": "SalesOrderNumber"},
        "OwnPriceListEvent": {"flow": "products", "entity_set": "ReleasedProductsV2"},
        "mserp_custcustomerv3entity": {
            "flow": "customers",
            "entity_set": "CustomersV3",
            "key": "CustomerAccount",
        },
    }
}
FLOWS = ("customers", "contacts", "products", "orders", "order_status")
Headers = list[tuple[str, str]]


class StillClock:
    """It is always noon."""

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 12, tzinfo=UTC)

    def elapsed_s(self) -> float:
        return 0.0


def standing_still() -> Surroundings:
    """Surroundings for a door that serves many tests."""
    chance, ids = random.Random(7), itertools.count(1)  # noqa: S311 - repeatable on purpose
    return Surroundings(StillClock(), chance, lambda: f"id-{next(ids)}", chance.randbytes)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the door answered: status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Door:
    """The place behind the door, and how it is reached."""

    place: Workplace
    intake: Intake
    port: int
    token: str = ""
    sent: int = field(default=0)

    async def raw(self, *pieces: bytes) -> Reply:
        """Send bytes as they are, and read the answer to the end of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(10):
                received = await reader.read()
        except ConnectionError:  # the door has answered and closed while we were still sending
            received = await reader.read()
        finally:
            writer.close()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Reply(int(first.split()[1]), headers, body)

    async def send(
        self, target: str, body: bytes, headers: Sequence[tuple[str, str]] = (), method: str = "POST"
    ) -> Reply:
        named = [("Host", "connector.example"), ("Connection", "close"), *headers]
        if not any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in named):
            named.append(("Content-Length", str(len(body))))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named), "", ""]
        return await self.raw("\r\n".join(lines).encode(), body)

    # --- senders as they should be ---

    @property
    def dynamics_path(self) -> str:
        return f"/hooks/dynamics/default/{self.token}"

    async def dynamics(self, *events: Any, array: bool = False) -> Reply:
        body = json.dumps(list(events) if array else events[0]).encode()
        return await self.send(self.dynamics_path, body, [("Content-Type", "application/json")])

    async def hubspot(self, *events: Any, secret: str = SECRET) -> Reply:
        body = json.dumps(list(events)).encode()
        return await self.send("/hooks/hubspot/default", body, self.signed(body, secret=secret))

    def stamp(self, shift_ms: int = 0) -> str:
        return str(int(self.place.around.clock.now().timestamp() * 1000) + shift_ms)

    def signed(self, body: bytes, **changed: Any) -> Headers:
        """Headers as HubSpot would send them, with what a forger changes about the signed text."""
        given = {
            "secret": SECRET, "method": "POST", "uri": f"{PUBLIC}/hooks/hubspot/default", "stamp": self.stamp()
        } | changed  # fmt: skip
        signature = sign_v3(given["secret"], given["method"], given["uri"], body, given["stamp"])
        return [("X-HubSpot-Signature-v3", signature), ("X-HubSpot-Request-Timestamp", given["stamp"])]

    # --- what is stored ---

    @property
    def cid(self) -> int:
        return self.place.connection.connection_id

    async def rows(self) -> list[Event]:
        async with self.place.store.read() as tx:
            return await inbox.list(tx, self.cid, after=0)

    async def outcomes(self) -> list[str]:
        return [row.outcome for row in await self.rows()]

    async def hints(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in await self.rows():
            if row.outcome == "accepted" and row.done_at is None:
                found.setdefault(row.flow, set()).add(row.key)
        return found

    async def read_all(self, flow: str) -> tuple[str, ...]:
        """What a dispatcher would read now."""
        taken = await box.take(self.place.engine, flow, 100)
        await box.done(self.place.engine, taken)
        return taken.keys

    async def refused(self) -> Counter[str]:
        """How many requests were refused, by reason: of every connection, and of none."""
        await self.intake.store_counts()
        found: Counter[str] = Counter()
        async with self.place.store.read() as tx:
            for cid in (0, *(one.connection_id for one in await connections.all(tx))):
                for _, _, reason, count in await inbox.rejected(tx, cid, "2000-01-01"):
                    found[reason] += count
        return found


@asynccontextmanager
async def opened(
    tmp_path: Path, database_url: str, around: Surroundings, *, public_url: str = PUBLIC, **settings: Any
) -> AsyncIterator[Door]:
    """A connection whose sides are stored and whose flows are on, behind a server on a free port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    chosen: dict[str, Any] = {
        "home": tmp_path / "home", "database_url": database_url, "allow_local": True, "events": EVENTS,
        "public_url": public_url.replace("PORT", str(port)),
    } | settings  # fmt: skip
    found = load_settings(**chosen)
    await init(found, around)
    async with open_workplace(found, around, started_by="a test") as place:
        await _fill(place)
        door = Door(place, Intake(found, place.store, place.vault, around), port)
        door.token = (await endpoints(place, rotate=False))[0].url.rpartition("/")[2]
        await keep_signing_secret(place, SECRET)
        async with serving(create_app(door.intake), listening):
            yield door


@asynccontextmanager
async def serving(app: FastAPI, listening: socket.socket, trusted_proxies: str = "") -> AsyncIterator[None]:
    """The real server, on a socket that is bound already."""
    server = create_server(app, host="127.0.0.1", port=0, trusted_proxies=trusted_proxies)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task


async def _fill(place: Workplace) -> None:
    cid, now = place.connection.connection_id, place.around.clock.now()
    async with place.store.write() as tx:
        side = connections.SideRow("dynamics", {"url": FO}, FO, {}, now)
        await connections.put_side(tx, cid, side, {}, place.vault)
        side = connections.SideRow("hubspot", {}, str(PORTAL), {}, now)
        await connections.put_side(tx, cid, side, {}, place.vault)
        entities = [connections.LegalEntityRow(name, name, "USD", "UTC") for name in ("usmf", "ussi")]
        await connections.put_legal_entities(tx, cid, entities)
        for name in FLOWS:
            await flows.put(tx, cid, flows.FlowRow(name, "on"))


def business(number: int = 5637985363, account: str = "US-001", **changed: Any) -> dict[str, Any]:
    """A business event as F&O sends it."""
    return {
        "Account": account, "BusinessEventId": CHANGED, "BusinessEventLegalEntity": "USMF",
        "ContextRecordSubject": "", "ControlNumber": number, "EventId": f"0A-{number}",
        "EventTime": "/Date(1697470966000)/", "EventTimeIso8601": "2023-10-16T15:42:46.3440655Z",
        "InitiatingUserAADObjectId": "{C6}", "LegalEntity": "USMF", "MajorVersion": 0, "MinorVersion": 0,
        "ParentContextRecordSubjects": [],
    } | changed  # fmt: skip


def relayed(event: Mapping[str, Any]) -> dict[str, Any]:
    """The same as Dataverse hands it on."""
    return {
        "MessageName": f"mserp_{event['BusinessEventId']}", "PrimaryEntityName": "none", "Depth": 1,
        "InputParameters": [{"key": key, "value": value} for key, value in event.items()],
    }  # fmt: skip


def webhook(event_id: int = 1, deal: int = 1246965, **changed: Any) -> dict[str, Any]:
    """A change of a deal's stage as HubSpot tells it."""
    return {
        "eventId": event_id, "subscriptionId": 25, "portalId": PORTAL, "appId": APP,
        "occurredAt": 1_772_442_000_000, "subscriptionType": "deal.propertyChange", "attemptNumber": 0,
        "objectId": deal, "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "CRM_UI",
        "sourceId": "userId:1",
    } | changed  # fmt: skip
