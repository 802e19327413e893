"""Local checks, without a word to either system: settings, home, key, database, disk, clock, versions."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector import __version__
from ml_connector.app.event_rules import event_settings
from ml_connector.app.home import SHIPPED
from ml_connector.app.mappings import DIMENSIONS_FILE, dimensions_of, document_of
from ml_connector.app.sync_settings import SyncSettings
from ml_connector.errors import ConnectorError
from ml_connector.flows.order_status.settings import OrderStatusSettings
from ml_connector.flows.orders.settings import OrderSettings
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.settings import section
from ml_connector.store import connections, runs
from ml_connector.store.database import Store
from ml_connector.store.engines import journal_mode, read_url
from ml_connector.store.vault import load_master_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ml_connector.domain.clock import Surroundings
    from ml_connector.settings import Settings

LEAST_DISK = (
    500 * 1024 * 1024
)  # bytes: a database of some 100,000 records with its audit, and a backup beside it
OLDEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)  # no clock that is right says less
NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "fuse.sshfs",
    "glusterfs",
    "ceph",
    "afs",
}
MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was seen and, when it is not well, what to do."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


async def check(settings: Settings, around: Surroundings) -> list[Check]:
    """Look at everything this machine must provide; one bad finding never hides another."""
    home, database, key = settings.home, settings.database, "encryption key"
    return [
        _tried("home", lambda: _home(home)),
        _tried("disk", lambda: _disk(home)),
        _tried("settings", lambda: _sections(settings)),
        _tried("mappings", lambda: _mappings(settings.mappings)),
        _tried(key, lambda: _key(settings)),
        await _awaited("database", _database(settings, around)),
        _tried("database place", lambda: _place(database)),
        await _awaited("clock", _clock(settings, around)),
        _tried("versions", _versions),
    ]


def _tried(name: str, look: Callable[[], str]) -> Check:
    """The finding of one look; an error of ours is a finding too."""
    try:
        return Check(name, ok=True, detail=look())
    except (ConnectorError, OSError) as error:
        return _bad(name, error)


async def _awaited(name: str, look: Awaitable[str]) -> Check:
    """The same for a look that waits."""
    try:
        return Check(name, ok=True, detail=await look)
    except (ConnectorError, OSError) as error:
        return _bad(name, error)


def _bad(name: str, error: ConnectorError | OSError) -> Check:
    if isinstance(error, ConnectorError):
        return Check(name, ok=False, detail=error.message, fix=error.hint)
    return Check(
        name, ok=False, detail=f"{error.strerror}: {error.filename}", fix="Check the path and its rights."
    )


def _sections(settings: Settings) -> str:
    section(SyncSettings, settings.sync, "sync")
    section(ProductSettings, settings.products, "products")
    section(OrderSettings, settings.orders, "orders")
    section(OrderStatusSettings, settings.order_status, "order_status")
    event_settings(settings)
    return "every setting is known and in range"


def _mappings(folder: Path) -> str:
    for flow in SHIPPED:
        try:
            text = (folder / f"{flow}.yaml").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConnectorError(
                f"mappings/{flow}.yaml cannot be read: {error}.", hint="Run: ml-connector init"
            ) from error
        if f"{flow}.yaml" == DIMENSIONS_FILE:
            dimensions_of(text)
        else:
            document_of(flow, text)
    return f"{', '.join(SHIPPED)} follow the language"


def _home(home: Path) -> str:
    if not home.is_dir():
        raise ConnectorError(f"There is no home at {home}.", hint="Run: ml-connector init")
    with tempfile.TemporaryFile(dir=home):
        return f"{home} can be written"


def _disk(home: Path) -> str:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 1024**3:.1f} GiB free at {existing}"
    if free < LEAST_DISK:
        raise ConnectorError(f"Only {said}.", hint="Make room, or move the home (MLC_HOME).")
    return said


def _key(settings: Settings) -> str:
    given = settings.master_key.get_secret_value() if settings.master_key else None
    load_master_key(env_value=given, key_file=settings.key_file)
    return "from MLC_MASTER_KEY" if given else f"in {settings.key_file}, for its owner only"


async def _database(settings: Settings, around: Surroundings) -> str:
    """Reached, of this version, and opened by the key there is."""
    given = settings.master_key.get_secret_value() if settings.master_key else None
    store = await Store.open(settings.database, around=around)
    try:
        await store.unlock(load_master_key(env_value=given, key_file=settings.key_file))
        async with store.read() as tx:
            names = [row.name for row in await connections.all(tx)]
            dialect = tx.dialect
    finally:
        await store.close()
    return f"{dialect}, schema as needed, the key fits; connections: {', '.join(names) or 'none'}"


def _place(database: str) -> str:
    """SQLite locks are not safe on a network share: see https://sqlite.org/faq.html#q5 for why."""
    address = read_url(database)
    if address.get_backend_name() != "sqlite":
        return "a server keeps it"
    path = Path(address.database or "").resolve()
    kind = file_system(path, MOUNTS.read_text(encoding="utf-8", errors="replace") if MOUNTS.exists() else "")
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConnectorError(
            f"{path} lies on a network share ({kind}), where SQLite can lose data.",
            hint="Move it to a local disk, or use PostgreSQL (MLC_DATABASE_URL).",
        )
    return (
        f"local disk{f' ({kind})' if kind else ''}, journal mode {journal_mode(sqlite3.sqlite_version_info)}"
    )


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system a path lies on, from the table Linux keeps; empty where there is none."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, place, kind
            continue
        mounted = Path(fields[1].replace("\\040", " "))
        if (path == mounted or mounted in path.parents) and len(mounted.parts) > best:
            best, kind = len(mounted.parts), fields[2]
    return kind


async def _clock(settings: Settings, around: Surroundings) -> str:
    """Progress and tokens depend on it: it must not be behind what was stored earlier."""
    now = around.clock.now()
    newest = max([OLDEST_NOW, *await _stored_times(settings, around)])
    if now < newest - timedelta(minutes=5):
        raise ConnectorError(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, and something was stored at {newest:%Y-%m-%d %H:%M} UTC.",
            hint="Set the clock right (NTP).",
        )
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


async def _stored_times(settings: Settings, around: Surroundings) -> list[datetime]:
    """When the newest run of each connection began; none when the database cannot tell."""
    try:
        store = await Store.open(settings.database, around=around)
    except ConnectorError:
        return []  # the check of the database says why
    try:
        async with store.read() as tx:
            newest = [await runs.list(tx, row.connection_id, limit=1) for row in await connections.all(tx)]
    finally:
        await store.close()
    return [run.started_at for found in newest for run in found]


def _versions() -> str:
    return (
        f"ml-connector {__version__}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {sys.platform}"
    )
