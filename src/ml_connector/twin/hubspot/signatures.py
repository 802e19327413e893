"""How HubSpot signs what it sends: three versions.

Facts: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from hashlib import sha256

# Only these escapes are decoded before version 3 signs an address; all others stay as they are.
_DECODED = {f"%{ord(letter):02X}": letter for letter in ":/?@!$'()*,;"}
_ESCAPE = re.compile("%(?:" + "|".join(code[1:] for code in _DECODED) + ")", re.IGNORECASE)


def sign_v1(secret: str, body: bytes) -> str:
    """Hex SHA-256 of secret and body: CRM subscriptions."""
    return sha256(secret.encode() + body).hexdigest()


def sign_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """Hex SHA-256 of secret, method, address and body: workflow webhooks and cards."""
    return sha256(f"{secret}{method}{uri}".encode() + body).hexdigest()


def sign_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Base64 HMAC-SHA-256 of method, address, body and timestamp, keyed with the secret."""
    text = f"{method}{decoded(uri)}".encode() + body + timestamp.encode()
    return b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def decoded(uri: str) -> str:
    """An address as version 3 signs it."""
    return _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], uri)
