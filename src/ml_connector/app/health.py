"""Whether this process is fit to work, and the figures that are watched from outside.

Neither leans on Dynamics or HubSpot: an outage there must not have this process restarted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.app.flow_switch import FLOW_NAMES
from ml_connector.errors import ConnectorError
from ml_connector.store import connections, flows, parked, processes, runs, schedules

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.app.service import Service
    from ml_connector.store.connections import Connection
    from ml_connector.store.database import Tx

HEARTBEAT_S = 60.0
RECENT = 200  # runs that are looked through for the last success
ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Figure:
    """One value of a metric. Labels are few and of few values: never keys of records."""

    name: str
    labels: dict[str, str]
    value: float


async def problems(service: Service) -> list[str]:
    """What keeps the process from working; nothing when it is fit."""
    found: list[str] = []
    now = service.around.clock.now()
    try:
        async with service.store.read() as tx:
            await connections.all(tx)
    except ConnectorError as error:
        found.append(error.message)
    if service.vault is None:
        found.append("The key is not usable.")
    beat = service.last_tick_at
    if service.schedules and (beat is None or (now - beat).total_seconds() > HEARTBEAT_S):
        found.append("The schedules have not been looked at for a minute.")
    if service.draining.is_set():
        found.append("It is about to end.")
    return found


async def figures(service: Service) -> list[Figure]:
    """How every connection stands."""
    now = service.around.clock.now()
    found: list[Figure] = []
    async with service.store.read() as tx:
        for connection in await connections.all(tx):
            found += await _of_connection(tx, connection, now, service)
    if service.last_tick_at is not None:
        found.append(
            Figure("mlc_scheduler_heartbeat_timestamp_seconds", {}, service.last_tick_at.timestamp())
        )
    return found


async def _of_connection(tx: Tx, connection: Connection, now: datetime, service: Service) -> list[Figure]:
    cid, name = connection.connection_id, connection.name
    recent = await runs.list(tx, cid, limit=RECENT)
    planned = await schedules.all(tx, cid)
    stuck = await parked.counts(tx, cid)
    found: list[Figure] = []
    for flow in FLOW_NAMES:
        row = await flows.get(tx, cid, flow)
        labels = {"connection": name, "flow": flow}
        found.append(Figure("mlc_open_errors", labels, stuck.get(flow, 0)))
        ended = next((run.ended_at for run in recent if run.flow == flow and run.state == "done"), None)
        if ended is not None:
            found.append(Figure("mlc_flow_last_success_timestamp_seconds", labels, ended.timestamp()))
        due = planned[flow].next_at if flow in planned else None
        if row.is_on and due is not None:
            found.append(Figure("mlc_flow_lag_seconds", labels, max(0.0, (now - due).total_seconds())))
    waiting = await processes.list(tx, cid, ORDERS, ["waiting", "running", "parked"], RECENT, service.vault)
    stages: dict[str, int] = {}
    for process in waiting:
        stage = "parked" if process.state == "parked" else process.step
        stages[stage] = stages.get(stage, 0) + 1
    found += [
        Figure("mlc_deals_waiting", {"connection": name, "stage": stage}, count)
        for stage, count in sorted(stages.items())
    ]
    return found
