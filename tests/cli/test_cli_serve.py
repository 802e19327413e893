"""``serve`` as a process, on SQLite and on PostgreSQL: it works unattended, dies at any time, and is asked for work."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.cli_live import SMALL, Twins, serving
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_live import SMALL, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Ask

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
PATIENCE_S = 40.0  # how long a test waits before it says that something never came


@dataclass(slots=True)
class Site:
    """A home with both sides connected, its twins, and the processes that serve it."""

    program: str
    twins: Twins
    run: Ask
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    at: str = ""  # where the process that was started last listens

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """``serve`` as a process of its own, once it says that it serves."""
        process = subprocess.Popen(
            [self.program, "serve", *(words or ("--port", "0"))], stderr=subprocess.PIPE
        )
        self.processes.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith(b"Serving as"), line + process.stderr.read()
        found = re.search(rb"at (http://[0-9.]+:[0-9]+)", line)
        self.at = found[1].decode() if found else ""
        return process

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """A call of what the process answers over HTTP: status and body."""
        request = urllib.request.Request(self.at + path, headers=headers)  # noqa: S310 - a loopback address
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        process.send_signal(number)
        process.communicate(timeout=40)
        return process.returncode

    def ask(self, *words: str) -> Any:
        said = self.run(*words, "--json")
        assert said.code in (0, 3), said.err
        return said.object

    def companies(self) -> list[str]:
        """The keys of the companies that stand in HubSpot."""
        return [row["properties"].get("d365_customer_key") or "" for row in self.twins.records("companies")]

    @property
    def organisations(self) -> int:
        """How many customers become companies."""
        return sum(row["PartyType"] == "Organization" for row in self.twins.records("CustomersV3"))

    def loaded(self) -> bool:
        """Whether every customer stands in HubSpot, once."""
        keys = self.companies()
        return len(set(keys)) == len(keys) == self.organisations

    def orders(self) -> list[str]:
        """What the orders in Dynamics say they belong to."""
        rows = self.twins.records("SalesOrderHeadersV2")
        return [row["CustomersOrderReference"] for row in rows if row["CustomersOrderReference"]]

    def once_loaded(self) -> None:
        """Wait until every customer and product stands in HubSpot."""
        until(lambda: self.loaded() and len(self.twins.records("products")) == 40, "companies and products")


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    give_up_at, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not holds():
        assert time.monotonic() < give_up_at, f"never came: {what}"
        pause.wait(0.1)


@contextmanager
def site_of(
    program: str, run: Ask, monkeypatch: pytest.MonkeyPatch, database_url: str = ""
) -> Iterator[Site]:
    with serving(program, *SMALL) as twins:
        for name, value in {**twins.environment(), "MLC_ORDERS__RELEASE": "automatic"}.items():
            monkeypatch.setenv(name, value)
        if database_url:
            monkeypatch.setenv("MLC_DATABASE_URL", database_url)
        for words in (
            "init", "connect dynamics --from-env", "connect hubspot --from-env",
            "hubspot properties --create", "flows enable --yes",
        ):  # fmt: skip
            said = run(*words.split())
            assert said.code == 0, said.err
        site = Site(program, twins, run)
        try:
            yield site
        finally:
            for process in site.processes:
                if process.poll() is None:
                    process.kill()
                    process.communicate(timeout=20)


@pytest.fixture
def site(
    program: str,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    """A connected home on either database."""
    url = ""
    if database == "postgresql":
        server: Callable[[str], str] = request.getfixturevalue("postgresql_server")
        url = server(f"mlc_serve_{abs(hash(request.node.name)):x}")
    with site_of(program, ask, monkeypatch, url) as made:
        yield made


@pytest.fixture
def on_sqlite(program: str, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site_of(program, ask, monkeypatch) as made:
        yield made


@pytest.fixture
def on_postgresql(
    program: str,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    postgresql_server: Callable[[str], str],
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    url = postgresql_server(f"mlc_serve_{abs(hash(request.node.name)):x}")
    with site_of(program, ask, monkeypatch, url) as made:
        yield made


def test_a_process_that_serves_loads_the_portal_places_orders_and_ends_when_it_is_told(site: Site) -> None:
    """Nobody runs a command: schedules alone move customers and products, and a won deal becomes one order."""
    process = site.start()
    site.once_loaded()
    site.ask("flows", "schedule", "orders", "every 1 s")
    deal = site.twins.won_deal()
    until(lambda: len(site.orders()) == 1, "an order")
    found = {str(row["id"]): row["properties"] for row in site.twins.records("deals")}
    until(
        lambda: any(
            row["properties"].get("d365_sales_order_number")
            for row in site.twins.records("deals")
            if str(row["id"]) == deal
        ),
        f"the order's number on {found[deal]}",
    )
    assert site.end(process) == 0
    assert site.loaded()
    by = {run["started_by"] for run in site.ask("runs", "list")["runs"]}
    assert by == {"schedule"}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def test_a_webhook_and_a_business_event_move_their_records_long_before_a_poll_would(
    on_sqlite: Site, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """With polls hours away a won deal becomes an order, and a changed customer reaches HubSpot."""
    site, port = on_sqlite, free_port()
    monkeypatch.setenv("MLC_PUBLIC_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MLC_HUBSPOT_CLIENT_SECRET", site.twins.control("GET", "webhooks")["secret"])
    config = home / "ml-connector.toml"
    told = {"flow": "customers", "entity_set": "CustomersV3", "key": "Account"}
    lines = "".join(f'{name} = "{value}"\n' for name, value in told.items())
    config.write_text(config.read_text() + f"\n[events.dynamics.CustomerChanged]\n{lines}")
    assert site.run("connect", "hubspot", "--from-env").code == 0
    process = site.start("--port", str(port))
    site.once_loaded()
    until(lambda: runs_of(site, "orders"), "a first look for won deals")
    for flow in ("customers", "products", "orders", "order_status"):
        site.ask("flows", "schedule", flow, "every 10 hours")
    urls = site.ask("events", "endpoint")
    site.twins.control("POST", "webhooks", {"url": urls["hubspot"]["url"], "types": ["deal.propertyChange"]})
    event = {"id": "CustomerChanged", "set": "CustomersV3"}
    site.twins.control("POST", "business-events", {"url": urls["dynamics"]["url"], "events": [event]})
    site.twins.won_deal()
    until(lambda: len(site.orders()) == 1, "an order")
    row = next(row for row in site.twins.records("CustomersV3") if row["PartyType"] == "Organization")
    key = f"{row['dataAreaId']}:{row['CustomerAccount']}"
    site.twins.control(
        "PATCH", "state", {"of": "CustomersV3", "key": key, "fields": {"AddressCity": "Newtown"}}
    )
    until(
        lambda: "Newtown" in {each["properties"].get("city") for each in site.twins.records("companies")},
        "a city",
    )
    kinds = [run["kind"] for run in site.ask("runs", "list")["runs"] if run["started_by"] == "events"]
    assert {"told", "keyed"} <= set(kinds)
    assert site.end(process) == 0


def test_health_and_figures_are_answered_without_a_sign_in_and_without_a_word_about_records(
    on_sqlite: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage of both sides leaves the process fit: it must not be started anew for that."""
    site = on_sqlite
    monkeypatch.setenv("MLC_METRICS_TOKEN", "a-token-of-metrics")
    process = site.start()
    site.once_loaded()
    site.twins.control(
        "POST", "faults", {"match": {"path": ".*"}, "fault": "status", "status": 503, "times": 999}
    )
    assert site.get("/healthz") == (200, "ok\n")
    status, body = site.get("/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "problems": []})
    assert site.get("/metrics")[0] == 404
    status, text = site.get("/metrics", Authorization="Bearer a-token-of-metrics")
    assert status == 200
    for name in (
        "mlc_build_info", "mlc_flow_last_success_timestamp_seconds", "mlc_flow_lag_seconds", "mlc_open_errors",
        "mlc_scheduler_heartbeat_timestamp_seconds",
        'mlc_records_total{flow="customers",outcome="created"} ',
        "mlc_http_client_request_duration_seconds_bucket",
    ):  # fmt: skip
        assert f"\n{name}" in text
    assert not any(key in text for key in site.companies())
    assert site.end(process) == 0


def test_it_does_not_listen_to_other_machines_without_a_proxy_in_front(on_sqlite: Site) -> None:
    said = on_sqlite.run("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - refused, as it must be
    assert said.code == 2
    assert "MLC_TRUSTED_PROXIES" in said.err


def test_a_second_process_on_one_sqlite_file_is_refused_and_told_who_serves(on_sqlite: Site) -> None:
    first = on_sqlite.start()
    said = on_sqlite.run("serve")
    assert said.code == 2
    assert f"process {first.pid}" in said.err
    assert "PostgreSQL" in said.err
    assert on_sqlite.end(first) == 0
    assert on_sqlite.end(on_sqlite.start()) == 0


def test_sync_and_replay_ask_the_process_that_serves(on_postgresql: Site) -> None:
    """The figures come back as from a pass of one's own, and the audit names the person."""
    site = on_postgresql
    process = site.start()
    site.once_loaded()
    for flow in ("customers", "products"):
        site.ask("flows", "pause", flow)
    figures = site.ask("sync", "customers")["flows"]["customers"]
    assert (figures["read"], figures["unchanged"]) == (site.organisations, site.organisations)
    refused = site.run("sync", "customers", "--here")
    assert refused.code == 6, refused.err
    key = site.companies()[0]
    assert site.ask("replay", f"customers/{key}", "--yes")["results"][0]["outcome"] == "done"
    newest = site.ask("runs", "list")["runs"][0]
    assert newest["kind"] == "replay"
    assert "command line" in newest["started_by"]
    refused_token = {
        "match": {"method": "GET", "path": "/crm/"},
        "fault": "status",
        "status": 401,
        "times": 99,
    }
    site.twins.control("POST", "faults", refused_token)
    assert site.run("sync", "customers").code == 4
    assert site.end(process) == 0
    assert site.run("sync", "customers", "--here").code in (0, 4)


def test_what_a_killed_process_had_begun_the_next_one_ends_with_nothing_twice(site: Site) -> None:
    slow = {
        "match": {"method": "POST", "path": "products/batch"},
        "fault": "delay",
        "seconds": 60,
        "times": 1,
    }
    site.twins.control("POST", "faults", slow)
    process = site.start()
    until(site.loaded, "companies")
    until(lambda: running(site, "products"), "a run of products")
    site.end(process, signal.SIGKILL)
    site.twins.control("DELETE", "faults")
    process = site.start()
    site.once_loaded()
    keys = [row["properties"]["d365_product_key"] for row in site.twins.records("products")]
    assert len(set(keys)) == len(keys) == 40
    assert site.end(process) == 0


def running(site: Site, flow: str) -> bool:
    """Whether a run of the flow is under way."""
    rows = site.ask("runs", "list")["runs"]
    return any(row["flow"] == flow and row["state"] == "running" for row in rows)


def test_the_engines_own_tables_may_be_lost_with_work_in_the_queue(site: Site, home: Path) -> None:
    """What is to be done stands in our tables: the queues are filled from them again."""
    slow = {"match": {"method": "POST", "path": "batch"}, "fault": "delay", "seconds": 60, "times": 4}
    site.twins.control("POST", "faults", slow)
    process = site.start()
    until(lambda: running(site, "customers"), "a run of customers")
    site.end(process, signal.SIGKILL)
    site.twins.control("DELETE", "faults")
    lose_engine(home)
    process = site.start()
    site.once_loaded()
    assert site.loaded()
    assert site.end(process) == 0


def lose_engine(home: Path) -> None:
    """Delete everything the durable engine keeps for itself."""
    url = os.environ.get("MLC_DATABASE_URL", "")
    if not url:
        found = list(home.glob("ml-connector-engine.db*"))
        assert found, "the engine keeps its tables elsewhere"
        for path in found:
            path.unlink()
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA dbos CASCADE")


def test_on_postgresql_the_work_of_a_dead_process_resumes_on_another(on_postgresql: Site) -> None:
    """Two share the work; one is killed in the middle of a slice, and the other ends what it had begun."""
    site = on_postgresql
    slow = {"match": {"method": "POST", "path": "batch"}, "fault": "delay", "seconds": 90, "times": 2}
    site.twins.control("POST", "faults", slow)
    first = site.start()
    until(lambda: running(site, "customers"), "a run of customers")
    second = site.start()
    site.end(first, signal.SIGKILL)
    site.twins.control("DELETE", "faults")
    site.once_loaded()
    assert site.loaded()
    assert site.end(second) == 0


def test_a_process_whose_session_the_database_has_ended_stops_by_itself(on_postgresql: Site) -> None:
    """Others think that it is dead and take over: so it must not go on. A service manager starts it again."""
    site = on_postgresql
    process = site.start()
    site.once_loaded()
    import psycopg

    with psycopg.connect(os.environ["MLC_DATABASE_URL"], autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 50632200"
        ).fetchall()
    assert ended == [(True,)]
    process.communicate(timeout=40)
    assert process.returncode == 5


def test_told_to_end_in_the_middle_of_a_load_it_ends_between_two_pages(on_sqlite: Site) -> None:
    """SIGTERM during a slice: exit code 0, the run stands as interrupted, and the next process goes on."""
    site = on_sqlite
    slow = {"match": {"method": "POST", "path": "products/batch"}, "fault": "delay", "seconds": 2, "times": 1}
    site.twins.control("POST", "faults", slow)
    process = site.start()
    until(lambda: running(site, "products"), "a run of products")
    assert site.end(process) == 0
    assert not running(site, "products")
    process = site.start()
    site.once_loaded()
    assert site.end(process) == 0


def test_a_paused_flow_does_not_run_and_catches_up_when_it_is_resumed(on_sqlite: Site) -> None:
    site = on_sqlite
    for flow in ("customers", "products", "order_status", "orders"):
        site.ask("flows", "schedule", flow, "every 1 s")
    site.ask("flows", "pause", "products")
    process = site.start()
    until(site.loaded, "companies")
    until(lambda: len(runs_of(site, "customers")) >= 3, "three passes")
    assert runs_of(site, "products") == []
    site.ask("flows", "resume", "products")
    site.once_loaded()
    assert site.end(process) == 0


def runs_of(site: Site, flow: str) -> list[Any]:
    return [row for row in site.ask("runs", "list")["runs"] if row["flow"] == flow]
