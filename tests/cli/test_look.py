"""What people ask of the store: status, records, errors, runs; on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app import look
from ml_connector.app.flow_switch import FLOW_NAMES
from ml_connector.app.workplace import Workplace
from ml_connector.cli.terminal import Reply, Terminal
from ml_connector.domain.keys import RecordName
from ml_connector.errors import ConfigurationError
from ml_connector.settings import Settings
from ml_connector.store import audit, connections, flows, links, parked, processes, runs
from ml_connector.store.audit import Entry
from ml_connector.store.connections import LegalEntityRow, SideRow
from ml_connector.store.flows import FlowRow
from ml_connector.store.links import Link
from ml_connector.store.parked import ParkedRecord
from ml_connector.store.processes import Process
from ml_connector.store.runs import Run
from ml_connector.transport.budget import MemoryLedger

if TYPE_CHECKING:
    from ml_connector.domain.clock import Surroundings
    from ml_connector.store.database import Store, Tx

if TYPE_CHECKING:
    from tests.cli.cli_answers import check_schema
    from tests.conftest import ManualClock
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_answers import check_schema

ACME = Link(
    flow="customers", key="usmf:US-001", object_type="companies", target_id="9001", fingerprint=b"f",
    source_digest=b"d", fingerprint_version=1, mapping_version=3, written=b'{"name":"Acme"}',
)  # fmt: skip
REFUSED = ParkedRecord(
    parked_id=0, flow="customers", key="usmf:US-002", cause="record.rejected", message="customers/usmf:US-002: no.",
    turn="it",
    next_action="Correct it.", detail={"status": 400}, source_digest=b"d", run_id="run-1",
)  # fmt: skip


@pytest.fixture
async def place(store: Store, around: Surroundings) -> Workplace:
    """A workplace whose connection is empty."""
    assert store.vault is not None
    async with store.write() as tx:
        connection = await connections.get_or_create(tx, "default")
    ledger = MemoryLedger(around)
    return Workplace(Settings(), store, store.vault, around, connection, "a test", ledger)


@pytest.fixture
async def lived_in(place: Workplace) -> Workplace:
    """The same with two sides, a company that arrived, one that parked, a deal that waits, and a finished run."""
    cid = place.connection.connection_id
    async with place.store.write() as tx:
        for name, identity in (("dynamics", "https://acme.example"), ("hubspot", "4711")):
            side = SideRow(name, {"url": "https://acme.example"}, identity, {}, tx.now)
            await connections.put_side(tx, cid, side, {}, place.vault)
        await connections.put_legal_entities(tx, cid, [LegalEntityRow("usmf", "Acme", "USD", "UTC")])
        for name in ("customers", "orders"):
            await flows.put(tx, cid, FlowRow(name, "on", tx.now))
        await runs.start(tx, cid, Run("run-1", "customers", "load", "running", tx.now, started_by="a test"))
        await runs.finish(tx, cid, "run-1", "done", {"read": 2, "created": 1, "updated": 0, "parked": 1}, "")
        await links.put(tx, cid, [ACME])
        await parked.park(tx, cid, [REFUSED])
        await processes.put(tx, cid, deal(tx), place.vault)
        await audit.append(tx, cid, [created(), stopped()])
    return place


def created() -> Entry:
    payload = {
        "changed": {"name": [None, "Acme"]}, "notes": ["cut"], "call": "call-7", "status": 200,
        "correlation_id": "c", "by": "a test", "object_type": "companies", "target_id": "9001",
    }  # fmt: skip
    return Entry("created", "customers", "usmf:US-001", payload, "run-1", mapping_version=3)


def stopped() -> Entry:
    return Entry(
        "parked", "customers", "usmf:US-002", {"cause": "record.rejected", "message": "no."}, "run-1"
    )


def deal(tx: Tx, **changes: Any) -> Process:
    plain = Process(
        process_id="p-1", flow="orders", subject="123", revision=1, state="waiting", step="release", release="asked",
        due_at=None, first_seen_at=tx.now, message="Waiting for approval.",
    )  # fmt: skip
    return replace(plain, **changes)


def answered(capsysbinary: pytest.CaptureFixture[bytes], schema: str, data: dict[str, Any]) -> Any:
    """The answer as a program gets it, checked against its schema."""
    Terminal(json=True).give(Reply(schema, data, ()))
    found = json.loads(capsysbinary.readouterr().out)
    check_schema(found)
    return found


async def test_an_empty_connection_says_what_is_missing_first(place: Workplace) -> None:
    """Nothing connected outranks everything else that could be said."""
    seen = await look.status(place)
    assert seen["verdict"] == "Dynamics and HubSpot are not connected yet."
    assert [row["state"] for row in seen["flows"]] == ["off"] * len(FLOW_NAMES)


async def test_status_counts_what_needs_someone(
    lived_in: Workplace, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Parked records and deals for approval are in the verdict, and their figures in the answer."""
    seen = answered(capsysbinary, "status/1", await look.status(lived_in))
    assert seen["verdict"] == (
        "Both systems are connected; 1 record needs someone, 1 deal waits for approval."
    )
    assert seen["parked"] == 1
    assert seen["deals"] == {"waiting": 1, "for_approval": 1}
    customers = seen["flows"][0]
    assert (customers["links"], customers["parked"], customers["last_run"]["state"]) == (1, 1, "done")


async def test_a_failed_run_is_the_verdict(lived_in: Workplace, clock: ManualClock) -> None:
    """A flow whose last run failed comes before single records; a later good run takes it back."""
    cid = lived_in.connection.connection_id
    for number, (state, verdict) in enumerate(
        (("failed", "The last run of customers failed."), ("done", "Both"))
    ):
        clock.advance(60)
        async with lived_in.store.write() as tx:
            await runs.start(tx, cid, Run(f"next-{number}", "customers", "crawl", "running", tx.now))
            await runs.finish(tx, cid, f"next-{number}", state, {}, "503")  # type: ignore[arg-type]  # two of its states
        assert (await look.status(lived_in))["verdict"].startswith(verdict)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("usmf:US-001", {"customers/usmf:US-001": "linked"}),
        ("customers/usmf:US-001", {"customers/usmf:US-001": "linked"}),
        ("US-001", {"customers/usmf:US-001": "linked"}),
        ("usmf:US-00", {"customers/usmf:US-001": "linked"}),
        ("9001", {"customers/usmf:US-001": "linked"}),
        ("US-002", {"customers/usmf:US-002": "parked"}),
        ("123", {"deals/123": "waiting"}),
        ("deals/123", {"deals/123": "waiting"}),
        ("SO-9", {"deals/124": "done"}),
        ("nobody", {}),
        ("", {}),
        ("%", {}),
    ],
)
async def test_records_are_found_by_any_of_their_names(
    lived_in: Workplace, capsysbinary: pytest.CaptureFixture[bytes], text: str, found: dict[str, str]
) -> None:
    """External key or its beginning, number in any legal entity, HubSpot id, deal, sales order number."""
    async with lived_in.store.write() as tx:
        done = deal(tx, process_id="p-2", subject="124", state="done", step="done", result={"number": "SO-9"})
        await processes.put(tx, lived_in.connection.connection_id, done, lived_in.vault)
    rows = answered(capsysbinary, "records.find/1", {"records": await look.find_records(lived_in, text)})[
        "records"
    ]
    assert {row["record"]: row["state"] for row in rows} == found


async def test_the_timeline_shows_values_before_and_after(
    lived_in: Workplace, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What was sent, per field, with the call and its status."""
    seen = answered(
        capsysbinary,
        "records.show/1",
        await look.show_record(lived_in, RecordName("customers", "usmf:US-001")),
    )
    assert seen["link"]["target_id"] == "9001"
    (event,) = seen["timeline"]
    assert event["changed"] == [{"property": "name", "before": None, "after": "Acme"}]
    assert (event["call"], event["status"], event["mapping_version"]) == ("call-7", 200, 3)
    assert event["detail"] == {"object_type": "companies", "target_id": "9001"}


@pytest.mark.parametrize("name", ["deals/123", "orders/123"])
async def test_a_deal_is_shown_by_both_of_its_names(
    lived_in: Workplace, capsysbinary: pytest.CaptureFixture[bytes], name: str
) -> None:
    """People say deals, the flow is called orders."""
    seen = answered(capsysbinary, "records.show/1", await look.show_record(lived_in, RecordName.parse(name)))
    assert seen["record"] == "deals/123"
    assert seen["process"]["step"] == "release"


async def test_nothing_known_is_said_with_a_way_to_search(lived_in: Workplace) -> None:
    """An unknown record, flow or error number is a sentence, not an empty page."""
    with pytest.raises(ConfigurationError, match=r"Nothing is known of customers/usmf:US-9\.") as unknown:
        await look.show_record(lived_in, RecordName("customers", "usmf:US-9"))
    assert unknown.value.hint == "Run: ml-connector records find US-9"
    with pytest.raises(ConfigurationError, match="Did you mean 'customers'"):
        await look.show_record(lived_in, RecordName("custmers", "usmf:US-9"))
    with pytest.raises(ConfigurationError, match="There is no error number 99"):
        await look.show_error(lived_in, 99)


async def test_errors_name_cause_turn_and_next_action(
    lived_in: Workplace, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A row of the list says who must do what; the page behind it holds the raw answer."""
    (row,) = answered(capsysbinary, "errors.list/1", {"errors": await look.list_errors(lived_in)})["errors"]
    assert (row["record"], row["turn"], row["next_action"]) == ("customers/usmf:US-002", "it", "Correct it.")
    assert row["title"] == "The other system refused the record"
    one = answered(capsysbinary, "errors.show/1", {"error": await look.show_error(lived_in, row["id"])})[
        "error"
    ]
    assert one["detail"] == {"status": 400}
    assert one["explanation"]


async def test_errors_come_in_pages_and_by_flow(lived_in: Workplace) -> None:
    """``after`` goes on behind a number; a flow's name narrows the list, deals being the orders' records."""
    more = [replace(REFUSED, key=f"usmf:US-10{number}") for number in range(3)]
    async with lived_in.store.write() as tx:
        await parked.park(
            tx, lived_in.connection.connection_id, [*more, replace(REFUSED, flow="orders", key="123")]
        )
    first = await look.list_errors(lived_in, limit=2)
    second = await look.list_errors(lived_in, limit=9, after=first[-1]["id"])
    assert len(first) == 2
    assert len(second) == 3
    assert [row["record"] for row in await look.list_errors(lived_in, flow="deals")] == ["deals/123"]


async def test_runs_are_listed_newest_first_and_named_by_their_beginning(
    lived_in: Workplace, clock: ManualClock, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A run shows its figures and the records it touched; two runs that fit are not guessed between."""
    cid = lived_in.connection.connection_id
    clock.advance(timedelta(minutes=1).total_seconds())
    async with lived_in.store.write() as tx:
        await runs.start(tx, cid, Run("run-2", "orders", "orders", "running", tx.now))
    listed = answered(capsysbinary, "runs.list/1", {"runs": await look.list_runs(lived_in)})["runs"]
    assert [row["run_id"] for row in listed] == ["run-2", "run-1"]
    one = answered(capsysbinary, "runs.show/1", await look.show_run(lived_in, "run-1"))
    assert [(row["record"], row["kind"]) for row in one["records"]] == [
        ("customers/usmf:US-001", "created"),
        ("customers/usmf:US-002", "parked"),
    ]
    assert not one["more"]
    assert (await look.show_run(lived_in, "run-1", records=1))["more"]
    with pytest.raises(ConfigurationError, match="2 runs begin with 'run'"):
        await look.show_run(lived_in, "run")
    with pytest.raises(ConfigurationError, match="There is no run 'x'"):
        await look.show_run(lived_in, "x")


async def test_another_connection_sees_nothing_of_it(lived_in: Workplace) -> None:
    """Every look stays inside its connection."""
    async with lived_in.store.write() as tx:
        other = await connections.get_or_create(tx, "other")
    elsewhere = replace(lived_in, connection=other)
    assert await look.find_records(elsewhere, "usmf:US-001") == []
    assert await look.list_errors(elsewhere) == []
    assert await look.list_runs(elsewhere) == []
    assert (await look.status(elsewhere))["parked"] == 0
    with pytest.raises(ConfigurationError):
        await look.show_error(elsewhere, (await look.list_errors(lived_in))[0]["id"])
