"""``init``: a home with settings, key, mappings and database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ml_connector.cli.command import Reply, Table, Terminal, command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add ``init``."""
    command(
        app,
        "init",
        panel="Start",
        examples=("ml-connector init", "ml-connector init --connection second"),
    )(init)


async def init(terminal: Terminal) -> Reply:
    """Make what is missing: settings file, key, mappings, database, connection. What is there is kept."""
    from ml_connector.app.home import init as make
    from ml_connector.app.system import surroundings
    from ml_connector.telemetry import redact

    report = await make(terminal.settings(), surroundings())
    database = without_password(report.database)
    data = {**asdict(report), "database": database}
    verdict = "The home is ready." if report.created else "The home is ready; nothing was missing."
    rows = [
        ("home", report.home),
        *(("created", path) for path in report.created),
        *(("kept", path) for path in report.kept),
        ("database", redact(database)),
    ]
    return Reply("init/1", data, (verdict, Table((), rows), "Next: ml-connector connect dynamics"))


def without_password(url: str) -> str:
    """A database address as it may be shown: ``postgresql://user:secret@host`` loses its secret."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    if not parts.password:
        return url
    netloc = parts.netloc.replace(f":{parts.password}@", ":***@")
    return urlunsplit(parts._replace(netloc=netloc))
