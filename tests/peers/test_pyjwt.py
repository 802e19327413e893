"""PyJWT, as resources use it: an access token verifies against the keys that the metadata points to."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    from tests.peers.conftest import Told


def test_a_token_is_verified_by_its_published_key(twins: Told, trusting: Any) -> None:
    root = f"{twins.authority}/{twins.tenant}"
    form = {
        "grant_type": "client_credentials",
        "client_id": twins.client_id,
        "client_secret": twins.client_secret,
        "scope": twins.scope,
    }
    token = trusting.post(f"{root}/oauth2/v2.0/token", data=form).json()["access_token"]
    told = trusting.get(f"{root}/.well-known/openid-configuration").json()
    trust = ssl.create_default_context(cafile=twins.ca_file)
    key = jwt.PyJWKClient(told["jwks_uri"], ssl_context=trust).get_signing_key_from_jwt(token)
    expected = {"algorithms": ["RS256"], "audience": twins.dynamics_url, "issuer": told["issuer"]}
    claims = jwt.decode(token, key.key, **expected)
    assert (claims["appid"], claims["tid"]) == (twins.client_id, twins.tenant)
    head, payload, signature = token.split(".")
    forged = ("A" if signature[0] != "A" else "B") + signature[1:]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{head}.{payload}.{forged}", key.key, **expected)
