"""``runs``: what ran, and how it ended."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.sync import answer

SHORT_ID = 8  # signs of a run's id that are shown, and enough to name it

SHOWN = 20  # records of a run that people are shown


def register(app: typer.Typer) -> None:
    """Add ``runs``."""
    group = noun(
        app,
        "runs",
        panel="Look",
        about="See what ran and how it ended, and let go what is held: list, show, release.",
        examples=("ml-connector runs list", "ml-connector runs show 1f6c02aa"),
    )
    command(group, "list", examples=("ml-connector runs list", "ml-connector runs list --limit 5 --json"))(
        list_runs
    )
    command(
        group, "show", examples=("ml-connector runs show 1f6c02aa", "ml-connector runs show 1f6c02aa --json")
    )(show)
    command(
        group,
        "release",
        examples=("ml-connector runs release customers", "ml-connector runs release customers --yes --json"),
    )(release)


async def list_runs(
    terminal: Terminal,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most this many.")] = 20,
) -> Reply:
    """List the newest runs first."""
    from ml_connector.app.look import list_runs as look

    async with workplace(terminal) as place:
        rows = await look(place, limit=limit)
    if not rows:
        return Reply("runs.list/1", {"runs": []}, ("Nothing has run yet.", "Next: ml-connector sync"))
    failed = sum(row["state"] == "failed" for row in rows)
    verdict = f"{len(rows)} run{'' if len(rows) == 1 else 's'}, {failed or 'none'} failed."
    table = Table(
        ("run", "flow", "kind", "state", "started (UTC)", "read", "written", "parked"),
        [_row(row) for row in rows],
        right=frozenset({"read", "written", "parked"}),
    )
    return Reply("runs.list/1", {"runs": rows}, (verdict, table))


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    began = row["started_at"].strftime("%Y-%m-%d %H:%M")
    return row["run_id"][:SHORT_ID], row["flow"], row["kind"], row["state"], began, *_figures(row["counters"])


def _figures(counters: dict[str, Any]) -> tuple[Any, ...]:
    if not counters:
        return None, None, None
    return counters["read"], counters["created"] + counters["updated"], counters["parked"]


async def show(
    terminal: Terminal,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its beginning.")],
) -> Reply:
    """Show one run: its figures, what stopped it, and the records it wrote."""
    from ml_connector.app.look import show_run

    async with workplace(terminal) as place:
        seen = await show_run(place, run)
    ended = f": {seen['message']}" if seen["message"] else ""
    verdict = f"The {seen['kind']} of {seen['flow']} is {seen['state']}{ended or '.'}"
    pairs = [
        ("run", seen["run_id"]),
        ("started (UTC)", seen["started_at"]),
        ("ended (UTC)", seen["ended_at"]),
        ("by", seen["started_by"]),
        *_counted(seen["counters"]),
    ]
    text: list[str | Table] = [verdict, Table((), pairs)]
    if seen["records"]:
        rows = [(record["at"], record["kind"], record["record"]) for record in seen["records"][:SHOWN]]
        text += ["", Table(("at (UTC)", "what", "record"), rows)]
    if seen["more"] or len(seen["records"]) > SHOWN:
        text.append(f"The first {SHOWN} records are shown; --json has more.")
    return Reply("runs.show/1", seen, text)


async def release(
    terminal: Terminal,
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="The flow whose run is stopped.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without a question.")] = False,
) -> Reply:
    """Write what a stopped run has found. Shows first why it was stopped; plan shows what is in it."""
    from ml_connector.app.chosen import held_verdict
    from ml_connector.app.chosen import release as let_go

    async with workplace(terminal) as place:
        verdict = await held_verdict(place, flow)
        for why in verdict:
            terminal.say(f"{flow} is stopped: {why}.")
        if not yes and not terminal.confirm(
            f"Write it to HubSpot? Look at it first: ml-connector plan {flow}",
            otherwise=f"{flow} stays stopped: nobody can be asked here.",
        ):
            return Reply("runs.release/1", {"verdict": verdict, "flows": {}}, (f"{flow} stays stopped.",))
        report = await let_go(place, flow)
    return answer([report], "runs.release/1", verdict=verdict)


def _counted(counters: dict[str, Any]) -> list[tuple[str, Any]]:
    """The figures in the order they were counted; the calls of each side on a line of their own."""
    pairs: list[tuple[str, Any]] = []
    for name, value in counters.items():
        if isinstance(value, dict):
            pairs += [(f"calls to {side}", number) for side, number in value.items()]
        else:
            pairs.append((name, value))
    return pairs
