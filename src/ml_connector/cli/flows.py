"""``flows``: what moves and what does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.words import listed
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from ml_connector.app.flow_switch import Statement
    from ml_connector.app.scheduling import Scheduled

OPEN_END_YEAR = 9999  # paused until somebody resumes it
NAMES = "customers, contacts, products, orders, order_status"
Flows = Annotated[list[str] | None, typer.Argument(metavar="FLOW", help=f"{NAMES}; all.")]
FlowsToEnable = Annotated[
    list[str] | None, typer.Argument(metavar="FLOW", help=f"{NAMES}; all but contacts.")
]


def register(app: typer.Typer) -> None:
    """Add ``flows``."""
    group = noun(
        app,
        "flows",
        panel="Work",
        about="Switch flows on and off, and say when they run: list, enable, disable, schedule, pause, resume.",
        examples=("ml-connector flows list", "ml-connector flows enable customers"),
    )
    command(group, "list", examples=("ml-connector flows list", "ml-connector flows list --json"))(list_flows)
    command(
        group,
        "enable",
        examples=("ml-connector flows enable customers products", "ml-connector flows enable contacts --yes"),
    )(enable)
    command(
        group, "disable", examples=("ml-connector flows disable orders", "ml-connector flows disable --json")
    )(disable)
    command(
        group,
        "schedule",
        examples=(
            'ml-connector flows schedule customers "every 10 min"',
            'ml-connector flows schedule products "0 6 * * 1-5" --time-zone Europe/Berlin',
        ),
    )(schedule)
    command(
        group,
        "pause",
        examples=("ml-connector flows pause orders", "ml-connector flows pause --until 2026-12-24T18:00"),
    )(pause)
    command(
        group, "resume", examples=("ml-connector flows resume", "ml-connector flows resume orders --skip")
    )(resume)


async def list_flows(terminal: Terminal) -> Reply:
    """Show every flow: on, off or paused, and since when."""
    from ml_connector.app import flow_switch

    async with workplace(terminal) as place:
        rows = await flow_switch.list_flows(place)
    on = [row.flow for row in rows if row.is_on]
    paused = [row.flow for row in rows if row.state == "paused"]
    verdict = f"{len(on)} of {len(rows)} flows are on{': ' + ', '.join(on) if on else ''}."
    verdict += f" Paused until a pass gets through: {', '.join(paused)}." if paused else ""
    following = [] if on else ["Next: ml-connector flows enable customers"]
    return Reply(
        "flows.list/1", {"flows": [asdict(row) for row in rows]}, (verdict, _table(rows), *following)
    )


async def enable(
    terminal: Terminal,
    flows: FlowsToEnable = None,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Confirm what HubSpot does not show, without a question.")
    ] = False,
) -> Reply:
    """Switch flows on. A bare sync then runs them; for orders, deals won from now on count.

    Contacts are switched on by name, once somebody has confirmed three things that HubSpot's API does not show.
    """
    from ml_connector.app import flow_switch

    async with workplace(terminal) as place:
        statements = await flow_switch.to_confirm(place, flows or ())
        if not confirmed(terminal, statements, yes=yes):
            return Reply("flows.enable/1", {"flows": [], "confirmed": []}, ("Nothing was switched on.",))
        rows = await flow_switch.enable(place, flows or (), confirmed=statements)
        off = [row.flow for row in await flow_switch.list_flows(place) if row.state == "off"]
    words = listed([row.flow for row in rows])
    verdict = f"{words} {'is' if len(rows) == 1 else 'are'} on."
    data = {"flows": [asdict(row) for row in rows], "confirmed": [asdict(each) for each in statements]}
    left_out = [name for name in off if name in flow_switch.BY_NAME_ONLY and not flows]
    told = [f"{name} stays off until it is named: ml-connector flows enable {name}" for name in left_out]
    return Reply("flows.enable/1", data, (verdict, _table(rows), *told, "Next: ml-connector sync"))


def confirmed(terminal: Terminal, statements: Sequence[Statement], *, yes: bool) -> bool:
    """Whether a person confirms each of these, at the terminal or by having said yes beforehand.

    Raises:
        ConfigurationError: nobody can be asked.
    """
    if yes or not statements:
        for each in statements:
            terminal.say(f"Confirmed: {each.text}")
        return True
    wanted = " ".join(f"({place}) {each.text}" for place, each in enumerate(statements, start=1))
    otherwise = (
        f"{statements[0].flow} needs somebody who has looked at what HubSpot's API does not show. {wanted}"
    )
    return all(terminal.confirm(f"{each.text} Confirmed?", otherwise=otherwise) for each in statements)


async def disable(terminal: Terminal, flows: Flows = None) -> Reply:
    """Switch flows off. What is stored about them stays."""
    from ml_connector.app import flow_switch

    async with workplace(terminal) as place:
        rows = await flow_switch.disable(place, flows or ())
    words = listed([row.flow for row in rows])
    verdict = f"{words} {'is' if len(rows) == 1 else 'are'} off."
    return Reply("flows.disable/1", {"flows": [asdict(row) for row in rows]}, (verdict, _table(rows)))


async def schedule(
    terminal: Terminal,
    flow: Annotated[str, typer.Argument(metavar="[FLOW]", help=f"{NAMES}; without one all are shown.")] = "",
    rule: Annotated[
        str,
        typer.Argument(
            metavar="[RULE]",
            help="'every 5 min', 'every 2 hours', a cron expression of five fields, or 'default'.",
        ),
    ] = "",
    *,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="For cron and quiet hours: Europe/Berlin.")
    ] = "",
    quiet_hours: Annotated[
        str | None,
        typer.Option("--quiet-hours", metavar="HOURS", help="No run begins then: 22:00-06:00; '' for none."),
    ] = None,
) -> Reply:
    """Say when a flow runs while ml-connector serve is at work, or show when all do."""
    from ml_connector.app import scheduling

    async with workplace(terminal) as place:
        if flow and (rule or time_zone or quiet_hours is not None):
            row = await scheduling.set_schedule(place, flow, rule, time_zone=time_zone, quiet=quiet_hours)
            rows = [row]
            verdict = f"{flow} runs {_when(rows[0])}."
        else:
            rows = [each for each in await scheduling.list_schedules(place) if flow in ("", each.flow)]
            verdict = "Flows run by themselves while ml-connector serve is at work."
    return Reply("flows.schedule/1", {"flows": [asdict(row) for row in rows]}, (verdict, _schedules(rows)))


async def pause(
    terminal: Terminal,
    flows: Flows = None,
    *,
    until: Annotated[
        str,
        typer.Option("--until", metavar="TIME", help="2026-12-24T18:00, UTC; without it until resumed."),
    ] = "",
) -> Reply:
    """Keep flows from running by themselves. What comes meanwhile waits."""
    from ml_connector.app import scheduling

    async with workplace(terminal) as place:
        rows = await scheduling.pause(place, flows or (), _moment(until))
    words = listed([row.flow for row in rows])
    end = f"until {until}" if until else "until resumed: ml-connector flows resume"
    verdict = f"{words} {'is' if len(rows) == 1 else 'are'} paused {end}."
    return Reply("flows.pause/1", {"flows": [asdict(row) for row in rows]}, (verdict, _schedules(rows)))


async def resume(
    terminal: Terminal,
    flows: Flows = None,
    *,
    skip: Annotated[
        bool, typer.Option("--skip", help="Orders only: leave deals won meanwhile to people.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip without a question.")] = False,
) -> Reply:
    """Let flows run again. They catch up with what came meanwhile, or begin with what is won from now on."""
    from ml_connector.app import scheduling

    async with workplace(terminal) as place:
        if skip and not yes:
            count = await scheduling.to_skip(place)
            question = f"Leave {count} won deal{'' if count == 1 else 's'} to people?"
            if not terminal.confirm(question, otherwise="Nothing was resumed: nobody can be asked here."):
                return Reply("flows.resume/1", {"flows": [], "skipped": 0}, ("Nothing was resumed.",))
        resumed = await scheduling.resume(place, flows or (), skip=skip)
    rows = [each.schedule for each in resumed]
    words, skipped = listed([row.flow for row in rows]), sum(each.skipped for each in resumed)
    verdict = f"{words} {'runs' if len(rows) == 1 else 'run'} again."
    verdict += f" {skipped} won deals are left to people." if skip else ""
    data = {"flows": [asdict(row) for row in rows], "skipped": skipped}
    return Reply("flows.resume/1", data, (verdict, _schedules(rows)))


def _moment(text: str) -> datetime | None:
    from ml_connector.domain.clock import moment_of

    if not text:
        return None
    try:
        return moment_of(text)
    except ValueError:
        raise ConfigurationError(
            f"'{text}' is no time. Write it as 2026-12-24T18:00.", code="usage.time"
        ) from None


def _when(row: Scheduled) -> str:
    zone = f" ({row.time_zone})" if not row.rule.startswith("every") or row.quiet else ""
    return f"{row.rule}{zone}{f', not within {row.quiet}' if row.quiet else ''}"


def _schedules(rows: Sequence[Scheduled]) -> Table:
    return Table(
        ("flow", "state", "runs", "next (UTC)", "paused until"),
        [(row.flow, row.state, _when(row), row.next_at, _until(row)) for row in rows],
    )


def _until(row: Scheduled) -> object:
    if row.paused_until is None:
        return ""
    return "resumed" if row.paused_until.year == OPEN_END_YEAR else row.paused_until


def _table(rows: Sequence[Any]) -> Table:
    return Table(
        ("flow", "state", "live since (UTC)", "first load done", "reason"),
        [(row.flow, row.state, row.go_live_at, row.loaded, row.paused_reason) for row in rows],
    )
