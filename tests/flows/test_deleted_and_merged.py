"""0.2 HubSpot ids change on merge. 0.11 What a person deleted in HubSpot is not made again by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from ml_connector.app.replay import replay
from ml_connector.engine.runs import replay_records
from ml_connector.store import suppressed, tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import link, loaded, run, writes
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.people import contact_id, contacts, people

    from ml_connector.engine.ports import RecordFlow
else:
    from crawling import link, loaded, run, writes  # pytest puts this folder on the path
    from office import ON_BOTH_DATABASES, Office
    from people import contact_id, contacts, people

COMPANIES = "/crm/v3/objects/companies"
NO_LAG = {"search_lag_s": "0"}


async def merged(office: Office, primary: str, other: str) -> str:
    """A person merges two companies, given by customer key; the survivor's id."""
    body = {"primaryObjectId": office.company_id(primary), "objectIdToMerge": office.company_id(other)}
    return str((await office.rep_asks("POST", f"{COMPANIES}/merge", body))["id"])


async def deleted(office: Office, key: str) -> str:
    """A person deletes a company; its id."""
    company = office.company_id(key)
    await office.rep_asks("DELETE", f"{COMPANIES}/{company}")
    return company


def restored(office: Office, company: str) -> None:
    """A person takes a company out of the recycle bin."""
    machine = office.twins.pair.hubspot
    table = machine.portal.tables["companies"]
    table.restore(table.records[int(company)], machine.portal.now)


# Merged ---


@pytest.mark.parametrize("merge_id", ["new", "primary"])
@pytest.mark.parametrize("merge_unique", ["primary", "merged"])
async def test_after_a_merge_links_follow_and_the_other_key_is_listed_on_the_survivor(
    start: Callable[..., Awaitable[Office]], merge_id: str, merge_unique: str
) -> None:
    """No duplicate; the next change goes to the survivor; a second run is silent."""
    switches = {"merge_id": merge_id, "merge_unique": merge_unique, **NO_LAG}
    office = await loaded(start, 4, switches=switches)
    survivor = await merged(office, "usmf:US-001", "usmf:US-002")
    owner, other = "usmf:US-001", "usmf:US-002"
    if (merge_id, merge_unique) == ("new", "merged"):
        owner, other = other, owner
    mark = office.mark()
    for key in (owner, other):
        office.clerk_changes("CustomersV3", key, AddressStreet=f"2 Side Street of {key}")
    assert await office.figures("customers") == {"read": 4, "updated": 2, "unchanged": 2}

    companies = office.companies()
    assert len(office.records("companies")) == 3
    assert companies[owner]["address"] == f"2 Side Street of {owner}"
    assert companies[owner]["d365_customer_accounts"] == other
    assert other not in companies
    links = {key: await link(office, key) for key in (owner, other)}
    assert {one.target_id for one in links.values()} == {survivor}
    assert (links[owner].role, links[other].role) == ("owner", "follower")

    mark = office.mark()
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}
    office.clerk_changes("CustomersV3", owner, AddressStreet="3 High Street")
    assert await office.figures("customers") == {"read": 4, "updated": 1, "unchanged": 3}
    assert [row.keys for row in writes(office, mark)] == [(survivor,)]
    office.clerk_changes("CustomersV3", other, AddressStreet="4 Low Street")
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}
    assert office.companies()[owner]["address"] == "3 High Street"
    assert await office.stuck("customers") == {}
    await office.verified()


async def test_a_survivor_that_kept_its_id_and_lost_its_key_gets_it_back_and_fields_do_not_flip(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """HubSpot may keep one record's id and the other's key: the one whose id it is owns the fields."""
    office = await loaded(start, 3, switches={"merge_id": "primary", "merge_unique": "merged", **NO_LAG})
    survivor = await merged(office, "usmf:US-001", "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    company = office.companies()["usmf:US-001"]
    assert (company["address"], company["d365_customer_accounts"]) == ("1 Main Street", "usmf:US-002")
    assert office.company_id("usmf:US-001") == survivor
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}


@pytest.mark.parametrize("merge_id", ["new", "primary"])
async def test_only_the_merged_away_key_changes_and_the_survivor_keeps_its_fields_b11(
    start: Callable[..., Awaitable[Office]], merge_id: str
) -> None:
    office = await loaded(start, 3, switches={"merge_id": merge_id, **NO_LAG})
    await merged(office, "usmf:US-001", "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    company = office.companies()["usmf:US-001"]
    assert (company["address"], company["d365_customer_accounts"]) == ("1 Main Street", "usmf:US-002")
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}
    assert len(office.records("companies")) == 2


async def test_three_companies_merged_into_one_are_three_keys_of_it(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 4, switches=NO_LAG)
    await merged(office, "usmf:US-001", "usmf:US-002")
    await merged(office, "usmf:US-001", "usmf:US-003")
    for number in (1, 2, 3):
        office.clerk_changes("CustomersV3", f"usmf:US-00{number}", AddressStreet=f"{number} Side Street")
    assert await office.figures("customers") == {"read": 4, "updated": 3, "unchanged": 1}
    company = office.companies()["usmf:US-001"]
    assert company["d365_customer_accounts"] == "usmf:US-002;usmf:US-003"
    assert company["address"] == "1 Side Street"
    assert len(office.records("companies")) == 2
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}


async def test_a_merge_that_search_does_not_know_yet_is_followed_once_it_does(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Search trails writes: until then the customer waits, and nothing is made a second time."""
    office = await loaded(start, 3, switches={"search_lag_s": "2"})
    await merged(office, "usmf:US-001", "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    assert await office.figures("customers") == {"read": 3, "waiting": 1, "unchanged": 2}
    table = office.twins.pair.hubspot.portal.tables["companies"]
    table.drop_older(office.twins.pair.hubspot.portal.now + "z")  # the lag is over
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert office.companies()["usmf:US-001"]["d365_customer_accounts"] == "usmf:US-002"
    assert await office.stuck("customers") == {}
    assert len(office.records("companies")) == 2


async def test_a_follower_that_is_gone_is_not_shown_on_the_company_and_comes_back_silently(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Its owner's status stays; the crawl does not count it as gone for ever."""
    office = await loaded(start, 3, switches=NO_LAG)
    await merged(office, "usmf:US-001", "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    await office.figures("customers")
    row = next(row for row in office.records("CustomersV3") if row["CustomerAccount"] == "US-002")
    office.twins.pair.remove("CustomersV3", "usmf:US-002")
    mark = office.mark()
    for _ in range(3):
        assert await office.figures("customers") == {"read": 2, "unchanged": 2}
    assert office.companies()["usmf:US-001"]["d365_status"] == "Active"
    assert (await link(office, "usmf:US-002")).state == "gone"
    assert writes(office, mark) == []
    await office.customer("usmf:US-002", AddressStreet=row["AddressStreet"])
    await office.figures("customers")
    assert (await link(office, "usmf:US-002")).state == "live"
    assert len(office.records("companies")) == 2
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}


# Deleted ---


@ON_BOTH_DATABASES
async def test_a_linked_record_that_was_archived_there_is_not_recreated_it_waits_under_deleted_in_hubspot_c11(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Also when its customer changes again; all else goes on; replay makes it again."""
    office = await loaded(start, 3)
    gone = await deleted(office, "usmf:US-002")
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}
    for street in ("2 Side Street", "3 High Street"):
        for number in (1, 2):
            office.clerk_changes("CustomersV3", f"usmf:US-00{number}", AddressStreet=street)
        assert await office.figures("customers") == {"read": 3, "updated": 1, "waiting": 1, "unchanged": 1}
    assert len(office.records("companies")) == 2
    stuck = (await office.stuck("customers"))["usmf:US-002"]
    assert (stuck.cause, stuck.turn) == ("record.deleted_in_target", "sales")
    assert "deleted in HubSpot" in stuck.message
    assert "replay" in stuck.next_action
    mark = office.mark()
    assert await office.figures("customers") == {"read": 3, "waiting": 1, "unchanged": 2}
    assert writes(office, mark) == []

    [result] = await replay(office.at, ["customers/usmf:US-002"])
    assert result.outcome == "done"
    assert office.companies()["usmf:US-002"]["address"] == "3 High Street"
    assert office.company_id("usmf:US-002") != gone
    assert await office.stuck("customers") == {}
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}
    await office.verified()


@pytest.mark.parametrize("behaviour", ["create", "restore"])
async def test_a_replay_makes_a_deleted_company_again_whatever_hubspot_does_with_its_key(
    start: Callable[..., Awaitable[Office]], behaviour: str
) -> None:
    office = await loaded(start, 2, switches={"upsert_archived_key": behaviour})
    await deleted(office, "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    await office.figures("customers")
    [result] = await replay(office.at, ["customers/usmf:US-002"])
    assert result.outcome == "done"
    assert len(office.records("companies")) == 2
    assert await office.figures("customers") == {"read": 2, "unchanged": 2}


async def test_a_replay_that_hubspot_refuses_because_of_the_archived_key_tells_so(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 2, switches={"upsert_archived_key": "conflict"})
    await deleted(office, "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    await office.figures("customers")
    [result] = await replay(office.at, ["customers/usmf:US-002"])
    assert (result.outcome, "archived record" in result.message) == ("parked", True)


async def test_restored_in_hubspot_it_goes_on_by_itself(start: Callable[..., Awaitable[Office]]) -> None:
    """The change that was waiting is written in the next run, and nobody needs to act any more."""
    office = await loaded(start, 3)
    company = await deleted(office, "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    await office.figures("customers")
    restored(office, company)
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert office.companies()["usmf:US-002"]["address"] == "2 Side Street"
    assert await office.stuck("customers") == {}
    assert "restored" in [row.kind for row in await office.story("customers", "usmf:US-002")]
    await office.verified()


async def test_restored_and_merged_before_the_next_run_it_follows_the_survivor(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 3, switches=NO_LAG)
    company = await deleted(office, "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    await office.figures("customers")
    restored(office, company)
    await merged(office, "usmf:US-001", "usmf:US-002")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert office.companies()["usmf:US-001"]["d365_customer_accounts"] == "usmf:US-002"
    assert len(office.records("companies")) == 2


async def test_a_deleted_company_whose_customer_is_gone_too_needs_nobody_any_more(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 3)
    await deleted(office, "usmf:US-002")
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    await office.figures("customers")
    office.twins.pair.remove("CustomersV3", "usmf:US-002")
    for _ in range(2):
        assert await office.figures("customers") == {"read": 2, "unchanged": 2}
    assert await office.stuck("customers") == {}


# Deleted for privacy ---


async def with_people(start: Callable[..., Awaitable[Office]], count: int = 3) -> tuple[Office, RecordFlow]:
    office = await start(products=0, switches=NO_LAG)
    for number in range(1, count + 1):
        await office.customer(f"usmf:US-00{number}", PrimaryContactEmail=f"p{number}@alder.example")
    flow = await people(office)
    assert (await run(office, flow)).counters.created == count
    return office, flow


async def forgotten(office: Office, email: str) -> None:
    """A person has her data deleted for privacy."""
    body = {"objectId": contact_id(office, email)}
    await office.rep_asks("POST", "/crm/v3/objects/contacts/gdpr-delete", body)


async def later(office: Office, by: timedelta) -> None:
    """Let what is parked have been so for a while."""
    then = office.around.clock.now() - by
    async with office.at.store.write() as tx:
        await tx.connection.execute(tables.parked.update().values(first_at=then))


async def test_a_privacy_deleted_contact_goes_on_a_suppression_list_of_hashes_and_is_never_sent_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Neither under her key nor under her address with another key; nothing readable of her is kept but the key."""
    office, flow = await with_people(start)
    await forgotten(office, "p2@alder.example")
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Ada")
    assert (await run(office, flow)).counters.waiting == 1
    [row] = (await office.stuck("contacts")).values()
    assert row.cause == "record.deleted_in_target"

    await later(office, timedelta(minutes=6))
    counters = (await run(office, flow)).counters
    assert (counters.unchanged, counters.skipped) == (2, 1)
    stored = await link(office, "usmf:US-002", "contacts")
    assert (stored.state, stored.identity, orjson.loads(stored.written)) == ("erased", None, {})
    assert await office.stuck("contacts") == {}
    [*_, entry] = await office.story("contacts", "usmf:US-002")
    assert entry.kind == "erased"
    assert b"alder" not in entry.payload
    async with office.at.store.read() as tx:
        names = ["usmf:US-002", "p2@alder.example", "p1@alder.example"]
        cid = office.at.connection.connection_id
        found = await suppressed.among(tx, cid, office.at.engine.vault, names)
        hashes = [row[0] for row in await tx.connection.exec_driver_sql("SELECT hash FROM mlc_suppressed")]
    assert found == {"usmf:US-002", "p2@alder.example"}
    assert not any(b"alder" in bytes(one) for one in hashes)

    await office.customer("usmf:US-077", PrimaryContactEmail="p2@alder.example")
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Ada again")
    mark = office.mark()
    counters = (await run(office, flow)).counters
    assert (counters.unchanged, counters.skipped) == (2, 2)
    report = await replay_records(flow, office.at.engine, ["usmf:US-002", "usmf:US-077"], office.at.traffic)
    assert report.counters.skipped == 2
    assert writes(office, mark) == []
    assert set(contacts(office)) == {"p1@alder.example", "p3@alder.example"}
    await office.verified()


async def test_until_it_is_certain_a_contact_that_vanished_waits_and_a_replay_does_not_make_it_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office, flow = await with_people(start)
    await forgotten(office, "p2@alder.example")
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Ada")
    await run(office, flow)
    mark = office.mark()
    await replay_records(flow, office.at.engine, ["usmf:US-002"], office.at.traffic)
    assert (await run(office, flow)).counters.waiting == 1
    assert writes(office, mark) == []
    assert (await link(office, "usmf:US-002", "contacts")).state == "deleted"


async def test_a_contact_in_the_recycle_bin_is_not_taken_for_one_deleted_for_privacy(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office, flow = await with_people(start)
    await office.rep_asks("DELETE", f"/crm/v3/objects/contacts/{contact_id(office, 'p2@alder.example')}")
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Ada")
    await run(office, flow)
    await later(office, timedelta(days=2))
    assert (await run(office, flow)).counters.waiting == 1
    assert (await link(office, "usmf:US-002", "contacts")).state == "deleted"
    report = await replay_records(flow, office.at.engine, ["usmf:US-002"], office.at.traffic)
    assert report.error is None, report
    assert contacts(office)["p2@alder.example"]["lastname"] == "Ada"
