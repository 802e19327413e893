"""Products row "price": which entity's, in which currency, and where it goes; and cost, only when switched on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ml_connector.engine.breaker import Limits
from ml_connector.engine.runs import release_records
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import number_sold_in, product_flow
    from tests.flows.office import Office
else:
    from catalogue import number_sold_in, product_flow  # pytest puts this folder on the path

NO_CDS = {"cds_sets": "missing"}


async def without_ledgers(office: Office) -> None:
    """Connect to an environment whose ledgers cannot be read."""
    office.fault("dynamics", "status", "GET", "/data/Ledgers", status=403, body={})
    await office.reconnect()


async def test_the_currency_is_the_products_own_where_ledgers_do_not_tell(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """CDSReleasedDistinctProducts' CurrencyCode."""
    office = await start(settings={"products": {"price_legal_entity": "demf"}})
    await without_ledgers(office)
    number = number_sold_in(office, 3)
    office.release_changes(number, "demf", SalesPrice=12, SalesPriceQuantity=1)
    await office.figures("products")
    assert Decimal(office.products()[number]["hs_price_eur"]) == 12


async def test_else_the_currency_is_a_setting(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(
        switches=NO_CDS,
        settings={"products": {"price_legal_entity": "demf", "currencies": {"demf": "eur"}}},
    )
    await without_ledgers(office)
    number = number_sold_in(office, 3)
    office.release_changes(number, "demf", SalesPrice=12, SalesPriceQuantity=1)
    await office.figures("products")
    assert Decimal(office.products()[number]["hs_price_eur"]) == 12


async def test_a_price_of_unknown_currency_is_not_written_and_noted_once(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(switches=NO_CDS)
    await without_ledgers(office)
    await office.figures("products")
    assert not any(
        value
        for product in office.products().values()
        for name, value in product.items()
        if name == "price" or name.startswith("hs_price_")
    )
    told = [await office.story("products", number) for number in office.releases()]
    assert sum(b"their currency is not known" in entry.payload for story in told for entry in story) == 1


async def test_a_price_moves_when_the_price_entity_changes_and_the_one_we_wrote_is_cleared(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Two list prices of one product, one of them of another day, would both be believed."""
    office = await start()
    number = number_sold_in(office, 3)
    office.release_changes(number, "usmf", SalesPrice=10, SalesPriceQuantity=1)
    office.release_changes(number, "demf", SalesPrice=12, SalesPriceQuantity=1)
    await office.figures("products")
    assert Decimal(office.products()[number]["price"]) == 10

    flow = await product_flow(office, price_legal_entity="demf")
    stopped = (await office.sync("products"))["products"].error
    assert stopped is not None, "a person looks first"
    assert "the currency of" in stopped.message
    await release_records(flow, office.at.engine, office.at.traffic, limits=Limits())
    product = office.products()[number]
    assert Decimal(product["hs_price_eur"]) == 12
    assert not product.get("price")

    mark = office.mark()
    await office.figures("products")
    assert office.writes(mark) == []


async def test_a_price_somebody_keeps_in_another_currency_is_never_touched(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start()
    await office.figures("products")
    number = number_sold_in(office, 3)
    [product] = [row for row in office.records("products") if row["properties"]["hs_sku"] == number]
    office.rep_changes("products", product["id"], hs_price_eur="8.5")
    office.release_changes(number, SalesPrice=10, SalesPriceQuantity=1)
    await office.figures("products")
    assert Decimal(office.products()[number]["hs_price_eur"]) == Decimal("8.5")


async def test_a_product_the_price_entity_does_not_sell_has_no_price(office: Office) -> None:
    """Another entity's price would be a wrong one."""
    number = number_sold_in(office, 3)
    await product_flow(office, price_legal_entity="demf")
    releases = {number: set(found) for number, found in office.releases().items()}
    await office.figures("products")
    for number, entities in releases.items():
        if "demf" not in entities:
            assert not office.products()[number].get("price")


async def test_a_price_entity_that_is_not_connected_is_refused(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Every product would lose its price without a word."""
    office = await start(legal_entities=("usmf", "demf"))
    with pytest.raises(ConfigurationError, match="'ussi', which is not connected"):
        await product_flow(office, price_legal_entity="ussi")


async def test_cost_is_only_written_when_switched_on(start: Callable[..., Awaitable[Office]]) -> None:
    """Per unit; a cost that sales entered stays as it is while the switch is off, or is switched off again."""
    office = await start()
    number = number_sold_in(office, 3)
    office.release_changes(number, "usmf", UnitCost=500, UnitCostQuantity=100)
    seen = office.calls("dynamics")
    await office.figures("products")
    assert not office.products()[number].get("hs_cost_of_goods_sold")
    assert not any("UnitCost" in call for call in seen)

    await product_flow(office, cost=True)
    await office.figures("products")
    assert Decimal(office.products()[number]["hs_cost_of_goods_sold"]) == 5

    await product_flow(office)
    office.release_changes(number, "usmf", SalesPrice=3, SalesPriceQuantity=1)
    await office.figures("products")
    assert Decimal(office.products()[number]["hs_cost_of_goods_sold"]) == 5


async def test_cost_in_another_currency_than_the_portals_is_not_written(office: Office) -> None:
    number = number_sold_in(office, 3)
    office.release_changes(number, "demf", UnitCost=5, UnitCostQuantity=1)
    await product_flow(office, cost=True, price_legal_entity="demf")
    await office.figures("products")
    assert not office.products()[number].get("hs_cost_of_goods_sold")


async def test_a_price_beyond_any_number_parks_its_product_alone(office: Office) -> None:
    first, second = sorted(office.releases())[:2]
    for entity in office.releases()[first]:
        office.release_changes(first, entity, SalesPrice=Decimal("1e400"), SalesPriceQuantity=1)
    await office.figures("products")
    assert set(await office.stuck("products")) == {first}
    assert second in office.products()
