"""0.4 Between full crawls a pass reads only what changed, by times of F&O's own server, and loses nothing by it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ml_connector.errors import MissingScopeError
from ml_connector.store import matches, runs
from ml_connector.store.matches import Match

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.changing import OWN, asked, crawled
    from tests.flows.crawling import CRAWLED, edit_mapping, writes, written_keys
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.test_deleted_and_merged import deleted, restored
else:
    from changing import OWN, asked, crawled
    from crawling import CRAWLED, edit_mapping, writes, written_keys
    from office import ON_BOTH_DATABASES, Office
    from test_deleted_and_merged import deleted, restored


@ON_BOTH_DATABASES
@pytest.mark.parametrize("chosen", [OWN, "bi"])
async def test_only_rows_that_changed_are_read_and_written(
    start: Callable[..., Awaitable[Office]], chosen: str
) -> None:
    shop = await crawled(start, 7, chosen, page_size=3)
    office = shop.office
    shop.changes(2, PaymentTerms="Net30", AddressStreet="2 Side Street")
    shop.changes(5, PaymentTerms="Net30")
    mark, seen = office.mark(), asked(office)
    report = (await office.sync("customers"))["customers"]
    assert report.error is None
    assert report.reading is not None
    assert (report.reading.kind, report.reading.records) == ("changes", 2)
    assert (report.counters.read, report.counters.updated) == (2, 2)
    assert seen.of("CustomersV3", "$orderby=dataAreaId") == []
    assert len(written_keys(office, mark)) == 2
    assert office.companies()["usmf:US-002"]["address"] == "2 Side Street"
    await office.verified()


@ON_BOTH_DATABASES
async def test_a_second_pass_with_nothing_changed_writes_nothing_and_says_so(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 4)
    shop.changes(2, AddressStreet="2 Side Street")
    assert (await shop.read("changes")).records == 1
    mark = shop.office.mark()
    for _ in range(2):
        reading = await shop.read("changes")
        assert reading.sentence.startswith("No changes since 20")
        assert "the next full crawl is due at" in reading.sentence
    assert writes(shop.office, mark) == []
    await shop.office.verified()


async def test_the_watermark_is_a_time_of_dynamics_and_never_of_our_clock(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The connector's clock is hours ahead, and then days behind."""
    shop = await crawled(start, 3)
    shop.changes(1, AddressStreet="2 Side Street")
    changed_at = shop.now()
    await shop.read("changes")
    assert await shop.watermark() - changed_at in (timedelta(), timedelta(seconds=-1))
    await shop.read("changes")
    assert await shop.watermark() - changed_at in (timedelta(), timedelta(seconds=-1))


async def test_a_row_committed_late_with_an_older_time_is_found_by_the_overlap(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 3)
    shop.changes(1, AddressStreet="2 Side Street")
    await shop.read("changes")
    shop.changes(2, ago=timedelta(minutes=4), AddressStreet="4 Late Street")
    assert (await shop.read("changes")).records == 1
    assert shop.office.companies()["usmf:US-002"]["address"] == "4 Late Street"


async def test_equal_times_over_a_page_border_are_all_read(start: Callable[..., Awaitable[Office]]) -> None:
    shop = await crawled(start, 9, page_size=3)
    at = shop.theirs()
    for number in range(1, 9):
        key = f"usmf:US-{number:03}"
        shop.office.twins.pair.dynamics.edit("CustomersV3", key, {"AddressStreet": "2 Side Street"}, at)
    seen = asked(shop.office)
    assert (await shop.read("changes")).records == 8
    assert len(seen.of("CustomersV3", "$orderby=ModifiedDateTime,")) == 3
    assert (await shop.read("changes")).records == 0


async def test_a_mass_change_is_read_in_full_until_no_late_row_can_follow_and_not_over_and_over(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Its rows lie within the overlap as long as nothing newer comes: after the overlap they are done with."""
    shop = await crawled(start, 6, settings={"sync": {"most_changes": 3}})
    for number in range(1, 7):
        shop.changes(number, AddressStreet="2 Side Street")
    await shop.read("full")
    await shop.read("full")
    shop.office.later(timedelta(minutes=5))
    shop.changes(2, ago=timedelta(minutes=4), AddressStreet="4 Late Street")
    await shop.read("full")
    assert shop.office.companies()["usmf:US-002"]["address"] == "4 Late Street"
    seen = asked(shop.office)
    assert (await shop.read("changes")).records == 0
    assert len(seen.targets) == 2
    shop.theirs.later(seconds=2)
    shop.changes(3, AddressStreet="6 Side Street")
    assert (await shop.read("changes")).records == 1


# What no time of change tells ---


@ON_BOTH_DATABASES
async def test_a_change_that_bi_entities_do_not_see_is_found_by_the_daily_crawl(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The party's name: CustTable's own row does not move."""
    shop = await crawled(start, 4, "bi")
    shop.changes(2, OrganizationName="Renamed Works")
    shop.office.later(timedelta(hours=23))
    assert (await shop.read("changes")).records == 0
    assert shop.office.companies()["usmf:US-002"]["name"] == "US-002 Works"
    shop.office.later(timedelta(hours=1))
    reading = await shop.read("full")
    assert reading.because.startswith("the last full crawl began at ")
    assert shop.office.companies()["usmf:US-002"]["name"] == "Renamed Works"
    shop.theirs.later(minutes=1)
    shop.changes(3, PaymentTerms="Net30")
    await shop.read("changes")
    await shop.office.verified()


async def test_a_time_of_change_of_the_whole_record_sees_the_name_too(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """As the tenant built it: of the account's table alone it does not."""
    shop = await crawled(start, 2)
    shop.changes(2, OrganizationName="Renamed Works")
    assert (await shop.read("changes")).records == 1
    shop = await crawled(start, 2, house="second", switches={"modified_property": "own_table"})
    shop.changes(2, OrganizationName="Renamed Works")
    assert (await shop.read("changes")).records == 0


async def test_new_customers_are_created_and_those_that_leave_the_scope_are_marked(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 3, settings={"customers": {"changes_from": OWN, "groups": ["10"]}})
    await shop.office.customer("usmf:US-004")
    shop.changes(2, CustomerGroupId="20")
    report = (await shop.office.sync("customers"))["customers"]
    assert report.reading is not None
    assert (report.reading.kind, report.counters.created, report.counters.updated) == ("changes", 1, 1)
    assert shop.office.companies()["usmf:US-002"]["d365_status"] == "No longer in scope"
    assert "usmf:US-004" in shop.office.companies()


async def test_a_customer_that_is_gone_is_marked_by_full_crawls_only(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 4)
    shop.office.twins.pair.remove("CustomersV3", "usmf:US-002")
    for _ in range(3):
        await shop.read("changes")
    assert shop.office.companies()["usmf:US-002"]["d365_status"] == "Active"
    for _ in range(2):
        await shop.fully()
    assert shop.office.companies()["usmf:US-002"]["d365_status"] == "Not in Dynamics"


async def test_what_people_edited_in_hubspot_is_put_back_between_crawls_too(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 3, switches={"search_lag_s": "0"})
    shop.office.rep_changes("companies", shop.office.company_id("usmf:US-002"), name="Scribbled")
    await shop.read("changes")
    assert shop.office.companies()["usmf:US-002"]["name"] == "US-002 Works"
    mark = shop.office.mark()
    await shop.read("changes")
    await shop.fully()
    assert writes(shop.office, mark) == []


@ON_BOTH_DATABASES
async def test_a_record_about_which_a_person_decided_goes_on_at_once(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Doubtful matches hold creations; no time of theirs moves when that is decided."""
    shop = await crawled(start, 2)
    office = shop.office
    await office.rep_asks("POST", "/crm/v3/objects/companies", {"properties": {"name": "Twin Works"}})
    shop.theirs.later(hours=1)
    await office.customer("usmf:US-050", OrganizationName="Twin Works")
    shop.theirs.later(hours=1)
    await office.customer("usmf:US-051", OrganizationName="Later Works")
    async with office.at.store.write() as tx:
        cid = office.at.connection.connection_id
        doubt = Match("customers", "usmf:US-050", "1", "name", 50, "doubtful", {}, "a run")
        await matches.add(tx, cid, [doubt], office.at.vault)
    reading = await shop.read("changes")
    assert reading.records == 1
    async with office.at.store.read() as tx:
        [open_one] = await matches.list(tx, cid, office.at.vault)
    shop.theirs.later(hours=1)
    async with office.at.store.write() as tx:
        await matches.decide(tx, cid, [open_one.match_id], "rejected", "a person")
    assert (await shop.read("changes")).records == 1
    assert "usmf:US-050" in office.companies()


@ON_BOTH_DATABASES
async def test_a_record_restored_in_hubspot_is_brought_up_to_date_at_once(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """It changed in Dynamics while it lay in the recycle bin, and the watermark has passed that since."""
    shop = await crawled(start, 3)
    office = shop.office
    company = office.company_id("usmf:US-002")
    await deleted(office, "usmf:US-002")
    shop.changes(2, AddressStreet="2 Side Street")
    await shop.read("changes")
    shop.theirs.later(hours=1)
    shop.changes(3, AddressStreet="3 Side Street")
    await shop.read("changes")
    restored(office, company)
    await shop.read("changes")
    assert office.companies()["usmf:US-002"]["address"] == "2 Side Street"


# When everything is read instead ---


@ON_BOTH_DATABASES
async def test_whatever_speaks_against_a_short_read_makes_it_a_full_crawl(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Each reason by itself, and after it the changes alone are read again."""
    shop = await crawled(start, 6, settings={"sync": {"most_changes": 3}})
    office = shop.office

    assert (await shop.fully()).because == "a full crawl was asked for"
    await shop.read("changes")

    for number in range(1, 5):
        shop.changes(number, AddressStreet="4 Side Street")
    assert "more than 3 changes since" in (await shop.read("full")).because
    office.later(timedelta(minutes=5))
    await shop.read("full")
    await shop.read("changes")

    edit_mapping(office, "[OrganizationName, KnownAs, NameAlias]", "[OrganizationName, KnownAs]")
    assert (await shop.read("full")).because == "the mapping has changed"
    await shop.read("changes")

    office.at.settings = office.at.settings.model_copy(
        update={"customers": {"changes_from": OWN, "one_time": True}}
    )
    assert (await shop.read("full")).because == "the settings have changed"
    await shop.read("changes")

    office.fault("dynamics", "status", "GET", CRAWLED, status=403, skip=1)
    with pytest.raises(MissingScopeError):
        await shop.fully()
    office.mended()
    assert (await shop.read("full")).because == "the last full crawl was cut off"
    await shop.read("changes")
    async with office.at.store.read() as tx:
        kinds = [one.kind for one in await runs.list(tx, office.at.connection.connection_id)]
    assert kinds.count("changes") == 5
    await office.verified()
