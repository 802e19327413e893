"""The OAuth app of the HubSpot twin: tokens, how they end, what they open."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

VERSIONS = ["v1", "v3", "2026-03", "2026-09"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refresh_token_brings_an_access_token_that_opens_the_portal(desk: Desk, version: str) -> None:
    """Form-encoded, client id and secret in the body; the refresh token stays as it was [S/I]."""
    answer = desk.form(f"/oauth/{version}/token", grant_type="refresh_token", refresh_token="na1-refresh")
    body = orjson.loads(answer.body)
    assert answer.status == 200
    assert body["refresh_token"] == "na1-refresh"
    assert (body["expires_in"], body["token_type"], body["token_use"]) == (1800, "bearer", "access_token")
    assert body["hub_id"] == 4711
    assert answer.written is None
    desk.token = body["access_token"]
    desk.create("companies", name="A")


@pytest.mark.parametrize("category", ["EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION"])
def test_an_access_token_ends_with_its_time(open_portal: Callable[..., Desk], category: str) -> None:
    """After its lifetime a token is 401, with a category that is a switch [I]."""
    desk = open_portal(oauth_token_seconds="60", expired_token=category)
    assert desk.refresh()["expires_in"] == 60
    desk.wait(59)
    desk.ask("GET", desk.objects("companies"))
    desk.wait(1)
    assert desk.ask("GET", desk.objects("companies"), status=401)["category"] == category
    desk.refresh()
    desk.ask("GET", desk.objects("companies"))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
        ({"client_id": "other"}, "BAD_CLIENT_ID"),
        ({"client_secret": "other"}, "BAD_CLIENT_SECRET"),
        ({"refresh_token": "other"}, "BAD_REFRESH_TOKEN"),
        ({"grant_type": "authorization_code", "code": "other"}, "BAD_AUTH_CODE"),
    ],
)
def test_a_wrong_credential_is_400_with_its_word(desk: Desk, fields: dict[str, str], word: str) -> None:
    """The token endpoint has error words of its own [O]."""
    good = {"grant_type": "refresh_token", "refresh_token": "na1-refresh"}
    answer = desk.form("/oauth/v1/token", **(good | fields))
    body = orjson.loads(answer.body)
    assert (answer.status, body["status"]) == (400, word)
    assert body["message"].startswith("missing or ")


def test_the_error_words_of_the_standard_are_a_switch(open_portal: Callable[..., Desk]) -> None:
    """Others saw the words of RFC 6749 instead [O]."""
    desk = open_portal(oauth_errors="rfc6749")
    answer = desk.form("/oauth/v3/token", grant_type="refresh_token", refresh_token="other")
    assert (answer.status, orjson.loads(answer.body)["error"]) == (400, "invalid_grant")


def test_a_refresh_token_may_rotate(open_portal: Callable[..., Desk]) -> None:
    """Where refresh tokens rotate, the old one is worthless after use [I]."""
    desk = open_portal(oauth_refresh_rotates="yes")
    fresh = desk.refresh()["refresh_token"]
    path = "/oauth/v3/token"
    assert fresh != "na1-refresh"
    assert desk.form(path, grant_type="refresh_token", refresh_token="na1-refresh").status == 400
    assert desk.form(path, grant_type="refresh_token", refresh_token=fresh).status == 200


def install(desk: Desk, **query: str) -> dict[str, list[str]]:
    asked = {"client_id": "app-id", "redirect_uri": "https://app.example.com/back?a=1", "state": "s"} | query
    answer = desk.send("GET", f"/oauth/authorize?{urlencode(asked)}", authorization="")
    assert answer.status == 302
    back = urlsplit(answer.headers["Location"])
    assert (back.netloc, back.path) == ("app.example.com", "/back")
    return parse_qs(back.query)


def test_a_code_is_good_once_and_for_its_redirect_only(desk: Desk) -> None:
    """The authorization code grant: code and redirect_uri, each code once [S]."""
    back = install(desk, scope="oauth crm.objects.companies.read")
    assert back["state"] == ["s"]
    fields = {"grant_type": "authorization_code", "code": back["code"][0]}
    other = desk.form("/oauth/v3/token", **fields, redirect_uri="https://other.example.com")
    assert orjson.loads(other.body)["status"] == "BAD_REDIRECT_URI"
    fields["code"] = install(desk, scope="oauth crm.objects.companies.read")["code"][0]
    redirect = "https://app.example.com/back?a=1"
    body = orjson.loads(desk.form("/oauth/v3/token", **fields, redirect_uri=redirect).body)
    assert body["scopes"] == ["oauth", "crm.objects.companies.read"]
    again = desk.form("/oauth/v3/token", **fields, redirect_uri=redirect)
    assert orjson.loads(again.body)["status"] == "BAD_AUTH_CODE"
    desk.token = body["access_token"]
    desk.ask("GET", desk.objects("companies"))
    desk.ask("GET", desk.objects("deals"), status=403)


def test_a_challenged_code_needs_its_verifier(desk: Desk) -> None:
    """PKCE: the token endpoint takes a code_verifier [S]."""
    hashed = base64.urlsafe_b64encode(hashlib.sha256(b"secret-verifier").digest()).rstrip(b"=").decode()
    for verifier, status in (("", 400), ("other", 400), ("secret-verifier", 200)):
        code = install(desk, code_challenge=hashed)["code"][0]
        fields = {"code": code, "redirect_uri": "https://app.example.com/back?a=1", "code_verifier": verifier}
        assert desk.form("/oauth/v3/token", grant_type="authorization_code", **fields).status == status


@pytest.mark.parametrize(("version", "status"), [("v3", 200), ("2026-03", 200), ("2026-09", 400)])
def test_the_apps_own_credentials_are_a_grant_where_the_version_has_it(
    desk: Desk, version: str, status: int
) -> None:
    """client_credentials is in the enumeration of 2026-03 and v3, not of 2026-09 [S]."""
    answer = desk.form(f"/oauth/{version}/token", grant_type="client_credentials")
    assert answer.status == status
    if status == 200:
        body = orjson.loads(answer.body)
        assert body["token_use"] == "client_credentials"
        assert "refresh_token" not in body


def introspect(desk: Desk, token: str) -> Any:
    return orjson.loads(desk.form("/oauth/2026-03/token/introspect", token=token).body)


@pytest.mark.parametrize("status", ["200", "204"])
def test_introspection_and_revocation(open_portal: Callable[..., Desk], status: str) -> None:
    """Introspection tells whom a token belongs to; a revoked one is not active and opens nothing [S]."""
    desk = open_portal(oauth_revoke_status=status)
    token = desk.refresh()["access_token"]
    about = introspect(desk, token)
    assert (about["active"], about["hub_id"], about["token_use"]) == (True, 4711, "access_token")
    assert introspect(desk, "na1-refresh")["token_use"] == "refresh_token"
    assert introspect(desk, "other") == {"active": False}
    assert desk.form("/oauth/2026-03/token/introspect", token=token, client_secret="x").status == 400
    assert desk.form("/oauth/2026-03/token/revoke", token=token).status == int(status)
    assert introspect(desk, token) == {"active": False}
    desk.ask("GET", desk.objects("companies"), status=401)


def test_v1_reads_and_deletes_tokens_by_path(desk: Desk) -> None:
    """v1 has GET for both kinds of token and DELETE for refresh tokens [S]."""
    token = desk.refresh()["access_token"]
    assert desk.ask("GET", f"/oauth/v1/access-tokens/{token}")["token_type"] == "access"
    assert desk.ask("GET", "/oauth/v1/refresh-tokens/na1-refresh")["hub_id"] == 4711
    desk.ask("GET", "/oauth/v1/access-tokens/other", status=404)
    desk.ask("DELETE", "/oauth/v1/refresh-tokens/na1-refresh", status=204)
    desk.ask("GET", "/oauth/v1/refresh-tokens/na1-refresh", status=404)
    answer = desk.form("/oauth/v3/token", grant_type="refresh_token", refresh_token="na1-refresh")
    assert orjson.loads(answer.body)["status"] == "BAD_REFRESH_TOKEN"
    assert desk.send("GET", f"/oauth/2026-03/access-tokens/{token}").status == 404


def test_an_app_has_its_own_window_and_no_daily_numbers(open_portal: Callable[..., Desk]) -> None:
    """110 calls in ten seconds for each account, no daily headers, no share in the day's quota [D]."""
    desk = open_portal(limit=(2, 10.0), oauth_rate="3", daily_limit="1")
    own = desk.token
    desk.refresh()
    answers = [desk.send("GET", desk.objects("companies")) for _n in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, 429]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "3"
    assert "X-HubSpot-RateLimit-Daily" not in answers[0].headers
    desk.token = own
    answer = desk.send("GET", desk.objects("companies"))
    assert answer.status == 200
    assert answer.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"


def test_an_app_may_have_been_granted_less(open_portal: Callable[..., Desk]) -> None:
    """A token opens what its scopes open [D]."""
    desk = open_portal(oauth_missing_scopes="crm.objects.deals.read")
    assert "crm.objects.deals.read" not in desk.refresh()["scopes"]
    desk.ask("GET", desk.objects("deals"), status=403)
    desk.ask("GET", desk.objects("companies"))


@pytest.mark.parametrize(
    ("chosen", "version", "status"),
    [("refused", "2026-09", 400), ("refused", "2026-03", 200), ("allowed", "2026-09", 200)],
)
def test_an_app_that_acts_for_a_user_needs_edit_associations(
    open_portal: Callable[..., Desk], chosen: str, version: str, status: int
) -> None:
    """From 2026-09 on an association write without the user's permission is 400; reading is not [D]."""
    desk = open_portal(oauth_associations=chosen)
    company, contact = desk.create("companies", name="A"), desk.create("contacts", firstname="B")
    path = f"/crm/objects/{version}/contacts/{contact}/associations/default/companies/{company}"
    assert desk.send("PUT", path).status == 200  # the portal's own token is not affected
    desk.refresh()
    answer = desk.send("PUT", path)
    assert answer.status == status
    if status == 400:
        assert orjson.loads(answer.body)["message"] == "Missing 'Edit Associations' permission."
    desk.ask("GET", f"/crm/objects/{version}/contacts/{contact}/associations/companies")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body = {"properties": {"firstname": "C"}, "associations": [{"to": {"id": company}, "types": types}]}
    assert desk.send("POST", f"/crm/objects/{version}/contacts", body).status == (
        400 if status == 400 else 201
    )
