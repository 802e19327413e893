"""``db upgrade``: a database of an earlier version is brought up to date, and what is in it stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Ask

DUMPS = Path(__file__).parent.parent / "store" / "dumps"


def test_a_database_of_the_first_version_is_refused_until_it_is_upgraded(ask: Ask, home: Path) -> None:
    assert ask("init").code == 0
    database = home / "ml-connector.db"
    database.unlink()
    connection = sqlite3.connect(database)
    connection.executescript((DUMPS / "0001.sqlite.sql").read_text("utf-8"))
    connection.close()
    refused = ask("flows", "list")
    assert refused.code == 2
    assert "ml-connector db upgrade" in refused.err
    upgraded = ask("db", "upgrade", "--json").object
    assert (upgraded["before"], upgraded["after"]) == ("0001", "0003")
    assert "nothing to do" in ask("db", "upgrade").out
