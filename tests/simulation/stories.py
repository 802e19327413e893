"""What happens in a simulated world: how it begins, what a process does about it, and what must be true at the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.app.deals import approve_deal, list_deals
from ml_connector.app.sync import sync
from ml_connector.engine.advance import LEASE_S
from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace

NEWCOMER = "Gamma Castings"
PATIENCE = 40  # passes a story may need; each wait is slept through in virtual time


class Story(Protocol):
    """One story."""

    @property
    def late_paths(self) -> str:
        """Regex of the POSTs whose commit is late in the late variant."""

    @property
    def late_times(self) -> int | None:
        """How many of them are late; None: all. A server that never answers in time can never be known to have."""

    async def begin(self, world: Simulated) -> None:
        """What people do before the process that may crash starts."""

    async def act(self, place: Workplace) -> None:
        """What a process does about it, from whatever it finds; ends when nothing is left to do."""

    def end(self, world: Simulated) -> list[str]:
        """What is not as it must be, in words."""

    async def again(self, place: Workplace) -> None:
        """The same once more: nothing may change (I13)."""


@dataclass(frozen=True)
class ChangedCustomer:
    """A clerk changes a customer's telephone number in F&O."""

    late_paths: str = r"/batch/(upsert|update)"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        fields = {"PrimaryContactPhone": "+1 312 555 0199"}
        world.dynamics.edit("CustomersV3", "usmf:US-001", fields, world.now())

    async def act(self, place: Workplace) -> None:
        await _passes(place, ["customers"])

    def end(self, world: Simulated) -> list[str]:
        phones = [company["properties"].get("phone") for company in world.companies("usmf:US-001")]
        return [] if phones == ["+13125550199"] else [f"the company's phone stands as {phones}"]

    async def again(self, place: Workplace) -> None:
        await _passes(place, ["customers", "products"])


@dataclass(frozen=True)
class WonDeal:
    """A rep wins a deal; a person approves the draft; one order with two lines stands in F&O."""

    late_paths: str = r"/data/SalesOrder"
    late_times: int | None = None

    async def begin(self, world: Simulated) -> None:
        await world.win_deal()

    async def act(self, place: Workplace) -> None:
        await _passes(place, ["orders"], approving=True)

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
        await _passes(place, ["orders"], approving=True)


@dataclass(frozen=True)
class NewCustomer(WonDeal):
    """The same deal, of a company that is no customer yet: a person approves form and draft, one customer is made."""

    late_paths: str = r"/data/(CustomersV3|SalesOrder)"
    late_times: int | None = None

    async def begin(self, world: Simulated) -> None:
        await world.win_deal()
        world.make_newcomer("usmf:US-001", NEWCOMER)

    def end(self, world: Simulated) -> list[str]:
        made = [
            row["CustomerAccount"]
            for row in world.records("dynamics", "CustomersV3")
            if row["OrganizationName"] == NEWCOMER
        ]
        if len(made) != 1:
            return [f"I3: {len(made)} customers {NEWCOMER} stand"]
        broken = super().end(world)
        buyers = {
            row["OrderingCustomerAccountNumber"] for row in world.records("dynamics", "SalesOrderHeadersV2")
        }
        if buyers != set(made):
            broken.append(f"the order is one of {buyers}, the new customer is {made}")
        if len(world.companies(f"usmf:{made[0]}")) != 1:
            broken.append("the company does not carry the key of its customer")
        return broken

    async def again(self, place: Workplace) -> None:
        await _passes(place, ["orders"], approving=True)


async def _passes(place: Workplace, flows: Sequence[str], *, approving: bool = False) -> None:
    """Passes until one finds nothing to wait for; a person approves what asks for it."""
    for _ in range(PATIENCE):
        reports = await sync(place, flows)
        failed = [report.error for report in reports if report.error is not None]
        if not failed and not approving:
            return
        waiting = await _approve_waiting(place) if approving else []
        if not failed and not waiting:
            return
        await asyncio.sleep(_until_due(place, waiting))
    raise AssertionError(f"{flows} did not come to rest within {PATIENCE} passes")


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


STORIES: dict[str, Story] = {
    "changed_customer": ChangedCustomer(),
    "won_deal": WonDeal(),
    "new_customer": NewCustomer(),
}
