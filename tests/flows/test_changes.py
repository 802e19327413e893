"""0.4 Between full crawls a pass reads only what changed, by times of F&O's own server, and loses nothing by it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.changing import OWN, asked, crawled
    from tests.flows.crawling import writes, written_keys
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:
    from changing import OWN, asked, crawled
    from crawling import writes, written_keys
    from office import ON_BOTH_DATABASES, Office


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
