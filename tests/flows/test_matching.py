"""Company that already exists in HubSpot: match before first load. Contacts and a product library likewise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from ml_connector.app import match_review
from ml_connector.app.matching import carry_out, compare
from ml_connector.errors import ConfigurationError, UnavailableError
from ml_connector.store import links

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.long_used import CHICAGO, KIM, company, contact, known_portal, matched, waiting
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:  # pytest puts this folder on the path
    from long_used import CHICAGO, KIM, company, contact, known_portal, matched, waiting
    from office import ON_BOTH_DATABASES, Office

UPDATE = "/batch/update"


@pytest.fixture
async def office(start: Callable[..., Awaitable[Office]]) -> Office:
    """The plain case; search knows at once what was written a moment ago."""
    return await start(switches={"search_lag_s": "0"})


@ON_BOTH_DATABASES
async def test_certain_matches_adopt_by_stamping_the_key_and_nothing_doubtful_is_written(
    office: Office,
) -> None:
    """company that already exists in HubSpot: match before first load; certain matches adopt by stamping the key."""
    ids = await known_portal(office)
    before = {row["id"]: row["properties"] for row in office.records("companies")}
    mark = office.mark()
    comparison, done = await matched(office)
    assert (done["stamped"], done["queued"], done["refused"]) == (1, 1, [])
    [write] = office.writes(mark)
    assert write.path.endswith(UPDATE)
    assert write.keys == (ids["alder"],)
    assert write.body["inputs"][0]["properties"] == {"d365_customer_key": "usmf:US-001"}
    after = {row["id"]: row["properties"] for row in office.records("companies")}
    assert after[ids["birch"]] == before[ids["birch"]]
    assert after[ids["other"]] == before[ids["other"]]
    [proposal] = await waiting(office)
    assert (proposal["record"], proposal["target_id"], proposal["rule"]) == (
        "customers/usmf:US-002", ids["birch"], "name and city",
    )  # fmt: skip
    assert proposal["source"]["postal_code"] == "60601"
    assert proposal["target"]["name"] == "Birch Foundry"
    assert comparison.summary()["unmatched"] == {"dynamics": 2, "hubspot": 1}
    story = await office.story("customers", "usmf:US-001")
    assert [row.kind for row in story] == ["matched"]
    assert orjson.loads(story[0].payload)["changed"] == {"d365_customer_key": [None, "usmf:US-001"]}
    await office.verified()


@ON_BOTH_DATABASES
async def test_a_second_match_writes_nothing_and_proposes_nothing_new(office: Office) -> None:
    await known_portal(office)
    await matched(office)
    mark, proposals = office.mark(), await waiting(office)
    comparison, done = await matched(office)
    assert office.writes(mark) == []
    assert (done["stamped"], done["relinked"], done["queued"]) == (0, 0, 0)
    assert comparison.linked_before == 1
    assert await waiting(office) == proposals


async def test_a_first_load_is_refused_before_matching_has_run_and_not_after(office: Office) -> None:
    """Also counts every company once: the stamped one is updated, nothing is made twice."""
    ids = await known_portal(office)
    with pytest.raises(ConfigurationError) as refused:
        await office.sync("customers")
    assert refused.value.code == "flow.portal_not_matched"
    assert "ml-connector match customers" in refused.value.hint
    await matched(office)
    await match_review.turn_down(office.at, (await waiting(office))[0]["id"], by=KIM)
    assert await office.figures("customers") == {"read": 4, "created": 3, "updated": 1}
    found = office.companies()
    assert office.company_id("usmf:US-001") == ids["alder"]
    assert found["usmf:US-001"]["name"] == "Alder & Finch Mills Inc."
    assert found["usmf:US-001"]["city"] == "Chicago"
    assert len(office.records("companies")) == 6
    assert await office.figures("customers") == {"read": 4, "unchanged": 4}


async def test_a_value_of_an_adopted_company_that_dynamics_does_not_have_stays(office: Office) -> None:
    """We did not write it, so an empty F&O value does not clear it."""
    await office.customer("usmf:US-001", OrganizationName="Alder Mills", PrimaryContactURL="alder.example")
    adopted = await company(office, name="Alder Mills", domain="alder.example", phone="+13125550101")
    await matched(office)
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    [row] = office.records("companies")
    assert (row["id"], row["properties"]["phone"]) == (adopted, "+13125550101")


async def test_every_company_name_that_would_be_replaced_is_listed(office: Office) -> None:
    """Match lists every company name that the next load would replace; plan does so, too (test_plan)."""
    ids = await known_portal(office)
    comparison = await compare(office.at, "customers")
    assert comparison.summary()["replaced_names"] == [
        {
            "key": "usmf:US-001", "target_id": ids["alder"], "before": "ALDER AND FINCH MILLS",
            "after": "Alder & Finch Mills Inc.",
        }
    ]  # fmt: skip


async def test_comparing_alone_writes_and_stores_nothing(office: Office) -> None:
    await known_portal(office)
    mark = office.mark()
    await compare(office.at, "customers")
    assert office.writes(mark) == []
    assert await waiting(office) == []
    with pytest.raises(ConfigurationError):
        await office.sync("customers")


@ON_BOTH_DATABASES
async def test_nothing_doubtful_is_merged_or_created_behind_it(office: Office) -> None:
    """The first load holds the doubtful one; once it is accepted, the next run fills the company it was."""
    ids = await known_portal(office)
    await matched(office)
    assert await office.figures("customers") == {"read": 4, "created": 2, "updated": 1, "held": 1}
    assert len(office.records("companies")) == 5
    await match_review.accept(office.at, (await waiting(office))[0]["id"], by=KIM)
    assert await office.figures("customers") == {"read": 4, "updated": 1, "unchanged": 3}
    assert office.company_id("usmf:US-002") == ids["birch"]
    assert office.companies()["usmf:US-002"]["zip"] == "60601"
    assert len(office.records("companies")) == 5
    await office.verified()


async def test_two_customers_for_one_company_are_a_collision_and_doubtful(office: Office) -> None:
    """And the same account number in two legal entities is two customers."""
    for key in ("usmf:100", "demf:100"):
        await office.customer(key, OrganizationName="Alder Mills", PrimaryContactURL="https://alder.example")
    await company(office, name="Alder Mills", domain="alder.example")
    mark = office.mark()
    comparison, done = await matched(office)
    assert comparison.summary()["collisions"] == [
        {"sources": ("demf:100", "usmf:100"), "targets": (office.records("companies")[0]["id"],)}
    ]
    assert (done["stamped"], done["queued"]) == (0, 2)
    assert office.writes(mark) == []
    assert all("collides with" in row["reasons"][-1] for row in await waiting(office))


@ON_BOTH_DATABASES
async def test_stamping_survives_a_crash_between_write_and_store(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key stands in HubSpot, the link does not: the next run finds it by its key and writes nothing."""
    ids = await known_portal(office)

    async def crash(*_args: object, **_rest: object) -> None:
        raise UnavailableError("the process died here")

    with monkeypatch.context() as patched:
        patched.setattr(links, "put", crash)
        with pytest.raises(UnavailableError):
            await matched(office)
    assert office.company_id("usmf:US-001") == ids["alder"]
    with pytest.raises(ConfigurationError):  # the run did not come to its end
        await office.sync("customers")
    mark = office.mark()
    _, done = await matched(office)
    assert office.writes(mark) == []
    assert (done["stamped"], done["relinked"], done["queued"]) == (0, 1, 1)
    undone = await match_review.undo(office.at, "customers/usmf:US-001", by=KIM)
    assert (undone["taken_back"], undone["kept"]) == (1, [])
    assert office.companies() == {}  # it was our key, so it went
    await office.verified()


async def test_an_answer_that_is_lost_after_the_write_is_repaired_by_the_next_run(office: Office) -> None:
    await known_portal(office)
    office.fault("hubspot", "reset-after-commit", "POST", UPDATE, times=20)
    with pytest.raises(UnavailableError):
        await matched(office)
    office.mended()
    _, done = await matched(office)
    assert (done["stamped"], done["relinked"]) == (0, 1)
    await office.verified()


async def test_companies_that_carry_their_key_are_linked_without_a_write(office: Office) -> None:
    """The connector's database was lost: the portal still knows, and undo does not take that from it."""
    await known_portal(office)
    carrying = await company(office, name="Whatever", d365_customer_key="usmf:US-003")
    comparison = await compare(office.at, "customers")
    assert {each.rule for each in comparison.matching.certain} == {"own key", "domain and name"}
    mark = office.mark()
    done = await carry_out(office.at, comparison, by=KIM)
    assert (done["stamped"], done["relinked"]) == (1, 1)
    assert len(office.writes(mark)) == 1
    await match_review.undo(office.at, "customers/usmf:US-003", by=KIM)
    assert office.company_id("usmf:US-003") == carrying


async def test_the_email_of_a_contact_tells_the_company(office: Office) -> None:
    """Shared with a contact of the company and the name alike: certain; two companies on one domain stay two."""
    await office.customer(
        "usmf:US-001", OrganizationName="Alder Mills", PrimaryContactEmail="kim@alder.example", **CHICAGO
    )  # fmt: skip
    right = await company(office, name="Alder Mils")
    await company(office, name="Zander Logistics", domain="alder.example", city="Chicago", zip="60601")
    await contact(office, "kim@alder.example", of=right)
    comparison, _ = await matched(office)
    assert [(each.target, each.rule) for each in comparison.matching.certain] == [
        (right, "contact e-mail and name")
    ]
    assert comparison.matching.doubtful == ()


async def test_a_refused_stamp_leaves_the_others_linked_and_is_told(office: Office) -> None:
    """Somebody archived the company between comparing and stamping."""
    await office.customer("usmf:US-001", OrganizationName="Alder Mills", PrimaryContactURL="alder.example")
    await office.customer("usmf:US-002", OrganizationName="Birch Works", PrimaryContactURL="birch.example")
    alder = await company(office, name="Alder Mills", domain="alder.example")
    await company(office, name="Birch Works", domain="birch.example")
    comparison = await compare(office.at, "customers")
    await office.rep_asks("DELETE", f"/crm/v3/objects/companies/{alder}")
    done = await carry_out(office.at, comparison, by=KIM)
    assert done["stamped"] == 1
    assert [each["key"] for each in done["refused"]] == ["usmf:US-001"]
    assert set(office.companies()) == {"usmf:US-002"}
    await office.verified()


async def test_a_tax_number_counts_where_the_settings_name_its_property(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(settings={"matching": {"tax_id_property": "vat_number"}})
    definition = {
        "name": "vat_number", "label": "VAT", "type": "string", "fieldType": "text", "groupName": "companyinformation",
    }  # fmt: skip
    await office.rep_asks("POST", "/crm/v3/properties/companies", definition)
    mapping = office.home / "mappings" / "customers.yaml"
    mapping.write_text(f"{mapping.read_text()}  - target: vat_number\n    source: TaxExemptNumber\n")
    await office.customer("demf:1", OrganizationName="Alder Pumpen GmbH", TaxExemptNumber="DE 123 456 789")
    same = await company(office, name="Alder Pumpentechnik", vat_number="DE123456789")
    comparison, _ = await matched(office)
    [link] = comparison.matching.certain
    assert (link.target, link.rule) == (same, "tax id and name")


async def test_a_customer_that_cannot_be_mapped_is_matched_all_the_same(office: Office) -> None:
    """It parks in the load; once it is mended it must not be made a second time."""
    await office.customer(
        "usmf:US-001", OrganizationName="Alder Mills", AddressStreet="x" * 65_537, PrimaryContactURL="alder.example"
    )  # fmt: skip
    await company(office, name="Alder Mills", domain="alder.example")
    _, done = await matched(office)
    assert done["stamped"] == 1
    counters = (await office.sync("customers"))["customers"].counters
    assert (counters.read, counters.parked) == (1, 1)
    assert len(office.records("companies")) == 1


async def test_contacts_are_adopted_by_email_before_creation(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """By stamping the key of the person on the contact that has the address, where it is unique on both sides."""
    office = await start(customers=12, contacts_per_customer=1)
    people = [row for row in office.records("CDSContactPersonsV2") if row["PrimaryEmailAddress"]]
    emails = [row["PrimaryEmailAddress"].lower() for row in people]
    person = next(row for row in people if emails.count(row["PrimaryEmailAddress"].lower()) == 1)
    adopted = await contact(office, person["PrimaryEmailAddress"])
    stranger = await contact(office, "nobody@elsewhere.example")
    mark = office.mark()
    comparison, done = await matched(office, "contacts")
    assert (done["stamped"], done["queued"]) == (1, 0)
    [write] = office.writes(mark)
    key = f"{person['dataAreaId']}:p-{person['ContactPersonPartyNumber']}"
    assert write.body["inputs"][0]["properties"] == {"d365_contact_key": key}
    assert comparison.renames == []
    found = {row["id"]: row["properties"] for row in office.records("contacts")}
    assert found[adopted]["d365_contact_key"] == key
    assert not found[stranger].get("d365_contact_key")


@ON_BOTH_DATABASES
async def test_an_existing_product_library_is_adopted_by_exact_sku_otherwise_review(office: Office) -> None:
    """match once on exact hs_sku = ProductNumber or ItemNumber, unique on both sides: adopt; otherwise review."""
    releases = office.releases()
    numbers = sorted(releases)
    item = next(iter(releases[numbers[1]].values()))["ItemNumber"]

    async def listed(sku: str) -> str:
        body = {"properties": {"name": f"Library {sku}", "hs_sku": sku}}
        return str((await office.rep_asks("POST", "/crm/v3/objects/products", body))["id"])

    exact, by_item = await listed(numbers[0]), await listed(item)
    await listed(numbers[2])
    await listed(numbers[2])
    await listed(f" {numbers[3].lower()} ".strip())
    mark = office.mark()
    comparison, done = await matched(office, "products")
    stamped = {key for write in office.writes(mark) for key in write.keys}
    assert stamped == {exact, by_item}
    assert done["stamped"] == 2
    doubtful = {row["record"].removeprefix("products/") for row in await waiting(office)}
    assert doubtful == {numbers[2], numbers[3]}
    assert len(comparison.matching.collisions) == 1
