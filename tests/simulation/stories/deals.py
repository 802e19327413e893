"""Stories of deals: from won in HubSpot to an order in F&O."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.stories.story import PATIENCE, Beginning

from ml_connector.app.deals import approve_deal, list_deals
from ml_connector.app.sync import sync
from ml_connector.engine.advance import LEASE_S
from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace


@dataclass(frozen=True)
class WonDeal:
    """A rep wins a deal; a person approves the draft; one order with two lines stands in F&O."""

    beginning: Beginning = field(default_factory=Beginning)
    late_paths: str = r"/data/SalesOrder"
    late_times: int | None = None

    async def begin(self, world: Simulated) -> None:
        await world.win_deal()

    async def act(self, place: Workplace) -> None:
        await _to_the_end(place)

    def end(self, world: Simulated) -> list[str]:
        orders = world.records("dynamics", "SalesOrderHeadersV2")
        lines = world.records("dynamics", "SalesOrderLinesV3")
        deal = world.records("hubspot", "deals")[0]["properties"]
        broken = []
        if len(orders) != 1:
            broken.append(f"{len(orders)} orders stand")
        if sorted(line["ItemNumber"] for line in lines) != ["P-100", "P-200"]:
            broken.append(f"the lines are {[line['ItemNumber'] for line in lines]}")
        if orders and deal.get("d365_sales_order_number") != orders[0]["SalesOrderNumber"]:
            broken.append(f"the deal shows the order {deal.get('d365_sales_order_number')}")
        if deal.get("d365_order_status") != "Open":
            broken.append(f"the deal's order status is {deal.get('d365_order_status')}")
        return broken

    async def again(self, place: Workplace) -> None:
        await _to_the_end(place)


async def _to_the_end(place: Workplace) -> None:
    """Passes until one finds nothing to wait for; a person approves what asks for it."""
    for _ in range(PATIENCE):
        reports = await sync(place, ["orders"])
        failed = [report.error for report in reports if report.error is not None]
        waiting = await _approve_waiting(place)
        if not failed and not waiting:
            return
        await asyncio.sleep(_until_due(place, waiting))
    raise AssertionError(f"the orders did not come to rest within {PATIENCE} passes")


async def _approve_waiting(place: Workplace) -> list[dict[str, Any]]:
    for deal in await list_deals(place):
        if deal["step"] == "release" and deal["release"] == "asked":
            with suppress(ConnectorError):  # a process that died a moment ago still holds the deal
                await approve_deal(place, deal["deal"], by="a person")
    return [deal for deal in await list_deals(place) if deal["state"] in ("waiting", "running")]


def _until_due(place: Workplace, waiting: Sequence[dict[str, Any]]) -> float:
    """Seconds until the first of them is due, at least as long as a dead process holds its lease."""
    now = place.around.clock.now()
    times = [datetime.fromisoformat(deal["due_at"]) for deal in waiting if deal["due_at"]]
    return max(LEASE_S, *((time - now).total_seconds() for time in times), 0.0) + 1.0
