"""Entra ID beside the secret: version 1, discovery, keys that verify its tokens, and the headers around it."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode, urlsafe_b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector.twin.entra import ENDPOINTS, SWITCHES, Credentials, Entra
from ml_connector.twin.entra.machine import DOMAIN
from ml_connector.twin.switches import resolve
from ml_connector.twin.wire import Answer, Request

if TYPE_CHECKING:
    from ml_connector.twin.evidence import Endpoint

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT = "5f0e1c7a-58a4-4f0e-9a53-0d0c1b2a3f4e"
CLIENT = "c0ffee00-1111-4222-8333-444455556666"
SECRET = "s~+/= &%:"
URL = "https://127.0.0.1:8101"
HOST = {"host": "127.0.0.1:8101"}
V1 = {
    "grant_type": "client_credentials",
    "client_id": CLIENT,
    "client_secret": SECRET,
    "resource": URL,
}
V2 = {name: value for name, value in V1.items() if name != "resource"} | {"scope": f"{URL}/.default"}


def make_entra(**switches: str) -> Entra:
    ids = itertools.count(1)
    return Entra(
        Credentials(TENANT, CLIENT, SECRET),
        resource=lambda: URL,
        new_id=lambda: f"id-{next(ids)}",
        switches=resolve(SWITCHES, switches),
    )


def post(entra: Entra, path: str, form: dict[str, str], **headers: str) -> Answer:
    named = HOST | {name.replace("_", "-"): value for name, value in headers.items()}
    return entra.handle(Request("POST", path, named, urlencode(form).encode()), NOW)


def get(entra: Entra, target: str, **headers: str) -> Answer:
    request = Request("GET", target, HOST | headers)
    assert entra.owns(request)
    return entra.handle(request, NOW)


def body(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(decoded(text), "big")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_each_endpoint_is_answered_and_only_by_its_method(endpoint: Endpoint) -> None:
    entra = make_entra()
    path = endpoint.path.replace("{tenant}", TENANT)
    query = f"?api-version=1.1&authorization_endpoint={URL}/common/oauth2/authorize"
    target = path + (query if path.endswith("instance") else "")
    form = urlencode(V1 | V2).encode() if endpoint.method == "POST" else b""
    assert entra.owns(Request(endpoint.method, target, HOST))
    assert entra.handle(Request(endpoint.method, target, HOST, form), NOW).status == 200
    assert entra.handle(Request("PUT", target, HOST, form), NOW).status == 405


def test_version_1_takes_a_resource_and_writes_its_numbers_as_strings() -> None:
    entra = make_entra(token_seconds="600")
    granted = body(post(entra, f"/{TENANT}/oauth2/token", V1))
    start = int(NOW.timestamp())
    assert granted.pop("access_token").count(".") == 2
    assert granted == {
        "token_type": "Bearer",
        "expires_in": "600",
        "ext_expires_in": "600",
        "expires_on": str(start + 600),
        "not_before": str(start),
        "resource": URL,
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"resource": ""}, 900144),
        ({"resource": "https://other.operations.dynamics.com"}, 500011),
        ({"client_secret": "wrong"}, 7000215),
    ],
)
def test_version_1_refuses_with_the_same_codes(changes: dict[str, str], code: int) -> None:
    refused = post(make_entra(), f"/{TENANT}/oauth2/token", V1 | changes)
    assert body(refused)["error_codes"] == [code]


def test_a_token_of_version_1_with_a_slash_at_the_end_of_its_resource_is_refused_by_f_and_o() -> None:
    entra = make_entra()
    granted = body(post(entra, f"/{TENANT}/oauth2/token", V1 | {"resource": f"{URL}/"}))
    assert granted["resource"] == f"{URL}/"
    assert entra.verify(f"Bearer {granted['access_token']}", NOW) is None


def test_the_tenant_goes_by_its_domain_as_well() -> None:
    entra = make_entra()
    assert post(entra, f"/{DOMAIN.upper()}/oauth2/v2.0/token", V2).status == 200
    told = body(get(entra, f"/{DOMAIN}/v2.0/.well-known/openid-configuration"))
    assert told["token_endpoint"] == f"{URL}/{TENANT}/oauth2/v2.0/token"


def test_a_secret_may_come_in_a_basic_header() -> None:
    form = {name: value for name, value in V2.items() if not name.startswith("client")}
    pair = f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}"
    basic = f"Basic {b64encode(pair.encode()).decode()}"
    path = f"/{TENANT}/oauth2/v2.0/token"
    assert post(make_entra(), path, form, authorization=basic).status == 200
    assert body(post(make_entra(), path, form, authorization="Basic ?"))["error_codes"] == [900144]


@pytest.mark.parametrize(("part", "version"), [("v2.0/", "2"), ("", "1")])
def test_metadata_of_either_version_names_endpoints_that_answer(part: str, version: str) -> None:
    entra = make_entra()
    told = body(get(entra, f"/{TENANT}/{part}.well-known/openid-configuration"))
    keys = get(entra, told["jwks_uri"].removeprefix(URL))
    assert keys.status == 200
    token = post(entra, told["token_endpoint"].removeprefix(URL), V1 if version == "1" else V2)
    assert token.status == 200
    issuers = {"1": f"https://sts.windows.net/{TENANT}/", "2": f"{URL}/{TENANT}/v2.0"}
    assert told["issuer"] == issuers[version]


def test_metadata_for_all_tenants_leaves_the_issuer_open() -> None:
    told = body(get(make_entra(), "/common/v2.0/.well-known/openid-configuration"))
    assert told["issuer"] == f"{URL}/{{tenantid}}/v2.0"
    assert told["token_endpoint"] == f"{URL}/common/oauth2/v2.0/token"


def test_metadata_speaks_of_the_host_that_the_client_asked() -> None:
    told = body(
        get(
            make_entra(), f"/{TENANT}/v2.0/.well-known/openid-configuration", host="login.microsoftonline.com"
        )
    )
    assert told["token_endpoint"] == f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_token_verifies_against_the_published_keys(version: str) -> None:
    entra = make_entra(token_version=version)
    token = body(post(entra, f"/{TENANT}/oauth2/v2.0/token", V2))["access_token"]
    head, claims, signature = token.split(".")
    listed = body(get(entra, f"/{TENANT}/discovery/v2.0/keys"))["keys"]
    key = next(key for key in listed if key["kid"] == json.loads(decoded(head))["kid"])
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    payload = f"{head}.{claims}".encode()
    public.verify(decoded(signature), payload, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(decoded(signature), payload + b"x", padding.PKCS1v15(), hashes.SHA256())
    certificate = x509.load_pem_x509_certificate(
        f"-----BEGIN CERTIFICATE-----\n{key['x5c'][0]}\n-----END CERTIFICATE-----\n".encode()
    )
    assert certificate.public_key() == public
    told = json.loads(decoded(claims))
    assert told["ver"] == version
    assert {"1.0": told.get("appid"), "2.0": told.get("azp")}[version] == CLIENT
    assert (told["iss"] == key["issuer"]) == (version == "2.0")


def test_unsigned_tokens_cost_no_key_and_are_known_all_the_same() -> None:
    entra = make_entra(token_signature="opaque")
    token = body(post(entra, f"/{TENANT}/oauth2/v2.0/token", V2))["access_token"]
    assert "_key" not in entra._tokens.key.__dict__
    assert entra.verify(f"Bearer {token}", NOW) == CLIENT


def instance(entra: Entra, authority: str, version: str = "1.1") -> Answer:
    query = urlencode({"api-version": version, "authorization_endpoint": authority})
    return get(entra, f"/common/discovery/instance?{query}")


def test_instance_discovery_knows_microsofts_hosts_and_their_other_names() -> None:
    found = body(instance(make_entra(), f"https://login.windows.net/{TENANT}/oauth2/authorize"))
    assert found["tenant_discovery_endpoint"] == (
        f"https://login.windows.net/{TENANT}/.well-known/openid-configuration"
    )
    clouds = {name: cloud for cloud in found["metadata"] for name in cloud["aliases"]}
    assert clouds["login.windows.net"] is clouds["login.microsoftonline.com"]
    assert clouds["login.windows.net"]["preferred_network"] == "login.microsoftonline.com"
    assert found["api-version"] == "1.1"


def test_instance_discovery_of_version_1_0_has_no_list_of_hosts() -> None:
    found = body(instance(make_entra(), f"{URL}/{TENANT}/oauth2/v2.0/authorize", "1.0"))
    assert found == {"tenant_discovery_endpoint": f"{URL}/{TENANT}/v2.0/.well-known/openid-configuration"}


def test_instance_discovery_finds_its_own_port_when_the_client_leaves_it_out() -> None:
    found = body(instance(make_entra(), f"https://127.0.0.1/{TENANT}/oauth2/v2.0/authorize"))
    assert found["tenant_discovery_endpoint"].startswith(f"{URL}/{TENANT}/")


@pytest.mark.parametrize(
    ("authority", "code", "error"),
    [
        ("https://login.example.com/common/oauth2/authorize", 50049, "invalid_instance"),
        ("https://login.microsoftonline.com", 50049, "invalid_instance"),
        ("ftp://login.microsoftonline.com/common/oauth2/authorize", 50049, "invalid_instance"),
        ("", 900144, "invalid_request"),
    ],
)
def test_instance_discovery_refuses_other_hosts(authority: str, code: int, error: str) -> None:
    refused = instance(make_entra(), authority)
    told = body(refused)
    assert (refused.status, told["error"], told["error_codes"]) == (400, error, [code])


def test_every_answer_names_its_request() -> None:
    entra = make_entra()
    granted = post(entra, f"/{TENANT}/oauth2/v2.0/token", V2)
    assert granted.headers["x-ms-request-id"]
    assert granted.headers["Cache-Control"] == "no-store, no-cache"
    refused = post(
        entra, f"/{TENANT}/oauth2/v2.0/token", V2 | {"client_secret": "no"}, client_request_id="mine"
    )
    told = body(refused)
    assert refused.headers["x-ms-request-id"] == told["trace_id"] != granted.headers["x-ms-request-id"]
    assert told["correlation_id"] == "mine"
    assert "Correlation ID: mine" in told["error_description"]


def test_a_clients_request_id_comes_back_when_it_asks_for_it() -> None:
    path = f"/{TENANT}/oauth2/v2.0/token"
    asked = {"client_request_id": "mine", "return_client_request_id": "true"}
    assert post(make_entra(), path, V2, **asked).headers["client-request-id"] == "mine"
    assert "client-request-id" not in post(make_entra(), path, V2, client_request_id="mine").headers


def test_each_switch_says_in_a_sentence_why_it_is_there() -> None:
    for switch in SWITCHES.values():
        assert switch.reason[0].isupper(), switch.name
        assert switch.reason.endswith("."), switch.name
