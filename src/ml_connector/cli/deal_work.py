"""``deals check``, ``deals decide`` and ``deals sweep``: before, beside and after the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, who, workplace
from ml_connector.cli.failures import PARKED

if TYPE_CHECKING:
    from collections.abc import Mapping

Deal = Annotated[str, typer.Argument(metavar="DEAL", help="The deal's id in HubSpot: 123 or deals/123.")]


def register(group: typer.Typer) -> None:
    """Add them to ``deals``."""
    command(group, "check", examples=("ml-connector deals check 123", "ml-connector deals check 123 --json"))(
        check
    )
    command(
        group,
        "decide",
        examples=(
            'ml-connector deals decide 123 --keep --because "agreed with the customer"',
            'ml-connector deals decide 123 --again --because "ordered once more"',
        ),
    )(decide)
    command(group, "sweep", examples=("ml-connector deals sweep", "ml-connector deals sweep --json"))(sweep)


async def check(terminal: Terminal, deal: Deal) -> Reply:
    """Tell whether a deal, open or won, could become an order now. Nothing is written."""
    from ml_connector.app.deal_work import check as look
    from ml_connector.cli.deals import draft_text

    async with workplace(terminal) as place:
        seen = await look(place, deal)
    name = f"Deal {seen['deal']}{' (' + seen['name'] + ')' if seen['name'] else ''}"
    text: list[str | Table] = [f"{name}: {seen['readiness']}"]
    if seen["draft"]:
        text += draft_text(seen["draft"])
    return Reply("deals.check/1", seen, text, 0 if seen["ready"] else PARKED)


async def decide(
    terminal: Terminal,
    deal: Deal,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="The order stays as it is.")] = False,
    handled: Annotated[bool, typer.Option("--handled", help="It is handled outside.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Place it once more, as a new revision beside the old order.")
    ] = False,
    because: Annotated[
        str, typer.Option("--because", metavar="REASON", help="Why it is so.", show_default=False)
    ] = "",
) -> Reply:
    """Decide what becomes of a deal that changed after its order, or that is not to become one here."""
    from ml_connector.app.deal_work import DECISIONS, decide_deal

    wanted = {"keep": keep, "handled": handled, "again": again}
    chosen = [decision for decision in DECISIONS if wanted[decision]]
    async with workplace(terminal) as place:
        seen = await decide_deal(place, deal, chosen, by=who(), reason=because)
    parked = seen["state"] == "parked"
    return Reply("deals.decide/1", seen, [_decided(seen)], PARKED if parked else 0)


def _decided(seen: Mapping[str, Any]) -> str:
    if seen["state"] == "done":
        return f"Deal {seen['deal']} keeps its sales order {seen['number']}. The decision is on record."
    return f"Deal {seen['deal']} is {seen['state']}. {seen['message']}"


async def sweep(terminal: Terminal) -> Reply:
    """Look over all orders of deals: twice, missing, without deal, without lines. Writes to neither system."""
    from ml_connector.app.deal_work import sweep_deals

    async with workplace(terminal) as place:
        found = await sweep_deals(place)
    text: list[str | Table] = [_verdict(len(found))]
    if found:
        rows = [(row["deal"], row["title"], row["message"]) for row in found]
        text += ["", Table(("deal", "what", "why"), rows), "Next: ml-connector errors list --flow orders"]
    return Reply("deals.sweep/1", {"findings": found}, text, PARKED if found else 0)


def _verdict(count: int) -> str:
    if not count:
        return "Every order of a deal stands once, with its lines and its deal."
    return f"{count} {'thing is' if count == 1 else 'things are'} not as {'it' if count == 1 else 'they'} must be."
