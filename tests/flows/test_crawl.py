"""0.4 A full crawl reads the whole listing, stages what changed, is judged, then pushed; cut off, it goes on there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flow_switch import enable
from ml_connector.app.home import init
from ml_connector.app.properties import hubspot_properties
from ml_connector.errors import UnavailableError
from ml_connector.settings import load_settings
from ml_connector.store import audit, calls, crawls, flows, links, progress, runs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from types import ModuleType

    from tests.flows.crawling import (
        CRAWLED,
        answering_with,
        crawl_state,
        customers_flow,
        edit_mapping,
        in_calls_of,
        link,
        loaded,
        only_batches_without_an_outcome_went_again,
        organisations,
        run,
        stopped,
        writes,
        written_keys,
    )
    from tests.flows.office import ON_BOTH_DATABASES, Office, connect

    from ml_connector.domain.records import Page, SourceRecord
    from ml_connector.engine.ports import RecordFlow, Source
else:
    from crawling import (  # pytest puts this folder on the path
        CRAWLED,
        answering_with,
        crawl_state,
        customers_flow,
        edit_mapping,
        in_calls_of,
        link,
        loaded,
        only_batches_without_an_outcome_went_again,
        organisations,
        run,
        stopped,
        writes,
        written_keys,
    )
    from office import ON_BOTH_DATABASES, Office, connect

ALL_MAY_CHANGE = {"sync": {"breaker": {"changed_share": 1}}}


def moved(office: Office, numbers: Sequence[int], street: str) -> None:
    """The clerk changes these customers."""
    for number in numbers:
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet=street)


def streets(office: Office) -> dict[str, str]:
    return {key: company["address"] for key, company in office.companies().items()}


@ON_BOTH_DATABASES
async def test_a_second_run_with_nothing_changed_writes_nothing_on_either_side_and_says_so(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Nor does it stage anything, or add to the audit."""
    office = await loaded(start, 7, page_size=3)
    moved(office, [1, 5], "2 Side Street")
    assert await office.figures("customers") == {"read": 7, "updated": 2, "unchanged": 5}
    mark = office.mark()
    async with office.at.store.read() as tx:
        before = (await audit.verify(tx, office.at.connection.connection_id)).rows
    for _ in range(2):
        assert await office.figures("customers") == {"read": 7, "unchanged": 7}
    assert office.writes(mark) == []
    async with office.at.store.read() as tx:
        assert (await audit.verify(tx, office.at.connection.connection_id)).rows == before
    await office.verified()


async def test_nothing_is_written_before_the_whole_listing_was_read(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 7, page_size=3)
    moved(office, range(1, 8), "2 Side Street")
    read: list[str] = []
    reads = office.calls("dynamics")
    office.twins.pair.log.listeners.append(lambda _row: read.append(str(len(reads))))
    await office.figures("customers")
    assert set(read) == {str(len(reads))}


@pytest.mark.parametrize("status", [403, 500])
async def test_a_crawl_cut_off_in_a_page_reads_again_from_that_page(
    start: Callable[..., Awaitable[Office]], status: int
) -> None:
    """What the earlier pages staged is pushed once, with what the later ones stage."""
    office = await loaded(start, 12, page_size=3)
    moved(office, [1, 2, 5, 8, 12], "2 Side Street")
    mark = office.mark()
    office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=status, skip=1, times=0)
    report = (await office.sync("customers"))["customers"]
    assert report.error is not None
    state = await crawl_state(office)
    assert (state.phase, state.pages) == ("read", 2)
    assert writes(office, mark) == []
    office.mended()
    reads = office.calls("dynamics")
    figures = await office.figures("customers")
    assert len([target for target in reads if "CustomersV3" in target]) == 2
    assert figures == {"read": 9, "updated": 5, "unchanged": 4}  # of two pages, and three staged before
    assert len(written_keys(office, mark)) == 5
    assert list(streets(office).values()).count("2 Side Street") == 5
    assert await office.figures("customers") == {"read": 12, "unchanged": 12}
    await office.verified()


async def test_a_crawl_that_was_cut_off_is_not_a_crawl_that_missed_somebody(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The keys of the pages before the cut count as seen."""
    office = await loaded(start, 9, page_size=3)
    for _ in range(3):
        office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=403, skip=1)
        assert (await office.sync("customers"))["customers"].error is not None
        assert (await office.figures("customers"))["read"] == 3
    assert {(await link(office, f"usmf:US-00{number}")).missed for number in range(1, 10)} == {0}


async def test_the_breaker_judges_all_pages_of_a_crawl_that_was_cut_off(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Neither half alone would be too much."""
    office = await loaded(start, 30, page_size=15)
    moved(office, range(1, 14), "2 Side Street")
    moved(office, range(18, 31), "2 Side Street")
    office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=403)
    assert (await office.sync("customers"))["customers"].error is not None
    error = (await office.sync("customers"))["customers"].error
    assert error is not None
    assert "26 of 30 known records would change" in error.message


# Kills ---


@dataclass
class Kill:
    """The process dies in the n-th call of one function of the store: before it does anything."""

    monkeypatch: pytest.MonkeyPatch

    def at(self, module: Any, name: str, nth: int) -> None:
        original = getattr(module, name)
        left = [nth]

        async def dying(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise KilledError
            return await original(*given, **named)

        self.monkeypatch.setattr(module, name, dying)


class KilledError(Exception):
    """What ends the process."""


SEAMS = [
    *((crawls, "see", nth) for nth in (1, 2, 3)),
    *((crawls, "stage", nth) for nth in (1, 3)),
    *((progress, "save", nth) for nth in (1, 2, 3, 4, 5, 6)),
    (crawls, "seen", 1),
    (crawls, "seen", 2),
    (links, "page", 1),
    (links, "page", 3),
    (links, "set_missed", 1),
    (links, "set_missed", 2),
    *((calls, "intend", nth) for nth in (1, 2, 3, 4)),
    *((calls, "finish", nth) for nth in (1, 2, 3)),
    *((links, "put", nth) for nth in (1, 2, 3)),
    *((links, "mark", nth) for nth in (1, 2)),
    *((crawls, "unstage", nth) for nth in (1, 2)),
    (crawls, "forget", 1),
    (crawls, "forget", 2),
    (runs, "finish", 1),
]


async def small_calls(office: Office) -> RecordFlow:
    """Calls of four records, one after the other."""
    return await in_calls_of(office, 4, lanes=2)


@pytest.mark.parametrize(
    "seams",
    [
        pytest.param(SEAMS[::4], id="some"),
        pytest.param(
            [seam for place, seam in enumerate(SEAMS) if place % 4], id="others", marks=pytest.mark.sim
        ),
    ],
)
async def test_killed_at_any_seam_a_crawl_goes_on_and_nothing_is_written_twice(
    start: Callable[..., Awaitable[Office]],
    monkeypatch: pytest.MonkeyPatch,
    seams: Sequence[tuple[ModuleType, str, int]],
) -> None:
    """In reading, judging, sweeping and pushing: only batches without a recorded outcome are sent again."""
    office = await loaded(start, 12, page_size=5, settings=ALL_MAY_CHANGE)
    died = 0
    for place, (module, name, nth) in enumerate(seams):
        await office.customer("usmf:US-099", AddressStreet="1 Main Street")
        await run(office, await small_calls(office))
        office.twins.pair.remove("CustomersV3", "usmf:US-099")
        await run(office, await small_calls(office))  # absent once: the next crawl marks it
        moved(office, range(1, 10), f"{place} Side Street")
        office.sent.clear()
        with monkeypatch.context() as patched:
            Kill(patched).at(module, name, nth)
            try:
                await run(office, await small_calls(office))
            except (KilledError, BaseExceptionGroup):
                died += 1
        report = await run(office, await small_calls(office))
        assert report.error is None, (module, name, nth)
        await only_batches_without_an_outcome_went_again(office, latest=2)
        assert list(streets(office).values()).count(f"{place} Side Street") == 9, (module, name, nth)
        assert office.companies()["usmf:US-099"]["d365_status"] == "Not in Dynamics", (module, name, nth)
        async with office.at.store.read() as tx:
            for table in ("mlc_stage", "mlc_seen"):
                left = await tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}")  # noqa: S608
                assert left.scalar() == 0, (module, name, nth)
        mark = office.mark()
        counters = (await run(office, await small_calls(office))).counters
        assert (counters.read, counters.unchanged) == (12, 12), (module, name, nth, counters)
        assert writes(office, mark) == []
        await office.verified()
    assert died >= len(seams) - 2
    assert len(office.records("companies")) == 13


async def test_killed_after_the_last_page_a_crawl_does_not_read_the_listing_again(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await loaded(start, 6, page_size=3)
    moved(office, [1], "2 Side Street")
    with monkeypatch.context() as patched:
        Kill(patched).at(crawls, "seen", 1)
        with pytest.raises(KilledError):
            await office.sync("customers")
    assert (await crawl_state(office)).phase == "judge"
    reads = office.calls("dynamics")
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    assert not any("CustomersV3" in target for target in reads)
    assert await office.figures("customers") == {"read": 6, "unchanged": 6}


async def test_a_push_that_loses_access_sends_only_the_batches_again_that_have_no_outcome(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Access is lost between the batches of a push: what has its outcome is not sent again."""
    office = await loaded(start, 12, settings=ALL_MAY_CHANGE)
    moved(office, range(1, 13), "2 Side Street")
    office.sent.clear()
    mark = office.mark()
    flow = replace(await small_calls(office), lanes=1)
    office.fault("hubspot", "status", "POST", "/companies/batch/update", status=403, skip=2)
    assert (await run(office, flow)).error is not None
    counters = (await run(office, flow)).counters
    assert (counters.read, counters.updated) == (4, 4)
    assert len(set(written_keys(office, mark))) == 12
    await only_batches_without_an_outcome_went_again(office, latest=2)
    async with office.at.store.read() as tx:
        statement = "SELECT outcome FROM mlc_call WHERE resource = 'companies.update'"
        outcomes = [row[0] for row in await tx.connection.exec_driver_sql(statement)]
    assert sorted(outcomes) == ["done", "done", "done", "repeated"]
    await office.verified()


# Sources that begin again, and lists that move ---


@dataclass
class Changed:
    """A source with an act between its pages, and without cursors where it is said so."""

    inner: Source
    between: Callable[[int], Awaitable[None]]
    cursors: bool = True

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        number = 0
        async for page in self.inner.pages(cursor):
            number += 1
            yield page if self.cursors or page.cursor is None else replace(page, cursor="")
            await self.between(number)

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        return await self.inner.read(keys)


async def test_a_source_that_can_only_begin_at_the_start_stages_nothing_twice(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 9, page_size=3)
    moved(office, [1, 4, 9], "2 Side Street")
    flow = await customers_flow(office)
    cut = [2]

    async def between(number: int) -> None:
        if cut and number == cut[0]:
            cut.clear()
            raise UnavailableError("The line was cut.", code="dynamics.unavailable")

    flow = replace(flow, source=Changed(flow.source, between, cursors=False))
    mark = office.mark()
    assert (await run(office, flow)).error is not None
    counters = (await run(office, flow)).counters
    assert (counters.read, counters.updated, counters.unchanged) == (9, 3, 6)
    assert len(written_keys(office, mark)) == 3


async def test_a_mapping_changed_while_a_crawl_was_cut_off_pushes_nothing_the_old_one_made(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The mapping blanked names in the first pages: it is put right, and no name is ever blank."""
    office = await loaded(start, 12, page_size=3, settings=ALL_MAY_CHANGE)
    edit_mapping(
        office, "source: [OrganizationName, KnownAs, NameAlias]\n    transform: first-of", "source: SalesMemo"
    )
    office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=403, skip=1)
    assert (await office.sync("customers"))["customers"].error is not None
    edit_mapping(
        office, "source: SalesMemo", "source: [OrganizationName, KnownAs, NameAlias]\n    transform: first-of"
    )
    mark = office.mark()
    assert await office.figures("customers") == {"read": 12, "unchanged": 12}
    assert writes(office, mark) == []


async def test_b1_rows_inserted_while_paging_have_no_double_effect(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The last row of a page comes once more on the next one: it is written once."""
    office = await loaded(start, 9, page_size=3)
    moved(office, range(1, 10), "2 Side Street")
    flow = await customers_flow(office)

    async def between(number: int) -> None:
        await office.customer(f"usmf:AA-{number:03}", AddressStreet="1 Main Street")

    mark = office.mark()
    report = await run(office, replace(flow, source=Changed(flow.source, between)))
    assert report.error is None
    counters = report.counters
    assert (counters.updated, counters.created) == (9, 0)
    assert counters.read == counters.updated + counters.skipped + counters.unchanged
    assert counters.skipped > 0
    assert len(written_keys(office, mark)) == len(set(written_keys(office, mark))) == 9
    added = len(organisations(office)) - 9
    assert await office.figures("customers") == {"read": 9 + added, "created": added, "unchanged": 9}


async def test_b1_a_row_that_comes_twice_with_another_value_ends_as_the_source_has_it(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 6, page_size=3)
    moved(office, range(1, 7), "2 Side Street")
    flow = await customers_flow(office)

    async def between(number: int) -> None:
        if number == 1:
            await office.customer("usmf:AA-001", AddressStreet="1 Main Street")
            moved(office, [3], "3 High Street")

    await run(office, replace(flow, source=Changed(flow.source, between)))
    await run(office, flow)
    assert streets(office)["usmf:US-003"] == "3 High Street"
    assert (await run(office, flow)).counters.unchanged == 7


async def test_b1_rows_deleted_while_paging_make_nobody_gone(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A row that slips to the page before is missed once, and seen by the next crawl."""
    office = await loaded(start, 9, page_size=3)
    flow = await customers_flow(office)

    async def between(number: int) -> None:
        if number == 1:
            office.twins.pair.remove("CustomersV3", "usmf:US-001")

    moving = replace(flow, source=Changed(flow.source, between))
    assert (await run(office, moving)).counters.read == 8
    assert (await link(office, "usmf:US-004")).missed > 0
    for _ in range(2):
        await run(office, flow)
    statuses = {key: each["d365_status"] for key, each in office.companies().items()}
    assert [key for key, status in statuses.items() if status != "Active"] == ["usmf:US-001"]


async def test_b2_pages_that_lead_in_a_circle_end_the_run_with_an_error_and_write_nothing(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 4)
    rows = organisations(office)
    base = f"{office.twins.dynamics_url}/data/CustomersV3?$skip="
    mark = office.mark()
    for place, row in enumerate((rows[0], rows[1], rows[0], rows[1], rows[0])):
        body = {"value": [row], "@odata.nextLink": f"{base}{place % 2 + 1}"}
        office.fault("dynamics", "status", "GET", CRAWLED, status=200, body=body)
    report = (await office.sync("customers"))["customers"]
    assert isinstance(report.error, UnavailableError)
    office.mended()
    assert writes(office, mark) == []


@pytest.mark.parametrize(
    "link_to", ["https://evil.example/data/CustomersV3", "http://127.0.0.1:1/data/CustomersV3"]
)
async def test_b2_a_next_link_to_another_host_is_refused_and_the_listing_counts_as_not_read(
    start: Callable[..., Awaitable[Office]], link_to: str
) -> None:
    office = await loaded(start, 4)
    body = {"value": organisations(office)[:2], "@odata.nextLink": link_to}
    office.fault("dynamics", "status", "GET", CRAWLED, status=200, body=body, times=0)
    for _ in range(3):
        assert (await office.sync("customers"))["customers"].error is not None
    office.mended()
    assert {each["d365_status"] for each in office.companies().values()} == {"Active"}


async def test_b14_an_empty_page_with_a_next_link_is_not_the_end_of_the_list(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 6, page_size=3)
    reads = office.calls("dynamics")
    await office.figures("customers")
    onward = office.twins.dynamics_url + next(target for target in reads if "skip" in target)
    body = {"value": organisations(office)[:3], "@odata.nextLink": f"{onward}&x=1"}
    office.fault("dynamics", "status", "GET", CRAWLED, status=200, body=body)
    body = {"value": [], "@odata.nextLink": onward}
    office.fault("dynamics", "status", "GET", CRAWLED, status=200, body=body)
    assert await office.figures("customers") == {"read": 6, "unchanged": 6}


async def test_b9_a_field_that_is_gone_from_the_answer_stops_the_flow_before_anything_is_written(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 4)
    rows = [
        {name: value for name, value in row.items() if name != "AddressCity"} for row in organisations(office)
    ]
    mark = office.mark()
    answering_with(office, rows, times=2)
    for _ in range(2):
        error = (await office.sync("customers"))["customers"].error
        assert error is not None
        assert (error.code, "AddressCity" in error.message) == ("dynamics.field_missing", True)
    assert writes(office, mark) == []
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}


# One record does not stop others; one connection does not see another ---


async def test_single_data_parks_never_pause_a_flow(start: Callable[..., Awaitable[Office]]) -> None:
    """Ten of eleven new customers cannot be sent: the eleventh arrives, in this run and the next."""
    office = await loaded(start, 3)
    for number in range(50, 60):
        await office.customer(f"usmf:US-{number:03}", AddressStreet="x" * 65_537)
    await office.customer("usmf:US-060")
    assert await office.figures("customers") == {"read": 14, "created": 1, "unchanged": 3, "parked": 10}
    async with office.at.store.read() as tx:
        row = await flows.get(tx, office.at.connection.connection_id, "customers")
    assert (row.state, row.paused_reason) == ("on", "")
    await office.customer("usmf:US-061")
    assert await office.figures("customers") == {"read": 15, "created": 1, "unchanged": 4, "parked": 10}


async def test_a_stopped_run_of_one_flow_does_not_stop_another(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(products=8)
    for number in range(1, 31):
        await office.customer(f"usmf:US-{number:03}")
    await office.figures("customers", "products")
    moved(office, range(1, 31), "2 Side Street")
    product = next(iter(office.products()))
    office.clerk_changes("AllProducts", product, ProductName="Gear pump, blue")
    reports = await office.sync("customers", "products")
    assert reports["customers"].error is not None
    assert reports["products"].counters.updated == 1


async def test_two_connections_with_identical_ids_never_mix(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The same customers in two worlds, in one database: a crawl, a stop and a gone customer of one leave the other."""
    first = await start(products=0)
    for number in range(1, 31):
        await first.customer(f"usmf:US-{number:03}", OrganizationName=f"Alder {number}")
    await first.figures("customers")
    second = await start(products=0, settings={"connection": "second"}, connected=False)
    await init(
        load_settings(
            home=second.home, database_url=second.database_url, allow_local=True, connection="second"
        ),
        second.around,
    )
    await connect(second.at, second.twins)
    await hubspot_properties(second.at, create=True)
    await enable(second.at, [])
    second.note_changes()
    for number in range(1, 31):
        await second.customer(f"usmf:US-{number:03}", OrganizationName=f"Birk {number}")
    assert await second.figures("customers") == {"read": 30, "created": 30}

    mark = second.mark()
    moved(first, range(1, 31), "2 Side Street")
    await stopped(first)
    first.twins.pair.remove("CustomersV3", "usmf:US-030")
    moved(first, range(1, 30), "")
    for _ in range(2):
        await first.figures("customers")
    assert first.companies()["usmf:US-030"]["d365_status"] == "Not in Dynamics"
    assert writes(second, mark) == []
    assert await second.figures("customers") == {"read": 30, "unchanged": 30}
    assert {each["name"][:4] for each in second.companies().values()} == {"Birk"}
    assert {each["name"][:5] for each in first.companies().values()} == {"Alder"}
    await second.figures("customers")
    assert await second.stuck("customers") == {}
