"""The whole way on the command line, against ``twin serve`` over real sockets, on both databases."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.cli_answers import check_schema
    from tests.cli.cli_live import PREPARE, SMALL, Twins, connected, serving, use
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_answers import check_schema
    from cli_live import PREPARE, SMALL, connected, serving, use

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ask, Said

NUMBERS = itertools.count(1)
FIGURES = {
    "read", "created", "updated", "unchanged", "held", "waiting", "parked", "skipped",
    "requests", "throttled", "seconds",
}  # fmt: skip


@pytest.fixture
def on_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The connector's own database: a file in its home, or a fresh one on a PostgreSQL server."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        monkeypatch.setenv("MLC_DATABASE_URL", server(f"mlc_cli_{next(NUMBERS)}"))
    return str(request.param)


@pytest.mark.parametrize(
    ("on_database", "version"),
    [("sqlite", "2026-03"), ("sqlite", "2026-09"), ("sqlite", "v3"), ("postgresql", "2026-03")],
    indirect=["on_database"],
)
def test_the_circle(
    on_database: str, version: str, ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers and products out, a won deal back as an order, its number on the deal; a second run writes nothing."""
    use(twins, monkeypatch)
    monkeypatch.setenv("MLC_HUBSPOT_API_VERSION", version)
    for words in ("init", "connect dynamics --from-env", "connect hubspot --from-env", "ping"):
        said = ask(*words.split(), "--json")
        assert said.code == 0, said.err
        assert said.object["schema"] == f"{words.split()[0]}/1"
    assert ask("hubspot", "properties", "--json").code == 2
    assert ask("hubspot", "properties", "--create", "--json").object["missing"] == []
    assert ask("hubspot", "properties", "--json").code == 0
    assert [row["state"] for row in ask("flows", "enable", "--json").object["flows"]] == ["on"] * 4

    first = ask("sync", "--yes", "--json")
    assert first.code == 0, first.err
    flows = first.object["flows"]
    assert list(flows) == ["customers", "products", "orders", "order_status"]
    assert all(set(figures) == FIGURES for figures in flows.values())
    assert flows["customers"]["created"] == len(twins.records("companies")) > 0
    assert flows["products"]["created"] == len(twins.records("products")) == 40

    before = twins.writes()
    again = ask("sync", "--yes", "--json").object["flows"]
    assert twins.writes() == before
    assert again["customers"]["unchanged"] == flows["customers"]["created"]

    deal = twins.won_deal()
    orders = ask("sync", "orders", "--json")
    assert orders.code == 0, orders.err
    assert orders.object["flows"]["orders"]["waiting"] == 1
    assert [row["deal"] for row in ask("deals", "list", "--json").object["deals"]] == [deal]
    draft = ask("deals", "show", deal, "--json").object["draft"]
    assert all(field["rule"] for field in draft["header"])
    assert all(field["rule"] for line in draft["lines"] for field in line["fields"])
    assert ask("status", "--json").object["deals"]["for_approval"] == 1

    placed = ask("deals", "approve", f"deals/{deal}", "--json")
    assert placed.code == 0, placed.err
    number = placed.object["number"]
    (order,) = [row for row in twins.records("SalesOrderHeadersV2") if row["SalesOrderNumber"] == number]
    assert order["CustomersOrderReference"] == draft["reference"]
    (on_deal,) = [row for row in twins.records("deals") if str(row["id"]) == deal]
    assert on_deal["properties"]["d365_sales_order_number"] == number

    assert [row["record"] for row in ask("records", "find", number, "--json").object["records"]] == [
        f"deals/{deal}"
    ]
    kinds = [event["kind"] for event in ask("records", "show", f"deals/{deal}", "--json").object["timeline"]]
    assert kinds[0] == "noticed"
    assert kinds[-1] == "done"
    assert ask("runs", "list", "--json").object["runs"][0]["flow"] == "orders"
    assert ask("sync", "--json").object["flows"]["order_status"]["updated"] == 1
    record = ask("records", "show", f"order_status/{deal}", "--json").object
    assert record["link"]["target_id"] == deal
    assert ask("deals", "show", deal, "--json").object["in_dynamics"].endswith("&mi=SalesTableListPage")
    assert ask("deals", "approve", deal, "--json").object["error"]["code"] == "deals.not_waiting"


def test_what_people_read(ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers as text: a verdict first, the rule behind each value, before and after, nothing too wide."""
    use(twins, monkeypatch)
    connected(ask)
    pages = {"sync": ask("sync")}
    deal = twins.won_deal()
    account = twins.records("companies")[0]["properties"]["d365_customer_key"]
    run = ask("runs", "list", "--json").object["runs"][-1]["run_id"][:8]
    for words in (
        "sync orders", "deals list", f"deals show {deal}", f"deals approve {deal}", f"records show deals/{deal}",
        "sync order_status", f"records show order_status/{deal}",
        f"records show customers/{account}", f"records find {account}", "runs list", f"runs show {run}", "status",
        "ping", "flows list", "errors list",
    ):  # fmt: skip
        pages[words] = ask(*words.split())
    assert {words: said.code for words, said in pages.items() if said.code} == {}
    wide = [line for said in pages.values() for line in said.out.splitlines() if len(line) > 80]
    assert wide == []
    assert pages["sync"].err.startswith("customers: reading\n")
    assert ask("sync", "-q").err == ""
    assert pages["deals list"].out.startswith("1 won deal: 1 waits for approval.")
    assert "because" in pages[f"deals show {deal}"].out
    assert "is sales order" in pages[f"deals approve {deal}"].out.splitlines()[0]
    assert "d365_customer_key" in pages[f"records show customers/{account}"].out
    assert "(nothing) -> " in pages[f"records show customers/{account}"].out
    assert "status 200" in pages[f"records show customers/{account}"].out
    assert pages["status"].out.startswith("Both systems are connected")


def test_a_parked_deal_is_explained_and_replayed(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deal without a company parks (exit 3) with cause, turn and next action; once mended, replay goes on."""
    use(twins, monkeypatch)
    connected(ask)
    assert ask("sync").code == 0
    deal = twins.open_deals()[0]
    twins.control("POST", f"deals/{deal}/stage", {"stage": "won"})

    stopped = ask("sync", "orders", "--json")
    assert stopped.code == 3
    assert stopped.object["flows"]["orders"]["parked"] == 1
    (row,) = ask("errors", "list", "--flow", "orders", "--json").object["errors"]
    assert row["record"] == f"deals/{deal}"
    assert row["turn"] == "sales"
    assert row["next_action"]
    assert ask("errors", "show", str(row["id"]), "--json").object["error"]["explanation"]
    assert ask("records", "show", str(row["id"]), "--json").object["parked"]["id"] == row["id"]
    shown = ask("errors", "list").out
    assert shown.startswith("1 record needs someone: 1 for sales.")
    assert all(word in shown for word in row["title"].split())

    unasked = ask("replay", str(row["id"]))
    assert unasked.code == 2
    assert row["message"] in unasked.err, "the preview comes before the question"
    assert ask("replay", str(row["id"]), "--yes", "--json").object["results"][0]["outcome"] == "parked"

    for other in twins.open_deals():  # the rep mends the first deal that can be mended
        if twins.control("POST", "rep", {"deal": deal})["did"] or other == deal:
            break
    mended = ask("replay", f"deals/{deal}", "--yes", "--json")
    assert mended.code == 0, mended.err
    assert mended.object["results"][0]["outcome"] == "waiting"
    assert ask("errors", "list", "--json").object["errors"] == []


def test_a_flow_that_is_off_needs_a_yes(
    ready: Ask, shared_twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``sync FLOW`` of a flow that is off asks; without a terminal it wants --yes, and leaves the flow off."""
    use(shared_twins, monkeypatch)
    connected(ready)
    assert ready("flows", "disable", "orders").code == 0
    refused = ready("sync", "orders")
    assert refused.code == 2
    assert "orders is off" in refused.err
    assert "--yes" in refused.err
    ran = ready("sync", "orders", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert list(ran.object["flows"]) == ["orders"]
    states = {row["flow"]: row["state"] for row in ready("flows", "list", "--json").object["flows"]}
    assert states["orders"] == "off"


def test_a_side_that_fails_midway_is_told_in_its_flow(
    ready: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flow that stops carries its error, and its kind decides the exit code; what came before is kept."""
    use(twins, monkeypatch)
    connected(ready)
    twins.control("POST", "faults", {"match": {"method": "POST", "path": "companies/batch"}, "fault": "status",
                                     "status": 401, "body": {}, "times": 1000})  # fmt: skip
    said = ready("sync", "customers", "--json")
    assert said.code == 4
    assert said.object["flows"]["customers"]["error"]["message"]
    text = ready("sync", "customers")
    assert text.code == 4
    assert text.out.startswith("customers stopped before the end")
    assert ready("status").out.startswith("The last run of customers failed.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_twins_end_quietly_when_they_are_told_to(program: str, number: signal.Signals) -> None:
    """``twin serve`` prints one line and ends with exit code 0, by Ctrl-C as by a service manager."""
    process = subprocess.Popen(
        [program, "twin", "serve", "--customers", "3", "--products", "3", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    check_schema(json.loads(process.stdout.readline()))
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_during_a_sync_leaves_a_resumable_run(
    run_program: Callable[..., Said], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted pass ends with 130; the next one completes it, and nothing is created twice."""
    with serving(program, *SMALL) as twins:
        use(twins, monkeypatch)
        for words in PREPARE:
            assert run_program(*words.split()).code == 0
        slow = {"match": {"method": "POST", "path": "products/batch"}, "fault": "delay", "seconds": 30}
        twins.control("POST", "faults", {**slow, "times": 9})
        process = subprocess.Popen(
            [program, "sync", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        while not twins.control("GET", "state")["counts"]["hubspot"].get("companies"):
            assert process.poll() is None, "the pass ended before it could be interrupted"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert json.loads(out)["error"]["code"] == "usage.interrupted"
        twins.control("DELETE", "faults")
        assert run_program("sync").code == 0
        keys = [row["properties"]["d365_customer_key"] for row in twins.records("companies")]
        assert len(keys) == len(set(keys)) > 0
        assert len(twins.records("products")) == 40
