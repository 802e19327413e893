"""One pass over the flows: records first, so that companies and products stand before orders need them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.app.first_load import refuse_unmatched_portal
from ml_connector.app.flow_switch import FLOW_NAMES, known_flow
from ml_connector.app.flows import breaker_limits, order_flow, record_flow, rhythm_of
from ml_connector.app.properties import require_properties
from ml_connector.domain.priority import Priority, priority
from ml_connector.engine.process_runs import sync_processes
from ml_connector.engine.runs import RunReport, sync_records
from ml_connector.errors import DAILY_LIMIT, AccessError, ConnectorError, RetryableError
from ml_connector.flows.orders.checks.readiness import keep_readiness
from ml_connector.flows.orders.checks.sweep import sweep, sweep_is_due
from ml_connector.store import flows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.records import Counters
    from ml_connector.systems.dynamics.client import DynamicsClient


async def sync(
    place: Workplace,
    names: Sequence[str],
    *,
    accept_new: bool = False,
    full: bool = False,
    on_progress: Callable[[str, Counters], None] | None = None,
) -> list[RunReport]:
    """Run these flows once, in their own order.

    Args:
        place: Where.
        names: The flows.
        accept_new: First loads may create records beside unlinked ones that the portal already holds.
        full: Records are read in full, also where changes alone could be read.
        on_progress: Told a flow's figures while it runs.

    Returns:
        A report for each flow that began; a flow that was stopped by its side carries the error, and the flows
        after it are not begun when the error would meet them too.

    Raises:
        ConfigurationError: found before anything was sent.
    """
    chosen = {known_flow(name) for name in names}
    async with _signing_in(await place.dynamics()):
        with priority(
            Priority.EVENTS if "orders" in chosen else Priority.POLLS
        ):  # few calls: no order waits for them
            await require_properties(place, [name for name in FLOW_NAMES if name in chosen])
            if not accept_new:
                for name in sorted(chosen):
                    await refuse_unmatched_portal(place, name)
        return await _run_each(place, chosen, on_progress, full=full)


@asynccontextmanager
async def _signing_in(dynamics: DynamicsClient) -> AsyncGenerator[None, None]:
    """Fetch the token while the portal is looked at; a refusal is met, and told, by the first read."""

    async def sign_in() -> None:
        with suppress(ConnectorError):
            await dynamics.transport.authorization()

    fetching = asyncio.create_task(sign_in())
    try:
        yield
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


async def _run_each(
    place: Workplace,
    chosen: Collection[str],
    on_progress: Callable[[str, Counters], None] | None,
    *,
    full: bool,
) -> list[RunReport]:
    reports: list[RunReport] = []
    for name in FLOW_NAMES:
        if name not in chosen:
            continue
        report = await _run(place, name, on_progress, full=full)
        reports.append(report)
        if isinstance(report.error, AccessError | RetryableError) and report.error.code != DAILY_LIMIT:
            break  # of a day's calls a reserve is left, for orders
    return reports


async def _run(
    place: Workplace, name: str, on_progress: Callable[[str, Counters], None] | None, *, full: bool
) -> RunReport:
    if name == "orders":
        with priority(Priority.ORDERS):
            return await _orders(place)
    watch = (lambda counters: on_progress(name, counters)) if on_progress is not None else None
    async with place.store.read() as tx:
        loaded = (await flows.get(tx, place.connection.connection_id, name)).loaded
    with priority(Priority.POLLS if loaded and not full else Priority.BACKFILLS):
        return await sync_records(
            await record_flow(place, name),
            place.engine,
            place.traffic,
            limits=breaker_limits(place),
            rhythm=rhythm_of(place),
            full=full,
            watch=watch,
        )


async def _orders(place: Workplace) -> RunReport:
    """The pass itself; then, once a day, the sweep, and where it is wished for the readiness of open deals."""
    flow = await order_flow(place)
    report = await sync_processes(flow, place.engine, place.traffic)
    if report.error is not None:
        return report
    try:
        with priority(Priority.POLLS):
            if await sweep_is_due(flow):
                await sweep(flow)
            if flow.settings.readiness:
                await keep_readiness(flow)
    except (AccessError, RetryableError) as error:
        return replace(report, error=error)
    return report
