"""A product read by its key is the one the crawl reads, and a crawl goes on where it stopped."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import make_master, pages_of, product_flow, stop_sales, translate
    from tests.flows.office import Office
else:
    from catalogue import make_master, pages_of, product_flow, stop_sales, translate  # beside this file

EVERYTHING = {
    "language": "de",
    "variants": True,
    "cost": True,
    "sales_stop": "site",
    "end_of_life_states": ("EndOfLife",),
    "groups": ("PUMPS", "SEALS", "SERV"),
    "price_legal_entity": "demf",
}
CASES: list[dict[str, Any]] = [
    {},
    {"identity": "per_legal_entity"},
    {"language": "de"},
    {"variants": True},
    EVERYTHING,
    EVERYTHING | {"identity": "per_legal_entity"},
]


@pytest.fixture
async def varied(start: Callable[..., Awaitable[Office]]) -> Office:
    """A catalogue in which every case of the table occurs, over several pages."""
    office = await start(products=40, page_size=15)
    for place, (number, found) in enumerate(sorted(office.releases().items())):
        if place % 3 == 0:
            translate(office, number, "de", f"Teil {place}", "Beschreibung" if place % 2 else "")
        if place % 5 == 0:
            stop_sales(office, number, *sorted(found)[: place % 4])
        if place % 7 == 0:
            for variant in make_master(office, number, "L", "M", "S")[::2]:
                translate(office, variant, "de", f"Variante {variant}")
        if place % 4 == 0:
            office.release_changes(number, min(found), ProductLifecycleStateId="EndOfLife")
    return office


@pytest.mark.parametrize("chosen", CASES, ids=str)
async def test_every_record_of_the_pages_is_the_same_when_it_is_read_by_its_key(
    varied: Office, chosen: dict[str, Any]
) -> None:
    flow = await product_flow(varied, **chosen)
    crawled = [record async for page in flow.source.pages(None) for record in page.records]
    assert len(crawled) == len({record.key for record in crawled}) > 20
    for record in crawled:
        [read] = await flow.source.read([record.key])
        assert read == record
    together = await flow.source.read([record.key for record in crawled])
    assert {read.key: read.digest for read in together} == {each.key: each.digest for each in crawled}


@pytest.mark.parametrize("chosen", CASES[:4], ids=str)
async def test_a_resumed_read_begins_after_the_last_product_handed_on(
    varied: Office, chosen: dict[str, Any]
) -> None:
    """From the cursor of each page on, the rest and nothing twice but a page whose variants were under way."""
    pages = await pages_of(varied, **chosen)
    keys = [[record.key for record in page.records] for page in pages]
    assert len(pages) > 3
    assert pages[-1].cursor is None
    for place, page in enumerate(pages[:-1]):
        rest = await pages_of(varied, page.cursor or None, **chosen)
        again = [record.key for each in rest for record in each.records]
        following = list(itertools.chain(*keys[place + 1 :]))
        assert set(following) <= set(again)
        if not chosen.get("variants"):
            assert again == following


async def test_a_product_added_or_removed_behind_the_cursor_does_not_shift_it(varied: Office) -> None:
    pages = await pages_of(varied)
    first = pages[0].records[0].key
    for entity, row in varied.releases()[first].items():
        varied.twins.pair.remove("ReleasedProductsV2", f"{entity}:{row['ItemNumber']}")
    rest = await pages_of(varied, pages[0].cursor)
    before = [record.key for page in pages[1:] for record in page.records]
    assert [record.key for page in rest for record in page.records] == before


async def test_a_crawl_in_full_dress_costs_calls_by_the_page_and_not_by_the_product(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(products=200, page_size=100)
    numbers = sorted(office.releases())
    for number in numbers:
        translate(office, number, "de", f"Teil {number}")
    for number in numbers[::20]:
        make_master(office, number, "L", "M", "S")
    rows = len(office.records("ReleasedProductsV2"))
    flow = await product_flow(office, **EVERYTHING)
    seen = office.calls("dynamics")
    async for _ in flow.source.pages(None):
        pass
    own_pages = -(-rows // 100)
    # a page costs itself, its texts, its variants and their texts; the sales stops one listing each
    assert len(seen) <= 4 * own_pages + 2


async def test_many_keys_are_read_in_few_calls(varied: Office) -> None:
    flow = await product_flow(varied)
    seen = varied.calls("dynamics")
    numbers = sorted(varied.releases())
    assert {record.key for record in await flow.source.read(numbers)} | set(numbers[::7]) == set(numbers)
    assert len(seen) < len(numbers) / 2
