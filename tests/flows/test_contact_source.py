"""People at customers of F&O as contacts: who is read, under which key, with which e-mail and whose companies.

Everything is read from the twin through the flow as it is built for a connection; what becomes of the records in
HubSpot is the engine's affair.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flows import record_flow
from ml_connector.domain.records import Related
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.flows.office import Office

    from ml_connector.domain.records import Page, SourceRecord, TargetRecord
    from ml_connector.engine.ports import RecordFlow
BOTH_SETS = pytest.mark.parametrize("cds_sets", ["offered", "missing"])


async def _flow(office: Office) -> RecordFlow:
    return await record_flow(office.at, "contacts")


async def _pages(flow: RecordFlow, cursor: str | None = None) -> list[Page]:
    async with aclosing(flow.source.pages(cursor)) as pages:
        return [page async for page in pages]


def _keys(pages: Iterable[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


async def _read(office: Office) -> dict[str, SourceRecord]:
    """Every contact by key, in the order read; no key comes twice."""
    records = [record for page in await _pages(await _flow(office)) for record in page.records]
    by_key = {record.key: record for record in records}
    assert len(by_key) == len(records)
    return by_key


async def _mapped(office: Office) -> dict[str, TargetRecord]:
    flow = await _flow(office)
    return {key: flow.map(record) for key, record in (await _read(office)).items()}


async def _person(office: Office, customer: str = "", **fields: Any) -> dict[str, Any]:
    """A person at a customer, as the environment's people are entered."""
    legal_entity, _, account = customer.partition(":")
    at: dict[str, Any] = {"dataAreaId": legal_entity or "usmf", "FirstName": "Ada", "LastName": "Birk"}
    if office.twins.pair.options.switches.get("cds_sets") == "missing":
        at["AssociatedPartyNumber"] = _party(office, customer)
        return await office.clerk_adds("ContactPersons", **(at | fields))
    at |= {"AssociatedContactType": "Customer", "AssociatedContactNumber": account}
    return await office.clerk_adds("CDSContactPersonsV2", **(at | fields))


def _party(office: Office, customer: str) -> str:
    rows = office.records("CustomersV3")
    return next(
        (row["PartyNumber"] for row in rows if f"{row['dataAreaId']}:{row['CustomerAccount']}" == customer),
        "V-000001",
    )


@BOTH_SETS
async def test_key_of_a_contact(start: Callable[..., Awaitable[Office]], cds_sets: str) -> None:
    """always d365_contact_key: {entity}:{ContactPersonId}; from CDSContactPersonsV2
    {entity}:p-{ContactPersonPartyNumber}; a customer's own primary contact without a person row, and a person
    customer, {entity}:c-{CustomerAccount}"""
    office = await start(switches={"cds_sets": cds_sets})
    await office.customer("usmf:US-001", ContactPersonId="any")
    person = await _person(office, "usmf:US-001", PrimaryEmailAddress="Ada@Alder.example")
    await office.customer("demf:DE 1", PrimaryContactEmail="office@birke.example")
    await office.customer("ussi:0007", PartyType="Person", PersonFirstName="Cy", OrganizationName="")
    of_person = {"offered": f"p-{person['ContactPersonPartyNumber']}", "missing": person["ContactPersonId"]}
    found = await _mapped(office)
    assert list(found) == [f"usmf:{of_person[cds_sets]}", "demf:c-DE 1", "ussi:c-0007"]
    assert {key: record.properties["d365_contact_key"] for key, record in found.items()} == {
        key: key for key in found
    }
    assert [record.identity for record in found.values()] == ["ada@alder.example", "office@birke.example", ""]


async def test_a_person_at_several_customers_of_a_legal_entity_is_one_contact_of_them_all(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Its rows stand together however the pages are cut; another legal entity knows another contact."""
    office = await start(page_size=1)
    for key in ("usmf:US-001", "usmf:US-002", "usmf:US-003", "demf:DE-001"):
        await office.customer(key, ContactPersonId="any")
    first = await _person(office, "usmf:US-002", IsInactive="Yes", PrimaryEmailAddress="old@alder.example")
    number = first["ContactPersonPartyNumber"]
    await _person(office, "usmf:US-003")
    await _person(office, "demf:DE-001", ContactPersonPartyNumber=number, IsInactive="Yes")
    for customer in ("usmf:US-003", "usmf:US-001"):
        await _person(
            office, customer, ContactPersonPartyNumber=number, PrimaryEmailAddress=f"{customer[-1]}@a.example"
        )
    found = await _mapped(office)
    assert len(found) == 3
    shared = found[f"usmf:p-{number}"]
    assert shared.related == tuple(Related("customers", f"usmf:US-00{place}") for place in (1, 2, 3))
    assert shared.properties["d365_status"] == "Active"  # somewhere at least
    assert shared.identity == "1@a.example"  # of the first customer where they are active
    there = found[f"demf:p-{number}"]
    assert (there.related, there.properties["d365_status"]) == (
        (Related("customers", "demf:DE-001"),),
        "Inactive",
    )


async def test_a_party_with_two_accounts_in_a_legal_entity_shares_its_people(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """ContactPersons joined by party number; an account of the party in another legal entity is not theirs."""
    office = await start(switches={"cds_sets": "missing"})
    await office.customer("usmf:US-001", ContactPersonId="any")
    party = _party(office, "usmf:US-001")
    await office.customer("usmf:US-002", PartyNumber=party, ContactPersonId="any")
    await office.customer("demf:DE-001", PartyNumber=party, ContactPersonId="any")
    person = await _person(office, "usmf:US-001")
    found = await _read(office)
    assert found[f"usmf:{person['ContactPersonId']}"].fields["Customers"] == ["usmf:US-001", "usmf:US-002"]


@BOTH_SETS
async def test_people_of_vendors_and_prospects_are_never_read(
    start: Callable[..., Awaitable[Office]], cds_sets: str
) -> None:
    office = await start(switches={"cds_sets": cds_sets})
    await office.customer("usmf:US-001", ContactPersonId="any")
    if cds_sets == "offered":
        for kind in ("Vendor", "Prospect", "Contact", "NotSupported"):
            await _person(office, "usmf:US-001", AssociatedContactType=kind)
        assert await _read(office) == {}
    else:
        vendors = [await _person(office, FirstName="Vic") for _ in range(3)]
        pages = await _pages(await _flow(office))
        assert sum(page.skipped for page in pages) == len(vendors)
        assert [record for page in pages for record in page.records] == []
        read = (await _flow(office)).source.read
        assert await read([f"usmf:{vendors[0]['ContactPersonId']}"]) == []


@BOTH_SETS
async def test_inactive_people_are_kept_and_marked(
    start: Callable[..., Awaitable[Office]], cds_sets: str
) -> None:
    """From either data entity; what becomes of them in HubSpot: test_contacts."""
    office = await start(switches={"cds_sets": cds_sets})
    await office.customer("usmf:US-001", ContactPersonId="any")
    await _person(office, "usmf:US-001")
    await _person(office, "usmf:US-001", IsInactive="Yes")
    states = [record.properties["d365_status"] for record in (await _mapped(office)).values()]
    assert states == ["Active", "Inactive"]


@BOTH_SETS
async def test_each_origin_fills_what_it_has_under_the_same_names(
    start: Callable[..., Awaitable[Office]], cds_sets: str
) -> None:
    """One mapping serves both sets of people and the customers' own contacts."""
    office = await start(switches={"cds_sets": cds_sets})
    await office.customer("usmf:US-001", ContactPersonId="any")
    title = "EmploymentProfession" if cds_sets == "offered" else "EmploymentJobTitle"
    more = (
        {}
        if cds_sets == "offered"
        else {"IsPrimaryPhoneNumberMobile": "Yes", "PrimaryPhoneNumberExtension": "9"}
    )
    await _person(
        office,
        "usmf:US-001",
        PrimaryPhoneNumber="(312) 555-0101",
        PrimaryAddressStreet="1 Main Street",
        PrimaryAddressCity="Chicago",
        PrimaryAddressZipCode="60601",
        PrimaryAddressStateId="IL",
        PrimaryAddressCountryRegionId="USA",
        **{title: "Buyer"},
        **more,
    )
    await office.customer(
        "demf:DE-001",
        PartyType="Person",
        OrganizationName="",
        PersonFirstName="Ida",
        PersonLastNamePrefix="von",
        PersonLastName="Weide",
        PrimaryContactPhone="030 1234567",
        PrimaryContactPhoneIsMobile="Yes",
        AddressStreet="Ringstr. 5",
        AddressCity="Berlin",
        AddressCountryRegionId="DEU",
    )
    person, own = (record.properties for record in (await _mapped(office)).values())
    extension = "" if cds_sets == "offered" else " ext. 9"
    assert person == {
        "d365_contact_key": person["d365_contact_key"],
        "d365_status": "Active",
        "email": "",
        "firstname": "Ada",
        "lastname": "Birk",
        "jobtitle": "Buyer",
        "phone": f"+13125550101{extension}",
        "mobilephone": "" if cds_sets == "offered" else "+13125550101",
        "address": "1 Main Street",
        "city": "Chicago",
        "state": "Illinois",
        "zip": "60601",
        "country": "United States",
    }
    assert (own["firstname"], own["lastname"], own["address"]) == ("Ida", "von Weide", "Ringstr. 5")
    assert own["phone"] == own["mobilephone"] == "+49301234567"


async def test_a_malformed_e_mail_is_reported_and_the_contact_goes_without(office: Office) -> None:
    """no or malformed e-mail: contact by d365_contact_key without e-mail; the record is not blocked"""
    await office.customer("usmf:US-001", ContactPersonId="any")
    await _person(office, "usmf:US-001", PrimaryEmailAddress="info(at)alder.example")
    await _person(office, "usmf:US-001")
    malformed, without = (await _mapped(office)).values()
    assert (malformed.identity, malformed.properties["email"]) == ("", "")
    assert malformed.notes == ("email: 'info(at)alder.example' is no e-mail address; left empty",)
    assert (without.identity, without.notes) == ("", ())


async def test_an_organisations_own_e_mail_is_a_contact_only_without_a_person_row(office: Office) -> None:
    """a customer's own primary contact without a person row: no name and no address, those are its company's"""
    await office.customer("usmf:US-001", PrimaryContactEmail="office@a.example", ContactPersonId="any")
    await office.customer("usmf:US-002", PrimaryContactEmail="office@b.example", AddressCity="Chicago")
    await office.customer("usmf:US-003")
    found = await _mapped(office)
    assert list(found) == ["usmf:c-US-002"]
    own = found["usmf:c-US-002"]
    assert own.related == (Related("customers", "usmf:US-002"),)
    assert (own.identity, own.properties["lastname"], own.properties["city"]) == ("office@b.example", "", "")
    read = (await _flow(office)).source.read
    assert await read(["usmf:c-US-001", "usmf:c-US-003", "usmf:c-US-404", "nowhere:c-US-002"]) == []


@pytest.mark.parametrize("as_companies", [False, True])
async def test_a_person_customer_is_one_contact_and_a_company_only_if_the_setting_says_so(
    start: Callable[..., Awaitable[Office]], *, as_companies: bool
) -> None:
    """person customer: one contact; a company only if customers.companies_for_persons says so."""
    office = await start(settings={"customers": {"companies_for_persons": as_companies}})
    await office.customer(
        "usmf:US-001",
        PartyType="Person",
        OrganizationName="",
        PersonFirstName="Ada",
        PersonMiddleName="M.",
        PersonLastName="Birk",
        ContactPersonId="any",
    )
    [contact] = (await _mapped(office)).values()
    company = Related("customers", "usmf:US-001")
    assert contact.related == ((company,) if as_companies else ())
    assert (contact.properties["firstname"], contact.properties["lastname"]) == ("Ada", "Birk")
    await office.figures("customers")
    names = {key: company["name"] for key, company in office.companies().items()}
    assert names == ({"usmf:US-001": "Ada M. Birk"} if as_companies else {})


@BOTH_SETS
async def test_a_read_that_goes_on_from_any_page_misses_nobody(
    start: Callable[..., Awaitable[Office]], cds_sets: str
) -> None:
    """Cut anywhere, people and customers' own alike, and although somebody before the cut has gone since."""
    office = await start(switches={"cds_sets": cds_sets}, page_size=4, customers=40, contacts_per_customer=1)
    for number in range(1, 8):
        await office.customer(f"demf:Z {number}", PrimaryContactEmail=f"z{number}@z.example")
    flow = await _flow(office)
    whole = await _pages(flow)
    assert len(whole) > 10
    assert {page.cursor.partition(" ")[0] for page in whole if page.cursor} == {
        "CDSContactPersonsV2" if cds_sets == "offered" else "ContactPersons",
        "CustomersV3",
    }
    for cut, page in enumerate(whole[:-1], start=1):
        assert page.cursor
        assert _keys(await _pages(flow, page.cursor)) == _keys(whole[cut:])
    assert _keys(await _pages(flow, "")) == _keys(whole)


@BOTH_SETS
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_keyed_read_gives_the_same_record_as_the_listing_for_each_kind_of_key(
    start: Callable[..., Awaitable[Office]], cds_sets: str, seed: int
) -> None:
    office = await start(
        switches={"cds_sets": cds_sets}, seed=seed, page_size=13, customers=60, contacts_per_customer=2
    )
    for number in range(1, 4):
        await office.customer(f"demf: 0{number}", PrimaryContactEmail=f"z{number}@z.example")
    listed = await _read(office)
    kinds = {key.partition(":")[2][:2] for key in listed}
    assert "c-" in kinds
    assert len(kinds) > 1
    flow = await _flow(office)
    assert await flow.source.read(list(listed)) == list(listed.values())


async def test_a_person_whose_number_reads_like_a_customers_key_is_found_first(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A number sequence may begin with c-: a keyed read then means the person, as the listing does."""
    office = await start(switches={"cds_sets": "missing"})
    await office.customer("usmf:7", PrimaryContactEmail="seven@a.example")
    await office.customer("usmf:8", ContactPersonId="c-7")
    await _person(office, "usmf:8", ContactPersonId="c-7")
    [record] = await (await _flow(office)).source.read(["usmf:c-7"])
    assert record.fields["Customers"] == ["usmf:8"]


async def test_the_set_of_people_is_found_once_and_kept_when_dynamics_is_connected_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """It decides the keys: a set that is refused for a moment must not become new contacts of everybody."""
    office = await start()
    await office.customer("usmf:US-001", ContactPersonId="any")
    await _person(office, "usmf:US-001")
    before = await _read(office)
    await office.reconnect()
    body = {"error": {"code": "", "message": "No HTTP resource was found."}}
    office.fault(
        "dynamics", "status", "GET", "/CDSContactPersonsV2", status=404, body=body, times=1
    )  # as if it were gone
    with pytest.raises(ConfigurationError, match="CDSContactPersonsV2"):
        await _read(office)
    assert await _read(office) == before


async def test_the_set_of_people_can_be_chosen(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(settings={"contacts": {"people_from": "ContactPersons"}})
    await office.customer("usmf:US-001", ContactPersonId="any")
    person = await _person(office, "usmf:US-001")
    assert list(await _read(office)) == [f"usmf:{person['ContactPersonId']}"]


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("source: JobTitle", "source: Jobtitle", "reads Jobtitle, which people do not have.*'JobTitle'"),
        ("transform: email", "transform: text", "email is filled without the transform 'email'"),
    ],
)
async def test_a_mapping_that_people_cannot_fill_is_refused_by_name(
    office: Office, written: str, instead: str, said: str
) -> None:
    path = office.home / "mappings" / "contacts.yaml"
    path.write_text(path.read_text().replace(written, instead))
    with pytest.raises(ConfigurationError, match=said):
        await _flow(office)


async def test_only_what_the_mapping_needs_is_asked_of_people(office: Office) -> None:
    """Never birth, marital or government-id fields, and never a whole row."""
    await office.customer("usmf:US-001", ContactPersonId="any")
    asked = office.calls("dynamics")
    await _read(office)
    target = next(target for target in asked if "/data/CDSContactPersonsV2" in target and "orderby" in target)
    assert "PrimaryEmailAddress" in target
    for word in ("Birth", "Marital", "Government", "Department", "MiddleName"):
        assert word not in target
