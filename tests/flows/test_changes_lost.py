"""0.4 Reads of changes lose nothing: killed at any seam, paged while rows move, set back to an older copy, stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RunStoppedError
from ml_connector.store import audit, calls, crawls, links, progress, runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest
    from tests.flows.changing import asked, crawled
    from tests.flows.crawling import (
        crawl_state,
        in_calls_of,
        last_run,
        only_batches_without_an_outcome_went_again,
        released,
        run,
        writes,
    )
    from tests.flows.office import ON_BOTH_DATABASES, ON_BOTH_IN_THE_TIER, Office
    from tests.flows.test_crawl import Kill, KilledError
else:
    from changing import asked, crawled
    from crawling import (
        crawl_state,
        in_calls_of,
        last_run,
        only_batches_without_an_outcome_went_again,
        released,
        run,
        writes,
    )
    from office import ON_BOTH_DATABASES, ON_BOTH_IN_THE_TIER, Office
    from test_crawl import Kill, KilledError

SEAMS: list[tuple[Any, str, int]] = [
    *((calls, "intend", nth) for nth in (1, 2, 3)),
    *((calls, "finish", nth) for nth in (1, 2, 3)),
    *((links, "put", nth) for nth in (1, 2, 3)),
    *((links, "touch", nth) for nth in (1, 2)),
    *((audit, "append", nth) for nth in (1, 2, 3)),
    (links, "due", 1),
    (progress, "save", 1),
    (runs, "start", 1),
    (runs, "finish", 1),
]


@ON_BOTH_IN_THE_TIER
async def test_killed_at_any_seam_no_change_is_lost_and_none_is_written_twice(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The changes lie ten minutes apart, so that no overlap hides a watermark that moved too early."""
    shop = await crawled(start, 6, switches={"search_lag_s": "0"})
    office, died = shop.office, 0
    for place, (module, name, nth) in enumerate(SEAMS):
        street = f"{place} Side Street"
        shop.theirs.later(minutes=80)
        for number in range(1, 7):
            shop.changes(number, ago=timedelta(minutes=10 * (6 - number)), AddressStreet=street)
        office.sent.clear()
        with monkeypatch.context() as patched:
            Kill(patched).at(module, name, nth)
            try:
                await run(office, await in_calls_of(office, 2, lanes=2))
            except (KilledError, BaseExceptionGroup):
                died += 1
        report = await run(office, await in_calls_of(office, 2, lanes=2))
        assert report.error is None, (module, name, nth)
        assert report.reading is not None
        assert report.reading.kind == "changes", (module, name, nth, report.reading)
        await only_batches_without_an_outcome_went_again(office, latest=2)
        assert {each["address"] for each in office.companies().values()} == {street}, (module, name, nth)
        mark = office.mark()
        again = await run(office, await in_calls_of(office, 2, lanes=2))
        assert again.counters.updated == 0
        assert writes(office, mark) == []
        await office.verified()
    assert died >= len(SEAMS) - 2


async def test_a_row_that_slips_past_a_pages_end_is_read_by_the_next_pass(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Another row changes between two pages and moves to the end of the list: all behind it move up by one.

    The first page begins with the row that the watermark is of.
    """
    shop = await crawled(start, 6, page_size=3)
    for number in range(1, 7):
        shop.changes(number, ago=timedelta(minutes=110 - 10 * number), AddressStreet="2 Side Street")
    moved: list[str] = []

    def move(_side: str, request: Any, _at: Any) -> None:
        if "skip" in request.target and not moved:
            moved.append(request.target)
            shop.changes(1, AddressStreet="3 Side Street")

    shop.office.twins.pair.shells["dynamics"].on_request.append(move)
    assert (await shop.read("changes")).records == 5
    assert moved
    assert shop.office.companies()["usmf:US-003"]["address"] == "1 Main Street"
    assert (await shop.read("changes")).records == 1
    assert shop.office.companies()["usmf:US-003"]["address"] == "2 Side Street"
    for _ in range(3):
        assert (await shop.read("changes")).records == 0


async def test_what_changes_while_everything_is_read_is_read_by_the_next_pass(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The watermark of a crawl is what the server showed before its first page."""
    shop = await crawled(start, 6, page_size=3)

    def move(_side: str, request: Any, _at: Any) -> None:
        if "skip" in request.target:
            shop.theirs.later(minutes=7)
            shop.changes(1, AddressStreet="3 Side Street")
            shop.theirs.later(minutes=7)
            shop.changes(6, AddressStreet="6 Side Street")

    listeners = shop.office.twins.pair.shells["dynamics"].on_request
    listeners.append(move)
    await shop.fully()
    listeners.remove(move)
    assert (await shop.read("changes")).records == 1
    assert shop.office.companies()["usmf:US-001"]["address"] == "3 Side Street"


async def test_a_page_that_fails_moves_nothing_and_the_changes_are_read_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 4)
    before = await shop.watermark()
    shop.changes(1, ago=timedelta(hours=1), AddressStreet="2 Side Street")
    shop.changes(2, AddressStreet="2 Side Street")
    shop.office.fault("hubspot", "status", "POST", "/companies/batch/", status=403)
    report = (await shop.office.sync("customers"))["customers"]
    assert report.error is not None
    assert await shop.watermark() == before
    shop.office.mended()
    assert (await shop.read("changes")).records == 2


async def test_where_dynamics_was_set_back_to_an_older_copy_the_next_full_crawl_sets_the_watermark_back(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 3)
    before = await shop.watermark()
    person = "usmf:US-999"
    shop.office.twins.pair.remove("CustomersV3", person)  # the newest row of all
    await shop.read("changes")
    assert await shop.watermark() == before
    await shop.fully()
    assert await shop.watermark() < before
    shop.changes(1, AddressStreet="2 Side Street")
    assert (await shop.read("changes")).records == 1


@ON_BOTH_DATABASES
async def test_changes_against_which_the_breaker_speaks_are_left_to_a_full_crawl_which_it_stops(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Nothing is written meanwhile, and nothing short is read until a person has looked and a crawl has ended."""
    shop = await crawled(start, 30)
    office = shop.office
    for number in range(1, 27):
        shop.changes(number, AddressStreet="2 Side Street")
    mark = office.mark()
    for _ in range(2):
        report = (await office.sync("customers"))["customers"]
        assert isinstance(report.error, RunStoppedError)
        assert "26 of 30 known records would change" in report.error.message
    assert writes(office, mark) == []
    assert (await last_run(office))[0] == "stopped"
    assert (await crawl_state(office)).phase == "stopped"
    assert (await released(office)).error is None
    assert (await shop.read("changes")).records == 0
    await office.verified()


async def test_a_run_that_ends_as_a_full_crawl_counts_each_record_once_and_is_named_one(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await crawled(start, 6, settings={"sync": {"most_changes": 3}})
    for number in range(1, 5):
        shop.changes(number, AddressStreet="2 Side Street")
    assert await shop.office.figures("customers") == {"read": 6, "updated": 4, "unchanged": 2}
    async with shop.office.at.store.read() as tx:
        [latest] = await runs.list(tx, shop.office.at.connection.connection_id, limit=1)
    assert latest.kind == "crawl"
    assert latest.message.startswith("Everything was read: more than 3 changes since ")


async def test_a_pass_of_changes_leaves_no_stage_and_asks_for_no_listing(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await crawled(start, 4)
    shop.changes(1, AddressStreet="2 Side Street")
    seen = asked(shop.office)
    with monkeypatch.context() as patched:
        Kill(patched).at(crawls, "stage", 1)
        await shop.read("changes")
    assert len(seen.of("CustomersV3", "$orderby=dataAreaId")) == 0
