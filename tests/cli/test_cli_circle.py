"""The whole way on the command line, against ``twin serve`` over real sockets, on both databases."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.answers import check_schema
else:
    from answers import (
        check_schema,  # pytest puts this folder on the path; mypy names its modules from the root
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Ask, Said

UNREACHABLE = 5
NUMBERS = itertools.count(1)
SMALL = ("--customers", "24", "--products", "40", "--rep", "off")
FIGURES = {
    "read", "created", "updated", "unchanged", "held", "waiting", "parked", "skipped",
    "requests", "throttled", "seconds",
}  # fmt: skip
PREPARE = (
    "init", "connect dynamics --from-env", "connect hubspot --from-env", "hubspot properties --create",
    "flows enable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Twins:
    """Twins that serve in a process of their own, and what a person can do in them."""

    where: dict[str, Any]
    process: subprocess.Popen[bytes]

    def environment(self) -> dict[str, str]:
        """What ``connect --from-env`` reads."""
        return {
            "MLC_ALLOW_LOCAL": "1",
            "MLC_DYNAMICS_URL": self.where["dynamics_url"],
            "MLC_DYNAMICS_TENANT": self.where["tenant"],
            "MLC_DYNAMICS_CLIENT_ID": self.where["client_id"],
            "MLC_DYNAMICS_CLIENT_SECRET": self.where["client_secret"],
            "MLC_DYNAMICS_AUTHORITY": self.where["authority"],
            "MLC_HUBSPOT_TOKEN": self.where["hubspot_token"],
            "MLC_HUBSPOT_URL": self.where["hubspot_url"],
            "MLC_ORDERS__QUIET_MINUTES": "0",
        }

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the twins' control API."""
        request = urllib.request.Request(  # noqa: S310 - a loopback address
            f"{self.where['hubspot_url']}/__twin__/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            content = answer.read()
        return json.loads(content) if content else None

    def records(self, of: str) -> list[dict[str, Any]]:
        """Ground truth."""
        return list(self.control("GET", f"state?of={of}&limit=1000")["records"])

    def writes(self) -> int:
        """Writes that reached either system so far."""
        return int(self.control("GET", "state")["writes"])

    def open_deals(self) -> list[str]:
        return [str(record["id"]) for record in self.records("deals")]

    def won_deal(self) -> str:
        """A deal the rep has linked to its company and won; every line has a price."""
        for deal in self.open_deals():
            if self.control("POST", "rep", {"deal": deal})["did"]:
                for line in self.records("line_items"):
                    if not line["properties"].get("price"):
                        edit = {"of": "line_items", "key": str(line["id"]), "fields": {"price": "10.00"}}
                        self.control("PATCH", "state", edit)
                self.control("POST", f"deals/{deal}/stage", {"stage": "won"})
                return deal
        raise AssertionError("the world holds no deal that can be quoted")


@contextmanager
def serving(program: str, *words: str) -> Iterator[Twins]:
    """``twin serve`` until the block is left; it then ends by SIGTERM with exit code 0 and one line said."""
    process = subprocess.Popen(
        [program, "twin", "serve", "--dynamics-port", "0", "--hubspot-port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        where = json.loads(process.stdout.readline())
        check_schema(where)
        yield Twins(where, process)
    finally:
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert rest == b"", "exactly one line on standard output"


@pytest.fixture(scope="module")
def shared_twins(program: str) -> Iterator[Twins]:
    """Twins for tests that only look at them."""
    with serving(program, *SMALL) as twins:
        yield twins


@pytest.fixture
def twins(program: str) -> Iterator[Twins]:
    """Twins of this test alone."""
    with serving(program, *SMALL) as alone:
        yield alone


@pytest.fixture(params=["sqlite", "postgresql"])
def on_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The connector's own database: a file in its home, or a fresh one on a PostgreSQL server."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        monkeypatch.setenv("MLC_DATABASE_URL", server(f"mlc_cli_{next(NUMBERS)}"))
    return str(request.param)


def use(twins: Twins, monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    """Let the environment point at these twins."""
    for name, value in {**twins.environment(), **changes}.items():
        monkeypatch.setenv(name, value)


def connected(ask: Ask) -> Ask:
    """Both sides saved, properties made, flows on."""
    for words in PREPARE:
        said = ask(*words.split())
        assert said.code == 0, said.out + said.err
    return ask


def test_the_circle(on_database: str, ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers and products out, a won deal back as an order, its number on the deal; a second run writes nothing."""
    use(twins, monkeypatch)
    for words in ("init", "connect dynamics --from-env", "connect hubspot --from-env", "ping"):
        said = ask(*words.split(), "--json")
        assert said.code == 0, said.err
        assert said.object["schema"] == f"{words.split()[0]}/1"
    assert ask("hubspot", "properties", "--json").code == 2
    assert ask("hubspot", "properties", "--create", "--json").object["missing"] == []
    assert ask("hubspot", "properties", "--json").code == 0
    assert [row["state"] for row in ask("flows", "enable", "--json").object["flows"]] == ["on", "on", "on"]

    first = ask("sync", "--yes", "--json")
    assert first.code == 0, first.err
    flows = first.object["flows"]
    assert list(flows) == ["customers", "products", "orders"]
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


@pytest.mark.parametrize(
    ("side", "changes", "code", "said"),
    [
        ("dynamics", {"MLC_DYNAMICS_CLIENT_SECRET": "wrong~secret"}, 4, "secret"),
        ("dynamics", {"MLC_DYNAMICS_CLIENT_ID": "11111111-2222-3333-4444-555555555555"}, 4, ""),
        ("dynamics", {"MLC_DYNAMICS_LEGAL_ENTITIES": "usmf,nowhere"}, 2, "nowhere"),
        ("dynamics", {"MLC_DYNAMICS_AUTHORITY": "http://127.0.0.1:9"}, 5, ""),
        ("dynamics", {"MLC_DYNAMICS_URL": "not a url"}, 2, ""),
        ("dynamics", {"MLC_DYNAMICS_URL": "https://example.com"}, 2, "example.com"),
        ("dynamics", {"MLC_DYNAMICS_TENANT": "ten ant"}, 2, "ten ant"),
        ("dynamics", {"MLC_ALLOW_LOCAL": "0"}, 2, ""),
        ("dynamics", {"MLC_DYNAMICS_CLIENT_SECRET": ""}, 2, "MLC_DYNAMICS_CLIENT_SECRET"),
        ("hubspot", {"MLC_HUBSPOT_TOKEN": "pat-na1-wrong"}, 4, ""),
        ("hubspot", {"MLC_HUBSPOT_TOKEN": ""}, 2, "MLC_HUBSPOT_TOKEN"),
        ("hubspot", {"MLC_HUBSPOT_URL": "http://127.0.0.1:9"}, 5, ""),
        ("hubspot", {"MLC_HUBSPOT_API_VERSION": "v9"}, 2, "api_version"),
    ],
)
def test_a_side_that_does_not_work_is_not_saved(
    ready: Ask,
    shared_twins: Twins,
    monkeypatch: pytest.MonkeyPatch,
    *,
    side: str,
    changes: dict[str, str],
    code: int,
    said: str,
) -> None:
    """Whatever is wrong: one sentence with the reason, the exit code of its kind, nothing saved."""
    use(shared_twins, monkeypatch, **changes)
    answered = ready("connect", side, "--from-env")
    assert answered.code == code, answered.out + answered.err
    assert said.lower() in (answered.out + answered.err).lower()
    assert "Traceback" not in answered.err
    assert "wrong~secret" not in answered.out + answered.err
    if code != UNREACHABLE:  # what cannot be reached is tried for a while: once is enough
        machine = ready("connect", side, "--from-env", "--json")
        assert machine.code == code
        assert machine.object["schema"] in ("connect/1", "error/1")
        assert not machine.object.get("saved")
    assert {row["connected"] for row in ready("status", "--json").object["sides"]} == {False}


def test_the_token_of_another_portal_is_refused(
    ready: Ask, shared_twins: Twins, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection keeps to its portal: links into one portal mean nothing in another."""
    use(shared_twins, monkeypatch)
    assert ready("connect", "hubspot", "--from-env").code == 0
    with serving(program, *SMALL, "--seed", "2") as other:
        assert other.where["portal_id"] != shared_twins.where["portal_id"]
        use(other, monkeypatch)
        refused = ready("connect", "hubspot", "--from-env")
    assert refused.code == 4, refused.out
    assert str(shared_twins.where["portal_id"]) in refused.out
    identity = ready("status", "--json").object["sides"][1]["identity"]
    assert identity == str(shared_twins.where["portal_id"])


@pytest.mark.parametrize(
    ("file", "old", "new", "meant"),
    [
        ("customers.yaml", "target: name", "targt: name", "'target'"),
        ("customers.yaml", "fields:", "fields: [", ""),
        ("products.yaml", "fields:", "felds:", "'fields'"),
        ("orders.yaml", "header:", "haeder:", "'header'"),
    ],
)
def test_a_malformed_mapping_is_named_by_file_and_line(
    ready: Ask,
    shared_twins: Twins,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    file: str,
    old: str,
    new: str,
    meant: str,
) -> None:
    """A mapping that does not follow its language stops its flow before anything is sent: file, line, nearest word."""
    use(shared_twins, monkeypatch)
    connected(ready)
    path = home / "mappings" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    before = shared_twins.writes()
    for words in (("sync", file.removesuffix(".yaml")), ("doctor",)):
        said = ready(*words)
        assert said.code == 2
        assert f"mappings/{file}, line " in " ".join((said.out + said.err).split())
        assert meant in said.out + said.err
    assert shared_twins.writes() == before


def test_missing_properties_are_named_with_the_command_that_makes_them(
    ready: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal that was not prepared is refused before anything is written."""
    use(twins, monkeypatch)
    for words in ("connect dynamics --from-env", "connect hubspot --from-env", "flows enable customers"):
        assert ready(*words.split()).code == 0
    said = ready("sync", "customers", "--json")
    assert said.code == 2
    assert said.object["error"]["code"] == "hubspot.property_missing"
    assert "hubspot properties --create" in said.object["error"]["hint"]
    assert twins.writes() == 0


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
    assert ready("flows", "list", "--json").object["flows"][2]["state"] == "off"


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--hubspot-limit often", "limit"),
        ("--latency-ms dynamics=slow", "latency"),
        ("--latency-ms nowhere=5", "nowhere"),
        ("--rep maybe", "rep"),
        ("--set hubspot.nonsense=1", "nonsense"),
        ("--dynamics-port 70000", "port"),
        ("--legal-entities no-such", "no-such"),
    ],
)
def test_bad_options_of_the_twins_are_named(ask: Ask, words: str, said: str) -> None:
    """Twins that cannot be started as asked say why, in one sentence, exit 2."""
    answered = ask("twin", "serve", *words.split())
    assert answered.code == 2
    assert answered.out == ""
    assert said in answered.err
    assert "Traceback" not in answered.err


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
