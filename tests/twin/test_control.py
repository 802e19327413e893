"""The whole pair on two ports: control API, credentials, options, and the way through both machines."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector.twin import dynamics, entra, hubspot, launch
from ml_connector.twin import options as reading
from ml_connector.twin.launch import RunningTwins, TwinOptions, running_twins
from ml_connector.twin.pair import Pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL = {"customers": 20, "products": 30, "deals": 6, "rep": False}


@dataclass
class Visit:
    """Running twins and a signed-in client for each side."""

    twins: RunningTwins
    dynamics: httpx2.AsyncClient
    hubspot: httpx2.AsyncClient

    async def control(self, path: str) -> Any:
        return (await self.hubspot.get(f"/__twin__/{path}")).json()

    async def token(self) -> httpx2.Response:
        told = self.twins.announcement()
        form = {
            "grant_type": "client_credentials",
            "client_id": told["client_id"],
            "client_secret": told["client_secret"],
            "scope": f"{told['dynamics_url']}/.default",
        }
        return await self.dynamics.post(f"{told['authority']}/{told['tenant']}/oauth2/v2.0/token", data=form)

    async def make_company(self, name: str) -> str:
        made = await self.hubspot.post("/crm/v3/objects/companies", json={"properties": {"name": name}})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


@asynccontextmanager
async def visit(**changes: Any) -> AsyncIterator[Visit]:
    ids = itertools.count(1)
    seconds = itertools.count()  # a clock that moves on with every look
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    async with running_twins(
        TwinOptions(**(SMALL | changes)),
        clock=lambda: start + timedelta(milliseconds=next(seconds)),
        rng=random.Random(1),  # noqa: S311  seeded on purpose
        new_id=lambda: f"00000000-0000-4000-8000-{next(ids):012d}",
    ) as twins:
        told = twins.announcement()
        bearer = {"Authorization": f"Bearer {told['hubspot_token']}"}
        async with (
            httpx2.AsyncClient(base_url=told["dynamics_url"]) as to_dynamics,
            httpx2.AsyncClient(base_url=told["hubspot_url"], headers=bearer) as to_hubspot,
        ):
            opened = Visit(twins, to_dynamics, to_hubspot)
            token = (await opened.token()).json()["access_token"]
            to_dynamics.headers["Authorization"] = f"Bearer {token}"
            yield opened


async def test_the_announcement_is_enough_for_an_oauth_app() -> None:
    """The announced app and refresh token bring an access token; it stays good when the world changes."""
    async with visit() as s:
        told = s.twins.announcement()
        form = {
            "grant_type": "refresh_token",
            "client_id": told["hubspot_client_id"],
            "client_secret": told["hubspot_client_secret"],
            "refresh_token": told["hubspot_refresh_token"],
        }
        token = (await s.hubspot.post("/oauth/2026-03/token", data=form)).json()["access_token"]
        s.twins.pair.reset(2)
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await s.hubspot.get("/crm/objects/2026-03/deals", headers=bearer)).status_code == 200


async def test_the_announcement_is_enough_to_read_both_sides() -> None:
    async with visit() as s:
        told = s.twins.announcement()
        assert told["schema"] == "twin/1"
        assert json.loads(json.dumps(told)) == told
        customers = await s.dynamics.get(
            "/data/CustomersV3?cross-company=true&$select=CustomerAccount,dataAreaId"
        )
        assert customers.status_code == 200, customers.text
        assert len(customers.json()["value"]) == 20
        companies = await s.hubspot.get("/crm/v3/objects/companies")
        assert (companies.status_code, companies.json()["results"]) == (200, [])


async def test_without_credentials_nobody_is_let_in() -> None:
    async with visit() as s, httpx2.AsyncClient() as stranger:
        told = s.twins.announcement()
        assert (await stranger.get(f"{told['dynamics_url']}/data/CustomersV3")).status_code == 401
        assert (await stranger.get(f"{told['hubspot_url']}/crm/v3/objects/companies")).status_code == 401


async def test_an_app_that_fo_does_not_list_is_refused_with_a_good_token() -> None:
    async with visit(switches={"app_registered": "no"}) as s:
        assert (await s.token()).status_code == 200
        assert (await s.dynamics.get("/data/CustomersV3")).status_code == 401


async def test_state_counts_both_sides_on_either_port() -> None:
    async with visit() as s:
        here = (await s.dynamics.get("/__twin__/state")).json()
        assert here == await s.control("state")
        assert here["schema"] == "twin.state/1"
        assert here["counts"]["dynamics"]["CustomersV3"] == 20
        assert (here["counts"]["hubspot"]["deals"], here["counts"]["hubspot"]["companies"]) == (6, 0)
        assert (here["writes"], here["throttled"]) == (0, 0)


async def test_records_come_in_pages_that_neither_skip_nor_repeat() -> None:
    async with visit() as s:
        for of, total in (("CustomersV3", 20), ("deals", 6)):
            seen: list[str] = []
            after = ""
            while after is not None:
                page = await s.control(f"state?of={of}&limit=4&after={after}")
                seen += [json.dumps(record, sort_keys=True) for record in page["records"]]
                after = page["after"]
            assert len(seen) == len(set(seen)) == total


async def test_writes_are_told_in_order_and_from_a_number_on() -> None:
    async with visit() as s:
        await s.make_company("One")
        await s.make_company("Two")
        rows = await s.control("writes")
        assert [(row["seq"], row["side"], row["method"], row["committed"]) for row in rows] == [
            (1, "hubspot", "POST", True),
            (2, "hubspot", "POST", True),
        ]
        assert rows[1]["body"] == {"properties": {"name": "Two"}}
        assert datetime.fromisoformat(rows[0]["at"]) < datetime.fromisoformat(rows[1]["at"])
        assert (await s.dynamics.get("/__twin__/writes?after=1")).json() == rows[1:]


async def test_a_fault_hits_the_side_on_whose_port_it_was_ordered_and_never_the_control_calls() -> None:
    async with visit() as s:
        order = {"fault": "status", "status": 503, "times": 0}
        made = await s.dynamics.post("/__twin__/faults", json=order)
        assert made.json()["id"]
        assert (await s.dynamics.get("/data/LegalEntities")).status_code == 503
        assert (await s.token()).status_code == 503
        assert (await s.dynamics.get("/__twin__/state")).status_code == 200
        assert (await s.hubspot.get("/crm/v3/objects/companies")).status_code == 200
        assert (await s.dynamics.delete("/__twin__/faults")).status_code == 204
        assert (await s.dynamics.get("/data/LegalEntities")).status_code == 200


async def test_a_deal_can_be_won_and_quoted_by_hand() -> None:
    async with visit() as s:
        deals = (await s.control("state?of=deals"))["records"]
        for deal in deals:
            moved = await s.hubspot.post(f"/__twin__/deals/{deal['id']}/stage", json={"stage": "won"})
            assert moved.status_code == 204, moved.text
        won = (await s.control("state?of=deals"))["records"]
        assert {deal["properties"]["hs_is_closed_won"] for deal in won} == {"true"}
        assert (await s.control("state"))["writes"] == 0  # people are not an integration
        quote = f"/__twin__/deals/{deals[0]['id']}/quote"
        assert (await s.hubspot.post(quote, json={"accepted": True})).status_code == 201
        assert (await s.control("state"))["counts"]["hubspot"]["quotes"] == 1
        assert (await s.hubspot.post(quote, json={"accepted": "yes"})).status_code == 400
        unknown = await s.hubspot.post("/__twin__/deals/1/stage", json={"stage": "won"})
        assert (unknown.status_code, "no deal 1" in unknown.json()["error"]) == (404, True)
        nowhere = await s.hubspot.post(f"/__twin__/deals/{deals[0]['id']}/stage", json={"stage": "moon"})
        assert nowhere.status_code == 404


async def test_people_can_edit_records_on_both_sides() -> None:
    async with visit() as s:
        first = (await s.control("state?of=CustomersV3&limit=1"))["records"][0]
        key = f"{first['dataAreaId']}:{first['CustomerAccount']}"
        hold = {"of": "CustomersV3", "key": key, "fields": {"OnHoldStatus": "All"}}
        assert (await s.dynamics.patch("/__twin__/state", json=hold)).status_code == 204
        assert (await s.control("state?of=CustomersV3&limit=1"))["records"][0]["OnHoldStatus"] == "All"
        company = await s.make_company("One")
        rename = {"of": "companies", "key": company, "fields": {"name": "Uno"}}
        assert (await s.hubspot.patch("/__twin__/state", json=rename)).status_code == 204
        assert (await s.control("state?of=companies"))["records"][0]["properties"]["name"] == "Uno"


async def test_people_in_fo_carry_out_an_order_over_the_control_api() -> None:
    async with visit() as s:
        headers = {"Authorization": f"Bearer {(await s.token()).json()['access_token']}"}
        release = next(
            row
            for row in s.twins.pair.world.releases
            if row.legal_entity == "usmf" and row.default_site and not row.stopped
        )
        customer = next(
            row
            for row in s.twins.pair.world.customers
            if (row.legal_entity, row.on_hold, row.invoice_account) == ("usmf", "No", "")
        )
        body = {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": customer.account}
        made = await s.dynamics.post("/data/SalesOrderHeadersV2", json=body, headers=headers)
        number = made.json()["SalesOrderNumber"]
        line = {"dataAreaId": "usmf", "SalesOrderNumber": number, "ItemNumber": release.item_number}
        wanted = line | {"OrderedSalesQuantity": 4}
        await s.dynamics.post("/data/SalesOrderLinesV3", json=wanted, headers=headers)
        told = []
        for act, how in (
            ("confirm", None),
            ("pick", None),
            ("deliver", {"share": "partly"}),
            ("deliver", {}),
            ("invoice", {"share": "all"}),
        ):
            answer = await s.hubspot.post(f"/__twin__/orders/usmf:{number}/{act}", json=how)
            told.append(answer.json()["status"] if answer.status_code == 200 else answer.text)
        assert told == ["Confirmed", "Picked", "PartiallyDelivered", "Delivered", "Invoiced"]
        order = (await s.control("state?of=SalesOrderHeadersV2"))["records"][0]
        assert order["SalesOrderStatus"] == "Invoiced"
        assert (await s.control("state"))["writes"] == 2  # people are not an integration
        late = await s.dynamics.post(f"/__twin__/orders/usmf:{number}/cancel")
        assert (late.status_code, "is closed" in late.json()["error"]) == (400, True)


async def test_set_up_is_added_and_records_are_deleted_over_the_control_api() -> None:
    async with visit() as s:
        agreed = {"dataAreaId": "usmf", "ItemNumber": "X", "PriceCurrencyCode": "USD", "Price": 9}
        order = {"of": "SalesPriceAgreements", "fields": agreed}
        assert (await s.dynamics.post("/__twin__/set-up", json=order)).status_code == 204
        first = (await s.control("state?of=CustomersV3&limit=1"))["records"][0]
        gone = {"of": "CustomersV3", "key": f"{first['dataAreaId']}:{first['CustomerAccount']}"}
        before = (await s.control("state"))["counts"]["dynamics"]["CustomersV3"]
        assert (await s.dynamics.request("DELETE", "/__twin__/state", json=gone)).status_code == 204
        assert (await s.control("state"))["counts"]["dynamics"]["CustomersV3"] == before - 1


async def test_the_rep_acts_when_told_to() -> None:
    async with visit() as s:
        nothing = (await s.hubspot.post("/__twin__/rep", json={"steps": 3})).json()
        assert nothing == {"did": []}  # no companies yet
        name = s.twins.pair.world.deals[0].customer_name
        await s.make_company(name)
        did = (await s.hubspot.post("/__twin__/rep", json={"steps": 1})).json()["did"]
        assert len(did) == 1
        assert name in did[0]


async def test_the_rep_links_and_quotes_one_deal_when_asked() -> None:
    async with visit() as s:
        deal = s.twins.pair.world.deals[0]
        await s.make_company(deal.customer_name)
        for line in deal.lines:
            made = {"properties": {"name": line.sku, "hs_sku": line.sku, "price": "10"}}
            await s.hubspot.post("/crm/v3/objects/products", json=made)
        records = (await s.control("state?of=deals"))["records"]
        deal_id = next(r["id"] for r in records if r["properties"]["dealname"] == deal.name)
        did = (await s.hubspot.post("/__twin__/rep", json={"deal": deal_id})).json()["did"]
        assert len(did) == 2
        assert (await s.control("state"))["counts"]["hubspot"]["line_items"] == len(deal.lines)
        assert (await s.hubspot.post("/__twin__/rep", json={"deal": "1"})).status_code == 404


async def test_the_rep_sells_alone_unless_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "REP_SECONDS", 0.01)
    acted = asyncio.Event()
    monkeypatch.setattr(Pair, "act", lambda _pair, _steps: acted.set())
    async with visit(rep=True):
        assert "rep" in {task.get_name() for task in asyncio.all_tasks()}
        await asyncio.wait_for(acted.wait(), 5)
    async with visit(rep=False):
        assert "rep" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_reset_starts_over_and_the_same_seed_brings_the_same_world() -> None:
    async with visit() as s:
        before = await s.control("state?of=CustomersV3")
        deals = await s.control("state?of=deals")
        await s.make_company("One")
        await s.hubspot.post("/__twin__/faults", json={"fault": "html", "times": 0})
        assert (await s.hubspot.post("/__twin__/reset", json={"seed": 99})).status_code == 204
        state = await s.control("state")
        assert (state["writes"], state["counts"]["hubspot"]["companies"]) == (0, 0)
        assert await s.control("state?of=CustomersV3") != before
        assert (await s.dynamics.get("/data/CustomersV3")).status_code == 200  # the token is still good
        assert (await s.hubspot.get("/crm/v3/objects/companies")).json()["results"] == []
        await s.hubspot.post("/__twin__/reset", json={"seed": 1})
        again = await s.control("state?of=deals")
        assert [deal["id"] for deal in again["records"]] == [deal["id"] for deal in deals["records"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", "stat", None, 404, "no control call GET stat"),
        ("GET", "state?of=Nothing", None, 404, "Nothing"),
        ("GET", "state?of=deals&limit=x", None, 400, "limit must be a whole number"),
        ("GET", "writes?after=-1", None, 400, "after must be a whole number"),
        ("POST", "faults", {"fault": "slwo"}, 400, "did you mean 'slow'"),
        ("POST", "faults", [1], 400, "JSON object"),
        ("POST", "reset", {"seed": "one"}, 400, "seed must be a whole number"),
        ("POST", "rep", {}, 400, "steps must be a whole number"),
        ("PATCH", "state", {"of": "CustomersV3", "key": "x:1", "fields": {}}, 404, "no record 'x:1'"),
        ("PATCH", "state", {"of": "CustomersV3", "key": "usmf:US-001", "fields": {"No": 1}}, 400, "No"),
        ("PATCH", "state", {"of": "deals", "key": "5", "fields": {}}, 404, "deal 5"),
        ("PATCH", "state", {"of": "deals", "key": "5"}, 400, "fields must be an object"),
        ("POST", "orders/usmf:SO-9/confirm", None, 404, "no order usmf:SO-9"),
        ("POST", "orders/usmf:SO-9/burn", None, 404, "people cannot burn an order"),
        ("POST", "orders/usmf:SO-9/deliver", [1], 400, "JSON object"),
        ("POST", "set-up", {"of": "Weather", "fields": {}}, 404, "no set-up 'Weather'"),
        ("DELETE", "state", {"of": "CustomersV3", "key": "x:1"}, 404, "no record 'x:1'"),
    ],
)
async def test_a_wrong_control_call_is_told_what_is_wrong(
    method: str, path: str, body: object, status: int, sentence: str
) -> None:
    async with visit() as s:
        answer = await s.dynamics.request(method, f"/__twin__/{path}", json=body)
        assert answer.status_code == status
        assert sentence in answer.json()["error"]


async def test_latency_is_waited_on_its_side_but_not_by_control_calls() -> None:
    async with visit(latency_ms={"hubspot": 60_000}) as s:
        assert (await s.control("state"))["writes"] == 0
        assert (await s.dynamics.get("/data/LegalEntities")).status_code == 200
        with pytest.raises(httpx2.ReadTimeout):
            await s.hubspot.get("/crm/v3/objects/companies", timeout=0.2)


async def test_a_taken_port_is_told_in_a_sentence() -> None:
    async with visit() as s:
        port = int(s.twins.dynamics_url.rsplit(":", 1)[1])
        with pytest.raises(ValueError, match=f"port {port} cannot be used"):
            async with visit(dynamics_port=port):
                pass


async def test_the_same_seed_knows_the_same_credentials() -> None:
    async with visit() as one, visit() as two, visit(seed=2) as other:
        ours, theirs = one.twins.announcement(), two.twins.announcement()
        assert {n: v for n, v in ours.items() if "url" not in n and n != "authority"} == {
            n: v for n, v in theirs.items() if "url" not in n and n != "authority"
        }
        assert other.twins.announcement()["portal_id"] != ours["portal_id"]


def test_no_two_machines_have_a_switch_of_the_same_name() -> None:
    parts = (entra.SWITCHES, dynamics.SWITCHES, hubspot.SWITCHES)
    assert len(reading.SWITCHES) == sum(len(part) for part in parts)
    for name, switch in reading.SWITCHES.items():
        assert switch.name == name
        assert switch.check(switch.default) == switch.default
        assert switch.reason


def test_the_command_line_is_read() -> None:
    assert reading.parse_latency("dynamics=150, hubspot=80") == {"dynamics": 150.0, "hubspot": 80.0}
    assert reading.parse_latency("") == {}
    assert reading.parse_limit("190/10s") == (190, 10.0)
    assert reading.parse_limit("19/1s") == (19, 1.0)
    assert reading.parse_limit("off") == (0, 0.0)
    assert reading.parse_entities("USMF, demf") == ("usmf", "demf")
    assert reading.parse_rep("off") is False
    assert reading.parse_switches(["nextlink=skiptoken"]) == {"nextlink": "skiptoken"}


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (reading.parse_latency, "dynamic=1", "did you mean 'dynamics'"),
        (reading.parse_latency, "hubspot=fast", "milliseconds"),
        (reading.parse_latency, "hubspot=-1", "cannot be -1"),
        (reading.parse_limit, "190", "as in 190/10s"),
        (reading.parse_limit, "0/10s", "as in 190/10s"),
        (reading.parse_rep, "maybe", "on or off"),
        (reading.parse_switches, ["nextlnk=skip"], "did you mean 'nextlink'"),
        (reading.parse_switches, ["nextlink=skips"], "did you mean 'skip'"),
        (reading.parse_switches, ["nextlink"], "SWITCH=VALUE"),
        (reading.parse_switches, ["throttle_requests=many"], "whole number"),
    ],
)
def test_wrong_text_is_refused_in_a_sentence(read: Any, text: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read(text)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dynamics_port": 70_000}, "dynamics_port"),
        ({"dynamics_port": 81, "hubspot_port": 81}, "both twins"),
        ({"customers": -1}, "customers cannot be negative"),
        ({"page_size": 0}, "at least 1"),
        ({"legal_entities": ("us_mf",)}, "lower-case"),
        ({"switches": {"secret": "lost"}}, "secret does not take 'lost'"),
    ],
)
def test_impossible_options_are_refused_in_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TwinOptions(**wrong)
