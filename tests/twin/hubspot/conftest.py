"""A small portal, made by hand, and a caller that drives the machine without sockets."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import pytest

from ml_connector.twin.hubspot import AppAccess, HubSpotMachine, OAuthApp, Settings
from ml_connector.twin.wire import Answer, Request
from ml_connector.twin.world.model import Deal, DealLine, LegalEntity, World

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "pat-na1-demo"
PORTAL = 4711
APP = AppAccess("app-id", "app-secret", "na1-refresh")


def make_entity(entity_id: str, currency: str) -> LegalEntity:
    return LegalEntity(entity_id, entity_id.upper(), currency, "US", "USA", "en-US", "GMT", "1", "11")


def make_world(**changes: Any) -> World:
    lines = (
        DealLine("P-100", Decimal(3), discount_percent=Decimal(10)),
        DealLine("P-200", Decimal("2.5"), discount_percent=Decimal(0)),
    )
    deal = Deal(
        "Pumps for Adler", "Sales", "open", "Adler Works", "USD", 30, "kim@example.com", "PO-9", lines
    )
    other = Deal("Valves for Birk", "Service", "quoted", "Birk Ltd", "EUR", 10, "lee@example.com", "", lines)
    plain: dict[str, Any] = {
        "seed": 1,
        "legal_entities": (
            make_entity("usmf", "USD"),
            make_entity("demf", "EUR"),
            make_entity("gbsi", "USD"),
        ),
        "customers": (),
        "products": (),
        "releases": (),
        "deals": (deal, other),
        "dimensions": (),
        "dimension_delimiter": "-",
        "dimension_values": {},
        "customer_groups": (),
        "payment_terms": (),
        "owners": (("kim@example.com", "Kim", "Berg"), ("lee@example.com", "Lee", "Hart")),
        "teams": (
            ("Industry", ("kim@example.com",)),
            ("Key accounts", ("lee@example.com", "kim@example.com")),
        ),
        "pipelines": (
            (
                "Sales",
                (
                    ("First meeting", "open", False, "0.2"),
                    ("Contract sent", "contractsent", False, "0.9"),
                    ("Closed won", "won", True, "1.0"),
                    ("Closed lost", "lost", True, "0.0"),
                ),
            ),
            (
                "Service",
                (
                    ("Quoted", "quoted", False, "0.5"),
                    ("Ordered", "ordered", True, "1.0"),
                    ("Dropped", "dropped", True, "0.0"),
                ),
            ),
        ),
    }
    return World(**(plain | changes))


@dataclass
class Desk:
    """One client of one portal: calls are admitted and handled at the desk's own time."""

    machine: HubSpotMachine
    now: datetime = NOW
    version: str = "2026-03"
    token: str = TOKEN
    calls: list[Answer] = field(default_factory=list)

    @staticmethod
    def dice(seed: int) -> random.Random:
        return random.Random(seed)  # noqa: S311 - a story is told, no secret is made

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        sent = {"authorization": f"Bearer {self.token}"} | headers
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = Request(method, target, sent, content)
        answer = self.machine.admit(request, self.now) or self.machine.handle(request, self.now)
        self.calls.append(answer)
        return answer

    def ask(self, method: str, target: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.send(method, target, body)
        assert answer.status == status, (answer.status, answer.body)
        return orjson.loads(answer.body) if answer.body else None

    def form(self, target: str, **fields: str) -> Answer:
        """A form without a token, as the OAuth endpoints take it."""
        given = {"client_id": APP.client_id, "client_secret": APP.client_secret} | fields
        return self.send("POST", target, urlencode(given).encode(), authorization="")

    def refresh(self) -> dict[str, Any]:
        """Use a new access token from here on; returns the answer that brought it."""
        answer = self.form(
            "/oauth/2026-03/token", grant_type="refresh_token", refresh_token=APP.refresh_token
        )
        assert answer.status == 200, answer.body
        body: dict[str, Any] = orjson.loads(answer.body)
        self.token = body["access_token"]
        return body

    def objects(self, tail: str) -> str:
        return f"/crm/objects/{self.version}/{tail}"

    def create(self, kind: str, **properties: Any) -> str:
        made = self.ask("POST", self.objects(kind), {"properties": properties}, status=201)
        return str(made["id"])

    def read(self, kind: str, key: str, *names: str, query: str = "") -> dict[str, Any]:
        asked = f"?properties={','.join(names)}{query}" if names else f"?{query}"
        return dict(self.ask("GET", self.objects(f"{kind}/{key}{asked}")))

    def value(self, kind: str, key: str, name: str) -> str | None:
        found: str | None = self.read(kind, key, name)["properties"][name]
        return found

    def define(self, kind: str, name: str, *, unique: bool = False, **changes: Any) -> dict[str, Any]:
        plain = {
            "name": name,
            "label": name,
            "type": "string",
            "fieldType": "text",
            "groupName": {"companies": "companyinformation", "products": "productinformation"}.get(
                kind, f"{kind.removesuffix('s')}information"
            ),
            "hasUniqueValue": unique,
        }
        made = self.ask("POST", f"/crm/properties/{self.version}/{kind}", plain | changes, status=201)
        return dict(made)

    def deals(self) -> list[str]:
        return [str(deal_id) for deal_id in self.machine.world_deals]


@pytest.fixture
def open_portal() -> Callable[..., Desk]:
    def build(*, limit: tuple[int, float] = (0, 0), world: World | None = None, **switches: str) -> Desk:
        numbers = itertools.count(1)
        machine = HubSpotMachine(
            world or make_world(),
            rng=Desk.dice(7),
            new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
            switches=switches,
            limit=limit,
            token=TOKEN,
            portal_id=PORTAL,
            now=NOW,
            app=OAuthApp(
                APP,
                new_id=lambda: f"10000000-0000-4000-8000-{next(numbers):012}",
                settings=Settings(switches),
            ),
        )
        return Desk(machine)

    return build


@pytest.fixture
def desk(open_portal: Callable[..., Desk]) -> Desk:
    return open_portal()


@pytest.fixture
def keyed(desk: Desk) -> Desk:
    """A portal whose companies have the unique property ``key``."""
    desk.define("companies", "key", unique=True)
    return desk
