"""Contacts through the whole path: one contact an e-mail, tied to every company, adopted rather than doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.store import associations, links

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office
    from tests.flows.planning import planned_of
else:
    from planning import planned_of  # pytest puts this folder on the path

CUSTOMER = {"AssociatedContactType": "Customer"}


@pytest.fixture
async def office(start: Callable[..., Awaitable[Office]]) -> Office:
    """Two companies; contacts are on."""
    office = await start(switches={"search_lag_s": "0"})
    await office.customer("usmf:US-001", OrganizationName="Contoso")
    await office.customer("usmf:US-002", OrganizationName="Fabrikam")
    await office.figures("customers")
    return office


async def person(office: Office, number: str, *accounts: str, **fields: Any) -> str:
    """A person at customers, by the accounts in usmf; the key of the contact."""
    for account in accounts or ("US-001",):
        await office.clerk_adds(
            "CDSContactPersonsV2",
            dataAreaId="usmf",
            ContactPersonPartyNumber=number,
            AssociatedContactNumber=account,
            **CUSTOMER,
            **fields,
        )
    return f"usmf:p-{number}"


def contacts(office: Office) -> dict[str, dict[str, Any]]:
    """The portal's contacts by their key, or by their e-mail where they have none."""
    return {
        one["properties"].get("d365_contact_key") or one["properties"]["email"]: one["properties"]
        for one in office.records("contacts")
    }


def companies_of(office: Office, contact: dict[str, Any]) -> dict[str, bool]:
    """The customer keys a contact is associated with, and whether each is the primary company."""
    names = {int(company["hs_object_id"]): key for key, company in office.companies().items()}
    found = office.twins.pair.hubspot.portal.links.of("contacts", int(contact["hs_object_id"]), "companies")
    return {names[company]: 1 in types for company, types in found.items()}


async def test_a_contact_person_becomes_one_contact_associated_with_its_company_as_the_primary(
    office: Office,
) -> None:
    key = await person(
        office, "000101", FirstName="Ada", LastName="Byron", PrimaryEmailAddress="Ada@Contoso.example"
    )
    assert await office.figures("contacts") == {"read": 1, "created": 1}
    contact = contacts(office)[key]
    assert (contact["firstname"], contact["email"]) == ("Ada", "ada@contoso.example")
    assert companies_of(office, contact) == {"usmf:US-001": True}
    mark = office.mark()
    assert await office.figures("contacts") == {"read": 1, "unchanged": 1}
    assert office.writes(mark) == []


async def test_the_same_email_on_several_people_is_one_contact_associated_with_every_company(
    office: Office,
) -> None:
    """The oldest key owns the fields, no flip-flop; the others are noted."""
    first = await person(
        office, "000101", "US-001", FirstName="Ada", PrimaryEmailAddress="info@group.example"
    )
    second = await person(
        office, "000102", "US-002", FirstName="Bob", PrimaryEmailAddress="INFO@group.example"
    )
    figures = await office.figures("contacts")
    assert (figures["read"], figures["created"], figures["updated"]) == (2, 1, 1)
    assert list(contacts(office)) == [first]
    contact = contacts(office)[first]
    assert contact["firstname"] == "Ada"
    assert contact["d365_contact_keys"] == second
    noted = await office.story("contacts", second)
    assert any(b"Another key owns this record's fields" in row.payload for row in noted)
    assert companies_of(office, contact) == {"usmf:US-001": True, "usmf:US-002": False}
    office.clerk_changes("CDSContactPersonsV2", "usmf:000102:Customer:US-002", FirstName="Robert")
    mark = office.mark()
    assert await office.figures("contacts") == {"read": 2, "unchanged": 2}
    assert office.writes(mark) == []


async def test_a_contact_that_stands_in_hubspot_is_adopted_by_stamping_the_key_and_keeps_its_values(
    office: Office,
) -> None:
    """Every field of an adopted contact is first-write."""
    await office.rep_asks(
        "POST",
        "/crm/objects/2026-03/contacts",
        {"properties": {"email": "ada@contoso.example", "firstname": "Augusta", "hs_lead_status": "OPEN"}},
    )
    key = await person(
        office, "000101", FirstName="Ada", LastName="Byron", PrimaryEmailAddress="ada@contoso.example"
    )
    await office.figures("contacts")
    [contact] = contacts(office).values()
    assert contact["d365_contact_key"] == key
    assert (contact["firstname"], contact["lastname"]) == ("Augusta", "Byron")
    assert companies_of(office, contact) == {"usmf:US-001": True}
    office.clerk_changes("CDSContactPersonsV2", "usmf:000101:Customer:US-001", FirstName="Adele")
    await office.figures("contacts")
    assert contacts(office)[key]["firstname"] == "Augusta"


@pytest.mark.parametrize("read_further_emails", ["yes", "no"])
async def test_before_creation_a_contact_is_looked_up_by_email_secondary_addresses_too(
    start: Callable[..., Awaitable[Office]], read_further_emails: str
) -> None:
    """Adopted by stamping the key, whether a read finds it or its creation is refused; a plan knows the first."""
    office = await start(switches={"search_lag_s": "0", "read_further_emails": read_further_emails})
    await office.customer("usmf:US-001", OrganizationName="Contoso")
    await office.figures("customers")
    ids = []
    for email in ("ada@private.example", "ada@contoso.example"):
        made = await office.rep_asks("POST", "/crm/v3/objects/contacts", {"properties": {"email": email}})
        ids.append(made["id"])
    body = {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]}
    await office.rep_asks("POST", "/crm/v3/objects/contacts/merge", body)
    key = await person(office, "000101", FirstName="Ada", PrimaryEmailAddress="Ada@Contoso.example")
    counts = (await planned_of(office, "contacts"))["counts"]
    assert (counts["adopt"], counts["create"]) == ((1, 0) if read_further_emails == "yes" else (0, 1))
    await office.figures("contacts")
    [contact] = contacts(office).values()
    assert (contact["d365_contact_key"], contact["firstname"]) == (key, "Ada")
    assert (contact["email"], contact["hs_additional_emails"]) == (
        "ada@private.example",
        "ada@contoso.example",
    )
    assert companies_of(office, contact) == {"usmf:US-001": True}
    mark = office.mark()
    assert await office.figures("contacts") == {"read": 1, "unchanged": 1}
    assert office.writes(mark) == []


async def test_inactive_people_are_kept_and_marked_in_hubspot(office: Office) -> None:
    """Nothing is deleted or cleared, nobody loses a company; one who comes back is active again."""
    key = await person(office, "000101", FirstName="Ada", PrimaryEmailAddress="ada@contoso.example")
    await office.figures("contacts")
    before = contacts(office)[key]
    assert before["d365_status"] == "Active"
    for inactive, status in (("Yes", "Inactive"), ("No", "Active")):
        office.clerk_changes("CDSContactPersonsV2", "usmf:000101:Customer:US-001", IsInactive=inactive)
        assert await office.figures("contacts") == {"read": 1, "updated": 1}
        now = contacts(office)[key]
        assert now["d365_status"] == status
        assert [now[name] for name in ("email", "firstname")] == [
            before[name] for name in ("email", "firstname")
        ]
        assert companies_of(office, now) == {"usmf:US-001": True}


async def test_the_primary_company_is_set_only_when_the_contact_has_none(office: Office) -> None:
    made = await office.rep_asks(
        "POST", "/crm/objects/2026-03/contacts", {"properties": {"email": "ada@contoso.example"}}
    )
    await office.associate("contacts", made["id"], "companies", office.company_id("usmf:US-002"), 1)
    key = await person(office, "000101", PrimaryEmailAddress="ada@contoso.example")
    await office.figures("contacts")
    assert companies_of(office, contacts(office)[key]) == {"usmf:US-001": False, "usmf:US-002": True}


async def test_no_or_a_malformed_email_makes_a_contact_by_its_key_without_email(office: Office) -> None:
    bare = await person(office, "000101", FirstName="Ada")
    odd = await person(office, "000102", FirstName="Bob", PrimaryEmailAddress="bob at contoso")
    assert await office.figures("contacts") == {"read": 2, "created": 2}
    assert not contacts(office)[bare].get("email")
    assert not contacts(office)[odd].get("email")
    created = next(row for row in await office.story("contacts", odd) if row.kind == "created")
    assert b"bob at contoso" in created.payload


async def test_an_association_that_is_refused_after_its_record_is_retried_alone(office: Office) -> None:
    key = await person(office, "000101", FirstName="Ada")
    office.fault("hubspot", "status", "POST", r"associations/.*/batch/create", status=503, times=20)
    assert (await office.sync("contacts"))["contacts"].error is not None
    assert companies_of(office, contacts(office)[key]) == {}
    office.mended()
    mark = office.mark()
    await office.figures("contacts")
    assert companies_of(office, contacts(office)[key]) == {"usmf:US-001": True}
    assert len(office.writes(mark)) == 1, "the record itself is not sent again"


async def test_an_association_waits_for_the_company_that_is_not_there_yet(office: Office) -> None:
    await office.customer("usmf:US-003", OrganizationName="Northwind")
    key = await person(office, "000101", "US-003", FirstName="Ada")
    await office.figures("contacts")
    assert companies_of(office, contacts(office)[key]) == {}
    await office.figures("customers")
    await office.figures("contacts")
    assert companies_of(office, contacts(office)[key]) == {"usmf:US-003": True}
    async with office.at.store.read() as tx:
        [row] = await associations.of_record(tx, office.at.connection.connection_id, "contacts", key)
    assert row.state == "made"


async def test_an_email_that_changes_to_one_of_its_own_parts_the_follower_from_the_owner(
    office: Office,
) -> None:
    first = await person(
        office, "000101", "US-001", FirstName="Ada", PrimaryEmailAddress="info@group.example"
    )
    second = await person(
        office, "000102", "US-002", FirstName="Bob", PrimaryEmailAddress="info@group.example"
    )
    await office.figures("contacts")
    office.clerk_changes(
        "CDSContactPersonsV2", "usmf:000102:Customer:US-002", PrimaryEmailAddress="bob@fabrikam.example"
    )
    await office.figures("contacts")
    assert set(contacts(office)) == {first, second}
    assert contacts(office)[second]["email"] == "bob@fabrikam.example"
    async with office.at.store.read() as tx:
        rows = await links.many(tx, office.at.connection.connection_id, "contacts", [first, second])
    assert {rows[first].role, rows[second].role} == {"owner"}
    mark = office.mark()
    await office.figures("contacts")
    assert office.writes(mark) == []


async def test_a_person_who_gains_another_company_is_associated_with_it_too(office: Office) -> None:
    """Nothing of the contact itself has changed: only the association is written."""
    key = await person(office, "000101", "US-001", FirstName="Ada")
    await office.figures("contacts")
    await person(office, "000101", "US-002", FirstName="Ada")
    mark = office.mark()
    assert await office.figures("contacts") == {"read": 1, "unchanged": 1}
    assert companies_of(office, contacts(office)[key]) == {"usmf:US-001": True, "usmf:US-002": False}
    assert len(office.writes(mark)) == 1


async def test_a_contact_whose_first_key_is_gone_goes_on_under_the_next_one(office: Office) -> None:
    """It is not marked as gone while another key of it lives; that one owns the fields from then on."""
    first = await person(
        office, "000101", "US-001", FirstName="Ada", PrimaryEmailAddress="info@group.example"
    )
    second = await person(
        office, "000102", "US-002", FirstName="Bob", PrimaryEmailAddress="info@group.example"
    )
    await office.figures("contacts")
    office.twins.pair.remove("CDSContactPersonsV2", "usmf:000101:Customer:US-001")
    for _ in range(3):
        await office.figures("contacts")
    [contact] = contacts(office).values()
    assert (contact["firstname"], contact["d365_status"]) == ("Bob", "Active")
    async with office.at.store.read() as tx:
        rows = await links.many(tx, office.at.connection.connection_id, "contacts", [first, second])
    assert (rows[first].state, rows[second].role) == ("gone", "owner")
    mark = office.mark()
    await office.figures("contacts")
    assert office.writes(mark) == []
