"""HubSpot's webhooks: what is told, how often it is tried, and who may set it up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.twin.events_at import HOOK, Scene

from ml_connector.twin.hubspot.signatures import sign_v1, sign_v3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PLAIN = {"url": HOOK, "order": "kept", "delay_ms": 0}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    yield scene
    await scene.close()


async def arm(scene: Scene, *types: str, **more: Any) -> dict[str, Any]:
    status, told = await scene.ask("POST webhooks", PLAIN | {"types": list(types)} | more)
    assert status == 201, told
    return dict(told)


async def make(scene: Scene, kind: str, **properties: str) -> str:
    status, made = await scene.hubspot(f"POST /crm/v3/objects/{kind}", {"properties": properties})
    assert status == 201, made
    return str(made["id"])


async def told(scene: Scene) -> list[dict[str, Any]]:
    return [event for post in await scene.quiet() for event in post.body]


async def test_nothing_leaves_before_a_receiver_is_registered(scene: Scene) -> None:
    await make(scene, "companies", name="Adler")
    assert await scene.quiet() == []
    await arm(scene)
    assert await scene.quiet() == []


async def test_a_property_change_carries_the_documented_fields(scene: Scene) -> None:
    company = await make(scene, "companies", name="Adler")
    app = await arm(scene, "company.propertyChange:name")
    await scene.hubspot(f"PATCH /crm/v3/objects/companies/{company}", {"properties": {"name": "Birk"}})
    (event,) = await told(scene)
    assert {name: value for name, value in event.items() if name not in {"eventId", "subscriptionId"}} == {
        "portalId": scene.pair.access.portal_id,
        "appId": app["app_id"],
        "occurredAt": 1_772_442_000_000,
        "subscriptionType": "company.propertyChange",
        "attemptNumber": 0,
        "objectId": int(company),
        "propertyName": "name",
        "propertyValue": "Birk",
        "changeSource": "INTEGRATION",
        "sourceId": str(app["app_id"]),
    }


async def test_a_write_that_changes_nothing_tells_nothing(scene: Scene) -> None:
    company = await make(scene, "companies", name="Adler")
    await arm(scene)
    await scene.hubspot(f"PATCH /crm/v3/objects/companies/{company}", {"properties": {"name": "Adler"}})
    assert await told(scene) == []


async def test_every_way_to_change_the_portal_is_told(scene: Scene) -> None:
    """API writes, edits and stage moves by people, the bin, merges, privacy deletions, associations."""
    await arm(scene)
    one = await make(scene, "contacts", email="a@example.com")
    two = await make(scene, "contacts", email="b@example.com")
    company = await make(scene, "companies", name="Adler")
    deal = next(iter(scene.pair.hubspot.world_deals))
    assert {event["subscriptionType"] for event in await told(scene)} >= {
        "contact.creation",
        "contact.propertyChange",
        "company.creation",
    }
    scene.pair.edit("companies", company, {"name": "Birk"})
    (edited,) = await told(scene)
    assert (edited["changeSource"], edited["sourceId"]) == ("CRM_UI", "userId:7000001")
    await scene.ask(f"POST deals/{deal}/stage", {"stage": "won"})
    assert "dealstage" in {event["propertyName"] for event in await told(scene)}
    await scene.hubspot(f"PUT /crm/v4/objects/contacts/{one}/associations/default/companies/{company}")
    links = {event["associationType"]: event for event in await told(scene)}
    assert set(links) == {"CONTACT_TO_COMPANY", "COMPANY_TO_CONTACT"}
    link = links["CONTACT_TO_COMPANY"]
    assert "objectId" not in link
    assert (link["fromObjectId"], link["toObjectId"]) == (int(one), int(company))
    assert (link["associationRemoved"], link["isPrimaryAssociation"]) == (False, False)
    await scene.hubspot(f"DELETE /crm/v4/objects/contacts/{one}/associations/companies/{company}")
    assert all(event["associationRemoved"] for event in await told(scene))
    order = {"primaryObjectId": one, "objectIdToMerge": two}
    merged = (await scene.hubspot("POST /crm/v3/objects/contacts/merge", order))[1]["id"]
    (event,) = await told(scene)
    assert (event["subscriptionType"], event["newObjectId"]) == ("contact.merge", int(merged))
    assert (event["primaryObjectId"], event["mergedObjectIds"]) == (int(one), [int(two)])
    await scene.hubspot("POST /crm/v3/objects/contacts/gdpr-delete", {"objectId": merged})
    assert {event["subscriptionType"] for event in await told(scene)} == {
        "contact.privacyDeletion",
        "contact.deletion",
    }
    await scene.hubspot(f"DELETE /crm/v3/objects/companies/{company}")
    (gone,) = await told(scene)
    assert (gone["subscriptionType"], gone["changeFlag"]) == ("company.deletion", "DELETED")


async def test_both_signatures_match_what_was_sent(scene: Scene) -> None:
    app = await arm(scene, "company.creation", secret="s3cret")
    await make(scene, "companies", name="Adler")
    (post,) = await scene.quiet()
    assert app["secret"] == "s3cret"
    assert post.headers["X-HubSpot-Signature"] == sign_v1("s3cret", post.raw)
    stamp = post.headers["X-HubSpot-Request-Timestamp"]
    assert post.headers["X-HubSpot-Signature-v3"] == sign_v3("s3cret", "POST", HOOK, post.raw, stamp)


async def test_one_signature_can_be_chosen(scene: Scene) -> None:
    await arm(scene, "company.creation", signature="v1")
    await make(scene, "companies", name="Adler")
    (post,) = await scene.quiet()
    assert "X-HubSpot-Signature-v3" not in post.headers
    assert post.headers["X-HubSpot-Signature-Version"] == "v1"


@pytest.mark.parametrize("status", [500, 404, 302, 0])
async def test_ten_retries_come_within_24_hours_and_then_no_more(scene: Scene, status: int) -> None:
    """Hours pass on the test's clock only; every attempt is signed anew and says its number."""
    await arm(scene, "company.creation")
    scene.always = status
    await make(scene, "companies", name="Adler")
    posts = await scene.quiet()
    assert [post.body[0]["attemptNumber"] for post in posts] == list(range(11))
    assert timedelta(hours=12) < posts[-1].at - posts[0].at <= timedelta(hours=24)
    assert len({post.headers["X-HubSpot-Request-Timestamp"] for post in posts}) == 11
    assert len({post.body[0]["eventId"] for post in posts}) == 1
    attempts = (await scene.ask("GET deliveries"))[1]
    assert [row["outcome"] for row in attempts] == ["retried"] * 10 + ["given up"]
    assert {row["status"] for row in attempts} == {status}
    assert [row["attempt"] for row in (await scene.ask("GET deliveries?after=10"))[1]] == [10]


async def test_a_retry_that_is_taken_is_the_last(scene: Scene) -> None:
    await arm(scene, "company.creation")
    scene.statuses = [503, 204]
    await make(scene, "companies", name="Adler")
    assert len(await scene.quiet()) == 2


async def test_a_post_holds_a_hundred_events_at_most(scene: Scene) -> None:
    await arm(scene, "product.creation", "product.propertyChange:name")
    inputs = [{"properties": {"name": f"P{number}"}} for number in range(75)]
    await scene.hubspot("POST /crm/v3/objects/products/batch/create", {"inputs": inputs})
    assert [len(post.body) for post in await scene.quiet()] == [100, 50]


async def test_events_are_doubled_lost_and_mixed_when_asked(scene: Scene) -> None:
    await arm(scene, "product.creation", duplicates=100)
    await make(scene, "products", name="One")
    assert len(await told(scene)) == 2
    await arm(scene, "product.creation", losses=100)
    await make(scene, "products", name="Two")
    assert await told(scene) == []
    await arm(scene, "product.creation", order="any")
    inputs = [{"properties": {"name": f"P{number}"}} for number in range(20)]
    answer = await scene.hubspot("POST /crm/v3/objects/products/batch/create", {"inputs": inputs})
    made = sorted(int(row["id"]) for row in answer[1]["results"])
    seen = [event["objectId"] for event in await told(scene)]
    assert seen != made
    assert sorted(seen) == made


async def test_reset_and_delete_forget_the_receiver(scene: Scene) -> None:
    await arm(scene, "company.creation")
    await make(scene, "companies", name="Adler")
    await scene.ask("DELETE webhooks")
    assert await scene.quiet() == []
    await arm(scene, "company.creation")
    await make(scene, "companies", name="Birk")
    await scene.ask("POST reset", {})
    assert await scene.quiet() == []
    assert (await scene.ask("GET webhooks"))[1]["url"] is None


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"url": "ftp://x"}, "not an http or https address"),
        ({"url": HOOK, "types": ["company.creating"]}, "did you mean 'company.creation'"),
        ({"url": HOOK, "signature": "v9"}, "does not take 'v9'"),
        ({}, "url must be a text"),
    ],
)
async def test_a_wrong_registration_is_told_and_changes_nothing(
    scene: Scene, order: dict[str, Any], words: str
) -> None:
    status, answer = await scene.ask("POST webhooks", order)
    assert status == 400
    assert words in answer["error"]
    assert (await scene.ask("GET webhooks"))[1]["url"] is None


@pytest.mark.parametrize("area", ["webhooks/v3", "webhooks/2026-03", "app-webhooks/2026-09"])
async def test_the_settings_api_registers_what_is_then_told(scene: Scene, area: str) -> None:
    app = (await scene.ask("GET webhooks"))[1]
    root, key = f"/{area}/{app['app_id']}", f"?hapikey={app['developer_key']}"
    assert (await scene.hubspot(f"GET {root}/settings{key}"))[0] == 404
    target = {"targetUrl": HOOK, "throttling": {"maxConcurrentRequests": 8}}
    status, settings = await scene.hubspot(f"PUT {root}/settings{key}", target)
    assert (status, settings["targetUrl"], settings["throttling"]) == (200, HOOK, target["throttling"])
    wanted = {"eventType": "object.creation", "objectTypeId": "0-2", "active": False}
    status, made = await scene.hubspot(f"POST {root}/subscriptions{key}", wanted)
    assert (status, made["active"], made["id"].isdigit()) == (201, False, True)
    await make(scene, "companies", name="Adler")
    assert await told(scene) == []
    batch = {"inputs": [{"id": int(made["id"]), "active": True}, {"id": 1, "active": True}]}
    status, updated = await scene.hubspot(f"POST {root}/subscriptions/batch/update{key}", batch)
    assert status == (200 if "app-" in area else 207)
    assert (len(updated["results"]), updated["numErrors"]) == (1, 1)
    company = await make(scene, "companies", name="Birk")
    (event,) = await told(scene)
    assert (event["objectId"], event["objectTypeId"], event["isSensitive"]) == (int(company), "0-2", False)
    one = f"{root}/subscriptions/{made['id']}{key}"
    assert (await scene.hubspot(f"PATCH {one}", {"active": False}))[1]["active"] is False
    assert (await scene.hubspot(f"DELETE {one}"))[0] == 204
    assert (await scene.hubspot(f"GET {one}"))[0] == 404
    assert (await scene.hubspot(f"GET {root}/subscriptions{key}"))[1] == {"results": []}
    assert (await scene.hubspot(f"DELETE {root}/settings{key}"))[0] == 204


async def test_the_settings_api_opens_to_a_developer_key_only(scene: Scene) -> None:
    app = scene.pair.events.app.id
    status, refused = await scene.hubspot(f"GET /webhooks/v3/{app}/settings")
    assert (status, refused["category"]) == (403, "MISSING_SCOPES")
    assert refused["errors"][0]["context"]["requiredGranularScopes"] == [
        "developers-read",
        "private-apps-read",
    ]
    assert (await scene.hubspot(f"GET /app-webhooks/2026-09/{app}/settings"))[0] == 401


@pytest.mark.parametrize(
    "order",
    [
        {"eventType": "company.creating"},
        {"eventType": "company.propertyChange"},
        {"eventType": "company.creation", "propertyName": "name"},
        {"eventType": "object.creation"},
    ],
)
async def test_a_subscription_that_makes_no_sense_is_refused(scene: Scene, order: dict[str, Any]) -> None:
    app = scene.pair.events.app
    path = f"/webhooks/v3/{app.id}/subscriptions?hapikey={app.developer_key}"
    status, refused = await scene.hubspot(f"POST {path}", order)
    assert (status, refused["category"]) == (400, "VALIDATION_ERROR")


async def test_six_is_the_least_concurrency(scene: Scene) -> None:
    app = scene.pair.events.app
    path = f"/webhooks/v3/{app.id}/settings?hapikey={app.developer_key}"
    target = {"targetUrl": HOOK, "throttling": {"maxConcurrentRequests": 5}}
    assert (await scene.hubspot(f"PUT {path}", target))[0] == 400


async def test_one_secret_signs_an_apps_webhooks_and_gets_its_tokens() -> None:
    scene = Scene()
    _, app = await scene.ask("GET webhooks")
    assert app["secret"] == scene.pair.access.hubspot_app.client_secret
    await scene.close()
