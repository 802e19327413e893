"""Stories of deals that have their order: won again, edited, merged. One order stays one, until a person decides."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.small_world import PUMPS, small_world
from tests.simulation.stories.deals import EVERY_WRITE
from tests.simulation.stories.ordering import decided, to_the_end, what_stands
from tests.simulation.stories.story import Beginning, differences

if TYPE_CHECKING:
    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace

A_WHILE_S = 60.0
OPEN = "appointmentscheduled"


async def _ordered(world: Simulated) -> None:
    """The first deal is won and has its order; nothing is left to look at."""
    first = world.deal_ids()[0]
    world.win_deal(first)
    for _ in range(2):
        await world.live(to_the_end, crash_at=0)
        await asyncio.sleep(A_WHILE_S)


def _with_an_order(deals: int = 1) -> Beginning:
    return Beginning(small_world(deals=deals, lines=PUMPS[:1]), already=_ordered)


async def _reopen(world: Simulated, deal: str) -> None:
    world.hubspot.set_deal_stage(deal, OPEN, world.now())
    await asyncio.sleep(A_WHILE_S)


def _edit_line(world: Simulated, deal: str) -> None:
    """Three pumps instead of two; the deal is saved, too."""
    [line] = world.records("hubspot", "line_items")
    world.hubspot.edit("line_items", line["id"], {"quantity": "3"}, world.now())
    world.hubspot.edit("deals", deal, {"dealname": "Three pumps"}, world.now())


@dataclass(frozen=True)
class WonAgain:
    """The rep reopens a deal that has its order and wins it again, unchanged: nothing is written anywhere."""

    beginning: Beginning = field(default_factory=_with_an_order)
    late_paths: str = EVERY_WRITE
    late_times: int | None = None

    async def begin(self, world: Simulated) -> None:
        [deal] = world.deal_ids()
        await _reopen(world, deal)
        world.hubspot.set_deal_stage(deal, "won", world.now())

    async def act(self, place: Workplace) -> None:
        await to_the_end(place)

    def end(self, world: Simulated) -> list[str]:
        [deal] = world.deal_ids()
        expected = {
            "orders": [deal],
            "lines": [(deal, "P-100", "2")],
            "deals": {deal: (deal, "Open", "")},
            "parked": [],
            "writes": world.writes_before,
        }
        return differences(expected, what_stands(world) | {"writes": world.writes()})

    async def again(self, place: Workplace) -> None:
        await to_the_end(place)


@dataclass(frozen=True)
class EditedAfter:
    """The rep edits a deal after its order: it is flagged, the order is not touched, and a person keeps it."""

    beginning: Beginning = field(default_factory=_with_an_order)
    late_paths: str = EVERY_WRITE
    late_times: int | None = 1

    async def begin(self, world: Simulated) -> None:
        [deal] = world.deal_ids()
        _edit_line(world, deal)

    async def act(self, place: Workplace) -> None:
        await decided(place, "keep")

    def end(self, world: Simulated) -> list[str]:
        [deal] = world.deal_ids()
        expected = {
            "orders": [deal],
            "lines": [(deal, "P-100", "2")],
            "deals": {deal: (deal, "Open", "")},
            "parked": [("order.changed_after", "resolved")],
        }
        return differences(expected, what_stands(world))

    async def again(self, place: Workplace) -> None:
        await decided(place, "keep")


@dataclass(frozen=True)
class PlacedAgain:
    """A deal is reopened, edited and won again: it waits; a person places it again, as a second revision's order."""

    beginning: Beginning = field(default_factory=_with_an_order)
    late_paths: str = EVERY_WRITE
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        [deal] = world.deal_ids()
        await _reopen(world, deal)
        _edit_line(world, deal)
        world.hubspot.set_deal_stage(deal, "won", world.now())

    async def act(self, place: Workplace) -> None:
        await decided(place, "again")

    def end(self, world: Simulated) -> list[str]:
        [deal] = world.deal_ids()
        second = f"{deal}-R2"
        expected = {
            "orders": [deal, second],
            "lines": [(deal, "P-100", "2"), (second, "P-100", "3")],
            "deals": {deal: (second, "Open", "")},
            "parked": [("order.changed_after", "resolved")],
        }
        return differences(expected, what_stands(world))

    async def again(self, place: Workplace) -> None:
        await decided(place, "again")


@dataclass(frozen=True)
class MergedDeal:
    """A deal with its order is merged with another won one, under a new id: one order stays, and a person keeps it."""

    beginning: Beginning = field(default_factory=lambda: _with_an_order(deals=2))
    late_paths: str = EVERY_WRITE
    late_times: int | None = 1

    async def begin(self, world: Simulated) -> None:
        first, other = world.deal_ids()
        world.win_deal(other)
        merge = {"primaryObjectId": other, "objectIdToMerge": first}
        world.rep_asks("POST", "/crm/v3/objects/deals/merge", merge)
        await asyncio.sleep(A_WHILE_S)

    async def act(self, place: Workplace) -> None:
        await decided(place, "keep")

    def end(self, world: Simulated) -> list[str]:
        [deal] = world.deal_ids()
        found = what_stands(world)
        expected = {
            "orders": found["orders"][:1],
            "deals": {deal: (*found["orders"][:1], "Open", "")},
            "parked": [("order.merged_after", "resolved")],
        }
        return differences(expected, found)

    async def again(self, place: Workplace) -> None:
        await decided(place, "keep")
