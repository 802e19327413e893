"""What opens the door for events: the token in F&O's URL, the secret HubSpot signs with; both rotate with an overlap.

Connecting a side again replaces that side's credentials, and leaves these alone.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from ml_connector.app.event_rules import event_settings
from ml_connector.domain.ping import Step
from ml_connector.errors import ConfigurationError
from ml_connector.store import inbox, rotating
from ml_connector.store.rotating import Rotating
from ml_connector.telemetry import register_secret

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.app.workplace import Workplace

HOOK_TOKEN, SIGNING_SECRET, DIGEST_KEY = "events.dynamics.token", "events.hubspot.secret", "events.digest_key"
TOKEN_BYTES = 32  # 256 bits


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a side sends its events. ``former_until``: until when a replaced secret is good as well."""

    side: str
    url: str
    since: datetime | None
    former_until: datetime | None
    last_event_at: datetime | None
    last_test_at: datetime | None


async def endpoints(place: Workplace, *, rotate: bool) -> tuple[Endpoint, Endpoint]:
    """The addresses of both sides; a token for F&O is drawn when there is none yet, and anew when asked.

    Raises:
        ConfigurationError: it is not known where the service is reached.
    """
    base = _public_url(place)
    cid, vault = place.connection.connection_id, place.vault
    async with place.store.write() as tx:
        token = await rotating.load(tx, cid, HOOK_TOKEN, vault)
        if token is None or rotate:
            value = urlsafe_b64encode(place.around.random_bytes(TOKEN_BYTES)).decode().rstrip("=")
            token = (
                token.replaced(value, tx.now, tx.now + _overlap(place)) if token else Rotating(value, tx.now)
            )
            await rotating.put(tx, cid, HOOK_TOKEN, token, vault)
        secret = await rotating.load(tx, cid, SIGNING_SECRET, vault)
        last = await inbox.last_received(tx, cid)
    register_secret(token.current)
    name = quote(place.connection.name, safe="")
    dynamics, hubspot = f"{base}/hooks/dynamics/{name}/{token.current}", f"{base}/hooks/hubspot/{name}"
    return (
        _endpoint(place, "dynamics", dynamics, token, last),
        _endpoint(place, "hubspot", hubspot, secret, last),
    )


def _endpoint(
    place: Workplace,
    side: str,
    url: str,
    secret: Rotating | None,
    last: dict[tuple[str, bool], datetime],
) -> Endpoint:
    now = place.around.clock.now()
    former = [until for _, until in secret.former if now < until] if secret is not None else []
    since = secret.since if secret is not None else None
    return Endpoint(
        side, url, since, max(former, default=None), last.get((side, False)), last.get((side, True))
    )


async def keep_signing_secret(place: Workplace, value: str) -> None:
    """Store the secret HubSpot signs webhooks with; a former one stays good for the overlap."""
    register_secret(value)
    cid = place.connection.connection_id
    async with place.store.write() as tx:
        secret = await rotating.load(tx, cid, SIGNING_SECRET, place.vault)
        if secret is None:
            secret = Rotating(value, tx.now)
        elif secret.current != value:
            secret = secret.replaced(value, tx.now, tx.now + _overlap(place))
        await rotating.put(tx, cid, SIGNING_SECRET, secret, place.vault)


async def event_step(place: Workplace, side: str) -> Step:
    """A line of the checklist: whether this side tells its changes by itself, and what to enter where."""
    cid = place.connection.connection_id
    async with place.store.read() as tx:
        name = HOOK_TOKEN if side == "dynamics" else SIGNING_SECRET
        secret = await rotating.load(tx, cid, name, place.vault)
        last = await inbox.last_received(tx, cid)
    if secret is None:
        return Step("Events", ok=True, detail=_POLLING[side])
    if not place.settings.public_url:
        return Step(
            "Events", ok=True, detail="Polling alone: public_url is not set, so that nothing can be sent."
        )
    if side == "hubspot":
        url = f"{_public_url(place)}/hooks/hubspot/{quote(place.connection.name, safe='')}"
        return Step(
            "Events", ok=True, detail=f"Target URL for webhooks: {url}. {_seen(last, side, 'webhook')}"
        )
    tested = last.get((side, True))
    test = f"The test event came at {tested:%Y-%m-%d %H:%M} UTC." if tested else "No test event has come yet."
    return Step("Events", ok=True, detail=f"An endpoint is prepared. {test} {_seen(last, side, 'event')}")


_POLLING = {
    "dynamics": "Polling alone: no endpoint for business events is prepared (ml-connector events endpoint).",
    "hubspot": "Polling alone: no signing secret is stored, and a service key cannot receive webhooks.",
}


def _seen(last: dict[tuple[str, bool], datetime], side: str, what: str) -> str:
    at = last.get((side, False))
    return f"The last {what} came at {at:%Y-%m-%d %H:%M} UTC." if at else f"No {what} has come yet."


def _public_url(place: Workplace) -> str:
    """Where the service is reached from outside, without a slash at the end.

    Raises:
        ConfigurationError: it is not set, or cannot be meant.
    """
    url = place.settings.public_url.strip().rstrip("/")
    if not url:
        raise ConfigurationError(
            "It is not known where this service is reached from outside: public_url is not set.",
            code="configuration.public_url",
            hint="Set MLC_PUBLIC_URL, or public_url in ml-connector.toml, to the address that senders use.",
        )
    local = place.settings.allow_local and url.startswith("http://")
    if not (url.startswith("https://") or local) or "?" in url or "#" in url or "@" in url:
        raise ConfigurationError(
            f"public_url is '{url}'; it must begin with https:// and have no query.",
            code="configuration.public_url",
        )
    return url


def _overlap(place: Workplace) -> timedelta:
    return timedelta(hours=event_settings(place.settings).overlap_hours)
