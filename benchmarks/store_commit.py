"""How long the record flow's transaction takes: a batch of 100 records, stored whole.

    python benchmarks/store_commit.py [--url URL] [--batches N]

One transaction = 100 links upserted, 100 audit rows and their chain link, the batch's call finished, the next one
intended, progress saved. Without --url: SQLite in the current folder, first with every commit safe on the disk (as
in production, rollback journal or WAL as this SQLite allows), then with synchronous=OFF, which leaves our own share.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.domain.clock import Surroundings
from ml_connector.store import audit, calls, connections, engines, links, progress
from ml_connector.store.database import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = 100
WRITTEN = (
    b'{"name":"Northwind Bearings 000000","city":"Rotterdam","phone":"+31101234567","zip":"3011 AA"}' * 4
)


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - a benchmark runs in real time

    def elapsed_s(self) -> float:
        return time.monotonic()


def surroundings() -> Surroundings:
    numbers: Iterator[int] = itertools.count(1)
    return Surroundings(
        clock=WallClock(),
        rng=random.Random(1),  # noqa: S311 - a benchmark
        new_id=lambda: f"{next(numbers):026}",
        random_bytes=os.urandom,  # noqa: TID251 - a benchmark
    )


def batch(number: int) -> tuple[list[links.Link], list[audit.Entry]]:
    keys = [f"usmf:US-{number * RECORDS + place:06}" for place in range(RECORDS)]
    fingerprint = number.to_bytes(16)
    made = [
        links.Link("customers", key, "companies", f"9{key[-6:]}", fingerprint, fingerprint, 1, 1, WRITTEN)
        for key in keys
    ]
    story = {"before": {"name": ""}, "after": {"name": "Northwind Bearings"}, "status": 201}
    entries = [
        audit.Entry("created", "customers", key, story, "run-1", operation_id="call-1", mapping_version=1)
        for key in keys
    ]
    return made, entries


async def commit(
    store: Store, connection_id: int, number: int, made: list[links.Link], entries: list[audit.Entry]
) -> None:
    async with store.write() as tx:
        await links.put(tx, connection_id, made)
        await audit.append(tx, connection_id, entries)
        if number:
            await calls.finish(tx, connection_id, calls.Ended(f"call-{number}", "done", 201, "correlation"))
        keys = [link.key for link in made]
        call = calls.Call(f"call-{number + 1}", "run-1", "hubspot", "companies/batch/upsert", bytes(32), keys)
        await calls.intend(tx, connection_id, call)
        at = progress.Progress("customers", "run-1", f"after-{number}", pages=number)
        await progress.save(tx, connection_id, at)


async def measure(store: Store, batches: int) -> None:
    async with store.write() as tx:
        connection_id = (await connections.get_or_create(tx, "default")).connection_id
    figures, busy = [], []
    for number in range(batches):
        made, entries = batch(number)
        started, processor = time.perf_counter(), time.process_time()
        await commit(store, connection_id, number, made, entries)
        figures.append((time.perf_counter() - started) * 1000)
        busy.append((time.process_time() - processor) * 1000)
    print(
        f"  batch of {RECORDS}: median {statistics.median(figures):.2f} ms, "
        f"95 % {sorted(figures)[batches * 95 // 100]:.2f} ms, processor {statistics.median(busy):.2f} ms"
    )
    await measure_heads(store, connection_id)


async def measure_heads(store: Store, connection_id: int) -> None:
    keys = [f"usmf:US-{number:06}" for number in range(1000)]
    figures = []
    for _ in range(30):
        async with store.read() as tx:
            started = time.perf_counter()
            found = await links.heads(tx, connection_id, "customers", keys)
            figures.append((time.perf_counter() - started) * 1000)
    print(f"  heads of 1,000 keys ({len(found)} found): median {statistics.median(figures):.2f} ms")
    async with store.read() as tx:
        started = time.perf_counter()
        result = await audit.verify(tx, connection_id)
        print(f"  verify: {result.sentence} {result.rows / (time.perf_counter() - started):,.0f} rows/s")


async def run(url: str, batches: int, *, unsafe: bool) -> None:
    store = await Store.open(url, around=surroundings(), migrate=True)
    if unsafe:
        async with (
            store.write() as tx
        ):  # takes effect behind this transaction, on the only writing connection
            await tx.connection.exec_driver_sql("COMMIT")
            await tx.connection.exec_driver_sql("PRAGMA synchronous=OFF")
    try:
        await measure(store, batches)
    finally:
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--batches", type=int, default=200)
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
    if arguments.url:
        print(arguments.url.partition(":")[0])
        asyncio.run(run(arguments.url, arguments.batches, unsafe=False))
        return
    for unsafe in (False, True):
        journal = engines.journal_mode(sqlite3.sqlite_version_info)
        print(f"sqlite, journal_mode={journal}, synchronous={'OFF' if unsafe else 'FULL'}")
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            asyncio.run(run(f"sqlite:///{folder}/store.db", arguments.batches, unsafe=unsafe))


if __name__ == "__main__":
    main()
