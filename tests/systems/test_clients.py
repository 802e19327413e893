"""The clients read an answer strictly: what does not add up is an error, never a page without rows."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector.domain.clock import Surroundings
from ml_connector.errors import ConfigurationError, RejectedError, UnavailableError, WallError
from ml_connector.systems.dynamics.client import DynamicsClient
from ml_connector.systems.dynamics.faults import JUDGE as DYNAMICS_JUDGE
from ml_connector.systems.dynamics.settings import DynamicsSettings
from ml_connector.systems.dynamics.wall import DYNAMICS_WALL
from ml_connector.systems.hubspot import properties, search
from ml_connector.systems.hubspot.client import HubSpotClient
from ml_connector.systems.hubspot.faults import JUDGE as HUBSPOT_JUDGE
from ml_connector.systems.hubspot.models import UpsertInput
from ml_connector.systems.hubspot.settings import HubSpotSettings
from ml_connector.systems.hubspot.wall import HUBSPOT_WALL
from ml_connector.transport.auth import StaticToken
from ml_connector.transport.budget import MemoryLedger
from ml_connector.transport.http import Transport
from ml_connector.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "https://contoso.operations.dynamics.com"


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)

    def elapsed_s(self) -> float:
        return 0.0


class Answers(httpx2.AsyncBaseTransport):
    """Answers each request by a plain function from request to (status, data)."""

    def __init__(self, answer: Callable[[httpx2.Request], tuple[int, Any]]) -> None:
        self.answer = answer
        self.seen: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        status, data = self.answer(request)
        body = httpx2.ByteStream(json.dumps(data).encode())
        return httpx2.Response(status, headers={"content-type": "application/json"}, stream=body)


def transport(side: str, network: Answers) -> Transport:
    chance = random.Random(1)  # noqa: S311 - repeatable on purpose
    around = Surroundings(StillClock(), chance, lambda: "id", chance.randbytes)
    of_dynamics = side == "dynamics"
    return Transport(
        side=side,
        base_url=HOST if of_dynamics else "https://api.hubapi.com",
        wall=DYNAMICS_WALL if of_dynamics else HUBSPOT_WALL,
        credentials=StaticToken("a-secret-token"),
        judge=DYNAMICS_JUDGE if of_dynamics else HUBSPOT_JUDGE,
        budget=MemoryLedger(around),
        around=around,
        network=network,
        retries=RetryPolicy(attempts=1),
    )


def dynamics(answer: Callable[[httpx2.Request], tuple[int, Any]]) -> tuple[DynamicsClient, Answers]:
    network = Answers(answer)
    settings = DynamicsSettings(url=HOST, tenant="t", client_id="c")
    return DynamicsClient(transport("dynamics", network), settings), network


def hubspot(answer: Callable[[httpx2.Request], tuple[int, Any]]) -> tuple[HubSpotClient, Answers]:
    network = Answers(answer)
    return HubSpotClient(transport("hubspot", network), HubSpotSettings()), network


@pytest.mark.parametrize(
    "data", [None, [], {}, {"value": {}}, {"value": [1]}, {"value": [], "@odata.nextLink": 7}]
)
async def test_what_is_not_a_page_is_an_error(data: Any) -> None:
    client, _ = dynamics(lambda _: (200, data))
    with pytest.raises(UnavailableError):
        await client.page("CustomersV3", select=("CustomerAccount",))


async def test_reads_go_over_all_companies_and_always_select() -> None:
    client, network = dynamics(lambda _: (200, {"value": []}))
    await client.page("CustomersV3", select=("dataAreaId", "CustomerAccount"), filter="a eq 'b'", top=5)
    await client.page("LegalEntities", select=("Name",))
    first, second = (str(request.url) for request in network.seen)
    assert "cross-company=true" in first
    assert "$select=dataAreaId,CustomerAccount" in first
    assert "cross-company" not in second


async def test_an_empty_page_with_a_next_link_is_followed() -> None:
    link = f"{HOST}/data/CustomersV3?$skip=10"

    def answer(request: httpx2.Request) -> tuple[int, Any]:
        if "$skip" in str(request.url):
            return 200, {"value": [{"CustomerAccount": "1"}]}
        return 200, {"value": [], "@odata.nextLink": link}

    client, _ = dynamics(answer)
    pages = [page async for page in client.pages("CustomersV3", select=("CustomerAccount",))]
    assert [len(page.rows) for page in pages] == [0, 1]


async def test_next_links_that_lead_in_a_circle_are_noticed() -> None:
    turns = iter(range(100))

    def answer(_: httpx2.Request) -> tuple[int, Any]:
        return 200, {"value": [], "@odata.nextLink": f"{HOST}/data/CustomersV3?$skip={next(turns) % 3}"}

    client, network = dynamics(answer)
    with pytest.raises(UnavailableError, match="circle"):
        _ = [page async for page in client.pages("CustomersV3", select=("CustomerAccount",))]
    assert len(network.seen) < 6


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/data/CustomersV3?$skip=1",
        f"{HOST}/data/LedgerJournalHeaders?$skip=1",
        f"{HOST}:444/data/CustomersV3",
        "/data/CustomersV3?$skip=1",
    ],
)
async def test_a_next_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    client, network = dynamics(lambda _: (200, {"value": [], "@odata.nextLink": link}))
    with pytest.raises((UnavailableError, WallError)):
        _ = [page async for page in client.pages("CustomersV3", select=("CustomerAccount",))]
    assert len(network.seen) == 1


async def test_a_wildcard_in_a_key_finds_only_the_equal_key() -> None:
    rows = [{"dataAreaId": "usmf", "ItemNumber": number, "x": 1} for number in ("AB", "A*")]
    client, network = dynamics(lambda _: (200, {"value": rows}))
    row = await client.row("ReleasedProductsV2", {"dataAreaId": "USMF", "ItemNumber": "A*"}, select=("x",))
    assert row == rows[1]
    assert "$filter" in str(network.seen[0].url)
    assert await client.rows_by("ReleasedProductsV2", "ItemNumber", ["A*"], select=("x",)) == [rows[1]]


async def test_many_keys_are_read_in_urls_that_stay_short() -> None:
    client, network = dynamics(lambda _: (200, {"value": []}))
    numbers = [f"ITEM'{number:06}" for number in range(500)]
    await client.rows_by("ReleasedProductsV2", "ItemNumber", numbers, select=("ItemNumber", "dataAreaId"))
    assert 10 < len(network.seen) < 40
    assert max(len(str(request.url)) for request in network.seen) < 2_000


BATCH = [UpsertInput("t1", "usmf:A", {"name": "A"}), UpsertInput("t2", "usmf:B", {"name": "B"})]


def row(record_id: str, **more: Any) -> dict[str, Any]:
    return {"id": record_id, "new": True, "properties": {}, **more}


async def upsert(data: Any, status: int = 200) -> Any:
    client, _ = hubspot(lambda _: (status, data))
    return await client.upsert("companies", "d365_customer_key", BATCH)


async def test_results_are_matched_by_trace_id_in_any_order() -> None:
    report = await upsert({"results": [row("2", objectWriteTraceId="t2"), row("1", objectWriteTraceId="t1")]})
    assert {trace: done.id for trace, done in report.done.items()} == {"t1": "1", "t2": "2"}


async def test_results_without_trace_ids_are_matched_by_the_lower_cased_key() -> None:
    data = {
        "results": [
            row("2", properties={"d365_customer_key": "usmf:b"}),
            row("1", properties={"d365_customer_key": "USMF:A"}),
        ]
    }
    assert {trace: done.id for trace, done in (await upsert(data)).done.items()} == {"t1": "1", "t2": "2"}


async def test_an_error_without_a_name_refuses_the_batch_so_that_it_can_be_halved() -> None:
    data = {
        "results": [row("1", objectWriteTraceId="t1")],
        "errors": [{"message": "Bad value", "category": "VALIDATION_ERROR", "context": {}}],
    }
    with pytest.raises(RejectedError, match="Bad value"):
        await upsert(data, 207)


@pytest.mark.parametrize("data", [{"results": []}, {}, None, {"results": [{"id": None}]}])
async def test_an_answer_that_leaves_records_out_is_an_error(data: Any) -> None:
    with pytest.raises(UnavailableError):
        await upsert(data)


async def test_every_input_carries_its_trace_id_and_its_key() -> None:
    data = {"results": [row("1", objectWriteTraceId="t1"), row("2", objectWriteTraceId="t2")]}
    client, network = hubspot(lambda _: (200, data))
    await client.upsert("companies", "d365_customer_key", BATCH)
    sent = json.loads(network.seen[0].content)["inputs"]
    assert sent[0] == {
        "id": "usmf:A",
        "idProperty": "d365_customer_key",
        "objectWriteTraceId": "t1",
        "properties": {"name": "A", "d365_customer_key": "usmf:A"},
    }


async def test_long_associations_are_read_to_their_end() -> None:
    def answer(request: httpx2.Request) -> tuple[int, Any]:
        inputs = json.loads(request.content)["inputs"]
        (asked,) = inputs
        first = "after" not in asked
        types = [{"category": "HUBSPOT_DEFINED", "typeId": type_id} for type_id in (341, 5)]
        found: dict[str, Any] = {
            "from": {"id": asked["id"]},
            "to": [{"toObjectId": 11 if first else "12", "associationTypes": types}],
        }
        if first:
            found["paging"] = {"next": {"after": "x"}}
        return 200, {"results": [found], "errors": [{"category": "OBJECT_NOT_FOUND"}]}

    client, _ = hubspot(answer)
    linked = await client.associations("deals", "companies", ["7"])
    assert [(link.id, link.type_ids) for link in linked["7"]] == [
        ("11", frozenset({341, 5})),
        ("12", frozenset({341, 5})),
    ]


async def test_an_error_inside_a_batch_read_is_not_taken_for_absence() -> None:
    data = {"results": [], "errors": [{"category": "RATE_LIMITS", "message": "slow"}]}
    client, _ = hubspot(lambda _: (207, data))
    with pytest.raises(RejectedError):
        await client.read("companies", ["1"], properties=("name",))


@pytest.mark.parametrize("data", [{}, {"results": None}, {"results": [1]}])
async def test_a_listing_without_results_is_an_error(data: Any) -> None:
    client, _ = hubspot(lambda _: (200, data))
    with pytest.raises(UnavailableError):
        await client.list("deals", properties=("dealname",))


async def test_a_listing_that_leads_to_itself_is_noticed() -> None:
    client, _ = hubspot(lambda _: (200, {"results": [], "paging": {"next": {"after": "5"}}}))
    with pytest.raises(UnavailableError, match="circle"):
        await client.list("deals", properties=("dealname",), after="5")


def test_a_search_that_hubspot_would_refuse_is_not_sent() -> None:
    with pytest.raises(ConfigurationError):
        search.body([], [], ["x"], 201, None)
    with pytest.raises(ConfigurationError):
        search.body([], [search.ascending("a"), search.ascending("b")], ["x"], 200, None)
    with pytest.raises(ConfigurationError):
        search.body([], [], ["x"], 200, "10000")


def test_the_connectors_properties_are_well_formed_and_named_once() -> None:
    names = [(spec.object_type, spec.name) for spec in properties.SPECS]
    assert len(names) == len(set(names))
    assert all(name.startswith("d365_") for _, name in names)
    assert {spec.name for spec in properties.SPECS if spec.unique} == {
        "d365_customer_key",
        "d365_contact_key",
        "d365_product_key",
    }
    status = next(spec for spec in properties.SPECS if spec.name == "d365_order_status")
    assert all(option["value"] == option["label"] for option in status.definition()["options"])


async def test_a_portal_that_refuses_a_unique_product_key_gets_a_plain_one() -> None:
    def answer(request: httpx2.Request) -> tuple[int, Any]:
        body = json.loads(request.content)
        return (400, {"message": "not unique here"}) if body.get("hasUniqueValue") else (201, body)

    client, _ = hubspot(answer)
    keys = [spec for spec in properties.SPECS if spec.name == "d365_product_key"]
    assert await properties.create(client, keys) == keys
    with pytest.raises(RejectedError):
        await properties.create(
            client, [spec for spec in properties.SPECS if spec.name == "d365_customer_key"]
        )


async def test_every_property_is_made_in_the_group_dynamics_365_with_its_description() -> None:
    """Label "Dynamics 365"; what is filled says that edits are put back, what sales enters that it is read."""
    made: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> tuple[int, Any]:
        made.append(json.loads(request.content))
        return 201, made[-1]

    client, _ = hubspot(answer)
    await properties.create(client, properties.SPECS)
    groups = [body for body in made if "groupName" not in body]
    assert {(body["name"], body["label"]) for body in groups} == {("dynamics_365", "Dynamics 365")}
    found = [body for body in made if "groupName" in body]
    assert {body["groupName"] for body in found} == {"dynamics_365"}
    assert all(body["name"].startswith("d365_") and body["description"] for body in found)
    assert {body["description"].partition(".")[0] for body in found} == {
        "Filled from Dynamics; edits are put back",
        "The record's key in Dynamics",
        "Entered by sales; the connector reads it when it places the order",
    }


async def test_a_property_of_another_kind_is_told_not_replaced() -> None:
    there = [
        {"name": "d365_customer_key", "type": "string", "hasUniqueValue": False},
        {"name": "d365_status", "type": "enumeration", "options": []},
    ]
    client, _ = hubspot(lambda _: (200, {"results": there}))
    found = await properties.missing(client, ("companies",))
    problems = {entry.name for entry in found if isinstance(entry, properties.PropertyProblem)}
    assert problems == {"d365_customer_key", "d365_status"}
