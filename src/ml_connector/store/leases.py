"""Leases: one writer a key, across processes. The fence grows with each new holder; the commit checks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from ml_connector.errors import RetryableError
from ml_connector.store import tables
from ml_connector.store.columns import UtcTime, insert_if_new

if TYPE_CHECKING:
    from ml_connector.store.database import Tx

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY = ""


class LeaseLostError(RetryableError):
    """Somebody else holds the lease now: nothing may be stored under it any more."""

    code = "store.lease_lost"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write under one name until ``expires_at``, as long as the fence is still ours."""

    name: str
    holder: str
    fence: int
    expires_at: datetime


_c = tables.lease.c
_NEW = insert_if_new(tables.lease, key=["connection_id", "name"])


async def acquire(tx: Tx, connection_id: int, name: str, holder: str, term_s: float) -> Lease | None:
    """Take the lease; None when somebody else holds it. Its holder keeps its fence and gets a new term."""
    new = {
        "connection_id": connection_id, "name": name, "holder": NOBODY, "fence": 0, "expires_at": LONG_AGO
    }  # fmt: skip
    await tx.connection.execute(_NEW[tx.dialect], new)
    query = select(_c.holder, _c.fence, _c.expires_at).where(
        _c.connection_id == connection_id, _c.name == name
    )
    row = (await tx.connection.execute(query.with_for_update())).one()
    now = await database_time(tx)
    held = row.holder != NOBODY and row.expires_at > now
    if held and row.holder != holder:
        return None
    lease = Lease(name, holder, row.fence if held else row.fence + 1, now + timedelta(seconds=term_s))
    change = update(tables.lease).where(_c.connection_id == connection_id, _c.name == name)
    await tx.connection.execute(change.values(holder=holder, fence=lease.fence, expires_at=lease.expires_at))
    return lease


async def take_over(tx: Tx, connection_id: int, name: str, holder: str, term_s: float) -> Lease:
    """Take the lease from whoever holds it: with a new fence, so that nothing more is stored under the old one."""
    held = await acquire(tx, connection_id, name, holder, term_s)
    if held is not None:
        return held
    mine = (_c.connection_id == connection_id, _c.name == name)
    expires_at = await database_time(tx) + timedelta(seconds=term_s)
    change = update(tables.lease).where(*mine)
    await tx.connection.execute(change.values(holder=holder, fence=_c.fence + 1, expires_at=expires_at))
    fence = (await tx.connection.execute(select(_c.fence).where(*mine))).scalar_one()
    return Lease(name, holder, fence, expires_at)


async def check(tx: Tx, connection_id: int, lease: Lease) -> None:
    """Make sure, in the transaction it protects, that the lease is ours; nobody takes it before the commit.

    Raises:
        LeaseLostError: the fence is no longer ours.
    """
    query = select(_c.holder, _c.fence).where(_c.connection_id == connection_id, _c.name == lease.name)
    row = (await tx.connection.execute(query.with_for_update(read=True))).first()
    if row is None or (row.holder, row.fence) != (lease.holder, lease.fence):
        raise LeaseLostError(
            f"{lease.holder} no longer holds '{lease.name}': another process has taken it over.",
            name=lease.name,
            fence=lease.fence,
        )


async def renew(tx: Tx, connection_id: int, lease: Lease, term_s: float) -> Lease:
    """A new term under the same fence.

    Raises:
        LeaseLostError: the fence is no longer ours.
    """
    expires_at = await database_time(tx) + timedelta(seconds=term_s)
    if not await _set(tx, connection_id, lease, lease.holder, expires_at):
        raise LeaseLostError(
            f"{lease.holder} no longer holds '{lease.name}'.", name=lease.name, fence=lease.fence
        )
    return Lease(lease.name, lease.holder, lease.fence, expires_at)


async def release(tx: Tx, connection_id: int, lease: Lease) -> None:
    """Give the lease back; nothing happens when it is somebody else's already."""
    await _set(tx, connection_id, lease, NOBODY, LONG_AGO)


async def _set(tx: Tx, connection_id: int, lease: Lease, holder: str, expires_at: datetime) -> bool:
    change = update(tables.lease).where(
        _c.connection_id == connection_id,
        _c.name == lease.name,
        _c.holder == lease.holder,
        _c.fence == lease.fence,
    )
    return bool((await tx.connection.execute(change.values(holder=holder, expires_at=expires_at))).rowcount)


async def database_time(tx: Tx) -> datetime:
    """One clock for all holders: the server's; on SQLite all are on this machine and share its clock."""
    if tx.dialect == "sqlite":
        return tx.now
    now = (await tx.connection.execute(select(func.clock_timestamp(type_=UtcTime)))).scalar_one()
    return now if isinstance(now, datetime) else tx.now
