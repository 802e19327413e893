"""``ping``: can both sides be reached, with the right permissions."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, workplace
from ml_connector.cli.failures import USAGE, exit_code
from ml_connector.cli.words import listed
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.domain.ping import PingReport

SIDES = ("dynamics", "hubspot")
TITLES = {"dynamics": "Dynamics", "hubspot": "HubSpot"}


def register(app: typer.Typer) -> None:
    """Add ``ping``."""
    command(
        app,
        "ping",
        panel="Start",
        examples=("ml-connector ping", "ml-connector ping hubspot --json"),
    )(ping)


async def ping(
    terminal: Terminal,
    sides: Annotated[
        list[str] | None, typer.Argument(metavar="SIDE", help="dynamics, hubspot; both.")
    ] = None,
) -> Reply:
    """Try the stored credentials step by step: reachable, accepted, permitted. Saves nothing."""
    from ml_connector.app.connect import ping as try_sides

    chosen = [known_side(side) for side in sides or SIDES]
    async with workplace(terminal) as place:
        reports = await try_sides(place, chosen)
    verdict, code = outcome(reports)
    data = {
        "ok": all(report.ok for report in reports.values()),
        "sides": {
            side: {"ok": report.ok, "steps": report.steps, "facts": report.facts}
            for side, report in reports.items()
        },
    }
    text: list[str | Table] = [verdict]
    for side, report in reports.items():
        text += ["", TITLES[side], steps_table(report)]
    return Reply("ping/1", data, text, code)


def outcome(reports: Mapping[str, PingReport]) -> tuple[str, int]:
    """The verdict over these sides, and the exit code of the first that failed."""
    failed = {side: report for side, report in reports.items() if not report.ok}
    if not failed:
        names = [TITLES[side] for side in reports]
        return f"{listed(names)} {'answers' if len(names) == 1 else 'answer'} as needed.", 0
    side, report = next(iter(failed.items()))
    step = next((step for step in report.steps if not step.ok), None)
    said = f": {step.detail}" if step else ""
    end = "" if said.endswith(".") else "."
    return f"{TITLES[side]} does not work yet{said}{end}", exit_code(report.error) if report.error else USAGE


def steps_table(report: PingReport) -> Table:
    """A line a step; under a failed one, the way out."""
    rows: list[tuple[str, str, str]] = []
    for step in report.steps:
        rows.append(("ok" if step.ok else "no", step.name, step.detail))
        if step.fix and not step.ok:
            rows.append(("", "", f"-> {step.fix}"))
    return Table(("", "step", "what was seen"), rows)


def known_side(side: str) -> str:
    """The side's name.

    Raises:
        ConfigurationError: there is none; the nearest one is named.
    """
    if side in SIDES:
        return side
    near = difflib.get_close_matches(side, SIDES, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ConfigurationError(
        f"There is no side '{side}'; it is dynamics or hubspot.{hint}", code="usage.side"
    )
