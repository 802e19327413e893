"""``errors``: what is stuck, why, whose turn it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.words import listed, whose

if TYPE_CHECKING:
    from collections.abc import Sequence
SCREENS = (("in HubSpot", "in_hubspot"), ("in Dynamics", "in_dynamics"))  # where it is mended


def register(app: typer.Typer) -> None:
    """Add ``errors``."""
    group = noun(
        app,
        "errors",
        panel="Look",
        about="See what is stuck, why, and whose turn it is: list, show.",
        examples=("ml-connector errors list", "ml-connector errors show 17"),
    )
    command(
        group, "list", examples=("ml-connector errors list", "ml-connector errors list --flow orders --json")
    )(list_errors)
    command(group, "show", examples=("ml-connector errors show 17", "ml-connector errors show 17 --json"))(
        show
    )


async def list_errors(
    terminal: Terminal,
    flow: Annotated[
        str, typer.Option("--flow", metavar="FLOW", help="Only this flow.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most this many.")] = 100,
    after: Annotated[
        int,
        typer.Option(
            "--after", metavar="ID", help="Only numbers above this one: the next page.", show_default=False
        ),
    ] = 0,
) -> Reply:
    """List what is parked: cause, whose turn it is, and the next action."""
    from ml_connector.app.look import list_errors as look

    async with workplace(terminal) as place:
        rows = await look(place, flow=flow or None, limit=limit, after=after or None)
    text: list[str | Table] = [_verdict(rows)]
    if rows:
        text += ["", Table(("id", "record", "cause", "turn", "next action"), [_row(row) for row in rows])]
        text += [
            "",
            f"Next: ml-connector errors show {rows[0]['id']}, and once mended: replay {rows[0]['id']}",
        ]
    if len(rows) == limit:
        text.append(f"More: ml-connector errors list --after {rows[-1]['id']}")
    return Reply("errors.list/1", {"errors": rows}, text)


def _verdict(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "Nothing is parked."
    turns = Counter(row["turn"] for row in rows)
    shares = listed([f"{number} for {whose(turn)}" for turn, number in turns.most_common()])
    return f"{len(rows)} record{' needs' if len(rows) == 1 else 's need'} someone: {shares}."


def _row(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    return str(row["id"]), row["record"], row["title"], whose(row["turn"]), row["next_action"]


async def show(
    terminal: Terminal,
    number: Annotated[int, typer.Argument(metavar="ID", help="The number from errors list.")],
) -> Reply:
    """Show one error: the sentence, its cause explained, and what the other system answered."""
    from ml_connector.app.look import show_error

    async with workplace(terminal) as place:
        row = await show_error(place, number)
    pairs = [
        ("record", row["record"]),
        ("cause", f"{row['title']} ({row['cause']})"),
        ("", row["explanation"]),
        ("whose turn", whose(row["turn"])),
        ("next action", row["next_action"]),
        *((where, row[name]) for where, name in SCREENS if row[name]),
        ("state", row["state"]),
        ("first seen (UTC)", row["first_at"]),
        ("last seen (UTC)", row["last_at"]),
        ("times", row["times"]),
        *((f"  {name}", value) for name, value in row["detail"].items() if value not in ("", None)),
    ]
    following = f"Next: ml-connector replay {row['id']} (once it is mended)"
    if not row["retryable"]:
        following = f"Next: ml-connector deals decide {row['record'].rpartition('/')[2]}"
    return Reply("errors.show/1", {"error": row}, (row["message"], Table((), pairs), following))
