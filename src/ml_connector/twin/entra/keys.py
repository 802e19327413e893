"""Keys and certificates: what Entra signs its tokens with, and what an application proves itself with.

An RSA key takes a noticeable part of a second to make, so each is made when it is first asked for.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_BITS = 2048
_LIFE = timedelta(days=365)
_EARLY = timedelta(days=1)  # a certificate is good a little before it was made: clocks differ
_SIGNING_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_SIGNING_UNTIL = datetime(2100, 1, 1, tzinfo=UTC)


def new_rsa_key() -> rsa.RSAPrivateKey:
    """Make an RSA key; its randomness is the operating system's, a seed cannot repeat it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=_BITS)


@cache
def shared_signing_key() -> rsa.RSAPrivateKey:
    """The signing key of every tenant in this process: Entra's tenants share theirs as well."""
    return new_rsa_key()


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """An application's certificate with its private key, both as PEM text."""

    certificate: str
    private_key: str

    @property
    def pem(self) -> str:
        """Key and certificate in one text, as clients take it."""
        return self.private_key + self.certificate


def make_client_certificate(key: rsa.RSAPrivateKey, name: str, now: datetime) -> ClientCertificate:
    """Sign a certificate for an application with its own key."""
    certificate = self_signed(key, name, now - _EARLY, now + _LIFE)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ClientCertificate(certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode())


def self_signed(key: rsa.RSAPrivateKey, name: str, start: datetime, end: datetime) -> x509.Certificate:
    """A certificate that vouches for itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    return builder.not_valid_before(start).not_valid_after(end).sign(key, hashes.SHA256())


class SigningKey:
    """What signs tokens: RS256 over one lazily made key, named by its certificate's thumbprint."""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return shared_signing_key()

    @cached_property
    def _certificate(self) -> x509.Certificate:
        return self_signed(self._key, "accounts.accesscontrol.windows.net", _SIGNING_FROM, _SIGNING_UNTIL)

    @cached_property
    def kid(self) -> str:
        """The key's name: its certificate's SHA-1 thumbprint, as Entra names its own."""
        return encoded(self._certificate.fingerprint(hashes.SHA1()))  # noqa: S303  a name, not a proof

    def sign(self, payload: bytes) -> bytes:
        """RS256."""
        return self._key.sign(payload, padding.PKCS1v15(), hashes.SHA256())

    def as_jwk(self) -> dict[str, Any]:
        """The public half, as a key set lists it."""
        numbers = self._key.public_key().public_numbers()
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": encoded(numbers.n.to_bytes(_BITS // 8, "big")),
            "e": encoded(numbers.e.to_bytes(3, "big")),
            "x5c": [b64encode(der).decode()],
        }


def thumbprints(certificate: x509.Certificate) -> dict[str, str]:
    """How an assertion's header may name the certificate: by ``x5t`` or ``x5t#S256``."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    sha1 = hashlib.sha1(der, usedforsecurity=False).digest()
    return {"x5t": encoded(sha1), "x5t#S256": encoded(hashlib.sha256(der).digest())}


def encoded(data: bytes) -> str:
    """Base64url without padding, as JSON web tokens write it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The opposite of ``encoded``; ValueError when it is not base64url."""
    if "=" in text.rstrip("="):
        raise ValueError("padding inside")
    bare = text.rstrip("=")
    return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
