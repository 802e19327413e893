"""``deals``: where is my order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli import deal_work
from ml_connector.cli.command import Reply, Table, Terminal, command, noun, who, workplace
from ml_connector.cli.failures import PARKED
from ml_connector.cli.words import whose
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATES = ("waiting", "running", "parked", "done", "ignored")
Deal = Annotated[str, typer.Argument(metavar="DEAL", help="The deal's id in HubSpot: 123 or deals/123.")]


def register(app: typer.Typer) -> None:
    """Add ``deals``."""
    group = noun(
        app,
        "deals",
        panel="Work",
        about="Follow deals to their orders: list, show, check, approve, decide.",
        examples=("ml-connector deals list", "ml-connector deals approve 123"),
    )
    command(
        group, "list", examples=("ml-connector deals list", "ml-connector deals list --state parked --json")
    )(list_deals)
    command(group, "show", examples=("ml-connector deals show 123", "ml-connector deals show 123 --json"))(
        show
    )
    command(
        group,
        "approve",
        examples=(
            "ml-connector deals approve 123",
            'ml-connector deals approve 123 --set account=US-001 --because "known by Kim"',
        ),
    )(approve)
    deal_work.register(group)


async def list_deals(
    terminal: Terminal,
    state: Annotated[
        str,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only waiting, running, parked, done or ignored.",
            show_default=False,
        ),
    ] = "",
) -> Reply:
    """List the won deals the connector has seen, and what each one waits for."""
    from ml_connector.app.deals import list_deals as look

    async with workplace(terminal) as place:
        rows = await look(place, state=_known_state(state))
    text: list[str | Table] = [_verdict(rows)]
    if rows:
        table = Table(("deal", "name", "amount", "state", "order", "waits for"), [_row(row) for row in rows])
        text += ["", table]
    asked = [row["deal"] for row in rows if row["step"] == "release"]
    if asked:
        text.append(f"Next: ml-connector deals show {asked[0]}, then: deals approve {asked[0]}")
    return Reply("deals.list/1", {"deals": rows}, text)


def _known_state(state: str) -> Any:
    """A state as the store knows it, or nothing."""
    from ml_connector.domain.text import did_you_mean

    if state and state not in STATES:
        raise ConfigurationError(
            f"There is no state '{state}'; it is one of {', '.join(STATES)}.{did_you_mean(state, STATES)}",
            code="usage.state",
        )
    return state or None


def _verdict(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "No won deal has been seen yet."
    done = sum(row["state"] == "done" for row in rows)
    stuck = sum(row["state"] == "parked" for row in rows)
    asked = sum(row["step"] == "release" and row["state"] == "waiting" for row in rows)
    closed = sum(row["state"] == "ignored" for row in rows)
    rest = len(rows) - done - stuck - asked - closed
    parts = [
        f"{done} {'is a sales order' if done == 1 else 'are sales orders'}" if done else "",
        f"{asked} wait{'s' if asked == 1 else ''} for approval" if asked else "",
        f"{stuck} need{'s' if stuck == 1 else ''} someone" if stuck else "",
        f"{rest} {'is' if rest == 1 else 'are'} under way" if rest else "",
        f"{closed} {'is' if closed == 1 else 'are'} closed" if closed else "",
    ]
    return (
        f"{len(rows)} won deal{'' if len(rows) == 1 else 's'}: {', '.join(part for part in parts if part)}."
    )


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    amount = f"{row['total']} {row['currency']}".strip()
    return row["deal"], row["name"], amount, row["state"], row["number"], _waits_for(row)


def _waits_for(row: dict[str, Any]) -> str:
    """Whose turn it is and why, in a few words; the whole sentence stands in show."""
    from ml_connector.domain.causes import cause_of

    if row["state"] != "parked":
        return str(row["message"])
    cause = cause_of(row["cause"])
    return f"{whose(cause.turn)}: {cause.title}"


async def show(terminal: Terminal, deal: Deal) -> Reply:
    """Show one deal: where it stands, and its draft with the rule behind every value."""
    from ml_connector.app.deals import show_deal

    async with workplace(terminal) as place:
        seen = await show_deal(place, deal)
    text: list[str | Table] = [_standing(seen)]
    if seen["in_dynamics"]:
        text += [f"In Dynamics, search for {seen['number']}:", f"  {seen['in_dynamics']}"]
    text += [f"Note: {note}" for note in seen["notes"]]
    if seen["draft"]:
        text += draft_text(seen["draft"])
    text += _steps(seen["steps"])
    if seen["step"] == "release" and seen["state"] == "waiting":
        text += ["", f"Next: ml-connector deals approve {seen['deal']}"]
    return Reply("deals.show/1", seen, text)


def _standing(seen: dict[str, Any]) -> str:
    name = f"Deal {seen['deal']}{' (' + seen['name'] + ')' if seen['name'] else ''}"
    if seen["number"]:
        stands = f"{name} is sales order {seen['number']} in {seen['legal_entity']}."
        return f"{stands} {seen['message']}".strip()
    said = seen["message"] or f"It stands at '{seen['step']}'."
    return f"{name} is {seen['state']}. {said}"


def _steps(steps: Sequence[dict[str, str]]) -> list[str | Table]:
    """The steps that came to something, and the one it stands or stopped at."""
    rows = [
        (step["step"], "here" if step["state"] == "here" else "", step["took"], step["gave"])
        for step in steps
        if step["state"] != "open"
    ]
    return ["", Table(("step", "", "from", "came out"), rows)] if rows else []


def draft_text(draft: dict[str, Any]) -> list[str | Table]:
    """The header, then each line: field, value, and why."""
    headers = ("field", "value", "because")
    money = f"{draft['total']} {draft['currency']}"
    text: list[str | Table] = [
        *_form(draft),
        "",
        f"Order {draft['reference']} for {draft['customer_name']} in {draft['legal_entity']}, {money}",
        Table(headers, _fields(draft["header"])),
    ]
    for line in draft["lines"]:
        title = f"Line {line['position']}: {line['title']}, {line['total']} {draft['currency']}"
        text += ["", title, Table(headers, _fields(line["fields"]))]
    if draft["customer_update"]:
        text += [
            "",
            "With the order the customer changes:",
            Table(headers, _fields(draft["customer_update"])),
        ]
    return [*text, *(f"Note: {note}" for note in draft["notes"])]


def _form(draft: dict[str, Any]) -> list[str | Table]:
    """A customer that is created first: what is sent, what a person must still say, and who may be it already."""
    form = draft["customer_form"]
    if form is None:
        return []
    rows = [(field["name"], _shown(field), field["rule"]) for field in form["fields"]]
    text: list[str | Table] = [
        "",
        f"{draft['customer_name']} becomes a customer of {draft['legal_entity']}:",
        Table(("field", "value", "because"), rows),
    ]
    if form["candidates"]:
        found = [(each["account"], each["name"], each["reason"]) for each in form["candidates"]]
        text += ["", "It may be a customer already (take one with --set account=NUMBER):"]
        text.append(Table(("account", "name", "because"), found))
    return [*text, *(f"Note: {note}" for note in form["notes"])]


def _shown(field: dict[str, Any]) -> str:
    """A value as it is sent; without one, whose it is to fill."""
    if field["open"]:
        return "(open)"
    return str(field["value"]) if field["value"] not in ("", None) else "(left to Dynamics)"


def _fields(fields: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Values as they are sent: numbers without separators; empty ones left out."""
    return [
        (field["name"], str(field["value"]), field["rule"])
        for field in fields
        if field["value"] not in ("", None)
    ]


async def approve(
    terminal: Terminal,
    deal: Deal,
    chosen: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Decide otherwise for this deal: account, open_account, legal_entity, customer.FIELD and others; "
            "may be given several times.",
        ),
    ] = None,
    because: Annotated[
        str,
        typer.Option("--because", metavar="TEXT", help="Why; needed with --set.", show_default=False),
    ] = "",
) -> Reply:
    """Approve the draft of a deal and place the order at once; a parked deal tries again with what is set."""
    from ml_connector.app.deals import approve_deal

    pairs = dict(_pair(text) for text in chosen or ())
    async with workplace(terminal) as place:
        seen = await approve_deal(place, deal, by=who(), chosen=pairs, because=because)
    text: list[str | Table] = [_standing(seen)]
    if seen["state"] == "parked":
        text.append("Next: ml-connector errors list --flow orders")
    elif seen["state"] == "waiting" and seen["step"] == "release":
        text.append(f"Nobody has seen this draft yet. Next: ml-connector deals show {seen['deal']}")
    elif seen["state"] == "waiting":
        when = f" Not before {seen['due_at']}." if seen["due_at"] else ""
        text.append(f"It is not placed yet.{when} Next: ml-connector sync orders")
    return Reply("deals.approve/1", seen, text, PARKED if seen["state"] == "parked" else 0)


def _pair(text: str) -> tuple[str, str]:
    """``customer.PaymentTerms=Net45``; only the first equals sign separates."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigurationError(
            f"'{text}' is not NAME=VALUE.",
            code="usage.choice",
            hint="Write it as --set customer.PaymentTerms=Net45",
        )
    return name.strip(), value
