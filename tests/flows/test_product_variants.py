"""Masters are not sent; variants from ReleasedProductVariantsV2 when switched on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.app.replay import replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import (
        make_master,
        number_sold_in,
        pages_of,
        product_flow,
        records_of,
        stop_sales,
        translate,
    )
    from tests.flows.office import Office
else:
    from catalogue import (  # pytest puts this folder on the path
        make_master,
        number_sold_in,
        pages_of,
        product_flow,
        records_of,
        stop_sales,
        translate,
    )

VARIANTS = {"products": {"variants": True}}


async def test_a_variant_is_a_product_with_its_own_number_and_name_and_its_masters_price_unit_and_group(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(settings=VARIANTS)
    number = number_sold_in(office, 3)
    office.release_changes(number, "usmf", SalesPrice=300, SalesPriceQuantity=10)
    large, small = make_master(office, number, "L", "S")
    master = office.releases()[number]["usmf"]
    count = len(office.releases())
    assert await office.figures("products") == {"read": count + 2, "created": count + 1, "skipped": 1}

    products = office.products()
    assert number not in products
    assert {large, small} <= set(products)
    product = products[large]
    assert product["hs_sku"] == large
    assert product["name"] == "Variant L"
    assert Decimal(product["price"]) == 30
    assert product["d365_sales_unit"] == master["SalesUnitSymbol"]
    assert product["d365_product_group"] == master["ProductGroupId"]
    assert product["d365_available_in"] == "demf;usmf;ussi"
    assert product["d365_status"] == "Active"

    mark = office.mark()
    assert await office.figures("products") == {"read": count + 2, "unchanged": count + 1, "skipped": 1}
    assert office.writes(mark) == []


async def test_without_the_switch_no_variant_is_read(office: Office) -> None:
    make_master(office, number_sold_in(office, 3), "L")
    seen = office.calls("dynamics")
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count - 1, "skipped": 1}
    assert not any("Variants" in call for call in seen)


async def test_a_variant_is_available_where_it_is_released_itself(office: Office) -> None:
    number = number_sold_in(office, 3)
    [variant] = make_master(office, number, "L", legal_entities=("ussi", "demf"))
    fields = (await records_of(office, variants=True))[variant].fields
    assert fields["AvailableIn"] == "demf;ussi"
    assert fields["ListPrice"] is None, "the price entity does not sell it"


async def test_a_masters_stop_and_a_variants_own_lifecycle_mark_the_variant(office: Office) -> None:
    stopped, ended = number_sold_in(office, 3), number_sold_in(office, 3, 1)
    [of_stopped] = make_master(office, stopped, "L")
    [of_ended] = make_master(office, ended, "L", ProductLifecycleStateId="Old")
    stop_sales(office, stopped)
    found = await records_of(office, variants=True, end_of_life_states=("Old",))
    assert found[of_stopped].fields["Status"] == "Sales stopped"
    assert found[of_ended].fields["Status"] == "End of life"


async def test_a_site_stop_of_one_variant_leaves_the_others_active(office: Office) -> None:
    number = number_sold_in(office, 3)
    large, small = make_master(office, number, "L", "S")
    for entity, row in office.releases()[number].items():
        stop = {"dataAreaId": entity, "ItemNumber": row["ItemNumber"], "ProductSizeId": "L"}
        office.twins.pair.set_up("ProductSpecificOrderSettingsV3", stop | {"IsSalesProcessingStopped": "Yes"})
    found = await records_of(office, variants=True, sales_stop="site")
    assert (found[large].fields["Status"], found[small].fields["Status"]) == ("Sales stopped", "Active")


async def test_a_variant_is_called_as_its_own_translation_says(office: Office) -> None:
    large, small = make_master(office, number_sold_in(office, 3), "L", "S")
    translate(office, small, "de", "Klein")
    found = await records_of(office, variants=True, language="de")
    assert found[small].fields["ProductName"] == "Klein"
    assert found[large].fields["ProductName"] == "Variant L"


async def test_variants_of_many_masters_come_once_each_whatever_the_size_of_a_page(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(page_size=5, products=12)
    numbers = sorted(office.releases())
    made = [variant for number in numbers[::2] for variant in make_master(office, number, "L", "M", "S")]
    translations = {variant: f"Teil {variant}" for variant in made}
    for variant, name in translations.items():
        translate(office, variant, "de", name)
    found = await records_of(office, variants=True, language="de")
    assert set(found) == {*made, *numbers[1::2]}
    assert {key: found[key].fields["ProductName"] for key in made} == translations


async def test_with_one_product_an_entity_a_variant_is_known_by_its_own_number_there(office: Office) -> None:
    """The item number is its master's: it would stand for all variants."""
    number = number_sold_in(office, 3)
    make_master(office, number, "L", "S", legal_entities=("usmf",))
    found = await records_of(office, variants=True, identity="per_legal_entity")
    assert {f"usmf:{number} : L", f"usmf:{number} : S"} <= set(found)


async def test_a_read_interrupted_among_variants_begins_with_their_masters_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(page_size=5, products=12)
    for number in sorted(office.releases())[::2]:
        make_master(office, number, "L", "M", "S")
    pages = await pages_of(office, variants=True)
    keys = [[record.key for record in page.records] for page in pages]
    whole = {key for page in keys for key in page}
    for place, page in enumerate(pages[:-1]):
        rest = await pages_of(office, page.cursor or None, variants=True)
        read = {record.key for again in rest for record in again.records}
        assert read | {key for before in keys[: place + 1] for key in before} == whole


async def test_where_variants_are_not_offered_the_flow_goes_on_with_the_other_products(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(settings=VARIANTS)
    make_master(office, number_sold_in(office, 3), "L")
    office.fault("dynamics", "status", "GET", "/data/ReleasedProductVariantsV2", status=404, body={})
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count - 1, "skipped": 1}
    told = [await office.story("products", key) for key in office.releases()]
    assert sum(b"Variants are not sent." in entry.payload for story in told for entry in story) == 1


async def test_a_replay_reads_a_variant_by_its_key(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(settings=VARIANTS)
    number = number_sold_in(office, 3)
    [variant] = make_master(office, number, "L")
    await office.figures("products")
    office.release_changes(number, "usmf", SalesPrice=7, SalesPriceQuantity=1)
    await replay(office.at, [f"products/{variant}"])
    assert Decimal(office.products()[variant]["price"]) == 7
    await product_flow(office)
    await replay(office.at, [f"products/{variant}"])
    assert variant in office.products(), "switched off, a variant is no longer read, and stays"
