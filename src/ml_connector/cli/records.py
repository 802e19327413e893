"""``records``: what happened to this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.terminal import indented
from ml_connector.cli.words import whose

if TYPE_CHECKING:
    from collections.abc import Sequence


def register(app: typer.Typer) -> None:
    """Add ``records``."""
    group = noun(
        app,
        "records",
        panel="Look",
        about="Find a record and see what happened to it: find, show.",
        examples=("ml-connector records find US-001", "ml-connector records show customers/usmf:US-001"),
    )
    command(
        group,
        "find",
        examples=("ml-connector records find US-001", "ml-connector records find 20418833127 --json"),
    )(find)
    command(
        group,
        "show",
        examples=(
            "ml-connector records show customers/usmf:US-001",
            "ml-connector records show deals/123 --json",
        ),
    )(show)


async def find(
    terminal: Terminal,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Account, product, HubSpot id, deal or sales order.")
    ],
) -> Reply:
    """Find records by account number, product number, HubSpot id, deal id or sales order number."""
    from ml_connector.app.look import find_records

    async with workplace(terminal) as place:
        rows = await find_records(place, text)
    if not rows:
        return Reply("records.find/1", {"records": []}, (f"No record is known by '{text}'.",))
    cells = [(row["record"], _target(row), row["state"], row["message"]) for row in rows]
    table = Table(("record", "HubSpot", "state", ""), cells)
    verdict = f"{len(rows)} record{' is' if len(rows) == 1 else 's are'} known by '{text}'."
    return Reply(
        "records.find/1",
        {"records": rows},
        (verdict, table, f"Next: ml-connector records show {rows[0]['record']}"),
    )


def _target(row: dict[str, Any]) -> str:
    return f"{row['object_type']} {row['target_id']}".strip()


async def show(
    terminal: Terminal,
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD", help="customers/usmf:US-001, deals/123, or a number from errors list."
        ),
    ],
) -> Reply:
    """Show one record: where it stands, and everything that was sent, with values before and after."""
    from ml_connector.app.look import show_error, show_record
    from ml_connector.domain.keys import RecordName

    async with workplace(terminal) as place:
        name = (await show_error(place, int(record)))["record"] if record.isdigit() else record
        seen = await show_record(place, RecordName.parse(name))
    text: list[str | Table] = [_verdict(seen)]
    if seen["parked"]:
        parked = seen["parked"]
        text.append(indented(parked["message"]))
        text.append(indented(f"Whose turn: {whose(parked['turn'])}. {parked['next_action']}"))
        text.append(indented(f"Then: ml-connector replay {parked['id']}"))
    for event in seen["timeline"]:
        text += event_lines(event)
    return Reply("records.show/1", seen, text)


def _verdict(seen: dict[str, Any]) -> str:
    name, link, process = seen["record"], seen["link"], seen["process"]
    if seen["parked"]:
        return f"{name} is parked: {seen['parked']['title']}."
    if process is not None:
        number = f", order {process['number']}" if process["number"] else ""
        return (
            f"{name} is {process['state']}{number}{': ' + process['message'] if process['message'] else '.'}"
        )
    if link is not None:
        return f"{name} is {link['object_type']} {link['target_id']} in HubSpot."
    return f"{name} has a history and is linked to nothing."


def event_lines(event: dict[str, Any]) -> Sequence[str | Table]:
    """One entry of the timeline: when and what, then each value before and after."""
    facts = [
        f"status {event['status']}" if event["status"] else "",
        f"call {event['call']}" if event["call"] else "",
        f"mapping {event['mapping_version']}" if event["mapping_version"] else "",
        f"by {event['by']}" if event["by"] else "",
    ]
    at = event["at"].strftime("%Y-%m-%d %H:%M:%S")
    head = f"{at}  {event['kind']}  {', '.join(fact for fact in facts if fact)}".rstrip()
    lines: list[str | Table] = ["", head]
    if event["message"]:
        lines.append(indented(event["message"]))
    if event["changed"]:
        lines.append(Table((), [_change(change) for change in event["changed"]]))
    else:
        rest = [(f"  {name}", value) for name, value in event["detail"].items() if value not in ("", None)]
        lines += [Table((), rest)] if rest else []
    return [*lines, *(indented(f"note: {note}") for note in event["notes"])]


def _change(change: dict[str, Any]) -> tuple[str, str]:
    before = "(nothing)" if change["before"] is None else change["before"]
    return f"  {change['property']}", f"{before} -> {change['after'] or '(nothing)'}"
