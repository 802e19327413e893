"""Signed webhooks at a steady rate against the running door: share taken, time until the answer.

    python -m benchmarks.events [--rate 300] [--seconds 60] [--deals 5000] [--postgresql URL]

The door is a process of its own with a database on disk. Requests start by the clock, whether those before them are
answered or not; each brings one event, about a deal drawn from so many. One event in ten is a copy of an earlier one.
Nobody reads the hints, so that all of them stay open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from ml_connector.app.event_secrets import keep_signing_secret
from ml_connector.app.home import init
from ml_connector.app.intake import Intake
from ml_connector.app.system import surroundings
from ml_connector.app.workplace import open_workplace
from ml_connector.console.server import create_app, create_server
from ml_connector.settings import load_settings
from ml_connector.store import connections, flows, inbox
from ml_connector.telemetry import setup_logging
from ml_connector.twin.hubspot.signatures import sign_v3

SECRET, PUBLIC, PORTAL = "bench-secret", "https://connector.example", 4711
HOOK = "/hooks/hubspot/default"
CONNECTIONS = 40
COPIES = 0.1


async def serve() -> None:
    """The door, until its standard input ends."""
    settings, around = load_settings(public_url=PUBLIC), surroundings()
    async with open_workplace(settings, around, started_by="bench") as place:
        server = create_server(
            create_app(Intake(settings, place.store, place.vault, around)), host="127.0.0.1", port=0
        )
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        print(server.servers[0].sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.should_exit = True
        await serving


async def prepare() -> None:
    """A connected portal with its secret, and the flow that reads deals."""
    settings, around = load_settings(), surroundings()
    await init(settings, around)
    async with open_workplace(settings, around, started_by="bench") as place:
        async with place.store.write() as tx:
            cid = place.connection.connection_id
            side = connections.SideRow("hubspot", {}, str(PORTAL), {}, tx.now)
            await connections.put_side(tx, cid, side, {}, place.vault)
            await flows.put(tx, cid, flows.FlowRow("orders", "on"))
        await keep_signing_secret(place, SECRET)


def bodies(number: int, deals: int) -> list[bytes]:
    chance = random.Random(1)  # noqa: S311 - repeatable on purpose
    made: list[bytes] = []
    for event in range(number):
        if made and chance.random() < COPIES:
            made.append(chance.choice(made))
            continue
        told: dict[str, Any] = {
            "eventId": event, "subscriptionId": 25, "portalId": PORTAL, "appId": 1,
            "occurredAt": 1_772_442_000_000 + event,
            "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": chance.randrange(deals) + 1,
            "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "CRM_UI", "sourceId": "userId:1",
        }  # fmt: skip
        made.append(json.dumps([told]).encode())
    return made


async def fire(url: str, rate: int, seconds: int, deals: int) -> list[tuple[int, float]]:
    """Status and seconds of every request."""
    results: list[tuple[int, float]] = []
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx2.AsyncClient(limits=limits, timeout=10) as client:

        async def one(body: bytes) -> None:
            stamp = str(int(time.time() * 1000))  # noqa: TID251 - as HubSpot stamps it
            signature = sign_v3(SECRET, "POST", PUBLIC + HOOK, body, stamp)
            headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
            began = time.perf_counter()
            answer = await client.post(url, content=body, headers=headers)
            results.append((answer.status_code, time.perf_counter() - began))

        async with asyncio.TaskGroup() as group:
            start = time.perf_counter()
            for number, body in enumerate(bodies(rate * seconds, deals)):
                wait = start + number / rate - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
                group.create_task(one(body))
    return results


async def outcomes() -> dict[str, int]:
    settings, around = load_settings(), surroundings()
    async with open_workplace(settings, around, started_by="bench") as place, place.store.read() as tx:
        cid = place.connection.connection_id
        found = await inbox.summary(tx, cid, around.clock.now().replace(hour=0, minute=0))
        return {**found, "open": await inbox.count_open(tx, cid)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--deals", type=int, default=5000)
    parser.add_argument("--postgresql", default="")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    setup_logging("ERROR")
    if given.serve:
        asyncio.run(serve())
        return
    with tempfile.TemporaryDirectory(prefix="mlc-bench-", dir=Path.cwd()) as home:
        os.environ |= {"MLC_HOME": home, "MLC_DATABASE_URL": given.postgresql}
        asyncio.run(prepare())
        command = [sys.executable, "-m", "benchmarks.events", "--serve"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as door:
            assert door.stdout is not None
            url = f"http://127.0.0.1:{int(door.stdout.readline())}{HOOK}"
            began = time.perf_counter()
            results = asyncio.run(fire(url, given.rate, given.seconds, given.deals))
            took = time.perf_counter() - began
            door.communicate("")
        stored = asyncio.run(outcomes())
    times = sorted(seconds for _, seconds in results)
    taken = sum(status == 200 for status, _ in results)
    print(f"{len(results)} requests in {took:.1f} s, {taken / len(results):.2%} taken")
    print(f"until the answer: p50 {times[len(times) // 2] * 1000:.0f} ms, ", end="")
    print(f"p99 {times[len(times) * 99 // 100] * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms")
    print(", ".join(f"{name} {number}" for name, number in stored.items()))


if __name__ == "__main__":
    main()
