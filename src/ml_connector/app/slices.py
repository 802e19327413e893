"""One slice of one request: what was asked for, until it is done or its time is over."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector import telemetry
from ml_connector.app import chosen
from ml_connector.app.asking import kind_of
from ml_connector.app.flows import order_flow
from ml_connector.app.replay import replay
from ml_connector.app.sync import sync
from ml_connector.domain.priority import Priority, priority
from ml_connector.domain.records import Counters, Result
from ml_connector.engine import inbox
from ml_connector.engine.process_runs import told_processes
from ml_connector.engine.runs import PAUSES
from ml_connector.errors import ConnectorError
from ml_connector.store import flows, requests

if TYPE_CHECKING:
    from ml_connector.app.workplace import Workplace
    from ml_connector.engine.inbox import Taken
    from ml_connector.engine.runs import RunReport
    from ml_connector.store.requests import Request

ORDERS = "orders"
HINTS = 100  # records that one look reads
AFTER_A_FAILURE = timedelta(minutes=1)
PATIENT = ("poll", "events")  # nobody waits for these: what fails is tried again by the next


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a slice came to: its figures, and the error that ended it; ``more`` when the next one goes on."""

    figures: dict[str, Any]
    message: str = ""
    error: ConnectorError | None = None
    more: bool = False


async def run_slice(place: Workplace, request_id: str, number: int, worker: str) -> None:
    """Do one slice and store how the request stands; one that is over already is left alone."""
    cid = place.connection.connection_id
    async with place.store.write() as tx:
        request = await requests.take(tx, cid, request_id, number, worker)
    if request is None:
        return
    await place.notice_new_credentials()
    try:
        place.started_by = request.asked_by  # who asked stands in every entry of the audit
        outcome = await _work(place, request)
    except ConnectorError as error:
        outcome = Outcome(figures={}, message=error.message, error=error)
    _tell(request.flow, outcome.figures)
    figures = _together(request.figures, outcome.figures)
    async with place.store.write() as tx:
        if outcome.more:
            await requests.goes_on(tx, cid, request, tx.now, figures, outcome.message)
        elif outcome.error is None:
            await requests.end(tx, cid, request_id, "done", figures, outcome.message)
        else:
            stopped = outcome.error
            figures["stopped_by"] = {"kind": kind_of(stopped), "hint": stopped.hint}
            await requests.end(tx, cid, request_id, "failed", figures, stopped.message, stopped.code)
            await _pause(place, tx, request, stopped)


def _tell(flow: str, figures: dict[str, Any]) -> None:
    """The figures of one slice, for those who watch the process."""
    for result in Result:
        if by := figures.get(result.value, 0):
            telemetry.count("mlc_records_total", by, flow=flow, outcome=result.value)


async def _work(place: Workplace, request: Request) -> Outcome:
    what = request.what
    if request.kind == "replay":
        results = await replay(place, what["ids"])
        return Outcome({"results": [asdict(result) for result in results]})
    if request.kind == "events":
        return await _hints(place, request.flow)
    if first := what.get("first"):
        return _of_report(
            await chosen.sync_first(place, request.flow, first, accept_new=bool(what.get("accept_new")))
        )
    if keys := what.get("keys"):
        return _of_report(
            await chosen.sync_keys(place, request.flow, keys, accept_new=bool(what.get("accept_new")))
        )
    [report] = await sync(
        place, [request.flow], accept_new=bool(what.get("accept_new")), full=bool(what.get("full"))
    )
    return _of_report(report)


async def _hints(place: Workplace, flow: str) -> Outcome:
    """Look at the records that events named; where one names none, make a pass. What could not be read stays due."""
    taken = await inbox.take(place.engine, flow, HINTS)
    if not taken:
        return Outcome({})
    try:
        report = await _look(place, taken)
    except ConnectorError:
        await inbox.put_back(place.engine, taken, after=AFTER_A_FAILURE)
        raise
    if report.error is not None:
        await inbox.put_back(place.engine, taken, after=AFTER_A_FAILURE)
        return _of_report(report)
    await inbox.done(place.engine, taken)
    left = (await inbox.open_hints(place.engine)).get(flow, 0)
    return replace(_of_report(report), more=bool(left))


async def _look(place: Workplace, taken: Taken) -> RunReport:
    if taken.whole:
        [report] = await sync(place, [taken.flow])
        if report.error is not None or not taken.keys:
            return report
    if taken.flow == ORDERS:
        with priority(Priority.ORDERS):
            return await told_processes(await order_flow(place), place.engine, taken.keys, place.traffic)
    with priority(Priority.EVENTS):
        return await chosen.sync_keys(place, taken.flow, taken.keys)


def _of_report(report: RunReport) -> Outcome:
    said = report.reading.sentence if report.reading else ""
    return Outcome(asdict(report.counters), said, report.error, report.more)


def _together(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The figures of several slices as one: counters add up, anything else is that of the last."""
    together = {**before, **now}
    for field in fields(Counters):
        earlier, later = before.get(field.name), now.get(field.name)
        if isinstance(earlier, dict) and isinstance(later, dict):
            together[field.name] = {
                side: earlier.get(side, 0) + later.get(side, 0) for side in earlier | later
            }
        elif earlier is not None and later is not None:
            together[field.name] = earlier + later
    return together


async def _pause(place: Workplace, tx: Any, request: Request, error: ConnectorError) -> None:
    """A flow that could not even begin is paused by the causes that pause one that has begun."""
    cid = place.connection.connection_id
    row = await flows.get(tx, cid, request.flow)
    if request.kind in PATIENT and isinstance(error, PAUSES) and row.is_on:
        await flows.put(tx, cid, replace(row, state="paused", paused_reason=error.message))
