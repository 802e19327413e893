"""A flow of people for tests: every customer's mailbox is a contact, unique by its e-mail address as in HubSpot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.records import TargetRecord, digest
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.systems.hubspot import properties
from ml_connector.systems.hubspot.properties import PropertySpec
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from tests.flows.crawling import customers_flow
    from tests.flows.office import Office

    from ml_connector.domain.records import SourceRecord
else:
    from crawling import customers_flow  # pytest puts this folder on the path


async def people(office: Office, **traits: Any) -> RecordFlow:
    """The flow, its properties made in the portal."""
    hubspot = await office.at.hubspot()
    found = await properties.missing(hubspot, ("contacts",))
    await properties.create(hubspot, [one for one in found if isinstance(one, PropertySpec)])
    office.sent.clear()  # definitions have no row in the journal of calls
    customers = await customers_flow(office)
    return RecordFlow(
        name="contacts",
        source=customers.source,
        sink=UpsertSink(hubspot, "contacts", "d365_contact_key", identity="email"),
        map=as_contact,
        mapping_version=1,
        lanes=4,
        traits=Traits(status="d365_status", further_keys="d365_contact_keys", keeps_adopted=True, **traits),
    )


def as_contact(record: SourceRecord) -> TargetRecord:
    """The mailbox of a customer."""
    email = str(record.fields["PrimaryContactEmail"]).strip().lower()
    values = {
        "d365_contact_key": record.key,
        "email": email,
        "lastname": str(record.fields["OrganizationName"]),
        "d365_status": "Active",
    }
    return TargetRecord(record.key, values, digest(values), record.digest, identity=email)


def contacts(office: Office) -> dict[str, dict[str, Any]]:
    """Properties of the live contacts, by e-mail address."""
    return {row["properties"].get("email", ""): row["properties"] for row in office.records("contacts")}


def contact_id(office: Office, email: str) -> str:
    return next(str(row["id"]) for row in office.records("contacts") if row["properties"]["email"] == email)
