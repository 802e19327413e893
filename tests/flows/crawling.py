"""What tests of crawls share: a loaded portal, answers of F&O that are short or odd, and runs looked at closely."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.app.flows import breaker_limits, record_flow
from ml_connector.engine.crawl import CrawlState
from ml_connector.engine.runs import release_records, sync_records
from ml_connector.errors import RunStoppedError
from ml_connector.store import links, progress, runs
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.flows.office import Office

    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.runs import RunReport
    from ml_connector.store.links import Link
    from ml_connector.twin.writes import WriteRow

CRAWLED = "/data/CustomersV3"


async def loaded(start: Callable[..., Awaitable[Office]], customers: int, **options: Any) -> Office:
    """So many organisations, all of them companies in HubSpot."""
    office = await start(customers=0, products=0, **options)
    for number in range(1, customers + 1):
        await office.customer(f"usmf:US-{number:03}", AddressStreet="1 Main Street")
    assert (await office.figures("customers"))["created"] == customers
    return office


async def loaded_world(start: Callable[..., Awaitable[Office]], customers: int, **options: Any) -> Office:
    """A world of three legal entities, all its organisations companies in HubSpot."""
    office = await start(customers=customers, products=0, **options)
    await office.figures("customers")
    return office


def organisations(office: Office) -> list[dict[str, Any]]:
    """The rows a crawl reads, in its order."""
    rows = [row for row in office.records("CustomersV3") if row["PartyType"] == "Organization"]
    return sorted(rows, key=lambda row: (row["dataAreaId"], row["CustomerAccount"]))


def answering_with(office: Office, rows: Iterable[dict[str, Any]], *, times: int = 1) -> None:
    """F&O answers the next crawls with these rows, status 200 and no further page."""
    office.fault("dynamics", "status", "GET", CRAWLED, status=200, body={"value": list(rows)}, times=times)


async def stopped(office: Office, flow: str = "customers") -> RunStoppedError:
    """One pass that the breaker must stop before anything is written; what it says."""
    mark = office.mark()
    report = (await office.sync(flow))[flow]
    assert isinstance(report.error, RunStoppedError), report
    assert writes(office, mark) == []
    assert (await last_run(office)) == ("stopped", report.error.message)
    counters = report.counters
    assert counters.read == sum(
        getattr(counters, name)
        for name in ("created", "updated", "unchanged", "held", "waiting", "parked", "skipped")
    )
    return report.error


async def last_run(office: Office) -> tuple[str, str]:
    """State and sentence of the latest run."""
    async with office.at.store.read() as tx:
        [run] = await runs.list(tx, office.at.connection.connection_id, limit=1)
    return run.state, run.message


async def released(office: Office, name: str = "customers") -> RunReport:
    """A person has looked at the stopped run and lets it go on."""
    flow = await record_flow(office.at, name)
    return await release_records(flow, office.at.engine, office.at.traffic, limits=breaker_limits(office.at))


async def run(office: Office, flow: RecordFlow) -> RunReport:
    """One pass of a flow that a test has changed."""
    return await sync_records(flow, office.at.engine, office.at.traffic, limits=breaker_limits(office.at))


def writes(office: Office, since: int) -> list[WriteRow]:
    """What was written in HubSpot since that mark."""
    return [row for row in office.writes(since) if row.side == "hubspot"]


def written_keys(office: Office, since: int) -> list[str]:
    """The ids of the records that were written, one for each time."""
    return [key for row in writes(office, since) for key in row.keys]


async def link(office: Office, key: str, flow: str = "customers") -> Link:
    async with office.at.store.read() as tx:
        return (await links.many(tx, office.at.connection.connection_id, flow, [key]))[key]


async def crawl_state(office: Office, flow: str = "customers") -> CrawlState:
    """Where the latest crawl stands."""
    async with office.at.store.read() as tx:
        covered = await progress.load(tx, office.at.connection.connection_id, flow)
    assert covered is not None
    state = CrawlState.from_details(covered.details)
    assert state is not None
    return state


def edit_mapping(office: Office, old: str, new: str, *, name: str = "customers") -> None:
    """The person who keeps the mapping changes it."""
    path = office.home / "mappings" / f"{name}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


async def customers_flow(office: Office, **changed: Any) -> RecordFlow:
    """The flow of customers, parts of it exchanged."""
    return replace(await record_flow(office.at, "customers"), **changed)


async def in_calls_of(office: Office, size: int, *, lanes: int) -> RecordFlow:
    """The flow of customers, so many records a call."""
    flow = await customers_flow(office, lanes=lanes)
    assert isinstance(flow.sink, UpsertSink)
    return replace(flow, sink=replace(flow.sink, batch_size=size))


async def only_batches_without_an_outcome_went_again(office: Office, latest: int) -> None:
    """The twin's log against the journal: in the latest runs no record stands in two calls that are done."""
    async with office.at.store.read() as tx:
        statement = "SELECT call_id, run_id, outcome, keys FROM mlc_call"
        journal = [tuple(row) for row in await tx.connection.exec_driver_sql(statement)]
        meant = await runs.list(tx, office.at.connection.connection_id, limit=latest)
    outcomes = {call: outcome for call, _, outcome, _ in journal}
    got = [outcomes[call] for side, call in office.sent if side == "hubspot"]
    assert set(got) <= {"done", "repeated", "refused"}
    assert len(set(office.sent)) == len(office.sent)
    of_runs = {one.run_id for one in meant}
    done = [
        key
        for _, run_id, outcome, keys in journal
        if run_id in of_runs and outcome == "done"
        for key in json.loads(keys)
    ]
    assert len(done) == len(set(done))
