"""The two systems of a test, the people who work in them, and the connector between them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import orjson
import pytest
from pydantic import SecretStr

from ml_connector.app.connect import connect_dynamics, connect_hubspot
from ml_connector.app.flow_switch import disable, enable
from ml_connector.app.sync import sync
from ml_connector.app.system import SystemClock
from ml_connector.app.workplace import open_workplace
from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment, load_settings
from ml_connector.store import audit, calls, parked, processes
from ml_connector.twin.faults import parse_fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.clock import Surroundings
    from ml_connector.domain.records import Counters
    from ml_connector.engine.runs import RunReport
    from ml_connector.store.audit import AuditRow
    from ml_connector.store.parked import ParkedRecord
    from ml_connector.store.processes import Process
    from ml_connector.twin.launch import RunningTwins
    from ml_connector.twin.wire import Request
    from ml_connector.twin.writes import WriteRow

ON_BOTH_DATABASES = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ON_BOTH_IN_THE_TIER = (
    pytest.mark.parametrize(  # for long ones: PostgreSQL has its turn in the simulation tier
        "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.sim)], indirect=True
    )
)
RESULTS = ("created", "updated", "unchanged", "held", "waiting", "parked", "skipped")
READING_POSTS = ("/search", "/batch/read", "/token", "/get/access-token-info", ".getSetDisplayValue")
DEAL_TO_COMPANY, DEAL_TO_PRIMARY_COMPANY, LINE_TO_DEAL = 341, 5, 20


class MovableClock(SystemClock):
    """This machine's clocks, put forward by as much as a test says. The twins keep the machine's own time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead

    def elapsed_s(self) -> float:
        return super().elapsed_s() + self.ahead.total_seconds()


@dataclass(slots=True)
class Office:
    """Running twins, and one connector with a home of its own. Methods by who acts: clerk, rep, connector."""

    twins: RunningTwins
    home: Path
    database_url: str
    around: Surroundings
    place: Workplace | None = None
    browser: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(verify=False))
    sent: list[tuple[str, str]] = field(default_factory=list)  # side and call id of each change the twins got

    # --- the connector ---

    @property
    def at(self) -> Workplace:
        assert self.place is not None
        return self.place

    @asynccontextmanager
    async def opened(self, **settings: Any) -> AsyncIterator[Workplace]:
        """Another process of the connector, on the same home and database."""
        chosen = {"home": self.home, "database_url": self.database_url, "allow_local": True, **settings}
        async with open_workplace(load_settings(**chosen), self.around, started_by="a test") as place:
            yield place

    async def sync(self, *names: str) -> dict[str, RunReport]:
        """One pass; whatever happens, the figures add up."""
        reports = {report.flow: report for report in await sync(self.at, names)}
        for report in reports.values():
            if report.error is None:
                check_sum(report.counters)
        return reports

    async def figures(self, *names: str) -> dict[str, int]:
        """One pass that must succeed: the figures of its last flow that are not zero."""
        counters = None
        for report in (await self.sync(*names)).values():
            if report.error is not None:
                raise report.error
            counters = report.counters
        assert counters is not None
        return {name: getattr(counters, name) for name in ("read", *RESULTS) if getattr(counters, name)}

    async def stuck(self, flow: str) -> dict[str, ParkedRecord]:
        """What is parked now, by key."""
        async with self.at.store.read() as tx:
            rows = await parked.list(tx, self.at.connection.connection_id, flow=flow)
        return {row.key: row for row in rows}

    async def process(self, deal: str) -> Process:
        async with self.at.store.read() as tx:
            cid = self.at.connection.connection_id
            found = await processes.find(tx, cid, "orders", deal, self.at.vault)
        assert found is not None
        return found

    async def story(self, flow: str, key: str) -> list[AuditRow]:
        async with self.at.store.read() as tx:
            return await audit.story(tx, self.at.connection.connection_id, flow, key)

    async def changes(self, flow: str, key: str) -> list[dict[str, Any]]:
        """Before and after of each write of one record, oldest first."""
        rows = [row for row in await self.story(flow, key) if row.kind in ("created", "updated")]
        return [orjson.loads(row.payload)["changed"] for row in rows]

    async def verified(self) -> None:
        """The audit's chain is whole, every change the twins saw had its row in the journal, and none is open."""
        async with self.at.store.read() as tx:
            found = await audit.verify(tx, self.at.connection.connection_id)
            still_open = await calls.open_calls(tx, self.at.connection.connection_id)
            statement = "SELECT side, call_id FROM mlc_call"
            journal = {tuple(row) for row in await tx.connection.exec_driver_sql(statement)}
        assert found.ok, found.sentence
        assert still_open == []
        assert set(self.sent) <= journal

    async def switch_off_and_on(self, flow: str) -> None:
        """The flow goes live anew."""
        await disable(self.at, [flow])
        await enable(self.at, [flow])

    async def due_now(self, deal: str) -> None:
        """Let the time come at which the deal goes on."""
        process = await self.process(deal)
        assert process.due_at is not None
        async with self.at.store.write() as tx:
            due = replace(process, due_at=self.around.clock.now())
            await processes.put(tx, self.at.connection.connection_id, due, self.at.vault)

    async def until_due(self, deal: str) -> None:
        """Put the clock forward to the time at which the deal goes on; what was to land late has landed."""
        due_at = (await self.process(deal)).due_at
        assert due_at is not None
        for shell in self.twins.pair.shells.values():
            await shell.idle()
        self.later(due_at - self.around.clock.now())

    def later(self, span: timedelta) -> None:
        """So much time passes for the connector."""
        assert isinstance(self.around.clock, MovableClock)
        self.around.clock.ahead += max(span, timedelta()) + timedelta(milliseconds=1)

    async def reconnect_hubspot(self, **changed: Any) -> None:
        """Connect HubSpot once more, with what has changed there."""
        (await connect_hubspot(self.at, hubspot_access(self.twins, **changed))).require()

    async def reconnect(self, **changed: Any) -> None:
        """Connect Dynamics once more, with what has changed there."""
        (await connect_dynamics(self.at, dynamics_access(self.twins, **changed))).require()

    # --- what stands in the two systems ---

    def records(self, of: str) -> list[dict[str, Any]]:
        return self.twins.pair.records(of, after=None, limit=10_000)[0]

    def companies(self) -> dict[str, dict[str, Any]]:
        """Properties of the live companies, by the customer's key."""
        found = [record["properties"] for record in self.records("companies")]
        by_key = {each["d365_customer_key"]: each for each in found if each.get("d365_customer_key")}
        assert len(by_key) == sum(bool(each.get("d365_customer_key")) for each in found)
        return by_key

    def products(self) -> dict[str, dict[str, Any]]:
        return {row["properties"]["d365_product_key"]: row["properties"] for row in self.records("products")}

    def deal(self, deal: str) -> dict[str, Any]:
        return next(row["properties"] for row in self.records("deals") if row["id"] == deal)

    def orders(self) -> list[dict[str, Any]]:
        return self.records("SalesOrderHeadersV2")

    def releases(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Released products by product number and legal entity."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for row in self.records("ReleasedProductsV2"):
            found.setdefault(row["ProductNumber"], {})[row["dataAreaId"]] = row
        return found

    def release_changes(self, number: str, legal_entity: str = "usmf", **fields: Any) -> None:
        """The clerk changes a released product."""
        item = self.releases()[number][legal_entity]["ItemNumber"]
        self.clerk_changes("ReleasedProductsV2", f"{legal_entity}:{item}", **fields)

    def lines(self) -> list[dict[str, Any]]:
        """Order lines by order and position."""
        rows = self.records("SalesOrderLinesV3")
        return sorted(rows, key=lambda row: (row["SalesOrderNumber"], row["CustomersLineNumber"]))

    def mark(self) -> int:
        """A place in the log of writes."""
        return len(self.twins.pair.log.rows)

    def writes(self, since: int) -> list[WriteRow]:
        """What has been sent to change something since that mark, by whomever."""
        return self.twins.pair.log.after(since)

    def calls(self, side: str) -> list[str]:
        """From now on, the targets of the calls one side gets."""
        seen: list[str] = []
        self.twins.pair.shells[side].on_request.append(
            lambda _side, request, _at: seen.append(request.target)
        )
        return seen

    def note_changes(self) -> None:
        """From now on, keep the ids of the changes the connector asks for."""

        def note(side: str, request: Request, _at: datetime) -> None:
            reads = request.method == "GET" or request.path.endswith(READING_POSTS)
            if not reads and request.headers.get("user-agent") == "ml-connector":
                self.sent.append((side, request.headers.get("x-client-request-id", "")))

        for shell in self.twins.pair.shells.values():
            shell.on_request.append(note)

    def fault(self, side: str, kind: str, method: str, path: str, **rest: Any) -> None:
        """Order a fault for the calls of one side that fit."""
        order = {"fault": kind, "match": {"method": method, "path": path}, **rest}
        self.twins.pair.shells[side].faults.add(parse_fault(order))

    def answering(self, of: str, **properties: Any) -> None:
        """From now on HubSpot answers the next read of these records with other values."""
        record = self.records(of)[0]
        body = {"status": "COMPLETE", "results": [record | {"properties": record["properties"] | properties}]}
        self.fault("hubspot", "status", "POST", f"/objects/[^/]+/{of}/batch/read", status=200, body=body)

    def slow(self, side: str, seconds: float) -> None:
        """From now on one side takes its time for each call."""
        self.twins.pair.shells[side].latency_s = seconds

    def mended(self) -> None:
        """No faults any more."""
        for shell in self.twins.pair.shells.values():
            shell.faults.clear()

    # --- a clerk in F&O ---

    async def clerk_adds(self, data_entity: str, **fields: Any) -> dict[str, Any]:
        """A new row through the web service, as another program would make it."""
        access = self.twins.announcement()
        form = {
            "grant_type": "client_credentials",
            "client_id": access["client_id"],
            "client_secret": access["client_secret"],
            "scope": f"{access['dynamics_url']}/.default",
        }
        url = f"{access['authority']}/{access['tenant']}/oauth2/v2.0/token"
        token = (await self.browser.post(url, data=form)).json()["access_token"]
        made = await self.browser.post(
            f"{access['dynamics_url']}/data/{data_entity}",
            content=orjson.dumps(fields, default=float),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        assert made.status_code in (200, 201), made.text
        row: dict[str, Any] = made.json()
        return row

    async def customer(self, key: str, **fields: Any) -> str:
        """A new customer of F&O; returns its key."""
        legal_entity, _, account = key.partition(":")
        plain = {
            "OrganizationName": f"{account.strip()} Works",
            "PartyType": "Organization",
            "CustomerGroupId": "10",
            "SalesCurrencyCode": "EUR" if legal_entity == "demf" else "USD",
        }
        row = await self.clerk_adds(
            "CustomersV3", dataAreaId=legal_entity, CustomerAccount=account, **(plain | fields)
        )
        return f"{legal_entity}:{row['CustomerAccount']}"

    def clerk_changes(self, data_entity: str, key: str, **fields: Any) -> None:
        self.twins.pair.edit(data_entity, key, fields)

    # --- a rep in HubSpot ---

    async def rep_asks(self, method: str, path: str, body: Any = None) -> Any:
        """A call to HubSpot with another program's client."""
        access = self.twins.announcement()
        headers = {"Authorization": f"Bearer {access['hubspot_token']}"}
        url = f"{access['hubspot_url']}{path}"
        answer = await self.browser.request(method, url, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def rep_changes(self, of: str, key: str, **properties: Any) -> None:
        self.twins.pair.edit(of, key, properties)

    async def new_deal(self, *companies: str, primary: str = "", **properties: Any) -> str:
        """An open deal of these companies, given by HubSpot id."""
        plain = {
            "dealname": "Pumps for the mill",
            "pipeline": self.pipeline(),
            "dealstage": self.open_stage(),
            "deal_currency_code": "USD",
        }
        made = await self.rep_asks("POST", "/crm/v3/objects/deals", {"properties": plain | properties})
        deal = str(made["id"])
        for company in companies:
            kind = DEAL_TO_PRIMARY_COMPANY if company == primary or len(companies) == 1 else DEAL_TO_COMPANY
            await self.associate("deals", deal, "companies", company, kind)
        return deal

    async def associate(self, of: str, key: str, to: str, other: str, kind: int) -> None:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]
        await self.rep_asks("PUT", f"/crm/v4/objects/{of}/{key}/associations/{to}/{other}", types)

    async def new_line(self, deal: str, sku: str = "", **properties: Any) -> str:
        """A line of a deal, for the product with this SKU where one is given."""
        product = next(
            (row["id"] for row in self.records("products") if row["properties"]["hs_sku"] == sku), ""
        )
        plain = {"hs_product_id": product} if product else {"hs_sku": sku} if sku else {}
        if currency := self.deal(deal).get("deal_currency_code"):
            plain["hs_line_item_currency_code"] = currency  # as the page of the deal does
        body = {
            "properties": {**plain, "name": "A line", "quantity": "1", "price": "100", **properties},
            "associations": [
                {
                    "to": {"id": deal},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LINE_TO_DEAL}],
                }
            ],
        }
        return str((await self.rep_asks("POST", "/crm/v3/objects/line_items", body))["id"])

    def win(self, deal: str) -> None:
        self.twins.pair.set_deal_stage(deal, "won")

    def line_of(self, deal: str) -> str:
        """The first line of a deal."""
        record = next(row for row in self.records("deals") if row["id"] == deal)
        return str(record["associations"]["line_items"][0]["id"])

    def pipeline(self) -> str:
        return next(iter(self.twins.pair.hubspot.portal.pipelines.all))

    def open_stage(self) -> str:
        pipeline = self.twins.pair.hubspot.portal.pipelines.all[self.pipeline()]
        return str(next(stage.id for stage in pipeline.stages if not stage.closed))

    def company_id(self, key: str) -> str:
        return str(
            next(
                row["id"]
                for row in self.records("companies")
                if row["properties"].get("d365_customer_key") == key
            )
        )


def check_sum(counters: Counters) -> None:
    """Every record read ended in one of seven ways."""
    assert counters.read == sum(getattr(counters, name) for name in RESULTS), counters


def dynamics_access(twins: RunningTwins, **changed: Any) -> DynamicsEnvironment:
    """What ``connect dynamics`` is given."""
    access = twins.announcement() | changed
    return DynamicsEnvironment(
        url=access["dynamics_url"],
        tenant=access["tenant"],
        client_id=access["client_id"],
        client_secret=SecretStr(access["client_secret"]),
        authority=access["authority"],
        legal_entities=changed.get("legal_entities", ",".join(twins.pair.options.legal_entities)),
    )


def hubspot_access(twins: RunningTwins, **changed: Any) -> HubSpotEnvironment:
    """What ``connect hubspot`` is given."""
    access = twins.announcement() | changed
    version = changed.get("api_version", "2026-03")
    return HubSpotEnvironment(
        token=SecretStr(access["hubspot_token"]), url=access["hubspot_url"], api_version=version
    )


async def connect(place: Workplace, twins: RunningTwins, **changed: Any) -> None:
    """Connect both sides."""
    (await connect_dynamics(place, dynamics_access(twins, **changed))).require()
    (await connect_hubspot(place, hubspot_access(twins, **changed))).require()
