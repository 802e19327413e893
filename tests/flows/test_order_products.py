"""Each line of a deal becomes an item that the legal entity sells, exactly, or the deal says what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deals import approve_deal
from ml_connector.flows.orders.lines.products import ProductWords

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.drafting import Situation, drafted, with_rules
    from tests.flows.office import Office
    from tests.flows.selling import ITEM, OTHER_ITEM, sellable, sold
else:
    from drafting import Situation, drafted, with_rules  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, sellable, sold

VARIANT = ("ItemNumber", "ProductSizeId", "ProductColorId", "ProductStyleId")
ONLY_DEMF, BOLT, HOSE = (
    "PX-T20-IP20",
    "HB-P5-HT",
    "HH-T40-SIH",
)  # released in demf alone; everywhere; usmf alone
FITTING, COUPLING, SENSOR = "PF-K30-CI", "SC-T45-ZNC3", "TS-S65-IP20M"


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def test_a_line_names_its_item_by_the_products_key_by_sku_by_a_rule_or_by_a_persons_choice(
    shop: Office,
) -> None:
    """Number of product, item or variant; whatever it is, the draft says who named it."""
    numbered = shop.releases()[FITTING]["usmf"]["ItemNumber"]
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{COUPLING}", ProductSubType="ProductMaster")
    for size, color in (("S", "Red"), ("L", "Blue")):
        _variant(shop, COUPLING, f"{COUPLING}-{size}", size=size, color=color)
    own = ProductWords("per_legal_entity")
    freight = "  service_item:\n    - when: {line.name: 'freight*'}\n      value: TS-S65-IP20M"
    ways: list[tuple[Situation, tuple[Any, ...], str]] = [
        (Situation("by key", [(ITEM, {})]), (ITEM, None, None, None), "the product's key"),
        (
            Situation("by SKU", [("", {"hs_sku": numbered})]),
            (numbered, None, None, None),
            "the line's SKU",
        ),
        (
            Situation("a variant", [("", {"hs_sku": f"{COUPLING}-L"})]),
            (COUPLING, "L", "Blue", None),
            "the line's SKU",
        ),
        (
            Situation("a service", [("", {"name": "Freight to site"})], rules=freight),
            (SENSOR, None, None, None),
            "orders.yaml, line ",
        ),
        (
            Situation("chosen", [("", {})], choose=lambda lines: {f"item.{lines[0]}": f"{COUPLING}-S"}),
            (COUPLING, "S", "Red", None),
            "chosen by Kim: asked the buyer",
        ),
        (
            Situation("chosen instead", [(ITEM, {})], choose=lambda lines: {f"item.{lines[0]}": BOLT}),
            (BOLT, None, None, None),
            "chosen by Kim: asked the buyer",
        ),
        (
            Situation("by the key of one legal entity", [(ITEM, {})], flow={"product_words": own}),
            (ITEM, None, None, None),
            "the product's key",
        ),
    ]
    keyed = next(row["id"] for row in shop.records("products") if row["properties"]["hs_sku"] == ITEM)
    for situation, sent, rule in ways:
        if situation.flow:
            shop.rep_changes("products", keyed, d365_product_key=f"usmf:{ITEM}")
        outcome = await drafted(shop, situation)
        assert outcome.lines(*VARIANT) == [sent], situation.what
        assert outcome.rule("ItemNumber").startswith(rule), situation.what


def _variant(shop: Office, master: str, number: str, *, size: str = "", color: str = "") -> None:
    shop.twins.pair.set_up(
        "ReleasedProductVariantsV2",
        {
            "dataAreaId": "usmf",
            "ProductMasterNumber": master,
            "ItemNumber": master,
            "ProductVariantNumber": number,
            "ProductSizeId": size,
            "ProductColorId": color,
        },
    )


async def test_a_variant_becomes_an_order_line_with_its_dimensions(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """F&O takes no line of a master; the one that is sent is the variant the product stands for."""
    shop = await start(settings={"products": {"variants": True}})
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{COUPLING}", ProductSubType="ProductMaster")
    _variant(shop, COUPLING, f"{COUPLING}-L", size="L", color="Blue")
    await sellable(shop)
    deal = await sold(shop, (f"{COUPLING}-L", {"quantity": "3"}))
    await shop.figures("orders")
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    [line] = shop.lines()
    assert (line["ItemNumber"], line["ProductSizeId"], line["ProductColorId"]) == (COUPLING, "L", "Blue")


async def test_a_deal_whose_lines_cannot_be_ordered_says_of_each_line_why(shop: Office) -> None:
    """One cause for the queue, a sentence for every line, and what may have been meant."""
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{COUPLING}", ProductSubType="ProductMaster")
    _variant(shop, COUPLING, f"{COUPLING}-L", size="L")
    shop.clerk_changes("ProductDefaultOrderSettings", f"usmf:{SENSOR}", IsSalesProcessingStopped="Yes")
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{FITTING}", ProductLifecycleStateId="Abandoned")
    shop.twins.pair.set_up(
        "ProductSpecificOrderSettingsV3",
        {
            "dataAreaId": "usmf",
            "ItemNumber": BOLT,
            "OperationalSiteId": "1",
            "IsSalesProcessingStopped": "Yes",
        },
    )
    old = ProductWords(end_of_life=frozenset({"abandoned"}))
    own = ProductWords("per_legal_entity")
    bound = next(row["id"] for row in shop.records("products") if row["properties"]["hs_sku"] == OTHER_ITEM)
    cases: list[tuple[Situation, str, list[str]]] = [
        (
            Situation("typed by hand", [("", {"name": "Centrifugal pump Atlas 15"}), (ITEM, {})]),
            "order.line_without_product",
            [
                "Line 'Centrifugal pump Atlas 15' names no product. Did you mean 'Centrifugal pump",
                f"({ITEM})",
            ],
        ),
        (
            Situation("two typed by hand", [("", {"name": "Freight"}), ("", {"name": "Assembly"})]),
            "order.line_without_product",
            ["Line 'Freight' names no product. Choose", "Line 'Assembly' names no product."],
        ),
        (
            Situation("mistyped", [("", {"hs_sku": "CP-A15-CX"})]),
            "order.item_unknown",
            [f"names CP-A15-CX (the line's SKU), which is not released in usmf. Did you mean {ITEM}?"],
        ),
        (
            Situation("other case", [("", {"hs_sku": ITEM.lower()})]),
            "order.item_unknown",
            [f"Did you mean {ITEM}?"],
        ),
        (
            Situation("a wildcard", [("", {"hs_sku": "CP-*"})]),
            "order.item_unknown",
            ["names CP-* "],
        ),
        (
            Situation("a quote", [("", {"hs_sku": "x' or 1 eq 1"})]),
            "order.item_unknown",
            ["names x' or 1 eq 1"],
        ),
        (
            Situation("in two places", [(ONLY_DEMF, {"name": "Switch"}), (HOSE, {"name": "Hose"}), ("", {})]),
            "order.line_without_product",
            [
                "Line 'A line' names no product.",
                "Line 'Switch' is sold in demf. Line 'Hose' is sold in usmf.",
            ],
        ),
        (
            Situation("split", [(ITEM, {}), (ONLY_DEMF, {"name": "Switch"}), (HOSE, {"name": "Hose"})]),
            "order.item_elsewhere",
            [
                "Line 'A line' is sold in demf, usmf, ussi. Line 'Switch' is sold in demf. Line 'Hose' is sold in usmf."
            ],
        ),
        (
            Situation("all of it elsewhere", [(ONLY_DEMF, {}), (ITEM, {})]),
            "order.item_unknown",
            [f"names {ONLY_DEMF} (the product's key), which is not released in usmf but sold in demf."],
        ),
        (Situation("a master", [(COUPLING, {})]), "order.variant_missing", ["sold in variants"]),
        (Situation("stopped", [(SENSOR, {})]), "order.item_stopped", ["sales are stopped in usmf"]),
        (Situation("stopped at the site", [(BOLT, {})]), "order.item_stopped", [BOLT]),
        (
            Situation("end of life", [(FITTING, {})], flow={"product_words": old}),
            "order.item_end_of_life",
            ["Abandoned"],
        ),
        (
            Situation("of another legal entity", [(OTHER_ITEM, {})], flow={"product_words": own}),
            "order.item_unknown",
            [f"names {OTHER_ITEM} (the product's key), which is not released in usmf but sold in ussi."],
        ),
        (
            Situation("an unknown service", [("", {})], rules="  service_item:\n    - value: FREIGHT"),
            "order.item_unknown",
            ["names FREIGHT (orders.yaml, line"],
        ),
        (
            Situation("an unknown choice", [(ITEM, {})], choose=lambda lines: {f"item.{lines[0]}": "XX"}),
            "order.item_unknown",
            ["names XX (chosen by Kim: asked the buyer)"],
        ),
    ]
    for situation, cause, words in cases:
        if situation.what == "of another legal entity":
            shop.rep_changes("products", bound, d365_product_key=f"ussi:{OTHER_ITEM}")
        outcome = await drafted(shop, situation)
        assert outcome.cause == cause, (situation.what, outcome.message)
        assert all(word in outcome.message for word in words), (situation.what, outcome.message)
        assert outcome.error is not None
        assert outcome.error.context["step"] == "products"


async def test_a_number_that_means_two_items_waits_for_a_persons_choice(shop: Office) -> None:
    """The product number of one item is the item number of another."""
    shop.clerk_changes("ReleasedProductsV2", f"usmf:{SENSOR}", ProductNumber=COUPLING)
    outcome = await drafted(shop, Situation("twice", [("", {"hs_sku": COUPLING})]))
    assert outcome.cause == "order.item_unclear"
    assert all(item in outcome.message for item in (COUPLING, SENSOR))
    chosen = Situation(
        "chosen", [("", {"hs_sku": COUPLING})], choose=lambda lines: {f"item.{lines[0]}": SENSOR}
    )
    assert (await drafted(shop, chosen)).lines("ItemNumber") == [(SENSOR,)]


async def test_a_tenant_without_order_settings_leaves_stops_and_places_to_dynamics(shop: Office) -> None:
    missing = {"error": {"message": "Not here."}}
    for name in ("ProductDefaultOrderSettings", "ProductSpecificOrderSettingsV3", "Warehouses"):
        shop.fault("dynamics", "status", "GET", f"/data/{name}", status=404, body=missing, times=0)
    outcome = await drafted(shop, Situation("nothing to read", [(ITEM, {})]))
    assert outcome.lines("ItemNumber", "ShippingSiteId") == [(ITEM, None)]


async def test_a_sales_stop_that_dynamics_does_not_show_parks_the_order_with_dynamics_words(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await sellable(await start(switches={"sales_stop": "hidden"}))
    shop.clerk_changes(
        "ProductDefaultOrderSettings", f"usmf:{ITEM}", IsSalesProcessingStopped="Yes", SalesSiteId=""
    )
    path = shop.home / "mappings" / "orders.yaml"
    path.write_text(with_rules(path.read_text(), "  site: [{value: '1'}]"))
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    assert f"Item '{ITEM}' is blocked for 'Sales order'" in (await shop.stuck("orders"))[deal].message


async def test_a_deal_reads_dynamics_few_times_and_its_set_up_once(shop: Office) -> None:
    """A rep waits for it: the number of calls does not grow with the lines."""
    for _ in range(2):
        await sold(shop, *[(sku, {}) for sku in (ITEM, OTHER_ITEM, HOSE, BOLT)])
    seen = shop.calls("dynamics")
    await shop.figures("orders")
    read = [target.partition("?")[0].partition("(")[0].rpartition("/")[2] for target in seen]
    counts = {name: read.count(name) for name in read}
    assert counts == {
        "CustomersV3": 2,
        "ReleasedProductsV2": 2,
        "ProductDefaultOrderSettings": 2,
        "ProductSpecificOrderSettingsV3": 2,
        "Warehouses": 1,
        "OperationalSitesV2": 1,
        "UnitsOfMeasure": 1,
        "Currencies": 1,
    }
