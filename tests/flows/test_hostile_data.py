"""Catalogue B, C and G of the failure catalogue for record flows: hostile and odd data through the whole path.

Each case ends in a clear outcome: written to the letter, or parked with its cause; nothing else is touched by it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.replay import replay
from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import (
        CRAWLED,
        answering_with,
        edit_mapping,
        in_calls_of,
        loaded,
        organisations,
        run,
        writes,
        written_keys,
    )
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.people import contacts, people
else:
    from crawling import (  # pytest puts this folder on the path
        CRAWLED,
        answering_with,
        edit_mapping,
        in_calls_of,
        loaded,
        organisations,
        run,
        writes,
        written_keys,
    )
    from office import ON_BOTH_DATABASES, Office
    from people import contacts, people

NAME = "OrganizationName"
LAST = "  - target: country\n"


def in_place_of(row: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**row, **changed}


async def one_row(office: Office) -> dict[str, Any]:
    """What F&O answers about a plain customer, to be made odd."""
    await office.customer("usmf:US-001")
    return organisations(office)[0]


def answering_raw(office: Office, *rows: dict[str, Any], times: int = 1) -> None:
    """The same as ``answering_with``, with every character escaped that JSON can escape."""
    body = json.dumps({"value": rows}, default=float)
    office.fault("dynamics", "status", "GET", CRAWLED, status=200, body=body, times=times)


# C: writes to HubSpot ---


@pytest.mark.parametrize("fault", ["reset-after-commit", "late-commit"])
async def test_c1_timeout_after_commit_upserts_again_with_the_same_key_and_no_duplicate(
    start: Callable[..., Awaitable[Office]], fault: str
) -> None:
    office = await start(products=0)
    for number in range(1, 4):
        await office.customer(f"usmf:US-00{number}")
    more = {"status": 504, "seconds": 0.05} if fault == "late-commit" else {}
    office.fault("hubspot", fault, "POST", "/companies/batch/upsert", **more)
    assert (await office.figures("customers"))["read"] == 3
    assert len(office.records("companies")) == 3
    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    office.fault("hubspot", fault, "POST", "/companies/batch/update", **more)
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert office.companies()["usmf:US-002"]["address"] == "2 Side Street"
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}
    await office.verified()


async def test_c2_partial_answers_give_every_record_its_own_outcome_in_creations_and_in_updates(
    office: Office,
) -> None:
    for number in range(1, 8):
        await office.customer(f"usmf:US-00{number}", AddressStreet="x" * 65_537 if number == 3 else "")
    assert await office.figures("customers") == {"read": 7, "created": 6, "parked": 1}
    for number in range(1, 8):
        street = "x" * 65_537 if number == 5 else "2 Side Street"
        office.clerk_changes("CustomersV3", f"usmf:US-00{number}", AddressStreet=street)
    mark = office.mark()
    assert await office.figures("customers") == {"read": 7, "created": 1, "updated": 5, "parked": 1}
    assert len(writes(office, mark)) == 2
    assert set(await office.stuck("customers")) == {"usmf:US-005"}
    assert not office.companies()["usmf:US-005"].get("address")


@ON_BOTH_DATABASES
async def test_c3_duplicate_key_within_a_batch_parks_the_loser_and_never_the_batch(office: Office) -> None:
    """In the first load; then in a crawl; the loser's row closes itself when the duplicate is gone."""
    row = await one_row(office)
    await office.customer("usmf:US-002")
    rows = [*organisations(office), in_place_of(row, OrganizationName="Another Alder")]
    answering_with(office, rows)
    assert await office.figures("customers") == {"read": 3, "created": 2, "parked": 1}
    assert office.companies()["usmf:US-001"]["name"] == "US-001 Works"

    office.clerk_changes("CustomersV3", "usmf:US-002", AddressStreet="2 Side Street")
    rows = [*organisations(office), in_place_of(row, OrganizationName="Another Alder")]
    answering_with(office, rows, times=2)
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 1, "parked": 1}
    [(name, stuck)] = (await office.stuck("customers")).items()
    assert (name, stuck.cause) == ("usmf:US-001#2", "record.duplicate_key")
    assert "usmf:US-001; the first was used" in stuck.message
    times = stuck.times
    mark = office.mark()
    assert await office.figures("customers") == {"read": 3, "unchanged": 2, "parked": 1}
    assert (await office.stuck("customers"))["usmf:US-001#2"].times == times
    assert writes(office, mark) == []

    assert await office.figures("customers") == {"read": 2, "unchanged": 2}
    assert await office.stuck("customers") == {}


async def test_c3_the_same_row_twice_is_not_a_duplicate_key(office: Office) -> None:
    row = await one_row(office)
    answering_with(office, [row, row])
    assert await office.figures("customers") == {"read": 2, "created": 1, "skipped": 1}
    answering_with(office, [row, row])
    assert await office.figures("customers") == {"read": 2, "unchanged": 1, "skipped": 1}
    assert await office.stuck("customers") == {}


async def test_c4_one_email_on_two_customers_is_one_contact_whose_oldest_key_owns_the_fields(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """No flip-flop: the second key is listed, its name never shown, and every later run is silent."""
    office = await start(products=0)
    for number in range(1, 4):
        await office.customer(
            f"usmf:US-00{number}", PrimaryContactEmail="Info@alder.example" if number < 3 else ""
        )
    flow = await people(office)
    report = await run(office, flow)
    assert (report.counters.created, report.counters.updated) == (2, 1)
    contact = contacts(office)["info@alder.example"]
    assert (contact["d365_contact_key"], contact["lastname"]) == ("usmf:US-001", "US-001 Works")
    assert contact["d365_contact_keys"] == "usmf:US-002"
    mark = office.mark()
    assert (await run(office, flow)).counters.unchanged == 3
    for name in ("Birk", "Birk & Sons"):
        office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName=name)
        assert (await run(office, flow)).counters.unchanged == 3
    assert writes(office, mark) == []
    office.clerk_changes("CustomersV3", "usmf:US-001", OrganizationName="Alder Mills")
    assert (await run(office, flow)).counters.updated == 1
    assert contacts(office)["info@alder.example"]["lastname"] == "Alder Mills"
    assert len(office.records("contacts")) == 2
    await office.verified()


async def test_c4_a_shared_address_that_one_of_them_gives_up_becomes_a_contact_of_its_own(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(products=0)
    for number in (1, 2):
        await office.customer(f"usmf:US-00{number}", PrimaryContactEmail="info@alder.example")
    flow = await people(office)
    await run(office, flow)
    office.clerk_changes("CustomersV3", "usmf:US-002", PrimaryContactEmail="birk@alder.example")
    assert (await run(office, flow)).counters.created == 1
    assert contacts(office)["birk@alder.example"]["d365_contact_key"] == "usmf:US-002"
    assert contacts(office)["info@alder.example"]["d365_contact_key"] == "usmf:US-001"
    assert (await run(office, flow)).counters.unchanged == 2


async def test_c5_two_customers_on_one_domain_are_two_companies(office: Office) -> None:
    for number in (1, 2):
        await office.customer(f"usmf:US-00{number}", PrimaryContactURL="https://alder.example")
    assert await office.figures("customers") == {"read": 2, "created": 2}
    assert {each["domain"] for each in office.companies().values()} == {"alder.example"}
    assert len(office.records("companies")) == 2
    assert await office.figures("customers") == {"read": 2, "unchanged": 2}


async def test_c6_the_same_account_number_in_two_legal_entities_changes_and_goes_by_itself(
    office: Office,
) -> None:
    for entity in ("usmf", "demf"):
        await office.customer(f"{entity}:C-1")
        await office.customer(f"{entity}:C-2")
    await office.figures("customers")
    office.clerk_changes("CustomersV3", "usmf:C-1", AddressStreet="2 Side Street")
    assert await office.figures("customers") == {"read": 4, "updated": 1, "unchanged": 3}
    office.twins.pair.remove("CustomersV3", "usmf:C-1")
    for _ in range(2):
        await office.figures("customers")
    companies = office.companies()
    assert [companies[f"{entity}:C-1"]["d365_status"] for entity in ("usmf", "demf")] == [
        "Not in Dynamics",
        "Active",
    ]


async def test_c7_value_over_length_is_cut_with_an_audit_note_or_parked_by_the_rule_of_its_field(
    office: Office,
) -> None:
    edit_mapping(office, "line_breaks: comma", "line_breaks: comma\n    max_length: 20\n    on_too_long: cut")
    await office.customer("usmf:US-001", AddressStreet="1 Main Street, behind the old mill")
    assert await office.figures("customers") == {"read": 1, "created": 1}
    assert office.companies()["usmf:US-001"]["address"] == "1 Main Street, behin"
    [entry] = await office.story("customers", "usmf:US-001")
    assert b"address" in entry.payload.partition(b'"notes"')[2]

    edit_mapping(office, "20\n    on_too_long: cut", "20\n    on_too_long: park")
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressStreet="2 Side Street, behind the old mill")
    assert await office.figures("customers") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("customers"))["usmf:US-001"]
    assert (stuck.cause, "address" in stuck.message) == ("mapping.value", True)
    assert office.companies()["usmf:US-001"]["address"] == "1 Main Street, behin"


async def test_c8_an_enumeration_value_not_listed_is_parked_and_the_rest_arrives(office: Office) -> None:
    """The mapping lists what a value becomes; one that it does not know is nobody's guess."""
    row = "  - target: industry\n    source: SalesMemo\n    transform:\n      map:\n        values:\n"
    rule = "          Paper: PAPER_FOREST_PRODUCTS\n        unknown: park\n"
    edit_mapping(office, LAST, row + rule + LAST)
    for number in range(1, 4):
        await office.customer(f"usmf:US-00{number}", SalesMemo="Paper" if number != 2 else "Mills")
    assert await office.figures("customers") == {"read": 3, "created": 2, "parked": 1}
    stuck = (await office.stuck("customers"))["usmf:US-002"]
    assert (stuck.cause, "industry" in stuck.message) == ("mapping.value", True)
    assert office.companies()["usmf:US-001"]["industry"] == "PAPER_FOREST_PRODUCTS"


async def test_c9_admin_rules_from_2026_09_on_park_with_the_property_name_in_updates_too(
    start: Callable[..., Awaitable[Office]],
) -> None:
    rule = "companies.d365_customer_group=20:industry"
    office = await start(switches={"conditional_required": rule}, api_version="2026-09", products=0)
    for number in range(1, 4):
        await office.customer(f"usmf:US-00{number}")
    await office.figures("customers")
    office.clerk_changes("CustomersV3", "usmf:US-002", CustomerGroupId="20")
    office.clerk_changes("CustomersV3", "usmf:US-003", CustomerGroupId="30")
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 1, "parked": 1}
    stuck = (await office.stuck("customers"))["usmf:US-002"]
    assert (stuck.cause, "requires industry" in stuck.message) == ("hubspot.portal_rule", True)


async def test_c12_an_edit_of_an_owned_field_is_put_back_with_the_next_change_of_the_record(
    office: Office,
) -> None:
    await office.customer("usmf:US-001", AddressCity="Chicago")
    await office.figures("customers")
    office.rep_changes(
        "companies", office.company_id("usmf:US-001"), city="Springfield", phone="+1 312 555 0199"
    )
    office.clerk_changes("CustomersV3", "usmf:US-001", AddressStreet="1 Main Street")
    await office.figures("customers")
    company = office.companies()["usmf:US-001"]
    assert (company["city"], company["phone"]) == ("Chicago", "+1 312 555 0199")


# G: hostile content ---

KEYS = [
    "O'Brien",
    "''",
    "%27",
    "A) or 1 eq 1",
    "../US-002",
    "A/B",
    "A?x=1",
    "A#B",
    "A&B=C",
    "A+B",
    "A;B",
    "A>B#2",
    '"A"',
    "=1+1",
    "<b>A</b>",
    "Ä-ß",
    "Ä-1",
    "\u202e321",
    "👷\u200d♀️-1",
    " 7",
    "0007",
    "\\'A",
    "a\u00a0b",
]


@ON_BOTH_DATABASES
async def test_g1_g2_g5_odd_keys_stay_to_the_letter_in_loads_crawls_and_keyed_reads(
    office: Office,
) -> None:
    """Quotes, percent signs, slashes, marks of direction, emoji: each key is its own customer."""
    keys = [await office.customer(f"usmf:{number}") for number in KEYS]
    assert len(set(keys)) == len(KEYS)
    assert await office.figures("customers") == {"read": len(keys), "created": len(keys)}
    companies = office.companies()
    assert set(companies) == set(keys)
    assert {company["d365_customer_account"] for company in companies.values()} == {
        key.partition(":")[2] for key in keys
    }
    for key in keys:
        office.clerk_changes("CustomersV3", key, AddressStreet="2 Side Street")
    results = await replay(office.at, [f"customers/{key}" for key in keys])
    assert {result.outcome for result in results} == {"done"}
    assert {company["address"] for company in office.companies().values()} == {"2 Side Street"}
    mark = office.mark()
    assert await office.figures("customers") == {"read": len(keys), "unchanged": len(keys)}
    assert writes(office, mark) == []
    for key in keys:
        assert [row.kind for row in await office.story("customers", key)] == ["created", "updated"]
    await office.verified()


async def test_g2_a_key_that_looks_like_the_name_of_a_duplicate_is_nobodys_duplicate(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 2)
    await office.customer("usmf:US-001#2", AddressStreet="x" * 65_537)
    assert await office.figures("customers") == {"read": 3, "unchanged": 2, "parked": 1}
    assert await office.figures("customers") == {"read": 3, "unchanged": 2, "parked": 1}
    assert set(await office.stuck("customers")) == {"usmf:US-001#2"}


@ON_BOTH_DATABASES
@pytest.mark.parametrize("odd", ["A\x00B", "A\nB", "A\tB", "\x1b[31mA", "A\ufeff"])
async def test_g5_g6_a_key_with_control_characters_is_parked_under_a_readable_name(
    office: Office, odd: str
) -> None:
    """Neither the database nor a log line sees the character itself; everything else goes on, in load and crawl."""
    row = await one_row(office)
    rows = [
        row,
        in_place_of(row, CustomerAccount=odd),
        in_place_of(row, CustomerAccount=odd, OrganizationName="X"),
    ]
    answering_raw(office, *rows, times=3)
    assert await office.figures("customers") == {"read": 3, "created": 1, "parked": 2}
    for _ in range(2):
        assert await office.figures("customers") == {"read": 3, "unchanged": 1, "parked": 2}
    stuck = await office.stuck("customers")
    assert {one.cause for one in stuck.values()} == {"record.unusable_key", "record.duplicate_key"}
    assert all(text.isprintable() for name, one in stuck.items() for text in (name, one.message))
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}
    await office.verified()


NAMES = [
    ("Müller & Söhne", "Müller & Söhne"),
    ("Cafe\u0301", "Café"),
    ("\u202eevil\u202c", "\u202eevil\u202c"),
    ("مصنع الورق", "مصنع الورق"),
    ("👩🏽\u200d🏭 Mills", "👩🏽\u200d🏭 Mills"),
    ("A\u200bB", "AB"),
    ("A\x00B", "AB"),
    ("A\x1b[31mB", "A[31mB"),
    ("Alder\nMills\r\nLtd", "Alder Mills Ltd"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ("O'Brien' or 1 eq 1", "O'Brien' or 1 eq 1"),
    ("100 %27 %00", "100 %27 %00"),
    ("pat-na1-00000000-1111-2222", "pat-na1-00000000-1111-2222"),
    ("{{ 7 * 7 }} ${x}", "{{ 7 * 7 }} ${x}"),
    ("null", "null"),
]


@ON_BOTH_DATABASES
async def test_g4_g5_g6_g10_odd_names_arrive_to_the_letter_without_what_nobody_can_see(
    office: Office,
) -> None:
    """NFC, no control characters, no line breaks; HTML, formulas and what looks like a secret are data."""
    row = await one_row(office)
    rows = [
        in_place_of(row, CustomerAccount=f"N-{place:02}", OrganizationName=name)
        for place, (name, _) in enumerate(NAMES)
    ]
    answering_raw(office, *rows, times=2)
    assert await office.figures("customers") == {"read": len(rows), "created": len(rows)}
    found = [office.companies()[f"usmf:N-{place:02}"]["name"] for place in range(len(NAMES))]
    assert found == [expected for _, expected in NAMES]
    assert await office.figures("customers") == {"read": len(rows), "unchanged": len(rows)}
    await office.verified()


async def test_g5_halves_of_surrogate_pairs_end_the_read_with_a_sentence_and_nobody_is_gone(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """An answer that is not Unicode is no answer: nothing is written, nothing missed."""
    office = await loaded(start, 3)
    rows = organisations(office)
    mark = office.mark()
    for field in ("OrganizationName", "CustomerAccount"):
        answering_raw(office, *rows[:1], in_place_of(rows[1], **{field: "A\ud800B"}), times=0)
        report = (await office.sync("customers"))["customers"]
        assert isinstance(report.error, UnavailableError)
        office.mended()
    assert writes(office, mark) == []
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}


async def test_g7_a_field_of_one_megabyte_parks_its_record_alone(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await loaded(start, 3)
    rows = organisations(office)
    answering_with(office, [in_place_of(rows[0], AddressStreet="x" * 1_000_000), *rows[1:]])
    office.clerk_changes("CustomersV3", "usmf:US-003", AddressCity="Chicago")
    assert await office.figures("customers") == {"read": 3, "unchanged": 2, "parked": 1}
    stuck = (await office.stuck("customers"))["usmf:US-001"]
    assert len(stuck.message) < 1_000
    assert await office.figures("customers") == {"read": 3, "updated": 1, "unchanged": 2}
    assert await office.stuck("customers") == {}


@pytest.mark.parametrize(
    ("number", "arrives"),
    [
        ("0.30000000000000004", "0.30000000000000004"),
        ("1234567890123456789012345.678", "1234567890123456789012345.678"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("1e400", None),
        ("1e-400", None),
    ],
)
async def test_g8_numbers_arrive_exactly_or_their_record_is_parked(
    office: Office, number: str, arrives: str | None
) -> None:
    row = "  - target: annualrevenue\n    source: CreditLimit\n    transform: decimal\n"
    edit_mapping(office, LAST, row + LAST)
    plain = await one_row(office)
    odd = in_place_of(plain, CustomerAccount="N-1", CreditLimit="NUMBER")
    body = json.dumps({"value": [plain, odd]}, default=float).replace('"NUMBER"', number)
    office.fault("dynamics", "status", "GET", CRAWLED, status=200, body=body)
    figures = await office.figures("customers")
    if arrives is None:
        assert figures == {"read": 2, "created": 1, "parked": 1}
        assert set(await office.stuck("customers")) == {"usmf:N-1"}
    else:
        assert figures == {"read": 2, "created": 2}
        assert office.companies()["usmf:N-1"]["annualrevenue"] == arrives


async def test_an_odd_record_in_every_call_does_not_keep_the_others_back(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A poison record a batch: all others arrive, with few calls more."""
    office = await loaded(start, 2)
    for number in range(10, 34):
        street = "x" * 65_537 if number % 4 == 0 else "2 Side Street"
        await office.customer(f"usmf:US-{number:03}", AddressStreet=street)
    flow = await in_calls_of(office, 4, lanes=3)
    mark = office.mark()
    counters = (await run(office, flow)).counters
    assert (counters.created, counters.parked, counters.unchanged) == (18, 6, 2)
    assert len(written_keys(office, mark)) == 18
