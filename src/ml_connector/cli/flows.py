"""``flows``: what moves and what does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.words import listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ml_connector.app.flow_switch import Statement

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
        about="Switch flows on and off: list, enable, disable.",
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


def _table(rows: Sequence[Any]) -> Table:
    return Table(
        ("flow", "state", "live since (UTC)", "first load done", "reason"),
        [(row.flow, row.state, row.go_live_at, row.loaded, row.paused_reason) for row in rows],
    )
