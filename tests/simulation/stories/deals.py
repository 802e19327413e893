"""Stories of deals: from won in HubSpot to an order in F&O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.small_world import PUMPS, small_world
from tests.simulation.stories.ordering import to_the_end, what_stands
from tests.simulation.stories.story import PATIENCE, Beginning, differences

from ml_connector.app.deals import list_deals
from ml_connector.app.replay import replay

if TYPE_CHECKING:
    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace

EVERY_WRITE = r"/data/(CustomersV3$|SalesOrder|\$batch)|/(deals|companies)/\d+$"  # on the way to an order
MENDED_AFTER_S = 600.0
LINE_OF_DEAL = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}


@dataclass(frozen=True)
class WonDeal:
    """A rep wins a deal; a person approves the draft; one order with two lines stands in F&O."""

    beginning: Beginning = field(default_factory=Beginning)
    late_paths: str = r"/data/(SalesOrder|\$batch)"
    late_times: int | None = None

    async def begin(self, world: Simulated) -> None:
        world.win_deals()

    async def act(self, place: Workplace) -> None:
        await to_the_end(place)

    def end(self, world: Simulated) -> list[str]:
        [deal] = world.deal_ids()
        expected = {
            "orders": [deal],
            "lines": [(deal, "P-100", "2"), (deal, "P-200", "5")],
            "deals": {deal: (deal, "Open", "")},
        }
        return differences(expected, what_stands(world))

    async def again(self, place: Workplace) -> None:
        await to_the_end(place)


@dataclass(frozen=True)
class UnknownSku:
    """A line names a product that nobody has: the deal parks; the rep corrects it, and it is replayed."""

    beginning: Beginning = field(default_factory=lambda: Beginning(small_world(lines=PUMPS[:1])))
    late_paths: str = EVERY_WRITE
    late_times: int | None = 3

    async def begin(self, world: Simulated) -> None:
        """The rep types a number, and mends it later."""
        [deal] = world.deal_ids()
        world.win_deals()
        body = {
            "properties": {"name": "Seals", "hs_sku": "P-333", "quantity": "4", "price": "3.50"},
            "associations": [{"to": {"id": deal}, "types": [LINE_OF_DEAL]}],
        }
        line = world.rep_asks("POST", "/crm/v3/objects/line_items", body)["id"]
        asyncio.get_running_loop().call_later(
            MENDED_AFTER_S,
            lambda: world.hubspot.edit("line_items", line, {"hs_sku": "P-300"}, world.now()),
        )

    async def act(self, place: Workplace) -> None:
        for _ in range(PATIENCE):
            await to_the_end(place)
            parked = [deal["deal"] for deal in await list_deals(place) if deal["state"] == "parked"]
            if not parked:
                return
            await asyncio.sleep(MENDED_AFTER_S)
            await replay(place, [f"deals/{deal}" for deal in parked])
        raise AssertionError("the deal stays parked")

    def end(self, world: Simulated) -> list[str]:
        [deal] = world.deal_ids()
        expected = {
            "orders": [deal],
            "lines": [(deal, "P-100", "2"), (deal, "P-300", "4")],
            "deals": {deal: (deal, "Open", "")},
            "parked": [("order.item_unknown", "resolved")],
        }
        return differences(expected, what_stands(world))

    async def again(self, place: Workplace) -> None:
        await to_the_end(place)
