"""Customers of F&O become companies in HubSpot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from ml_connector.app.replay import replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import answering_with, link
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:
    from crawling import answering_with, link  # pytest puts this folder on the path
    from office import ON_BOTH_DATABASES, Office

UPSERT = r"/companies/batch/upsert"
TOO_LONG = "x" * 65_537  # HubSpot's text properties hold 65,536 characters


@ON_BOTH_DATABASES
async def test_the_first_load_makes_one_company_of_each_organisation_with_the_mapped_values(
    office: Office,
) -> None:
    """Name, phone, address; domain from the web address, else the primary e-mail's domain; description has no source.

    Each d365_ property: legal entity, account, invoice account, group, currency, payment terms, hold, status.
    """
    await office.customer("usmf:US-003", PrimaryContactEmail="alder.mills@gmail.com")
    await office.customer(
        "usmf:US-001",
        OrganizationName="Alder & Finch Mills",
        PrimaryContactPhone="(312) 555-0101",
        PrimaryContactPhoneExtension="204",
        PrimaryContactEmail="office@alder-finch.example",
        AddressStreet="1 Main Street",
        AddressCity="Chicago",
        AddressZipCode="60601",
        AddressState="IL",
        AddressCountryRegionId="USA",
        AddressCountryRegionISOCode="US",
        OnHoldStatus="Invoice",
        PaymentTerms="Net30",
        InvoiceAccount="US-003",
        SalesMemo="Not for sales",
    )
    await office.customer(
        "demf:DE-001", PrimaryContactURL="https://www.birkenwerk.example/de", AddressCountryRegionId="DEU"
    )
    assert await office.figures("customers") == {"read": 3, "created": 3}

    companies = office.companies()
    first = companies["usmf:US-001"]
    expected = {
        "name": "Alder & Finch Mills",
        "phone": "+13125550101 ext. 204",
        "domain": "alder-finch.example",
        "address": "1 Main Street",
        "city": "Chicago",
        "zip": "60601",
        "country": "United States",
        "d365_customer_hold": "Invoicing on hold",
        "d365_customer_account": "US-001",
        "d365_legal_entity": "usmf",
        "d365_customer_group": "10",
        "d365_currency": "USD",
        "d365_payment_terms": "Net30",
        "d365_invoice_account": "US-003",
        "d365_status": "Active",
        "description": None,
    }
    assert {name: first.get(name) for name in expected} == expected
    assert companies["demf:DE-001"]["domain"] == "birkenwerk.example"
    assert companies["demf:DE-001"]["country"] == "Germany"
    assert not companies["usmf:US-003"].get("domain"), "free-mail domains excluded"
    assert len(office.records("companies")) == 3
    await office.verified()


@ON_BOTH_DATABASES
async def test_a_second_run_with_nothing_changed_writes_nothing_and_says_unchanged(office: Office) -> None:
    for number in range(1, 4):
        await office.customer(f"usmf:US-00{number}")
    await office.figures("customers")
    mark = office.mark()
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}
    assert office.writes(mark) == []


async def test_a_changed_customer_updates_its_company_alone_and_the_audit_tells_before_and_after(
    office: Office,
) -> None:
    for number in range(1, 4):
        await office.customer(f"usmf:US-00{number}")
    await office.figures("customers")
    mark = office.mark()
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Alder Mills")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}

    [write] = office.writes(mark)
    assert write.keys == (office.company_id("usmf:US-002"),)
    assert office.companies()["usmf:US-002"]["name"] == "Alder Mills"
    created, updated = await office.changes("customers", "usmf:US-002")
    assert created["name"] == [None, "US-002 Works"]
    assert updated == {"name": ["US-002 Works", "Alder Mills"]}
    await office.verified()


async def test_a_value_emptied_in_dynamics_clears_what_we_wrote_and_never_what_we_did_not(
    office: Office,
) -> None:
    """An empty F&O value clears a HubSpot value only if the connector wrote that value."""
    await office.customer("usmf:US-001", PrimaryContactPhone="+1 312 555 0101")
    await office.figures("customers")
    office.rep_changes("companies", office.company_id("usmf:US-001"), city="Springfield")
    office.clerk_changes("CustomersV3", "usmf:US-001", PrimaryContactPhone="")
    await office.figures("customers")

    company = office.companies()["usmf:US-001"]
    assert not company.get("phone")
    assert company["city"] == "Springfield"
    assert (await office.changes("customers", "usmf:US-001"))[-1] == {"phone": ["+13125550101", ""]}


async def test_an_edit_of_a_first_write_field_stays_and_one_of_an_owned_field_is_put_back(
    office: Office,
) -> None:
    """The owned one comes back with the customer's next change."""
    await office.customer("usmf:US-001", PrimaryContactEmail="office@alder.example")
    await office.figures("customers")
    company = office.company_id("usmf:US-001")
    office.rep_changes("companies", company, domain="alder-group.example", name="Our friends at Alder")
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}

    office.clerk_changes("CustomersV3", "usmf:US-001", PaymentTerms="Net30")
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    stands = office.companies()["usmf:US-001"]
    assert (stands["domain"], stands["name"]) == ("alder-group.example", "US-001 Works")


async def test_the_same_account_number_in_two_legal_entities_is_two_companies(office: Office) -> None:
    """0.7 Legal entities never mix: the same account number in two entities is two customers."""
    await office.customer("usmf:C-1", OrganizationName="Alder America")
    await office.customer("demf:C-1", OrganizationName="Alder Europe")
    assert await office.figures("customers") == {"read": 2, "created": 2}
    names = {key: company["name"] for key, company in office.companies().items()}
    assert names == {"usmf:C-1": "Alder America", "demf:C-1": "Alder Europe"}


async def test_persons_do_not_become_companies_and_not_by_replay_either(office: Office) -> None:
    await office.customer("usmf:US-001")
    person = {"PartyType": "Person", "PersonFirstName": "Ada", "PersonLastName": "Birk"}
    await office.customer("usmf:US-002", **person, OrganizationName="")
    assert await office.figures("customers") == {"read": 1, "created": 1}
    await replay(office.at, ["customers/usmf:US-002"])
    assert set(office.companies()) == {"usmf:US-001"}
    assert len(office.records("companies")) == 1


async def test_leading_zeros_and_blanks_of_a_key_survive(office: Office) -> None:
    """External key = {legal_entity}:{number}, number verbatim, never trimmed; the link table holds both ids."""
    keys = {
        await office.customer("usmf:0007"),
        await office.customer("usmf: 7"),
        await office.customer("usmf:7"),
    }
    assert keys == {"usmf:0007", "usmf: 7", "usmf:7"}
    assert await office.figures("customers") == {"read": 3, "created": 3}
    companies = office.companies()
    assert set(companies) == keys
    assert companies["usmf:0007"]["d365_customer_account"] == "0007"
    assert {key: (await link(office, key)).target_id for key in keys} == {
        key: office.company_id(key) for key in keys
    }
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}


async def test_a_legal_entity_is_lower_cased_in_the_key_however_dynamics_writes_it(office: Office) -> None:
    await office.customer("usmf:US-001")
    rows = [row | {"dataAreaId": "USMF"} for row in office.records("CustomersV3")]
    answering_with(office, rows)
    assert await office.figures("customers") == {"read": 1, "created": 1}
    assert office.companies()["usmf:US-001"]["d365_legal_entity"] == "usmf"
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}


async def test_a_customer_on_hold_is_shown_as_such_and_still_synchronised(office: Office) -> None:
    """hold (OnHoldStatus): shown as d365_customer_hold; every member of F&O's enumeration in words."""
    await office.customer("usmf:US-001")
    await office.figures("customers")
    words = {
        "All": "Everything on hold",
        "Invoice": "Invoicing on hold",
        "Payment": "Payments on hold",
        "No": "No",
    }
    for hold, shown in words.items():
        changed = {"OnHoldStatus": hold, "OrganizationName": f"Alder {hold}"}
        office.clerk_changes("CustomersV3", "usmf:US-001", **changed)
        assert await office.figures("customers") == {"read": 1, "updated": 1}
        company = office.companies()["usmf:US-001"]
        assert (company["d365_customer_hold"], company["name"]) == (shown, f"Alder {hold}")


async def test_change_detection_compares_the_mapped_record_and_asks_for_mapped_fields_only(
    office: Office,
) -> None:
    """Crawl all rows with $select; one written otherwise in F&O that maps to what was last written writes nothing."""
    await office.customer("usmf:US-001", PrimaryContactPhone="+1 312 555 0101", SalesMemo="Ask for Ada")
    await office.figures("customers")
    asked = office.calls("dynamics")
    mark = office.mark()
    changed = {"PrimaryContactPhone": "+1 (312) 555-0101", "SalesMemo": "Ask for Birk"}
    office.clerk_changes("CustomersV3", "usmf:US-001", **changed)
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}
    assert office.writes(mark) == []
    [listing] = [target for target in asked if "/data/CustomersV3" in target]
    assert "cross-company=true" in listing
    assert "PrimaryContactPhone" in listing
    assert "SalesMemo" not in listing


async def test_pages_of_seven_bring_the_same_as_one_page(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(page_size=7)
    for number in range(1, 24):
        await office.customer(f"usmf:US-{number:03}")
    reads = office.calls("dynamics")
    assert await office.figures("customers") == {"read": 23, "created": 23}
    assert sum("CustomersV3" in target for target in reads) == 4
    assert len(office.companies()) == 23


async def test_an_empty_page_with_a_next_link_is_followed(office: Office) -> None:
    await office.customer("usmf:US-001")
    reads = office.calls("dynamics")
    await office.figures("customers")
    link = office.twins.dynamics_url + next(target for target in reads if "CustomersV3" in target)
    empty = {"value": [], "@odata.nextLink": f"{link}&$skip=0"}
    office.clerk_changes("CustomersV3", "usmf:US-001", OrganizationName="Alder Mills")
    office.fault("dynamics", "status", "GET", "/CustomersV3", status=200, body=empty)
    assert await office.figures("customers") == {"read": 1, "updated": 1}


async def test_a_company_hubspot_refuses_is_parked_while_all_else_arrives(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """With cause, whose turn and next action; not sent again while nothing changes, still counted."""
    rule = "companies.d365_customer_group=20:industry"
    office = await start(switches={"conditional_required": rule}, api_version="2026-09")
    for number in range(1, 6):
        await office.customer(f"usmf:US-00{number}", CustomerGroupId="20" if number == 3 else "10")
    assert await office.figures("customers") == {"read": 5, "created": 4, "parked": 1}
    assert set(office.companies()) == {f"usmf:US-00{number}" for number in (1, 2, 4, 5)}
    stuck = (await office.stuck("customers"))["usmf:US-003"]
    assert (stuck.cause, stuck.turn) == ("hubspot.portal_rule", "it")
    assert stuck.next_action == (
        "Relax the rule in HubSpot (settings of the object), or map a value for the property."
    )
    assert "requires industry" in stuck.message

    mark = office.mark()
    assert await office.figures("customers") == {"read": 5, "unchanged": 4, "parked": 1}
    assert office.writes(mark) == []

    office.clerk_changes("CustomersV3", "usmf:US-003", CustomerGroupId="30")
    [result] = await replay(office.at, ["customers/usmf:US-003"])
    assert (result.record, result.outcome) == ("customers/usmf:US-003", "done")
    assert office.companies()["usmf:US-003"]["d365_customer_group"] == "30"
    assert await office.stuck("customers") == {}
    assert await office.figures("customers") == {"read": 5, "unchanged": 5}
    await office.verified()


def _overflow(office: Office, key: str) -> None:
    """Give a customer a value that HubSpot cannot hold."""
    office.clerk_changes("CustomersV3", key, AddressStreet=TOO_LONG)


async def test_a_batch_refused_without_a_word_about_records_is_halved_until_one_is_left(
    office: Office,
) -> None:
    """Eight of nine arrive; the ninth, with which every batch is refused, is parked."""
    for number in range(1, 10):
        await office.customer(f"usmf:US-00{number}")
    body = {"status": "error", "message": "Invalid input", "category": "VALIDATION_ERROR"}
    for skip in (0, 0, 0, 0):  # 9 → 4 (refused) → 2 (refused) → 1 (refused); then all others pass
        office.fault("hubspot", "status", "POST", UPSERT, status=400, body=body, skip=skip)
    assert await office.figures("customers") == {"read": 9, "created": 8, "parked": 1}
    assert set(await office.stuck("customers")) == {"usmf:US-001"}
    assert len(office.companies()) == 8
    office.mended()
    [result] = await replay(office.at, ["customers/usmf:US-001"])
    assert result.outcome == "done"
    await office.verified()


async def test_a_parked_change_that_is_taken_back_in_dynamics_needs_nobody_any_more(office: Office) -> None:
    """The customer is again what stands in HubSpot: nothing is left to do."""
    await office.customer("usmf:US-001", AddressStreet="1 Main Street")
    await office.figures("customers")
    _overflow(office, "usmf:US-001")
    assert await office.figures("customers") == {"read": 1, "parked": 1}
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressStreet="1 Main Street")
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}
    assert await office.stuck("customers") == {}


async def test_a_parked_customer_that_changes_is_tried_again_by_itself(office: Office) -> None:
    await office.customer("usmf:US-001")
    _overflow(office, "usmf:US-001")
    assert await office.figures("customers") == {"read": 1, "parked": 1}
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressStreet="1 Main Street")
    assert await office.figures("customers") == {"read": 1, "created": 1}
    assert await office.stuck("customers") == {}


async def test_a_run_that_was_cut_short_goes_on_although_the_mapping_has_changed_since(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The stored page link asks for the old fields: the read begins anew instead of missing the new one."""
    office = await start(page_size=2)
    for number in range(1, 7):
        await office.customer(f"usmf:US-00{number}", SalesMemo="Ask for Ada")
    await office.figures("customers")
    office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=403, skip=1)
    office.slow("dynamics", 0.06)  # a page is stored while the next one comes
    assert (await office.sync("customers"))["customers"].error is not None
    office.slow("dynamics", 0)
    mapping = office.home / "mappings" / "customers.yaml"
    row = "  - target: description\n    source: SalesMemo\n"
    mapping.write_text(f"{mapping.read_text()}\n{row}")
    assert await office.figures("customers") == {"read": 6, "updated": 6}
    assert {company["description"] for company in office.companies().values()} == {"Ask for Ada"}


async def test_a_run_that_was_cut_short_goes_on_where_it_stopped(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Three pages of two, the last one refused: the next pass reads the last one only."""
    office = await start(page_size=2)
    for number in range(1, 7):
        await office.customer(f"usmf:US-00{number}")
    await office.figures("customers")
    office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=403, skip=1)
    office.slow("dynamics", 0.06)  # a page is stored while the next one comes
    assert (await office.sync("customers"))["customers"].error is not None
    office.slow("dynamics", 0)
    assert await office.figures("customers") == {"read": 2, "unchanged": 2}
    assert await office.figures("customers") == {"read": 6, "unchanged": 6}


async def test_who_wrote_a_value_and_with_which_mapping_stands_in_the_audit(office: Office) -> None:
    await office.customer("usmf:US-001")
    await office.figures("customers")
    [entry] = await office.story("customers", "usmf:US-001")
    told = orjson.loads(entry.payload)
    assert entry.mapping_version == 1
    assert (told["by"], told["status"]) == ("a test", 200)
    assert told["target_id"] == office.company_id("usmf:US-001")
    assert told["call"] in {call for _, call in office.sent}


@pytest.mark.parametrize("switch", ["insensitive", "sensitive"])
async def test_keys_that_differ_in_case_only_stay_apart_or_are_stopped_but_never_mixed(
    start: Callable[..., Awaitable[Office]], switch: str
) -> None:
    """usmf:ab and usmf:AB are two customers; whether HubSpot can hold both is not known."""
    office = await start(switches={"unique_case": switch})
    await office.customer("usmf:ab-1")
    await office.customer("demf:AB-1")
    assert await office.figures("customers") == {"read": 2, "created": 2}
    assert await office.figures("customers") == {"read": 2, "unchanged": 2}
