"""0.1 A field has one owner; the connector never writes a field the other side owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import edit_mapping, run, writes
    from tests.flows.office import Office
    from tests.flows.people import contacts, people
else:
    from crawling import edit_mapping, run, writes  # pytest puts this folder on the path
    from people import contacts, people

LAST = "  - target: country\n"


def one_more_row(office: Office, target: str, source: str, owner: str) -> None:
    row = f"  - target: {target}\n    source: {source}\n    owner: {owner}\n"
    edit_mapping(office, LAST, row + LAST)


async def test_a_field_that_hubspot_owns_is_never_written(office: Office) -> None:
    """Neither at creation nor later, neither filled nor cleared."""
    one_more_row(office, "description", "SalesMemo", "hubspot")
    await office.customer("usmf:US-001", SalesMemo="Ask for Ada")
    await office.figures("customers")
    assert not office.companies()["usmf:US-001"].get("description")
    office.rep_changes("companies", office.company_id("usmf:US-001"), description="Our words")
    for memo in ("Ask for Birk", ""):
        office.clerk_changes("CustomersV3", "usmf:US-001", SalesMemo=memo, AddressStreet=f"{memo} Street")
        assert await office.figures("customers") == {"read": 1, "updated": 1}
        assert office.companies()["usmf:US-001"]["description"] == "Our words"


async def test_first_write_fills_an_empty_value_once_also_later(office: Office) -> None:
    """Empty at creation, filled when F&O has a value; then it is HubSpot's, also when a rep empties it."""
    await office.customer("usmf:US-001")
    await office.figures("customers")
    assert not office.companies()["usmf:US-001"].get("domain")
    office.clerk_changes("CustomersV3", "usmf:US-001", PrimaryContactURL="https://alder.example")
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    assert office.companies()["usmf:US-001"]["domain"] == "alder.example"
    assert (await office.changes("customers", "usmf:US-001"))[-1]["domain"] == [None, "alder.example"]

    for standing in ("alder-group.example", ""):
        office.rep_changes("companies", office.company_id("usmf:US-001"), domain=standing)
        office.clerk_changes("CustomersV3", "usmf:US-001", PrimaryContactURL=f"https://w{standing}.example")
        assert await office.figures("customers") == {"read": 1, "updated": 1}
        assert (office.companies()["usmf:US-001"].get("domain") or "") == standing
        assert "domain" not in (await office.changes("customers", "usmf:US-001"))[-1]


async def test_first_write_by_default_a_lifecycle_stage_and_a_description_are_filled_once(
    office: Office,
) -> None:
    """domain, lifecycle stage, owner, description: their rows name no owner."""
    stage = "{map: {values: {Buyer: customer}}}"
    rows = (
        "  - {target: description, source: SalesMemo}\n"
        f"  - {{target: lifecyclestage, source: NameAlias, transform: {stage}}}\n"
    )
    edit_mapping(office, LAST, rows + LAST)
    await office.customer("usmf:US-001", SalesMemo="Ask for Ada", NameAlias="Buyer")
    await office.figures("customers")
    company = office.companies()["usmf:US-001"]
    assert (company["description"], company["lifecyclestage"]) == ("Ask for Ada", "customer")
    theirs = {"description": "Our words", "lifecyclestage": "evangelist"}
    office.rep_changes("companies", office.company_id("usmf:US-001"), **theirs)
    office.clerk_changes(
        "CustomersV3", "usmf:US-001", SalesMemo="Ask for Birk", AddressStreet="2 Side Street"
    )
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    company = office.companies()["usmf:US-001"]
    assert {name: company[name] for name in theirs} == theirs
    assert company["address"] == "2 Side Street"


async def test_first_write_leaves_what_a_rep_entered_first(office: Office) -> None:
    await office.customer("usmf:US-001")
    await office.figures("customers")
    office.rep_changes("companies", office.company_id("usmf:US-001"), domain="alder-group.example")
    office.clerk_changes("CustomersV3", "usmf:US-001", PrimaryContactURL="https://alder.example")
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    assert office.companies()["usmf:US-001"]["domain"] == "alder-group.example"
    mark = office.mark()
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}
    assert writes(office, mark) == []


async def test_first_write_fields_of_many_records_are_looked_at_in_batches_and_each_by_itself(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Some are filled, some were: one read, one write, nothing mixed up."""
    office = await start(products=0)
    for number in range(1, 8):
        await office.customer(f"usmf:US-00{number}")
    await office.figures("customers")
    for number in (2, 4):
        office.rep_changes("companies", office.company_id(f"usmf:US-00{number}"), domain="theirs.example")
    for number in range(1, 7):
        url = f"https://a{number}.example"
        office.clerk_changes("CustomersV3", f"usmf:US-00{number}", PrimaryContactURL=url)
    mark = office.mark()
    assert await office.figures("customers") == {"read": 7, "updated": 6, "unchanged": 1}
    assert len(writes(office, mark)) == 1
    domains = {key: company.get("domain") or "" for key, company in office.companies().items()}
    assert domains == {
        f"usmf:US-00{number}": "theirs.example"
        if number in (2, 4)
        else f"a{number}.example"
        if number < 7
        else ""
        for number in range(1, 8)
    }


async def test_an_empty_dynamics_value_clears_a_hubspot_value_only_if_the_connector_wrote_it(
    office: Office,
) -> None:
    await office.customer("usmf:US-001", AddressCity="Chicago")
    await office.figures("customers")
    office.rep_changes("companies", office.company_id("usmf:US-001"), zip="60601")
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressCity="")
    await office.figures("customers")
    company = office.companies()["usmf:US-001"]
    assert (company.get("city") or "", company["zip"]) == ("", "60601")
    office.rep_changes("companies", office.company_id("usmf:US-001"), city="Springfield")
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressStreet="1 Main Street")
    await office.figures("customers")
    assert office.companies()["usmf:US-001"]["city"] == "Springfield"


async def test_every_field_of_an_adopted_contact_is_first_write(office: Office) -> None:
    """The key is stamped and empty fields are filled; what stood there stays, then and later."""
    body = {"properties": {"email": "ada@alder.example", "lastname": "Birk", "firstname": "Ada"}}
    stood = await office.rep_asks("POST", "/crm/v3/objects/contacts", body)
    await office.customer("usmf:US-001", PrimaryContactEmail="ada@alder.example", OrganizationName="Alder")
    flow = await people(office)
    counters = (await run(office, flow)).counters
    assert (counters.read, counters.updated) == (1, 1)
    contact = contacts(office)["ada@alder.example"]
    assert (contact["d365_contact_key"], contact["lastname"]) == ("usmf:US-001", "Birk")
    assert [row["id"] for row in office.records("contacts")] == [stood["id"]]
    [entry] = await office.story("contacts", "usmf:US-001")
    assert entry.kind == "adopted"
    assert b"lastname" not in entry.payload

    office.clerk_changes("CustomersV3", "usmf:US-001", OrganizationName="Alder Mills")
    assert (await run(office, flow)).counters.updated == 1
    assert contacts(office)["ada@alder.example"]["lastname"] == "Birk"
    mark = office.mark()
    assert (await run(office, flow)).counters.unchanged == 1
    assert writes(office, mark) == []
    await office.verified()
