"""``plan``: what would change."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, workplace
from ml_connector.cli.failures import PLANNED
from ml_connector.cli.progress import progress
from ml_connector.cli.words import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLES = ("ml-connector plan customers", "ml-connector plan products --out products.plan --json")
FIELDS_SHOWN = 3  # of one change, to people; --json and the file have all
SIGNS_SHOWN = 32  # of one value
DOING = {
    "create": "created",
    "adopt": "adopted",
    "follow": "listed on a record that is there",
    "update": "updated",
    "restore": "put back as they were",
    "mark": "marked",
}
OF_DEALS = {
    "place": "would be placed",
    "ask": "would ask for approval",
    "park": "would park",
    "wait": "would be left alone for now",
    "decide": "would wait for a decision",
    "leave": "no longer won",
    "done": "with an order",
}
COLUMNS = ("read", *DOING, "unchanged", "held", "waiting", "park", "parked", "skipped")
ALWAYS = frozenset({"read", "create", "update", "unchanged"})  # columns that are shown even when empty


def register(app: typer.Typer) -> None:
    """Add ``plan``, and ``preview``, which is the same."""
    for name, hidden in (("plan", False), ("preview", True)):
        command(app, name, panel="Work", examples=EXAMPLES, hidden=hidden)(plan)


async def plan(
    terminal: Terminal,
    flows: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FLOW", help="Flows; without one the record flows that are on, else all of them."
        ),
    ] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=0, max=1000, help="Show so many changes.")] = 20,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="Only this record (usmf:US-001); may be repeated."),
    ] = None,
    legal_entity: Annotated[
        str,
        typer.Option("--legal-entity", metavar="CODE", help="Leave other ones out.", show_default=False),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write every change to FILE, for sync --plan FILE."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 10 when something would change.")
    ] = False,
) -> Reply:
    """Show what the next sync would write, without writing it. ``preview`` is the same."""
    from ml_connector.app.look import known_records
    from ml_connector.app.plan import Wanted
    from ml_connector.app.plan import plan as look

    wanted = Wanted(tuple(key or ()), legal_entity, limit, out, force)
    async with workplace(terminal) as place:
        with progress(terminal, await known_records(place), place.around.clock.elapsed_s) as watch:
            found = await look(place, flows or (), wanted, on_progress=watch)
    written = sum(figures["written"] for figures in found["flows"].values())
    return Reply("plan/1", found, _text(found, limit), PLANNED if exit_code and written else 0)


def _text(found: Mapping[str, Any], limit: int) -> list[str | Table]:
    flows: dict[str, dict[str, Any]] = found["flows"]
    text: list[str | Table] = [_verdict(flows)] if flows else []
    text += [_table(flows)] if flows else []
    for name, figures in flows.items():
        text += _remarks(name, figures)
    changes = [change for figures in flows.values() for change in figures["changes"]][:limit]
    if changes:
        rows = [(change["what"], change["record"], _fields(change)) for change in changes]
        text += ["", Table(("would", "record", "what"), rows)]
    parked = [row for figures in flows.values() for row in figures["parked"]][: max(0, limit - len(changes))]
    if parked:
        rows = [("park", row["record"], f"{row['message']} {row['next_action']}") for row in parked]
        text += ["", Table(("would", "record", "why, and what to do"), rows)]
    text += _orders(found["orders"]) if found["orders"] else []
    more = sum(figures["written"] for figures in flows.values()) - len(changes)
    if more > 0:
        text += ["", f"{more:,} more changes: --limit shows them here, --out FILE keeps them all."]
    text += found["notes"]
    text += [f"Next: ml-connector sync {name} --plan {found['file']}" for name in flows if found["file"]]
    return text


def _orders(orders: Mapping[str, Any]) -> list[str | Table]:
    """What would become of each deal."""
    parts = [
        f"{orders['counts'][what]} {words}" for what, words in OF_DEALS.items() if orders["counts"][what]
    ]
    text: list[str | Table] = [f"orders: {listed(parts) if parts else 'no won deal'}."]
    rows = [
        (row["what"], f"deals/{row['deal']}", f"{row['total']} {row['currency']}".strip(), row["message"])
        for row in orders["deals"]
    ]
    if rows:
        text += ["", Table(("would", "record", "amount", "why"), rows)]
    return text


def _verdict(flows: Mapping[str, dict[str, Any]]) -> str:
    """One sentence: what would be written, and whether the breaker would let it."""
    counts = {what: sum(figures["counts"][what] for figures in flows.values()) for what in (*DOING, "park")}
    parts = [f"{counts[what]:,} {words}" for what, words in DOING.items() if counts[what]]
    parts += [f"{counts['park']:,} parked"] if counts["park"] else []
    held = [name for name, figures in flows.items() if figures["verdict"]]
    would = f"Would be {listed(parts)}" if parts else "Nothing would be written"
    stops = f"; the breaker would stop {listed(held)} first" if held else ""
    return f"{would}{stops}. Nothing has been written now."


def _table(flows: Mapping[str, dict[str, Any]]) -> Table:
    """A row a flow; columns of what nobody has are left out."""
    shown = [
        name
        for name in COLUMNS
        if name in ALWAYS or any(figures["counts"][name] for figures in flows.values())
    ]
    rows = [
        (
            flow,
            *(figures["counts"][name] for name in shown),
            figures["calls"]["hubspot"],
            figures["minutes"],
        )
        for flow, figures in flows.items()
    ]
    headers = ("flow", *shown, "calls", "min")
    return Table(headers, rows, right=frozenset(headers[1:]))


def _remarks(name: str, figures: Mapping[str, Any]) -> list[str | Table]:
    """What the table cannot say."""
    said: list[str] = []
    if figures["refused"]:
        said.append(f"{figures['refused']['message']} {figures['refused']['hint']}")
    if figures["first_load"]:
        said.append("first load: the breaker does not judge it.")
    if figures["stopped"]:
        said.append(f"a run is stopped: {'; '.join(figures['stopped'])}. See: runs release {name}")
    if figures["under_way"]:
        said.append("a run was cut off; the next one goes on with what that one had read.")
    said += [f"the breaker would stop it: {why}." for why in figures["verdict"]]
    if figures["names_replaced"]:
        said.append(f"{figures['names_replaced']:,} names that stand in HubSpot would be replaced.")
    if name == "contacts" and figures["counts"]["create"]:
        said.append(
            f"{figures['counts']['create']:,} new contacts: HubSpot may bill marketing contacts, and start workflows."
        )
    if figures["absent"]:
        said.append(f"{figures['absent']:,} not found for the first time; marked when they stay away.")
    if figures["not_found"]:
        said.append(f"{figures['not_found']:,} of the keys are not in the chosen legal entities.")
    said += [f"skipped: {count:,} {words}." for words, count in figures["filters"].items()]
    return [f"{name}: {words}" for words in said]


def _fields(change: Mapping[str, Any]) -> str:
    """The first fields of a change, before and after; of a new record what it is called."""
    if change["what"] == "wait":
        return "deleted in HubSpot: waits for someone"
    fields: Sequence[Mapping[str, Any]] = change["changed"]
    named = sorted(fields, key=lambda field: field["property"].startswith("d365_"))  # what people know first
    if change["what"] == "create":
        return f"{_value(named[0]['after'])}, {len(fields) - 1} more values"
    words = [_field(field) for field in named[:FIELDS_SHOWN]]
    rest = len(fields) - len(words)
    return "; ".join([*words, *([f"{rest} more"] if rest else [])])


def _field(field: Mapping[str, Any]) -> str:
    return f"{field['property']}: {_value(field['before'])} -> {_value(field['after'])}"


def _value(text: str | None) -> str:
    """A value as far as it fits; the whole is in --json and the file."""
    words = text or "(nothing)"
    return words if len(words) <= SIGNS_SHOWN else f"{words[: SIGNS_SHOWN - 1]}…"
