"""``db``: the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.cli.command import Reply, Terminal, command, noun

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add ``db``."""
    group = noun(
        app,
        "db",
        panel="Set up",
        about="Look after the database: upgrade.",
        examples=("ml-connector db upgrade", "ml-connector db upgrade --json"),
    )
    command(group, "upgrade", examples=("ml-connector db upgrade", "ml-connector db upgrade --json"))(upgrade)


async def upgrade(terminal: Terminal) -> Reply:
    """Bring the database to the revision this program needs; run it after an update, with a backup at hand."""
    from ml_connector.app.home import upgrade_database
    from ml_connector.app.system import surroundings

    before, after = await upgrade_database(terminal.settings(), surroundings())
    if before == after:
        verdict = f"The database has revision {after} already; nothing to do."
    else:
        verdict = f"The database has revision {after} now; it had {before or 'none'}."
    return Reply("db.upgrade/1", {"before": before, "after": after}, (verdict,))
