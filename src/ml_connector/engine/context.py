"""What every engine function is given: the store, whose connection, and the surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_connector.domain.clock import Surroundings
    from ml_connector.store.database import Store
    from ml_connector.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Engine:
    """One connection's place to work."""

    store: Store
    vault: Vault
    connection_id: int
    around: Surroundings
    started_by: str = "command line"
