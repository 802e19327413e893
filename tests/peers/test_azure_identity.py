"""azure-identity, the credentials of Azure's SDKs: secret or certificate, with instance discovery or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CertificateCredential, ClientSecretCredential

if TYPE_CHECKING:
    from tests.peers.conftest import Told


def credential(twins: Told, kind: str, **options: Any) -> Any:
    if kind == "secret":
        return ClientSecretCredential(twins.tenant, twins.client_id, twins.client_secret, **options)
    return CertificateCredential(twins.tenant, twins.client_id, twins.certificate_file, **options)


@pytest.mark.parametrize("kind", ["secret", "certificate"])
def test_an_authority_of_ones_own_needs_no_discovery(twins: Told, trusting: Any, kind: str) -> None:
    options = {
        "authority": twins.authority,
        "disable_instance_discovery": True,
        "connection_verify": twins.ca_file,
    }
    with credential(twins, kind, **options) as signed_in:
        token = signed_in.get_token(twins.scope)
        bearer = {"Authorization": f"Bearer {token.token}"}
        assert trusting.get(f"{twins.dynamics_url}/data/LegalEntities", headers=bearer).status_code == 200
        assert signed_in.get_token(twins.scope).token == token.token


@pytest.mark.parametrize("kind", ["secret", "certificate"])
def test_with_discovery_the_twin_stands_in_for_microsoft(twins: Told, microsoft: Any, kind: str) -> None:
    transport = RequestsTransport(session=microsoft, session_owner=False)
    with credential(twins, kind, transport=transport) as signed_in:
        assert signed_in.get_token(twins.scope).token.count(".") == 2


def test_with_discovery_an_unknown_host_is_refused(twins: Told, microsoft: Any) -> None:
    transport = RequestsTransport(session=microsoft, session_owner=False)
    options = {"authority": "https://login.example.com", "transport": transport}
    with (
        credential(twins, "secret", **options) as signed_in,
        pytest.raises(ClientAuthenticationError, match="not well-known"),
    ):
        signed_in.get_token(twins.scope)


def test_a_refusal_names_the_number(twins: Told) -> None:
    options = {
        "authority": twins.authority,
        "disable_instance_discovery": True,
        "connection_verify": twins.ca_file,
    }
    with (
        ClientSecretCredential(twins.tenant, twins.client_id, "wrong", **options) as signed_in,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        signed_in.get_token(twins.scope)
