"""A portal in which people have worked for years, and what a test of matching asks of the connector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.app import match_review
from ml_connector.app.matching import carry_out, compare
from ml_connector.store import matches

if TYPE_CHECKING:
    from tests.flows.office import Office

    from ml_connector.app.matching import Comparison

KIM = "Kim"
CHICAGO = {
    "AddressCity": "Chicago", "AddressZipCode": "60601", "AddressCountryRegionId": "USA",
    "AddressCountryRegionISOCode": "US",
}  # fmt: skip


async def company(office: Office, **values: str) -> str:
    """A company that a rep made long ago."""
    made = await office.rep_asks("POST", "/crm/v3/objects/companies", {"properties": values})
    return str(made["id"])


async def contact(office: Office, email: str, of: str = "") -> str:
    made = await office.rep_asks("POST", "/crm/v3/objects/contacts", {"properties": {"email": email}})
    if of:
        await office.associate("contacts", str(made["id"]), "companies", of, 1)
    return str(made["id"])


async def matched(office: Office, flow: str = "customers") -> tuple[Comparison, dict[str, Any]]:
    comparison = await compare(office.at, flow)
    return comparison, await carry_out(office.at, comparison, by=KIM)


async def waiting(office: Office) -> list[dict[str, Any]]:
    found = await match_review.review(office.at)
    proposals: list[dict[str, Any]] = found["proposals"]
    return proposals


async def undecided(office: Office, *keys: str) -> set[str]:
    async with office.at.store.read() as tx:
        return await matches.undecided(tx, office.at.connection.connection_id, "customers", keys)


async def known_portal(office: Office) -> dict[str, str]:
    """Four customers: one HubSpot knows for certain, one perhaps, two not; and a company F&O does not know."""
    await office.customer(
        "usmf:US-001",
        OrganizationName="Alder & Finch Mills Inc.",
        PrimaryContactEmail="office@alder.example",
        **CHICAGO,
    )
    await office.customer("usmf:US-002", OrganizationName="Birch Foundry LLC", **CHICAGO)
    await office.customer("usmf:US-003", OrganizationName="Cedar Paper Co.", **CHICAGO)
    await office.customer("demf:US-001", OrganizationName="Donau Pumpen GmbH")
    return {
        "alder": await company(office, name="ALDER AND FINCH MILLS", domain="alder.example", city="Chicago"),
        "birch": await company(office, name="Birch Foundry", city="Chicago"),
        "other": await company(office, name="Elm Irrigation", domain="elm.example"),
    }
