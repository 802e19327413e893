"""Contacts are a separate switch, off until a person confirms what HubSpot's API does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from ml_connector.app.connect import connect_hubspot, ping
from ml_connector.app.flow_switch import STATEMENTS, SWITCH, disable, enable, flows_on, list_flows, to_confirm
from ml_connector.app.properties import hubspot_properties
from ml_connector.app.sync import sync
from ml_connector.errors import ConfigurationError
from ml_connector.systems.hubspot import properties

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office, connect, hubspot_access
else:
    from office import connect, hubspot_access  # pytest puts this folder on the path


async def test_contacts_stay_off_until_they_are_named(office: Office) -> None:
    """Enabling without names switches everything else on; a bare sync then runs without them."""
    assert "contacts" not in await flows_on(office.at)
    assert await to_confirm(office.at, []) == ()
    assert {row.flow: row.state for row in await list_flows(office.at)} == {
        "customers": "on",
        "contacts": "off",
        "products": "on",
        "orders": "on",
        "order_status": "on",
    }


async def test_off_until_a_person_confirms_three_statements_which_stand_in_the_audit(office: Office) -> None:
    """ "create and associate companies with contacts", marketing-contact status for this app, workflows"""
    wanted = await to_confirm(office.at, ["customers", "contacts"])
    assert [each.name for each in wanted] == ["company_creation", "marketing_contacts", "workflows"]
    for confirmed in ((), wanted[:2]):
        with pytest.raises(ConfigurationError, match="contacts needs somebody who confirms"):
            await enable(office.at, ["contacts"], confirmed=confirmed)
    assert "contacts" not in await flows_on(office.at)
    assert await office.story("contacts", SWITCH) == []

    await enable(office.at, ["contacts"], confirmed=wanted)
    assert "contacts" in await flows_on(office.at)
    [entry] = await office.story("contacts", SWITCH)
    told = orjson.loads(entry.payload)
    assert entry.kind == "confirmed"
    assert told["by"] == "a test"
    assert [each["text"] for each in told["statements"]] == [each.text for each in STATEMENTS]
    await office.verified()


async def test_what_was_confirmed_is_not_asked_again_until_the_flow_has_been_off(office: Office) -> None:
    await enable(office.at, ["contacts"], confirmed=STATEMENTS)
    assert await to_confirm(office.at, ["contacts"]) == ()
    await enable(office.at, ["contacts"])
    assert len(await office.story("contacts", SWITCH)) == 1
    await disable(office.at, ["contacts"])
    assert len(await to_confirm(office.at, ["contacts"])) == 3


async def test_a_pass_brings_people_with_and_without_e_mail_and_a_second_one_writes_nothing(
    office: Office,
) -> None:
    """Companies before contacts."""
    await office.customer("usmf:US-001", PrimaryContactEmail="office@alder.example")
    person = {
        "PartyType": "Person",
        "OrganizationName": "",
        "PersonFirstName": "Cy",
        "PersonLastName": "Lind",
    }
    await office.customer("usmf:US-002", **person)
    reports = await sync(office.at, ["contacts", "customers"])
    assert [report.flow for report in reports] == ["customers", "contacts"]
    assert await office.figures("contacts") == {"read": 2, "unchanged": 2}
    found = {row["properties"]["d365_contact_key"]: row["properties"] for row in office.records("contacts")}
    assert found["usmf:c-US-001"]["email"] == "office@alder.example"
    assert (found["usmf:c-US-002"]["firstname"], found["usmf:c-US-002"]["lastname"]) == ("Cy", "Lind")
    await office.verified()


async def test_customers_alone_need_no_properties_of_contacts(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(connected=False)
    await connect(office.at, office.twins)
    specs = [spec for spec in properties.SPECS if spec.object_type == "companies"]
    await properties.create(await office.at.hubspot(), specs)
    await office.customer("usmf:US-001")
    assert await office.figures("customers") == {"read": 1, "created": 1}
    with pytest.raises(ConfigurationError, match=r"lacks properties.*contacts\.d365_contact_key"):
        await sync(office.at, ["contacts"])


async def test_a_token_without_contacts_still_serves_the_other_flows(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The ping says what is missing; properties of contacts are asked for once that flow is on."""
    office = await start(switches={"missing_scopes": "crm.objects.contacts.write,crm.schemas.contacts.write"})
    [step] = [
        step for step in (await ping(office.at, ["hubspot"]))["hubspot"].steps if step.name == "Contacts"
    ]
    assert step.ok
    assert "crm.objects.contacts.write" in step.fix
    report = await hubspot_properties(office.at, create=False)
    assert not any(name.startswith("contacts.") for name in (*report.missing, *report.problems))
    await enable(office.at, ["contacts"], confirmed=STATEMENTS)
    report = await hubspot_properties(office.at, create=False)
    assert "contacts.d365_contact_key" in report.missing


async def test_a_token_that_opens_contacts_says_so(office: Office) -> None:
    report = await connect_hubspot(office.at, hubspot_access(office.twins))
    [step] = [step for step in report.steps if step.name == "Contacts"]
    assert (step.ok, step.detail, step.fix) == (True, "May be read and written.", "")
