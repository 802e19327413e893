"""A connection and the vault of the store under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.store import connections

if TYPE_CHECKING:
    from ml_connector.store.database import Store
    from ml_connector.store.vault import Vault


@pytest.fixture
async def cid(store: Store) -> int:
    """The number of the connection ``default``."""
    async with store.write() as tx:
        return (await connections.get_or_create(tx, "default")).connection_id


@pytest.fixture
def vault(store: Store) -> Vault:
    """The opened vault of the store."""
    assert store.vault is not None
    return store.vault
