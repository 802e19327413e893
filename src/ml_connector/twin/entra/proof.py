"""How the application proves itself: its secret, or an assertion signed with a registered certificate."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from ml_connector.twin.entra.assertion import ASSERTION_TYPE, check_assertion, parse_assertion
from ml_connector.twin.entra.errors import AadError, missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cryptography import x509

SECRET, CERTIFICATE = "1", "2"  # as tokens tell how their client was proven


class Proofs:
    """What one application may prove itself with."""

    def __init__(self, client_id: str, client_secret: str, switches: Mapping[str, str]) -> None:
        self.certificates: list[x509.Certificate] = []
        self._client_id = client_id
        self._secret = client_secret
        self._switches = switches
        self._seen: set[str] = set()

    def check(self, form: Mapping[str, str], audiences: Collection[str], now: datetime) -> str:
        """Say how the caller proved itself: SECRET or CERTIFICATE; AadError when it did not."""
        if form.get("client_assertion"):
            self._check_assertion(form, audiences, now)
            return CERTIFICATE
        if not form.get("client_secret"):
            sentence = (
                "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type."
            )
            raise AadError(7000216, "invalid_client", 401, sentence)
        self._check_secret(form["client_secret"])
        return SECRET

    def _check_assertion(self, form: Mapping[str, str], audiences: Collection[str], now: datetime) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise missing("client_assertion_type")
        assertion = parse_assertion(form["client_assertion"])
        check_assertion(
            assertion,
            client_id=self._client_id,
            audiences=audiences,
            certificates=self.certificates,
            now=now,
        )
        name = str(assertion.claims["jti"])
        if name in self._seen and self._switches["assertion_replay"] == "refused":
            sentence = "Client assertion was used before: each needs a jti of its own."
            raise AadError(700027, "invalid_client", 401, sentence)
        self._seen.add(name)

    def _check_secret(self, secret: str) -> None:
        if secret != self._secret:
            sentence = (
                "Invalid client secret provided. Send the value of the client secret, not its id, "
                f"for app '{self._client_id}'."
            )
            raise AadError(7000215, "invalid_client", 401, sentence)
        if self._switches["secret"] == "expired":  # noqa: S105  a switch's value
            sentence = f"The provided client secret keys for app '{self._client_id}' are expired."
            raise AadError(7000222, "invalid_client", 401, sentence)


def basic_credentials(authorization: str | None) -> dict[str, str]:
    """Client id and secret of a Basic header, each percent-encoded as OAuth wants it; empty without one.

    Source: https://datatracker.ietf.org/doc/html/rfc6749#section-2.3.1
    """
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client, _, secret = b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": unquote_plus(client), "client_secret": unquote_plus(secret)}
