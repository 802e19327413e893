"""The same promises for each side, kept against its twin over real sockets."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UncertainWriteError,
)
from ml_connector.systems.hubspot import properties
from ml_connector.systems.hubspot.models import UpsertInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Twins

    from ml_connector.systems.hubspot.client import HubSpotClient


# Ping ---------


async def test_ping_succeeds_and_brings_home_what_the_flows_need(twins: Twins) -> None:
    dynamics = await twins.ping("dynamics")
    assert dynamics.ok, dynamics.steps
    assert set(dynamics.facts["legal_entities"]) == {"usmf", "ussi", "demf"}
    assert all(len(entry["currency"]) == 3 for entry in dynamics.facts["legal_entities"].values())
    hubspot = await twins.ping("hubspot", expected_portal=twins.access["portal_id"])
    assert hubspot.ok, hubspot.steps
    assert hubspot.facts["portal_id"] == twins.access["portal_id"]
    assert len(hubspot.facts["company_currency"]) == 3
    assert hubspot.facts["pipelines"]


async def test_ping_tells_a_wrong_credential_from_a_wrong_host(twins: Twins, side: str) -> None:
    wrong = {"dynamics": {"client_secret": "not-the-secret"}, "hubspot": {"hubspot_token": "pat-na1-wrong"}}
    report = await twins.ping(side, **wrong[side])
    assert not report.ok
    assert isinstance(report.error, CredentialsError)
    assert report.steps[-1].fix
    nowhere = "http://127.0.0.1:9"
    hosts = {"dynamics": {"dynamics_url": nowhere, "authority": nowhere}, "hubspot": {"hubspot_url": nowhere}}
    report = await twins.ping(side, **hosts[side])
    assert isinstance(report.error, UnavailableError)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tenant": "no-such-tenant.example"}, "tenant"),
        ({"client_id": "00000000-0000-0000-0000-00000000dead"}, "client id"),
    ],
)
async def test_ping_names_which_part_of_the_app_is_wrong(twins: Twins, changed: Any, words: str) -> None:
    report = await twins.ping("dynamics", **changed)
    assert isinstance(report.error, CredentialsError)
    assert words in f"{report.error.message} {report.error.hint}"


async def test_ping_names_the_nearest_legal_entity(twins: Twins) -> None:
    report = await twins.ping("dynamics", legal_entities=("usmv",))
    assert isinstance(report.error, ConfigurationError)
    assert "'usmf'" in report.error.message


async def test_the_token_of_another_portal_is_refused(twins: Twins) -> None:
    report = await twins.ping("hubspot", expected_portal=1)
    assert isinstance(report.error, CredentialsError)
    assert str(twins.access["portal_id"]) in report.error.message


# Pages ---------


@pytest.mark.parametrize("size", [1, 7, 30, 10_000])
async def test_pages_neither_skip_nor_repeat_a_row(size: int, start: Callable[..., Any]) -> None:
    twins = await start(page_size=size)
    client = twins.dynamics()
    keys = [
        (row["dataAreaId"], row["CustomerAccount"])
        async for page in client.pages("CustomersV3", select=("dataAreaId", "CustomerAccount"))
        for row in page.rows
    ]
    assert len(keys) == len(set(keys)) == await client.count("CustomersV3")
    assert {entity for entity, _ in keys} == {"usmf", "ussi", "demf"}


@pytest.mark.parametrize("limit", [1, 5, 100])
async def test_listings_neither_skip_nor_repeat_a_record(limit: int, twins: Twins) -> None:
    client = twins.hubspot()
    seen: list[str] = []
    after = None
    while True:
        page = await client.list("deals", properties=("dealname",), limit=limit, after=after)
        seen += [record["id"] for record in page.records]
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 12


# Waiting and renewing ---------


async def test_throttling_is_waited_out(twins: Twins, side: str) -> None:
    client = twins.client(side)
    await twins.read(side, client)
    await twins.fault(side, match={"method": "GET"}, fault="status", status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    await twins.read(side, client)
    assert time.monotonic() - began >= 1.0
    assert client.transport.throttled == 1


async def test_a_pause_of_an_hour_is_handed_back(twins: Twins, side: str) -> None:
    client = twins.client(side)
    await twins.fault(
        side, match={"path": "/(data|crm)/"}, fault="status", status=429, headers={"Retry-After": "86400"}
    )
    with pytest.raises(ThrottledError) as caught:
        await twins.read(side, client)
    assert caught.value.retry_after_s == 3600


async def test_an_expired_token_is_renewed_once(twins: Twins) -> None:
    client = twins.dynamics()
    await twins.read("dynamics", client)
    await twins.fault("dynamics", match={"path": "/data/"}, fault="expired-token")
    await twins.read("dynamics", client)
    await twins.fault("dynamics", match={"path": "/data/"}, fault="status", status=401, times=None)
    with pytest.raises(CredentialsError):
        await twins.read("dynamics", client)


async def test_a_revoked_token_stops_without_a_loop(twins: Twins) -> None:
    client = twins.hubspot()
    await twins.fault("hubspot", match={"path": "/crm/"}, fault="expired-token", times=None)
    with pytest.raises(CredentialsError):
        await twins.read("hubspot", client)
    assert client.transport.sent == 1


@pytest.mark.parametrize("fault", ["reset-before", "truncate", "html", "status"])
async def test_a_read_survives_a_broken_answer(fault: str, twins: Twins, side: str) -> None:
    client = twins.client(side)
    order: dict[str, Any] = {"match": {"path": "/(data|crm)/"}, "fault": fault}
    await twins.fault(side, **(order | {"status": 503} if fault == "status" else order))
    await twins.read(side, client)
    assert client.transport.sent == 2


async def test_limits_are_learned_from_the_answers_and_kept(start: Callable[..., Any]) -> None:
    twins = await start(hubspot_limit=(10, 1.0))
    client = twins.hubspot()
    await asyncio.gather(*(client.list("deals", properties=("dealname",)) for _ in range(45)))
    state = await twins.control("hubspot", "GET", "state")
    assert (client.transport.throttled, state["throttled"]) == (0, 0)


async def test_searches_keep_to_five_a_second(twins: Twins) -> None:
    client = twins.hubspot()
    await asyncio.gather(
        *(client.search("deals", filters=(), properties=("dealname",), limit=1) for _ in range(12))
    )
    assert client.transport.throttled == 0


# Writing to HubSpot ---------


async def prepared(client: HubSpotClient) -> None:
    """Give the portal the connector's properties."""
    lacking = await properties.missing(client, ("companies", "products", "deals"))
    specs = [entry for entry in lacking if isinstance(entry, properties.PropertySpec)]
    assert len(specs) == len(lacking)
    await properties.create(client, specs)


def company(number: int, **more: str) -> UpsertInput:
    return UpsertInput(f"trace-{number}", f"usmf:C-{number}", {"name": f"Company {number}", **more})


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
async def test_upserting_twice_changes_nothing(version: str, twins: Twins) -> None:
    client = twins.hubspot(api_version=version)
    await prepared(client)
    batch = [company(number) for number in range(100)]
    first = await client.upsert("companies", "d365_customer_key", batch)
    assert len(first.done) == 100
    assert all(entry.new for entry in first.done.values())
    second = await client.upsert("companies", "d365_customer_key", batch)
    assert {trace: entry.id for trace, entry in second.done.items()} == {
        trace: entry.id for trace, entry in first.done.items()
    }
    assert not any(entry.new for entry in second.done.values())
    state = await twins.control("hubspot", "GET", "state")
    assert state["counts"]["hubspot"]["companies"] == 100


async def test_a_rejected_record_does_not_sink_its_batch(twins: Twins) -> None:
    client = twins.hubspot()
    await prepared(client)
    batch = [company(1), company(2, no_such_property="x"), company(3)]
    report = await client.upsert("companies", "d365_customer_key", batch)
    assert set(report.done) == {"trace-1", "trace-3"}
    refused = report.refused["trace-2"]
    assert refused.code == "hubspot.property_missing"
    assert "no_such_property" in refused.message
    assert refused.hint


async def test_two_records_with_one_key_refuse_the_whole_batch(twins: Twins) -> None:
    client = twins.hubspot()
    await prepared(client)
    twice = [company(1), UpsertInput("trace-b", "usmf:C-1", {"name": "Other"})]
    with pytest.raises(RejectedError) as caught:
        await client.upsert("companies", "d365_customer_key", twice)
    assert caught.value.status == 400


async def test_an_upsert_whose_answer_was_lost_is_sent_again(twins: Twins) -> None:
    client = twins.hubspot()
    await prepared(client)
    await twins.fault("hubspot", match={"path": "batch/upsert"}, fault="reset-after-commit")
    report = await client.upsert("companies", "d365_customer_key", [company(1)], call_id="call-1")
    assert not report.done["trace-1"].new
    state = await twins.control("hubspot", "GET", "state")
    assert state["counts"]["hubspot"]["companies"] == 1


async def test_properties_are_created_once_and_found_afterwards(twins: Twins) -> None:
    client = twins.hubspot()
    await prepared(client)
    assert await properties.missing(client, ("companies", "products", "deals")) == []
    before = len(await twins.writes())
    await properties.create(client, [spec for spec in properties.SPECS if spec.object_type == "companies"])
    assert await properties.missing(client, ("companies",)) == []
    assert len(await twins.writes()) > before  # asked again, and left as they are


async def test_records_are_read_back_by_id_and_by_key(twins: Twins) -> None:
    client = twins.hubspot()
    await prepared(client)
    report = await client.upsert("companies", "d365_customer_key", [company(number) for number in range(3)])
    ids = {entry.id for entry in report.done.values()}
    assert set(await client.read("companies", [*ids, "999999999"], properties=("name",))) == ids
    by_key = await client.read(
        "companies", ["usmf:C-1", "usmf:none"], properties=("name",), id_property="d365_customer_key"
    )
    assert by_key["usmf:C-1"]["properties"]["name"] == "Company 1"
    assert set(by_key) == {"usmf:C-1"}
    one = await client.get("companies", "usmf:C-2", properties=("name",), id_property="d365_customer_key")
    assert one is not None
    assert one["id"] == report.done["trace-2"].id
    assert await client.get("companies", "999999999", properties=("name",)) is None


async def test_a_deal_shows_its_order_and_its_links(twins: Twins) -> None:
    client = twins.hubspot()
    await prepared(client)
    deal = (await client.list("deals", properties=("dealname",), limit=1)).records[0]["id"]
    await client.update("deals", deal, {"d365_order_status": "Open", "d365_sales_order_number": "S-1"})
    read = await client.get("deals", deal, properties=("d365_order_status", "d365_sales_order_number"))
    assert read is not None
    assert read["properties"]["d365_order_status"] == "Open"
    assert (await client.associations("deals", "companies", [deal])).get(deal, []) == []
    assert await client.owners()
    stages = [stage for pipeline in await client.pipelines("deals") for stage in pipeline.stages]
    assert any(stage.closed and float(stage.probability) == 1 for stage in stages)


# Writing to Dynamics ---------


async def an_order_header(twins: Twins) -> dict[str, Any]:
    client = twins.dynamics()
    page = await client.page(
        "CustomersV3", select=("dataAreaId", "CustomerAccount", "SalesCurrencyCode"), top=1
    )
    row = page.rows[0]
    return {
        "dataAreaId": row["dataAreaId"],
        "OrderingCustomerAccountNumber": row["CustomerAccount"],
        "InvoiceCustomerAccountNumber": row["CustomerAccount"],
        "CurrencyCode": row["SalesCurrencyCode"],
        "LanguageId": "en-US",
        "CustomersOrderReference": "HS-1-2",
    }


async def orders(twins: Twins) -> int:
    return await twins.dynamics().count("SalesOrderHeadersV2")


async def test_an_order_is_created_and_found_by_its_reference(twins: Twins) -> None:
    client = twins.dynamics()
    header = await an_order_header(twins)
    made = await client.create("SalesOrderHeadersV2", header, call_id="call-1")
    assert made["SalesOrderNumber"]
    found = await client.rows_by(
        "SalesOrderHeadersV2", "CustomersOrderReference", ["HS-1-2", "HS-9'9"], select=("SalesOrderNumber",)
    )
    assert [row["SalesOrderNumber"] for row in found] == [made["SalesOrderNumber"]]
    key = {"dataAreaId": header["dataAreaId"], "SalesOrderNumber": made["SalesOrderNumber"]}
    row = await client.row("SalesOrderHeadersV2", key, select=("CustomersOrderReference",))
    assert row is not None
    assert row["CustomersOrderReference"] == "HS-1-2"
    assert (
        await client.row("SalesOrderHeadersV2", key | {"SalesOrderNumber": "none"}, select=("dataAreaId",))
        is None
    )
    assert (
        await client.row("SalesOrderHeadersV2", key | {"SalesOrderNumber": "a/b%*"}, select=("dataAreaId",))
        is None
    )


@pytest.mark.parametrize(
    ("fault", "landed"), [("reset-after-commit", 1), ("truncate", 1), ("html", 0), ("reset-before", 0)]
)
async def test_an_order_whose_answer_was_lost_is_uncertain_and_not_sent_again(
    fault: str, landed: int, twins: Twins
) -> None:
    before = await orders(twins)
    header = await an_order_header(twins)
    await twins.fault("dynamics", match={"method": "POST", "path": "SalesOrderHeaders"}, fault=fault)
    client = twins.dynamics()
    with pytest.raises(UncertainWriteError):
        await client.create("SalesOrderHeadersV2", header, call_id="call-1")
    assert client.transport.sent == 1
    assert await orders(twins) == before + landed


async def test_a_refused_order_says_why_in_the_infologs_words(twins: Twins) -> None:
    before = await orders(twins)
    header = await an_order_header(twins)
    with pytest.raises(RejectedError) as caught:
        await twins.dynamics().create(
            "SalesOrderHeadersV2", header | {"CurrencyCode": "XXX"}, call_id="call-1"
        )
    assert "XXX" in caught.value.message
    for noise in ("Infolog", "Warning:", "validateField", "stack", " at Microsoft"):
        assert noise not in caught.value.message
    assert await orders(twins) == before


async def test_a_wrong_name_is_a_fault_of_the_mapping(twins: Twins) -> None:
    client = twins.dynamics()
    with pytest.raises(ConfigurationError, match="NoSuchField"):
        await client.page("CustomersV3", select=("NoSuchField",))
    with pytest.raises(ConfigurationError, match="NoSuchEntities"):
        await client.page("NoSuchEntities", select=("Name",))


# Secrets ---------


async def test_no_secret_stands_in_a_log_line_or_an_error(
    twins: Twins, side: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = twins.client(side)
    secrets = [twins.access["client_secret"], twins.access["hubspot_token"]]
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as lines:
        await twins.ping(side)
        secrets.append((await client.transport.authorization()).removeprefix("Bearer "))
        for order in (
            {"fault": "status", "status": 401, "times": 2},
            {"fault": "status", "status": 400},
            {"fault": "reset-before", "times": None},
        ):
            await twins.fault(side, match={"path": "/(data|crm)/"}, **order)
            with pytest.raises(ConnectorError) as caught:
                await twins.read(side, client)
            shown = f"{caught.value!r} {vars(caught.value)} {caught.value.__cause__!r} {lines} {caplog.text}"
            assert not [secret for secret in secrets if secret in shown]
