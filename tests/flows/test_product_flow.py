"""Released products of F&O become products in HubSpot."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.app.replay import replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office
else:
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path


def _everywhere(office: Office) -> str:
    """A product that all three legal entities sell."""
    return next(number for number, releases in office.releases().items() if len(releases) == 3)


@ON_BOTH_DATABASES
async def test_a_product_of_several_legal_entities_is_one_product_that_names_them(office: Office) -> None:
    """Its name is the display name of AllProducts, its price the list price of the first legal entity."""
    number = _everywhere(office)
    office.release_changes(number, "usmf", SalesPrice=1234, SalesPriceQuantity=100)
    office.release_changes(number, "demf", SalesPrice=999, SalesPriceQuantity=1)
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count}

    product = office.products()[number]
    named = next(row for row in office.records("AllProducts") if row["ProductNumber"] == number)
    assert product["name"] == named["ProductName"]
    assert product["description"] == named["ProductDescription"]
    assert product["hs_sku"] == number
    assert product["d365_available_in"] == "demf;usmf;ussi"
    assert Decimal(product["price"]) == Decimal("12.34")
    assert not product.get("hs_price_eur")
    assert set(office.products()) == set(office.releases())

    mark = office.mark()
    assert await office.figures("products") == {"read": count, "unchanged": count}
    assert office.writes(mark) == []
    await office.verified()


async def test_the_price_entity_decides_price_and_currency(start: Callable[..., Awaitable[Office]]) -> None:
    """SalesPrice / SalesPriceQuantity of products.price_legal_entity; euros in a dollar portal go to hs_price_eur."""
    office = await start(settings={"products": {"price_legal_entity": "demf"}})
    number = _everywhere(office)
    office.release_changes(number, "usmf", SalesPrice=50, SalesPriceQuantity=1)
    office.release_changes(number, "demf", SalesPrice=999, SalesPriceQuantity=10)
    await office.figures("products")
    product = office.products()[number]
    assert Decimal(product["hs_price_eur"]) == Decimal("99.9")
    assert not product.get("price")


async def test_a_price_in_a_currency_the_portal_does_not_have_goes_nowhere_and_is_noted_once(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Once a run, not once a record."""
    office = await start(
        legal_entities=("usmf", "demf"), settings={"products": {"price_legal_entity": "demf"}}
    )
    number = next(number for number, found in office.releases().items() if len(found) == 2)
    office.clerk_changes("Ledgers", "demf", AccountingCurrency="CHF")
    await office.reconnect()
    office.release_changes(number, "demf", SalesPrice=999, SalesPriceQuantity=10)
    await office.figures("products")
    product = office.products()[number]
    assert not any(
        value for name, value in product.items() if name == "price" or name.startswith("hs_price_")
    )
    told = [await office.story("products", key) for key in office.releases()]
    assert sum(b"CHF has no place" in entry.payload for story in told for entry in story) == 1


async def test_a_price_of_zero_is_left_empty_and_never_written_as_zero(office: Office) -> None:
    """price: zero or absent is left empty, never 0; one that becomes zero is cleared."""
    number = _everywhere(office)
    office.release_changes(number, SalesPrice=0)
    await office.figures("products")
    assert not office.products()[number].get("price")

    office.release_changes(number, SalesPrice=5, SalesPriceQuantity=1)
    await office.figures("products")
    assert Decimal(office.products()[number]["price"]) == 5
    office.release_changes(number, SalesPrice=0)
    await office.figures("products")
    assert office.products()[number].get("price") in (None, "")


async def test_product_masters_are_not_sent_and_count_as_skipped(office: Office) -> None:
    """Masters are not sent; variants are, when switched on."""
    number = _everywhere(office)
    for legal_entity in office.releases()[number]:
        office.release_changes(number, legal_entity, ProductSubType="ProductMaster")
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count - 1, "skipped": 1}
    assert number not in office.products()
    await replay(office.at, [f"products/{number}"])
    assert number not in office.products()


async def test_a_product_sold_in_no_chosen_legal_entity_is_not_sent(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(products=20)
    await office.reconnect(legal_entities="ussi")
    await office.figures("products")
    expected = {number for number, releases in office.releases().items() if "ussi" in releases}
    assert set(office.products()) == expected
    assert {product["d365_available_in"] for product in office.products().values()} == {"ussi"}
    assert len(expected) < len(office.releases())


async def test_pages_that_cut_a_product_in_two_bring_the_same_as_one_page(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(page_size=2, products=12)
    assert await office.figures("products") == {"read": 12, "created": 12}
    for number, releases in office.releases().items():
        assert office.products()[number]["d365_available_in"] == ";".join(sorted(releases))


async def test_a_renamed_and_repriced_product_changes_alone(office: Office) -> None:
    number = _everywhere(office)
    await office.figures("products")
    office.clerk_changes("AllProducts", number, ProductName="Gear pump, blue")
    office.release_changes(number, SalesPrice=77, SalesPriceQuantity=1)
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "updated": 1, "unchanged": count - 1}
    assert office.products()[number]["name"] == "Gear pump, blue"
    changed = (await office.changes("products", number))[-1]
    assert changed["name"][1] == "Gear pump, blue"
    assert Decimal(changed["price"][1]) == 77


async def test_a_product_hubspot_refuses_is_parked_and_replayed(office: Office) -> None:
    number = _everywhere(office)
    office.clerk_changes("AllProducts", number, ProductDescription="x" * 65_537)
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count - 1, "parked": 1}
    assert set(await office.stuck("products")) == {number}
    office.clerk_changes("AllProducts", number, ProductDescription="A pump")
    [result] = await replay(office.at, [f"products/{number}"])
    assert result.outcome == "done"
    assert office.products()[number]["description"] == "A pump"
