"""Stories of companies that buy for the first time: the customer is made once, then the orders."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.small_world import PUMPS, small_world
from tests.simulation.stories.deals import EVERY_WRITE
from tests.simulation.stories.ordering import to_the_end, what_stands
from tests.simulation.stories.story import Beginning, differences

if TYPE_CHECKING:
    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace

NAME = "Gamma Works"
COMPANY = {
    "name": NAME,
    "address": "1 Mill Lane",
    "city": "Chicago",
    "zip": "60602",
    "country": "United States",
}
SEARCH_LAG_S = 10.0


async def _won(world: Simulated) -> None:
    """The company is only in HubSpot, and its deals are won."""
    world.rep_asks("POST", "/crm/v3/objects/companies", {"properties": COMPANY})
    world.win_deals()
    await asyncio.sleep(SEARCH_LAG_S)


@dataclass(frozen=True)
class NewCustomer:
    """Deals of one new company: a person approves the form of its customer; one customer, and an order a deal."""

    deals: int
    late_times: int | None
    beginning: Beginning
    late_paths: str = EVERY_WRITE

    async def begin(self, world: Simulated) -> None:
        """All is as it was prepared."""

    async def act(self, place: Workplace) -> None:
        await to_the_end(place)

    def end(self, world: Simulated) -> list[str]:
        made = [row for row in world.records("dynamics", "CustomersV3") if row["OrganizationName"] == NAME]
        companies = [
            one for one in world.records("hubspot", "companies") if one["properties"]["name"] == NAME
        ]
        orders, deals = world.records("dynamics", "SalesOrderHeadersV2"), world.deal_ids()
        key = f"usmf:{made[0]['CustomerAccount']}" if made else ""
        found = what_stands(world) | {
            "customers": len(made),
            "companies": [one["properties"].get("d365_customer_key") for one in companies],
            "links": world.rows("SELECT target_id FROM mlc_link WHERE flow = 'customers' AND key = ?", key),
            "ordered by": {f"usmf:{order['OrderingCustomerAccountNumber']}" for order in orders},
        }
        expected = {
            "customers": 1,
            "companies": [key],
            "links": [(companies[0]["id"],)],
            "ordered by": {key},
            "orders": deals,
            "lines": [(deal, "P-100", "2") for deal in deals],
            "deals": {deal: (deal, "Open", "") for deal in deals},
        }
        return differences(expected, found)

    async def again(self, place: Workplace) -> None:
        await to_the_end(place)


def new_customer(deals: int, *, late_times: int | None) -> NewCustomer:
    """So many deals of the new company, of a line each, won at once."""
    world = small_world(deals=deals, buyer=NAME, lines=PUMPS[:1])
    return NewCustomer(deals, late_times, Beginning(world, already=_won))
