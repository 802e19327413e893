"""``match``: what HubSpot already holds, before a first load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, who, workplace
from ml_connector.cli.failures import PARKED
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED = 20  # names and collisions that are shown; --json gives all
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Link what is certain and queue the rest without a question.")
]


def register(app: typer.Typer) -> None:
    """Add ``match``."""
    group = noun(
        app,
        "match",
        panel="Work",
        about="Compare Dynamics with what HubSpot already holds, before a first load.",
        examples=("ml-connector match customers", "ml-connector match review"),
    )
    for flow, work in (("customers", customers), ("contacts", contacts), ("products", products)):
        command(
            group, flow, examples=(f"ml-connector match {flow}", f"ml-connector match {flow} --yes --json")
        )(work)
    command(group, "review", examples=("ml-connector match review", "ml-connector match review 17 --accept"))(
        review
    )
    command(
        group,
        "undo",
        examples=("ml-connector match undo customers/usmf:US-001", "ml-connector match undo 3f2a --yes"),
    )(undo)


async def customers(terminal: Terminal, *, yes: Yes = False) -> Reply:
    """Match customers with companies: link what is certain after a question, queue what is doubtful."""
    return await _match(terminal, "customers", yes=yes)


async def contacts(terminal: Terminal, *, yes: Yes = False) -> Reply:
    """Match people of customers with contacts by e-mail: link what is certain, queue what is doubtful."""
    return await _match(terminal, "contacts", yes=yes)


async def products(terminal: Terminal, *, yes: Yes = False) -> Reply:
    """Match released products with the library by SKU: link what is certain, queue what is doubtful."""
    return await _match(terminal, "products", yes=yes)


async def _match(terminal: Terminal, flow: str, *, yes: bool) -> Reply:
    from ml_connector.app.matching import carry_out, compare

    async with workplace(terminal) as place:
        terminal.say(f"{flow}: reading both sides")
        comparison = await compare(place, flow)
        found = comparison.summary()
        question = _question(found, len(comparison.to_stamp))
        if question and not yes:
            if not terminal.json:
                terminal.give(Reply(f"match.{flow}/1", found, _compared(found)))
            if not terminal.confirm(question, otherwise="Nothing was linked: nobody can be asked here."):
                return Reply(
                    f"match.{flow}/1", {**found, "done": None}, ("Nothing was linked and nothing queued.",)
                )
        done = await carry_out(place, comparison, by=who())
    verdict, *rest = _done(found, done)
    shown = () if question and not yes else _compared(found)[1:]
    return Reply(f"match.{flow}/1", {**found, "done": done}, (verdict, *shown, *rest))


def _question(found: dict[str, Any], to_stamp: int) -> str:
    """What a person is asked before anything is written; nothing when nothing is written."""
    if not to_stamp:
        return ""
    names = len(found["replaced_names"])
    later = f" (the next load replaces {names:,} name{'' if names == 1 else 's'})" if names else ""
    what = f"{to_stamp:,} records that are certain" if to_stamp > 1 else "the one record that is certain"
    return f"Link {what}, by writing the key to HubSpot{later}?"


def _compared(found: dict[str, Any]) -> list[str | Table]:
    """The comparison: verdict, rules, collisions, names."""
    held, unmatched = found["doubtful"], found["unmatched"]
    text: list[str | Table] = [
        (
            f"{found['flow']}: {found['certain']:,} certain, {held:,} doubtful, {unmatched['dynamics']:,} not in "
            f"HubSpot; HubSpot has {unmatched['hubspot']:,} more."
        )
    ]
    if found["rules"]:
        rows = [(each["rule"], each["certain"], each["doubtful"]) for each in found["rules"]]
        headers = ("rule", "certain", "doubtful")
        text += ["", Table(headers, rows, right=frozenset(headers[1:]))]
    if found["collisions"]:
        met = [(each["sources"], each["targets"]) for each in found["collisions"][:LISTED]]
        more = _more(len(found["collisions"]))
        text += ["", f"Collisions, each for a person to decide{more}:", Table(("Dynamics", "HubSpot"), met)]
    if found["replaced_names"]:
        names = found["replaced_names"]
        rows = [(each["key"], each["before"], each["after"]) for each in names[:LISTED]]
        text += [
            "",
            f"Names the next load replaces{_more(len(names))}:",
            Table(("record", "in HubSpot", "by"), rows),
        ]
    return [*text, *(f"Note: {note}" for note in found["notes"])]


def _more(count: int) -> str:
    return f" ({LISTED} of {count:,}; all with --json)" if count > LISTED else ""


def _done(found: dict[str, Any], done: dict[str, Any]) -> list[str | Table]:
    """The verdict, what was refused, and the next command."""
    linked, held = done["stamped"] + done["relinked"], found["doubtful"]
    text: list[str | Table] = [
        f"{found['flow']}: {linked:,} linked, {held:,} waiting for a decision and not created meanwhile."
    ]
    text += [f"HubSpot refused {each['key']}: {each['message']}" for each in done["refused"][:LISTED]]
    text += ["Next: ml-connector match review"] if held else [f"Next: ml-connector sync {found['flow']}"]
    return text


async def review(
    terminal: Terminal,
    number: Annotated[
        int, typer.Argument(metavar="ID", help="A number from the list.", show_default=False)
    ] = 0,
    *,
    accept: Annotated[bool, typer.Option("--accept", help="They are the same: link them.")] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="It is none of these: it may be created. Also unlinks a link.")
    ] = False,
    target: Annotated[
        str, typer.Option("--target", metavar="ID", help="With --accept: another record of HubSpot.")
    ] = "",
    flow: Annotated[
        str, typer.Option("--flow", metavar="FLOW", help="Only customers, contacts or products.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Proposals to list.")] = 50,
    after: Annotated[int, typer.Option("--after", min=0, help="Begin behind this number.")] = 0,
) -> Reply:
    """List doubtful matches with both sides' values; show one, or decide it."""
    from ml_connector.app import match_review

    _check_words(number, accept=accept, reject=reject, target=target)
    async with workplace(terminal) as place:
        if not number:
            listed = await match_review.review(place, flow=flow or None, limit=limit, after=after)
            return Reply("match.review/1", listed, _list(listed))
        if accept:
            row = await match_review.accept(place, number, target_id=target, by=who())
        elif reject:
            row = await match_review.turn_down(place, number, by=who())
        else:
            row = await match_review.show(place, number)
    return Reply("match.review/1", {"held": None, "proposals": [row], "more": False}, _one(row))


def _check_words(number: int, *, accept: bool, reject: bool, target: str) -> None:
    problem = ""
    if accept and reject:
        problem = "--accept and --reject exclude each other."
    elif (accept or reject) and not number:
        problem = "Name the match to decide: ml-connector match review 17 --accept"
    elif target and not accept:
        problem = "--target goes with --accept."
    if problem:
        raise ConfigurationError(problem, code="usage.arguments")


def _list(listed: dict[str, Any]) -> list[str | Table]:
    proposals = listed["proposals"]
    if not proposals:
        return ["No match waits for a decision."]
    held = listed["held"]
    rows = [
        (
            each["id"],
            each["record"],
            _name(each["source"]),
            each["target_id"],
            _name(each["target"]),
            each["rule"],
        )
        for each in proposals
    ]
    text: list[str | Table] = [
        (
            f"{held:,} record{' waits' if held == 1 else 's wait'} for a decision and "
            f"{'is' if held == 1 else 'are'} not created meanwhile."
        ),
        "",
        Table(("id", "record", "name", "HubSpot", "its name", "because"), rows),
    ]
    if listed["more"]:
        text.append(f"More: ml-connector match review --after {proposals[-1]['id']}")
    return [*text, f"Next: ml-connector match review {proposals[0]['id']}"]


def _name(values: dict[str, str]) -> str:
    return values.get("name", "")


def _one(row: dict[str, Any]) -> list[str | Table]:
    told = {
        "doubtful": "may be",
        "stamped": "is",
        "accepted": "is",
        "rejected": "is not",
        "undone": "was once taken for",
    }
    names = list(dict.fromkeys((*row["source"], *row["target"])))
    rows = [
        (name.replace("_", " "), row["source"].get(name, ""), row["target"].get(name, "")) for name in names
    ]
    text: list[str | Table] = [
        f"{row['record']} {told[row['state']]} {row['object_type']} {row['target_id']}.",
        f"Rule: {row['rule']}, score {row['score']} of 1000. {_sentence(row['reasons'])}",
    ]
    text += [f"Decided by {row['decided_by']}."] if row["decided_by"] else []
    text += ["", Table(("", "Dynamics", "HubSpot"), rows)]
    if row["state"] == "doubtful":
        text.append(f"Next: ml-connector match review {row['id']} --accept (or --reject)")
    return text


def _sentence(reasons: Sequence[str]) -> str:
    text = "; ".join(reasons)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


async def undo(
    terminal: Terminal,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A record (customers/usmf:US-001), or a match run's id.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without a question.")] = False,
) -> Reply:
    """Take links of matching back: clear their key in HubSpot, as long as no sync has written since."""
    from ml_connector.app import match_review

    async with workplace(terminal) as place:
        count = await match_review.count_to_undo(place, what)
        question = f"Take back {count:,} link{'' if count == 1 else 's'}?"
        if not yes and not terminal.confirm(
            question, otherwise="Nothing was taken back: nobody can be asked here."
        ):
            nothing: dict[str, Any] = {"undone": what, "taken_back": 0, "kept": []}
            return Reply("match.undo/1", nothing, ("Nothing was taken back.",))
        done = await match_review.undo(place, what, by=who())
    kept = done["kept"]
    text: list[str | Table] = [
        f"{done['taken_back']:,} link{'' if done['taken_back'] == 1 else 's'} taken back; {len(kept):,} stay."
    ]
    text += (
        [Table(("stays", "because"), [(each["key"], each["message"]) for each in kept[:LISTED]])]
        if kept
        else []
    )
    return Reply("match.undo/1", done, text, PARKED if kept else 0)
