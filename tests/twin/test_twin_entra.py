"""Entra ID: tokens for the right caller, and an error operators can look up for every wrong one."""

from __future__ import annotations

import itertools
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from ml_connector.twin.entra import SWITCHES, Credentials, Entra
from ml_connector.twin.switches import resolve
from ml_connector.twin.wire import Answer, Request

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT = "5f0e1c7a-58a4-4f0e-9a53-0d0c1b2a3f4e"
CLIENT = "c0ffee00-1111-4222-8333-444455556666"
SECRET = "s~+/= &%"
URL = "http://127.0.0.1:8101"
GOOD = {
    "grant_type": "client_credentials",
    "client_id": CLIENT,
    "client_secret": SECRET,
    "scope": f"{URL}/.default",
}


def make_entra(**switches: str) -> Entra:
    ids = itertools.count(1)
    return Entra(
        Credentials(TENANT, CLIENT, SECRET),
        resource=lambda: URL,
        new_id=lambda: f"id-{next(ids)}",
        switches=resolve(SWITCHES, switches),
    )


def ask(entra: Entra, *, tenant: str = TENANT, method: str = "POST", **changes: str | None) -> Answer:
    form = {name: value for name, value in (GOOD | changes).items() if value is not None}
    request = Request(method, f"/{tenant}/oauth2/v2.0/token", {}, urlencode(form).encode())
    assert entra.owns(request)
    return entra.handle(request, NOW)


def body(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_the_right_caller_gets_a_token_that_is_good_for_its_lifetime() -> None:
    entra = make_entra(token_seconds="600")
    answer = ask(entra)
    granted = body(answer)
    assert (answer.status, granted["token_type"], granted["expires_in"]) == (200, "Bearer", 600)
    bearer = f"Bearer {granted['access_token']}"
    assert entra.verify(bearer, NOW + timedelta(seconds=599)) == CLIENT
    assert entra.verify(bearer, NOW + timedelta(seconds=600)) is None
    assert entra.verify(bearer[:-1], NOW) is None
    assert entra.verify(None, NOW) is None
    assert entra.verify(f"Basic {granted['access_token']}", NOW) is None


def test_a_token_has_the_shape_and_claims_of_a_jwt() -> None:
    token = body(ask(make_entra()))["access_token"]
    claims, signature = claims_of(token), token.split(".")[2]
    assert claims["aud"] == URL
    assert (claims["appid"], claims["appidacr"], claims["ver"]) == (CLIENT, "1", "1.0")
    assert (claims["tid"], claims["exp"] - claims["iat"]) == (TENANT, 3599)
    assert claims["iss"] == f"https://sts.windows.net/{TENANT}/"
    assert claims["oid"] == claims["sub"] != CLIENT
    assert len(signature) == 342


def test_two_tokens_are_two() -> None:
    entra = make_entra()
    assert body(ask(entra))["access_token"] != body(ask(entra))["access_token"]


@pytest.mark.parametrize(
    ("changes", "code", "status", "error"),
    [
        ({"client_secret": "wrong"}, 7000215, 401, "invalid_client"),
        ({"client_secret": None}, 7000216, 401, "invalid_client"),
        ({"client_secret": None, "client_assertion": "a.b.c"}, 900144, 400, "invalid_request"),
        ({"client_id": TENANT}, 700016, 400, "unauthorized_client"),
        ({"tenant": CLIENT}, 90002, 400, "invalid_request"),
        ({"tenant": "unknown.example"}, 90002, 400, "invalid_request"),
        ({"tenant": "nonsense"}, 900023, 400, "invalid_request"),
        ({"scope": "https://other.operations.dynamics.com/.default"}, 500011, 400, "invalid_resource"),
        ({"tenant": "common"}, 50059, 400, "invalid_request"),
        ({"tenant": "organizations"}, 50059, 400, "invalid_request"),
        ({"scope": f"{URL}///.default"}, 500011, 400, "invalid_resource"),
        ({"scope": f"{URL}/user_impersonation"}, 1002012, 400, "invalid_scope"),
        ({"scope": "dynamics"}, 70011, 400, "invalid_scope"),
        ({"grant_type": "password"}, 70003, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 900144, 400, "invalid_request"),
    ],
)
def test_each_mistake_has_its_code(changes: dict[str, str], code: int, status: int, error: str) -> None:
    answer = ask(make_entra(), **changes)
    told = body(answer)
    assert (answer.status, told["error"], told["error_codes"]) == (status, error, [code])
    assert told["error_description"].startswith(f"AADSTS{code}: ")
    assert told["error_uri"].endswith(f"code={code}")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(told)
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize(
    ("switches", "code", "status", "error"),
    [
        ({"application": "disabled"}, 7000112, 400, "unauthorized_client"),
        ({"token_failures": "1"}, 90033, 503, "temporarily_unavailable"),
        ({"secret": "expired"}, 7000222, 401, "invalid_client"),
    ],
)
def test_each_trouble_can_be_switched_on(
    switches: dict[str, str], code: int, status: int, error: str
) -> None:
    answer = ask(make_entra(**switches))
    told = body(answer)
    assert (answer.status, told["error"], told["error_codes"]) == (status, error, [code])


def test_a_transient_fault_passes() -> None:
    entra = make_entra(token_failures="2")
    assert [ask(entra).status for _ in range(3)] == [503, 503, 200]


def test_a_client_that_asks_in_a_loop_is_stopped_until_it_has_waited() -> None:
    entra = make_entra(loop_after="2")
    assert [ask(entra).status for _ in range(2)] == [200, 200]
    stopped = body(ask(entra))
    assert stopped["error_codes"] == [50196]
    form = urlencode(GOOD).encode()
    later = Request("POST", f"/{TENANT}/oauth2/v2.0/token", {}, form)
    assert entra.handle(later, NOW + timedelta(minutes=5)).status == 200


def test_a_slash_too_many_in_the_resource_gives_a_token_that_f_and_o_refuses() -> None:
    entra = make_entra()
    token = body(ask(entra, scope=f"{URL}//.default"))["access_token"]
    assert claims_of(token)["aud"] == f"{URL}/"
    assert entra.verify(f"Bearer {token}", NOW) is None
    refused = body(ask(make_entra(resource_slash="refused"), scope=f"{URL}//.default"))
    assert refused["error_codes"] == [500011]


def test_an_expired_secret_is_told_from_a_wrong_one() -> None:
    entra = make_entra(secret="expired")
    assert body(ask(entra))["error_codes"] == [7000222]
    assert body(ask(entra, client_secret="wrong"))["error_codes"] == [7000215]


def test_a_secret_sent_without_encoding_is_a_wrong_one() -> None:
    form = "&".join(f"{name}={value}" for name, value in GOOD.items())
    request = Request("POST", f"/{TENANT}/oauth2/v2.0/token", {}, form.encode())
    assert body(make_entra().handle(request, NOW))["error_codes"] == [7000215]


def test_metadata_names_the_token_endpoint_of_a_known_tenant_only() -> None:
    entra = make_entra()
    path = "/v2.0/.well-known/openid-configuration"
    known = entra.handle(Request("GET", f"/{TENANT}{path}", {"host": "127.0.0.1:8101"}), NOW)
    assert body(known)["token_endpoint"] == f"{URL}/{TENANT}/oauth2/v2.0/token"
    unknown = entra.handle(Request("GET", f"/{CLIENT}{path}"), NOW)
    assert (unknown.status, body(unknown)["error_codes"]) == (400, [90002])


def test_only_its_own_paths_are_entras() -> None:
    entra = make_entra()
    assert not entra.owns(Request("GET", "/data/CustomersV3"))
    assert not entra.owns(Request("POST", f"/{TENANT}/oauth2/v2.0/authorize"))
    refused = ask(entra, method="GET")
    assert (refused.status, body(refused)["error_codes"]) == (405, [900561])
