"""Schedules into requests: each time once, whoever else looks at the same moment; nothing twice in the queue."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ml_connector.domain.schedule import next_run, schedule_of
from ml_connector.engine import inbox
from ml_connector.store import flows, requests, schedules
from ml_connector.store.requests import Request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from ml_connector.domain.schedule import Schedule
    from ml_connector.engine.context import Engine
    from ml_connector.store.database import Tx
    from ml_connector.store.requests import RequestKind
    from ml_connector.store.schedules import ScheduleRow

SCHEDULED, EVENTS = "schedule", "events"
UNLOADED = frozenset({"orders"})  # flows that have no first load


class Rank(IntEnum):
    """Who goes first in a queue, for a while; the smaller number."""

    PERSON = 1
    EVENT = 2
    POLL = 3


def schedule_in_force(row: ScheduleRow, default: str) -> Schedule:
    """The flow's own schedule, or the default rule with the zone and quiet hours it was given."""
    return schedule_of(row.rule or default, time_zone=row.time_zone, quiet=row.quiet)


async def file_due(engine: Engine, defaults: Mapping[str, str]) -> list[Request]:
    """File a poll for each flow whose time has come.

    Args:
        engine: Of which connection.
        defaults: The rule of each flow that has none of its own.

    Returns:
        What was filed now: nothing for a flow whose last poll is not over yet.
    """
    cid, now = engine.connection_id, engine.around.clock.now()
    async with engine.store.read() as tx:
        stored = await schedules.all(tx, cid)
        on = [row.flow for row in await flows.all(tx, cid) if row.is_on]
    filed: list[Request] = []
    for flow in defaults:
        row = stored.get(flow)
        if flow in on and (row is None or _is_due(row, now)):
            filed += await _file_poll(engine, flow, defaults[flow])
    return filed


async def file_hints(engine: Engine, names: Collection[str]) -> list[Request]:
    """File a look at what events hint at, for each flow that has hints and nobody who looks at them yet.

    A flow that is paused, or has no first load behind it, leaves its hints where they are: nothing is lost by waiting.
    """
    cid, now = engine.connection_id, engine.around.clock.now()
    hints = await inbox.open_hints(engine)
    if not hints:
        return []
    async with engine.store.read() as tx:
        rows = {row.flow: row for row in await flows.all(tx, cid)}
        stored = await schedules.all(tx, cid)
    filed: list[Request] = []
    for flow in names:
        row, planned = rows.get(flow), stored.get(flow)
        if flow not in hints or row is None or not row.is_on or not (row.loaded or flow in UNLOADED):
            continue
        if planned is None or not planned.is_paused(now):
            filed += await _file_look(engine, flow)
    return filed


async def _file_look(engine: Engine, flow: str) -> list[Request]:
    async with engine.store.write() as tx:
        await schedules.touch(tx, engine.connection_id, flow)
        await schedules.get(tx, engine.connection_id, flow, for_update=True)  # one process at a time decides
        if any(one.kind == "events" for one in await requests.open_of(tx, engine.connection_id, flow)):
            return []
        return [await file(engine, tx, flow, "events", by=EVENTS, rank=Rank.EVENT)]


def _is_due(row: ScheduleRow, now: datetime) -> bool:
    return not row.is_paused(now) and (row.next_at is None or row.next_at <= now)


async def _file_poll(engine: Engine, flow: str, default: str) -> list[Request]:
    cid = engine.connection_id
    async with engine.store.write() as tx:
        await schedules.touch(tx, cid, flow)  # there is a row to lock now
        row = await schedules.get(tx, cid, flow, for_update=True)
        if not _is_due(row, tx.now):  # another process was quicker
            return []
        at = next_run(schedule_in_force(row, default), tx.now)
        await schedules.put(tx, cid, replace(row, next_at=at, paused_until=None, paused_by=""))
        under_way = [one for one in await requests.open_of(tx, cid, flow) if one.kind == "poll"]
        if under_way:
            return []
        return [await file(engine, tx, flow, "poll", by=SCHEDULED, rank=Rank.POLL)]


async def file(
    engine: Engine,
    tx: Tx,
    flow: str,
    kind: RequestKind,
    *,
    by: str,
    rank: Rank,
    what: Mapping[str, Any] | None = None,
) -> Request:
    """Store a request that is due at once."""
    request = Request(
        request_id=engine.around.new_id(),
        flow=flow,
        kind=kind,
        asked_at=tx.now,
        due_at=tx.now,
        asked_by=by,
        priority=int(rank),
        what=dict(what or {}),
    )
    await requests.file(tx, engine.connection_id, request)
    return request
