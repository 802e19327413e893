"""``events``: what the sides told by themselves, and where they send it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.terminal import Verbatim, write_json
from ml_connector.cli.words import clean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.app.event_secrets import Endpoint

LOOK_EVERY_S = 1.0
WIDE = 120  # columns that all of an event takes
UNSIGNED = " No signing secret is stored yet: see docs/how-to/events.md."
OUTCOMES = {
    "accepted": "accepted",
    "duplicate": "duplicate of",
    "superseded": "superseded by",
    "out_of_scope": "out of scope",
    "test": "test",
}


def register(app: typer.Typer) -> None:
    """Add ``events``."""
    group = noun(
        app,
        "events",
        panel="Look",
        about="See which events arrived and what became of them, and where the sides send them: list, show, tail, "
        "endpoint.",
        examples=("ml-connector events list", "ml-connector events endpoint"),
    )
    command(
        group,
        "list",
        examples=("ml-connector events list", "ml-connector events list --outcome duplicate --json"),
    )(list_events)
    command(group, "show", examples=("ml-connector events show 17", "ml-connector events show 17 --json"))(
        show
    )
    command(group, "tail", examples=("ml-connector events tail", "ml-connector events tail --json"))(tail)
    command(
        group,
        "endpoint",
        examples=("ml-connector events endpoint", "ml-connector events endpoint --rotate --json"),
    )(endpoint)


async def list_events(
    terminal: Terminal,
    source: Annotated[
        str,
        typer.Option(
            "--source", metavar="SIDE", help="Only from this side: dynamics, hubspot.", show_default=False
        ),
    ] = "",
    outcome: Annotated[
        str,
        typer.Option(
            "--outcome",
            metavar="OUTCOME",
            help="Only these: accepted, duplicate, superseded, out_of_scope, test.",
            show_default=False,
        ),
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most this many.")] = 50,
    before: Annotated[
        int,
        typer.Option(
            "--before", metavar="ID", help="Only numbers below this one: the next page.", show_default=False
        ),
    ] = 0,
) -> Reply:
    """List the events that arrived, the newest first, and what became of each."""
    from ml_connector.app.events import list_events as look
    from ml_connector.app.events import today

    async with workplace(terminal) as place:
        figures = await today(place)
        rows = await look(place, source=source, outcome=outcome, limit=limit, before=before or None)
    text: list[str | Table | Verbatim] = [_verdict(figures)]
    text += [*_open(figures), *(_refused(one) for one in figures["rejected"])]
    if rows:
        text += ["", _table(rows, wide=terminal.console(sys.stdout).width >= WIDE)]
    if len(rows) == limit:
        text.append(f"More: ml-connector events list --before {rows[-1]['id']}")
    return Reply("events.list/1", {"today": figures, "events": rows}, text)


def _verdict(figures: Mapping[str, Any]) -> str:
    """The day in one line."""
    outcomes, delay = figures["outcomes"], figures["median_delay_s"]
    refused = sum(one["count"] for one in figures["rejected"])
    accepted = outcomes["accepted"] + outcomes["superseded"]
    copies = outcomes["duplicate"]
    return (
        f"{shown(accepted)} accepted, {shown(copies)} duplicate{'' if copies == 1 else 's'} dropped, "
        f"{shown(refused)} rejected today" + (f"; median delay {delay:g} s." if delay is not None else ".")
    )


def _open(figures: Mapping[str, Any]) -> list[str]:
    """What is still to be read, by flow."""
    waiting = [f"{shown(number)} in {flow}" for flow, number in figures["open"].items()]
    return [f"  Still to be read: {', '.join(waiting)}."] if waiting else []


def _refused(one: Mapping[str, Any]) -> str:
    """Requests that were not let in, by reason."""
    whose = "" if one["known_connection"] else ", no connection of ours"
    count, reason = one["count"], str(one["reason"]).replace("_", " ")
    return f"  Rejected: {shown(count)} from {one['source']} ({reason}{whose})."


def _table(rows: Sequence[Mapping[str, Any]], *, wide: bool) -> Table:
    """A row an event; on a narrow terminal what it is about stands in one column."""
    if wide:
        headers = (
            "id",
            "received (UTC)",
            "from",
            "type",
            "identifier",
            "number",
            "outcome",
            "delay",
            "record",
        )
        full = [(*cells[:2], row["source"], *cells[2:]) for row in rows for cells in [_row(row)]]
        return Table(headers, full, right=frozenset({"delay"}))
    found = [_row(row) for row in rows]
    short = [(cells[0], cells[1], cells[5], f"{cells[2]} {cells[3]}") for cells in found]
    return Table(("id", "received (UTC)", "outcome", "event"), short)


def _row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    place = f"{row['legal_entity']}:" if row["legal_entity"] and ":" not in row["identifier"] else ""
    return (
        str(row["id"]),
        row["received_at"],
        row["type"],
        f"{place}{row['identifier']}",
        row["number"],
        _outcome(row),
        None if row["delay_s"] is None else f"{row['delay_s']:g} s",
        row["record"],
    )


def _outcome(row: Mapping[str, Any]) -> str:
    other = f" {row['other']}" if row["other"] else ""
    note = f": {row['note']}" if row["note"] else ""
    return f"{OUTCOMES[row['outcome']]}{other}{note}"


async def show(
    terminal: Terminal,
    number: Annotated[int, typer.Argument(metavar="ID", help="The number from events list.")],
) -> Reply:
    """Show one event: what it said, what it hinted at, and when that was read. The body may hold personal data."""
    from ml_connector.app.events import show_event

    async with workplace(terminal) as place:
        row = await show_event(place, number)
    pairs = [
        ("received (UTC)", row["received_at"]),
        ("from", row["source"]),
        ("type", row["type"]),
        *((name, row[field]) for name, field in _SHOWN if row[field] not in {"", None}),
        ("outcome", _outcome(row)),
        *_said(row["body"]),
    ]
    following = f"Next: ml-connector records show {row['record']}" if "/" in row["record"] else ""
    verdict = f"Event {row['id']} from {row['source']}: {_outcome(row)}."
    return Reply(
        "events.show/1", {"event": row}, (verdict, Table((), pairs), *([following] if following else []))
    )


_SHOWN = (
    ("legal entity", "legal_entity"),
    ("identifier", "identifier"),
    ("number", "number"),
    ("record", "record"),
    ("due (UTC)", "due_at"),
    ("taken (UTC)", "taken_at"),
    ("done (UTC)", "done_at"),
)


def _said(body: Any) -> Sequence[tuple[str, str]]:
    """The fields of the body, one a line; what is nested as JSON."""
    import orjson

    if not isinstance(body, dict):
        return ()
    return [
        (f"  {name}", value if isinstance(value, str) else orjson.dumps(value).decode())
        for name, value in body.items()
    ]


async def tail(
    terminal: Terminal,
    since: Annotated[
        int, typer.Option("--since", metavar="ID", help="Begin behind this event.", show_default=False)
    ] = -1,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="End after this many; 0: never.", show_default=False)
    ] = 0,
) -> None:
    """Print each event as it arrives, one a line, until interrupted. With --json, one object a line."""
    import asyncio

    from ml_connector.app.events import events_after, newest_event

    async with workplace(terminal) as place:
        last = since if since >= 0 else await newest_event(place)
        terminal.say("Waiting for events. Ctrl-C ends it.")
        printed = 0
        while True:
            for row in await events_after(place, last):
                last = row["id"]
                _print(terminal, row)
                printed += 1
                if printed == limit:
                    return
            await asyncio.sleep(LOOK_EVERY_S)


def _print(terminal: Terminal, row: Mapping[str, Any]) -> None:
    if terminal.json:
        write_json({"schema": "events.tail/1", "event": row})
        return
    cells = [shown(cell) for cell in _row(row)]
    sys.stdout.write(clean("  ".join(cell for cell in cells if cell)) + "\n")
    sys.stdout.flush()


async def endpoint(
    terminal: Terminal,
    *,
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="Draw a new token for Dynamics; the present one stays good for a while."
        ),
    ] = False,
) -> Reply:
    """Show where the sides send their events. The URL for Dynamics is a secret: whoever has it may send."""
    from ml_connector.app.event_secrets import endpoints

    async with workplace(terminal) as place:
        dynamics, hubspot = await endpoints(place, rotate=rotate)
    text: list[str | Table | Verbatim] = [
        "Keep the first URL as a secret in Azure Key Vault, and name that secret at the endpoint in F&O."
        + _former(dynamics),
        Verbatim(f"Dynamics: {dynamics.url}"),
        "",
        "Enter the second as the target URL of the webhooks of your app in HubSpot."
        + (
            _former(hubspot)
            if hubspot.since
            else " No signing secret is stored yet: connect hubspot once more."
        ),
        Verbatim(f"HubSpot:  {hubspot.url}"),
    ]
    return Reply("events.endpoint/1", {"dynamics": dynamics, "hubspot": hubspot}, text)


def _former(endpoint: Endpoint) -> str:
    until = endpoint.former_until
    return f" The former one is good until {until:%Y-%m-%d %H:%M} UTC." if until else ""
