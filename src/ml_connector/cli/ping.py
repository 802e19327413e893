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

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.fit import FitReport
    from ml_connector.domain.ping import PingReport

SIDES = ("dynamics", "hubspot")
TITLES = {"dynamics": "Dynamics", "hubspot": "HubSpot"}
SIGNS = {"ok": "ok", "look": "!", "unknown": "?"}
CAUSES_SHOWN = 3  # on the page; --json has them all


def register(app: typer.Typer) -> None:
    """Add ``ping``."""
    command(
        app,
        "ping",
        panel="Start",
        examples=("ml-connector ping", "ml-connector ping --fit"),
    )(ping)


async def ping(
    terminal: Terminal,
    *,
    sides: Annotated[
        list[str] | None, typer.Argument(metavar="SIDE", help="dynamics, hubspot; both.")
    ] = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Read both sides and report whether they suit: data, numbers, deals."),
    ] = False,
) -> Reply:
    """Try the stored credentials step by step: reachable, accepted, permitted. Saves nothing."""
    from ml_connector.app.connect import ping as try_sides

    chosen = [known_side(side) for side in sides or SIDES]
    if fit and set(chosen) != set(SIDES):
        raise ConfigurationError(
            "--fit looks at both sides.", code="usage.side", hint="Run: ml-connector ping --fit"
        )
    async with workplace(terminal) as place:
        reports = await try_sides(place, chosen)
        report = await suits(place, reports, terminal) if fit else None
    verdict, code = outcome(reports)
    data = {
        "ok": all(report.ok for report in reports.values()),
        "sides": {
            side: {"ok": report.ok, "steps": report.steps, "facts": report.facts}
            for side, report in reports.items()
        },
        "fit": report,
    }
    if report is not None:
        return Reply("ping/1", data, [verdict, report.verdict, "", fit_table(report)], code)
    text: list[str | Table] = [verdict]
    for side, found in reports.items():
        text += ["", TITLES[side], steps_table(found)]
    return Reply("ping/1", data, text, code)


async def suits(place: Workplace, reports: Mapping[str, PingReport], terminal: Terminal) -> FitReport | None:
    """The report; None where a side does not let us in, which the ping itself tells."""
    from ml_connector.app.fit.report import fit, is_possible

    return await fit(place, reports, terminal.say) if is_possible(reports) else None


def fit_table(report: FitReport) -> Table:
    """A line a finding; under one that needs somebody, what to do."""
    stopped = [line for line in report.lines if line.topic == "stopped"]
    left_out = stopped[CAUSES_SHOWN:]
    rows: list[tuple[str, str, str]] = []
    for line in report.lines:
        if line in left_out:
            continue
        rows.append((SIGNS[line.state], line.topic, f"{line.figure} {line.meaning}".strip()))
        if line.advice:
            rows.append(("", "", f"-> {line.advice}"))
        if left_out and line is stopped[CAUSES_SHOWN - 1]:
            rows.append(("", "", f"and {len(left_out)} more causes: see ml-connector ping --fit --json"))
    return Table(("", "topic", "what was found"), rows)


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
