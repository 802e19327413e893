"""Secrets that are replaced with an overlap: for a while both open the door.

Kept apart from a side's credentials: connecting that side again replaces those, and leaves these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import select

from ml_connector.store import tables
from ml_connector.store.columns import insert_if_new, upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Tx
    from ml_connector.store.vault import Vault

_s = tables.secret.c
_PUT = upsert(tables.secret, key=["connection_id", "field"], change=["sealed", "updated_at"])
_NEW = insert_if_new(tables.secret, key=["connection_id", "field"])


@dataclass(frozen=True, slots=True)
class Rotating:
    """A secret, and former ones that are still good until their time."""

    current: str
    since: datetime
    former: tuple[tuple[str, datetime], ...] = ()

    def good(self, now: datetime) -> tuple[str, ...]:
        """Every value that opens the door at this moment, the current one first."""
        return (self.current, *(value for value, until in self.former if now < until))

    def replaced(self, value: str, now: datetime, until: datetime) -> Rotating:
        """With a new value; the present one stays good until then, and so do former ones no longer than they were."""
        kept = tuple((old, end) for old, end in self.former if now < end and old != value)
        return Rotating(value, now, ((self.current, until), *kept))


async def load(tx: Tx, connection_id: int, field: str, vault: Vault) -> Rotating | None:
    """The secret of this name; None when there is none.

    Raises:
        VaultError: it does not open.
    """
    query = select(_s.sealed).where(_s.connection_id == connection_id, _s.field == field)
    sealed = (await tx.connection.execute(query)).scalar()
    if sealed is None:
        return None
    held = orjson.loads(vault.open(connection_id, field, sealed))
    former = tuple((value, datetime.fromisoformat(until)) for value, until in held["former"])
    return Rotating(held["current"], datetime.fromisoformat(held["since"]), former)


async def put(tx: Tx, connection_id: int, field: str, secret: Rotating, vault: Vault) -> None:
    """Store it under this name, sealed."""
    former: Sequence[tuple[str, str]] = [(value, until.isoformat()) for value, until in secret.former]
    held = {"current": secret.current, "since": secret.since.isoformat(), "former": former}
    sealed = vault.seal(connection_id, field, orjson.dumps(held))
    row = {"connection_id": connection_id, "field": field, "sealed": sealed, "updated_at": tx.now}
    await tx.connection.execute(_PUT[tx.dialect], row)


async def drawn(tx: Tx, connection_id: int, field: str, vault: Vault) -> bytes:
    """32 random bytes of this name that never change, drawn when they are first asked for."""
    query = select(_s.sealed).where(_s.connection_id == connection_id, _s.field == field)
    if (await tx.connection.execute(query)).scalar() is None:
        sealed = vault.seal(connection_id, field, tx.around.random_bytes(32))
        row = {"connection_id": connection_id, "field": field, "sealed": sealed, "updated_at": tx.now}
        await tx.connection.execute(_NEW[tx.dialect], row)
    return vault.open(connection_id, field, (await tx.connection.execute(query)).scalar_one())
