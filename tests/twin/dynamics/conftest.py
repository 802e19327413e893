"""A small F&O environment, made by hand, and a caller that drives the machine without sockets."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from ml_connector.twin.dynamics import SWITCHES, DynamicsMachine
from ml_connector.twin.switches import resolve
from ml_connector.twin.wire import Answer, Request
from ml_connector.twin.world.model import (
    Address,
    Customer,
    LegalEntity,
    Person,
    Product,
    Release,
    World,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
BASE = "http://127.0.0.1:8101"


def make_entity(entity_id: str, **changes: str) -> LegalEntity:
    plain = {
        "name": f"Contoso {entity_id.upper()}",
        "currency": "USD",
        "country": "US",
        "country3": "USA",
        "language": "en-US",
        "time_zone": "GMTMINUS0500EASTERNTIME",
        "default_site": "1",
        "default_warehouse": "11",
    }
    return LegalEntity(id=entity_id, **(plain | changes))


def make_customer(legal_entity: str, account: str, name: str, **changes: Any) -> Customer:
    plain: dict[str, Any] = {
        "party": f"P{account}",
        "party_type": "Organization",
        "group": "10",
        "currency": "USD",
        "payment_terms": "Net30",
        "language": "en-US",
        "phone": "+1 555 0100",
        "email": "info@example.com",
        "website": "https://www.example.com",
        "address": Address("1 Main Street", "Springfield", "62701", "IL", "US", "USA"),
        "dimension_values": ("001", "", ""),
    }
    return Customer(legal_entity=legal_entity, account=account, name=name, **(plain | changes))


def make_world(*, extra_customers: int = 0) -> World:
    pump = ("D0001", "Pump 40", "A pump for forty litres", "Pump40", "PUMPS", "ea", "Item")
    oil = ("D0002", "Oil 5l", "Five litres of oil", "Oil5", "OIL", "ea", "Item")
    hours = ("S0001", "Installation", "Installation by the hour", "Install", "SERV", "hour", "Service")
    berlin = Address("Ringstr. 5", "Berlin", "10115", "", "DE", "DEU")
    customers = (
        make_customer(
            "usmf",
            "US-001",
            "O'Neill Pumps",
            people=(Person("C1", "Ann", "Lee", "ann@example.com", "", "Buyer"),),
        ),
        make_customer("usmf", "US-002", "Fabrikam", on_hold="All"),
        make_customer("usmf", "US-003", "Litware", invoice_account="US-001"),
        make_customer("usmf", "US-004", "Proseware", invoice_account="US-002"),
        make_customer("usmf", "US-005", "Ada Weber", party_type="Person"),
        make_customer("demf", "DE-001", "Adatum GmbH", currency="EUR", language="de", address=berlin),
        make_customer("demf", "DE-002", "O'Neill Pumps", party="PUS-001", currency="EUR"),
        *(make_customer("usmf", f"X-{number:06}", f"Extra {number}") for number in range(extra_customers)),
    )
    return World(
        seed=1,
        legal_entities=(
            make_entity("usmf"),
            make_entity(
                "demf",
                currency="EUR",
                country="DE",
                country3="DEU",
                language="de",
                default_site="",
                default_warehouse="",
            ),
        ),
        customers=customers,
        products=(Product(*pump), Product(*oil), Product(*hours)),
        releases=(
            Release(
                "usmf",
                "D0001",
                "D0001",
                Decimal("412.35"),
                Decimal(1),
                Decimal(200),
                default_site="1",
                default_warehouse="11",
            ),
            Release(
                "usmf",
                "D0002",
                " OIL-5",
                Decimal("1500.50"),
                Decimal(100),
                Decimal(9),
                default_site="2",
                default_warehouse="21",
            ),
            Release("usmf", "S0001", "S0001", Decimal(90), Decimal(1), Decimal(0)),
            Release(
                "demf",
                "D0001",
                "D0001",
                Decimal(350),
                Decimal(1),
                Decimal(180),
                stopped=True,
                default_site="4",
            ),
        ),
        deals=(),
        dimensions=("BusinessUnit", "Department", "CostCenter"),
        dimension_delimiter="-",
        dimension_values={
            "BusinessUnit": (("001", "Home"), ("002", "Industry")),
            "Department": (("022", "Sales"),),
            "CostCenter": (("7-A", "Hall A"),),
        },
        customer_groups=(("10", "Wholesale"), ("20", "Retail")),
        payment_terms=(("Net30", "Net 30 days"),),
        owners=(),
        pipelines=(),
    )


@dataclass(slots=True)
class Caller:
    """Sends requests to a machine as a client would."""

    machine: DynamicsMachine
    now: datetime = NOW
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.machine.handle(Request(method, path, self.headers | named, data), self.now)

    def get(self, path: str, **headers: str) -> Any:
        """The body of a successful read."""
        answer = self.send("GET", path, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body, parse_float=Decimal)

    def rows(self, set_name: str, **options: str) -> list[dict[str, Any]]:
        """The rows of a list; option names without ``$``, ``cross_company`` for the flag."""
        pairs = [
            f"{'cross-company' if name == 'cross_company' else '$' + name}={quote(value)}"
            for name, value in options.items()
        ]
        found = self.get(f"/data/{set_name}?{'&'.join(pairs)}")["value"]
        assert isinstance(found, list)
        return found

    def create(self, set_name: str, body: dict[str, Any]) -> dict[str, Any]:
        """The body of an accepted create."""
        answer = self.send("POST", f"/data/{set_name}", body)
        assert answer.status == 201, answer.body
        created = json.loads(answer.body, parse_float=Decimal)
        assert isinstance(created, dict)
        return created

    def refusal(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and explaining text of a refused request."""
        answer = self.send(method, path, body, **headers)
        error = json.loads(answer.body)["error"]
        assert set(error["innererror"]) == {"message", "type", "stacktrace"}
        return answer.status, error["innererror"]["message"]


def start(*, extra_customers: int = 0, page_size: int = 10_000, **switches: str) -> Caller:
    numbers = itertools.count(1)
    machine = DynamicsMachine(
        make_world(extra_customers=extra_customers),
        verify=lambda header, _now: "client-1" if header == "Bearer good" else None,
        rng=random.Random(1),  # noqa: S311 - repeatable on purpose
        new_id=lambda: f"id{next(numbers)}",
        base_url=lambda: BASE,
        switches=resolve(SWITCHES, switches),
        page_size=page_size,
        now=NOW,
    )
    return Caller(machine)


@pytest.fixture
def fo() -> Caller:
    return start()


@pytest.fixture
def starting() -> Callable[..., Caller]:
    """Start an environment with switches, a page size or more customers."""
    return start


@pytest.fixture
def order(fo: Caller) -> dict[str, Any]:
    """An accepted order header without lines."""
    return fo.create("SalesOrderHeadersV2", {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": "US-001"})
