"""``replay``: the same door again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, who, workplace
from ml_connector.cli.failures import PARKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.replay import ReplayResult
    from ml_connector.app.workplace import Workplace


def register(app: typer.Typer) -> None:
    """Add ``replay``."""
    command(
        app,
        "replay",
        panel="Fix",
        examples=(
            "ml-connector replay 17",
            'ml-connector replay deals/123 --set account=US-001 --because "the branch buys"',
        ),
    )(replay)


async def replay(
    terminal: Terminal,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="Numbers from errors list, or record names.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without a question.")] = False,
    chosen: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Choose a value for this one deal; may be repeated."
        ),
    ] = None,
    because: Annotated[
        str, typer.Option("--because", metavar="REASON", help="Why it is so.", show_default=False)
    ] = "",
) -> Reply:
    """Send parked records through the same door again. Shows them first; what has arrived is left alone."""
    from ml_connector.app.asking import ask_replay, who_serves
    from ml_connector.app.choosing import read_choices
    from ml_connector.app.replay import replay as send

    choices = read_choices(chosen, by=who(), reason=because) if chosen else ()
    async with workplace(terminal) as place:
        count = await _preview(terminal, place, ids)
        words = f"Replay {count} record{'' if count == 1 else 's'}?"
        if not yes and not terminal.confirm(
            words, otherwise="Nothing was replayed: nobody can be asked here."
        ):
            return Reply("replay/1", {"results": []}, ("Nothing was replayed.",))
        served = not choices and await who_serves(place)
        results = await (ask_replay(place, ids) if served else send(place, ids, choices=choices))
    stuck = sum(result.outcome == "parked" for result in results)
    rows = [(each.record, each.outcome, each.message) for each in results]
    text: list[str | Table] = [_verdict(results, stuck), Table(("record", "now", ""), rows)]
    text += ["Next: ml-connector errors list"] if stuck else []
    return Reply(
        "replay/1", {"results": [asdict(result) for result in results]}, text, PARKED if stuck else 0
    )


async def _preview(terminal: Terminal, place: Workplace, ids: Sequence[str]) -> int:
    """Say on stderr what would be sent again; how many records are meant."""
    from ml_connector.app.replay import named, preview

    names = await named(place, ids)
    for row in await preview(place, ids):
        terminal.say(f"{row.parked_id}  {row.message}")
    return len(names)


def _verdict(results: Sequence[ReplayResult], stuck: int) -> str:
    done = sum(result.outcome == "done" for result in results)
    rest = len(results) - done - stuck
    parts = [f"{done} arrived"]
    parts += [f"{rest} under way or waiting"] if rest else []
    parts += [f"{stuck} parked again"] if stuck else []
    return f"{', '.join(parts)}."
