"""What happens in a simulated world, a file for each family of stories; ``story`` says what one is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.stories.contacts import FirstLoad, SharedEmail
from tests.simulation.stories.customers import ChangedCustomer, GoneCustomer
from tests.simulation.stories.deals import UnknownSku, WonDeal
from tests.simulation.stories.later import EditedAfter, MergedDeal, PlacedAgain, WonAgain
from tests.simulation.stories.newcomers import new_customer
from tests.simulation.stories.portal import MatchedCompany, MergedCompany

if TYPE_CHECKING:
    from tests.simulation.stories.story import Story

STORIES: dict[str, Story] = {
    "changed_customer": ChangedCustomer(),
    "edited_after": EditedAfter(),
    "first_load": FirstLoad(),
    "gone_customer": GoneCustomer(),
    "matched_company": MatchedCompany(),
    "merged_company": MergedCompany(),
    "merged_deal": MergedDeal(),
    "new_customer": new_customer(1, late_times=3),
    "placed_again": PlacedAgain(),
    "shared_email": SharedEmail(),
    "two_deals": new_customer(2, late_times=2),
    "unknown_sku": UnknownSku(),
    "won_again": WonAgain(),
    "won_deal": WonDeal(),
}
