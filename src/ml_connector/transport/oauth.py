"""The access token of an OAuth app of HubSpot, from a refresh token that may be replaced with every use.

Source: https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.errors import CredentialsError
from ml_connector.transport.auth import FetchedToken, checked, fresh_token, granted

if TYPE_CHECKING:
    from ml_connector.transport.auth import Token
    from ml_connector.transport.http import Transport
    from ml_connector.transport.request import Reply

_LOOKS_S = (
    0.2,
    1.0,
    3.0,
)  # another process may have used the token and not yet have stored the one that follows


class RefreshTokens(Protocol):
    """Where the refresh token is kept."""

    async def load(self) -> str:
        """The one in force."""

    async def replace(self, old: str, new: str) -> None:
        """Keep the one that follows; it is safe when this returns."""


class HubSpotToken(FetchedToken):
    """An access token of an installed OAuth app.

    A refresh token that HubSpot replaces is stored before anything is done with what came along with it, so that only a
    death between HubSpot's answer and that commit loses it; then a person installs the app again.
    """

    def __init__(self, url: str, client_id: str, client_secret: str, tokens: RefreshTokens) -> None:
        super().__init__()
        self._url = url
        self._form = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": checked(client_secret, "client secret"),
        }
        self._tokens = tokens

    def __repr__(self) -> str:
        return f"HubSpotToken({self._url})"

    async def _fetch(self, transport: Transport) -> Token:
        refresh = checked(await self._tokens.load(), "refresh token")
        reply = await self._ask(transport, refresh)
        for wait_s in _LOOKS_S:
            if reply.status == HTTPStatus.OK or not _refuses_the_refresh_token(reply):
                break
            await asyncio.sleep(wait_s)
            found = checked(await self._tokens.load(), "refresh token")
            if found != refresh:
                refresh = found
                reply = await self._ask(transport, refresh)
        if reply.status != HTTPStatus.OK:
            raise refused(reply)
        new = _field(reply.data, "refresh_token")
        if new and new != refresh:
            await self._tokens.replace(refresh, checked(new, "refresh token"))
        return fresh_token(reply.data, transport)

    async def _ask(self, transport: Transport, refresh: str) -> Reply:
        form = {**self._form, "refresh_token": refresh}
        return await granted(transport, self._url, form, _is_passing, code="hubspot.unavailable")


def _is_passing(reply: Reply) -> bool:
    return reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.TOO_MANY_REQUESTS


def _refuses_the_refresh_token(reply: Reply) -> bool:
    return "BAD_REFRESH_TOKEN" in _words(reply) or "invalid_grant" in _words(reply)


def refused(reply: Reply) -> CredentialsError:
    """The error of a refused token request, in words for the person who installed the app."""
    if _refuses_the_refresh_token(reply):
        return CredentialsError(
            "HubSpot does not accept the refresh token.",
            code="hubspot.refresh_token",
            hint="It was revoked, rotated or copied incompletely, or the app uninstalled: enter the current one.",
            correlation_id=reply.correlation_id,
        )
    if {"BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "invalid_client"}.intersection(_words(reply)):
        return CredentialsError(
            "HubSpot does not accept the client id or secret of the app.",
            code="hubspot.client",
            hint="Compare both with the app's page in HubSpot: the secret may have been rotated.",
            correlation_id=reply.correlation_id,
        )
    return CredentialsError(
        f"HubSpot refused the app's sign-in (status {reply.status}).",
        code="hubspot.sign_in",
        hint="Check client id, client secret and refresh token of the app.",
        correlation_id=reply.correlation_id,
    )


def _words(reply: Reply) -> set[str]:
    """HubSpot's own word for the refusal, or that of RFC 6749."""
    return {_field(reply.data, "status"), _field(reply.data, "error")} - {""}


def _field(data: Any, name: str) -> str:
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, str) else ""
