"""Certificates: an assertion is believed when everything about it is right, and refused by the right number."""

from __future__ import annotations

import itertools
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector.twin.entra import SWITCHES, ClientCertificate, Credentials, Entra
from ml_connector.twin.entra.keys import make_client_certificate, new_rsa_key
from ml_connector.twin.entra.machine import DOMAIN
from ml_connector.twin.switches import resolve
from ml_connector.twin.wire import Answer, Request

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT = "5f0e1c7a-58a4-4f0e-9a53-0d0c1b2a3f4e"
CLIENT = "c0ffee00-1111-4222-8333-444455556666"
URL = "https://127.0.0.1:8101"
TOKEN_URL = f"{URL}/{TENANT}/oauth2/v2.0/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@cache
def key_of(name: str) -> rsa.RSAPrivateKey:
    """One RSA key for each name: making them costs time."""
    return new_rsa_key()


@cache
def certificate_of(name: str) -> ClientCertificate:
    return make_client_certificate(key_of(name), CLIENT, NOW)


def make_entra(**switches: str) -> Entra:
    ids = itertools.count(1)
    entra = Entra(
        Credentials(TENANT, CLIENT, "secret"),
        resource=lambda: URL,
        new_id=lambda: f"id-{next(ids)}",
        switches=resolve(SWITCHES, {"token_signature": "opaque"} | switches),
    )
    entra.register(certificate_of("app").certificate)
    return entra


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(name: str, algorithm: hashes.HashAlgorithm) -> str:
    certificate = x509.load_pem_x509_certificate(certificate_of(name).certificate.encode())
    return encoded(certificate.fingerprint(algorithm))


def assertion(
    head: dict[str, Any] | None = None, *, signed_by: str = "app", scheme: str = "RS256", **claims: Any
) -> str:
    heads = {"RS256": {"x5t": thumbprint("app", hashes.SHA1())}}  # noqa: S303  as the protocol has it
    named = heads.get(scheme, {"x5t#S256": thumbprint("app", hashes.SHA256())}) if head is None else head
    start = int(NOW.timestamp())
    said = {
        "aud": TOKEN_URL,
        "iss": CLIENT,
        "sub": CLIENT,
        "jti": "once",
        "nbf": start,
        "exp": start + 600,
    } | claims
    parts = ({"typ": "JWT", "alg": scheme} | named, {k: v for k, v in said.items() if v is not None})
    payload = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    filling = pss if scheme == "PS256" else padding.PKCS1v15()
    return f"{payload}.{encoded(key_of(signed_by).sign(payload.encode(), filling, hashes.SHA256()))}"


def ask(entra: Entra, proof: str, *, tenant: str = TENANT, kind: str = TYPE, now: datetime = NOW) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "scope": f"{URL}/.default",
        "client_assertion": proof,
        "client_assertion_type": kind,
    }
    path = f"/{tenant}/oauth2/v2.0/token"
    return entra.handle(Request("POST", path, {"host": "127.0.0.1:8101"}, urlencode(form).encode()), now)


def codes(answer: Answer) -> tuple[int, int]:
    return answer.status, json.loads(answer.body)["error_codes"][0]


@pytest.mark.parametrize("scheme", ["RS256", "PS256"])
def test_a_right_assertion_gets_a_token_that_tells_of_the_certificate(scheme: str) -> None:
    entra = make_entra()
    answer = ask(entra, assertion(scheme=scheme))
    assert answer.status == 200, answer.body
    token = json.loads(answer.body)["access_token"]
    assert entra.verify(f"Bearer {token}", NOW) == CLIENT


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": f"{URL}/{TENANT}/oauth2/token"},
        {"aud": f"{URL}/{DOMAIN}/oauth2/v2.0/token", "tenant": DOMAIN},
        {"aud": TOKEN_URL, "tenant": DOMAIN},
        {"nbf": None},
    ],
)
def test_an_assertion_may_name_either_token_endpoint_of_the_tenant(changes: dict[str, Any]) -> None:
    tenant = changes.pop("tenant", TENANT)
    assert ask(make_entra(), assertion(**changes), tenant=tenant).status == 200


@pytest.mark.parametrize(
    ("proof", "status", "code"),
    [
        ({"aud": f"{URL}/{CLIENT}/oauth2/v2.0/token"}, 401, 700023),
        ({"aud": URL}, 401, 700023),
        ({"iss": TENANT}, 401, 700021),
        ({"sub": TENANT}, 401, 700021),
        ({"jti": None}, 401, 50027),
        ({"exp": None}, 401, 50027),
        ({"exp": 10**30}, 401, 50027),
        ({"exp": int(NOW.timestamp()) - 3600}, 401, 700024),
        ({"nbf": int(NOW.timestamp()) + 3600, "exp": int(NOW.timestamp()) + 4200}, 401, 700024),
        ({"signed_by": "other"}, 401, 700027),
        ({"scheme": "RS512"}, 401, 700027),
        ({"head": {}}, 401, 50027),
        ({"head": {"x5t": "AAAA"}}, 401, 700027),
        ({"head": {"x5t#S256": "AAAA"}}, 401, 700027),
    ],
)
def test_each_wrong_assertion_is_refused_by_its_number(proof: dict[str, Any], status: int, code: int) -> None:
    assert codes(ask(make_entra(), assertion(**proof))) == (status, code)


def test_a_certificate_that_nobody_registered_is_refused_and_named() -> None:
    head = {"x5t": thumbprint("other", hashes.SHA1())}  # noqa: S303  as the protocol has it
    refused = ask(make_entra(), assertion(head, signed_by="other"))
    assert codes(refused) == (401, 700027)
    described = json.loads(refused.body)["error_description"]
    assert "The key was not found" in described
    entra = make_entra()
    entra.register(certificate_of("other").certificate)
    assert ask(entra, assertion(head, signed_by="other")).status == 200


def test_an_expired_certificate_proves_nothing() -> None:
    later = NOW + timedelta(days=366)
    stamp = int(later.timestamp())
    assert codes(ask(make_entra(), assertion(nbf=stamp, exp=stamp + 600), now=later)) == (401, 700027)


def test_text_that_is_no_token_is_told_so() -> None:
    for text in ("a.b.c", "nonsense", "W10.W10.AA", "e30=x.e30.AA"):
        assert codes(ask(make_entra(), text)) == (401, 50027), text


def test_an_assertion_needs_its_type() -> None:
    assert codes(ask(make_entra(), assertion(), kind="urn:other")) == (400, 900144)


def test_an_assertion_is_good_for_several_tokens_unless_replays_are_refused() -> None:
    """msal reuses one for ten minutes: https://github.com/AzureAD/microsoft-authentication-library-for-python."""
    proof = assertion()
    entra = make_entra()
    assert [ask(entra, proof).status for _ in range(2)] == [200, 200]
    strict = make_entra(assertion_replay="refused")
    assert ask(strict, proof).status == 200
    assert codes(ask(strict, proof)) == (401, 700027)
    assert ask(strict, assertion(jti="another")).status == 200


def test_the_twin_makes_the_application_a_certificate_that_it_knows() -> None:
    entra = make_entra()
    made = entra.make_certificate(NOW)
    certificate = x509.load_pem_x509_certificate(made.pem.encode())
    key = serialization.load_pem_private_key(made.pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert certificate.public_key() == key.public_key()
    head = {"x5t": encoded(certificate.fingerprint(hashes.SHA1()))}  # noqa: S303  as the protocol has it
    payload = assertion(head).rsplit(".", 1)[0]
    signature = key.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert ask(entra, f"{payload}.{encoded(signature)}").status == 200


def test_a_text_without_a_certificate_is_not_registered() -> None:
    with pytest.raises(ValueError, match=r"PEM|pem"):
        make_entra().register("no certificate")
