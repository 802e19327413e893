"""The account of the HubSpot twin: token, scopes, limits, details, owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk


@pytest.mark.parametrize("header", ["", "Bearer wrong", "pat-na1-demo", "Basic pat-na1-demo"])
def test_only_the_bearer_token_opens(desk: Desk, header: str) -> None:
    """A wrong credential is 401 INVALID_AUTHENTICATION [O]."""
    answer = desk.send("POST", desk.objects("companies"), {}, authorization=header)
    body = orjson.loads(answer.body)
    assert answer.status == 401
    assert body["category"] == "INVALID_AUTHENTICATION"
    assert body["message"].startswith("Authentication credentials not found.")
    assert answer.written is not None
    assert not answer.written.committed


def test_missing_scope_is_403_naming_it(open_portal: Callable[..., Desk]) -> None:
    """403 MISSING_SCOPES with requiredGranularScopes [D]; an object scope gives no schema writes [O]."""
    desk = open_portal(missing_scopes="crm.objects.deals.read,crm.schemas.companies.write")
    body = desk.ask("GET", desk.objects("deals"), status=403)
    assert body["category"] == "MISSING_SCOPES"
    assert body["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.deals.read"]}
    assert body["links"] == {"scopes": "https://developers.hubspot.com/scopes"}
    desk.ask("POST", "/crm/properties/2026-03/companies/groups", {"name": "a", "label": "A"}, status=403)
    desk.create("companies", name="A")


def test_any_of_the_scopes_opens_an_endpoint(open_portal: Callable[..., Desk]) -> None:
    """Products open with their own scope or with e-commerce [S]; their schema with e-commerce only [S/O]."""
    desk = open_portal(missing_scopes="crm.objects.products.write")
    desk.create("products", name="A")
    desk = open_portal(missing_scopes="e-commerce")
    desk.create("products", name="A")
    group = {"name": "a", "label": "A"}
    body = desk.ask("POST", "/crm/properties/2026-03/products/groups", group, status=403)
    assert body["errors"][0]["context"]["requiredGranularScopes"] == ["e-commerce"]


def test_token_info_lists_the_scopes(open_portal: Callable[..., Desk]) -> None:
    """Introspection takes the token in the body and needs no header [D/O]."""
    desk = open_portal(missing_scopes="crm.import")
    path = "/oauth/v2/private-apps/get/access-token-info"
    answer = desk.send("POST", path, {"tokenKey": "pat-na1-demo"}, authorization="")
    body = orjson.loads(answer.body)
    assert answer.status == 200
    assert body["hubId"] == 4711
    assert body["isUserToken"] is False
    assert "crm.objects.companies.read" in body["scopes"]
    assert "crm.import" not in body["scopes"]
    assert answer.written is None
    assert desk.send("POST", path, {"tokenKey": "other"}).status == 401


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
def test_account_details(desk: Desk, version: str) -> None:
    """Portal id, currencies of the legal entities, time zone and offsets [S]."""
    body = desk.ask("GET", f"/account-info/{version}/details")
    assert body["portalId"] == 4711
    assert body["accountType"] == "STANDARD"
    assert (body["companyCurrency"], body["additionalCurrencies"]) == ("USD", ["EUR"])
    assert (body["timeZone"], body["utcOffset"]) == ("US/Eastern", "-05:00")
    assert body["utcOffsetMilliseconds"] == -18_000_000


def test_owners_belong_to_teams(desk: Desk) -> None:
    """[PublicTeam] id, name, primary; somebody may be in several, and one of them is the primary one."""
    kim, lee = (owner["teams"] for owner in desk.ask("GET", "/crm/owners/2026-03")["results"])
    assert [(team["name"], team["primary"]) for team in kim] == [("Industry", True), ("Key accounts", False)]
    assert [(team["name"], team["primary"]) for team in lee] == [("Key accounts", True)]
    assert kim[1]["id"] == lee[0]["id"]
    assert kim[0]["id"] != kim[1]["id"]


def test_owners(desk: Desk) -> None:
    """Owners can be listed, found by e-mail and read by id [S]; deals name theirs."""
    first, second = desk.ask("GET", "/crm/owners/2026-03")["results"]
    assert first["email"] == "kim@example.com"
    assert desk.value("deals", desk.deals()[0], "hubspot_owner_id") == first["id"]
    assert desk.ask("GET", f"/crm/owners/v3?email={second['email']}", status=404)
    assert desk.ask("GET", f"/crm/v3/owners?email={second['email']}")["results"] == [second]
    assert desk.ask("GET", f"/crm/owners/2026-03/{second['id']}") == second
    page = desk.ask("GET", "/crm/owners/2026-03?limit=1")
    assert desk.ask("GET", f"/crm/owners/2026-03?limit=1&after={page['paging']['next']['after']}")[
        "results"
    ] == [second]


def test_the_window_slides(open_portal: Callable[..., Desk]) -> None:
    """Calls are counted on arrival in a sliding window; one too many is 429 [D]."""
    desk = open_portal(limit=(3, 10.0))
    statuses = []
    for _call in range(4):
        statuses.append(desk.send("GET", desk.objects("companies")).status)
        desk.wait(3)
    assert statuses == [200, 200, 200, 429]
    refused = desk.calls[-1]
    body = orjson.loads(refused.body)
    assert refused.throttled
    assert "Retry-After" not in refused.headers
    assert body["errorType"] == "RATE_LIMIT"
    assert body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    desk.wait(-2)  # ten seconds after the first call
    assert desk.send("GET", desk.objects("companies")).status == 200
    assert desk.send("GET", desk.objects("companies")).status == 429


def test_headers_tell_what_is_left(open_portal: Callable[..., Desk]) -> None:
    """Max, Remaining, Interval and the day's numbers are on most answers [D/O]."""
    desk = open_portal(limit=(100, 10.0), daily_limit="250000")
    headers = desk.send("GET", desk.objects("companies")).headers
    assert headers["X-HubSpot-RateLimit-Max"] == "100"
    assert headers["X-HubSpot-RateLimit-Remaining"] == "99"
    assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert headers["X-HubSpot-RateLimit-Daily"] == "250000"
    assert headers["X-HubSpot-RateLimit-Daily-Remaining"] == "249999"
    assert headers["X-HubSpot-RateLimit-Secondly"] == "10"
    assert headers["Content-Type"] == "application/json;charset=utf-8"
    assert headers["x-hubspot-correlation-id"]


def test_retry_after_is_a_switch(open_portal: Callable[..., Desk]) -> None:
    """Retry-After on a 429 is not documented [D]."""
    desk = open_portal(limit=(1, 10.0), hubspot_retry_after="7")
    desk.send("GET", desk.objects("companies"))
    assert desk.send("GET", desk.objects("companies")).headers["Retry-After"] == "7"


def test_a_throttled_write_writes_nothing(open_portal: Callable[..., Desk]) -> None:
    """A refused write is still a write that was tried."""
    desk = open_portal(limit=(1, 10.0))
    desk.send("GET", desk.objects("companies"))
    refused = desk.send("PATCH", desk.objects("companies/12"), {"properties": {}})
    assert refused.status == 429
    assert refused.written is not None
    assert (refused.written.keys, refused.written.committed) == (("12",), False)


def test_the_day_ends_at_local_midnight(open_portal: Callable[..., Desk]) -> None:
    """The day resets at midnight in the account's time zone; until then 429 DAILY [D]."""
    desk = open_portal(daily_limit="2")
    path = "/account-info/2026-03/api-usage/daily/private-apps"
    usage = desk.ask("GET", path)["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"]) == (2, 1)
    assert usage["resetsAt"] == "2026-11-23T05:00:00.000Z"
    assert desk.send("GET", desk.objects("companies")).status == 200
    body = desk.ask("GET", desk.objects("companies"), status=429)
    assert (body["policyName"], body["message"]) == ("DAILY", "You have reached your daily limit.")
    desk.wait(17 * 3600)
    assert desk.send("GET", desk.objects("companies")).status == 200


def test_associations_have_their_own_burst(open_portal: Callable[..., Desk]) -> None:
    """Association endpoints have their own quota of 150 in ten seconds [D]."""
    desk = open_portal(limit=(1000, 10.0), association_burst="2")
    path = desk.objects(f"deals/{desk.deals()[0]}/associations/companies")
    assert [desk.send("GET", path).status for _n in range(3)] == [200, 200, 429]
    assert desk.send("GET", desk.objects("companies")).status == 200


def test_searches_may_count_in_the_window_too(open_portal: Callable[..., Desk]) -> None:
    """Whether searches also count in the ten-second window is not documented [I]."""
    for chosen, status in (("yes", 429), ("no", 200)):
        desk = open_portal(limit=(1, 10.0), search_counts_rolling=chosen)
        desk.send("POST", desk.objects("companies/search"), {})
        assert desk.send("GET", desk.objects("companies")).status == status


def test_unknown_paths_are_404(desk: Desk) -> None:
    """A path that no endpoint has is 404, with a token."""
    for path in ("/", "/crm", "/crm/objects/2026-03", "/crm/v9/objects/companies", "/crm/v3/nothing/x"):
        assert desk.send("GET", path).status == 404


def test_an_unknown_time_zone_is_refused_with_a_sentence(open_portal: Callable[..., Desk]) -> None:
    """A portal cannot start in a time zone that does not exist."""
    with pytest.raises(ValueError, match="US/Eastern"):
        open_portal(time_zone="Nowhere/Else")
