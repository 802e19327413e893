"""``mapping validate``: whatever is wrong in a mapping file or a table is found before a record meets it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ml_connector.app.home import shipped_mapping
from ml_connector.app.mapping_check import check_mappings
from ml_connector.app.mapping_show import show_mappings
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office

    from ml_connector.app.mapping_findings import Finding, MappingReport


def put(office: Office, name: str, text: str) -> None:
    (office.home / "mappings" / name).write_text(text, encoding="utf-8")


def orders(office: Office, rules: str, *rows: str) -> None:
    """The shipped mapping of orders with these rules beside or instead of its own, and further rows in its header."""
    text = shipped_mapping("orders")
    for name in re.findall(r"^  (\w+):", rules, re.MULTILINE):
        text = text.replace(f"\n  {name}: []\n", "\n")
    put(
        office,
        "orders.yaml",
        text.replace("\nline:\n", "".join(f"  - {row}\n" for row in rows) + "\nline:\n") + rules,
    )


def line_of(office: Office, name: str, word: str) -> int:
    lines = (office.home / "mappings" / name).read_text(encoding="utf-8").splitlines()
    return next(place for place, line in enumerate(lines, 1) if word in line)


def sites_of(office: Office) -> dict[str, str]:
    """A site of each legal entity."""
    return {row["dataAreaId"]: row["SiteId"] for row in office.records("OperationalSitesV2")}


def told(report: MappingReport) -> list[tuple[str, int, str, str]]:
    return [(found.file, found.line, found.sentence, found.nearest) for found in report.problems]


async def only(office: Office, *flows: str) -> Finding:
    report = await check_mappings(office.at, flows or ("orders",))
    assert report.notes == []
    (found,) = report.problems
    return found


async def test_the_shipped_files_hold_in_the_demo_world(office: Office) -> None:
    report = await check_mappings(office.at)
    assert report.flows == ("customers", "contacts", "products", "orders")
    assert report.files == [
        *(f"mappings/{flow}.yaml" for flow in ("customers", "contacts", "products", "orders")),
        "mappings/dimensions.yaml",
    ]
    assert (report.problems, report.notes) == ([], [])


async def test_nothing_is_written_and_metadata_is_not_read(office: Office) -> None:
    orders(office, "  site: [{value: '1'}]\n")
    asked, mark = office.calls("dynamics"), office.mark()
    await check_mappings(office.at)
    assert office.writes(mark) == []
    asked = [target for target in asked if target.startswith("/data/")]
    assert len(asked) > 5
    assert not [target for target in asked if "$metadata" in target or "$select" not in target]


# --- record flows ---


WRONG_FIELDS = (  # flow, what stands in the file, what is written instead, sentence, nearest
    ("customers", "source: CustomerGroupId", "source: CustomerGroupID",
     "CustomersV3 has no field CustomerGroupID.", "CustomerGroupId"),
    ("customers", "target: d365_customer_group", "target: d365_customer_grup",
     "companies has no field d365_customer_grup.", "d365_customer_group"),
    ("customers", "source: AddressCity", "source: AddressCitty", "CustomersV3 has no field AddressCitty.",
     "AddressCity"),
    ("products", "source: SalesUnitSymbol", "source: SalesUnitSymbl",
     "ReleasedProductsV2 has no field SalesUnitSymbl.", "SalesUnitSymbol"),
    ("contacts", "source: JobTitle", "source: JobTitel", "people has no field JobTitel.", "JobTitle"),
)  # fmt: skip


async def test_fields_that_a_side_lacks_are_named_with_file_and_line(office: Office) -> None:
    await office.customer("usmf:US-001")
    texts = {flow: shipped_mapping(flow) for flow, *_ in WRONG_FIELDS}
    for flow, old, new, *_ in WRONG_FIELDS:
        assert old in texts[flow]
        texts[flow] = texts[flow].replace(old, new, 1)
    for flow, text in texts.items():
        put(office, f"{flow}.yaml", text)
    found = {problem.sentence: problem for problem in (await check_mappings(office.at)).problems}
    assert len(found) == len(WRONG_FIELDS)
    for flow, _, new, sentence, nearest in WRONG_FIELDS:
        problem = found[sentence]
        assert (problem.file, problem.nearest) == (f"mappings/{flow}.yaml", nearest)
        line = line_of(office, f"{flow}.yaml", new)
        assert problem.line in (line, line - 1)  # of the row, which begins with its target


async def test_a_field_that_only_the_environment_knows_is_good(office: Office) -> None:
    text = shipped_mapping("customers")
    put(office, "customers.yaml", text.replace("source: CustomerGroupId", "source: LineOfBusinessId", 1))
    assert (await check_mappings(office.at, ["customers"])).problems == []


async def test_a_file_that_cannot_be_read_is_one_problem_and_the_others_are_checked(office: Office) -> None:
    put(office, "customers.yaml", shipped_mapping("customers").replace("  - target", "  - targt", 1))
    put(office, "dimensions.yaml", "header: {Departmnt: [{value: '022'}]}\n")
    report = await check_mappings(office.at)
    first, second = sorted(report.problems, key=lambda found: found.file)
    assert first.file == "mappings/customers.yaml"
    assert first.sentence == "unknown key 'targt'. Did you mean 'target'?"
    assert first.line == line_of(office, "customers.yaml", "targt")
    assert second.nearest == "Department"


async def test_the_codes_in_the_settings_of_orders_are_looked_up_as_rules_are(office: Office) -> None:
    """Each order gets them, so they stand in every legal entity; the place is the file's line, or the variable."""
    chosen = "[sync]\n[orders]\nquiet_minutes = 0\npool = 'CRN'\ndefault_legal_entity = 'usmg'\n"
    (office.home / "ml-connector.toml").write_text(chosen, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLC_HOME", str(office.home))
        patch.setenv("MLC_ORDERS__ORIGIN", "FAX")
        async with office.opened() as place:
            report = await check_mappings(place, ["orders"])
    assert told(report) == [
        ("MLC_ORDERS__ORIGIN", 1,
         "There is no sales order origin 'FAX' in usmf, ussi, demf, which the setting orders.origin gives.", ""),
        ("ml-connector.toml", 4,
         "There is no sales order pool 'CRN' in usmf, ussi, demf, which the setting orders.pool gives.", "CRM"),
        ("ml-connector.toml", 5, "The legal entity usmg is not connected.", "usmf"),
    ]  # fmt: skip
    assert "Valid are CRM, PHONE, WEB." in report.problems[0].fix


# --- rows of orders ---

WRONG_ROWS = (
    ("{target: SalesOrderNam, source: deal.name}", "SalesOrderHeadersV2 has no field SalesOrderNam.", "SalesOrderName"),
    ("{target: SalesOrderName, source: deal.nameX}", "The order draft has no field deal.nameX.", "deal.name"),
    ("{target: ContactPersonId, source: line.name}", "The order draft has no field line.name.", "owner.name"),
    ("{target: SalesTaxGroupCode, source: deal.name}",
     "SalesTaxGroupCode is refused: it decides on tax, which Dynamics alone computes.", ""),
    ("{target: DeliveryModeCode, transform: {constant: {value: TRUK}}}",
     "There is no mode of delivery 'TRUK' in usmf, ussi, demf, which the row for DeliveryModeCode gives.", "TRUCK"),
)  # fmt: skip


async def test_rows_of_orders_are_held_against_what_they_read_and_fill(office: Office) -> None:
    await office.customer("usmf:US-001")
    await office.clerk_adds("SalesOrderHeadersV2", dataAreaId="usmf", OrderingCustomerAccountNumber="US-001")
    orders(office, "  pool: []\n", *(row for row, *_ in WRONG_ROWS))
    report = await check_mappings(office.at, ["orders"])
    assert told(report) == [
        ("mappings/orders.yaml", line_of(office, "orders.yaml", row), sentence, nearest)
        for row, sentence, nearest in WRONG_ROWS
    ]


async def test_a_row_of_a_new_customer_is_held_against_the_company_and_customersv3(office: Office) -> None:
    await office.customer("usmf:US-001")
    text = shipped_mapping("orders")
    for old, new in (
        ("source: company.zip", "source: company.zipp"),
        ("target: CreditRating\n", "target: CreditRatng\n"),
        ("source: customer.state", "source: customer.stat"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    put(office, "orders.yaml", text)
    file, draft = "mappings/orders.yaml", "The order draft has no field"
    assert told(await check_mappings(office.at, ["orders"])) == [
        (
            file,
            line_of(office, "orders.yaml", "CreditRatng"),
            "CustomersV3 has no field CreditRatng.",
            "CreditRating",
        ),
        (file, line_of(office, "orders.yaml", "company.zipp") - 1, f"{draft} company.zipp.", "company.zip"),
        (
            file,
            line_of(office, "orders.yaml", "source: customer.stat") - 1,
            f"{draft} customer.stat.",
            "customer.state",
        ),
    ]


async def test_a_row_may_read_any_property_of_the_deal(office: Office) -> None:
    orders(office, "  pool: []\n", "{target: SalesOrderName, source: deal.dealtype}")
    assert (await check_mappings(office.at, ["orders"])).problems == []


# --- rules of orders ---


WRONG_VALUES = {  # rule -> a value that the demo world has, another that it lacks, and what they are called
    "customer_group": ("30", "39", "customer group"),
    "payment_terms": ("Net30", "Net31", "terms of payment"),
    "customer_payment_terms": ("Net30", "Net32", "terms of payment"),
    "tax_group": ("DOM", "DOMM", "sales tax group"),
    "delivery_terms": ("DAP", "DAPP", "delivery terms"),
    "delivery_mode": ("TRUCK", "TRUK", "mode of delivery"),
    "currency": ("USD", "USX", "currency"),
    "order_taker": ("000001", "00001", "employee"),
    "responsible": ("000002", "00002", "employee"),
    "service_item": ("CP-A15-CI", "CP-A15-C", "released item"),
}


async def test_constants_are_values_that_dynamics_knows(office: Office) -> None:
    values = dict(WRONG_VALUES)
    for name, data_entity, field, noun in (
        ("pool", "SalesOrderPools", "PoolId", "sales order pool"),
        ("origin", "SalesOrderOriginCodes", "OriginCode", "sales order origin"),
    ):
        good = office.records(data_entity)[0][field]
        values[name] = (good, f"{good}{noun[-1]}", noun)
    rules = {
        name: f"    - {{when: {{deal.dealname: a*}}, value: '{good}'}}\n    - value: '{bad}'\n"
        for name, (good, bad, _) in values.items()
    }
    orders(office, "".join(f"  {name}:\n{text}" for name, text in rules.items()))
    report = await check_mappings(office.at, ["orders"])
    found = {problem.line: problem for problem in report.problems}
    assert len(found) == len(values)
    for name, (_, bad, noun) in values.items():
        problem = found[line_of(office, "orders.yaml", f"value: '{bad}'")]
        assert problem.sentence.startswith(f"There is no {noun} '{bad}'")
        assert problem.sentence.endswith(f", which {name} gives.")
        assert problem.nearest or "Valid are 10, 20, 30" in problem.fix


async def test_values_differ_by_legal_entity(office: Office) -> None:
    """Each is looked for where its rule may apply: what an earlier rule has settled does not count."""
    sites = sites_of(office)
    german, american = sites["demf"], sites["usmf"]
    assert american != german
    orders(
        office,
        "  site:\n"
        f"    - {{when: {{legal_entity: demf}}, value: '{german}'}}\n"
        f"    - {{when: {{legal_entity: usmf}}, value: '{american}'}}\n"
        f"    - {{when: {{legal_entity: us*}}, value: '{sites['ussi']}'}}\n"
        "    - value: nowhere\n",  # never asked: every legal entity has its site
    )
    assert (await check_mappings(office.at, ["orders"])).problems == []
    orders(office, f"  site: [{{value: '{german}'}}]\n")
    found = await only(office)
    assert found.sentence.startswith(f"There is no site '{german}' in usmf")
    assert "demf" not in found.sentence
    assert "legal_entity" in found.fix


async def test_a_rule_of_another_name_is_known_by_the_field_it_fills(office: Office) -> None:
    orders(
        office,
        "  how: [{value: TRUK}]\n  anything: [{value: x}]\n",
        "{target: DeliveryModeCode, source: rules.how}",
        "{target: SalesOrderName, source: rules.anything}",
    )
    found = await only(office)
    assert found.sentence == "There is no mode of delivery 'TRUK' in usmf, ussi, demf, which how gives."


async def test_a_table_is_checked_in_both_columns_by_its_own_lines(office: Office) -> None:
    orders(office, "  order_taker: [{source: owner.email, table: takers}]\n")
    owner = (await office.rep_asks("GET", "/crm/v3/owners"))["results"][0]["email"]
    put(office, "takers.csv", f"owner;taker\n{owner};000001\n\n{owner[:-1]};000002\nKim@Example.com;77\n")
    report = await check_mappings(office.at, ["orders"])
    assert report.files[1] == "mappings/takers.csv"
    assert [(found.line, found.file) for found in report.problems] == [
        (4, "mappings/takers.csv"),
        (5, "mappings/takers.csv"),
        (5, "mappings/takers.csv"),
    ]
    typo, foreign, unknown = report.problems
    assert typo.sentence == f"No owner in HubSpot has the e-mail address '{owner[:-1]}'."
    assert typo.nearest == owner
    assert foreign.sentence == "No owner in HubSpot has the e-mail address 'Kim@Example.com'."
    assert unknown.sentence == "There is no employee '77', which order_taker gives."


async def test_a_table_by_legal_entity_is_checked_in_each_one(office: Office) -> None:
    sites = sites_of(office)
    orders(office, "  site: [{source: legal_entity, table: sites}]\n")
    put(office, "sites.csv", f"entity,site\nDEMF,{sites['demf']}\nusmf,{sites['demf']}\n")
    found = await only(office)
    assert (found.file, found.line) == ("mappings/sites.csv", 3)
    assert found.sentence == f"There is no site '{sites['demf']}' in usmf, which site gives."


WRONG_FACTS = (
    ("deal.dealtpe: x", "HubSpot's deals have no property dealtpe.", "deal.dealtype"),
    ("company.countri: x", "HubSpot's companies have no property countri.", "company.country"),
    ("line.hs_sk: x", "HubSpot's line_items have no property hs_sk.", "line.hs_sku"),
    ("product.d365_product_grup: x", "HubSpot's products have no property d365_product_grup.",
     "product.d365_product_group"),
    ("customer.CustomerGrupId: x", "CustomersV3 has no field CustomerGrupId.",
     "customer.CustomerGroupId"),
    ("owner.mail: x", "Of an owner rules know email, name, team, not mail.", "email"),
    ("pipeline: [Sales Pipeline, Sales Pipe]", "HubSpot has no deal pipeline 'Sales Pipe'.",
     "Sales Pipeline"),
    ("pipeline: Zzz*", "HubSpot has no deal pipeline 'Zzz*'.", ""),
    ("owner.team: key account", "No owner in HubSpot has the team 'key account'.", "Key accounts"),
    ("legal_entity: usmg", "There is no connected legal entity 'usmg'.", "usmf"),
    ("currency: USX", "The portal has no currency 'USX'.", "USD"),
    ("deal.dealtype: newbusines", "HubSpot's property dealtype of deals has no option 'newbusines'.",
     "newbusiness"),
)  # fmt: skip


async def test_what_a_rule_looks_at_is_there_and_can_be_what_it_says(office: Office) -> None:
    await office.customer("usmf:US-001")
    good = (
        "{when: {pipeline: sales*, owner.team: KEY ACCOUNTS, legal_entity: [usmf], deal.dealtype: newbusiness, "
        "deal.dealname: whatever, customer.LineOfBusinessId: x}, value: HS}"
    )
    rules = [f"{{when: {{{when}}}, value: HS}}" for when, *_ in WRONG_FACTS]
    orders(
        office,
        "".join(f"    - {rule}\n" for rule in ["  note:", good, *rules]).replace("    -   note:", "  note:"),
    )
    report = await check_mappings(office.at, ["orders"])
    assert told(report) == [
        ("mappings/orders.yaml", line_of(office, "orders.yaml", rule), sentence, nearest)
        for rule, (_, sentence, nearest) in zip(rules, WRONG_FACTS, strict=True)
    ]


async def test_the_rule_for_the_legal_entity_names_connected_ones(office: Office) -> None:
    orders(office, "  legal_entity:\n    - {when: {currency: EUR}, value: DEMF}\n    - value: usmg\n")
    found = await only(office)
    assert (found.sentence, found.nearest) == ("The legal entity usmg is not connected.", "usmf")


async def test_a_missing_or_malformed_table_is_found(office: Office) -> None:
    orders(
        office, "  site:\n    - {source: pipeline, table: sites}\n    - {source: pipeline, table: places}\n"
    )
    put(office, "places.csv", "pipeline,site\nSales Pipeline,1,extra\n")
    missing, malformed = (await check_mappings(office.at, ["orders"])).problems
    assert (missing.file, missing.line) == (
        "mappings/orders.yaml",
        line_of(office, "orders.yaml", "table: sites"),
    )
    assert missing.sentence == "The table sites.csv is not there."
    assert (malformed.file, malformed.line) == ("mappings/places.csv", 2)
    assert "two columns are expected" in malformed.sentence


async def test_a_set_that_may_not_be_read_is_a_note_and_no_problem(office: Office) -> None:
    orders(office, "  site: [{value: '9'}]\n")
    office.fault("dynamics", "status", "GET", "/data/OperationalSitesV2", status=403, body={})
    report = await check_mappings(office.at, ["orders"])
    assert report.problems == []
    assert report.notes == [
        "What site gives is not checked: The app's user in Dynamics may not use OperationalSitesV2."
    ]


# --- dimensions ---


async def test_names_and_values_of_dimensions_are_held_against_dynamics(office: Office) -> None:
    put(
        office,
        "dimensions.yaml",
        "mandatory:\n"
        "  usmf: [BusinessUnit, CostCentre]\n"
        "  usmm: [BusinessUnit]\n"
        "header:\n"
        "  Department:\n"
        "    - {source: owner.team, table: departments}\n"
        "    - {when: {pipeline: sales*}, value: '02'}\n"
        "  Departmnt: [{value: '022'}]\n"
        "  BusinessUnit:\n"
        "    - {when: {legal_entity: demf}, value: '002'}\n"
        "    - value: '001'\n"
        "  CostCenter:\n"
        "    - {source: product.d365_product_group}\n"
        "line:\n"
        "  ItemGroup: [{value: PUMP}]\n",
    )
    put(office, "departments.csv", "team,department\nKey accounts,22\nIndustry,023\n")
    office.twins.pair.set_up(
        "FinancialDimensionValueLegalEntityOverridesV2",
        {
            "FinancialDimension": "BusinessUnit",
            "DimensionValue": "002",
            "LegalEntityId": "demf",
            "IsSuspended": "Yes",
        },
    )
    office.clerk_changes("FinancialDimensionValues", "Department::023", ActiveTo="2001-01-01T12:00:00Z")
    everywhere = "in usmf, ussi, demf."
    yaml, csv = "mappings/dimensions.yaml", "mappings/departments.csv"
    form = "The active dimension format Default dimensions (BusinessUnit, Department, CostCenter, ItemGroup) has no"
    assert told(await check_mappings(office.at, ["orders"])) == [
        (csv, 2, f"Department '22' is not one of its values {everywhere}", "022"),
        (csv, 3, f"Department '023' was active until 2001-01-01 {everywhere}", "021"),
        (yaml, 2, f"{form} CostCentre.", "CostCenter"),
        (yaml, 3, "The legal entity usmm is not connected.", "usmf"),
        (yaml, 7, f"Department '02' is not one of its values {everywhere}", "021"),
        (yaml, 8, f"{form} Departmnt.", "Department"),
        (yaml, 10, "BusinessUnit '002' is suspended in demf.", "001"),
        (yaml, 13, "A rule of the header looks at product.d365_product_group, which only lines have.", ""),
        (yaml, 15, f"ItemGroup 'PUMP' is not one of its values {everywhere}", "PUMPS"),
    ]


async def test_without_a_format_rules_for_dimensions_are_a_problem(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(switches={"dimension_format": "none"})
    assert (await check_mappings(office.at, ["orders"])).problems == []
    put(office, "dimensions.yaml", "header:\n  Department:\n    - value: '022'\n")
    found = await only(office)
    assert found.line == 3
    assert "no active default dimension format" in found.sentence


async def test_values_that_cannot_be_listed_are_a_note(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(switches={"dimension_value_list": "missing"})
    put(office, "dimensions.yaml", "header: {Department: [{value: '999'}]}\n")
    report = await check_mappings(office.at, ["dimensions"])
    assert report.problems == []
    assert report.notes == ["The values of Department are not checked: Dynamics does not list them."]


async def test_a_value_that_cannot_be_written_is_found(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(switches={"dimension_escape": "refused"})
    await office.clerk_adds("FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue="7-A")
    put(office, "dimensions.yaml", "header: {CostCenter: [{value: 7-A}]}\n")
    found = await only(office)
    assert found.sentence == "CostCenter '7-A' cannot be written between the delimiters '-'."


# --- which flows, and show ---


async def test_a_flow_without_a_file_is_said_so(office: Office) -> None:
    with pytest.raises(ConfigurationError, match="no mapping file"):
        await check_mappings(office.at, ["order_status"])
    with pytest.raises(ConfigurationError, match="Did you mean 'orders'"):
        await check_mappings(office.at, ["order"])


async def test_show_has_every_row_and_rule_without_asking_anybody(office: Office) -> None:
    orders(
        office,
        "  site:\n    - {when: {pipeline: A}, value: '1'}\n    - {source: legal_entity, table: sites}\n",
    )
    put(office, "sites.csv", "entity,site\nusmf,1\n")
    asked = [*office.calls("dynamics"), *office.calls("hubspot")]
    files = {file["file"]: file for file in show_mappings(office.at)}
    assert asked == []
    assert files["mappings/customers.yaml"]["as_shipped"] is True
    shown = files["mappings/orders.yaml"]
    assert shown["as_shipped"] is False
    assert shown["tables"] == [{"file": "mappings/sites.csv", "entries": 1}]
    assert [(rule["name"], rule["value"], rule["table"]) for rule in shown["rules"]] == [
        ("site", "1", ""),
        ("site", "", "sites"),
    ]
    rows = len(re.findall(r"^  - target", shipped_mapping("orders"), re.MULTILINE))
    assert len(shown["rows"]) == rows
