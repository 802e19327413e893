"""0.5 Gone = absent from two full crawls; marked, never deleted. 0.10 What leaves the scope is marked, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.domain.records import digest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from tests.flows.crawling import answering_with, customers_flow, link, loaded, organisations, run, writes
    from tests.flows.office import ON_BOTH_DATABASES, Office

    from ml_connector.domain.records import Page, SourceRecord
    from ml_connector.engine.ports import Source
else:
    from crawling import answering_with, customers_flow, link, loaded, organisations, run, writes
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path


@ON_BOTH_DATABASES
async def test_gone_is_absent_from_two_full_crawls_and_marked_never_deleted(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Absent from one: nothing. From two: d365_status alone. Thereafter: quiet."""
    office = await loaded(start, 5)
    office.twins.pair.remove("CustomersV3", "usmf:US-003")
    mark = office.mark()
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}
    assert writes(office, mark) == []
    before = office.companies()["usmf:US-003"]

    assert await office.figures("customers") == {"read": 5, "updated": 1, "unchanged": 4}
    assert office.companies()["usmf:US-003"]["d365_status"] == "Not in Dynamics"
    after = office.companies()["usmf:US-003"]
    kept = ("name", "address", "d365_customer_account", "d365_customer_group", "d365_currency")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    [write] = writes(office, mark)
    assert write.method == "POST"
    assert write.path.endswith("/companies/batch/update")
    [*_, entry] = await office.story("customers", "usmf:US-003")
    assert entry.kind == "marked"

    mark = office.mark()
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}
    assert writes(office, mark) == []
    await office.verified()


async def test_a_customer_that_was_absent_once_and_is_back_begins_to_count_anew(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 5)
    rows = organisations(office)
    for _ in range(3):
        answering_with(office, rows[:4])
        assert await office.figures("customers") == {"read": 4, "unchanged": 4}
        assert await office.figures("customers") == {"read": 5, "unchanged": 5}
    assert office.companies()["usmf:US-005"]["d365_status"] == "Active"


async def test_a_gone_customer_that_reappears_is_active_again_with_all_its_values(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 5)
    rows = organisations(office)
    answering_with(office, rows[:4], times=2)
    await office.figures("customers")
    await office.figures("customers")
    assert office.companies()["usmf:US-005"]["d365_status"] == "Not in Dynamics"
    assert await office.figures("customers") == {"read": 5, "updated": 1, "unchanged": 4}
    assert office.companies()["usmf:US-005"]["d365_status"] == "Active"
    assert (await link(office, "usmf:US-005")).state == "live"
    assert await office.figures("customers") == {"read": 5, "unchanged": 5}


async def test_a_legal_entity_no_longer_chosen_marks_nothing_and_keeps_its_history_b12(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """What is not read any more cannot be missed; chosen again, it goes on."""
    office = await start(products=0)
    for key in ("usmf:US-001", "usmf:US-002", "demf:DE-001", "demf:DE-002"):
        await office.customer(key)
    await office.figures("customers")
    mark = office.mark()
    await office.reconnect(legal_entities="usmf")
    for _ in range(3):
        assert await office.figures("customers") == {"read": 2, "unchanged": 2}
    assert writes(office, mark) == []
    assert {each["d365_status"] for each in office.companies().values()} == {"Active"}
    assert len(await office.story("customers", "demf:DE-001")) == 1
    office.clerk_changes("CustomersV3", "demf:DE-001", OrganizationName="Birkenwerk")
    await office.reconnect(legal_entities="usmf,demf")
    assert await office.figures("customers") == {"read": 4, "updated": 1, "unchanged": 3}


async def test_few_gone_customers_of_many_are_marked_without_asking(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 60)
    answering_with(office, organisations(office)[:36], times=2)
    await office.figures("customers")
    assert (await office.figures("customers"))["updated"] == 24
    statuses = [each["d365_status"] for each in office.companies().values()]
    assert statuses.count("Not in Dynamics") == 24
    assert len(office.records("companies")) == 60


async def test_a_gone_customer_whose_company_was_merged_marks_the_survivor(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 5)
    stray = await office.rep_asks("POST", "/crm/v3/objects/companies", {"properties": {"name": "Stray"}})
    body = {"primaryObjectId": office.company_id("usmf:US-005"), "objectIdToMerge": stray["id"]}
    survivor = await office.rep_asks("POST", "/crm/v3/objects/companies/merge", body)
    answering_with(office, organisations(office)[:4], times=3)
    for _ in range(3):
        await office.figures("customers")
    assert office.companies()["usmf:US-005"]["d365_status"] == "Not in Dynamics"
    stored = await link(office, "usmf:US-005")
    assert (stored.state, stored.target_id) == ("gone", str(survivor["id"]))


async def test_a_parked_record_that_two_crawls_do_not_see_needs_nobody_any_more(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Absent from one crawl it stays, seen again it begins anew, absent from two it is closed with the reason."""
    office = await loaded(start, 3)
    await office.customer("usmf:US-009", AddressStreet="x" * 65_537)
    assert await office.figures("customers") == {"read": 4, "unchanged": 3, "parked": 1}
    rows = organisations(office)
    for answered in (rows[:3], rows, rows[:3]):
        answering_with(office, answered)
        await office.figures("customers")
        assert set(await office.stuck("customers")) == {"usmf:US-009"}
    office.twins.pair.remove("CustomersV3", "usmf:US-009")
    await office.figures("customers")
    assert await office.stuck("customers") == {}
    async with office.at.store.read() as tx:
        statement = "SELECT state, reason FROM mlc_parked"
        [row] = [tuple(row) for row in await tx.connection.exec_driver_sql(statement)]
    assert row == ("resolved", "no longer at the source")


# Scope ---


@dataclass(frozen=True, slots=True)
class Scoped:
    """A source whose filter leaves out what a group says."""

    inner: Source
    group: str

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        async for page in self.inner.pages(cursor):
            yield replace(page, records=[self.judged(record) for record in page.records])

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        return [self.judged(record) for record in await self.inner.read(keys)]

    def judged(self, record: SourceRecord) -> SourceRecord:
        if record.fields["CustomerGroupId"] != self.group:
            return record
        return replace(record, left_scope="customer group", digest=digest([record.digest, "out"]))


async def test_what_leaves_the_scope_later_is_marked_not_deleted_and_what_never_was_in_it_is_skipped(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 4)
    await office.customer("usmf:US-090", CustomerGroupId="30")
    office.clerk_changes("CustomersV3", "usmf:US-002", CustomerGroupId="30")
    flow = await customers_flow(office)
    flow = replace(flow, source=Scoped(flow.source, "30"))
    mark = office.mark()

    counters = (await run(office, flow)).counters
    assert (counters.read, counters.updated, counters.unchanged, counters.skipped) == (5, 1, 3, 1)
    left = office.companies()["usmf:US-002"]
    assert (left["d365_status"], left["d365_customer_group"]) == ("No longer in scope", "10")
    assert "usmf:US-090" not in office.companies()
    assert len(writes(office, mark)) == 1

    counters = (await run(office, flow)).counters
    assert (counters.read, counters.unchanged, counters.skipped) == (5, 3, 2)
    assert len(writes(office, mark)) == 1

    office.clerk_changes("CustomersV3", "usmf:US-002", CustomerGroupId="20")
    counters = (await run(office, flow)).counters
    assert (counters.read, counters.updated, counters.unchanged, counters.skipped) == (5, 1, 3, 1)
    assert office.companies()["usmf:US-002"]["d365_status"] == "Active"
    await office.verified()


async def test_a_parked_record_that_leaves_the_scope_needs_nobody_any_more(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 3)
    await office.customer("usmf:US-009", CustomerGroupId="30", AddressStreet="x" * 65_537)
    assert (await office.figures("customers"))["parked"] == 1
    flow = await customers_flow(office)
    counters = (await run(office, replace(flow, source=Scoped(flow.source, "30")))).counters
    assert (counters.unchanged, counters.skipped) == (3, 1)
    assert await office.stuck("customers") == {}
