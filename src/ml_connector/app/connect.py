"""Connect a side: try the credentials first, save them only when every step of the ping succeeded."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ml_connector.app.changes import with_times_of_change
from ml_connector.app.event_secrets import event_step, keep_signing_secret
from ml_connector.app.hubspot_credentials import CLIENT_SECRET, REFRESH_TOKEN, TOKEN, HeldRefreshToken
from ml_connector.domain.priority import Priority, priority
from ml_connector.errors import ConfigurationError
from ml_connector.flows.customers.settings import KEPT
from ml_connector.store import connections
from ml_connector.store.connections import LegalEntityRow, SideRow
from ml_connector.systems.dynamics.capabilities import ping as ping_dynamics
from ml_connector.systems.dynamics.settings import DynamicsSettings
from ml_connector.systems.hubspot.capabilities import ping as ping_hubspot
from ml_connector.systems.hubspot.settings import HubSpotSettings
from ml_connector.transport.auth import StaticToken
from ml_connector.transport.oauth import HubSpotToken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.ping import PingReport
    from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment
    from ml_connector.transport.auth import Credentials

SIDES = ("dynamics", "hubspot")


async def connect_dynamics(place: Workplace, given: DynamicsEnvironment) -> PingReport:
    """Try an F&O environment and save it when it answers as it must.

    Raises:
        ConfigurationError: something is missing or malformed; nothing was sent or saved.
    """
    secret = given.client_secret.get_secret_value()
    _require(
        {
            "MLC_DYNAMICS_URL": given.url,
            "MLC_DYNAMICS_TENANT": given.tenant,
            "MLC_DYNAMICS_CLIENT_ID": given.client_id,
            "MLC_DYNAMICS_CLIENT_SECRET": secret,
        }
    )
    chosen = tuple(name.strip().lower() for name in given.legal_entities.split(",") if name.strip())
    settings: DynamicsSettings = _checked(
        DynamicsSettings,
        url=given.url,
        tenant=given.tenant,
        client_id=given.client_id,
        authority=given.authority,
        legal_entities=chosen,
        allow_local=place.settings.allow_local,
    )
    report = await ping_dynamics(place.dynamics_client(settings, secret), settings)
    if report.ok:
        await _save_dynamics(place, settings, secret, report)
    return report


async def _save_dynamics(
    place: Workplace, settings: DynamicsSettings, secret: str, report: PingReport
) -> None:
    stored = settings.model_dump(mode="json", exclude={"allow_local"})
    facts = dict(report.facts)
    rows = [
        LegalEntityRow(code, entity["name"], entity["currency"], time_zone=entity["time_zone"])
        for code, entity in facts["legal_entities"].items()
    ]
    cid = place.connection.connection_id
    async with place.store.write() as tx:
        before = await connections.side(tx, cid, "dynamics")
        if before is not None and before.identity == settings.url:  # links hang on these
            facts |= {name: before.capabilities[name] for name in KEPT if name in before.capabilities}
        row = SideRow("dynamics", stored, settings.url, facts, tx.now)
        await connections.put_side(tx, cid, row, {"dynamics.client_secret": secret}, place.vault)
        await connections.put_legal_entities(tx, cid, rows)
    place.forget_clients()


async def connect_hubspot(place: Workplace, given: HubSpotEnvironment) -> PingReport:
    """Try a HubSpot token, or an OAuth app, and save it when it opens the portal this connection works with.

    Raises:
        ConfigurationError: something is missing or malformed; nothing was sent or saved.
    """
    token, refresh = given.token.get_secret_value(), given.refresh_token.get_secret_value()
    secret = given.client_secret.get_secret_value()  # of an OAuth app; and what HubSpot signs webhooks with
    is_app = bool(refresh) and not token
    if is_app:
        _require({"MLC_HUBSPOT_CLIENT_ID": given.client_id, "MLC_HUBSPOT_CLIENT_SECRET": secret})
    else:
        _require({"MLC_HUBSPOT_TOKEN": token, "MLC_HUBSPOT_URL": given.url})
    settings: HubSpotSettings = _checked(
        HubSpotSettings,
        url=given.url,
        api_version=given.api_version,
        client_id=given.client_id.strip() if is_app else "",
        allow_local=place.settings.allow_local,
    )
    if not is_app:
        return await _try_hubspot(place, settings, StaticToken(token), lambda: {TOKEN: token}, secret)
    held = HeldRefreshToken(refresh.strip())
    credentials = HubSpotToken(settings.token_url, settings.client_id, secret, held)
    secrets = partial(_app_secrets, secret, held)
    return await _try_hubspot(place, settings, credentials, secrets, secret)


def _app_secrets(client_secret: str, held: HeldRefreshToken) -> dict[str, str]:
    """Asked for when they are stored: the refresh token may have been replaced since."""
    return {CLIENT_SECRET: client_secret, REFRESH_TOKEN: held.token}


async def _try_hubspot(
    place: Workplace,
    settings: HubSpotSettings,
    credentials: Credentials,
    secrets: Callable[[], dict[str, str]],
    signing_secret: str,
) -> PingReport:
    report = await ping_hubspot(place.hubspot_client(settings, credentials), settings, await _portal(place))
    if report.ok:
        facts = dict(report.facts)
        stored = settings.model_dump(mode="json", exclude={"allow_local"})
        async with place.store.write() as tx:
            row = SideRow("hubspot", stored, str(facts["portal_id"]), facts, tx.now)
            await connections.put_side(tx, place.connection.connection_id, row, secrets(), place.vault)
        if signing_secret:
            await keep_signing_secret(place, signing_secret)
        place.forget_clients()
    return report


async def ping(place: Workplace, sides: Sequence[str] = SIDES) -> dict[str, PingReport]:
    """Try the stored credentials of these sides again; saves nothing."""
    with priority(Priority.EVENTS):  # somebody waits for it
        return {side: await _ping(place, side) for side in sides}


async def _ping(place: Workplace, side: str) -> PingReport:
    if side == "dynamics":
        dynamics = await place.dynamics()
        found = await _with_events(place, side, await ping_dynamics(dynamics, dynamics.settings))
        return await with_times_of_change(place, dynamics, found)
    hubspot = await place.hubspot()
    found = await ping_hubspot(hubspot, hubspot.settings, await _portal(place))
    return await _with_events(place, side, found)


async def _with_events(place: Workplace, side: str, report: PingReport) -> PingReport:
    """With a line that says whether this side tells its changes by itself."""
    return replace(report, steps=(*report.steps, await event_step(place, side))) if report.ok else report


async def _portal(place: Workplace) -> int | None:
    """The portal this connection already works with, if any: its keys and links mean nothing in another one."""
    async with place.store.read() as tx:
        row = await connections.side(tx, place.connection.connection_id, "hubspot")
    return int(row.identity) if row is not None else None


def _require(values: dict[str, str]) -> None:
    missing = [name for name, value in values.items() if not value.strip()]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not given.",
            code="configuration.missing",
            hint="Set them in the environment, or run the command without --from-env to be asked.",
        )


def _checked(model: Any, **values: Any) -> Any:
    """The settings of a side, or one sentence about the first value that is wrong."""
    try:
        return model(**values)
    except ValidationError as exc:
        fault = exc.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise ConfigurationError(f"{name}: {fault['msg']}.", code="configuration.connection") from exc
