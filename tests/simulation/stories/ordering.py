"""What people and passes do until every deal has come to rest."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.stories.story import PATIENCE

from ml_connector.app.deal_work import decide_deal
from ml_connector.app.deals import approve_deal, list_deals
from ml_connector.app.sync import sync
from ml_connector.engine.advance import LEASE_S
from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace
    from ml_connector.engine.decisions import Decision

PERSON = "a person"
THINKS_S = 600.0  # a person reads what is flagged before deciding; by then even what commits late has come


async def to_the_end(place: Workplace) -> None:
    """Passes until one finds nothing to wait for; a person approves what asks for it, all at once."""
    for _ in range(PATIENCE):
        reports = await sync(place, ["orders"])
        failed = [report.error for report in reports if report.error is not None]
        waiting = await _approve_waiting(place)
        if not failed and not waiting:
            return
        await asyncio.sleep(_until_due(place, waiting))
    raise AssertionError(f"not at rest after {PATIENCE} passes: {waiting} {failed}")


async def decided(place: Workplace, decision: Decision) -> None:
    """To the end; then a person decides so about each deal that is flagged, and whatever follows comes to its end."""
    for _ in range(PATIENCE):
        await to_the_end(place)
        flagged = [deal for deal in await list_deals(place) if deal["state"] == "done" and deal["cause"]]
        if not flagged:
            return
        await asyncio.sleep(THINKS_S)
        for deal in flagged:
            try:
                await decide_deal(place, deal["deal"], [decision], by=PERSON, reason="agreed")
            except ConnectorError:  # a process that died a moment ago still holds the deal
                await asyncio.sleep(LEASE_S)
    raise AssertionError(f"{decision} was not enough")


async def _approve_waiting(place: Workplace) -> list[dict[str, Any]]:
    asked = [deal["deal"] for deal in await list_deals(place) if deal["release"] == "asked"]
    await asyncio.gather(*(_approve(place, deal) for deal in asked))
    listed = await list_deals(place)  # one that is done and due is to be looked at again
    return [deal for deal in listed if deal["state"] in ("waiting", "running") or deal["due_at"]]


async def _approve(place: Workplace, deal: str) -> None:
    with suppress(ConnectorError):  # a process that died a moment ago still holds the deal
        await approve_deal(place, deal, by=PERSON)


def _until_due(place: Workplace, waiting: Sequence[dict[str, Any]]) -> float:
    """Seconds until the first of them is due, at least as long as a dead process holds its lease."""
    now = place.around.clock.now()
    times = [datetime.fromisoformat(deal["due_at"]) for deal in waiting if deal["due_at"]]
    return max(LEASE_S, *((time - now).total_seconds() for time in times), 0.0) + 1.0


def what_stands(world: Simulated) -> dict[str, Any]:
    """Orders by their references without the portal's part, with their lines; and what each deal shows."""
    orders = world.records("dynamics", "SalesOrderHeadersV2")
    lines = world.records("dynamics", "SalesOrderLinesV3")
    by_number = {order["SalesOrderNumber"]: order for order in orders}
    return {
        "orders": sorted(reference(order) for order in orders),
        "lines": sorted(
            (
                reference(by_number[line["SalesOrderNumber"]]),
                line["ItemNumber"],
                str(line["OrderedSalesQuantity"]),
            )
            for line in lines
        ),
        "deals": {
            deal["id"]: (
                reference(by_number.get(deal["properties"].get("d365_sales_order_number"))),
                deal["properties"].get("d365_order_status"),
                deal["properties"].get("d365_order_message") or "",
            )
            for deal in world.records("hubspot", "deals")
        },
        "parked": world.rows("SELECT DISTINCT cause, state FROM mlc_parked ORDER BY cause"),
    }


def reference(order: dict[str, Any] | None) -> str:
    """``1`` of HS-4711-1; empty where there is no order."""
    return order["CustomersOrderReference"].removeprefix("HS-4711-") if order else ""
