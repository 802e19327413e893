"""Persons who were deleted for privacy: keyed hashes of what would name them, so that they are never sent again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from ml_connector.store import tables
from ml_connector.store.columns import insert_if_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ml_connector.store.database import Tx
    from ml_connector.store.vault import Vault

SALT = "suppression.salt"  # without it nobody can try addresses against the hashes
_c, _s = tables.suppressed.c, tables.secret.c
_ADD = insert_if_new(tables.suppressed, key=["connection_id", "hash"])
_NEW_SALT = insert_if_new(tables.secret, key=["connection_id", "field"])
_SALT = select(_s.sealed).where(
    _s.connection_id == bindparam("connection_id"), _s.field == bindparam("field")
)


async def add(tx: Tx, connection_id: int, vault: Vault, names: Iterable[str]) -> None:
    """Put what names a person (keys, e-mail addresses) on the list."""
    salt = await _salt(tx, connection_id, vault)
    if salt is None:
        sealed = vault.seal(connection_id, SALT, tx.around.random_bytes(32))
        row = {"connection_id": connection_id, "field": SALT, "sealed": sealed, "updated_at": tx.now}
        await tx.connection.execute(_NEW_SALT[tx.dialect], row)
        salt = await _salt(tx, connection_id, vault)
    hashes = sorted({_hash(salt or b"", name) for name in names if name})
    values = [{"connection_id": connection_id, "hash": one, "at": tx.now} for one in hashes]
    if values:
        await tx.connection.execute(_ADD[tx.dialect], values)


async def among(tx: Tx, connection_id: int, vault: Vault, names: Sequence[str]) -> set[str]:
    """Those of the names that are on the list."""
    salt = await _salt(tx, connection_id, vault) if names else None
    if salt is None:
        return set()
    by_hash = {_hash(salt, name): name for name in names}
    query = select(_c.hash).where(_c.connection_id == connection_id, _c.hash.in_(list(by_hash)))
    return {by_hash[bytes(row[0])] for row in await tx.connection.execute(query)}


async def _salt(tx: Tx, connection_id: int, vault: Vault) -> bytes | None:
    """The connection's own salt; None while nobody was ever on its list."""
    bound = {"connection_id": connection_id, "field": SALT}
    sealed = (await tx.connection.execute(_SALT, bound)).scalar()
    return None if sealed is None else vault.open(connection_id, SALT, sealed)


def _hash(salt: bytes, name: str) -> bytes:
    return hashlib.blake2b(name.encode(), key=salt, digest_size=32).digest()
