"""``ping --fit``: what was planted in two small systems is found and counted, and nothing is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.connect import ping
from ml_connector.app.fit import deals as deals_topic
from ml_connector.app.fit.report import fit, is_possible
from ml_connector.domain.fit import Repeated, Repeats, Stopped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tests.flows.office import Office

    from ml_connector.domain.fit import FitReport, Line

    Start = Callable[..., Awaitable[Office]]

ITEM = "CP-A15-CI"  # sold by all legal entities of the small world under this number
ELSEWHERE = (
    "PX-T20-IP20",
    "DE000006",
)  # a product, and the item number it has in demf, the only one to sell it
OPTIONAL_SETS = 17


async def report_of(office: Office) -> FitReport:
    return await fit(office.at, await ping(office.at), lambda _words: None)


def line(report: FitReport, topic: str) -> Line:
    (found,) = (line for line in report.lines if line.topic == topic)
    return found


async def company(office: Office, name: str, domain: str = "") -> str:
    made = await office.rep_asks(
        "POST", "/crm/v3/objects/companies", {"properties": {"name": name, "domain": domain}}
    )
    return str(made["id"])


async def won(office: Office, *companies: str, sku: str = ITEM, **properties: Any) -> str:
    deal = await office.new_deal(*companies, **properties)
    if sku:
        await office.new_line(deal, sku)
    office.win(deal)
    return deal


def party_of(office: Office, account: str) -> str:
    rows = office.records("CustomersV3")
    return str(next(row["PartyNumber"] for row in rows if row["CustomerAccount"] == account))


async def person(office: Office, number: str, account: str, **fields: Any) -> None:
    await office.clerk_adds(
        "CDSContactPersonsV2",
        dataAreaId="usmf",
        ContactPersonPartyNumber=number,
        AssociatedContactType="Customer",
        AssociatedContactNumber=account,
        FirstName="Kim",
        LastName=number,
        **fields,
    )


@pytest.fixture
async def messy(office: Office) -> Office:
    """One of each oddity."""
    usa = {"AddressCountryRegionId": "USA", "AddressZipCode": "98052"}
    mail = "sales@contoso.com"
    await office.customer("usmf:C-1", OrganizationName="Harbour Pumps", PrimaryContactEmail=mail, **usa)
    await office.customer(
        "usmf:C-2",
        OrganizationName="HARBOUR  pumps",
        PrimaryContactEmail=mail.upper(),
        PrimaryContactPhone="ask at the desk",
        **usa,
    )
    await office.customer(
        "usmf:C-3", SalesCurrencyCode="GBP", PrimaryContactEmail="none", PrimaryContactPhone="425-555-0188"
    )
    office.clerk_changes(
        "CustomersV3", "usmf:C-3", OrganizationName="", NameAlias="", AddressCountryRegionId="ZZZ"
    )
    await office.customer("usmf:C-4", OrganizationName="Harbour Pumps", **usa | {"AddressZipCode": "10001"})
    await office.customer("demf:C-9", PartyNumber=party_of(office, "C-4"))
    await person(office, "P-1", "C-1", PrimaryEmailAddress=mail, PrimaryPhoneNumber="425-555-0188")
    await person(office, "P-2", "C-2", PrimaryEmailAddress="kim@contoso.com", PrimaryPhoneNumber="no")
    await person(office, "P-3", "C-4", PrimaryEmailAddress="kim@contoso.com")
    await person(office, "P-4", "V-1", PrimaryEmailAddress="at a vendor")
    return office


async def test_oddities_of_customers_and_people_are_counted_exactly(messy: Office) -> None:
    """Each planted oddity is found once, with its record's name."""
    report = await report_of(messy)
    customers, people = report.customers, report.people
    assert customers is not None
    assert people is not None
    assert (customers.organisations, customers.persons, people.read) == (5, 0, 3)
    assert customers.same_name_and_place == Repeated(1, 2, (("usmf:C-1", "usmf:C-2"),))
    assert customers.parties_in_several == Repeated(1, 2, (("demf:C-9", "usmf:C-4"),))
    assert (customers.emails.given, customers.emails.bad, customers.emails.examples) == (3, 1, ("usmf:C-3",))
    # C-3 has a number of its country only, and its country is not known
    assert (customers.phones.given, customers.phones.examples) == (2, ("usmf:C-2", "usmf:C-3"))
    assert customers.names.examples == ("usmf:C-3",)
    assert customers.countries.bad == 1
    assert customers.unknown_countries == {"ZZZ": 1}
    # a person's number is read as one of the customer's country
    assert (people.phones.given, people.phones.examples) == (2, ("usmf:p-P-2",))
    assert (people.emails.given, people.emails.bad) == (3, 0)


async def test_one_party_with_accounts_in_several_entities_is_counted_and_asked_about(messy: Office) -> None:
    """Onboarding counts them and asks: a company each, or one. Two accounts in one legal entity are another matter."""
    await messy.customer("usmf:C-5", PartyNumber=party_of(messy, "C-2"))
    found = line(await report_of(messy), "parties")
    assert found.figure.startswith("1 party with accounts in several legal entities")
    assert found.advice == "Decide customers.identity: a company each, or one a party."


async def test_an_address_on_several_records_is_shared_but_a_primary_contact_has_its_customers(
    messy: Office,
) -> None:
    """The customer's address on its own person is one contact; on another customer or person it is shared."""
    report = await report_of(messy)
    assert report.shared_emails == Repeated(2, 4, (("usmf:C-1", "usmf:C-2"), ("usmf:p-P-2", "usmf:p-P-3")))


async def test_people_come_from_contact_persons_where_the_other_set_is_missing(start: Start) -> None:
    """ContactPersons is joined by party number; the report names what the tenant does not offer."""
    office = await start(customers=6, switches={"cds_sets": "missing"})
    report = await report_of(office)
    assert report.people is not None
    assert report.people.entity_set == "ContactPersons"
    assert report.people.read == len(office.records("ContactPersons")) > 0
    sets = line(report, "entity sets")
    assert sets.state == "ok"  # the other one of each pair is there
    assert sets.meaning == "Missing: CDSContactPersonsV2, CDSReleasedDistinctProducts."


async def test_the_figures_do_not_depend_on_how_the_server_cuts_its_pages(start: Start) -> None:
    """Customers, people and products of a larger world, read in pages of 7 and in one."""
    figures = []
    for page_size in (7, 10_000):
        report = await report_of(await start(customers=60, products=40, page_size=page_size))
        figures.append((report.customers, report.people, report.shared_emails, report.products))
    assert figures[0] == figures[1]


async def test_the_wizard_probes_whether_numbers_agree_across_entities(office: Office) -> None:
    """Agreeing numbers and differing item numbers suit shared; one number for two products does not."""
    products = (await report_of(office)).products
    assert products is not None
    assert (products.numbers, products.in_several, products.identity) == (8, 6, "shared")
    assert products.other_item_numbers.groups == 0

    office.release_changes("HB-P5-HT", "demf", ProductNumber=ITEM)  # a second item of this product
    report = await report_of(office)
    assert report.products is not None
    assert report.products.identity == "per_legal_entity"
    assert report.products.other_product_numbers == Repeated(
        1, 3, (("demf:HB-P5-HT", "usmf:HB-P5-HT", "ussi:HB-P5-HT"),)
    )
    assert report.products.other_item_numbers.groups == 1
    assert "1 item number" in line(report, "numbers").meaning


async def test_currencies_the_portal_lacks_are_named_and_prices_have_a_place_or_none(messy: Office) -> None:
    """GBP is not of the portal; the price entity's currency decides where list prices go."""
    money = (await report_of(messy)).currencies
    assert money is not None
    assert money.accounting == {"usmf": "USD", "ussi": "USD", "demf": "EUR"}
    assert money.not_in_portal == {"GBP": 1}
    assert (money.price_legal_entity, money.price_property) == ("usmf", "price")
    async with messy.opened(products={"price_legal_entity": "DEMF"}) as place:
        report = await fit(place, await ping(place), lambda _words: None)
    assert report.currencies is not None
    assert report.currencies.price_property == "hs_price_eur"


@pytest.mark.parametrize("text", ["delimited", "comma"])
async def test_values_that_hold_the_delimiter_are_named(start: Start, text: str) -> None:
    """Whichever way the format lists its names."""
    office = await start(switches={"dimension_format_text": text})
    found = (await report_of(office)).dimensions
    assert found is not None
    assert found.names == ("BusinessUnit", "Department", "CostCenter", "ItemGroup")
    assert (found.delimiter, found.values_with_delimiter) == ("-", 0)
    await office.clerk_adds("FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue="0-7")
    await office.clerk_adds("FinancialDimensionValues", FinancialDimension="Project", DimensionValue="0-8")
    report = await report_of(office)
    assert report.dimensions is not None
    assert report.dimensions.examples == ("0-7",)  # Project is not part of the format
    assert line(report, "dimensions").state == "look"


async def test_an_environment_without_a_format_or_a_list_of_values_is_told_so(start: Start) -> None:
    """Neither stops the report."""
    none = await start(switches={"dimension_format": "none"})
    assert line(await report_of(none), "dimensions").figure == "No default dimension format is active."
    unlisted = await start(switches={"dimension_value_list": "missing"})
    report = await report_of(unlisted)
    assert "go unchecked" in line(report, "dimensions").meaning
    assert "checking dimension values" in line(report, "entity sets").advice


async def test_timestamps_are_asked_for_by_name_and_bi_entities_said_to_miss_changes(start: Start) -> None:
    """Never through $metadata; where nothing tells of a change, the default is said to stand."""
    office = await start(customers=3)
    calls = office.calls("dynamics")
    found = line(await report_of(office), "timestamps")
    assert "CustTableBiEntities.SysModifiedDateTime" in found.figure
    assert "customers.changes_from = bi, products.changes_from = bi" in found.meaning
    assert "full passes stay the rule" in found.meaning
    assert not [target for target in calls if "$metadata" in target]
    without = await start(switches={"bi_sets": "missing"})
    assert line(await report_of(without), "timestamps").figure == "None."
    extended = await start(customers=3, switches={"modified_property": "own_table"})
    found = line(await report_of(extended), "timestamps")
    assert "customers.changes_from = ModifiedDateTime" in found.meaning
    assert "full passes" not in found.meaning


async def test_companies_that_stand_in_hubspot_several_times_are_counted(office: Office) -> None:
    """By domain and by folded name; the totals of what is there come along."""
    ids = [
        await company(office, "Harbour Pumps", "contoso.com"),
        await company(office, "Harbour Pumps Inc", "Contoso.com"),
        await company(office, "HARBOUR PUMPS", "fabrikam.com"),
    ]
    found = (await report_of(office)).portal
    assert found is not None
    assert found.companies == 3
    assert found.same_domain == Repeated(
        1, 2, ((f"Harbour Pumps ({ids[0]})", f"Harbour Pumps Inc ({ids[1]})"),)
    )
    assert found.same_name == Repeated(1, 2, ((f"Harbour Pumps ({ids[0]})", f"HARBOUR PUMPS ({ids[2]})"),))


async def test_last_months_won_deals_are_sorted_by_what_would_have_stopped_them(office: Office) -> None:
    """Before anything is linked, companies and items are reckoned as they would be matched, and it is said so."""
    await office.customer("usmf:C-1", OrganizationName="Harbour Pumps")
    await office.customer("demf:C-2", OrganizationName="Hafen GmbH", PrimaryContactURL="www.fabrikam.com")
    await office.customer("usmf:C-3", OrganizationName="Twice")
    await office.customer("usmf:C-4", OrganizationName="Twice")
    harbour = await company(office, "harbour PUMPS")
    hafen = await company(office, "Hafen", "fabrikam.com")
    stranger, twice = await company(office, "Nobody knows"), await company(office, "Twice")
    await won(office, harbour)
    await won(office, hafen, sku=ELSEWHERE[1])
    alone = [await won(office) for _ in range(4)]
    empty = await won(office, harbour, sku="")
    unknown = await won(office, stranger)
    unclear = await won(office, twice)
    nowhere = await won(office, harbour, sku=ELSEWHERE[0])
    await office.new_deal(harbour)  # open

    found = (await report_of(office)).deals
    assert found is not None
    assert (found.won, found.tried, found.ready, found.ready_once_matched) == (10, 10, 0, 2)
    assert {each.cause: each for each in found.stopped} == {
        "order.no_company": Stopped("order.no_company", "The deal has no company", 4, tuple(alone[:3])),
        "order.no_lines": Stopped("order.no_lines", "The deal has no line items", 1, (empty,)),
        "order.company_not_linked": Stopped(
            "order.company_not_linked", "The company has no customer account", 1, (unknown,)
        ),
        "order.account_unclear": Stopped(
            "order.account_unclear", "The company has several customer accounts", 1, (unclear,)
        ),
        "order.item_unknown": Stopped(
            "order.item_unknown", "A product is not released in the legal entity that sells", 1, (nowhere,)
        ),
    }
    assert found.stopped[0].count == 4  # the most frequent first
    report = await report_of(office)
    assert "2 more would be matched first" in line(report, "won deals").figure


async def test_after_the_first_load_the_same_deals_need_no_reckoning(office: Office) -> None:
    """A linked company's own key counts, and what the report calls ready the flow does draft."""
    await office.customer("usmf:C-1", OrganizationName="Harbour Pumps")
    await office.sync("customers", "products")
    deal = await won(office, office.company_id("usmf:C-1"))
    found = (await report_of(office)).deals
    assert found is not None
    assert (found.ready, found.ready_once_matched, found.stopped) == (1, 0, ())
    assert (await office.figures("orders"))["waiting"] == 1
    assert (await office.process(deal)).draft is not None


@dataclass(frozen=True, slots=True)
class Later:
    """A clock that runs ahead."""

    office: Office
    by: timedelta

    def now(self) -> datetime:
        return self.office.around.clock.now() + self.by

    def elapsed_s(self) -> float:
        return self.office.around.clock.elapsed_s()


async def test_deals_won_earlier_are_left_out_and_of_very_many_the_newest_are_tried(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figure says how many were won and how many were tried."""
    deals = [await won(office) for _ in range(3)]
    monkeypatch.setattr(deals_topic, "MOST", 1)
    report = await report_of(office)
    assert report.deals is not None
    assert (report.deals.won, report.deals.tried) == (3, 1)
    assert report.deals.stopped[0].deals == (deals[-1],)
    assert "the newest 1 tried" in line(report, "won deals").figure
    office.at.around = replace(office.at.around, clock=Later(office, timedelta(days=31)))
    assert line(await report_of(office), "won deals").figure.startswith("0 won in 30 days")


async def rows_stored(office: Office) -> dict[str, list[Any]]:
    """Every row of our own database, but for who may call now."""
    async with office.at.store.read() as tx:
        ask = tx.connection.exec_driver_sql
        names = [row[0] for row in await ask("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in names if not name.startswith("mlc_budget")]
        return {name: [tuple(row) for row in await ask(f"SELECT * FROM {name}")] for name in kept}  # noqa: S608


async def test_the_report_writes_nothing_on_either_side_and_nothing_of_ours(messy: Office) -> None:
    """Not even which mapping it has read, although it drafts orders with it."""
    await won(messy, await company(messy, "Harbour Pumps"))
    stored, mark = await rows_stored(messy), messy.mark()
    report = await report_of(messy)
    assert report.deals is not None
    assert report.deals.won == 1
    assert messy.writes(mark) == []
    assert messy.sent == []
    assert await rows_stored(messy) == stored


async def test_the_calls_it_tells_are_those_the_two_sides_saw(messy: Office) -> None:
    """And the first load's are reckoned at the portal's limit, or at the smallest tier's."""
    reports = await ping(messy.at)
    seen = {side: messy.calls(side) for side in ("dynamics", "hubspot")}
    budget = (await fit(messy.at, reports, lambda _words: None)).budget
    assert budget.calls == {side: len(calls) for side, calls in seen.items()}
    assert budget.first_load_records == {"companies": 5, "contacts": 3, "products": 8}
    assert budget.first_load_calls == 4  # one batch of each, and the links of the contacts
    assert (budget.hubspot_limit, budget.limit_is_known) == ((100, 10.0), False)


async def test_the_portals_own_limit_is_used_where_it_is_told(start: Start) -> None:
    """HubSpot tells it with each answer."""
    budget = (await report_of(await start(hubspot_limit=(150, 10.0)))).budget
    assert (budget.hubspot_limit, budget.limit_is_known) == ((150, 10.0), True)


@pytest.mark.parametrize(("status", "word"), [(403, "Forbidden"), (404, "Missing"), (400, "Unknown")])
async def test_a_set_that_may_not_be_read_is_a_line_and_the_report_goes_on(
    messy: Office, status: int, word: str
) -> None:
    """Forbidden, missing or refused: each optional set by itself, and all of them together."""
    messy.fault(
        "dynamics", "status", "GET", "/data/(?!Legal|Customers|Released|All|Sales)", status=status, times=0
    )
    report = await report_of(messy)
    sets = line(report, "entity sets")
    assert (sets.state, sets.figure) == ("look", "6 of 22 answer.")
    assert sets.meaning.startswith(f"{word}: ")
    assert line(report, "dimensions").state == "unknown"
    assert report.people is None
    assert report.dimensions is None
    assert report.customers is not None
    assert report.products is not None
    assert report.verdict.endswith("1 topic could not be read.")


@pytest.mark.parametrize("name", ["CustomersV3", "ReleasedProductsV2"])
@pytest.mark.parametrize("status", [403, 404])
async def test_a_needed_set_that_may_not_be_read_leaves_the_other_topics(
    messy: Office, name: str, status: int
) -> None:
    """The ping says no; the report still tells what can be known."""
    messy.fault("dynamics", "status", "GET", f"/data/{name}", status=status, times=0)
    reports = await ping(messy.at)
    assert not reports["dynamics"].ok
    assert is_possible(reports)
    report = await fit(messy.at, reports, lambda _words: None)
    assert (report.customers is None, report.products is None) == (name[0] == "C", name[0] == "R")
    assert "Have them enabled" in line(report, "entity sets").advice
    assert report.portal is not None


@pytest.mark.parametrize("of", ["companies", "deals", "contacts", "line_items", "pipelines"])
async def test_a_hubspot_type_that_may_not_be_read_leaves_the_other_topics(messy: Office, of: str) -> None:
    """The token lacks a scope: what hangs on it is not known, and everything else is."""
    await won(messy, await company(messy, "Harbour Pumps"))
    for method in ("GET", "POST"):
        messy.fault("hubspot", "status", method, f"/crm/.*{of}", status=403, times=0)
    report = await report_of(messy)
    assert report.customers is not None
    assert report.products is not None
    assert (report.portal is None) == (of == "companies")
    assert (report.deals is None) == (of != "contacts")
    if of == "contacts":
        assert report.portal is not None
        assert report.portal.contacts is None


async def test_a_broken_order_mapping_is_one_line(messy: Office) -> None:
    """The deals cannot be judged; the data can."""
    (messy.home / "mappings" / "orders.yaml").write_text("header: nonsense", encoding="utf-8")
    report = await report_of(messy)
    assert report.deals is None
    assert line(report, "order settings").state == "unknown"
    assert report.customers is not None


def test_a_value_that_many_records_share_is_one_group_with_three_of_them_named() -> None:
    """However many there are; records of one mark are one."""
    repeats = Repeats()
    for number in range(1_000):
        repeats.add("the same", f"r{number}")
        repeats.add(f"value {number}", f"r{number}")
        repeats.add("one party", f"r{number}", mark="usmf")
    assert repeats.found() == Repeated(1, 1_000, (("r0", "r1", "r2"),))
