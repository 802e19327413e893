"""Stories of customers: what changes in F&O arrives once, and what disappears there is marked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.small_world import customer, only_customers
from tests.simulation.stories.story import Beginning, differences, passes

if TYPE_CHECKING:
    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace


@dataclass(frozen=True)
class ChangedCustomer:
    """A clerk changes a customer's telephone number in F&O."""

    beginning: Beginning = field(default_factory=Beginning)
    late_paths: str = r"/batch/(upsert|update)"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        fields = {"PrimaryContactPhone": "+1 312 555 0199"}
        world.dynamics.edit("CustomersV3", "usmf:US-001", fields, world.now())

    async def act(self, place: Workplace) -> None:
        await passes(place, "customers")

    def end(self, world: Simulated) -> list[str]:
        company = world.companies()["usmf:US-001"]["properties"]
        return differences({"phone": "+13125550199"}, company)

    async def again(self, place: Workplace) -> None:
        await passes(place, "customers", "products")


@dataclass(frozen=True)
class GoneCustomer:
    """A customer is deleted in F&O: two full crawls, of two pages each, miss it; it is marked and stays."""

    beginning: Beginning = field(
        default_factory=lambda: Beginning(
            only_customers(
                customer(1, "Alpha Foundry Inc."), customer(2, "Beta Mills LLC"), customer(3, "Gamma Inc.")
            ),
            page_size=1,
            loaded=("customers",),
        )
    )
    late_paths: str = r"/batch/update"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        world.dynamics.remove("CustomersV3", "usmf:US-002")

    async def act(self, place: Workplace) -> None:
        await passes(place, "customers")
        await passes(place, "customers")

    def end(self, world: Simulated) -> list[str]:
        statuses = {key: company["properties"]["d365_status"] for key, company in world.companies().items()}
        expected = {"usmf:US-001": "Active", "usmf:US-002": "Not in Dynamics", "usmf:US-003": "Active"}
        return differences({"statuses": expected}, {"statuses": statuses})

    async def again(self, place: Workplace) -> None:
        await passes(place, "customers")
