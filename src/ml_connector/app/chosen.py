"""Runs of what a person has chosen: the first few records, some keys, the changes of a plan, or what is held."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.app.first_load import refuse_unmatched_portal
from ml_connector.app.flow_switch import known_flow
from ml_connector.app.flows import breaker_limits, record_flow
from ml_connector.app.plan_file import reading
from ml_connector.app.properties import require_properties
from ml_connector.engine.crawl import CrawlState
from ml_connector.engine.runs import (
    first_records,
    keyed_records,
    not_stopped,
    planned_records,
    release_records,
)
from ml_connector.errors import ConfigurationError
from ml_connector.store import flows, progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ml_connector.app.plan_file import KeptPlan
    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.records import Counters
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.runs import RunReport

ORDERS = "orders"


async def sync_first(place: Workplace, name: str, most: int, *, accept_new: bool = False) -> RunReport:
    """Write so many records of a flow that was never loaded, and no more.

    Raises:
        ConfigurationError: the flow has been loaded: what is written then is what a pass finds, behind the breaker.
    """
    flow = await _ready(place, name, accept_new=accept_new)
    async with place.store.read() as tx:
        row = await flows.get(tx, place.connection.connection_id, flow.name)
    if row.loaded:
        raise ConfigurationError(
            f"{flow.name} has been loaded already; its first records are there.",
            code="usage.loaded",
            hint=f"Run: ml-connector sync {flow.name}",
        )
    return await first_records(flow, place.engine, place.traffic, most=most)


async def sync_keys(
    place: Workplace, name: str, keys: Sequence[str], *, accept_new: bool = False
) -> RunReport:
    """Move these records only."""
    flow = await _ready(place, name, accept_new=accept_new)
    return await keyed_records(flow, place.engine, list(dict.fromkeys(keys)), place.traffic)


async def sync_plan(
    place: Workplace,
    name: str,
    path: Path,
    *,
    accept_new: bool = False,
    on_progress: Callable[[str, Counters], None] | None = None,
) -> RunReport:
    """Write exactly the changes of a plan's file; what has been written since is left out.

    Raises:
        ConfigurationError: the file is of another flow, mapping or pair of systems, or is not to be trusted.
    """
    with reading(place, path) as kept:
        flow = await _ready(place, name, accept_new=accept_new)
        await _refuse_other(place, flow, path, kept)
        watch = (lambda counters: on_progress(name, counters)) if on_progress is not None else None
        by = f"{place.started_by}, with plan {kept.digest}"
        return await planned_records(
            flow,
            replace(place.engine, started_by=by),
            kept.portions(flow.sink.batch_size),
            place.traffic,
            watch=watch,
        )


async def held_verdict(place: Workplace, name: str) -> list[str]:
    """Why the breaker holds the last run of a flow.

    Raises:
        ConfigurationError: it holds none.
    """
    flow = known_flow(name)
    async with place.store.read() as tx:
        covered = await progress.load(tx, place.connection.connection_id, flow)
    crawl = CrawlState.from_details(covered.details) if covered is not None else None
    if crawl is None or crawl.phase != "stopped":
        raise not_stopped(flow)
    return list(crawl.verdict)


async def release(place: Workplace, name: str) -> RunReport:
    """Write what the breaker holds: a person has looked at it."""
    flow = await record_flow(place, known_flow(name))
    return await release_records(flow, place.engine, place.traffic, limits=breaker_limits(place))


async def _ready(place: Workplace, name: str, *, accept_new: bool) -> RecordFlow:
    """The flow, once everything that a pass asks for is there."""
    if known_flow(name) == ORDERS:
        raise ConfigurationError(
            "Orders go whole, or deal by deal: --first, --key and --plan are for records.",
            code="usage.orders",
            hint="Run: ml-connector sync orders, or: ml-connector deals list",
        )
    await require_properties(place, [name])
    if not accept_new:
        await refuse_unmatched_portal(place, name)
    return await record_flow(place, name)


async def _refuse_other(place: Workplace, flow: RecordFlow, path: Path, kept: KeptPlan) -> None:
    header = kept.header
    sides = {side: (await place.side(side)).identity for side in ("dynamics", "hubspot")}
    if header["flow"] != flow.name:
        wrong = f"is a plan of {header['flow']}, not of {flow.name}"
    elif header["sides"] != sides:
        wrong = "was made with another Dynamics environment or HubSpot portal"
    elif header["mapping_version"] != flow.mapping_version:
        wrong = f"was made with version {header['mapping_version']} of the mapping; now it is {flow.mapping_version}"
    else:
        return
    raise ConfigurationError(
        f"{path} {wrong}.",
        code="usage.plan_file",
        hint=f"Make a new one: ml-connector plan {flow.name} --out FILE",
    )
