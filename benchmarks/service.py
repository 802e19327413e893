"""How long changes take through ``serve``: a won deal to its order, a customer to HubSpot; and what idling costs.

    python -m benchmarks.service [--deals 30] [--customers 30] [--every 60] [--idle 60] [--by event,poll] [--workers 1]

By event with polls hours away, then by polls alone. Times are those of the twins' write log. With ``MLC_DATABASE_URL``
set to a PostgreSQL database, several processes may serve.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from benchmarks.commands import COMMAND, SETTINGS, connected, one_sync, twins
from benchmarks.orders import control, is_ready, listed, quote_all, won_stages

from ml_connector.app.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLOWS = ("customers", "products", "orders")
EVENT = "CustomerChanged"
PATIENCE_S = 90.0
rest = threading.Event().wait


def said(environment: Mapping[str, str], *words: str) -> Any:
    """The JSON answer of a command."""
    done = subprocess.run([*COMMAND, *words, "--json"], env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


@contextmanager
def served(environment: Mapping[str, str], ports: list[int]) -> Iterator[list[psutil.Process]]:
    """So many processes that serve."""
    processes = []
    for port in ports:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", str(port)], env=environment, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        line = process.stderr.readline()
        if not line.startswith(b"Serving"):
            raise SystemExit(line.decode())
        processes.append(process)
    try:
        yield [psutil.Process(process.pid) for process in processes]
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.communicate(timeout=60)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def edit(twin: Mapping[str, Any], key: str, city: str) -> None:
    """A clerk moves a customer to another city."""
    body = {"of": "CustomersV3", "key": key, "fields": {"AddressCity": city}}
    url = f"{twin['dynamics_url']}/__twin__/state"
    request = urllib.request.Request(url, json.dumps(body).encode(), method="PATCH")  # noqa: S310 - the twin of this benchmark
    urllib.request.urlopen(request).close()  # noqa: S310 - the same


def seen_at(twin: Mapping[str, Any], after: int, marks: Mapping[str, str]) -> dict[str, float]:
    """When each mark was first written by the connector: a city to HubSpot, a deal's reference to F&O."""
    found: dict[str, float] = {}
    for row in control(twin, f"writes?after={after}"):
        body = json.dumps(row["body"])
        for name, mark in marks.items():
            if name not in found and mark in body and row["method"] == "POST":
                found[name] = datetime.fromisoformat(row["at"]).timestamp()
    return found


def measure(twin: Mapping[str, Any], begin: Any, marks: Mapping[str, str], pause_s: float) -> list[float]:
    """Begin one change after the other; the seconds each took."""
    chance = random.Random(5)  # noqa: S311 - repeatable on purpose
    rows = control(twin, "writes?after=0")
    after, began = (rows[-1]["seq"] if rows else 0), {}
    for name in marks:
        began[name] = SystemClock().now().timestamp()
        begin(name)
        rest(chance.uniform(0.5, 1.5) * pause_s)
    give_up_at = time.monotonic() + PATIENCE_S
    while len(found := seen_at(twin, after, marks)) < len(marks) and time.monotonic() < give_up_at:
        rest(1)
    missing = len(marks) - len(found)
    if missing:
        print(f"  {missing} of {len(marks)} never came", flush=True)
    return [found[name] - began[name] for name in found]


def marks_of(twin: Mapping[str, Any], deals: list[str]) -> dict[str, str]:
    """What the order of each deal refers to."""
    return {deal: f'HS-{twin["portal_id"]}-{deal}"' for deal in deals}


def show(name: str, seconds: list[float]) -> None:
    """One line."""
    if not seconds:
        return
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(
        f"{name:44} {len(ordered):4} p50 {statistics.median(ordered):6.2f} s  p95 {p95:6.2f} s"
        f"  most {ordered[-1]:6.2f} s",
        flush=True,
    )


def idle(processes: list[psutil.Process], seconds: float) -> None:
    """What doing nothing costs."""
    before = [sum(each.cpu_times()[:2]) for each in processes]
    rest(seconds)
    used = [sum(each.cpu_times()[:2]) - was for each, was in zip(processes, before, strict=True)]
    for each, cpu in zip(processes, used, strict=True):
        rss = each.memory_info().rss / 2**20
        print(
            f"idle, polls included {100 * cpu / seconds:5.2f} % of a core, {rss:5.0f} MiB resident",
            flush=True,
        )


def main() -> int:
    """Measure by event, then by polls."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--deals", type=int, default=30)
    parser.add_argument("--customers", type=int, default=30)
    parser.add_argument("--every", type=int, default=60, help="seconds between two polls")
    parser.add_argument("--idle", type=float, default=60, help="seconds to look at a process at rest")
    parser.add_argument("--by", default="event,poll")
    parser.add_argument("--pause", type=float, default=8.0, help="seconds between two won deals, by event")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    world = {"customers": 1_000, "contacts_per_customer": 0, "products": 200, "deals": 2 * options.deals + 40}
    orders = {"release": "automatic", "quiet_minutes": 0, "most_in_an_hour": 100_000}
    with tempfile.TemporaryDirectory() as folder, twins(SETTINGS[0], **world) as twin:
        ports = [free_port() for _ in range(options.workers)]
        home = Path(folder) / "home"
        more = {
            "MLC_ORDERS": json.dumps(orders),
            "MLC_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
            "MLC_HUBSPOT_CLIENT_SECRET": control(twin, "webhooks")["secret"],
            "MLC_EVENTS": json.dumps(
                {"dynamics": {EVENT: {"flow": "customers", "entity_set": "CustomersV3", "key": "Account"}}}
            ),
        }
        if url := os.environ.get("MLC_DATABASE_URL"):
            more["MLC_DATABASE_URL"] = url
        environment = connected(home, twin, FLOWS, **more)
        one_sync(environment, FLOWS)
        found = (deal for deal in quote_all(twin) if is_ready(environment, deal))
        ready = list(itertools.islice(found, 2 * options.deals))
        won, pipelines = (
            won_stages(twin),
            {str(deal["id"]): deal["properties"]["pipeline"] for deal in listed(twin, "deals")},
        )
        keys = [
            f"{row['dataAreaId']}:{row['CustomerAccount']}"
            for row in listed({**twin, "hubspot_url": twin["dynamics_url"]}, "CustomersV3")
            if row["PartyType"] == "Organization"
        ][: 2 * options.customers]

        def win(deal: str) -> None:
            control(twin, f"deals/{deal}/stage", {"stage": won[pipelines[deal]]})

        def move(key: str) -> None:
            edit(twin, key, f"Town {key} {move.round}")  # type: ignore[attr-defined]  # set below

        for by in options.by.split(","):
            every = "every 10 hours" if by == "event" else f"every {options.every} s"
            for flow in FLOWS:
                said(environment, "flows", "schedule", flow, every)
            with served(environment, ports) as processes:
                if by == "event":
                    urls = said(environment, "events", "endpoint")
                    control(
                        twin, "webhooks", {"url": urls["hubspot"]["url"], "types": ["deal.propertyChange"]}
                    )
                    told = {"url": urls["dynamics"]["url"], "events": [{"id": EVENT, "set": "CustomersV3"}]}
                    control(twin, "business-events", told)
                    pause_s, deals, moved = options.pause, ready[: len(ready) // 2], keys[: len(keys) // 2]
                else:
                    for path in ("webhooks", "business-events"):
                        request = urllib.request.Request(  # noqa: S310 - the twin of this benchmark
                            f"{twin['hubspot_url']}/__twin__/{path}", method="DELETE"
                        )
                        urllib.request.urlopen(request).close()  # noqa: S310 - the same
                    pause_s, deals, moved = 4.0, ready[len(ready) // 2 :], keys[len(keys) // 2 :]
                move.round = by  # type: ignore[attr-defined]  # a word that makes each city new
                waits = f"by {by}" if by == "event" else f"by polls every {options.every} s"
                show(f"deal won to order, {waits}", measure(twin, win, marks_of(twin, deals), pause_s))
                marks = {key: f"Town {key} {by}" for key in moved}
                show(f"customer to HubSpot, {waits}", measure(twin, move, marks, pause_s))
                idle(processes, options.idle)
    return 0


if __name__ == "__main__":
    sys.exit(main())
