"""Every version of every mapping document that was ever used: what was written can name what made it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from ml_connector.store import tables
from ml_connector.store.database import StoreError

if TYPE_CHECKING:
    from ml_connector.store.database import Tx


async def remember(tx: Tx, connection_id: int, flow: str, document: bytes) -> int:
    """The version of this document; new bytes get the next one, bytes seen before their old one."""
    whole = tables.connection
    await tx.connection.execute(  # one at a time: two processes may bring the same new document
        select(whole.c.connection_id).where(whole.c.connection_id == connection_id).with_for_update()
    )
    c = tables.mapping.c
    of_flow = (c.connection_id == connection_id, c.flow == flow)
    digest = hashlib.blake2b(document, digest_size=32).digest()
    known = (await tx.connection.execute(select(c.version).where(*of_flow, c.digest == digest))).scalar()
    if known is not None:
        return int(known)
    newest = (await tx.connection.execute(select(func.max(c.version)).where(*of_flow))).scalar()
    row = {
        "connection_id": connection_id,
        "flow": flow,
        "version": (newest or 0) + 1,
        "digest": digest,
        "document": document,
        "created_at": tx.now,
    }
    await tx.connection.execute(insert(tables.mapping), row)
    return (newest or 0) + 1


async def load(tx: Tx, connection_id: int, flow: str, version: int) -> bytes:
    """The document of a version, byte for byte.

    Raises:
        StoreError: there is no such version.
    """
    c = tables.mapping.c
    query = select(c.document).where(c.connection_id == connection_id, c.flow == flow, c.version == version)
    document = (await tx.connection.execute(query)).scalar()
    if document is None:
        raise StoreError(f"Version {version} of the mapping '{flow}' was never stored.")
    return bytes(document)
