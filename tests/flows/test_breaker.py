"""0.5 A short or odd read is never a mass change: drills on real twins, each with 0 wrong writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flows import breaker_limits, record_flow
from ml_connector.engine.runs import release_records
from ml_connector.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import (
        CRAWLED,
        answering_with,
        edit_mapping,
        last_run,
        link,
        loaded,
        loaded_world,
        only_batches_without_an_outcome_went_again,
        organisations,
        released,
        stopped,
        writes,
        written_keys,
    )
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:
    from crawling import (  # pytest puts this folder on the path
        CRAWLED,
        answering_with,
        edit_mapping,
        last_run,
        link,
        loaded,
        loaded_world,
        only_batches_without_an_outcome_went_again,
        organisations,
        released,
        stopped,
        writes,
        written_keys,
    )
    from office import ON_BOTH_DATABASES, Office

NAME = "source: [OrganizationName, KnownAs, NameAlias]\n    transform: first-of"


@ON_BOTH_DATABASES
async def test_drill_an_answer_that_ends_early_with_status_200_writes_nothing_however_often(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Once: nobody is gone. Twice and thrice: the run stops. The whole list again: as if nothing had been."""
    office = await loaded_world(start, 120)
    rows = organisations(office)
    mark = office.mark()
    answering_with(office, rows[:60], times=3)
    assert await office.figures("customers") == {"read": 60, "unchanged": 60}
    for _ in range(2):
        error = await stopped(office)
        assert f"{len(rows) - 60} of {len(rows)} known records would be marked as gone" in error.message
        assert "before anything was written" in error.message
        assert "ml-connector runs release customers" in error.hint
    assert await office.figures("customers") == {"read": len(rows), "unchanged": len(rows)}
    assert writes(office, mark) == []
    assert (await link(office, _key(rows[-1]))).missed == 0
    await office.verified()


def _key(row: dict[str, Any]) -> str:
    return f"{row['dataAreaId']}:{row['CustomerAccount']}"


async def test_drill_a_read_cut_off_in_the_middle_of_its_body_writes_nothing(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The client reads again by itself; when it never gets a whole answer the run ends and says so."""
    office = await loaded(start, 5)
    mark = office.mark()
    office.fault("dynamics", "truncate", "GET", CRAWLED)
    assert await office.figures("customers") == {"read": 5, "unchanged": 5}
    for _ in range(2):
        office.fault("dynamics", "truncate", "GET", CRAWLED, times=0)
        report = (await office.sync("customers"))["customers"]
        assert isinstance(report.error, UnavailableError)
        office.mended()
    assert await office.figures("customers") == {"read": 5, "unchanged": 5}
    assert writes(office, mark) == []


@pytest.mark.parametrize("customers", [4, 60])
async def test_drill_an_empty_answer_with_status_200_writes_nothing_also_in_a_small_company(
    start: Callable[..., Awaitable[Office]], customers: int
) -> None:
    """However few are known, none found is no ordinary day; the whole list again: as if nothing had been."""
    office = await loaded(start, customers)
    mark = office.mark()
    answering_with(office, [], times=3)
    assert await office.figures("customers") == {}
    assert f"none of {customers} known records was found" in (await stopped(office)).message
    await stopped(office)
    assert await office.figures("customers") == {"read": customers, "unchanged": customers}
    assert writes(office, mark) == []


async def test_drill_one_legal_entity_missing_from_the_answer_writes_nothing_b13(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """As when cross-company=true is forgotten: the counts of the entities are what tells."""
    office = await loaded_world(start, 120)
    rows = organisations(office)
    left = [row for row in rows if row["dataAreaId"] != "demf"]
    assert len(rows) - len(left) >= 25
    mark = office.mark()
    answering_with(office, left, times=3)
    await office.figures("customers")
    for _ in range(2):
        assert "would be marked as gone" in (await stopped(office)).message
    assert await office.figures("customers") == {"read": len(rows), "unchanged": len(rows)}
    assert writes(office, mark) == []


async def test_drill_names_blanked_by_a_mapping_write_nothing_until_the_mapping_is_put_right(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """More than 1 % of names would be blanked."""
    office = await loaded(start, 30)
    mark = office.mark()
    edit_mapping(office, NAME, "source: SalesMemo")
    for _ in range(2):
        message = (await stopped(office)).message
        assert "30 of 30 names would be blanked" in message
        assert "30 of 30 known records would change" in message
    edit_mapping(office, "source: SalesMemo", NAME)
    assert await office.figures("customers") == {"read": 30, "unchanged": 30}
    assert writes(office, mark) == []


async def test_drill_a_currency_that_flips_writes_nothing_until_a_person_releases_it(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """One is enough; the stopped run shows its plan and waits for a person."""
    office = await loaded(start, 30)
    mark = office.mark()
    office.clerk_changes("CustomersV3", "usmf:US-007", SalesCurrencyCode="EUR")
    for _ in range(2):
        assert "the currency of 1 records would change" in (await stopped(office)).message
    office.clerk_changes("CustomersV3", "usmf:US-007", SalesCurrencyCode="USD")
    assert await office.figures("customers") == {"read": 30, "unchanged": 30}
    assert writes(office, mark) == [], "a slip that was put right has left no trace"
    office.clerk_changes("CustomersV3", "usmf:US-007", SalesCurrencyCode="EUR")
    await stopped(office)
    report = await released(office)
    assert report.error is None
    assert report.counters.updated == 1
    assert [row.keys for row in writes(office, mark)] == [(office.company_id("usmf:US-007"),)]
    assert office.companies()["usmf:US-007"]["d365_currency"] == "EUR"


async def test_drill_the_prices_of_another_currency_do_not_land_in_place_of_the_old_ones(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The ledger's currency flips: every price would move to another property."""
    office = await start(products=8)
    await office.figures("products")
    mark = office.mark()
    office.clerk_changes("Ledgers", "usmf", AccountingCurrency="EUR")
    await office.reconnect()
    for _ in range(2):
        assert "the currency of" in (await stopped(office, "products")).message
    office.clerk_changes("Ledgers", "usmf", AccountingCurrency="USD")
    await office.reconnect()
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "unchanged": count}
    assert writes(office, mark) == []


async def test_more_than_10_percent_of_prices_that_move_by_over_50_percent_stop_the_run(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A price-list update as such is normal: all prices rise a little and go through."""
    office = await start(products=30, settings={"sync": {"breaker": {"moved_least": 4}}})
    await office.figures("products")
    prices = {number: found["usmf"] for number, found in office.releases().items() if "usmf" in found}
    assert len(prices) > 20
    for number, row in prices.items():
        office.release_changes(number, SalesPrice=int(row["SalesPrice"]) + 1)
    assert (await office.figures("products"))["updated"] == len(prices)
    for number in list(prices)[:10]:
        office.release_changes(number, SalesPrice=int(prices[number]["SalesPrice"]) * 10)
    assert "prices would move by more than 50 %" in (await stopped(office, "products")).message


async def test_more_than_20_percent_of_customers_that_would_change_stop_the_run(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 30)
    for number in range(1, 25):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="2 Side Street")
    assert await office.figures("customers") == {"read": 30, "updated": 24, "unchanged": 6}
    for number in range(1, 26):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="3 High Street")
    assert "25 of 30 known records would change" in (await stopped(office)).message


async def test_over_20_percent_of_at_least_50_records_that_would_park_stop_the_run(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A mapping that parks: nothing is written, each record tells why, the mapping put right goes on."""
    office = await loaded(start, 50)
    mark = office.mark()
    for number in range(1, 12):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="2 Side Street, back")
    edit_mapping(
        office, "line_breaks: comma", "line_breaks: comma\n    max_length: 15\n    on_too_long: park"
    )
    assert "11 of 50 records that were read would be parked" in (await stopped(office)).message
    assert len(await office.stuck("customers")) == 11
    edit_mapping(office, "\n    max_length: 15\n    on_too_long: park", "")
    assert await office.figures("customers") == {"read": 50, "updated": 11, "unchanged": 39}
    assert await office.stuck("customers") == {}
    assert len(written_keys(office, mark)) == 11


async def test_the_first_load_is_exempt(start: Callable[..., Awaitable[Office]]) -> None:
    """First load exempt: dozens of new records stop nothing."""
    office = await start(customers=60, products=0)
    assert (await office.figures("customers"))["created"] == len(organisations(office)) > 50


async def test_the_next_ordinary_run_after_a_stopped_one_reads_afresh(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """What was staged is dropped; what the customers have become since is written."""
    office = await loaded(start, 30)
    for number in range(1, 26):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="2 Side Street")
    await stopped(office)
    for number in range(2, 26):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="1 Main Street")
    assert await office.figures("customers") == {"read": 30, "updated": 1, "unchanged": 29}
    with pytest.raises(ConfigurationError, match="No run of customers is stopped"):
        await released(office)


@ON_BOTH_DATABASES
async def test_release_pushes_exactly_the_staged_changes_and_says_who_released_them(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A customer that changed after the person looked keeps its staged value; the next run brings the newer one."""
    office = await loaded(start, 30)
    for number in range(1, 26):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="2 Side Street")
    await stopped(office)
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressStreet="9 New Road")
    office.clerk_changes("CustomersV3", "usmf:US-030", AddressStreet="9 New Road")
    mark = office.mark()
    reads = office.calls("dynamics")
    report = await released(office)
    assert report.error is None
    assert (report.counters.read, report.counters.updated) == (25, 25)
    assert not any("CustomersV3" in target for target in reads)
    assert len(set(written_keys(office, mark))) == len(written_keys(office, mark)) == 25
    streets = {key: company["address"] for key, company in office.companies().items()}
    assert [key for key, street in streets.items() if street == "2 Side Street"] == [
        f"usmf:US-{number:03}" for number in range(1, 26)
    ]
    assert any(row.kind == "released" for row in await office.story("customers", ""))
    assert await office.figures("customers") == {"read": 30, "updated": 2, "unchanged": 28}
    await office.verified()


async def test_a_release_names_the_mapping_that_made_the_changes_so_a_newer_one_is_still_applied(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 30)
    for number in range(1, 31):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", SalesMemo="Ask for Ada")
    edit_mapping(office, NAME, "source: SalesMemo")
    assert "30 of 30 known records would change" in (await stopped(office)).message
    edit_mapping(office, "source: SalesMemo", NAME)
    report = await release_records(
        await record_flow(office.at, "customers"),
        office.at.engine,
        office.at.traffic,
        limits=breaker_limits(office.at),
    )
    assert report.counters.updated == 30
    assert office.companies()["usmf:US-001"]["name"] == "Ask for Ada"
    [*_, entry] = await office.story("customers", "usmf:US-001")
    assert entry.mapping_version == 2
    await stopped(office)
    await released(office)
    assert office.companies()["usmf:US-001"]["name"] == "US-001 Works"


async def test_a_release_that_was_cut_short_goes_on_and_writes_nothing_twice(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 210)
    for number in range(1, 211):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="2 Side Street")
    await stopped(office)
    mark = office.mark()
    office.fault("hubspot", "status", "POST", "/companies/batch/update", status=403, skip=1)
    cut = await released(office)
    assert cut.error is not None
    assert (await last_run(office))[0] == "failed"
    report = (await office.sync("customers"))["customers"]
    assert report.error is None
    assert len(set(written_keys(office, mark))) == 210
    await only_batches_without_an_outcome_went_again(office, latest=2)
    assert await office.figures("customers") == {"read": 210, "unchanged": 210}
    await office.verified()
