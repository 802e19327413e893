"""What happens in a simulated world, a file for each family of stories; ``story`` says what one is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.stories.contacts import FirstLoad, SharedEmail
from tests.simulation.stories.customers import ChangedCustomer, GoneCustomer
from tests.simulation.stories.deals import WonDeal
from tests.simulation.stories.portal import MatchedCompany, MergedCompany

if TYPE_CHECKING:
    from tests.simulation.stories.story import Story

STORIES: dict[str, Story] = {
    "changed_customer": ChangedCustomer(),
    "first_load": FirstLoad(),
    "gone_customer": GoneCustomer(),
    "matched_company": MatchedCompany(),
    "merged_company": MergedCompany(),
    "shared_email": SharedEmail(),
    "won_deal": WonDeal(),
}
