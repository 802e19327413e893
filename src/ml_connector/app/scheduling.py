"""When flows run by themselves: their schedules, a pause that a person makes, and how a flow goes on after it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.app.flow_switch import FLOW_NAMES, SWITCH, known_flow
from ml_connector.app.flows import order_flow
from ml_connector.domain.schedule import next_run, schedule_of
from ml_connector.engine.dispatch import schedule_in_force
from ml_connector.errors import ConfigurationError
from ml_connector.store import audit, flows, processes, progress, schedules
from ml_connector.store.schedules import OPEN_END

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.database import Tx
    from ml_connector.store.schedules import ScheduleRow

ORDERS = "orders"
DEFAULT_RULES = {
    "customers": "every 5 min",
    "contacts": "every 5 min",
    "products": "every 15 min",
    "orders": "every 1 min",
    "order_status": "every 5 min",
}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A flow's schedule as it is shown."""

    flow: str
    state: str
    rule: str
    time_zone: str
    quiet: str
    next_at: datetime | None
    paused_until: datetime | None
    paused_by: str


async def list_schedules(place: Workplace) -> list[Scheduled]:
    """Every flow with the schedule in force."""
    cid, now = place.connection.connection_id, place.around.clock.now()
    async with place.store.read() as tx:
        stored = await schedules.all(tx, cid)
        states = {row.flow: row.state for row in await flows.all(tx, cid)}
    rows = [stored.get(flow, schedules.ScheduleRow(flow)) for flow in FLOW_NAMES]
    return [_shown(row, states.get(row.flow, "off"), now) for row in rows]


def _shown(row: ScheduleRow, state: str, now: datetime) -> Scheduled:
    in_force = schedule_in_force(row, DEFAULT_RULES[row.flow])
    paused = row.paused_until if row.is_paused(now) else None
    return Scheduled(
        row.flow,
        state,
        in_force.rule,
        row.time_zone,
        row.quiet,
        None if state == "off" else row.next_at,
        paused,
        row.paused_by if paused else "",
    )


async def set_schedule(
    place: Workplace, name: str, rule: str, *, time_zone: str = "", quiet: str | None = None
) -> Scheduled:
    """Give a flow another schedule; what is left out stays as it is. "default" takes it back to its default.

    Raises:
        ConfigurationError: it cannot be read; nothing was changed.
    """
    flow, cid, now = known_flow(name), place.connection.connection_id, place.around.clock.now()
    async with place.store.write() as tx:
        before = await schedules.get(tx, cid, flow)
        row = replace(
            before,
            rule="" if rule == "default" else rule or before.rule,
            time_zone=time_zone or before.time_zone,
            quiet=before.quiet if quiet is None else quiet,
        )
        in_force = schedule_of(row.rule or DEFAULT_RULES[flow], time_zone=row.time_zone, quiet=row.quiet)
        row = replace(row, rule=in_force.rule if row.rule else "", next_at=next_run(in_force, now))
        await schedules.put(tx, cid, row)
        told = {"rule": in_force.rule, "time_zone": row.time_zone, "quiet": row.quiet}
        await _remember(place, tx, flow, "scheduled", told)
        state = (await flows.get(tx, cid, flow)).state
    return _shown(row, state, now)


async def pause(place: Workplace, names: Sequence[str], until: datetime | None) -> list[Scheduled]:
    """Keep these flows from running by themselves until a moment, or until somebody resumes them.

    Raises:
        ConfigurationError: the moment has passed.
    """
    cid, now = place.connection.connection_id, place.around.clock.now()
    if until is not None and until <= now:
        raise ConfigurationError(f"{until:%Y-%m-%d %H:%M} UTC has passed.", code="usage.pause")
    chosen = [known_flow(name) for name in names] or list(FLOW_NAMES)
    shown: list[Scheduled] = []
    async with place.store.write() as tx:
        for flow in chosen:
            row = replace(
                await schedules.get(tx, cid, flow), paused_until=until or OPEN_END, paused_by=place.started_by
            )
            await schedules.put(tx, cid, row)
            await _remember(place, tx, flow, "paused", {"until": until.isoformat() if until else ""})
            shown.append(_shown(row, (await flows.get(tx, cid, flow)).state, now))
    return shown


@dataclass(frozen=True, slots=True)
class Resumed:
    """A flow that runs again; ``skipped`` deals were won meanwhile and are left to a person."""

    schedule: Scheduled
    skipped: int = 0


async def to_skip(place: Workplace) -> int:
    """How many deals were won since the last pass and have begun nothing yet."""
    cid = place.connection.connection_id
    flow = await order_flow(place)
    async with place.store.read() as tx:
        covered = await progress.load(tx, cid, ORDERS)
    found: set[str] = set()
    async with aclosing(flow.triggers(covered.watermark if covered else None)) as pages:
        async for page in pages:
            won = [each.subject for each in page.triggers if each.holds and each.begins]
            async with place.store.read() as tx:
                found |= set(won) - await processes.known(tx, cid, ORDERS, won)
    return len(found)


async def resume(place: Workplace, names: Sequence[str], *, skip: bool = False) -> list[Resumed]:
    """Let these flows run again, at once: they catch up; or, for orders, begin with what is won from now on.

    Raises:
        ConfigurationError: records are compared as a whole, so nothing of theirs can be skipped.
    """
    cid, now = place.connection.connection_id, place.around.clock.now()
    chosen = [known_flow(name) for name in names] or list(FLOW_NAMES)
    if skip and chosen != [ORDERS]:
        raise ConfigurationError(
            "Only orders can skip what came meanwhile: records are compared with what they are now.",
            code="usage.resume",
            hint="Run: ml-connector flows resume orders --skip",
        )
    skipped = await to_skip(place) if skip else 0
    resumed: list[Resumed] = []
    async with place.store.write() as tx:
        for flow in chosen:
            row = replace(await schedules.get(tx, cid, flow), next_at=None, paused_until=None, paused_by="")
            await schedules.put(tx, cid, row)
            switch = await flows.get(tx, cid, flow)
            if skip:
                switch = replace(switch, go_live_at=tx.now)
                await flows.put(tx, cid, switch)
            await _remember(place, tx, flow, "resumed", {"skipped": skipped} if skip else {})
            resumed.append(Resumed(_shown(row, switch.state, now), skipped))
    return resumed


async def _remember(place: Workplace, tx: Tx, flow: str, kind: str, told: dict[str, Any]) -> None:
    payload = {**told, "by": place.started_by}
    entry = audit.Entry(kind=kind, flow=flow, key=SWITCH, payload=payload, run_id=None)
    await audit.append(tx, place.connection.connection_id, [entry])
