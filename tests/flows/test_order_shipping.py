"""Where the lines of an order leave from: by rule, else what F&O itself takes; never a place that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.flows.drafting import Situation, drafted
    from tests.flows.office import Office
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold
else:
    from drafting import Situation, drafted  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold

BARE, PLAIN, CAREFUL = "HB-P5-HT", "TS-S65-IP20M", "SC-T45-ZNC3"
PLACE = ("ShippingSiteId", "ShippingWarehouseId")
HEADER = ("DefaultShippingSiteId", "DefaultShippingWarehouseId")
SITE, WAREHOUSE = "  site:\n    - value: '{}'\n", "  warehouse:\n    - value: '{}'\n"
BY_LINE = "  site:\n    - {when: {line.name: 'West*'}, value: W}\n    - value: '1'\n"
BY_PIPELINE = "  warehouse:\n    - {when: {pipeline: 'Sales*'}, value: W1}\n"
BY_DEAL = "  site:\n    - {source: deal.dealtype, table: sites}\n"


@pytest.fixture
async def shop(office: Office) -> Office:
    """Site W with its warehouse W1 beside site 1; an item without defaults, one with a warehouse at W."""
    shop = await sellable(office)
    await shop.clerk_adds("OperationalSitesV2", dataAreaId="usmf", SiteId="W", SiteName="West")
    await shop.clerk_adds("Warehouses", dataAreaId="usmf", WarehouseId="W1", OperationalSiteId="W")
    shop.clerk_changes("ProductDefaultOrderSettings", f"usmf:{BARE}", SalesSiteId="", SalesWarehouseId="")
    shop.twins.pair.set_up(
        "ProductSpecificOrderSettingsV3",
        {"dataAreaId": "usmf", "ItemNumber": PLAIN, "OperationalSiteId": "W", "SalesWarehouseId": "W1"},
    )
    shop.clerk_changes("ProductDefaultOrderSettings", f"usmf:{CAREFUL}", IsSalesWarehouseMandatory="Yes")
    return shop


async def test_site_and_warehouse_come_from_the_rules_and_what_they_leave_open_from_dynamics(
    shop: Office,
) -> None:
    """Each line as it is sent, and the header's default; None is not sent."""
    nothing = (None, None)
    tables = {"sites": {"newbusiness": "W"}}
    cases: list[tuple[Situation, list[tuple[Any, ...]], tuple[Any, ...]]] = [
        (Situation("nobody says", [(ITEM, {})]), [nothing], nothing),
        (Situation("a site", [(ITEM, {})], rules=SITE.format("1")), [("1", "11")], ("1", None)),
        (Situation("another site", [(ITEM, {})], rules=SITE.format("W")), [("W", None)], ("W", None)),
        (Situation("the item's there", [(PLAIN, {})], rules=SITE.format("W")), [("W", "W1")], ("W", None)),
        (Situation("a warehouse", [(ITEM, {})], rules=WAREHOUSE.format("W1")), [("W", "W1")], ("W", "W1")),
        (
            Situation("both", [(ITEM, {})], rules=SITE.format("1") + WAREHOUSE.format("11")),
            [("1", "11")],
            ("1", "11"),
        ),
        (
            Situation("by line", [(ITEM, {"name": "West pump"}), (OTHER_ITEM, {})], rules=BY_LINE),
            [("W", None), ("1", "11")],
            ("1", None),
        ),
        (Situation("by pipeline", [(BARE, {})], rules=BY_PIPELINE), [("W", "W1")], ("W", "W1")),
        (
            Situation("by deal", [(PLAIN, {})], {"dealtype": "newbusiness"}, BY_DEAL, tables),
            [("W", "W1")],
            ("W", None),
        ),
        (Situation("deal without", [(ITEM, {})], {}, BY_DEAL, tables), [nothing], nothing),
    ]
    for situation, lines, header in cases:
        outcome = await drafted(shop, situation)
        assert outcome.lines(*PLACE) == lines, situation.what
        assert outcome.header(*HEADER) == header, situation.what
    assert outcome.rule("ItemNumber")


async def test_a_line_that_has_nowhere_to_leave_from_stops_before_anything_is_written(shop: Office) -> None:
    cases = [
        (Situation("no site", [(BARE, {})]), "order.place_missing", "has no site to leave from"),
        (
            Situation("no warehouse", [(CAREFUL, {})], rules=SITE.format("W")),
            "order.place_missing",
            "needs a warehouse, and none is named for site W",
        ),
        (
            Situation("unknown site", [(ITEM, {})], rules=SITE.format("9")),
            "order.place_unknown",
            "would leave from site 9 (orders.yaml, line",
        ),
        (
            Situation("unknown warehouse", [(ITEM, {})], rules=WAREHOUSE.format("W2")),
            "order.place_unknown",
            "would leave from warehouse W2 (orders.yaml",
        ),
        (
            Situation("mistyped", [(ITEM, {})], rules=WAREHOUSE.format("w1")),
            "order.place_unknown",
            "Did you mean 'W1'?",
        ),
        (
            Situation("of another site", [(ITEM, {})], rules=SITE.format("1") + WAREHOUSE.format("W1")),
            "order.warehouse_of_other_site",
            "which belongs to site W and not to site 1",
        ),
    ]
    for situation, cause, words in cases:
        outcome = await drafted(shop, situation)
        assert (outcome.cause, words in outcome.message) == (cause, True), (situation.what, outcome.message)
    assert shop.orders() == []


async def test_the_customers_own_site_and_warehouse_count_before_the_items(shop: Office) -> None:
    """F&O puts them on the header; a line of an item without defaults then has a place, and the order stands."""
    shop.clerk_changes("CustomersV3", "usmf:US-001", SiteId="", WarehouseId="W1")
    outcome = await drafted(shop, Situation("of the customer's warehouse", [(BARE, {})]))
    assert outcome.lines(*PLACE) == [(None, None)]
    shop.clerk_changes("CustomersV3", "usmf:US-001", SiteId="W", WarehouseId="W1")
    deal = await sold(shop, (BARE, {}), (CAREFUL, {}))
    await approved(shop, deal)
    assert [tuple(line[name] for name in PLACE) for line in shop.lines()] == [
        ("W", "W1"),
        ("W", "W1"),
    ]
