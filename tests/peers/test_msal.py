"""msal, Microsoft's own client of Entra ID: it finds the endpoints, signs in either way, and reads the errors.

New facts from its source (https://github.com/AzureAD/microsoft-authentication-library-for-python, ``msal/``):
it sends one client assertion for several tokens until a minute before it runs out (``oauth2cli/assertion.py``), so
Entra accepts the same ``jti`` twice; it asks instance discovery without the port of the authority
(``authority.py``), and it takes the tenant's GUID from the metadata's ``token_endpoint``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ml_connector.twin.entra.machine import DOMAIN

if TYPE_CHECKING:
    from tests.peers.conftest import Told

MICROSOFT = "https://login.microsoftonline.com"


def certificate_of(twins: Told) -> dict[str, str]:
    pem = Path(twins.certificate_file).read_text(encoding="ascii")
    thumbprint = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1())  # noqa: S303
    return {"private_key": pem, "thumbprint": thumbprint.hex()}


def application(session: Any, twins: Told, credential: Any, **changes: Any) -> Any:
    options = {"authority": f"{twins.authority}/{twins.tenant}", "instance_discovery": False} | changes
    return msal.ConfidentialClientApplication(
        twins.client_id, client_credential=credential, http_client=session, **options
    )


def read_legal_entities(session: Any, twins: Told, granted: dict[str, Any]) -> int:
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    answer = session.get(f"{twins.dynamics_url}/data/LegalEntities", headers=bearer)
    return int(answer.status_code)


def test_a_secret_gets_a_token_that_f_and_o_accepts(twins: Told, trusting: Any) -> None:
    app = application(trusting, twins, twins.client_secret)
    granted = app.acquire_token_for_client([twins.scope])
    assert granted["token_source"] == "identity_provider"
    assert granted["expires_in"] == 3599
    assert read_legal_entities(trusting, twins, granted) == 200
    assert app.acquire_token_for_client([twins.scope])["token_source"] == "cache"


@pytest.mark.parametrize("kind", ["thumbprint", "pem"])
def test_a_certificate_gets_a_token_that_f_and_o_accepts(twins: Told, trusting: Any, kind: str) -> None:
    """Named by its SHA-1 thumbprint (RS256), or whole, when msal names it by SHA-256 (PS256)."""
    credential = certificate_of(twins)
    if kind == "pem":
        credential = {
            "private_key": credential["private_key"],
            "public_certificate": credential["private_key"],
        }
    granted = application(trusting, twins, credential).acquire_token_for_client([twins.scope])
    assert "access_token" in granted, granted
    assert read_legal_entities(trusting, twins, granted) == 200


def test_one_assertion_is_sent_for_two_tokens(twins: Told, trusting: Any) -> None:
    app = application(trusting, twins, certificate_of(twins))
    first = app.acquire_token_for_client([twins.scope])
    again = app.remove_tokens_for_client() or app.acquire_token_for_client([twins.scope])
    assert first["access_token"] != again["access_token"]


def test_the_twin_stands_in_for_microsofts_own_host(twins: Told, microsoft: Any) -> None:
    """With the authority of real life and instance discovery on, by GUID or domain name."""
    for tenant in (twins.tenant, DOMAIN):
        app = application(
            microsoft,
            twins,
            certificate_of(twins),
            authority=f"{MICROSOFT}/{tenant}",
            instance_discovery=None,
        )
        assert app.authority.tenant == twins.tenant
        assert "access_token" in app.acquire_token_for_client([twins.scope])


def test_an_authority_of_ones_own_is_looked_up(twins: Told, microsoft: Any, trusting: Any) -> None:
    """Instance discovery on and the host not Microsoft's: msal asks Microsoft, or whom it is told to ask."""
    with pytest.raises(ValueError, match="invalid_instance"):
        application(
            microsoft,
            twins,
            "secret",
            authority="https://login.example.com/contoso",
            instance_discovery=None,
        )
    app = application(
        trusting,
        twins,
        twins.client_secret,
        instance_discovery=f"{twins.authority}/common/discovery/instance",
    )
    assert "access_token" in app.acquire_token_for_client([twins.scope])


def test_an_oidc_authority_is_believed_by_its_issuer(twins: Told, trusting: Any) -> None:
    app = application(
        trusting,
        twins,
        twins.client_secret,
        authority=None,
        oidc_authority=f"{twins.authority}/{twins.tenant}/v2.0",
    )
    assert "access_token" in app.acquire_token_for_client([twins.scope])


@pytest.mark.parametrize(
    ("changes", "code", "error"),
    [
        ({"credential": "wrong"}, 7000215, "invalid_client"),
        ({"scope": "https://other.operations.dynamics.com/.default"}, 500011, "invalid_resource"),
    ],
)
def test_its_errors_carry_the_number(
    twins: Told, trusting: Any, changes: dict[str, str], code: int, error: str
) -> None:
    app = application(trusting, twins, changes.get("credential", twins.client_secret))
    refused = app.acquire_token_for_client([changes.get("scope", twins.scope)])
    assert (refused["error"], refused["error_codes"]) == (error, [code])
    assert refused["correlation_id"]


def test_an_unknown_tenant_is_told_when_the_application_is_made(twins: Told, trusting: Any) -> None:
    with pytest.raises(ValueError, match="double check your tenant"):
        application(trusting, twins, "secret", authority=f"{twins.authority}/{twins.client_id}")
