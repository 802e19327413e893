"""One party with accounts in several legal entities: asked once; ``per_party``, its accounts share one company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app import match_review
from ml_connector.app.deals import approve_deal
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.flows.crawling import in_calls_of, link, run, writes
    from tests.flows.long_used import CHICAGO, KIM, company, matched, undecided, waiting
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.planning import compare
    from tests.flows.selling import ITEM, sold
else:  # pytest puts this folder on the path
    from crawling import in_calls_of, link, run, writes
    from long_used import CHICAGO, KIM, company, matched, undecided, waiting
    from office import ON_BOTH_DATABASES, Office
    from planning import compare
    from selling import ITEM, sold

PER_PARTY = {"customers": {"identity": "per_party"}, "sync": {"breaker": {"changed_share": 1}}}
NAMES = {"OrganizationName": "Alder & Finch Mills Inc.", "PrimaryContactEmail": "office@alder.example"}
KEYS = ("demf:D-9", "usmf:US-001", "ussi:S-77")  # in the order in which they are read


@pytest.fixture
async def office(start: Callable[..., Awaitable[Office]]) -> Office:
    return await start(settings=PER_PARTY, switches={"search_lag_s": "0"})


async def accounts(office: Office, *keys: str, **fields: Any) -> str:
    """Accounts of one party; its number."""
    await office.customer(keys[0], **{**NAMES, **CHICAGO, **fields})
    row = next(
        row for row in office.records("CustomersV3") if row["CustomerAccount"] == keys[0].split(":")[1]
    )
    for key in keys[1:]:
        await office.customer(key, PartyNumber=row["PartyNumber"])
    return str(row["PartyNumber"])


def only_company(office: Office) -> dict[str, Any]:
    [record] = office.records("companies")
    properties: dict[str, Any] = record["properties"]
    return properties


async def quiet(office: Office) -> None:
    """A further pass writes nothing."""
    mark = office.mark()
    figures = await office.figures("customers")
    assert figures["read"] == figures["unchanged"]
    assert writes(office, mark) == []


@ON_BOTH_DATABASES
async def test_accounts_of_one_party_in_three_legal_entities_are_one_company(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The oldest key owns the company; the further accounts are listed on it and in the link table."""
    office = await start(settings=PER_PARTY)
    await accounts(office, *KEYS)
    await office.customer("usmf:US-002")
    assert await office.figures("customers") == {"read": 4, "created": 2, "updated": 2}
    found = office.companies()
    assert set(found) == {"demf:D-9", "usmf:US-002"}
    assert found["demf:D-9"]["d365_customer_accounts"] == "usmf:US-001;ussi:S-77"
    assert found["demf:D-9"]["d365_legal_entity"] == "demf"
    links = [await link(office, key) for key in KEYS]
    assert len({one.target_id for one in links}) == 1
    assert [one.role for one in links] == ["owner", "follower", "follower"]
    await quiet(office)
    await office.verified()


async def test_without_the_setting_each_account_is_a_company(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start()
    await accounts(office, *KEYS)
    assert await office.figures("customers") == {"read": 3, "created": 3}


async def test_a_changed_field_of_a_further_account_does_not_flip_flop(office: Office) -> None:
    """The owner's fields stand; what changes at the owner arrives."""
    await accounts(office, *KEYS)
    await office.figures("customers")
    group = only_company(office)["d365_customer_group"]
    office.clerk_changes("CustomersV3", "ussi:S-77", CustomerGroupId="80")
    await quiet(office)
    assert only_company(office)["d365_customer_group"] == group
    office.clerk_changes("CustomersV3", "demf:D-9", CustomerGroupId="30")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert only_company(office)["d365_customer_group"] == "30"
    await quiet(office)


async def test_accounts_that_come_later_join_the_company_and_new_parties_in_one_crawl_are_one_company_each(
    office: Office,
) -> None:
    """Also when the accounts of a party are staged far apart, a call for each."""
    await accounts(office, "usmf:US-001")
    await office.figures("customers")
    party = next(row["PartyNumber"] for row in office.records("CustomersV3"))
    await office.customer("demf:D-9", PartyNumber=party)
    for number in range(1, 7):
        await office.customer(f"usmf:US-01{number}")
    await accounts(office, "demf:D-2", "usmf:US-050", "ussi:S-2", OrganizationName="Birch Foundry LLC")
    report = await run(office, await in_calls_of(office, 1, lanes=1))
    assert report.error is None
    counters = report.counters
    assert (counters.read, counters.created, counters.updated, counters.unchanged) == (11, 7, 3, 1)
    found = office.companies()
    assert {key: listed for key, one in found.items() if (listed := one.get("d365_customer_accounts"))} == {
        "usmf:US-001": "demf:D-9",
        "demf:D-2": "usmf:US-050;ussi:S-2",
    }
    await quiet(office)


async def test_where_the_oldest_account_is_refused_the_next_one_owns_the_company(office: Office) -> None:
    await accounts(office, *KEYS)
    no = {"message": "no", "category": "VALIDATION_ERROR"}
    office.fault("hubspot", "status", "POST", "/companies/batch/upsert", status=400, body=no)
    assert await office.figures("customers") == {"read": 3, "created": 1, "updated": 1, "parked": 1}
    assert (only_company(office)["d365_customer_key"], only_company(office)["d365_customer_accounts"]) == (
        "usmf:US-001", "ussi:S-77",
    )  # fmt: skip
    office.clerk_changes("CustomersV3", "demf:D-9", CustomerGroupId="30")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert only_company(office)["d365_customer_accounts"] == "demf:D-9;ussi:S-77"
    await quiet(office)


async def test_matched_before_the_first_load_the_further_accounts_follow(office: Office) -> None:
    """One account of a party is compared; the record is stamped once, and nothing is made beside it."""
    await accounts(office, *KEYS)
    alder = await company(office, name="ALDER AND FINCH MILLS", domain="alder.example", city="Chicago")
    comparison, done = await matched(office)
    assert (done["stamped"], done["queued"], len(comparison.matching.collisions)) == (1, 0, 0)
    assert await office.figures("customers") == {"read": 3, "updated": 3}
    [record] = office.records("companies")
    assert record["id"] == alder
    assert record["properties"]["d365_customer_key"] == "demf:D-9"
    assert record["properties"]["d365_customer_accounts"] == "usmf:US-001;ussi:S-77"
    await quiet(office)
    _, done = await matched(office)
    assert (done["stamped"], done["queued"]) == (0, 0)


async def test_nothing_is_created_behind_a_doubtful_match_of_a_party(office: Office) -> None:
    """Every account of it waits; accepted for one of them, the others follow that one."""
    await accounts(office, *KEYS, PrimaryContactEmail="")
    birch = await company(office, name="Alder & Finch Mills", city="Chicago")
    await matched(office)
    proposals = await waiting(office)
    assert {one["record"].partition("/")[2] for one in proposals} == set(KEYS)
    assert await office.figures("customers") == {"read": 3, "held": 3}
    chosen = next(one for one in proposals if one["record"].endswith("S-77"))
    await match_review.accept(office.at, chosen["id"], by=KIM)
    assert await undecided(office, *KEYS) == set()
    assert await office.figures("customers") == {"read": 3, "updated": 3}
    [record] = office.records("companies")
    assert record["id"] == birch
    assert (only_company(office)["d365_customer_key"], only_company(office)["d365_customer_accounts"]) == (
        "ussi:S-77", "demf:D-9;usmf:US-001",
    )  # fmt: skip


async def test_changing_it_later_is_refused_as_a_planned_migration(office: Office) -> None:
    """Before the first company stands it may be changed; also a new connection to the same environment keeps it."""
    async with office.opened() as place, office.opened(**PER_PARTY) as again:
        for one in (place, again):
            office.place = one
            assert await office.figures("customers") == {}
        await accounts(office, *KEYS)
        await office.figures("customers")
        await office.reconnect()
        mark = office.mark()
        office.place = place
        with pytest.raises(ConfigurationError, match="planned migration") as refused:
            await office.figures("customers")
        assert refused.value.hint == "Set customers.identity back to per_party."
        assert writes(office, mark) == []
        office.place = again
        await quiet(office)


async def test_an_order_finds_the_account_of_the_legal_entity_that_sells(office: Office) -> None:
    await accounts(office, *KEYS)
    await office.sync("customers", "products")
    deal = await sold(office, (ITEM, {}), companies=[office.company_id("demf:D-9")], d365_legal_entity="ussi")
    await office.figures("orders")
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    [order] = office.orders()
    assert (order["dataAreaId"], order["OrderingCustomerAccountNumber"]) == ("ussi", "S-77")


async def test_the_plan_is_what_is_then_written(office: Office, tmp_path: Path) -> None:
    await accounts(office, *KEYS)
    await accounts(office, "demf:D-2", "usmf:US-050", OrganizationName="Birch Foundry LLC")
    await office.customer("ussi:S-9")
    await compare(office, tmp_path)
    office.clerk_changes("CustomersV3", "ussi:S-77", CustomerGroupId="80")
    office.clerk_changes("CustomersV3", "demf:D-2", CustomerGroupId="30")
    party = next(
        row["PartyNumber"] for row in office.records("CustomersV3") if row["CustomerAccount"] == "S-9"
    )
    await office.customer("demf:D-7", PartyNumber=party)
    await accounts(office, "demf:D-3", "usmf:US-060", "ussi:S-60", OrganizationName="Cedar Paper Co.")
    await compare(office, tmp_path)
    await compare(office, tmp_path)
    assert len(office.records("companies")) == 4
