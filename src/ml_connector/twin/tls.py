"""https for the twins: a certificate authority that lives as long as they do, and their certificate from it.

Clients of Entra ID insist on an https authority; they are given the authority's file to trust.
"""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_LIFE = timedelta(days=30)
_EARLY = timedelta(days=1)  # clocks differ
_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)


@dataclass(frozen=True, slots=True)
class Https:
    """What servers need for https, and what clients must trust."""

    context: ssl.SSLContext
    ca_file: str


@contextmanager
def https_of_our_own(now: datetime) -> Iterator[Https]:
    """Make an authority and a certificate for localhost and 127.0.0.1; the file is gone when the block is left."""
    with tempfile.TemporaryDirectory(prefix="ml-connector-twin-") as home:
        ca_file, chain = Path(home, "ca.pem"), Path(home, "server.pem")
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca = _authority(ca_key, now)
        ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        server = _server(key, ca, ca_key, now)
        chain.write_bytes(_private(key) + server.public_bytes(serialization.Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        chain.unlink()
        yield Https(context, str(ca_file))


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("ml-connector twins: authority of this run")
    builder = _builder(name, name, key, now, number=1)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _server(
    key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    builder = _builder(_name("localhost"), ca.subject, key, now, number=2)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
    builder = builder.add_extension(issuer, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(ca_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, *, number: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), number)
    builder = builder.not_valid_before(now - _EARLY).not_valid_after(now + _LIFE)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
