"""Products row "identity": one product for all legal entities, or one for each."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.app.replay import replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import number_sold_in, records_of
    from tests.flows.office import Office
else:
    from catalogue import number_sold_in, records_of  # pytest puts this folder on the path

OWN = {"products": {"identity": "per_legal_entity"}}


async def test_by_default_shared_key_is_the_product_number_and_available_in_lists_the_entities(
    office: Office,
) -> None:
    """default shared: d365_product_key = hs_sku = ProductNumber, one product whatever the number of legal entities."""
    found = await records_of(office)
    assert set(found) == set(office.releases())
    for number, record in found.items():
        assert record.fields["ProductNumber"] == number
        assert record.fields["AvailableIn"] == ";".join(sorted(office.releases()[number]))


async def test_setting_per_legal_entity_makes_one_product_each_with_its_own_entitys_price(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Key usmf:D0001 from dataAreaId and ItemNumber, blanks kept; hs_sku stays the product number."""
    office = await start(settings=OWN, products=24)
    number = number_sold_in(office, 3)
    office.release_changes(number, "usmf", SalesPrice=50, SalesPriceQuantity=1)
    office.release_changes(number, "demf", SalesPrice=999, SalesPriceQuantity=100)
    releases = [row for rows in office.releases().values() for row in rows.values()]
    assert await office.figures("products") == {"read": len(releases), "created": len(releases)}

    products = office.products()
    assert set(products) == {f"{row['dataAreaId']}:{row['ItemNumber']}" for row in releases}
    assert any(": " in key for key in products), "a leading blank belongs to the item number"
    for row in releases:
        product = products[f"{row['dataAreaId']}:{row['ItemNumber']}"]
        assert product["hs_sku"] == row["ProductNumber"]
        assert (product.get("d365_available_in") or row["dataAreaId"]) == row["dataAreaId"]
    own = {entity: row["ItemNumber"] for entity, row in office.releases()[number].items()}
    american, german = products[f"usmf:{own['usmf']}"], products[f"demf:{own['demf']}"]
    assert Decimal(american["price"]) == 50
    assert not american.get("hs_price_eur")
    assert Decimal(german["hs_price_eur"]) == Decimal("9.99")
    assert not german.get("price")

    mark = office.mark()
    assert await office.figures("products") == {"read": len(releases), "unchanged": len(releases)}
    assert office.writes(mark) == []
    await office.verified()


async def test_a_replay_by_key_of_one_legal_entity_reads_that_release_alone(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(settings=OWN, products=24)
    await office.figures("products")
    number = number_sold_in(office, 3)
    own = {entity: row["ItemNumber"] for entity, row in office.releases()[number].items()}
    for entity in own:
        office.release_changes(number, entity, SalesPrice=77, SalesPriceQuantity=1)
    mark = office.mark()
    await replay(office.at, [f"products/demf:{own['demf']}"])
    [write] = office.writes(mark)
    assert [each["properties"]["d365_product_key"] for each in write.body["inputs"]] == [
        f"demf:{own['demf']}"
    ]
    await replay(office.at, ["products/usmf:no such item", "products/nonsense"])
    assert len(office.writes(mark)) == 1


async def test_a_page_that_ends_within_a_product_loses_none_of_its_legal_entities(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(page_size=2, products=12)
    whole = {f"{row['dataAreaId']}:{row['ItemNumber']}" for row in office.records("ReleasedProductsV2")}
    assert set(await records_of(office, identity="per_legal_entity")) == whole
