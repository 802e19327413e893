"""A sync killed at random moments and run again: what is read twice, sent twice, made twice.

    python -m benchmarks.resume [--customers 10000] [--kills 10] [--seed 1] [--page-size 1000]

Twins and judge are this process, the connector is the installed command in one of its own, killed with SIGKILL. The
first load streams its pages, the crawl after a hundredth of the customers has changed goes through its stage. What the
twins saw decides: a page asked for twice was read again, a batch whose bytes came twice was sent again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands import COMMAND, environment_of, first_words

from ml_connector.app.system import surroundings
from ml_connector.twin.launch import TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ml_connector.twin.launch import RunningTwins
    from ml_connector.twin.wire import Request

FLOW = "customers"
READ_SET = "/CustomersV3"
WRITING = ("/batch/upsert", "/batch/update", "/batch/create")
RECORDED = ("done", "refused")
READ_AHEAD = 8  # pages of a streaming load that may be read again
OBJECT_TYPE, KEY = "companies", "d365_customer_key"


@dataclass(slots=True)
class Seen:
    """What the twins were asked since it was cleared."""

    pages: Counter[str] = field(default_factory=Counter)
    batches: int = 0

    def listen(self, _side: str, request: Request, _at: datetime) -> None:
        """One request."""
        path = request.target.partition("?")[0]
        if request.method == "GET" and path.endswith(READ_SET) and "%24top" not in request.target:
            self.pages[request.target] += 1
        elif path.endswith(WRITING):
            self.batches += 1

    def clear(self) -> None:
        """Begin anew."""
        self.pages.clear()
        self.batches = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one death cost."""

    killed: bool
    after_s: float
    at_death: int  # batches that had come
    batches: int  # that came in both runs
    pages_again: int
    journal: Journal
    second_records: int
    later: int  # batches of a third run

    @property
    def told(self) -> str:
        """One line."""
        journal = self.journal
        return (
            f"{'killed' if self.killed else 'ended'} after {self.after_s:5.2f} s at batch {self.at_death:>3} of"
            f" {self.batches:>3}: {self.pages_again} pages read again, {journal.sent_again} records sent again"
            f" ({journal.recorded_again} of them with an outcome on record) by {journal.repeated} calls marked as"
            f" repeated, {journal.open} left open; second records {self.second_records}, batches of the run after"
            f" {self.later}"
        )

    def is_right(self, *, most_pages: int) -> bool:
        """Whether it cost no more than is promised."""
        lost = self.journal.recorded_again + self.journal.open + self.second_records + self.later
        return not self.killed or (not lost and self.pages_again <= most_pages)


async def run(environment: Mapping[str, str], *words: str, kill_after_s: float = 0.0) -> tuple[int, float]:
    """The command with these words, killed after a time where one is given; exit status and seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        env=dict(environment),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await asyncio.wait_for(process.wait(), kill_after_s or None)
    except TimeoutError:
        process.kill()
        await process.wait()
    return process.returncode or 0, loop.time() - began


@dataclass(frozen=True, slots=True)
class Journal:
    """What the journal says of the calls of one run and the next."""

    sent_again: int  # records in more than one call
    recorded_again: int  # of them, with an outcome on record when they were sent again
    repeated: int  # calls of which it says that they were made again
    open: int  # calls without an outcome


def calls_of(database: Path) -> list[tuple[list[str], str | None]]:
    """Keys and outcome of each call that writes records, as the journal has them."""
    statement = "SELECT keys, outcome FROM mlc_call WHERE resource LIKE 'companies.%' ORDER BY intended_at"
    with closing(sqlite3.connect(database)) as db:
        return [(json.loads(keys), outcome) for keys, outcome in db.execute(statement)]


def has_ended(database: Path) -> bool:
    """Whether a run has nothing left to do: what follows is a new one, and reads everything again by right."""
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT complete, details FROM mlc_progress WHERE flow = ?", (FLOW,)).fetchall()
    return any(complete and json.loads(details).get("phase", "done") == "done" for complete, details in rows)


def judged(rows: Sequence[tuple[list[str], str | None]]) -> Journal:
    """What calls, in their order, say about each other."""
    known: dict[str, str | None] = {}
    again = recorded = 0
    for keys, outcome in rows:
        for key in keys:
            again += key in known
            recorded += known.get(key) in RECORDED
            known[key] = outcome
    said = Counter(outcome for _, outcome in rows)
    return Journal(again, recorded, said["repeated"], said[None])


def second_records(twins: RunningTwins) -> int:
    """Records that carry a key another one carries too."""
    table = twins.pair.hubspot.portal.tables[OBJECT_TYPE]
    keys = Counter(key for record in table.all_live() if (key := record.properties.get(KEY)))
    return sum(count - 1 for count in keys.values())


async def one_kill(options: TwinOptions, kill_after_s: float, *, crawl: bool) -> Outcome:
    """One world: a run killed after so many seconds (0: never), run again, and once more."""
    around, seen = surroundings(), Seen()
    with tempfile.TemporaryDirectory() as folder:
        async with running_twins(
            options, clock=around.clock.now, rng=around.rng, new_id=around.new_id
        ) as twins:
            for shell in twins.pair.shells.values():
                shell.on_request.append(seen.listen)
            home = Path(folder) / "home"
            environment = environment_of(home, twins.announcement())
            for words in first_words([FLOW]):
                await run(environment, *words)
            if crawl:
                await run(environment, "sync", FLOW)
                move_some(twins)
            database = next(home.glob("*.db"))
            before = len(calls_of(database))
            seen.clear()
            status, after_s = await run(environment, "sync", FLOW, kill_after_s=kill_after_s)
            killed = status < 0 and not has_ended(database)
            at_death = seen.batches
            await run(environment, "sync", FLOW)
            return Outcome(
                killed=killed,
                after_s=after_s,
                at_death=at_death,
                batches=seen.batches,
                pages_again=seen.pages.total() - len(seen.pages),
                journal=judged(calls_of(database)[before:]),
                second_records=second_records(twins),
                later=await batches_of_one_more(environment, seen),
            )


async def batches_of_one_more(environment: Mapping[str, str], seen: Seen) -> int:
    """What a further run still writes."""
    seen.clear()
    await run(environment, "sync", FLOW)
    return seen.batches


def move_some(twins: RunningTwins) -> None:
    """A person moves every hundredth customer to another town."""
    rows, _ = twins.pair.records("CustomersV3", after=None, limit=1_000_000)
    for place, row in enumerate(rows[::100], start=1):
        key = f"{row['dataAreaId']}:{row['CustomerAccount']}"
        twins.pair.edit("CustomersV3", key, {"AddressCity": f"Newtown {place}"})


async def whole_run_s(options: TwinOptions, *, crawl: bool) -> float:
    """How long a run takes that nobody kills."""
    return (await one_kill(options, 0.0, crawl=crawl)).after_s


async def measure(arguments: argparse.Namespace) -> bool:
    """Kill both kinds of run so many times; whether nothing was made twice or sent again without need."""
    options = TwinOptions(
        customers=arguments.customers,
        products=10,
        rep=False,
        page_size=arguments.page_size,
        hubspot_limit=(0, 0),
    )
    rng = random.Random(arguments.seed)  # noqa: S311 - moments to kill at
    right = True
    for crawl in (False, True):
        name = "full crawl" if crawl else "first load"
        took = await whole_run_s(options, crawl=crawl)
        print(f"{name}: {took:.1f} s when nobody kills it", flush=True)
        for _ in range(arguments.kills):
            outcome = await one_kill(options, rng.uniform(0.2, 1.0) * took, crawl=crawl)
            print(f"  {outcome.told}", flush=True)
            right = outcome.is_right(most_pages=1 if crawl else READ_AHEAD) and right
    return right


def main() -> int:
    """Exit 1 when anything was made twice, sent again without need, or more was read again than is said."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10, help="of each kind of run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page-size", type=int, default=1_000)
    return 0 if asyncio.run(measure(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
