"""Secrets that are replaced with an overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.store import connections, rotating
from ml_connector.store.rotating import Rotating

if TYPE_CHECKING:
    from ml_connector.store.database import Store
    from ml_connector.store.vault import Vault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_replaced_secret_is_good_until_its_time_and_not_a_moment_longer() -> None:
    secret = Rotating("one", NOON).replaced("two", NOON, NOON + HOUR)
    assert secret.good(NOON) == ("two", "one")
    assert secret.good(NOON + HOUR - timedelta(microseconds=1)) == ("two", "one")
    assert secret.good(NOON + HOUR) == ("two",)


def test_replacing_twice_prolongs_nothing() -> None:
    secret = Rotating("one", NOON).replaced("two", NOON, NOON + HOUR)
    again = secret.replaced("three", NOON + HOUR / 2, NOON + 2 * HOUR)
    assert again.good(NOON + HOUR / 2) == ("three", "two", "one")
    assert again.good(NOON + HOUR) == ("three", "two")
    assert again.replaced("four", NOON + HOUR, NOON + 2 * HOUR).former == (
        ("three", NOON + 2 * HOUR), ("two", NOON + 2 * HOUR)
    )  # fmt: skip


def test_going_back_to_a_former_secret_does_not_let_it_lapse() -> None:
    secret = Rotating("one", NOON).replaced("two", NOON, NOON + HOUR).replaced("one", NOON, NOON + HOUR)
    assert secret.good(NOON + 2 * HOUR) == ("one",)


async def test_it_is_stored_sealed_and_stays_when_its_side_is_connected_again(
    store: Store, cid: int, vault: Vault
) -> None:
    secret = Rotating("canary-one", NOON).replaced("canary-two", NOON, NOON + HOUR)
    async with store.write() as tx:
        await rotating.put(tx, cid, "events.hubspot.secret", secret, vault)
        side = connections.SideRow("hubspot", {}, "1", {}, NOON)
        await connections.put_side(tx, cid, side, {"hubspot.token": "t"}, vault)
        assert await rotating.load(tx, cid, "events.hubspot.secret", vault) == secret
        assert await rotating.load(tx, cid, "events.other", vault) is None


async def test_drawn_bytes_never_change(store: Store, cid: int, vault: Vault) -> None:
    async with store.write() as tx:
        first = await rotating.drawn(tx, cid, "events.salt", vault)
    async with store.write() as tx:
        assert await rotating.drawn(tx, cid, "events.salt", vault) == first
        assert len(first) == 32
