"""Entra ID's machine: one tenant that issues tokens to one application for one F&O environment.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509

from ml_connector.twin.entra.discovery import EVERYONE, instance, metadata
from ml_connector.twin.entra.endpoints import parse_path
from ml_connector.twin.entra.errors import AadError, error_body
from ml_connector.twin.entra.keys import ClientCertificate, make_client_certificate, new_rsa_key
from ml_connector.twin.entra.proof import Proofs, basic_credentials
from ml_connector.twin.entra.requests import TokenRequest, parse_form
from ml_connector.twin.entra.tokens import Grant, Tokens
from ml_connector.twin.entra.troubles import Troubles
from ml_connector.twin.wire import Answer, Request, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

DOMAIN = "twin.onmicrosoft.example"  # the tenant's other name
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")
_UNCACHED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one application that the tenant knows."""

    tenant: str
    client_id: str
    client_secret: str


class Entra:
    """One tenant that issues tokens for one F&O environment.

    Args:
        credentials: The tenant and its application.
        resource: The environment's URL, the only resource known; called per request.
        new_id: Source of trace ids and token ids.
        switches: Chosen behaviours by name, all of SWITCHES.
        domain: The tenant's name beside its GUID.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        resource: Callable[[], str],
        new_id: Callable[[], str],
        switches: Mapping[str, str],
        domain: str = DOMAIN,
    ) -> None:
        self._credentials = credentials
        self._domain = domain
        self._resource = resource
        self._new_id = new_id
        self._switches = switches
        self._tokens = Tokens(new_id=new_id, switches=switches)
        self._proofs = Proofs(credentials.client_id, credentials.client_secret, switches)
        self._troubles = Troubles(switches)

    def owns(self, request: Request) -> bool:
        """Whether the path is Entra's, not F&O's."""
        return parse_path(request.path) is not None

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer a request to one of the ENDPOINTS."""
        trace = self._new_id()
        try:
            answer = json_answer(200, self._answered(request, now))
            answer.headers |= _UNCACHED if request.method == "POST" else {}
        except AadError as error:
            correlation = request.headers.get("client-request-id") or self._new_id()
            body = error_body(error, now, trace=trace, correlation=correlation)
            answer = json_answer(error.status, body)
        answer.headers["x-ms-request-id"] = trace
        asked = request.headers.get("client-request-id")
        if asked and request.headers.get("return-client-request-id", "").lower() == "true":
            answer.headers["client-request-id"] = asked
        return answer

    def verify(self, authorization: str | None, now: datetime) -> str | None:
        """Return the client id behind an Authorization header; None when F&O must not accept it."""
        scheme, _, token = (authorization or "").partition(" ")
        return self._tokens.holder(token, self._resource(), now) if scheme.lower() == "bearer" else None

    def register(self, certificate: str) -> None:
        """Let the application prove itself with this certificate; ValueError when the PEM text holds none."""
        self._proofs.certificates.append(x509.load_pem_x509_certificate(certificate.encode()))

    def make_certificate(self, now: datetime) -> ClientCertificate:
        """Make the application a key and a certificate, and register the certificate."""
        made = make_client_certificate(new_rsa_key(), self._credentials.client_id, now)
        self.register(made.certificate)
        return made

    def _answered(self, request: Request, now: datetime) -> dict[str, Any]:
        path = parse_path(request.path)
        assert path is not None
        tenant, what = path
        allowed = "POST" if what.endswith("token") else "GET"
        if request.method != allowed:
            sentence = f"The endpoint only accepts {allowed} requests. Received a {request.method} request."
            raise AadError(900561, "invalid_request", 405, sentence)
        root = self._root(request)
        if what == "discovery/instance":
            return instance(request, own=root)
        known = self._known_tenant(tenant, token=allowed == "POST")
        version = 2 if "v2.0" in what else 1
        if what.endswith("openid-configuration"):
            return metadata(root, known, version=version)
        if what.endswith("keys"):
            return self._keys(metadata(root, known, version=version)["issuer"], version)
        return self._token(request, tenant, version, now)

    def _root(self, request: Request) -> str:
        """The sign-in service as this client sees it."""
        own = urlsplit(self._resource())
        return f"{own.scheme}://{request.headers.get('host', own.netloc)}"

    def _known_tenant(self, tenant: str, *, token: bool) -> str:
        """The GUID of a tenant that goes by GUID or domain; an alias of all tenants for metadata only.

        Source of 50059: https://github.com/AzureAD/microsoft-identity-web/issues/462
        """
        own = self._credentials.tenant
        if tenant.lower() in {own.lower(), self._domain.lower()}:
            return own
        if tenant.lower() in EVERYONE:
            if not token:
                return tenant.lower()
            sentence = (
                "No tenant-identifying information found in either the request or implied by any provided "
                "credentials."
            )
            raise AadError(50059, "invalid_request", 400, sentence)
        if not _GUID.fullmatch(tenant) and not _DOMAIN.fullmatch(tenant):
            sentence = f"Specified tenant identifier '{tenant}' is neither a GUID nor a valid domain name."
            raise AadError(900023, "invalid_request", 400, sentence)
        sentence = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        raise AadError(90002, "invalid_request", 400, sentence)

    def _keys(self, issuer: str, version: int) -> dict[str, Any]:
        key = self._tokens.key.as_jwk()
        return {"keys": [key | {"issuer": issuer} if version == 2 else key]}  # noqa: PLR2004  of two versions

    def _token(self, request: Request, tenant: str, version: int, now: datetime) -> dict[str, Any]:
        self._troubles.fail()
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        form = basic_credentials(request.headers.get("authorization")) | form
        asked = parse_form(form, version)
        self._check_application(asked.client_id)
        root = self._root(request)
        tenants = (tenant, self._credentials.tenant)
        audiences = {f"{root}/{name}/oauth2/{part}token" for name in tenants for part in ("v2.0/", "")}
        proof = self._proofs.check(form, audiences, now)
        self._check_resource(asked)
        self._troubles.loop(asked, now)
        grant = Grant(
            client_id=self._credentials.client_id,
            tenant=self._credentials.tenant,
            audience=asked.resource,
            issuer=f"{root}/{self._credentials.tenant}/v2.0",
            proof=proof,
        )
        seconds = int(self._switches["token_seconds"])
        return _granted(self._tokens.issue(grant, now, seconds), asked, version, now, seconds)

    def _check_application(self, client_id: str) -> None:
        own = self._credentials
        if client_id.lower() != own.client_id.lower():
            sentence = (
                f"Application with identifier '{client_id}' was not found in the directory '{own.tenant}'."
            )
            raise AadError(700016, "unauthorized_client", 400, sentence)
        if self._switches["application"] == "disabled":
            sentence = f"Application '{client_id}' is disabled."
            raise AadError(7000112, "unauthorized_client", 400, sentence)

    def _check_resource(self, asked: TokenRequest) -> None:
        """Any other host is unknown; one slash at the end makes another audience of the environment's own."""
        resource = asked.resource.lower()
        if self._switches["resource_slash"] == "other_audience":
            resource = resource.removesuffix("/")
        if resource != self._resource().lower():
            sentence = (
                f"The resource principal named {asked.resource} was not found in the tenant named "
                f"{self._credentials.tenant}."
            )
            raise AadError(500011, "invalid_resource", 400, sentence)


def _granted(token: str, asked: TokenRequest, version: int, now: datetime, seconds: int) -> dict[str, Any]:
    """The answer that carries a token. Version 1 writes its numbers as strings."""
    if version == 2:  # noqa: PLR2004  of the two versions
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }
    start = int(now.timestamp())
    return {
        "token_type": "Bearer",
        "expires_in": str(seconds),
        "ext_expires_in": str(seconds),
        "expires_on": str(start + seconds),
        "not_before": str(start),
        "resource": asked.resource,
        "access_token": token,
    }
