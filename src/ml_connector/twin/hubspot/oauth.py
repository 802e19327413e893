"""The OAuth app of the portal: its tokens, what they open, and the endpoints that hand them out.

Facts: https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide,
https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/v1/guide; the error words:
https://nango.dev/blog/hubspot-oauth-bad-refresh-token
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from ml_connector.twin.hubspot.account import ALL_SCOPES, scopes_of
from ml_connector.twin.hubspot.calls import answer
from ml_connector.twin.hubspot.errors import ApiError
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.settings import Settings

USER_ID = 7_000_001
USER = "admin@example.com"
_CODE_LIVES = timedelta(minutes=10)
_NO_CLIENT_CREDENTIALS = "2026-09"  # its specification names two grants only


@dataclass(frozen=True, slots=True)
class AppAccess:
    """What an integration that is an OAuth app is given when the portal has installed it."""

    client_id: str
    client_secret: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Token:
    """One access token."""

    text: str
    expires: datetime
    scopes: frozenset[str]
    use: str = "access_token"

    def live(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return now < self.expires


@dataclass(frozen=True, slots=True)
class _Code:
    redirect: str
    scopes: frozenset[str]
    challenge: str
    expires: datetime


class TokenError(ApiError):
    """A refusal of the token endpoints, which speak differently from the rest of the API."""

    def __init__(self, word: str, message: str, error: str, *, rfc: bool, status: int = 400) -> None:
        super().__init__(status, message, None)
        self._word, self._error, self._rfc = word, error, rfc

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The word HubSpot uses for the error, or that of RFC 6749."""
        if self._rfc:
            return {"error": self._error, "error_description": self.message, "correlationId": correlation_id}
        return {"status": self._word, "message": self.message, "correlationId": correlation_id}


class OAuthApp:
    """One installed app and every token it has. Tokens outlive a change of the portal's world."""

    def __init__(self, access: AppAccess, *, new_id: Callable[[], str], settings: Settings) -> None:
        self.access = access
        self.settings = settings
        self.scopes = scopes_of(settings.listed("oauth_missing_scopes"))
        self.user_level = settings["oauth_associations"] == "refused"
        self._new_id = new_id
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, frozenset[str]] = {access.refresh_token: self.scopes}
        self._codes: dict[str, _Code] = {}

    def token(self, text: str) -> Token | None:
        """An issued token, expired ones as well."""
        return self._tokens.get(text)

    def ask(self, call: Call) -> Answer:
        """Hand out an access token for a code, a refresh token or the app's own credentials."""
        form = _form(call)
        grant = form.get("grant_type", "")
        grants = {"authorization_code": self._by_code, "refresh_token": self._by_refresh_token}
        if call.version.name != _NO_CLIENT_CREDENTIALS:
            grants["client_credentials"] = self._by_credentials
        if grant not in grants:
            raise self._refused("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
        self._client(form)
        now = datetime.fromisoformat(call.portal.now)
        token, refresh = grants[grant](form, now)
        body: dict[str, Any] = {
            "access_token": token.text,
            "expires_in": self._lifetime,
            "token_type": "bearer",
            "token_use": token.use,
            "hub_id": call.portal.portal_id,
            "user_id": USER_ID,
            "scopes": _ordered(token.scopes),
        }
        if refresh:
            body["refresh_token"] = refresh
        return answer(200, body)

    def authorize(self, call: Call) -> Answer:
        """Install the app, as if the person said yes at once: back to the client with a code."""
        asked = dict(call.request.query)
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.access.client_id or not redirect:
            raise self._refused("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        wanted = f"{asked.get('scope', '')} {asked.get('optional_scope', '')}".split()
        scopes = self.scopes.intersection(wanted or self.scopes)
        now = datetime.fromisoformat(call.portal.now)
        code = self._new_id()
        self._codes[code] = _Code(redirect, scopes, asked.get("code_challenge", ""), now + _CODE_LIVES)
        back = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        joined = "&" if "?" in redirect else "?"
        return Answer(302, headers={"Location": f"{redirect}{joined}{urlencode(back)}"})

    def introspect(self, call: Call) -> Answer:
        """Say whom a token belongs to and what it opens; ``active`` is false for every other text."""
        form = _form(call)
        self._client(form)
        text = form.get("token", "")
        now = datetime.fromisoformat(call.portal.now)
        token = self._tokens.get(text)
        if token is not None and token.live(now):
            return answer(200, {"active": True} | self._about(call.portal, token, now))
        if text in self._refresh:
            return answer(200, {"active": True} | self._about_refresh(call.portal, text))
        return answer(200, {"active": False})

    def revoke(self, call: Call) -> Answer:
        """Make a token worthless; one that is unknown counts as done."""
        form = _form(call)
        self._client(form)
        self._forget(form.get("token", ""))
        return Answer(int(self.settings["oauth_revoke_status"]))

    def access_token(self, call: Call) -> Answer:
        """What a live access token is, by the token itself (v1)."""
        now = datetime.fromisoformat(call.portal.now)
        token = self._tokens.get(call.args["token"])
        if token is None or not token.live(now):
            raise ApiError(404, "Token not found", None)
        return answer(200, self._about(call.portal, token, now) | {"token_type": "access"})

    def refresh_token(self, call: Call) -> Answer:
        """What a refresh token is, by the token itself (v1)."""
        text = call.args["token"]
        if text not in self._refresh:
            raise ApiError(404, "Token not found", None)
        return answer(200, self._about_refresh(call.portal, text) | {"token_type": "refresh"})

    def delete_refresh_token(self, call: Call) -> Answer:
        """Make a refresh token worthless; access tokens live out their time (v1)."""
        if self._refresh.pop(call.args["token"], None) is None:
            raise ApiError(404, "Token not found", None)
        return Answer(204)

    @property
    def _lifetime(self) -> int:
        return int(self.settings.number("oauth_token_seconds"))

    def _client(self, form: dict[str, str]) -> None:
        if not self.access.client_id or form.get("client_id") != self.access.client_id:
            raise self._refused("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        if form.get("client_secret") != self.access.client_secret:
            raise self._refused("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")

    def _by_code(self, form: dict[str, str], now: datetime) -> tuple[Token, str]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or now >= code.expires or not _proven(code.challenge, form.get("code_verifier", "")):
            raise self._refused("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant")
        if form.get("redirect_uri") != code.redirect:
            raise self._refused("BAD_REDIRECT_URI", "missing or unknown redirect uri", "invalid_grant")
        return self._issue(code.scopes, now), self._new_refresh(code.scopes)

    def _by_refresh_token(self, form: dict[str, str], now: datetime) -> tuple[Token, str]:
        text = form.get("refresh_token", "")
        scopes = self._refresh.get(text)
        if not text or scopes is None:
            raise self._refused("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_grant")
        if self.settings.yes("oauth_refresh_rotates"):
            del self._refresh[text]
            text = self._new_refresh(scopes)
        return self._issue(scopes, now), text

    def _by_credentials(self, form: dict[str, str], now: datetime) -> tuple[Token, str]:
        wanted = form.get("scope", "").split()
        issued = self._issue(self.scopes.intersection(wanted or self.scopes), now)
        token = replace(issued, use="client_credentials")
        self._tokens[token.text] = token
        return token, ""

    def _issue(self, scopes: frozenset[str], now: datetime) -> Token:
        text = f"C{self._new_id().replace('-', '')}{self._new_id().replace('-', '')}"
        token = Token(text, now + timedelta(seconds=self._lifetime), scopes)
        self._tokens[text] = token
        return token

    def _new_refresh(self, scopes: frozenset[str]) -> str:
        text = f"na1-{self._new_id()}"
        self._refresh[text] = scopes
        return text

    def _forget(self, text: str) -> None:
        self._tokens.pop(text, None)
        self._refresh.pop(text, None)

    def _refused(self, word: str, message: str, error: str) -> TokenError:
        return TokenError(word, message, error, rfc=self.settings["oauth_errors"] == "rfc6749")

    def _owner(self, portal: Portal) -> dict[str, Any]:
        return {
            "app_id": portal.app_id,
            "client_id": self.access.client_id,
            "hub_domain": f"portal-{portal.portal_id}.example.com",
            "hub_id": portal.portal_id,
            "user": USER,
            "user_id": USER_ID,
        }

    def _about(self, portal: Portal, token: Token, now: datetime) -> dict[str, Any]:
        return {
            **self._owner(portal),
            "expires_in": int((token.expires - now).total_seconds()),
            "is_private_distribution": False,
            "scopes": _ordered(token.scopes),
            "signed_access_token": self._signed(portal, token),
            "token": token.text,
            "token_type": "bearer",
            "token_use": token.use,
        }

    def _about_refresh(self, portal: Portal, text: str) -> dict[str, Any]:
        return {
            **self._owner(portal),
            "scopes": _ordered(self._refresh[text]),
            "token": text,
            "token_type": "bearer",
            "token_use": "refresh_token",
        }

    def _signed(self, portal: Portal, token: Token) -> dict[str, Any]:
        """HubSpot's inner form of a token; its packed parts mean nothing outside and are of no use here."""
        return {
            "appId": portal.app_id,
            "appInstallId": f"{portal.portal_id}-{portal.app_id}",
            "audience": "PUBLIC_APP",
            "expiresAt": int(token.expires.timestamp() * 1000),
            "hubId": portal.portal_id,
            "hublet": "na1",
            "installingUserId": USER_ID,
            "isPrivateDistribution": False,
            "isServiceAccount": False,
            "isUserLevel": self.user_level,
            "newSignature": "",
            "scopeToScopeGroupPks": "",
            "scopes": "",
            "signature": "",
            "trialScopeToScopeGroupPks": "",
            "trialScopes": "",
            "userId": USER_ID,
        }


def _form(call: Call) -> dict[str, str]:
    """The form in the body; v1 takes the same names in the query as well."""
    body = call.request.body.decode("utf-8", errors="replace")
    given = dict(parse_qsl(body, keep_blank_values=True))
    return dict(call.request.query) | given if call.version.name == "v1" else given


def _proven(challenge: str, verifier: str) -> bool:
    """PKCE (RFC 7636): the verifier is what the challenge was made of, hashed or as it is."""
    if not challenge:
        return True
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return bool(verifier) and challenge in {hashed, verifier}


def _ordered(scopes: Iterable[str]) -> list[str]:
    known = set(scopes)
    return [scope for scope in ALL_SCOPES if scope in known]
