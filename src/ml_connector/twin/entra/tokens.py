"""Access tokens: signed JSON web tokens that anybody can verify, and what each stands for.

Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.entra.keys import SigningKey, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to say."""

    client_id: str
    tenant: str
    audience: str
    issuer: str  # of version 2; version 1 has its own
    proof: str  # "1": a secret, "2": a certificate


@dataclass(frozen=True, slots=True)
class Issued:
    """What a token stands for."""

    client_id: str
    audience: str
    expires_at: datetime


class Tokens:
    """Issues tokens and knows them again."""

    def __init__(self, *, new_id: Callable[[], str], switches: Mapping[str, str]) -> None:
        self.key = SigningKey()
        self._new_id = new_id
        self._switches = switches
        self._issued: dict[str, Issued] = {}

    def issue(self, grant: Grant, now: datetime, seconds: int) -> str:
        """Make a token that is good for so many seconds."""
        expires_at = now + timedelta(seconds=seconds)
        claims = self._claims(grant) | {
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        token = self._signed(claims)
        self._issued[token] = Issued(grant.client_id, grant.audience, expires_at)
        return token

    def holder(self, token: str, audience: str, now: datetime) -> str | None:
        """The client id behind a token; None when it is unknown, expired or for another resource."""
        issued = self._issued.get(token)
        if issued is None or now >= issued.expires_at or issued.audience.lower() != audience.lower():
            return None
        return issued.client_id

    def _claims(self, grant: Grant) -> dict[str, Any]:
        principal = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{grant.tenant}/{grant.client_id}"))
        claims = {
            "aud": grant.audience,
            "oid": principal,
            "sub": principal,
            "tid": grant.tenant,
            "uti": self._new_id(),
            "ver": self._switches["token_version"],
        }
        if claims["ver"] == "2.0":
            return claims | {"iss": grant.issuer, "azp": grant.client_id, "azpacr": grant.proof}
        issuer = f"https://sts.windows.net/{grant.tenant}/"
        return claims | {"iss": issuer, "idp": issuer, "appid": grant.client_id, "appidacr": grant.proof}

    def _signed(self, claims: Mapping[str, Any]) -> str:
        opaque = self._switches["token_signature"] == "opaque"  # noqa: S105  a switch's value
        kid = "twin" if opaque else self.key.kid
        head = {"typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid}
        payload = f"{encoded(orjson.dumps(head))}.{encoded(orjson.dumps(claims))}".encode()
        signature = hashlib.sha256(payload).digest() if opaque else self.key.sign(payload)
        return f"{payload.decode()}.{encoded(signature)}"
