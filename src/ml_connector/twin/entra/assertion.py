"""Client assertions: a caller that proves itself with a certificate instead of a secret.

Sources: https://learn.microsoft.com/entra/identity-platform/certificate-credentials for the claims,
https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2746 (700023),
https://github.com/Azure/login/issues/180 (700024),
https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/8339 (700027) and
https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/124 (50027) for the refusals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector.twin.entra.errors import AadError
from ml_connector.twin.entra.keys import decoded, thumbprints

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW = timedelta(minutes=5)  # clocks differ; the tolerance is an inference
_PADDINGS: dict[str, AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
}
_SEE = "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signed assertion, taken apart but not yet believed."""

    head: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_assertion(text: str) -> Assertion:
    """Take a JSON web token apart; AadError 50027 when it is none."""
    try:
        head, claims, signature = text.split(".")
        parsed = [orjson.loads(decoded(part)) for part in (head, claims)]
        found = Assertion(parsed[0], parsed[1], f"{head}.{claims}".encode(), decoded(signature))
    except ValueError:
        raise _invalid("token format is not proper") from None
    if not all(isinstance(part, dict) for part in parsed):
        raise _invalid("token format is not proper")
    return found


def check_assertion(
    assertion: Assertion,
    *,
    client_id: str,
    audiences: Collection[str],
    certificates: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    """Believe an assertion, or raise the AadError that says why not."""
    certificate = _named_certificate(assertion, client_id, certificates)
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise _unsigned("The key used is expired.", assertion)
    _check_signature(assertion, certificate)
    _check_claims(assertion.claims, client_id, audiences)
    _check_times(assertion.claims, now)


def _named_certificate(
    assertion: Assertion, client_id: str, certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    names = {kind: assertion.head[kind] for kind in ("x5t", "x5t#S256") if assertion.head.get(kind)}
    if not names:
        raise _invalid("No certificate thumbprint specified in token header")
    for certificate in certificates:
        own = thumbprints(certificate)
        if all(str(name).rstrip("=") == own[kind] for kind, name in names.items()):
            return certificate
    sentence = (
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - The key was not found., Thumbprint of key used by client: '{_thumbprint(assertion)}', "
        f"app Id '{client_id}'. {_SEE}]"
    )
    raise AadError(700027, "invalid_client", 401, sentence)


def _check_signature(assertion: Assertion, certificate: x509.Certificate) -> None:
    scheme = _PADDINGS.get(str(assertion.head.get("alg")))
    key = certificate.public_key()
    if scheme is None or not isinstance(key, rsa.RSAPublicKey):
        raise _unsigned("The algorithm is not supported.", assertion)
    try:
        key.verify(assertion.signature, assertion.signed, scheme, hashes.SHA256())
    except InvalidSignature:
        raise _unsigned("The provided signature value did not match the expected.", assertion) from None


def _check_claims(claims: dict[str, Any], client_id: str, audiences: Collection[str]) -> None:
    for name in ("iss", "sub"):
        if str(claims.get(name)).lower() != client_id.lower():
            sentence = f"Client assertion application identifier doesn't match 'client_id' parameter. {_SEE}"
            raise AadError(700021, "invalid_client", 401, sentence)
    if claims.get("aud") not in audiences:
        sentence = f"Client assertion audience claim does not match Realm issuer. {_SEE}"
        raise AadError(700023, "invalid_client", 401, sentence)
    if not claims.get("jti"):
        raise _invalid("it does not contain the claim jti")


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    start, end = _instant(claims.get("nbf", 0)), _instant(claims.get("exp"))
    if not start - _SKEW <= now < end + _SKEW:
        sentence = (
            f"Client assertion is not within its valid time range. Current time: {now:%Y-%m-%dT%H:%M:%S.%f}0Z, "
            f"assertion valid from {start:%Y-%m-%dT%H:%M:%S}.0000000Z, expiry time of assertion "
            f"{end:%Y-%m-%dT%H:%M:%S}.0000000Z. {_SEE}"
        )
        raise AadError(700024, "invalid_client", 401, sentence)


def _instant(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid("its times are not numbers")
    try:
        return datetime.fromtimestamp(value, UTC).replace(microsecond=0)
    except (OverflowError, ValueError, OSError):
        raise _invalid("its times are no times") from None


def _thumbprint(assertion: Assertion) -> str:
    """Entra shows the bytes of the thumbprint in hexadecimal."""
    name = str(assertion.head.get("x5t") or assertion.head.get("x5t#S256"))
    try:
        return decoded(name).hex().upper()
    except ValueError:
        return name


def _unsigned(reason: str, assertion: Assertion) -> AadError:
    sentence = (
        f"Client assertion failed signature validation. [Reason - {reason}, "
        f"Thumbprint of key used by client: '{_thumbprint(assertion)}'. {_SEE}]"
    )
    return AadError(700027, "invalid_client", 401, sentence)


def _invalid(reason: str) -> AadError:
    return AadError(50027, "invalid_client", 401, f"Invalid JWT token. {reason}.")
