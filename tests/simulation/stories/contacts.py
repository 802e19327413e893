"""Stories of contacts: the people of customers, each one record, associated with their companies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.small_world import customer, only_customers, person
from tests.simulation.stories.story import Beginning, differences, passes

from ml_connector.app.flow_switch import enable, to_confirm

if TYPE_CHECKING:
    from tests.simulation.simulated import Simulated

    from ml_connector.app.workplace import Workplace

OF_COMPANY, PRIMARY = 279, 1  # HubSpot's types of an association of a contact with a company


@dataclass(frozen=True)
class FirstLoad:
    """A person confirms and switches contacts on; companies, their people and the associations arrive."""

    beginning: Beginning = field(
        default_factory=lambda: Beginning(
            only_customers(
                customer(1, "Alpha Foundry Inc.", person(1, "Ann Archer", "ann@alpha.example")),
                customer(2, "Beta Mills LLC"),  # its own mailbox becomes a contact
            ),
            page_size=1,
            loaded=(),
        )
    )
    late_paths: str = r"/contacts/(companies/)?batch/(upsert|create)"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        """The portal is empty."""

    async def act(self, place: Workplace) -> None:
        await enable(place, ["contacts"], confirmed=await to_confirm(place, ["contacts"]))
        await passes(place, "customers", "contacts")

    def end(self, world: Simulated) -> list[str]:
        companies, contacts = world.companies(), world.contacts()
        numbers = {
            each["properties"]["firstname"]: key
            for key, each in contacts.items()
            if "firstname" in each["properties"]
        }
        expected: dict[str, object] = {
            "companies": ["usmf:US-001", "usmf:US-002"],
            "all companies": 2,
            "all contacts": 2,
            "Ann's": {companies["usmf:US-001"]["id"]: [PRIMARY, OF_COMPANY]},
            "Beta's": {companies["usmf:US-002"]["id"]: [PRIMARY, OF_COMPANY]},
            "confirmed": 1,
        }
        return differences(
            expected,
            {
                "companies": sorted(companies),
                "all companies": len(world.records("hubspot", "companies")),
                "all contacts": len(world.records("hubspot", "contacts")),
                "Ann's": companies_of(contacts[numbers["Ann"]]),
                "Beta's": companies_of(contacts["usmf:c-US-002"]),
                "confirmed": len(
                    world.rows("SELECT 1 FROM mlc_audit WHERE flow = 'contacts' AND key = 'switch'")
                ),
            },
        )

    async def again(self, place: Workplace) -> None:
        await passes(place, "customers", "contacts")


@dataclass(frozen=True)
class SharedEmail:
    """Two people at two customers have one e-mail address, which HubSpot keeps unique: one contact of both."""

    beginning: Beginning = field(
        default_factory=lambda: Beginning(
            only_customers(
                customer(1, "Alpha Foundry Inc.", person(1, "Ann Archer", "buyers@group.example")),
                customer(2, "Beta Mills LLC", person(2, "Bob Baker", "Buyers@Group.example")),
            ),
            loaded=("customers",),
        )
    )
    late_paths: str = r"/contacts/(companies/)?batch/(upsert|update|create)"
    late_times: int | None = 2

    async def begin(self, world: Simulated) -> None:
        """Both stand in F&O, their companies in HubSpot."""

    async def act(self, place: Workplace) -> None:
        await passes(place, "contacts")

    def end(self, world: Simulated) -> list[str]:
        companies, people = (
            world.companies(),
            world.rows("SELECT key FROM mlc_link WHERE flow = 'contacts' ORDER BY key"),
        )
        [(owner,), (other,)] = people
        contact = world.contacts()[owner]
        expected = {
            "d365_contact_keys": other,
            "firstname": "Ann",
            "email": "buyers@group.example",
            "contacts": 1,
            "companies": {
                companies["usmf:US-001"]["id"]: [PRIMARY, OF_COMPANY],
                companies["usmf:US-002"]["id"]: [OF_COMPANY],
            },
        }
        found = {"contacts": len(world.records("hubspot", "contacts")), "companies": companies_of(contact)}
        return differences(expected, contact["properties"] | found)

    async def again(self, place: Workplace) -> None:
        await passes(place, "contacts")


def companies_of(contact: dict[str, Any]) -> dict[str, list[int]]:
    """The companies a contact is associated with, by id, and how."""
    return {other["id"]: other["types"] for other in contact["associations"].get("companies", [])}
