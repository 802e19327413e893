"""F&O's events: the test event, the payload, retries, the errors and their resend, the other forms."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tests.twin.events_at import HOOK, START, Scene

from ml_connector.twin.dynamics.business_events import catalog_rows
from ml_connector.twin.wire import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHANGED = {"id": "CustomerChangedBusinessEvent", "set": "CustomersV3"}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    yield scene
    await scene.close()


async def arm(scene: Scene, *events: dict[str, Any]) -> None:
    """Register, and leave the test event behind."""
    status, told = await scene.ask("POST business-events", {"url": HOOK, "events": list(events)})
    assert status == 200, told
    await scene.quiet()


def customer(scene: Scene) -> str:
    rows, _ = scene.pair.records("CustomersV3", after=None, limit=1)
    return f"{rows[0]['dataAreaId']}:{rows[0]['CustomerAccount']}"


async def odata(scene: Scene, path: str, order: dict[str, Any]) -> int:
    """One POST to F&O with a token that is good."""
    entra = scene.pair.access.entra
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": entra.client_id,
            "client_secret": entra.client_secret,
            "scope": "http://fo.example/.default",
        }
    )
    headers = {"content-type": "application/x-www-form-urlencoded"}
    shell = scene.pair.shells["dynamics"]
    asked = Request("POST", f"/{entra.tenant}/oauth2/v2.0/token", headers, form.encode())
    issued = (await shell.handle(asked)).answer
    assert issued is not None
    bearer = {"authorization": f"Bearer {json.loads(issued.body)['access_token']}"}
    answer = (await shell.handle(Request("POST", f"/data/{path}", bearer, json.dumps(order).encode()))).answer
    assert answer is not None
    return answer.status


async def test_setting_up_sends_the_test_event_first(scene: Scene) -> None:
    status, told = await scene.ask("POST business-events", {"url": HOOK, "events": [CHANGED]})
    assert status == 200
    assert told["events"][0]["set"] == "CustomersV3"
    (post,) = await scene.quiet()
    assert post.body["BusinessEventId"] == "BusinessEventsTestEndpointContract"
    assert post.body["ControlNumber"] == -9223372036854775808


@pytest.mark.parametrize("status", [500, 0])
async def test_an_endpoint_that_fails_the_test_is_not_set_up(scene: Scene, status: int) -> None:
    scene.always = status
    answered, told = await scene.ask("POST business-events", {"url": HOOK, "events": [CHANGED]})
    assert answered == 400
    assert told["error"].startswith("Unable to send test event to endpoint. Exception message: ")
    assert (await scene.ask("GET business-events"))[1] == {"url": "", "events": []}


async def test_a_change_is_told_in_the_documented_form(scene: Scene) -> None:
    await arm(scene, CHANGED)
    company, account = customer(scene).split(":")
    scene.pair.edit("CustomersV3", f"{company}:{account}", {"CreditLimit": 5})
    (post,) = await scene.quiet()
    body = post.body
    assert list(body) == sorted(body)
    assert (body["BusinessEventId"], body["Account"]) == (CHANGED["id"], account)
    assert body["LegalEntity"] == body["BusinessEventLegalEntity"] == company.upper()
    assert body["EventTime"] == f"/Date({int(START.timestamp()) * 1000})/"
    assert re.fullmatch(r"2026-03-02T09:00:00\.\d{7}Z", body["EventTimeIso8601"])
    assert re.fullmatch(r"\{[0-9A-F-]{36}\}", body["InitiatingUserAADObjectId"])
    assert re.fullmatch(r"[0-9A-F-]{36}", body["EventId"])
    assert (body["ContextRecordSubject"], body["ParentContextRecordSubjects"]) == ("", [])
    assert (body["MajorVersion"], body["MinorVersion"]) == (0, 0)


async def test_control_numbers_grow_with_gaps_and_do_not_come_in_order(scene: Scene) -> None:
    await arm(scene, CHANGED)
    for credit in range(1, 31):
        scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": credit})
        await scene.pair.events.step()
    numbers = [post.body["ControlNumber"] for post in await scene.quiet()]
    assert len(set(numbers)) == 30
    assert numbers != sorted(numbers)
    assert max(numbers) - min(numbers) > 30


async def test_what_was_rolled_back_is_not_told(scene: Scene) -> None:
    """A refused order changes nothing, so nothing is sent; the same order without its fault is told."""
    await arm(scene, CHANGED, {"id": "OrderChanged", "set": "SalesOrderHeadersV3"})
    company, account = customer(scene).split(":")
    order = {"dataAreaId": company, "OrderingCustomerAccountNumber": account}
    assert await odata(scene, "SalesOrderHeadersV3", order | {"SalesOrderPoolId": "NONE"}) == 400
    assert await scene.quiet() == []
    assert await odata(scene, "SalesOrderHeadersV3", order) == 201
    (post,) = await scene.quiet()
    assert (post.body["BusinessEventId"], post.body["CustomerAccount"]) == ("OrderChanged", account)


async def test_a_legal_entity_narrows_an_event(scene: Scene) -> None:
    company = customer(scene).split(":", maxsplit=1)[0]
    other = next(entity.id for entity in scene.pair.world.legal_entities if entity.id != company)
    await arm(scene, CHANGED | {"legal_entity": other})
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 5})
    assert await scene.quiet() == []


async def test_a_name_change_is_told_for_the_customers_of_the_party(scene: Scene) -> None:
    await arm(scene, CHANGED)
    scene.pair.edit("CustomersV3", customer(scene), {"OrganizationName": "Birk"})
    posts = await scene.quiet()
    assert posts
    assert {post.body["Name"] for post in posts} == {"Birk"}


async def test_three_retries_then_the_errors_and_a_late_resend(scene: Scene) -> None:
    await arm(scene, CHANGED)
    scene.always = 503
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 5})
    posts = await scene.quiet()
    assert [later.at - posts[0].at for later in posts] == [timedelta(seconds=n) for n in range(4)]
    assert len({post.raw for post in posts}) == 1
    (failed,) = (await scene.ask("GET business-events/errors"))[1]
    assert failed["control_number"] == posts[0].body["ControlNumber"]
    scene.always = 200
    scene.now += timedelta(days=3)
    assert (await scene.ask("POST business-events/resend", {"id": failed["id"]}))[0] == 204
    (again,) = await scene.quiet()
    assert again.raw == posts[0].raw
    assert (await scene.ask("GET business-events/errors"))[1] == []
    assert (await scene.ask("POST business-events/resend", {"id": failed["id"]}))[0] == 404


async def test_duplicates_come_when_the_switch_says_so() -> None:
    scene = Scene(switches={"event_duplicates": "100"})
    await arm(scene, CHANGED)
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 5})
    one, two = await scene.quiet()
    assert one.raw == two.raw
    await scene.close()


async def test_through_dataverse_the_event_comes_as_parameters_of_a_message(scene: Scene) -> None:
    await arm(scene, CHANGED | {"form": "dataverse"})
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 5})
    (post,) = await scene.quiet()
    parameters = {entry["key"]: entry["value"] for entry in post.body["InputParameters"]}
    assert post.body["MessageName"] == f"mserp_{CHANGED['id']}"
    assert parameters["Account"] == customer(scene).split(":")[1]


async def test_a_data_event_holds_what_changed_and_what_was_before() -> None:
    scene = Scene(switches={"event_form": "data"})
    await arm(scene, CHANGED)
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 5, "OnHoldStatus": "All"})
    (post,) = await scene.quiet()
    body = post.body
    assert (body["MessageName"], body["PrimaryEntityName"]) == ("Update", "mserp_custcustomerv3entity")
    (target,) = (entry["value"] for entry in body["InputParameters"] if entry["key"] == "Target")
    changed = {entry["key"]: entry["value"] for entry in target["Attributes"]}
    assert changed["mserp_creditlimit"] == 5
    assert changed["mserp_onholdstatus"]["Value"] > 200_000_000
    assert changed["mserp_customeraccount"] == customer(scene).split(":")[1]
    assert "mserp_organizationname" not in changed
    (before,) = body["PreEntityImages"]
    assert "mserp_creditlimit" in {entry["key"] for entry in before["value"]["Attributes"]}
    await scene.close()


async def test_reset_and_delete_forget_the_endpoint(scene: Scene) -> None:
    await arm(scene, CHANGED)
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 5})
    await scene.ask("DELETE business-events")
    assert await scene.quiet() == []
    await arm(scene, CHANGED)
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 6})
    await scene.ask("POST reset", {})
    scene.pair.edit("CustomersV3", customer(scene), {"CreditLimit": 7})
    assert await scene.quiet() == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"id": "X", "set": "Customers"}, "no entity set 'Customers'"),
        (CHANGED | {"legal_entity": "zzzz"}, "no legal entity 'zzzz'"),
        (CHANGED | {"form": "odd"}, "not 'odd'"),
        (CHANGED | {"fields": {"A": "Nothing"}}, "no property 'Nothing'"),
        ({"set": "CustomersV3"}, "id must be a text"),
    ],
)
async def test_a_wrong_activation_is_told_and_sends_nothing(
    scene: Scene, event: dict[str, Any], words: str
) -> None:
    status, told = await scene.ask("POST business-events", {"url": HOOK, "events": [event]})
    assert status == 400
    assert words in told["error"]
    assert scene.received == []


async def test_the_catalogue_lists_what_is_activated(scene: Scene) -> None:
    assert not any(catalog_rows(scene.pair.events.business).values())
    await arm(scene, CHANGED | {"legal_entity": "usmf"})
    rows = catalog_rows(scene.pair.events.business)
    shown, _ = scene.pair.records("BusinessEventsCatalogs", after=None, limit=9)
    assert [row["BusinessEventId"] for row in shown] == [CHANGED["id"]]
    assert [row["BusinessEventId"] for row in rows["BusinessEventsCatalogs"]] == [CHANGED["id"]]
    (configuration,) = rows["BusinessEventsConfigurations"]
    assert configuration["LegalEntity"] == "usmf"
    assert rows["BusinessEventsEndpoints"][0]["Name"] == configuration["BusinessEventsEndpoint_Name"]


@pytest.mark.parametrize(("order", "in_order"), [("kept", True), ("any", False)])
async def test_events_keep_their_order_only_where_the_switch_says_so(order: str, in_order: bool) -> None:  # noqa: FBT001 - a case
    scene = Scene({"event_order": order, "event_delay_ms": "2000"})
    await arm(scene, CHANGED)
    key = customer(scene)
    for number in range(12):
        scene.pair.edit("CustomersV3", key, {"PrimaryContactPhone": f"+1 206 555 01{number:02}"})
    numbers = [post.body["ControlNumber"] for post in await scene.quiet()]
    assert len(numbers) == 12
    assert (numbers == sorted(numbers)) == in_order
    await scene.close()


async def test_events_trail_the_commit_by_no_more_than_the_switch_says() -> None:
    scene = Scene({"event_order": "kept", "event_delay_ms": "2000"})
    await arm(scene, CHANGED)
    changed_at = scene.now
    scene.pair.edit("CustomersV3", customer(scene), {"PrimaryContactPhone": "+1 206 555 0199"})
    (post,) = await scene.quiet()
    assert post.at - changed_at == timedelta(milliseconds=2000)
    await scene.close()


async def test_events_committed_together_may_share_a_post() -> None:
    scene = Scene({"event_posts": "bundled"})
    await arm(scene, CHANGED)
    keys = [
        f"{row['dataAreaId']}:{row['CustomerAccount']}"
        for row in scene.pair.records("CustomersV3", after=None, limit=2)[0]
    ]
    for key in keys:
        scene.pair.edit("CustomersV3", key, {"PrimaryContactPhone": "+1 206 555 0199"})
    (post,) = await scene.quiet()
    assert len(post.body) == 2
    assert {event["BusinessEventId"] for event in post.body} == {CHANGED["id"]}
    await scene.close()
