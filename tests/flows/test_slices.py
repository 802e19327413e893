"""A run may end between two pages and go on in its next slice; a flow is worked on by one process at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.slices import run_slice
from ml_connector.app.sync import sync
from ml_connector.engine.dispatch import Rank, file, file_due
from ml_connector.store import flows, requests, runs
from ml_connector.store.leases import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import organisations
    from tests.flows.office import ON_BOTH_DATABASES, Office

    from ml_connector.store.requests import Request
else:
    from crawling import organisations  # pytest puts this folder on the path
    from office import ON_BOTH_DATABASES, Office

ALL_MAY_CHANGE = {"sync": {"breaker": {"changed_share": 1}}}
RULES = {"customers": "every 5 min", "products": "every 15 min"}


async def asked(office: Office, flow: str = "customers", kind: Any = "poll", **what: Any) -> Request:
    """A request as a schedule or a person files it."""
    async with office.at.store.write() as tx:
        return await file(office.at.engine, tx, flow, kind, by="a person", rank=Rank.POLL, what=what)


async def as_stored(office: Office, request: Request) -> Request:
    async with office.at.store.read() as tx:
        found = await requests.get(tx, office.at.connection.connection_id, request.request_id)
    assert found is not None
    return found


async def state_of(office: Office, flow: str) -> str:
    async with office.at.store.read() as tx:
        return (await flows.get(tx, office.at.connection.connection_id, flow)).state


async def in_slices(office: Office, request: Request) -> Request:
    """Slices of one page until the request has ended."""
    office.at.is_over = lambda: True
    for number in range(1, 60):
        await run_slice(office.at, request.request_id, number, "worker")
        found = await as_stored(office, request)
        if found.ended_at is not None:
            return found
        assert found.slice == number + 1
    raise AssertionError("the request never came to its end")


@ON_BOTH_DATABASES
async def test_a_first_load_in_slices_of_a_page_brings_each_customer_once(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(customers=35, products=0, page_size=5)
    ended = await in_slices(office, await asked(office))
    expected = len(organisations(office))
    assert ended.state == "done"
    assert ended.slice > 3
    assert (ended.figures["read"], ended.figures["created"]) == (expected, expected)
    assert len(office.records("companies")) == expected


async def test_a_crawl_in_slices_writes_what_has_changed_and_marks_nothing_as_gone(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(customers=35, products=0, page_size=5, settings=ALL_MAY_CHANGE)
    await office.figures("customers")
    for row in organisations(office):
        office.clerk_changes(
            "CustomersV3", f"{row['dataAreaId']}:{row['CustomerAccount']}", AddressCity="Newtown"
        )
    ended = await in_slices(office, await asked(office))
    assert ended.state == "done"
    assert ended.slice > 3
    assert ended.figures["updated"] == len(organisations(office))
    assert {row["properties"]["city"] for row in office.records("companies")} == {"Newtown"}
    assert {row["properties"].get("d365_status") for row in office.records("companies")} == {"Active"}
    async with office.at.store.read() as tx:
        stood = [run.state for run in await runs.list(tx, office.at.connection.connection_id)]
    assert set(stood[1:-1]) == {"interrupted"}
    assert stood[0] == "done"


async def test_a_slice_that_comes_a_second_time_after_it_has_ended_does_nothing(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A queue may deliver twice: who comes late finds the request further on, or ended."""
    office = await start(customers=35, products=0, page_size=5)
    request = await asked(office)
    office.at.is_over = lambda: True
    await run_slice(office.at, request.request_id, 1, "one")
    mark = office.mark()
    await run_slice(office.at, request.request_id, 1, "two")
    assert office.writes(mark) == []
    assert (await as_stored(office, request)).slice == 2
    office.at.is_over = lambda: False
    await run_slice(office.at, request.request_id, 2, "one")
    await run_slice(office.at, request.request_id, 2, "two")
    assert (await as_stored(office, request)).state == "done"
    assert len(office.records("companies")) == len(organisations(office))


@ON_BOTH_DATABASES
async def test_a_run_whose_flow_another_process_has_taken_over_stores_nothing_more(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """F7: it stops at its next commit; what it had sent stands once, for the other one read it in its turn."""
    office = await start(customers=12, products=0)
    engine = await office.at.engine.holding("customers")
    await office.at.engine.holding("customers")
    with pytest.raises(LeaseLostError):
        async with engine.write():
            pass
    office.fault("hubspot", "delay", "POST", "batch", seconds=1)  # the other one takes over meanwhile
    slow = asyncio.create_task(office.sync("customers"))
    seen = asyncio.Event()
    office.twins.pair.shells["hubspot"].on_request.append(
        lambda _side, request, _at: seen.set() if "batch" in request.path else None
    )
    await asyncio.wait_for(seen.wait(), 10)
    async with office.opened() as other:
        [report] = await sync(other, ["customers"])
    assert report.error is None
    lost = (await slow)["customers"].error
    assert isinstance(lost, LeaseLostError)
    assert len(office.records("companies")) == len(organisations(office))


@ON_BOTH_DATABASES
async def test_a_schedules_time_is_filed_once_however_many_look(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(customers=0)
    found = await asyncio.gather(*(file_due(office.at.engine, RULES) for _ in range(6)))
    assert sorted(request.flow for each in found for request in each) == ["customers", "products"]
    office.later(timedelta(seconds=301))
    assert await file_due(office.at.engine, RULES) == []  # the one before has not ended
    for each in found:
        for request in each:
            await run_slice(office.at, request.request_id, 1, "worker")
    office.later(timedelta(seconds=301))
    again = await file_due(office.at.engine, RULES)
    assert [request.flow for request in again] == ["customers"]
    assert again[0].asked_by == "schedule"


async def test_a_request_that_a_side_refuses_ends_as_failed_and_pauses_its_flow(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """0.12 A cause of the system: the flow says so, and its next poll lifts it when it gets through."""
    office = await start(customers=3, products=0)
    office.fault("hubspot", "status", "GET", "/crm/", status=401, times=99)
    request = await asked(office)
    await run_slice(office.at, request.request_id, 1, "worker")
    ended = await as_stored(office, request)
    assert (ended.state, ended.figures["stopped_by"]["kind"]) == ("failed", "access")
    assert await state_of(office, "customers") == "paused"
    office.mended()
    request = await asked(office)
    await run_slice(office.at, request.request_id, 1, "worker")
    assert (await as_stored(office, request)).state == "done"
    assert await state_of(office, "customers") == "on"
