"""Replay: the same door again, with the present source, for records that were parked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.app.choosing import choose_for_deal
from ml_connector.app.flow_switch import known_flow
from ml_connector.app.flows import order_flow, record_flow
from ml_connector.domain.keys import RecordName
from ml_connector.domain.priority import Priority, priority
from ml_connector.engine.creations import unsure_keys
from ml_connector.engine.process_runs import replay_process
from ml_connector.engine.runs import replay_records
from ml_connector.errors import ConfigurationError
from ml_connector.store import links, parked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.flows.orders.draft.choices import Choice
    from ml_connector.store.parked import ParkedRecord


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How one replayed record ended."""

    record: str
    outcome: str
    message: str


async def named(place: Workplace, ids: Sequence[str]) -> list[RecordName]:
    """The records meant: names as they are, numbers from ``errors list`` looked up."""
    names = []
    for text in ids:
        if text.isdigit():
            async with place.store.read() as tx:
                row = await parked.get(tx, place.connection.connection_id, int(text))
            if row is None:
                raise ConfigurationError(
                    f"There is no error number {text}.",
                    code="usage.unknown_error",
                    hint="Run: ml-connector errors list",
                )
            names.append(RecordName(row.flow, row.key))
        else:
            name = RecordName.parse(text)
            names.append(RecordName("orders" if name.flow == "deals" else known_flow(name.flow), name.key))
    return list(dict.fromkeys(names))


async def preview(place: Workplace, ids: Sequence[str]) -> list[ParkedRecord]:
    """What is parked of the records meant."""
    rows: list[ParkedRecord] = []
    for name in await named(place, ids):
        async with place.store.read() as tx:
            found = await parked.open_for(tx, place.connection.connection_id, name.flow, [name.key])
        rows += found.values()
    return rows


async def replay(
    place: Workplace, ids: Sequence[str], *, choices: Sequence[Choice] = ()
) -> list[ReplayResult]:
    """Send these records through the same door again; what has arrived since is left alone.

    ``choices`` are kept with the one deal meant, and used for its order only.

    Raises:
        ConfigurationError: a record that cannot be meant.
        AccessError, RetryableError: a side does not let us work now; nothing is lost.
    """
    results: list[ReplayResult] = []
    names = await named(place, ids)
    if choices:
        if [name.flow for name in names] != ["orders"]:
            raise ConfigurationError("Values are chosen for exactly one deal.", code="usage.choice")
        await choose_for_deal(place, names[0].key, choices)
    for flow in dict.fromkeys(name.flow for name in names):
        keys = [name.key for name in names if name.flow == flow]
        if flow == "orders":
            with priority(Priority.ORDERS):
                results += [await _replay_deal(place, key) for key in keys]
        else:
            with priority(Priority.EVENTS):
                results += await _replay_records(place, flow, keys)
    return results


async def _replay_deal(place: Workplace, deal_id: str) -> ReplayResult:
    process = await replay_process(await order_flow(place), place.engine, deal_id)
    message = process.message
    if process.state == "done" and not message:
        message = f"Order {process.result['number']} is placed."
    return ReplayResult(f"deals/{deal_id}", process.state, message)


async def _replay_records(place: Workplace, flow: str, keys: Sequence[str]) -> list[ReplayResult]:
    moved = await record_flow(place, flow)
    report = await replay_records(moved, place.engine, keys, place.traffic)
    if report.error is not None:
        raise report.error
    cid = place.connection.connection_id
    async with place.store.read() as tx:
        still = await parked.open_for(tx, cid, flow, keys)
        linked = await links.heads(tx, cid, flow, keys)
        unsure = await unsure_keys(tx, cid, moved.sink.resource(creating=True))
    return [
        ReplayResult(f"{flow}/{key}", "waiting", "Nobody knows yet whether it was made: it is looked for.")
        if key in unsure and key not in linked
        else _record_result(flow, key, still.get(key), linked=key in linked)
        for key in keys
    ]


def _record_result(flow: str, key: str, row: ParkedRecord | None, *, linked: bool) -> ReplayResult:
    if row is not None:
        return ReplayResult(f"{flow}/{key}", "parked", row.message)
    if linked:
        return ReplayResult(f"{flow}/{key}", "done", "Arrived.")
    return ReplayResult(
        f"{flow}/{key}", "missing", "Dynamics has no such record in the chosen legal entities."
    )
