"""One writer a key: a lease is held by one, and who has lost it can no longer commit under it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from ml_connector.store import flows, leases, tables
from ml_connector.store.database import Store
from ml_connector.store.leases import LeaseLostError

if TYPE_CHECKING:
    from tests.conftest import ManualClock

    from ml_connector.domain.clock import Surroundings


async def expire(store: Store, clock: ManualClock) -> None:
    """Let every lease run out: PostgreSQL judges by its own clock, which a test cannot move."""
    async with store.write() as tx:
        ended = leases.LONG_AGO + timedelta(days=1)
        await tx.connection.execute(update(tables.lease).values(expires_at=ended))
    clock.advance(3600)


async def test_a_lease_is_held_by_one_until_it_is_released(store: Store, cid: int) -> None:
    async with store.write() as tx:
        lease = await leases.acquire(tx, cid, "deal/1", "one", 60)
        assert lease is not None
        assert await leases.acquire(tx, cid, "deal/1", "two", 60) is None
        assert await leases.acquire(tx, cid, "deal/2", "two", 60) is not None
        await leases.release(tx, cid, lease)
        taken = await leases.acquire(tx, cid, "deal/1", "two", 60)
        assert taken is not None
        assert taken.fence == lease.fence + 1
        await leases.release(tx, cid, lease)  # no longer ours: nothing happens
        await leases.check(tx, cid, taken)


async def test_its_holder_takes_a_lease_again_under_the_same_fence(store: Store, cid: int) -> None:
    async with store.write() as tx:
        first = await leases.acquire(tx, cid, "deal/1", "one", 60)
        again = await leases.acquire(tx, cid, "deal/1", "one", 600)
    assert first is not None
    assert again is not None
    assert again.fence == first.fence
    assert again.expires_at > first.expires_at


async def test_an_expired_lease_is_taken_over_and_its_old_holder_cannot_commit(
    store: Store, cid: int, clock: ManualClock
) -> None:
    async with store.write() as tx:
        old = await leases.acquire(tx, cid, "deal/1", "one", 60)
    await expire(store, clock)
    async with store.write() as tx:
        new = await leases.acquire(tx, cid, "deal/1", "two", 60)
    assert old is not None
    assert new is not None
    assert new.fence > old.fence
    with pytest.raises(LeaseLostError):
        await _write_under(store, cid, old)
    async with store.write() as tx:
        assert (await flows.get(tx, cid, "orders")).state == "off"
        await leases.check(tx, cid, new)
        with pytest.raises(LeaseLostError):
            await leases.renew(tx, cid, old, 60)


async def _write_under(store: Store, cid: int, lease: leases.Lease) -> None:
    async with store.write() as tx:
        await flows.put(tx, cid, flows.FlowRow("orders", "on"))
        await leases.check(tx, cid, lease)


async def test_an_expired_lease_nobody_took_is_still_its_holders(
    store: Store, cid: int, clock: ManualClock
) -> None:
    async with store.write() as tx:
        lease = await leases.acquire(tx, cid, "deal/1", "one", 60)
    assert lease is not None
    await expire(store, clock)
    async with store.write() as tx:
        await leases.check(tx, cid, lease)
        renewed = await leases.renew(tx, cid, lease, 60)
        assert renewed.fence == lease.fence
        assert await leases.acquire(tx, cid, "deal/1", "two", 60) is None


async def test_the_same_holder_gets_a_new_fence_after_expiry(
    store: Store, cid: int, clock: ManualClock
) -> None:
    """A task of the same process that slept through its term must not commit beside the next one."""
    async with store.write() as tx:
        slept = await leases.acquire(tx, cid, "deal/1", "one", 60)
    await expire(store, clock)
    async with store.write() as tx:
        awake = await leases.acquire(tx, cid, "deal/1", "one", 60)
        assert slept is not None
        assert awake is not None
        assert awake.fence > slept.fence
        with pytest.raises(LeaseLostError):
            await leases.check(tx, cid, slept)


async def test_a_lease_of_one_connection_does_not_hold_the_other(store: Store, cid: int) -> None:
    async with store.write() as tx:
        assert await leases.acquire(tx, cid, "deal/1", "one", 60) is not None
        assert await leases.acquire(tx, cid + 1, "deal/1", "two", 60) is not None


async def test_many_takers_at_once_leave_one_holder(
    store: Store, store_url: str, around: Surroundings, cid: int
) -> None:
    other = await Store.open(store_url, around=around)

    async def take(number: int) -> leases.Lease | None:
        async with (store, other)[number % 2].write() as tx:
            return await leases.acquire(tx, cid, "deal/1", f"holder-{number}", 60)

    taken = await asyncio.gather(*(take(number) for number in range(10)))
    await other.close()
    assert sum(lease is not None for lease in taken) == 1
