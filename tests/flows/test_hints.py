"""What an event hints at is read through the same door as in a pass, and written; nothing else is read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.app.flows import order_flow, record_flow
from ml_connector.app.intake import Intake
from ml_connector.engine import inbox as box
from ml_connector.engine.process_runs import replay_process
from ml_connector.engine.runs import keyed_records
from ml_connector.store import flows
from ml_connector.store.flows import FlowRow
from ml_connector.systems.dynamics import events as dynamics_events
from ml_connector.systems.hubspot import events as hubspot_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import link, loaded, run
    from tests.flows.office import Office
    from tests.flows.people import contact_id, contacts, people
    from tests.flows.selling import sellable, sold

    from ml_connector.domain.records import Counters
else:
    from crawling import link, loaded, run  # pytest puts this folder on the path
    from people import contact_id, contacts, people
    from selling import sellable, sold

CHANGED = {
    "dynamics": {"CustomerChanged": {"flow": "customers", "entity_set": "CustomersV3", "key": "Account"}}
}


async def arrives(office: Office, *, dynamics: Any = None, hubspot: Any = None) -> None:
    """An event comes through the door of this connection; its seal was checked before."""
    intake = Intake(office.at.settings, office.at.store, office.at.vault, office.around)
    gate = (await intake._look())[office.at.connection.name]
    if dynamics is not None:
        events = dynamics_events.read_events(json.dumps(dynamics).encode(), gate.environment)
        assert (await gate.inbox.accept(events, gate.of_dynamics)).accepted == 1
    if hubspot is not None:
        portal = office.twins.pair.access.portal_id
        told = {"eventId": 1, "portalId": portal, "changeSource": "CRM_UI", **hubspot}
        events = hubspot_events.read_events(json.dumps([told]).encode())
        assert (await gate.inbox.accept(events, gate.of_hubspot)).accepted == 1


async def dispatched(office: Office, flow: str) -> Counters:
    """What a dispatcher does with the hints of a record flow."""
    taken = await box.take(office.at.engine, flow, 100)
    report = await keyed_records(
        await record_flow(office.at, flow), office.at.engine, taken.keys, office.at.traffic
    )
    assert report.error is None
    await box.done(office.at.engine, taken)
    assert await box.open_hints(office.at.engine) == {}
    return report.counters


async def test_a_business_event_moves_its_customer_and_reads_no_other(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 5, settings={"events": CHANGED})
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Renamed AB")
    office.clerk_changes("CustomersV3", "usmf:US-003", OrganizationName="Not told")
    event = {
        "BusinessEventId": "CustomerChanged",
        "BusinessEventLegalEntity": "USMF",
        "ControlNumber": 7,
        "Account": "US-002",
    }
    await arrives(office, dynamics=event)
    counters = await dispatched(office, "customers")
    assert (counters.read, counters.updated) == (1, 1)
    assert office.companies()["usmf:US-002"]["name"] == "Renamed AB"
    assert office.companies()["usmf:US-003"]["name"] != "Not told"
    assert await office.figures("customers") == {
        "read": 5,
        "updated": 1,
        "unchanged": 4,
    }  # and a pass finds the rest


async def test_a_company_that_a_person_deleted_is_noticed_at_once_although_its_customer_has_not_moved(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """It is not made again: it waits under "deleted in HubSpot"."""
    office = await loaded(start, 3)
    company = office.company_id("usmf:US-002")
    await office.rep_asks("DELETE", f"/crm/v3/objects/companies/{company}")
    await arrives(office, hubspot={"subscriptionType": "company.deletion", "objectId": int(company)})
    await dispatched(office, "customers")
    assert (await link(office, "usmf:US-002")).state == "deleted"
    assert "usmf:US-002" not in office.companies()
    assert "usmf:US-002" in await office.stuck("customers")


async def test_a_person_deleted_for_privacy_is_noticed_at_once_and_never_made_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Her record in Dynamics has not moved; a moment later it is certain, and she is on the list."""
    office = await start(products=0, switches={"search_lag_s": "0"})
    for number in (1, 2):
        await office.customer(f"usmf:US-00{number}", PrimaryContactEmail=f"p{number}@alder.example")
    flow = await people(office)
    await run(office, flow)
    async with office.at.store.write() as tx:
        await flows.put(tx, office.at.connection.connection_id, FlowRow("contacts", "on", loaded=True))
    contact = contact_id(office, "p2@alder.example")
    await office.rep_asks("POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": contact})
    await arrives(office, hubspot={"subscriptionType": "contact.privacyDeletion", "objectId": int(contact)})
    taken = await box.take(office.at.engine, "contacts", 10)
    report = await keyed_records(flow, office.at.engine, taken.keys, office.at.traffic)
    assert (report.error, report.counters.read) == (None, 1)
    await box.done(office.at.engine, taken)
    assert set(contacts(office)) == {"p1@alder.example"}
    assert (await link(office, "usmf:US-002", "contacts")).state == "deleted"
    office.later(timedelta(minutes=6))
    await run(office, flow)
    assert (await link(office, "usmf:US-002", "contacts")).state == "erased"
    assert set(contacts(office)) == {"p1@alder.example"}


async def test_a_won_deal_begins_its_order_without_a_pass(office: Office) -> None:
    shop = await sellable(office)
    deal = await sold(shop)
    await arrives(office, hubspot={"subscriptionType": "deal.propertyChange", "objectId": int(deal)})
    taken = await box.take(office.at.engine, "orders", 10)
    assert taken.keys == (deal,)
    process = await replay_process(await order_flow(office.at), office.at.engine, deal)
    await box.done(office.at.engine, taken)
    assert process.subject == deal
    assert process.state in {"waiting", "parked", "done"}
