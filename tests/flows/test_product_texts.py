"""Products row "fields": name and description in the chosen language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import number_sold_in, pages_of, records_of, translate
    from tests.flows.office import Office
else:
    from catalogue import (
        number_sold_in,
        pages_of,
        records_of,
        translate,
    )  # pytest puts this folder on the path


def shown(office: Office, number: str) -> dict[str, Any]:
    """What AllProducts shows."""
    return next(row for row in office.records("AllProducts") if row["ProductNumber"] == number)


async def test_name_and_description_come_in_the_chosen_language(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """What is not translated keeps the name and the description of AllProducts."""
    office = await start(settings={"products": {"language": "de"}})
    first, second, third = sorted(office.releases())[:3]
    translate(office, first, "de", "Kreiselpumpe", "Eine Pumpe")
    translate(office, second, "de", "Zahnradpumpe")
    translate(office, third, "de-AT", "Schlauch")
    office.clerk_changes("AllProducts", third, ProductDescription="A hose")
    await office.figures("products")
    products = office.products()
    assert (products[first]["name"], products[first]["description"]) == ("Kreiselpumpe", "Eine Pumpe")
    assert products[second]["name"] == "Zahnradpumpe"
    assert (products[second].get("description") or "") == shown(office, second)["ProductDescription"]
    assert products[third]["name"] == shown(office, third)["ProductName"]
    assert products[third]["description"] == "A hose"


async def test_a_product_without_any_name_is_called_by_its_number(office: Office) -> None:
    number = number_sold_in(office, 3)
    office.clerk_changes("AllProducts", number, ProductName="")
    assert (await records_of(office))[number].fields["ProductName"] == number


async def test_translations_cost_one_call_a_page_and_are_found_on_every_page(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Also those at the edges of a page, and in whatever case F&O sorts."""
    office = await start(page_size=20, products=60)
    for number in office.releases():
        translate(office, number, "de", f"Teil {number}")
    seen = office.calls("dynamics")
    pages = await pages_of(office, language="de")
    names = {record.key: record.fields["ProductName"] for page in pages for record in page.records}
    assert names == {number: f"Teil {number}" for number in office.releases()}
    assert sum("/ProductTranslations" in call for call in seen) <= len(pages)


@pytest.mark.parametrize("status", [404, 403])
async def test_without_translations_the_flow_goes_on_and_says_so_once(
    start: Callable[..., Awaitable[Office]], status: int
) -> None:
    """A data entity that a tenant may lack, or forbid, is a capability that is off."""
    office = await start(settings={"products": {"language": "de"}}, page_size=4)
    office.fault("dynamics", "status", "GET", "/data/ProductTranslations", status=status, body={})
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count}
    told = [await office.story("products", number) for number in office.releases()]
    noted = [entry for story in told for entry in story if b"Names and descriptions in de" in entry.payload]
    assert len(noted) == 1
    assert {product["name"] for product in office.products().values()} == {
        shown(office, number)["ProductName"] for number in office.releases()
    }


async def test_translations_that_fail_after_they_were_read_stop_the_run(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Half a catalogue in German and half in English would be a change nobody made."""
    office = await start(page_size=4)
    office.fault("dynamics", "status", "GET", "/data/ProductTranslations", status=403, body={}, skip=1)
    with pytest.raises(Exception, match="ProductTranslations") as raised:
        await pages_of(office, language="de")
    assert not isinstance(raised.value, UnavailableError)
