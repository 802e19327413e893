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
        ann = next((key for key, one in contacts.items() if one["properties"].get("firstname") == "Ann"), "")
        confirmed = "SELECT 1 FROM mlc_audit WHERE flow = 'contacts' AND key = 'switch'"
        found = {
            "companies": sorted(companies),
            "contacts": sorted(contacts),
            "of all": (len(world.records("hubspot", "companies")), len(world.records("hubspot", "contacts"))),
            "confirmations in the audit": len(world.rows(confirmed)),
        }
        expected = {
            "companies": ["usmf:US-001", "usmf:US-002"],
            "contacts": ["usmf:c-US-002", ann],
            "of all": (2, 2),
            "confirmations in the audit": 1,
        }
        at = {ann: companies.get("usmf:US-001"), "usmf:c-US-002": companies.get("usmf:US-002")}
        return differences(expected, found) or differences(
            {key: {company["id"]: [PRIMARY, OF_COMPANY]} for key, company in at.items() if company},
            {key: companies_of(contact) for key, contact in contacts.items()},
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
        contacts = world.records("hubspot", "contacts")
        if len(contacts) != 1:
            return [f"{len(contacts)} contacts stand"]
        companies, contact = world.companies(), contacts[0]
        keys = [row[0] for row in world.rows("SELECT key FROM mlc_link WHERE flow = 'contacts' ORDER BY key")]
        alpha, beta = (companies[key]["id"] for key in ("usmf:US-001", "usmf:US-002"))
        expected = {
            "d365_contact_key": keys[0],
            "d365_contact_keys": ";".join(keys[1:]),
            "firstname": "Ann",
            "email": "buyers@group.example",
            "companies": {alpha: [PRIMARY, OF_COMPANY], beta: [OF_COMPANY]},
        }
        return differences(expected, contact["properties"] | {"companies": companies_of(contact)})

    async def again(self, place: Workplace) -> None:
        await passes(place, "contacts")


def companies_of(contact: dict[str, Any]) -> dict[str, list[int]]:
    """The companies a contact is associated with, by id, and how."""
    return {other["id"]: other["types"] for other in contact["associations"].get("companies", [])}
