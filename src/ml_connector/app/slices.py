"""One slice of one request: what was asked for, until it is done or its time is over."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ml_connector.app import chosen
from ml_connector.app.asking import kind_of
from ml_connector.app.flows import order_flow
from ml_connector.app.replay import replay
from ml_connector.app.sync import sync
from ml_connector.domain.records import Counters
from ml_connector.engine.process_runs import replay_process
from ml_connector.engine.runs import PAUSES
from ml_connector.errors import ConnectorError, RetryableError
from ml_connector.store import flows, requests

if TYPE_CHECKING:
    from ml_connector.app.workplace import Workplace
    from ml_connector.engine.runs import RunReport
    from ml_connector.store.requests import Request

ORDERS = "orders"
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


async def _work(place: Workplace, request: Request) -> Outcome:
    what = request.what
    if request.kind == "replay":
        results = await replay(place, what["ids"])
        return Outcome({"results": [asdict(result) for result in results]})
    if request.kind == "events" and request.flow == ORDERS:
        return await _deals(place, what["keys"])
    if request.kind == "events":
        return _of_report(await chosen.sync_keys(place, request.flow, what["keys"]))
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


async def _deals(place: Workplace, keys: list[str]) -> Outcome:
    """Look at these deals now; one that is not won, or is gone, is no failure."""
    flow = await order_flow(place)
    states: dict[str, int] = {}
    for key in keys:
        try:
            process = await replay_process(flow, place.engine, key)
        except RetryableError:
            raise
        except ConnectorError as error:
            if isinstance(error, PAUSES):
                raise
            states["ignored"] = states.get("ignored", 0) + 1
        else:
            states[process.state] = states.get(process.state, 0) + 1
    return Outcome({"deals": states})


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
