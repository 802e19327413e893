"""Credentials: what turns into an Authorization header, and what is said when it cannot."""

from __future__ import annotations

import asyncio
import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.errors import ConfigurationError, ConnectorError, CredentialsError, UnavailableError
from ml_connector.telemetry import register_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.transport.http import Transport
    from ml_connector.transport.request import Reply

_EARLY_S = 300.0
_EARLY_SHARE = 0.1


class Credentials(Protocol):
    """Something that can authorise a call."""

    async def header(self, transport: Transport) -> str:
        """The value of the Authorization header.

        Raises:
            CredentialsError: there is none to be had; the message names the cause.
        """

    def invalidate(self, header: str) -> bool:
        """This header was refused. True when a fresh one may do better."""


def checked(secret: str, what: str) -> str:
    """A secret as it can be sent; from now on it is masked in logs."""
    secret = secret.strip()
    if not secret or not secret.isascii() or re.search(r"[\x00-\x20\x7f]", secret):
        raise CredentialsError(
            f"The {what} is empty or holds characters no {what} can hold.",
            hint="Copy it again, in one piece and without quotation marks.",
        )
    register_secret(secret)
    return secret


class StaticToken:
    """A bearer token that lives until somebody rotates it (HubSpot's ``pat-`` tokens of any kind)."""

    def __init__(self, secret: str) -> None:
        self._secret = checked(secret, "access token")

    async def header(self, transport: Transport) -> str:  # noqa: ARG002 - the protocol's signature
        """Always the same."""
        return f"Bearer {self._secret}"

    def invalidate(self, header: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """There is no other token to try."""
        return False


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when to fetch the next."""

    value: str
    fresh_until: float  # of the elapsed clock


class FetchedToken(ABC):
    """An access token that is fetched when needed and shared by every caller.

    It is renewed five minutes (at most a tenth of its life) before it ends, and once when it was refused.
    """

    def __init__(self) -> None:
        self._token: Token | None = None
        self._fetching: asyncio.Task[Token] | None = None

    async def header(self, transport: Transport) -> str:
        """A token that is good for a while yet; all who wait share one request."""
        token = self._token
        if token is None or transport.elapsed_s() >= token.fresh_until:
            if self._fetching is None:
                self._fetching = asyncio.get_running_loop().create_task(self._fetch(transport))
                self._fetching.add_done_callback(self._fetched)
            token = await asyncio.shield(self._fetching)
        return f"Bearer {token.value}"

    def invalidate(self, header: str) -> bool:
        """Forget the token if it is still the one that was refused."""
        if self._token is not None and header == f"Bearer {self._token.value}":
            self._token = None
        return True

    def _fetched(self, task: asyncio.Task[Token]) -> None:
        self._fetching = None
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    @abstractmethod
    async def _fetch(self, transport: Transport) -> Token:
        """A new token."""


async def granted(
    transport: Transport, url: str, form: Mapping[str, str], is_passing: Callable[[Reply], bool], *, code: str
) -> Reply:
    """The answer of a token endpoint that is not a passing fault; those are waited out.

    Raises:
        UnavailableError: it did not pass.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            reply = await transport.post_form(url, form)
        except UnavailableError as exc:
            error: ConnectorError = exc
        else:
            if reply.status == HTTPStatus.OK or not is_passing(reply):
                return reply
            error = UnavailableError(f"The sign-in service answered with status {reply.status}.", code=code)
        wait_s = transport.backoff_s(attempt)
        if wait_s is None:
            raise error
        await asyncio.sleep(wait_s)


def fresh_token(data: Any, transport: Transport) -> Token:
    """The token of an answer, with the moment to renew it.

    Raises:
        UnavailableError: the answer holds none.
    """
    value, life_s = _read_token(data)
    register_secret(value)
    return Token(value, transport.elapsed_s() + life_s - min(_EARLY_S, life_s * _EARLY_SHARE))


class EntraToken(FetchedToken):
    """An app-only access token of Microsoft Entra ID.

    Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """

    def __init__(self, authority: str, tenant: str, client_id: str, client_secret: str, host: str) -> None:
        super().__init__()
        self._url = f"{authority.rstrip('/')}/{tenant}/oauth2/v2.0/token"
        resource = host if "://" in host else f"https://{host}"
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": checked(client_secret, "client secret"),
            "scope": f"{resource.rstrip('/')}/.default",
        }

    def __repr__(self) -> str:
        return f"EntraToken({self._url})"

    async def _fetch(self, transport: Transport) -> Token:
        reply = await granted(transport, self._url, self._form, _is_passing, code="entra.unavailable")
        if reply.status != HTTPStatus.OK:
            raise token_fault(reply)
        return fresh_token(reply.data, transport)


def _read_token(data: Any) -> tuple[str, float]:
    """Token and life in seconds; the older endpoint writes its numbers as strings."""
    if isinstance(data, dict):
        value, life = data.get("access_token"), data.get("expires_in", 0)
        try:
            life_s = float(life)
        except (TypeError, ValueError):
            life_s = 0.0
        if (
            isinstance(value, str)
            and value.isascii()
            and value.isprintable()
            and value
            and math.isfinite(life_s)
        ):
            return value, max(life_s, 0.0)
    raise UnavailableError("The sign-in service answered without an access token.", code="entra.no_token")


_TRANSIENT = {50196, 90033}
_SENTENCES: dict[int, tuple[str, str]] = {
    7000215: (
        "The client secret is wrong.",
        "Paste the secret's value, not its id: Entra ID shows the value only right after it was created.",
    ),
    7000222: (
        "The client secret has expired.",
        "Create a new secret for the app in Entra ID and enter it here.",
    ),
    7000216: ("No client secret was sent.", "Enter the app's client secret."),
    700016: (
        "There is no app with this client id in this tenant.",
        "Compare client id and tenant with the app's overview page in Entra ID.",
    ),
    90002: ("There is no such tenant.", "Compare the tenant with Entra ID's overview page."),
    900023: ("The tenant is neither an id nor a domain name.", "Use the tenant id or its domain name."),
    500011: (
        "Entra ID does not know this Dynamics address in this tenant.",
        "Check the Dynamics URL, and that tenant and environment belong together.",
    ),
    1002012: ("Entra ID refused the scope of the request.", "Check the Dynamics URL."),
    70011: ("Entra ID refused the scope of the request.", "Check the Dynamics URL."),
    700027: ("The app's certificate or its signature is not valid.", "Register the current certificate."),
    7000112: ("The app is disabled in this tenant.", "Enable the enterprise application in Entra ID."),
}


_WRONG_ADDRESS = {
    500011,
    1002012,
    70011,
}  # the credential may be good: it is the Dynamics URL that is not known


def _is_passing(reply: Reply) -> bool:
    return (
        reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or reply.status == HTTPStatus.TOO_MANY_REQUESTS
        or bool(_TRANSIENT.intersection(_codes(reply.data)))
    )


def token_fault(reply: Reply) -> ConnectorError:
    """The error of a refused token request, in words for the person who set the app up."""
    codes = _codes(reply.data)
    for code in codes:
        if code in _SENTENCES:
            sentence, hint = _SENTENCES[code]
            kind = ConfigurationError if code in _WRONG_ADDRESS else CredentialsError
            return kind(
                f"{sentence} (AADSTS{code})",
                code=f"entra.{code}",
                hint=hint,
                correlation_id=reply.correlation_id,
            )
    named = f"AADSTS{codes[0]}" if codes else f"status {reply.status}"
    return CredentialsError(
        f"Entra ID refused the sign-in ({named}).",
        code=f"entra.{codes[0]}" if codes else "entra.refused",
        hint="Check tenant, client id and secret; login.microsoftonline.com/error explains the code.",
        correlation_id=reply.correlation_id,
    )


def _codes(data: Any) -> list[int]:
    if not isinstance(data, dict):
        return []
    listed = data.get("error_codes")
    codes = [code for code in listed if isinstance(code, int)] if isinstance(listed, list) else []
    return codes or [
        int(found) for found in re.findall(r"AADSTS(\d{4,9})", str(data.get("error_description", "")))[:1]
    ]
