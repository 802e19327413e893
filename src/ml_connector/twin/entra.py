"""The twin of Entra ID: client credentials with a secret, bearer tokens, and the AADSTS errors operators meet.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from ml_connector.twin.switches import Switch
from ml_connector.twin.wire import Answer, Request, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "token_seconds", int, "3599", "Entra gives 60 to 90 minutes and a tenant may change it.", "MS"
        ),
        Switch(
            "secret", ("valid", "expired"), "valid", "A client secret runs out after at most two years.", "MS"
        ),
    )
}
_OWN_PATH = re.compile(
    r"/(?P<tenant>[^/]+)/(?P<what>oauth2/v2\.0/token|(?:v2\.0/)?\.well-known/openid-configuration)"
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")
_DEFAULT = "/.default"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one application that the tenant knows."""

    tenant: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Issued:
    """What a token stands for."""

    client_id: str
    expires_at: datetime


class AadError(Exception):
    """A refused token request: ``code`` is the AADSTS number, ``name`` OAuth's word for it."""

    def __init__(self, code: int, name: str, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.name = name
        self.status = status


class Entra:
    """One tenant that issues tokens for one F&O environment.

    Args:
        credentials: The tenant and its application.
        resource: The environment's URL, the only resource known; called per request.
        new_id: Source of trace ids and token ids.
        switches: Chosen behaviours by name, all of SWITCHES.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        resource: Callable[[], str],
        new_id: Callable[[], str],
        switches: Mapping[str, str],
    ) -> None:
        self._credentials = credentials
        self._resource = resource
        self._new_id = new_id
        self._switches = switches
        self._issued: dict[str, Issued] = {}

    def owns(self, request: Request) -> bool:
        """Whether the path is Entra's, not F&O's."""
        return _OWN_PATH.fullmatch(request.path) is not None

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer a token or metadata request."""
        path = _OWN_PATH.fullmatch(request.path)
        assert path is not None
        method = "POST" if path["what"].endswith("token") else "GET"
        if request.method != method:
            return Answer(405, b"", {"Allow": method})
        try:
            self._check_tenant(path["tenant"])
            if method == "GET":
                return json_answer(200, _metadata(request, path["tenant"]))
            return self._token(dict(parse_qsl(request.body.decode(errors="replace"))), now)
        except AadError as error:
            return self._refused(error, now)

    def verify(self, authorization: str | None, now: datetime) -> str | None:
        """Return the client id behind an Authorization header; None when it is missing, unknown or expired."""
        scheme, _, token = (authorization or "").partition(" ")
        issued = self._issued.get(token) if scheme.lower() == "bearer" else None
        return issued.client_id if issued is not None and now < issued.expires_at else None

    def _check_tenant(self, tenant: str) -> None:
        if tenant.lower() == self._credentials.tenant.lower():
            return
        if not _GUID.fullmatch(tenant) and not _DOMAIN.fullmatch(tenant):
            sentence = f"Specified tenant identifier '{tenant}' is neither a GUID nor a valid domain name."
            raise AadError(900023, "invalid_request", 400, sentence)
        sentence = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        raise AadError(90002, "invalid_request", 400, sentence)

    def _token(self, form: Mapping[str, str], now: datetime) -> Answer:
        self._check_grant(form)
        self._check_scope(form["scope"])
        self._check_secret(form)
        self._check_resource(form["scope"])
        seconds = int(self._switches["token_seconds"])
        token = self._issue(now, seconds)
        body = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }
        return json_answer(200, body, Cache_Control="no-store, no-cache")

    def _check_grant(self, form: Mapping[str, str]) -> None:
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                sentence = f"The request body must contain the following parameter: '{name}'."
                raise AadError(900144, "invalid_request", 400, sentence)
        if form["grant_type"] != "client_credentials":
            sentence = f"The app requested an unsupported grant type '{form['grant_type']}'."
            raise AadError(70003, "unsupported_grant_type", 400, sentence)
        if form["client_id"].lower() != self._credentials.client_id.lower():
            sentence = (
                f"Application with identifier '{form['client_id']}' was not found in the directory "
                f"'{self._credentials.tenant}'."
            )
            raise AadError(700016, "unauthorized_client", 400, sentence)

    def _check_scope(self, scope: str) -> None:
        if scope.endswith(_DEFAULT) and " " not in scope:
            return
        if scope.startswith(("http:", "https:", "api:")):
            sentence = f"The provided value for scope {scope} is not valid: it must end in /.default."
            raise AadError(1002012, "invalid_scope", 400, sentence)
        sentence = f"The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is unknown."
        raise AadError(70011, "invalid_scope", 400, sentence)

    def _check_secret(self, form: Mapping[str, str]) -> None:
        client = self._credentials.client_id
        if form.get("client_assertion"):
            sentence = "Client assertion failed signature validation: no certificate is registered."
            raise AadError(700027, "invalid_client", 401, sentence)
        if not form.get("client_secret"):
            sentence = (
                "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type."
            )
            raise AadError(7000216, "invalid_client", 401, sentence)
        if form["client_secret"] != self._credentials.client_secret:
            sentence = (
                "Invalid client secret provided. Send the value of the client secret, not its id, "
                f"for app '{client}'."
            )
            raise AadError(7000215, "invalid_client", 401, sentence)
        if self._switches["secret"] == "expired":  # noqa: S105  a switch's value
            sentence = f"The provided client secret keys for app '{client}' are expired."
            raise AadError(7000222, "invalid_client", 401, sentence)

    def _check_resource(self, scope: str) -> None:
        """Any other host is unknown, the environment's own with one slash too many included."""
        resource = scope.removesuffix(_DEFAULT)
        if resource.lower() != self._resource().lower():
            tenant = self._credentials.tenant
            sentence = f"The resource principal named {resource} was not found in the tenant named {tenant}."
            raise AadError(500011, "invalid_resource", 400, sentence)

    def _issue(self, now: datetime, seconds: int) -> str:
        """Make an opaque token of a JWT's shape; nobody but Entra and F&O may look inside."""
        expires_at = now + timedelta(seconds=seconds)
        head = {"typ": "JWT", "alg": "RS256", "kid": "twin"}
        claims = {
            "aud": self._resource(),
            "iss": f"https://sts.windows.net/{self._credentials.tenant}/",
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "appid": self._credentials.client_id,
            "azp": self._credentials.client_id,
            "oid": self._credentials.client_id,
            "tid": self._credentials.tenant,
            "uti": self._new_id(),
        }
        payload = f"{_encoded(orjson.dumps(head))}.{_encoded(orjson.dumps(claims))}"
        token = f"{payload}.{_encoded(hashlib.sha256(payload.encode()).digest())}"
        self._issued[token] = Issued(self._credentials.client_id, expires_at)
        return token

    def _refused(self, error: AadError, now: datetime) -> Answer:
        trace, correlation = self._new_id(), self._new_id()
        stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
        body: dict[str, Any] = {
            "error": error.name,
            "error_description": (
                f"AADSTS{error.code}: {error} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
            ),
            "error_codes": [error.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
        }
        return json_answer(error.status, body, x_ms_request_id=trace)


def _metadata(request: Request, tenant: str) -> dict[str, Any]:
    root = f"http://{request.headers.get('host', '127.0.0.1')}/{tenant}"
    return {
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "issuer": f"{root}/v2.0",
        "response_types_supported": ["token"],
        "scopes_supported": ["openid"],
    }


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
