"""Financial dimensions of orders: F&O's defaults overlaid by rules, every value checked, no position lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flows import order_flow
from ml_connector.app.system import SystemClock
from ml_connector.errors import RecordError
from ml_connector.flows.orders.deal.snapshot import DealLine
from ml_connector.flows.orders.draft.choices import Choice, Choices
from ml_connector.flows.orders.draft.resolved import (
    CustomerForm,
    Found,
    LineAmounts,
    ResolvedCustomer,
    ResolvedItem,
    ResolvedLine,
)
from ml_connector.flows.orders.terms.dimensions import DimensionStep, ResolvedDimensions
from ml_connector.mapping.apply import compile_dimensions
from ml_connector.mapping.load import load_dimensions
from ml_connector.systems.dynamics.dimensions import DELIMITERS
from ml_connector.systems.dynamics.offered_dimensions import OfferedDimensions, offered_dimensions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tests.flows.office import Office
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold

    from ml_connector.flows.orders.draft.order_draft import DraftField, OrderDraft
else:
    from office import Office  # noqa: TC002 - pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold

FORMAT = "Default dimensions:DataEntityDefaultDimensionFormat"
FIELD = "DefaultLedgerDimensionDisplayValue"
TODAY = SystemClock().now().date()


@dataclass
class Desk:
    """One environment, and deals whose dimensions are worked out there."""

    office: Office
    offered: OfferedDimensions

    async def work_out(
        self,
        rules: str,
        *,
        default: str = "",
        facts: Mapping[str, str] | None = None,
        lines: Sequence[ResolvedLine] = (),
        chosen: Mapping[str, str] | None = None,
        tables: Mapping[str, Mapping[str, str]] | None = None,
        customer: ResolvedCustomer | None = None,
        legal_entity: str = "usmf",
    ) -> ResolvedDimensions:
        document = load_dimensions(rules or "{}", file_name="dimensions.yaml")
        step = DimensionStep(
            offered=self.offered,
            rules=compile_dimensions(document, lookups=tables or {}),
            subject="deals/1 (Pumps)",
            legal_entity=legal_entity,
            customer=customer or known(default),
            lines=lines,
            facts=facts or {},
            choices=Choices(
                tuple(Choice(f"dimension.{n}", v, "Kim", "agreed") for n, v in (chosen or {}).items())
            ),
            today=TODAY,
        )
        return await step.resolve()

    async def parks(self, rules: str, code: str, **given: Any) -> str:
        with pytest.raises(RecordError) as parked:
            await self.work_out(rules, **given)
        assert parked.value.code == code
        return parked.value.message

    def has(self, name: str, value: str, **fields: str) -> None:
        """Finance changes a value of a dimension."""
        self.office.clerk_changes("FinancialDimensionValues", f"{name}::{value}", **fields)

    async def anew(self) -> None:
        """The next pass."""
        self.offered = offered_dimensions(await self.office.at.dynamics())


def known(default: str) -> ResolvedCustomer:
    """A customer with these default dimensions."""
    account = Found("US-001", "")
    return ResolvedCustomer(account, account, "", "", row={"DefaultDimensionDisplayValue": default})


def sold_line(number: str, line_id: str = "1", **product: str) -> ResolvedLine:
    """A line of a deal with its item and the facts of its product."""
    empty = dict.fromkeys(
        ("name", "sku", "product_id", "product_key", "quantity", "price", "discount", "discount_percent", "amount",
         "recurring"), ""
    )  # fmt: skip
    item = ResolvedItem(Found(number, ""), Found("", ""))
    return ResolvedLine(DealLine(line_id, **empty, product=product), item, LineAmounts(*[None] * 6))  # type: ignore[arg-type]  # no amounts


@pytest.fixture
async def desk(office: Office) -> Desk:
    return Desk(office, offered_dimensions(await office.at.dynamics()))


async def desk_with(start: Callable[..., Awaitable[Office]], **switches: str) -> Desk:
    office = await start(switches=switches)
    return Desk(office, offered_dimensions(await office.at.dynamics()))


# --- from the rules to the order ---


def put(office: Office, name: str, text: str) -> None:
    (office.home / "mappings" / name).write_text(text, encoding="utf-8")


async def drafted(shop: Office, deal: str) -> OrderDraft:
    flow = await order_flow(shop.at, looking=True)
    snapshot, _ = await flow.gather(deal)
    return await flow.draft(snapshot)


def field_of(fields: Sequence[DraftField]) -> DraftField | None:
    return next((each for each in fields if each.name == FIELD), None)


async def test_the_draft_names_the_rule_behind_each_segment_and_the_order_gets_them(office: Office) -> None:
    """Owner's team by table, pipeline, and on lines the product's group; the customer's own values stay."""
    await office.customer("usmf:US-001", DefaultDimensionDisplayValue="004--007-")
    await office.sync("customers", "products")
    put(
        office,
        "dimensions.yaml",
        "header:\n"
        "  Department:\n"
        "    - {source: owner.team, table: departments}\n"
        "    - value: '021'\n"
        "line:\n"
        "  ItemGroup:\n"
        f"    - {{when: {{product.hs_sku: {ITEM}}}, value: PUMPS}}\n",
    )
    put(office, "departments.csv", "team,department\nKey accounts,022\n")
    owners = (await office.rep_asks("GET", "/crm/v3/owners"))["results"]
    tom = next(owner for owner in owners if owner["firstName"] == "Tom")
    deal = await sold(office, (ITEM, {}), (OTHER_ITEM, {}), hubspot_owner_id=tom["id"])

    draft = await drafted(office, deal)
    header = field_of(draft.header)
    assert header is not None
    assert header.value == "004-022-007-"
    assert header.rule == (
        "BusinessUnit 004: default of customer US-001; Department 022: dimensions.yaml, line 3: Department, because "
        "owner.team is Key accounts (departments.csv, line 2); CostCenter 007: default of customer US-001; "
        "ItemGroup: empty"
    )
    first, second = (field_of(line.fields) for line in draft.lines)
    assert second is None
    assert first is not None
    assert first.value == "004-022-007-PUMPS"
    assert (
        f"ItemGroup PUMPS: dimensions.yaml, line 7: ItemGroup, because product.hs_sku is {ITEM}" in first.rule
    )

    await approved(office, deal)
    [order] = office.orders()
    assert order[FIELD] == "004-022-007-"
    assert [line[FIELD] for line in office.lines()] == ["004-022-007-PUMPS", "004-022-007-"]
    await office.verified()


async def test_without_rules_nothing_is_sent_or_asked_and_dynamics_defaults(office: Office) -> None:
    shop = await sellable(office)
    deal = await sold(shop, (ITEM, {}))
    asked = shop.calls("dynamics")
    draft = await drafted(shop, deal)
    assert field_of(draft.header) is None
    assert field_of(draft.lines[0].fields) is None
    assert not [target for target in asked if "imension" in target.partition("?")[0]]


async def test_a_pass_reads_format_and_values_once_for_all_its_deals(office: Office) -> None:
    shop = await sellable(office)
    put(shop, "dimensions.yaml", "header: {Department: [{value: '022'}]}\n")
    deals = [await sold(shop, (ITEM, {})) for _ in range(3)]
    asked = shop.calls("dynamics")
    flow = await order_flow(shop.at, looking=True)
    for deal in deals:
        snapshot, _ = await flow.gather(deal)
        assert field_of((await flow.draft(snapshot)).header)
    sets = [target.partition("?")[0].rpartition("/")[2] for target in asked]
    about = [name for name in sets if "imension" in name]
    assert sorted(about) == [
        "DimensionIntegrationFormats",
        "DimensionParameters",
        "FinancialDimensionValueLegalEntityOverridesV2",
        "FinancialDimensionValues",
    ]


# --- format and delimiter ---

FORMATS = (
    ("BusinessUnit", "Department", "CostCenter"),
    ("Department",),
    ("ItemGroup", "CostCenter", "Department", "BusinessUnit"),
)


@pytest.mark.parametrize("names", FORMATS, ids=len)
async def test_each_format_and_delimiter_keeps_every_position(
    start: Callable[..., Awaitable[Office]], names: tuple[str, ...]
) -> None:
    """Single and doubled delimiters; what the twin's own reading of the order confirms."""
    desk = await desk_with(start, dimension_format_text="comma")
    await desk.office.customer("usmf:US-001")
    desk.office.clerk_changes("DimensionIntegrationFormats", FORMAT, FinancialDimensionFormat=",".join(names))
    for place, (member, mark) in enumerate(DELIMITERS.items()):
        desk.office.clerk_changes("DimensionParameters", "0", DimensionSegmentDelimiter=member)
        await desk.anew()
        default = mark.join("001" if name == "BusinessUnit" else "" for name in names)
        found = await desk.work_out("header: {Department: [{value: '022'}]}", default=default)
        wanted = {"BusinessUnit": "001", "Department": "022"}
        assert found.header.value == mark.join(wanted.get(name, "") for name in names)
        if place in (0, 9):
            order = {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": "US-001", "CurrencyCode": "USD"}
            row = await desk.office.clerk_adds("SalesOrderHeadersV2", **order, **{FIELD: found.header.value})
            assert row[FIELD] == found.header.value


async def test_another_format_becomes_active(desk: Desk) -> None:
    """Only the active one of the type for default dimensions counts."""
    desk.office.clerk_changes("DimensionIntegrationFormats", FORMAT, IsActive="No")
    desk.office.clerk_changes(
        "DimensionIntegrationFormats",
        "Former default:DataEntityDefaultDimensionFormat",
        IsActive="Yes",
        FinancialDimensionFormat="CostCenter-Department",
    )
    found = await desk.work_out("header: {Department: [{value: '022'}]}")
    assert found.header.value == "-022"


async def test_without_an_active_format_a_rule_that_fits_parks_for_it(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A deal of which no rule says anything goes on: nothing would be sent."""
    desk = await desk_with(start, dimension_format="none")
    message = await desk.parks("header: {Department: [{value: '022'}]}", "order.dimension_format")
    assert "no active default dimension format" in message
    assert "Set up a format" in message
    await desk.parks("mandatory: {usmf: [Department]}", "order.dimension_format")
    quiet = await desk.work_out("header: {Department: [{when: {pipeline: Projects}, value: '022'}]}")
    assert quiet.header.value == ""


async def test_a_dimension_that_the_format_lacks_parks_with_the_one_that_was_meant(desk: Desk) -> None:
    message = await desk.parks("header: {Departmnt: [{value: '022'}]}", "order.dimension_unknown")
    assert (
        "has no Departmnt, which dimensions.yaml, line 1: Departmnt names. Did you mean 'Department'?"
        in message
    )
    message = await desk.parks("mandatory: {usmf: [CostCentre]}", "order.dimension_unknown")
    assert "the list of mandatory dimensions of usmf names. Did you mean 'CostCenter'?" in message
    found = await desk.work_out("header: {department: [{value: '022'}]}")  # letter case does not count
    assert found.header.value == "-022--"


async def test_a_default_that_does_not_fit_the_format_parks(desk: Desk) -> None:
    """Nothing is guessed into the wrong position."""
    message = await desk.parks(
        "header: {Department: [{value: '022'}]}", "order.dimension_text", default="001-022-"
    )
    assert "the default dimensions '001-022-' of customer US-001 cannot be read" in message


# --- values that hold the delimiter ---


@pytest.mark.parametrize(
    ("member", "value", "written"),
    [
        ("Hyphen", "7-A", "--7\\-A-"),
        ("Hyphen", "7\\A", "--7\\\\A-"),
        ("DoubleHyphen", "7-A", "----7-A--"),
        ("DoubleHyphen", "7--A", "----7\\--A--"),
    ],
)
async def test_a_value_that_holds_the_delimiter_is_written_by_dynamics(
    start: Callable[..., Awaitable[Office]], member: str, value: str, written: str
) -> None:
    desk = await desk_with(start, dimension_delimiter=member)
    await desk.office.clerk_adds(
        "FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue=value
    )
    found = await desk.work_out(f"header: {{CostCenter: [{{value: '{value}'}}]}}")
    assert found.header.value == written
    assert f"CostCenter {value}: " in found.header.rule
    asked = desk.office.calls("dynamics")
    assert (await desk.work_out(f"header: {{CostCenter: [{{value: '{value}'}}]}}")).header.value == written
    assert asked == []


async def test_a_value_that_dynamics_does_not_write_parks(start: Callable[..., Awaitable[Office]]) -> None:
    desk = await desk_with(start, dimension_escape="refused")
    await desk.office.clerk_adds(
        "FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue="7-A"
    )
    message = await desk.parks("header: {CostCenter: [{value: 7-A}]}", "order.dimension_text")
    assert "CostCenter '7-A' cannot be written between the delimiters '-'" in message


async def test_what_dynamics_writes_must_read_as_the_same_values(desk: Desk) -> None:
    """An answer that could be read otherwise is not sent."""
    await desk.office.clerk_adds(
        "FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue="7-A"
    )
    desk.office.fault(
        "dynamics", "status", "POST", "getSetDisplayValue", status=200, body={"value": "--7-A-"}
    )
    await desk.parks("header: {CostCenter: [{value: 7-A}]}", "order.dimension_text")


async def test_a_default_with_an_escaped_value_is_kept_and_proven(
    start: Callable[..., Awaitable[Office]],
) -> None:
    desk = await desk_with(start)
    await desk.office.clerk_adds(
        "FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue="7-A"
    )
    rules = "header: {Department: [{value: '022'}]}"
    assert (await desk.work_out(rules, default="--7\\-A-")).header.value == "-022-7\\-A-"
    await desk.anew()
    desk.office.fault("dynamics", "status", "POST", "getSetDisplayValue", status=200, body={"value": "--7A-"})
    message = await desk.parks(rules, "order.dimension_text", default="--7\\-A-")
    assert "the default dimensions '--7\\-A-' of customer US-001 cannot be read" in message


# --- values ---


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"IsSuspended": "Yes"}, "is suspended"),
        ({"IsBlockedForManualEntry": "Yes"}, "is blocked for manual entry"),
        ({"ActiveFrom": "2199-01-01T12:00:00Z"}, "is active from 2199-01-01 only"),
        ({"ActiveTo": "2001-12-31T12:00:00Z"}, "was active until 2001-12-31"),
    ],
)
async def test_a_value_that_cannot_be_used_parks_with_its_rule(
    desk: Desk, fields: dict[str, str], why: str
) -> None:
    desk.has("Department", "022", **fields)
    message = await desk.parks("header: {Department: [{value: '022'}]}", "order.dimension_value")
    assert f"in usmf a dimension cannot be used: Department '022' {why}" in message
    assert "(dimensions.yaml, line 1: Department)" in message


async def test_a_value_is_good_on_its_first_and_last_day(desk: Desk) -> None:
    day = f"{TODAY.isoformat()}T12:00:00Z"
    desk.has("Department", "022", ActiveFrom=day, ActiveTo=day)
    assert (await desk.work_out("header: {Department: [{value: '022'}]}")).header.value == "-022--"


async def test_an_unknown_value_parks_with_the_one_that_was_meant(desk: Desk) -> None:
    message = await desk.parks("header: {ItemGroup: [{value: PUMP}]}", "order.dimension_value")
    assert "ItemGroup 'PUMP' is not one of its values, did you mean 'PUMPS'?" in message


async def test_every_wrong_value_is_named_also_a_default(desk: Desk) -> None:
    message = await desk.parks(
        "header: {Department: [{value: '29'}]}", "order.dimension_value", default="009---"
    )
    assert "BusinessUnit '009' is not one of its values" in message
    assert "(default of customer US-001)" in message
    assert "Department '29'" in message


async def test_a_legal_entity_suspends_a_value_for_itself(desk: Desk) -> None:
    desk.office.twins.pair.set_up(
        "FinancialDimensionValueLegalEntityOverridesV2",
        {
            "FinancialDimension": "Department",
            "DimensionValue": "022",
            "LegalEntityId": "usmf",
            "IsSuspended": "Yes",
        },
    )
    rules = "header: {Department: [{value: '022'}]}"
    assert "'022' is suspended" in await desk.parks(rules, "order.dimension_value")
    assert (await desk.work_out(rules, legal_entity="demf")).header.value == "-022--"


async def test_a_value_of_another_legal_entity_is_none_of_this_one(desk: Desk) -> None:
    await desk.office.clerk_adds(
        "FinancialDimensionValues", FinancialDimension="CostCenter", DimensionValue="D1", LegalEntityId="demf"
    )
    rules = "header: {CostCenter: [{value: D1}]}"
    message = await desk.parks(rules, "order.dimension_value")
    assert "CostCenter 'D1' is a value of demf only" in message
    assert (await desk.work_out(rules, legal_entity="demf")).header.value == "--D1-"


async def test_values_that_cannot_be_listed_are_marked_and_go_on(
    start: Callable[..., Awaitable[Office]],
) -> None:
    desk = await desk_with(start, dimension_value_list="missing")
    found = await desk.work_out("header: {Department: [{value: '999'}]}")
    assert found.header.value == "-999--"
    assert found.notes == ("Department 999 is not checked: Dynamics does not list the values of Department.",)


@pytest.mark.parametrize(
    ("uses", "value", "verdict"),
    [("Departments", "025", "good"), ("Departments", "026", "wrong"), ("Projects", "P7", "not checked")],
)
async def test_a_dimension_backed_by_another_set_is_checked_there(
    desk: Desk, uses: str, value: str, verdict: str
) -> None:
    """Departments by their own set; of projects there is no set to check in, so the value is marked."""
    desk.office.clerk_changes("DimensionAttributes", "Department", UseValuesFrom=uses)
    await desk.office.clerk_adds("DimAttributeOMDepartments", Value="025", Name="Export")
    rules = f"header: {{Department: [{{value: '{value}'}}]}}"
    if verdict == "wrong":
        assert "did you mean '02" in await desk.parks(rules, "order.dimension_value")
        return
    found = await desk.work_out(rules)
    assert found.header.value == f"-{value}--"
    assert bool(found.notes) is (verdict == "not checked")


# --- mandatory, lines, choices, new customers ---


async def test_mandatory_dimensions_are_named_when_they_are_missing(desk: Desk) -> None:
    rules = "mandatory: {USMF: [BusinessUnit, CostCenter]}\nheader: {Department: [{value: '022'}]}"
    message = await desk.parks(rules, "order.dimension_missing")
    assert "usmf needs BusinessUnit and CostCenter" in message
    message = await desk.parks(rules, "order.dimension_missing", default="001---")
    assert "usmf needs CostCenter," in message
    assert (await desk.work_out(rules, default="001--007-")).header.value == "001-022-007-"
    assert (await desk.work_out(rules, legal_entity="demf")).header.value == "-022--"


async def test_what_is_mandatory_alone_is_sent_as_dynamics_defaults_it(desk: Desk) -> None:
    found = await desk.work_out("mandatory: {usmf: [BusinessUnit]}", default="001---")
    assert found.header.value == "001---"


async def test_a_mandatory_dimension_may_stand_on_every_line(desk: Desk) -> None:
    """By a rule on one line, by the item's default on the other; then both lines are sent."""
    rules = (
        "mandatory: {usmf: [ItemGroup]}\n"
        "line: {ItemGroup: [{when: {product.d365_product_group: A}, value: PUMPS}]}"
    )
    lines = [sold_line(ITEM, "1", d365_product_group="A"), sold_line(OTHER_ITEM, "2")]
    await desk.parks(rules, "order.dimension_missing", lines=lines)
    await desk.anew()
    desk.office.release_changes(OTHER_ITEM, **{FIELD: "-023--MRO"})
    found = await desk.work_out(rules, lines=lines, default="001-022--")
    assert found.header.value == "001-022--"
    assert {key: each.value for key, each in found.lines.items()} == {
        "1": "001-022--PUMPS",
        "2": "001-022--MRO",
    }


async def test_a_line_begins_with_the_header_then_the_item_and_blanks_nothing(desk: Desk) -> None:
    desk.office.release_changes(ITEM, **{FIELD: "003--008-SERV"})
    rules = "header: {Department: [{value: '022'}]}\nline: {ItemGroup: [{value: PUMPS}]}"
    found = await desk.work_out(rules, default="001---", lines=[sold_line(ITEM)])
    assert found.header.value == "001-022--"
    assert found.lines["1"].value == "001-022-008-PUMPS"
    assert f"CostCenter 008: default of item {ITEM}" in found.lines["1"].rule


async def test_rules_for_lines_alone_leave_the_header_to_dynamics(desk: Desk) -> None:
    found = await desk.work_out(
        "line: {ItemGroup: [{value: PUMPS}]}", default="001---", lines=[sold_line(ITEM)]
    )
    assert found.header.value == ""
    assert found.lines["1"].value == "001---PUMPS"


async def test_what_a_person_chose_goes_before_every_rule(desk: Desk) -> None:
    rules = "header: {Department: [{value: '022'}]}\nline: {ItemGroup: [{value: WRONG}]}"
    found = await desk.work_out(
        rules, lines=[sold_line(ITEM)], chosen={"department": "023", "ItemGroup": "MRO"}
    )
    assert found.header.value == "-023--MRO"
    assert "Department 023: chosen by Kim: agreed" in found.header.rule
    assert found.lines == {}


async def test_a_new_customer_starts_from_what_it_will_get(desk: Desk) -> None:
    """Its row already has what the group, or the form, gives it."""
    new = ResolvedCustomer(
        Found("(new customer)", ""),
        Found("", ""),
        "",
        "",
        row={"DefaultDimensionDisplayValue": "002---"},
        form=CustomerForm("9", ()),
    )
    found = await desk.work_out("header: {Department: [{value: '022'}]}", customer=new)
    assert found.header.value == "002-022--"
    assert "BusinessUnit 002: default of the new customer" in found.header.rule


async def test_rules_and_rows_find_whatever_property_and_field_they_name(office: Office) -> None:
    """Properties of the deal that only a row sends, and fields of the customer that only a rule looks at."""
    await office.customer("usmf:US-001", LineOfBusinessId="PUMP")
    await office.sync("customers", "products")
    put(
        office,
        "dimensions.yaml",
        "header:\n  Department:\n    - {when: {customer.LineOfBusinessId: pump}, value: '022'}\n",
    )
    text = (office.home / "mappings" / "orders.yaml").read_text(encoding="utf-8")
    rows = (
        "  - {target: SalesOrderName, source: deal.description}\n"
        "  - {target: ContactPersonId, source: customer.KnownAs}\n"
    )
    put(office, "orders.yaml", text.replace("\nline:\n", f"{rows}\nline:\n", 1))
    deal = await sold(office, (ITEM, {}), description="Second phase")
    draft = await drafted(office, deal)
    sent = {each.name: each.value for each in draft.header}
    assert sent["SalesOrderName"] == "Second phase"
    assert sent[FIELD] == "-022--"
    assert "customer.LineOfBusinessId is PUMP" in next(
        each.rule for each in draft.header if each.name == FIELD
    )
