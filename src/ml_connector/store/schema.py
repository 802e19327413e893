"""Which revision the database has, which one this program knows, and the steps between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
)  # in order, each a file of migrations/versions; kept here so that opening loads no Alembic
VERSION_TABLE = "mlc_schema"
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = text("SELECT pg_advisory_xact_lock(5063220021)")  # any number, the same in every process


async def revision(connection: AsyncConnection) -> str | None:
    """The revision the database has; None before the first migration."""
    return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM mlc_schema")).scalar()
    return found


def require_current(found: str | None) -> None:
    """Refuse to work on a schema this program was not written for.

    Raises:
        ConfigurationError: it is missing, older or newer; the hint names the command.
    """
    if found == REVISIONS[-1]:
        return
    if found is None:
        raise ConfigurationError(
            "The database is empty.", code="store.missing", hint="Run: ml-connector init"
        )
    if found in REVISIONS:
        raise ConfigurationError(
            f"The database has revision {found}, this ml-connector needs {REVISIONS[-1]}.",
            code="store.older",
            hint="Back it up, then run: ml-connector db upgrade",
        )
    raise ConfigurationError(
        "This database was written by a newer ml-connector: "
        f"revision {found}, this one knows {REVISIONS[-1]}.",
        code="store.newer",
        hint="Run the newer ml-connector, or restore the backup made before its upgrade.",
    )


def step_after(found: str | None) -> str | None:
    """The next revision to migrate to, None when there is nothing to do."""
    if found is None:
        return REVISIONS[0]
    if found not in REVISIONS:
        require_current(found)
    place = REVISIONS.index(found) + 1
    return REVISIONS[place] if place < len(REVISIONS) else None


def apply(connection: Connection, step: str) -> None:
    """Run one migration and note its revision, both in the transaction that is open on the connection."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS))
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    with Operations.context(context):
        script.get_revision(step).module.upgrade()
    context.stamp(script, step)
