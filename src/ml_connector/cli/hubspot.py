"""``hubspot properties``: what the connector needs in the portal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, noun, workplace
from ml_connector.cli.failures import USAGE


def register(app: typer.Typer) -> None:
    """Add ``hubspot``."""
    group = noun(
        app,
        "hubspot",
        panel="Set up",
        about="Prepare the HubSpot portal: properties.",
        examples=("ml-connector hubspot properties", "ml-connector hubspot properties --create"),
    )
    command(
        group,
        "properties",
        examples=("ml-connector hubspot properties", "ml-connector hubspot properties --create"),
    )(properties)


async def properties(
    terminal: Terminal,
    *,
    create: Annotated[bool, typer.Option("--create", help="Create the properties that are missing.")] = False,
) -> Reply:
    """Compare the portal's properties with those the connector fills, and create what is missing."""
    from ml_connector.app.properties import hubspot_properties

    async with workplace(terminal) as place:
        report = await hubspot_properties(place, create=create)
    unfit = bool(report.missing or report.problems)
    if report.problems:
        verdict = f"{len(report.problems)} of the portal's properties do not fit."
    elif report.missing:
        verdict = f"{len(report.missing)} of {report.present + len(report.missing)} properties are missing."
    elif report.created:
        verdict = f"{len(report.created)} properties were created; all are there now."
    else:
        verdict = f"All {report.present} properties are there; nothing to do."
    rows = [
        *(("missing", name) for name in report.missing),
        *(("created", name) for name in report.created),
        *(("does not fit", sentence) for sentence in report.problems),
    ]
    text: list[str | Table] = [verdict]
    text += [Table((), rows)] if rows else []
    text += ["Next: ml-connector hubspot properties --create"] if report.missing else []
    return Reply("hubspot.properties/1", asdict(report), text, USAGE if unfit else 0)
