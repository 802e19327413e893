"""0.4 Changed products are read by the times of their items and prices; the others by the next full crawl."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.systems.hubspot.sink import SETTLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import make_master, number_sold_in
    from tests.flows.changing import OWN, TIMED, Shop, Theirs, asked
    from tests.flows.crawling import writes, written_keys
    from tests.flows.office import ON_BOTH_DATABASES, Office

    Start = Callable[..., Awaitable[Office]]
else:
    from catalogue import make_master, number_sold_in
    from changing import OWN, TIMED, Shop, Theirs, asked
    from crawling import writes, written_keys
    from office import ON_BOTH_DATABASES, Office

PRODUCTS = "products"


async def crawled(
    start: Start,
    chosen: str,
    *,
    prepare: Callable[[Office], Any] = lambda _office: None,
    switches: dict[str, str] | None = None,
    **settings: Any,
) -> Shop:
    """Eight products, loaded and crawled in full; then the time passes in which rows may still come late."""
    theirs = Theirs()
    office = await start(
        products=8,
        clock=theirs,
        switches=TIMED | (switches or {}),
        settings={"products": {"changes_from": chosen, **settings}},
    )
    prepare(office)
    await office.figures(PRODUCTS)
    shop = Shop(office, theirs)
    await shop.read("full", PRODUCTS)
    office.later(timedelta(minutes=5))
    theirs.later(minutes=5)
    await shop.read("changes", PRODUCTS)
    theirs.later(minutes=5)
    return shop


@ON_BOTH_DATABASES
@pytest.mark.parametrize("chosen", [OWN, "bi"])
async def test_a_changed_price_is_read_alone(start: Start, chosen: str) -> None:
    """A product is one record of all its legal entities, by whichever the change came."""
    shop = await crawled(start, chosen)
    office = shop.office
    number = number_sold_in(office, 3)
    office.release_changes(number, "usmf", SalesPrice=77)
    office.release_changes(number, "demf", SalesPrice=78)
    mark, seen = office.mark(), asked(office)
    report = (await office.sync(PRODUCTS))[PRODUCTS]
    assert report.reading is not None
    assert (report.reading.kind, report.counters.read, report.counters.updated) == ("changes", 1, 1)
    [of_one] = seen.of("ReleasedProductsV2", "$orderby=ProductNumber")
    assert f"ProductNumber eq '{number}'" in of_one
    assert len(written_keys(office, mark)) == 1
    assert float(office.products()[number]["price"]) == 77
    await office.verified()


async def test_each_legal_entity_has_a_record_of_its_own_where_the_identity_says_so(start: Start) -> None:
    shop = await crawled(start, "bi", identity="per_legal_entity")
    number = number_sold_in(shop.office, 3)
    shop.office.release_changes(number, "demf", SalesPrice=78)
    report = (await shop.office.sync(PRODUCTS))[PRODUCTS]
    assert (report.counters.read, report.counters.updated) == (1, 1)


async def test_a_changed_master_brings_its_variants(start: Start) -> None:
    """Their price is the master's, and their own table tells no time."""
    shop = await crawled(
        start,
        OWN,
        prepare=lambda office: make_master(office, number_sold_in(office, 3), "S", "L"),
        variants=True,
    )
    number = number_sold_in(shop.office, 3)
    shop.office.release_changes(number, SalesPrice=91)
    report = (await shop.office.sync(PRODUCTS))[PRODUCTS]
    assert (report.counters.read, report.counters.updated) == (2, 2)
    assert {float(shop.office.products()[f"{number} : {size}"]["price"]) for size in "SL"} == {91}


async def test_a_changed_name_is_found_by_the_full_crawl_where_the_items_tables_do_not_see_it(
    start: Start,
) -> None:
    shop = await crawled(start, "bi")
    number = number_sold_in(shop.office, 3)
    shop.office.clerk_changes("AllProducts", number, ProductName="Gear pump, blue")
    assert (await shop.read("changes", PRODUCTS)).records == 0
    assert shop.office.products()[number]["name"] != "Gear pump, blue"
    await shop.fully(PRODUCTS)
    assert shop.office.products()[number]["name"] == "Gear pump, blue"


async def test_a_second_pass_reads_not_one_product(start: Start) -> None:
    shop = await crawled(start, OWN)
    shop.office.release_changes(number_sold_in(shop.office, 3), SalesPrice=77)
    await shop.read("changes", PRODUCTS)
    shop.office.later(timedelta(minutes=5))
    await shop.read("changes", PRODUCTS)
    mark, seen = shop.office.mark(), asked(shop.office)
    report = (await shop.office.sync(PRODUCTS))[PRODUCTS]
    assert report.counters.read == 0
    assert len(seen.of("ReleasedProductsV2")) == 2  # the newest time, and the keys of nothing
    assert writes(shop.office, mark) == []


async def test_creations_of_unknown_outcome_are_settled_by_a_full_crawl(start: Start) -> None:
    """In a portal that keeps no unique key of products: what turns out not to stand is made again."""
    shop = await crawled(
        start, OWN, switches={"products_unique": "no", "search_lag_s": "0", "search_rate": "0"}
    )
    office = shop.office
    await office.clerk_adds(
        "ReleasedProductsV2", dataAreaId="usmf", ItemNumber="NEW-1", ProductNumber="NEW-1", SalesPrice=5
    )
    office.fault("hubspot", "reset-before", "POST", "/products/batch/create")
    assert (await shop.read("changes", PRODUCTS)).records == 1
    office.mended()
    assert "not known yet" in (await shop.read("full", PRODUCTS)).because
    office.later(SETTLE)
    assert "not known yet" in (await shop.read("full", PRODUCTS)).because
    assert "NEW-1" in office.products()
    await shop.read("changes", PRODUCTS)
