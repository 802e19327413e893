"""Products row "blocked, end of life, not in any chosen entity": kept, and marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import number_sold_in, pages_of, records_of, stop_sales
    from tests.flows.office import Office
else:
    from catalogue import (
        number_sold_in,
        pages_of,
        records_of,
        stop_sales,
    )  # pytest puts this folder on the path


def status(product: dict[str, str]) -> tuple[str, str]:
    return product["d365_status"], product.get("d365_available_in") or ""


async def test_a_product_blocked_everywhere_is_kept_and_marked(office: Office) -> None:
    """blocked: kept, marked; it is available nowhere."""
    number = number_sold_in(office, 3)
    await office.figures("products")
    assert status(office.products()[number]) == ("Active", "demf;usmf;ussi")
    count = len(office.releases())

    stop_sales(office, number)
    assert await office.figures("products") == {"read": count, "updated": 1, "unchanged": count - 1}
    assert status(office.products()[number]) == ("Sales stopped", "")


async def test_a_product_stopped_in_some_entities_stays_active_and_is_not_available_there(
    office: Office,
) -> None:
    number = number_sold_in(office, 3)
    stop_sales(office, number, "ussi")
    await office.figures("products")
    assert status(office.products()[number]) == ("Active", "demf;usmf")


async def test_with_one_product_an_entity_each_has_its_own_stop(office: Office) -> None:
    number = number_sold_in(office, 3)
    stop_sales(office, number, "ussi")
    found = await records_of(office, identity="per_legal_entity")
    own = {
        entity: found[f"{entity}:{row['ItemNumber']}"].fields
        for entity, row in office.releases()[number].items()
    }
    assert {entity: fields["Status"] for entity, fields in own.items()} == {
        "usmf": "Active",
        "ussi": "Sales stopped",
        "demf": "Active",
    }
    assert own["ussi"]["AvailableIn"] == ""


async def test_end_of_life_is_a_lifecycle_state_in_the_tenants_own_words(office: Office) -> None:
    """No word means end of life by itself; where one entity still sells the product, it is active."""
    number = number_sold_in(office, 3)
    for entity in ("usmf", "ussi", "demf"):
        office.release_changes(number, entity, ProductLifecycleStateId="Auslauf")
    fields = (await records_of(office))[number].fields
    assert fields["Status"] == "Active"
    fields = (await records_of(office, end_of_life_states=("AUSLAUF",)))[number].fields
    assert (fields["Status"], fields["AvailableIn"]) == ("End of life", "")
    office.release_changes(number, "demf", ProductLifecycleStateId="Active")
    fields = (await records_of(office, end_of_life_states=("Auslauf",)))[number].fields
    assert (fields["Status"], fields["AvailableIn"]) == ("Active", "demf")
    stop_sales(office, number, "demf")
    fields = (await records_of(office, end_of_life_states=("Auslauf",)))[number].fields
    assert (fields["Status"], fields["AvailableIn"]) == ("Sales stopped", "")


@pytest.mark.parametrize("status_code", [404, 403, 400])
async def test_where_sales_stops_cannot_be_read_the_flow_goes_on_and_says_so_once(
    office: Office, status_code: int
) -> None:
    """A set that is missing, forbidden or cannot be filtered is a capability that is off, never an error."""
    office.fault(
        "dynamics", "status", "GET", "/data/ProductDefaultOrderSettings", status=status_code, body={}
    )
    number = number_sold_in(office, 3)
    stop_sales(office, number)
    count = len(office.releases())
    assert await office.figures("products") == {"read": count, "created": count}
    assert status(office.products()[number]) == ("Active", "demf;usmf;ussi")
    told = [await office.story("products", key) for key in office.releases()]
    assert sum(b"Sales stops are not shown." in entry.payload for story in told for entry in story) == 1


async def test_a_stop_that_only_the_sites_settings_show_counts_when_the_setting_says_so(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(switches={"sales_stop": "hidden"}, products=24)
    number = number_sold_in(office, 3)
    stop_sales(office, number)
    assert (await records_of(office))[number].fields["Status"] == "Active"
    assert (await records_of(office, sales_stop="site"))[number].fields["Status"] == "Sales stopped"


async def test_stops_are_listed_once_a_crawl_and_only_the_stopped_items(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Not a call an item, and none at all when nobody wants to see them."""
    office = await start(page_size=20, products=60)
    seen = office.calls("dynamics")
    await pages_of(office)
    [call] = [call for call in seen if "/ProductDefaultOrderSettings" in call]
    assert "IsSalesProcessingStopped" in call
    seen.clear()
    await pages_of(office, sales_stop="off")
    assert not any("OrderSettings" in call for call in seen)


async def test_the_data_entity_of_products_itself_is_never_optional(office: Office) -> None:
    office.fault("dynamics", "status", "GET", "/data/ReleasedProductsV2", status=404, body={})
    report = (await office.sync("products"))["products"]
    assert report.error is not None
    assert report.error.code == "dynamics.unknown_entity"


async def test_a_product_released_to_no_chosen_entity_any_more_leaves_the_listing(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """It is then gone as any record is: marked after two crawls, never deleted."""
    office = await start(products=20)
    await office.figures("products")
    await office.reconnect(legal_entities="ussi")
    listed = {number for number, found in office.releases().items() if "ussi" in found}
    assert set(await records_of(office)) == listed
    mark = office.mark()
    await office.figures("products")
    assert set(office.products()) == set(office.releases()), "nothing is deleted"
    sent = {
        each["properties"]["d365_product_key"]
        for write in office.writes(mark)
        for each in write.body["inputs"]
    }
    assert sent <= listed

    away = set(office.releases()) - listed
    await office.figures("products")
    marks = {number: office.products()[number]["d365_status"] for number in away}
    assert marks == dict.fromkeys(away, "Not in Dynamics")
