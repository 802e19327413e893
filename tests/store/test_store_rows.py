"""What is put into the store comes back the same, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from ml_connector.errors import ConfigurationError
from ml_connector.store import audit, calls, connections, flows, links, mappings, parked, progress, runs
from ml_connector.store.database import Store, StoreError

if TYPE_CHECKING:
    from tests.conftest import ManualClock

    from ml_connector.store.vault import Vault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LINK = links.Link("customers", "usmf:US-001", "companies", "9001", b"print", b"digest", 1, 3, b'{"name":"A"}')
STOPPED = parked.ParkedRecord(0, "customers", "usmf:US-001", "mapping.value", "Bad", "finance", "Mend it")


async def test_a_connection_is_made_once_and_found_by_name(store: Store) -> None:
    async with store.write() as tx:
        first = await connections.get_or_create(tx, "default")
        again = await connections.get_or_create(tx, "default")
        other = await connections.get_or_create(tx, "second")
    async with store.read() as tx:
        assert first == again == await connections.get(tx, "default")
        assert await connections.get(tx, "third") is None
        assert await connections.all(tx) == [first, other]


async def test_a_side_is_replaced_together_with_its_secrets(store: Store, cid: int, vault: Vault) -> None:
    side = connections.SideRow("dynamics", {"url": "https://a"}, "tenant-1", {"batch": True}, NOON)
    secrets = {"dynamics.client_secret": "first", "dynamics.old": "gone"}
    async with store.write() as tx:
        await connections.put_side(tx, cid, side, secrets, vault)
        await connections.put_side(
            tx, cid, replace(side, side="hubspot"), {"hubspot.token": "other side"}, vault
        )
    changed = replace(side, settings={"url": "https://b"}, verified_at=NOON + timedelta(days=1))
    async with store.write() as tx:
        await connections.put_side(tx, cid, changed, {"dynamics.client_secret": "second"}, vault)
        await connections.put_capabilities(tx, cid, "dynamics", {"batch": False})
    async with store.read() as tx:
        assert await connections.side(tx, cid, "dynamics") == replace(changed, capabilities={"batch": False})
        assert await connections.secret(tx, cid, "dynamics.client_secret", vault) == "second"
        assert await connections.secret(tx, cid, "hubspot.token", vault) == "other side"
        with pytest.raises(ConfigurationError, match=r"No dynamics\.old is stored"):
            await connections.secret(tx, cid, "dynamics.old", vault)


async def test_legal_entities_are_replaced_as_a_whole(store: Store, cid: int) -> None:
    usmf = connections.LegalEntityRow("usmf", "Contoso US", "USD", "America/Chicago")
    demf = connections.LegalEntityRow("demf", "Contoso DE", "EUR", "Europe/Berlin")
    async with store.write() as tx:
        await connections.put_legal_entities(tx, cid, [usmf])
        await connections.put_legal_entities(tx, cid, [usmf, demf])
    async with store.read() as tx:
        assert await connections.legal_entities(tx, cid) == [demf, usmf]


async def test_a_flow_is_off_until_it_is_switched_on(store: Store, cid: int) -> None:
    on = flows.FlowRow("customers", "on", NOON, "", loaded=True)
    async with store.write() as tx:
        assert await flows.get(tx, cid, "customers") == flows.FlowRow("customers")
        await flows.put(tx, cid, on)
    async with store.read() as tx:
        assert await flows.get(tx, cid, "customers") == on
        assert await flows.all(tx, cid) == [on]


async def test_times_of_any_zone_come_back_as_the_same_instant_in_utc(store: Store, cid: int) -> None:
    berlin = datetime(2026, 7, 1, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    async with store.write() as tx:
        await flows.put(tx, cid, flows.FlowRow("orders", "on", berlin))
    async with store.read() as tx:
        at = (await flows.get(tx, cid, "orders")).go_live_at
    assert at == berlin
    assert at is not None
    assert at.utcoffset() == timedelta(0)


async def test_the_same_mapping_keeps_its_version_and_every_version_is_kept(store: Store, cid: int) -> None:
    async with store.write() as tx:
        versions = [await mappings.remember(tx, cid, "customers", text) for text in (b"one", b"two", b"one")]
        assert versions == [1, 2, 1]
        assert await mappings.remember(tx, cid, "products", b"one") == 1
    async with store.read() as tx:
        assert await mappings.load(tx, cid, "customers", 1) == b"one"
        assert await mappings.load(tx, cid, "customers", 2) == b"two"
        with pytest.raises(StoreError):
            await mappings.load(tx, cid, "customers", 3)


async def test_runs_are_listed_newest_first_page_by_page(store: Store, cid: int) -> None:
    begun = [
        runs.Run(f"r{n}", "customers", "load", "running", NOON + timedelta(hours=n), started_by="a person")
        for n in range(3)
    ]
    async with store.write() as tx:
        for run in begun:
            await runs.start(tx, cid, run)
        await runs.finish(tx, cid, "r1", "done", {"read": 5, "seconds": 1.5}, "fine")
    async with store.read() as tx:
        newest = await runs.list(tx, cid, limit=2)
        assert [run.run_id for run in newest] == ["r2", "r1"]
        assert newest[1] == replace(
            begun[1], state="done", ended_at=NOON, counters={"read": 5, "seconds": 1.5}, message="fine"
        )
        assert await runs.list(tx, cid, before=newest[-1].started_at) == [begun[0]]
        assert await runs.get(tx, cid, "r0") == begun[0]


async def test_running_runs_of_a_dead_process_become_interrupted(store: Store, cid: int) -> None:
    async with store.write() as tx:
        for n, flow in enumerate(("customers", "customers", "products")):
            await runs.start(tx, cid, runs.Run(f"r{n}", flow, "load", "running", NOON + timedelta(hours=n)))
        await runs.finish(tx, cid, "r0", "done", {}, "")
        assert await runs.abandon_open(tx, cid, "customers") == ["r1"]
        assert await runs.abandon_open(tx, cid, "customers") == []
    async with store.read() as tx:
        assert [(run.run_id, run.state) for run in await runs.list(tx, cid)] == [
            ("r2", "running"), ("r1", "interrupted"), ("r0", "done"),
        ]  # fmt: skip


async def test_a_run_that_was_never_started_cannot_end(store: Store, cid: int) -> None:
    async with store.write() as tx:
        with pytest.raises(StoreError):
            await runs.finish(tx, cid, "nothing", "done", {}, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-03-02T10:00:00Z", "2026-03-02T09:59:59.999Z"),
        ("2026-03-02T10:00:00Z", "2026-03-02T11:30:00+02:00"),
        ("1000", "999"),
        ("usmf:US-2", "usmf:US-1"),
        ("1000", None),
    ],
)
async def test_a_watermark_never_moves_back(store: Store, cid: int, old: str, new: str | None) -> None:
    there = progress.Progress("orders", "r1", "after", old, 3, details={"left": [1]})
    async with store.write() as tx:
        await progress.save(tx, cid, there)
    with pytest.raises(StoreError, match="would move back"):
        async with store.write() as tx:
            await progress.save(tx, cid, replace(there, run_id="r2", watermark=new, pages=4))
    async with store.read() as tx:
        assert await progress.load(tx, cid, "orders") == there
        assert await progress.history(tx, cid, "orders") == [there]


@pytest.mark.parametrize(
    ("old", "new"),
    [("2026-03-02T10:00:00Z", "2026-03-02T10:00:00.5Z"), ("999", "1000"), (None, "a"), ("a", "a")],
)
async def test_a_watermark_moves_on(store: Store, cid: int, old: str | None, new: str) -> None:
    async with store.write() as tx:
        await progress.save(tx, cid, progress.Progress("orders", "r1", None, old))
        await progress.save(tx, cid, progress.Progress("orders", "r1", None, new))


async def test_a_person_may_rewind_and_the_history_shows_it(store: Store, cid: int) -> None:
    far, near = (progress.Progress("orders", "r1", None, mark) for mark in ("200", "100"))
    async with store.write() as tx:
        await progress.save(tx, cid, far)
        await progress.save(tx, cid, near, rewind=True)
        await progress.save(tx, cid, far)
    async with store.read() as tx:
        assert await progress.history(tx, cid, "orders") == [far, near, far]


async def test_a_run_never_goes_back_a_page_but_a_new_run_starts_over(store: Store, cid: int) -> None:
    async with store.write() as tx:
        await progress.save(tx, cid, progress.Progress("customers", "r1", "p5", pages=5))
        with pytest.raises(StoreError, match="page 5 to 4"):
            await progress.save(tx, cid, progress.Progress("customers", "r1", "p4", pages=4))
        await progress.save(tx, cid, progress.Progress("customers", "r2", "p1", pages=1))


async def test_a_link_is_stored_changed_and_touched(store: Store, cid: int) -> None:
    second = replace(LINK, key="usmf:US-002", target_id="9002", subject_id="person-1", state="gone")
    async with store.write() as tx:
        await links.put(tx, cid, [second, LINK])
        await links.put(tx, cid, [replace(LINK, fingerprint=b"new", mapping_version=4)])
        await links.touch(tx, cid, "customers", [("usmf:US-002", b"read again")], mapping_version=5)
    async with store.read() as tx:
        assert await links.many(tx, cid, "customers", ["usmf:US-001", "usmf:US-002", "usmf:nobody"]) == {
            "usmf:US-001": replace(LINK, fingerprint=b"new", mapping_version=4),
            "usmf:US-002": replace(second, source_digest=b"read again", mapping_version=5),
        }
        assert await links.heads(tx, cid, "customers", ["usmf:US-001"]) == {
            "usmf:US-001": links.LinkHead("usmf:US-001", "9001", b"new", b"digest", 1, 4)
        }
        assert await links.heads(tx, cid, "products", ["usmf:US-001"]) == {}
        assert await links.heads(tx, cid, "customers", []) == {}
        assert await links.count(tx, cid, "customers") == 2


async def test_heads_of_a_thousand_keys_come_in_one_statement(store: Store, cid: int) -> None:
    keys = [f"usmf:{number:05}'\"\\ü" for number in range(1000)]
    async with store.write() as tx:
        await links.put(tx, cid, [replace(LINK, key=key, target_id=key) for key in keys])
    async with store.read() as tx:
        found = await links.heads(tx, cid, "customers", [*keys, "usmf:more"])
    assert sorted(found) == sorted(keys)
    assert all(found[key].target_id == key for key in keys)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
async def test_every_row_of_many_is_stored_and_changed_whatever_their_number(
    store: Store, cid: int, count: int
) -> None:
    rows = [replace(LINK, key=f"usmf:{n:03}", target_id=str(n)) for n in range(count)]
    moved = [replace(row, target_id=f"{row.target_id}-moved") for row in rows]
    for written in (rows, moved):
        async with store.write() as tx:
            await links.put(tx, cid, written)
            await audit.append(
                tx, cid, [audit.Entry("created", "customers", row.key, {"n": 1}, "r1") for row in written]
            )
    async with store.read() as tx:
        assert await links.many(tx, cid, "customers", [row.key for row in rows]) == {
            row.key: row for row in moved
        }
        assert await links.count(tx, cid, "customers") == count
        assert (await audit.verify(tx, cid)).rows == 2 * count


async def test_links_are_found_by_target_by_key_and_by_the_beginning_of_a_key(store: Store, cid: int) -> None:
    rows = [replace(LINK, key=f"usmf:US-00{n}", target_id=f"900{n}") for n in (1, 2, 3)]
    merged = replace(LINK, flow="contacts", key="usmf:c-1", object_type="contacts", target_id="9001")
    same = replace(LINK, key="ussi:S-9", target_id="9003")
    async with store.write() as tx:
        await links.put(tx, cid, [*rows, merged, same])
    async with store.read() as tx:
        assert await links.by_target(tx, cid, "companies", "9003") == [rows[2], same]
        assert await links.by_target(tx, cid, "companies", "none") == []
        assert await links.search(tx, cid, "9001") == [rows[0], merged]  # capitals sort first everywhere
        assert await links.search(tx, cid, "usmf:US-00") == rows
        assert await links.search(tx, cid, "usmf:US-002") == [rows[1]]
        assert await links.search(tx, cid, "usmf:US-00", limit=2) == rows[:2]
        assert await links.search(tx, cid, "%") == []
        assert await links.search(tx, cid, "") == []


async def test_an_intent_stays_open_until_its_outcome(store: Store, cid: int, clock: ManualClock) -> None:
    first = calls.Call("c1", "r1", "hubspot", "companies/batch/upsert", b"hash", ["a", "b"])
    second = calls.Call("c2", "r2", "dynamics", "SalesOrderHeadersV2", b"hash", ["deals/1"], "op-1")
    async with store.write() as tx:
        await calls.intend(tx, cid, first)
    clock.advance(1)
    async with store.write() as tx:
        await calls.intend(tx, cid, second)
    async with store.read() as tx:
        assert await calls.open_calls(tx, cid) == [first, second]
        assert await calls.open_calls(tx, cid, run_id="r2") == [second]
    async with store.write() as tx:
        await calls.finish(tx, cid, calls.Ended("c1", "unknown"))
        await calls.finish(tx, cid, calls.Ended("c1", "done", 200, "correlation"))
        assert await calls.open_calls(tx, cid) == [second]
        assert await calls.settle_open(tx, cid, ["r1", "r2"], "repeated") == 1
        assert await calls.open_calls(tx, cid) == []
        with pytest.raises(StoreError, match="without an intent"):
            await calls.finish(tx, cid, calls.Ended("c2", "done", 200), calls.Ended("c3", "done", 200))


async def test_a_record_is_parked_once_and_counts_again(store: Store, cid: int, clock: ManualClock) -> None:
    other = replace(STOPPED, key="usmf:US-002", detail={"field": "phone"}, payload=b"bytes", run_id="r1")
    async with store.write() as tx:
        numbers = await parked.park(tx, cid, [other, STOPPED])
    clock.advance(60)
    async with store.write() as tx:
        assert await parked.park(tx, cid, [replace(STOPPED, cause="record.rejected", message="Worse")]) == [
            numbers[1]
        ]
    async with store.read() as tx:
        again = await parked.get(tx, cid, numbers[1])
        assert again == replace(
            STOPPED, parked_id=numbers[1], cause="record.rejected", message="Worse", times=2,
            first_at=NOON, last_at=NOON + timedelta(seconds=60),
        )  # fmt: skip
        assert await parked.open_for(tx, cid, "customers", ["usmf:US-002", "usmf:nobody"]) == {
            "usmf:US-002": replace(other, parked_id=numbers[0], first_at=NOON, last_at=NOON)
        }
        assert await parked.counts(tx, cid) == {"customers": 2}


async def test_a_resolved_record_parks_under_a_new_number(store: Store, cid: int) -> None:
    async with store.write() as tx:
        (first,) = await parked.park(tx, cid, [STOPPED])
        assert await parked.resolve(tx, cid, "customers", ["usmf:US-001", "usmf:nobody"], "arrived") == 1
        assert await parked.resolve(tx, cid, "customers", ["usmf:US-001"], "arrived") == 0
        (second,) = await parked.park(tx, cid, [STOPPED])
    assert second > first
    async with store.read() as tx:
        assert [row.parked_id for row in await parked.list(tx, cid, limit=10)] == [second]
        assert [row.parked_id for row in await parked.list(tx, cid, state="resolved")] == [first]
        assert [row.state for row in await parked.list(tx, cid, state=None)] == ["resolved", "open"]
        assert await parked.list(tx, cid, flow="products") == []
        assert await parked.list(tx, cid, after=second) == []
