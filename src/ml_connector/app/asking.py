"""Where a process serves: ask it for work and follow what becomes of it, instead of working beside it."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ml_connector.app.flow_switch import FLOW_NAMES
from ml_connector.app.replay import ReplayResult, named
from ml_connector.domain.records import Counters
from ml_connector.engine.dispatch import Rank, file
from ml_connector.engine.runs import RunReport
from ml_connector.errors import (
    AccessError,
    ConfigurationError,
    ConnectorError,
    RetryableError,
    UnavailableError,
)
from ml_connector.store import requests, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.requests import Request, RequestKind

LOOK_S = 0.3
KINDS: dict[str, type[ConnectorError]] = {
    "access": AccessError, "retry": RetryableError, "configuration": ConfigurationError
}  # fmt: skip


def kind_of(error: ConnectorError) -> str:
    """What is kept of an error's class: what the exit code of a command goes by."""
    return next((kind for kind, each in KINDS.items() if isinstance(error, each)), "")


async def who_serves(place: Workplace) -> str:
    """The process that serves this database, by host and number; empty when none does."""
    of_file = workers.serves_file(place.settings.database)
    if of_file is not None:
        return of_file
    async with place.store.read() as tx:
        rows = await workers.all(tx)
    for row in rows:
        async with place.store.read() as tx:
            if await workers.lives(tx, row):
                return row.name
    return ""


async def ask(place: Workplace, flow: str, kind: RequestKind, what: Mapping[str, Any]) -> Request:
    """File a request in the name of whoever works here, and follow it to its end.

    Raises:
        UnavailableError: nobody serves any more; the request stays and is done by the next process that serves.
    """
    async with place.store.write() as tx:
        filed = await file(place.engine, tx, flow, kind, by=place.started_by, rank=Rank.PERSON, what=what)
    cid, clock = place.connection.connection_id, place.around.clock
    looked_at = clock.elapsed_s()
    while True:
        async with place.store.read() as tx:
            request = await requests.get(tx, cid, filed.request_id)
        if request is None or request.ended_at is not None:
            return request or filed
        if clock.elapsed_s() - looked_at > 10 * LOOK_S:
            looked_at = clock.elapsed_s()
            if not await who_serves(place):
                raise UnavailableError(
                    "The process that served has ended. What was asked for is kept.",
                    code="serve.ended",
                    hint="The next ml-connector serve does it.",
                )
        await asyncio.sleep(LOOK_S)


async def ask_sync(
    place: Workplace,
    names: Sequence[str],
    what: Mapping[str, Any],
    *,
    on_progress: Callable[[str, Counters], None] | None = None,
) -> list[RunReport]:
    """A pass over these flows by the process that serves, one after the other in their own order."""
    reports: list[RunReport] = []
    for name in FLOW_NAMES:
        if name not in names:
            continue
        if on_progress is not None:
            on_progress(name, Counters())
        report = report_of(await ask(place, name, "sync", what))
        reports.append(report)
        if isinstance(report.error, AccessError | RetryableError):
            break
    return reports


def report_of(request: Request) -> RunReport:
    """A request that has ended as the report of one run."""
    names = {each.name for each in fields(Counters)}
    counters = Counters(**{name: value for name, value in request.figures.items() if name in names})
    error = None
    if request.state == "failed":
        stopped = request.figures.get("stopped_by", {})
        kind = KINDS.get(stopped.get("kind", ""), ConnectorError)
        error = kind(request.message, code=request.cause, hint=stopped.get("hint", ""))
    return RunReport(request.request_id, request.flow, counters, error)


async def ask_replay(place: Workplace, ids: Sequence[str]) -> list[ReplayResult]:
    """These records through the same door again, by the process that serves.

    Raises:
        ConnectorError: what stopped it.
    """
    names = await named(place, ids)
    results: list[ReplayResult] = []
    for flow in dict.fromkeys(name.flow for name in names):
        noun = "deals" if flow == "orders" else flow
        asked = [f"{noun}/{name.key}" for name in names if name.flow == flow]
        request = await ask(place, flow, "replay", {"ids": asked})
        if (error := report_of(request).error) is not None:
            raise error
        results += [ReplayResult(**each) for each in request.figures.get("results", ())]
    return results
