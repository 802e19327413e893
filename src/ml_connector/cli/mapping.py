"""``mapping``: the files that say what becomes of what: checked against both systems, and shown."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.failures import USAGE
from ml_connector.cli.terminal import indented
from ml_connector.cli.words import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.app.mapping_findings import Finding, MappingReport

Flows = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FLOW]...", help="customers, contacts, products or orders; without: all.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``mapping``."""
    group = noun(
        app,
        "mapping",
        panel="Set up",
        about="The mapping files and the tables beside them: validate, show.",
        examples=("ml-connector mapping validate", "ml-connector mapping show orders"),
    )
    command(
        group,
        "validate",
        examples=("ml-connector mapping validate", "ml-connector mapping validate orders --json"),
    )(validate)
    command(group, "show", examples=("ml-connector mapping show", "ml-connector mapping show orders --json"))(
        show
    )


async def validate(terminal: Terminal, flows: Flows = None) -> Reply:
    """Check every mapping file and table against what both systems offer now."""
    from ml_connector.app.mapping_check import check_mappings

    async with workplace(terminal) as place:
        report = await check_mappings(place, flows or ())
    text: list[str | Table] = [_verdict(report)]
    for found in report.problems:
        text += ["", _sentence(found), *([indented(found.fix)] if found.fix else [])]
    if report.notes:
        text += ["", *(f"Note: {note}" for note in report.notes)]
    return Reply("mapping.validate/1", asdict(report), text, USAGE if report.problems else 0)


def _verdict(report: MappingReport) -> str:
    number = len(report.problems)
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'}"
    if not number:
        return f"{files} checked against both systems: nothing is wrong."
    return f"{files} checked against both systems: {number} thing{' is' if number == 1 else 's are'} wrong."


def _sentence(found: Finding) -> str:
    said = "Did you mean" in f"{found.sentence}{found.fix}"
    meant = f" Did you mean '{found.nearest}'?" if found.nearest and not said else ""
    return f"{found.file}, line {found.line}: {found.sentence}{meant}"


async def show(terminal: Terminal, flows: Flows = None) -> Reply:
    """Show the mapping files; of a flow also every row and rule."""
    from ml_connector.app.mapping_show import show_mappings

    async with workplace(terminal) as place:
        files = show_mappings(place, flows or ())
    rows = [
        (
            file["file"],
            len(file["rows"]),
            len(file["rules"]),
            listed([table["file"] for table in file["tables"]]) if file["tables"] else "",
            "as shipped" if file["as_shipped"] else "changed",
        )
        for file in files
    ]
    text: list[str | Table] = [
        f"{len(files)} mapping file{'' if len(files) == 1 else 's'}.",
        Table(("file", "rows", "rules", "tables", "state"), rows, right=frozenset({"rows", "rules"})),
    ]
    if flows:
        for file in files:
            text += _contents(file)
    text += ["", "Next: ml-connector mapping validate"]
    return Reply("mapping.show/1", {"files": files}, text)


def _contents(file: Mapping[str, Any]) -> list[str | Table]:
    """The rows and rules of one file, a table a part."""
    text: list[str | Table] = []
    for part in dict.fromkeys(row["part"] for row in file["rows"]):
        rows = [(row["line"], row["target"], _from(row)) for row in file["rows"] if row["part"] == part]
        title = file["file"] if part == "fields" else f"{file['file']}: {part}"
        text += ["", title, Table(("line", "fills", "from"), rows)]
    for part in dict.fromkeys(rule["part"] for rule in file["rules"]):
        rules = [
            (rule["line"], rule["name"], _gives(rule), _when(rule))
            for rule in file["rules"]
            if rule["part"] == part
        ]
        title = f"{file['file']}: rules{'' if part == 'rules' else f' of the {part}'}"
        text += ["", title, Table(("line", "name", "gives", "when"), rules)]
    return text


def _from(row: Mapping[str, Any]) -> str:
    """The sources, and what is done to them: ``line.price (decimal)``."""
    steps = ", ".join(str(call["name"]) for call in row["transform"])
    return " ".join([", ".join(row["source"]), *([f"({steps})"] if steps else [])]).strip()


def _gives(rule: Mapping[str, Any]) -> str:
    if rule["value"]:
        return str(rule["value"])
    return f"{rule['source']}{' by ' + rule['table'] + '.csv' if rule['table'] else ''}"


def _when(rule: Mapping[str, Any]) -> str:
    return " and ".join(f"{fact} is {' or '.join(words)}" for fact, words in rule["when"].items())
