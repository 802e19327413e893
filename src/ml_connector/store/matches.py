"""What matching proposed, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Tx

_c = tables.match.c
_UNDECIDED = select(_c.source_key).where(
    _c.connection_id == bindparam("connection_id"),
    _c.flow == bindparam("flow"),
    _c.state == "doubtful",
    among(_c.source_key, bindparam("keys", type_=TextList())),
)


async def undecided(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that have a doubtful match nobody has decided yet: nothing is created behind it."""
    bound = {"connection_id": connection_id, "flow": flow, "keys": list(keys)}
    return {row[0] for row in await tx.connection.execute(_UNDECIDED, bound)} if keys else set()
