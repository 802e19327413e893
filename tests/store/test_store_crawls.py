"""What crawls keep between their phases, links put aside, associations, and the list of who is never sent again."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.domain.records import identity_hash, key_hash
from ml_connector.store import associations, connections, crawls, links, parked, suppressed, tables
from ml_connector.store.associations import Association
from ml_connector.store.crawls import Staged
from ml_connector.store.links import Link

if TYPE_CHECKING:
    from ml_connector.store.database import Store
    from ml_connector.store.vault import Vault

LINK = Link("customers", "usmf:1", "companies", "9001", b"print", b"digest", 1, 3, b'{"name":"A"}')


async def other_connection(store: Store) -> int:
    async with store.write() as tx:
        return (await connections.get_or_create(tx, "second")).connection_id


def hashes(*keys: str) -> array[int]:
    return array("Q", (key_hash(key) for key in keys))


# Stage and seen keys ---


def known(seen: crawls.Seen) -> set[str]:
    """Which of some keys a crawl has seen."""
    return {key for key in "abcdefgh" if key_hash(key) in seen}


async def test_a_key_that_any_page_of_the_crawl_has_seen_is_known_and_no_other(
    store: Store, cid: int
) -> None:
    async with store.write() as tx:
        await crawls.see(tx, cid, "c1", 0, hashes("b", "a"))
        await crawls.see(tx, cid, "c1", 1, hashes("c"))
        await crawls.see(tx, cid, "c2", 0, hashes("d"))
        await crawls.see(tx, cid, "c1", 2, hashes())
    async with store.read() as tx:
        assert known(await crawls.seen(tx, cid, "c1")) == {"a", "b", "c"}
        assert known(await crawls.seen(tx, cid, "c3")) == set()


async def test_the_stage_is_read_in_pages_in_its_order_and_emptied_from_its_beginning(
    store: Store, cid: int
) -> None:
    rows = [Staged(seq, f"usmf:{seq}", f"change {seq}".encode()) for seq in range(7)]
    async with store.write() as tx:
        assert await crawls.next_seq(tx, cid, "c1") == 0
        await crawls.stage(tx, cid, "c1", rows[3:])
        await crawls.stage(tx, cid, "c1", rows[:3])
        await crawls.stage(tx, cid, "c1", [])
        assert await crawls.next_seq(tx, cid, "c1") == 7
        assert await crawls.staged(tx, cid, "c1", limit=3) == rows[:3]
        assert await crawls.staged(tx, cid, "c1", after=2, limit=3) == rows[3:6]
        await crawls.unstage(tx, cid, "c1", through=4)
        assert await crawls.staged(tx, cid, "c1") == rows[5:]
        assert await crawls.next_seq(tx, cid, "c1") == 7


async def test_a_crawl_that_is_forgotten_leaves_nothing_and_takes_nothing_of_another(
    store: Store, cid: int
) -> None:
    second = await other_connection(store)
    row = Staged(0, "usmf:1", b"change")
    async with store.write() as tx:
        for connection, crawl in ((cid, "c1"), (cid, "c2"), (second, "c1")):
            await crawls.see(tx, connection, crawl, 0, hashes("a"))
            await crawls.stage(tx, connection, crawl, [row])
        await crawls.unstage(tx, second, "c1", through=-1)
        await crawls.forget(tx, cid, "c1")
    async with store.read() as tx:
        assert await crawls.staged(tx, cid, "c1") == []
        assert known(await crawls.seen(tx, cid, "c1")) == set()
        for connection, crawl in ((cid, "c2"), (second, "c1")):
            assert await crawls.staged(tx, connection, crawl) == [row]
            assert known(await crawls.seen(tx, connection, crawl)) == {"a"}


# Links ---


async def one(store: Store, cid: int, key: str = "usmf:1") -> Link:
    async with store.read() as tx:
        return (await links.many(tx, cid, "customers", [key]))[key]


async def test_links_are_paged_by_key_with_what_a_crawl_needs(store: Store, cid: int) -> None:
    keys = [f"usmf:{number}" for number in range(1, 6)]
    async with store.write() as tx:
        await links.put(tx, cid, [replace(LINK, key=key) for key in keys])
        await links.put(tx, cid, [replace(LINK, flow="contacts")])
        await links.set_missed(tx, cid, "customers", keys[:2], 7)
        await links.set_missed(tx, cid, "customers", keys[:1], 0)
        await links.set_missed(tx, cid, "customers", [], 9)
    async with store.read() as tx:
        assert await links.page(tx, cid, "customers", limit=2) == [
            ("usmf:1", 0, "live"),
            ("usmf:2", 7, "live"),
        ]
        assert [row[0] for row in await links.page(tx, cid, "customers", after="usmf:2")] == keys[2:]


async def test_a_marked_link_is_gone_differs_from_every_record_and_points_where_the_mark_landed(
    store: Store, cid: int
) -> None:
    async with store.write() as tx:
        await links.put(tx, cid, [replace(LINK, missed=4, identity="i")])
        await links.mark(tx, cid, "customers", [("usmf:1", "9009", b'{"d365_status":"Not in Dynamics"}')])
    stored = await one(store, cid)
    assert (stored.state, stored.target_id, stored.missed, stored.identity) == ("gone", "9009", 0, "i")
    assert (stored.fingerprint, stored.source_digest) == (b"", b"")
    assert stored.written == b'{"d365_status":"Not in Dynamics"}'


async def test_states_of_links_and_what_each_forgets(store: Store, cid: int) -> None:
    """An erased one keeps nothing that names a person, a deleted one everything."""
    async with store.write() as tx:
        await links.put(tx, cid, [replace(LINK, missed=4, identity="i")])
        await links.set_state(tx, cid, "customers", ["usmf:1"], "deleted")
    assert await one(store, cid) == replace(LINK, missed=4, identity="i", state="deleted")
    async with store.write() as tx:
        await links.set_state(tx, cid, "customers", ["usmf:1"], "erased")
    stored = await one(store, cid)
    assert (stored.state, stored.written, stored.identity) == ("erased", b"{}", None)
    assert not stored.owns


async def test_links_in_one_state_are_paged_by_key(store: Store, cid: int) -> None:
    keys = [f"usmf:{number}" for number in range(1, 6)]
    async with store.write() as tx:
        await links.put(tx, cid, [replace(LINK, key=key) for key in keys])
        await links.set_state(tx, cid, "customers", keys[1:], "deleted")
    async with store.read() as tx:
        first = await links.in_state(tx, cid, "customers", "deleted", limit=2)
        rest = await links.in_state(tx, cid, "customers", "deleted", after=first[-1].key)
        assert [link.key for link in (*first, *rest)] == keys[1:]


async def test_who_owns_an_identity_or_a_record_is_found_within_the_flow_and_the_connection(
    store: Store, cid: int
) -> None:
    second = await other_connection(store)
    person = identity_hash("ada@alder.example")
    assert person is not None
    owner = replace(LINK, flow="contacts", identity=person)
    further = replace(owner, key="usmf:2", role="follower")
    async with store.write() as tx:
        await links.put(tx, cid, [owner, further, replace(owner, key="usmf:3", flow="others")])
        await links.put(tx, second, [owner])
    async with store.read() as tx:
        found = await links.by_identity(tx, cid, "contacts", [person])
        assert {link.key: link.owns for link in found} == {"usmf:1": True, "usmf:2": False}
        assert await links.by_identity(tx, cid, "contacts", []) == []
        assert [link.key for link in await links.by_target(tx, cid, "companies", "9001")] == [
            "usmf:1",
            "usmf:2",
            "usmf:3",
        ]
        assert await links.by_target(tx, cid, "products", "9001") == []


async def test_a_link_to_be_sent_again_is_as_no_record_is(store: Store, cid: int) -> None:
    async with store.write() as tx:
        await links.put(tx, cid, [LINK])
        await links.send_again(tx, cid, "customers", ["usmf:1"])
    assert await one(store, cid) == replace(LINK, fingerprint=b"", source_digest=b"")


async def test_two_connections_with_identical_ids_never_mix_their_links(store: Store, cid: int) -> None:
    second = await other_connection(store)
    async with store.write() as tx:
        await links.put(tx, cid, [LINK])
        await links.put(tx, second, [LINK])
        await links.set_missed(tx, cid, "customers", ["usmf:1"], 3)
        await links.set_state(tx, cid, "customers", ["usmf:1"], "gone")
        await links.mark(tx, cid, "customers", [("usmf:1", "1", b"{}")])
        await links.send_again(tx, cid, "customers", ["usmf:1"])
    assert await one(store, second) == LINK


# Associations ---

WANTED = Association("usmf:c-1", "contacts", "customers", "usmf:1", "501")


async def test_an_association_is_wanted_until_it_is_made_and_made_stays_made(store: Store, cid: int) -> None:
    async with store.write() as tx:
        await associations.want(tx, cid, [WANTED])
        assert await associations.open_of(tx, cid, "contacts") == [WANTED]
        await associations.end(tx, cid, [replace(WANTED, state="made", to_id="901")])
        assert await associations.open_of(tx, cid, "contacts") == []
        await associations.want(tx, cid, [WANTED])
        assert await associations.open_of(tx, cid, "contacts") == []
        [stored] = await associations.of_record(tx, cid, "contacts", "usmf:c-1")
    assert (stored.state, stored.to_id) == ("made", "901")


async def test_a_refused_association_stays_open_and_a_record_with_another_id_wants_it_anew(
    store: Store, cid: int
) -> None:
    async with store.write() as tx:
        await associations.want(tx, cid, [replace(WANTED, fresh=True)])
        await associations.end(tx, cid, [replace(WANTED, state="refused", message="No.")])
        [open_one] = await associations.open_of(tx, cid, "contacts")
        assert (open_one.state, open_one.message) == ("refused", "No.")
        await associations.end(tx, cid, [replace(WANTED, state="made", to_id="901")])
        await associations.want(tx, cid, [replace(WANTED, from_id="777", fresh=True)])
        [again] = await associations.open_of(tx, cid, "contacts")
    assert (again.state, again.from_id, again.fresh) == ("wanted", "777", False)


async def test_open_associations_are_paged_and_counted_by_flow_and_connection(store: Store, cid: int) -> None:
    second = await other_connection(store)
    rows = [replace(WANTED, key=f"usmf:c-{key}", to_key=f"usmf:{to}") for key in (1, 2) for to in (1, 2, 3)]
    async with store.write() as tx:
        await associations.want(tx, cid, rows)
        await associations.want(tx, second, rows[:1])
        await associations.end(tx, cid, [replace(rows[0], state="made")])
    async with store.read() as tx:
        first = await associations.open_of(tx, cid, "contacts", limit=3)
        rest = await associations.open_of(tx, cid, "contacts", after=(first[-1].key, first[-1].to_key))
        assert [(row.key, row.to_key) for row in (*first, *rest)] == [
            (row.key, row.to_key) for row in rows[1:]
        ]
        assert await associations.counts(tx, cid) == {("contacts", "made"): 1, ("contacts", "wanted"): 5}
        assert await associations.counts(tx, second) == {("contacts", "wanted"): 1}


# The suppression list ---


async def test_who_is_on_the_suppression_list_is_found_by_name_and_stands_there_as_a_hash(
    store: Store, cid: int, vault: Vault
) -> None:
    names = ["usmf:c-1", "ada@alder.example"]
    async with store.write() as tx:
        assert await suppressed.among(tx, cid, vault, names) == set()
        await suppressed.add(tx, cid, vault, [*names, ""])
        await suppressed.add(tx, cid, vault, names)
        assert await suppressed.among(tx, cid, vault, [*names, "birk@alder.example", ""]) == set(names)
        assert await suppressed.among(tx, cid, vault, []) == set()
        stored = [
            bytes(row[0])
            for row in await tx.connection.execute(
                tables.suppressed.select().with_only_columns(tables.suppressed.c.hash)
            )
        ]
    assert len(stored) == 2
    assert not any(name.encode() in one for name in names for one in stored)


async def test_each_connection_has_its_own_suppression_list_and_its_own_salt(
    store: Store, cid: int, vault: Vault
) -> None:
    second = await other_connection(store)
    async with store.write() as tx:
        await suppressed.add(tx, cid, vault, ["ada@alder.example"])
        assert await suppressed.among(tx, second, vault, ["ada@alder.example"]) == set()
        await suppressed.add(tx, second, vault, ["ada@alder.example"])
        query = tables.suppressed.select().with_only_columns(tables.suppressed.c.hash)
        assert len({bytes(row[0]) for row in await tx.connection.execute(query)}) == 2


async def test_a_long_list_of_names_is_looked_up_in_one_go(store: Store, cid: int, vault: Vault) -> None:
    names = [f"p{number}@alder.example" for number in range(1_500)]
    async with store.write() as tx:
        await suppressed.add(tx, cid, vault, names[::3])
        assert await suppressed.among(tx, cid, vault, names) == set(names[::3])


# Parked records that crawls do not see ---


async def test_details_noted_on_a_parked_record_go_when_it_is_parked_again(store: Store, cid: int) -> None:
    second = await other_connection(store)
    stuck: dict[str, Any] = {"flow": "customers", "key": "usmf:1", "cause": "x", "message": "", "turn": "it"}
    row = parked.ParkedRecord(0, **stuck, next_action="", detail={"code": "x"})
    async with store.write() as tx:
        [number] = await parked.park(tx, cid, [row])
        await parked.note(tx, second, [(number, {"missed": 9})])
        await parked.note(tx, cid, [(number, {"code": "x", "missed": 3})])
        noted = await parked.get(tx, cid, number)
        assert noted is not None
        assert noted.detail == {"code": "x", "missed": 3}
        await parked.park(tx, cid, [row])
        again = await parked.get(tx, cid, number)
        assert again is not None
        assert (again.detail, again.times) == ({"code": "x"}, 2)
