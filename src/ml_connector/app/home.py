"""``init``: the home with its settings file, mappings, key and database; what is there already is kept."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from ml_connector.store import connections
from ml_connector.store.database import Store
from ml_connector.store.vault import create_key_file, load_master_key

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.domain.clock import Surroundings
    from ml_connector.settings import Settings

SHIPPED = {  # flow -> its default mapping file
    "customers": "customers/mapping.yaml",
    "contacts": "customers/contacts.yaml",
    "products": "products/mapping.yaml",
    "orders": "orders/mapping.yaml",
    "dimensions": "orders/dimensions.yaml",
}
CONFIG = """\
# Settings of ml-connector. Everything has a default; the environment (MLC_...) overrides what stands here.
# Example:
# [orders]
# quiet_minutes = 10
# release = "approve"
"""


@dataclass(frozen=True, slots=True)
class InitReport:
    """What ``init`` made and what it found."""

    home: Path
    created: tuple[str, ...]
    kept: tuple[str, ...]
    database: str


def shipped_mapping(flow: str) -> str:
    """The default mapping file of a flow."""
    return (resources.files("ml_connector.flows") / SHIPPED[flow]).read_text(encoding="utf-8")


async def init(settings: Settings, around: Surroundings, **store_options: Any) -> InitReport:
    """Make what is missing; ``store_options`` go to ``Store.open``.

    Raises:
        ConfigurationError: the database cannot be reached or was written by a newer version.
        KeyRefusedError: the key there is does not open the database there is.
    """
    created: list[str] = []
    kept: list[str] = []
    settings.home.mkdir(parents=True, exist_ok=True)
    settings.mappings.mkdir(exist_ok=True)
    _file(settings.home / "ml-connector.toml", CONFIG, created, kept)
    for flow in SHIPPED:
        _file(settings.mappings / f"{flow}.yaml", shipped_mapping(flow), created, kept)
    if settings.master_key is None:
        if settings.key_file.exists():
            kept.append(str(settings.key_file))
        else:
            create_key_file(settings.key_file)
            created.append(str(settings.key_file))
    store = await Store.open(settings.database, around=around, migrate=True, **store_options)
    try:
        await store.unlock(
            load_master_key(
                env_value=settings.master_key.get_secret_value() if settings.master_key else None,
                key_file=settings.key_file,
            )
        )
        async with store.write() as tx:
            await connections.get_or_create(tx, settings.connection)
    finally:
        await store.close()
    return InitReport(settings.home, tuple(created), tuple(kept), settings.database)


async def upgrade_database(
    settings: Settings, around: Surroundings, **store_options: Any
) -> tuple[str | None, str | None]:
    """Run the migrations that are missing; the revision before and the one now.

    Raises:
        ConfigurationError: there is no database, it cannot be reached, or a newer version wrote it.
    """
    before = await Store.revision_of(settings.database, around=around, **store_options)
    store = await Store.open(settings.database, around=around, migrate=True, **store_options)
    await store.close()
    return before, await Store.revision_of(settings.database, around=around, **store_options)


def _file(path: Path, content: str, created: list[str], kept: list[str]) -> None:
    if path.exists():
        kept.append(str(path))
    else:
        path.write_text(content, encoding="utf-8")
        created.append(str(path))
