"""``connect``: add or replace the credentials of a side; they are tried first, and saved only if they work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Terminal, command, workplace
from ml_connector.cli.ping import known_side, outcome, steps_table
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment


def register(app: typer.Typer) -> None:
    """Add ``connect``."""
    command(
        app,
        "connect",
        panel="Start",
        examples=("ml-connector connect dynamics", "ml-connector connect hubspot --from-env"),
    )(connect)


async def connect(
    terminal: Terminal,
    side: Annotated[str, typer.Argument(metavar="SIDE", help="dynamics or hubspot.")],
    *,
    from_env: Annotated[
        bool, typer.Option("--from-env", help="Read MLC_DYNAMICS_... or MLC_HUBSPOT_... instead of asking.")
    ] = False,
) -> Reply:
    """Add or replace the credentials of one side. They are tried first, and saved only if they work."""
    from ml_connector.app.connect import connect_dynamics, connect_hubspot

    known_side(side)
    if not from_env and not terminal.may_ask:
        raise ConfigurationError(
            f"connect {side} asks for credentials, and nobody can be asked here.",
            code="usage.no_terminal",
            hint=f"Set MLC_{side.upper()}_... and run: ml-connector connect {side} --from-env",
        )
    async with workplace(terminal) as place:
        if side == "dynamics":
            report = await connect_dynamics(place, _dynamics(terminal, from_env=from_env))
        else:
            report = await connect_hubspot(place, _hubspot(terminal, from_env=from_env))
    verdict, code = outcome({side: report})
    saved = f"{verdict} The credentials are saved." if report.ok else f"{verdict} Nothing was saved."
    data: dict[str, Any] = {"side": side, "saved": report.ok, "steps": report.steps, "facts": report.facts}
    following = "Next: ml-connector ping" if report.ok else ""
    return Reply("connect/1", data, (saved, steps_table(report), *([following] if following else [])), code)


def _dynamics(terminal: Terminal, *, from_env: bool) -> DynamicsEnvironment:
    """What the environment says, each value confirmed by the person unless ``from_env``."""
    from pydantic import SecretStr

    from ml_connector.settings import DynamicsEnvironment

    given = DynamicsEnvironment()
    if from_env:
        return given
    return DynamicsEnvironment(
        url=terminal.prompt("Address of the environment (https://...)", default=given.url),
        tenant=terminal.prompt("Tenant id", default=given.tenant),
        client_id=terminal.prompt("Client id of the application", default=given.client_id),
        client_secret=SecretStr(terminal.prompt("Client secret (not shown)", secret=True)),
        authority=given.authority,
        legal_entities=terminal.prompt("Legal entities, with commas between (- for all)", default="-").strip(
            "-"
        ),
    )


def _hubspot(terminal: Terminal, *, from_env: bool) -> HubSpotEnvironment:
    """The same for HubSpot."""
    from pydantic import SecretStr

    from ml_connector.settings import HubSpotEnvironment

    given = HubSpotEnvironment()
    if from_env:
        return given
    token = terminal.prompt("Access token (not shown)", secret=True)
    return HubSpotEnvironment(
        token=SecretStr(token),
        client_secret=given.client_secret,
        url=given.url,
        api_version=given.api_version,
    )
