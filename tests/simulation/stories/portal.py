"""Stories of what people do in HubSpot: they merge companies, and they had companies before the connector came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.small_world import customer, only_customers
from tests.simulation.stories.story import Beginning, differences, passes

from ml_connector.app.matching import carry_out, compare
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace

COMPANIES = "/crm/v3/objects/companies"
SEARCH_LAG_S = 10.0


@dataclass(frozen=True)
class MergedCompany:
    """A person merges two companies, then both customers change in F&O: one record, two links, no duplicate."""

    beginning: Beginning = field(
        default_factory=lambda: Beginning(
            only_customers(customer(1, "Alpha Foundry Inc."), customer(2, "Beta Mills LLC")),
            loaded=("customers",),
        )
    )
    late_paths: str = r"/batch/update"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        companies = world.companies()
        primary, other = (companies[key]["id"] for key in ("usmf:US-001", "usmf:US-002"))
        world.rep_asks("POST", f"{COMPANIES}/merge", {"primaryObjectId": primary, "objectIdToMerge": other})
        for key in companies:
            world.dynamics.edit("CustomersV3", key, {"AddressStreet": f"2 Side Street of {key}"}, world.now())
        await asyncio.sleep(SEARCH_LAG_S)

    async def act(self, place: Workplace) -> None:
        await passes(place, "customers")

    def end(self, world: Simulated) -> list[str]:
        records = world.records("hubspot", "companies")
        links = world.rows(
            "SELECT key, target_id, role, state FROM mlc_link WHERE flow = 'customers' ORDER BY key"
        )
        survivor = records[0]
        expected = {
            "companies": 1,
            "links": [
                ("usmf:US-001", survivor["id"], "owner", "live"),
                ("usmf:US-002", survivor["id"], "follower", "live"),
            ],
            "d365_customer_key": "usmf:US-001",
            "d365_customer_accounts": "usmf:US-002",
            "address": "2 Side Street of usmf:US-001",
        }
        return differences(expected, survivor["properties"] | {"companies": len(records), "links": links})

    async def again(self, place: Workplace) -> None:
        await passes(place, "customers")


@dataclass(frozen=True)
class MatchedCompany:
    """The portal has companies: one is certainly a customer's, one doubtfully; matching goes before the first load."""

    beginning: Beginning = field(
        default_factory=lambda: Beginning(
            only_customers(
                customer(1, "Alpha Foundry Inc."), customer(2, "Beta Mills LLC"), customer(3, "Gamma Inc.")
            ),
            loaded=(),
        )
    )
    late_paths: str = r"/batch/(upsert|update)"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        certain = {
            "name": "Alpha Foundry",
            "zip": "60601",
            "city": "Chicago",
            "description": "Met at the fair",
        }
        doubtful = {"name": "Beta Mills", "city": "Chicago"}
        for properties in (certain, doubtful):
            world.rep_asks("POST", COMPANIES, {"properties": properties})
        await asyncio.sleep(SEARCH_LAG_S)

    async def act(self, place: Workplace) -> None:
        try:
            await passes(place, "customers")
        except ConfigurationError as refused:
            if refused.code != "flow.portal_not_matched":
                raise
            await carry_out(place, await compare(place, "customers"), by="a person")
            await passes(place, "customers")

    def end(self, world: Simulated) -> list[str]:
        records, queued = (
            world.records("hubspot", "companies"),
            "SELECT source_key, state FROM mlc_match ORDER BY 1",
        )
        certain, doubtful = records[:2]
        found: dict[str, Any] = certain["properties"] | {
            "keys": [record["properties"].get("d365_customer_key") for record in records],
            "doubtful": doubtful["properties"]["name"],
            "matches": world.rows(queued),
            "touched": doubtful["updatedAt"] != doubtful["createdAt"],
        }
        expected = {
            "keys": ["usmf:US-001", None, "usmf:US-003"],
            "name": "Alpha Foundry Inc.",
            "description": "Met at the fair",
            "phone": "+13125550101",
            "doubtful": "Beta Mills",
            "touched": False,
            "matches": [("usmf:US-001", "stamped"), ("usmf:US-002", "doubtful")],
        }
        return differences(expected, found)

    async def again(self, place: Workplace) -> None:
        await passes(place, "customers")
