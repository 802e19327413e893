"""Scope filters of products: product group, type, lifecycle (rule 0.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.errors import ConfigurationError
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.settings import load_settings, section

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.catalogue import records_of
    from tests.flows.office import Office
else:
    from catalogue import records_of  # pytest puts this folder on the path


@pytest.mark.parametrize(
    ("chosen", "field", "name"),
    [
        ({"groups": ("pumps", "SEALS")}, "ProductGroupId", "product group"),
        ({"types": ("Service",)}, "ProductType", "product type"),
        ({"lifecycle_states": ("active",)}, "ProductLifecycleStateId", "lifecycle state"),
    ],
)
async def test_a_product_outside_a_scope_filter_is_read_with_the_filters_name(
    start: Callable[..., Awaitable[Office]], chosen: dict[str, Any], field: str, name: str
) -> None:
    """What leaves the scope is never just absent: it would look gone, and could not be counted."""
    office = await start(products=24)
    wanted = {value.casefold() for value in next(iter(chosen.values()))}
    found = await records_of(office, **chosen)
    assert set(found) == set(office.releases())
    for record in found.values():
        assert record.left_scope == ("" if record.fields[field].casefold() in wanted else name)
    assert {record.left_scope for record in found.values()} == {"", name}


async def test_without_filters_every_product_is_in_scope(office: Office) -> None:
    assert {record.left_scope for record in (await records_of(office)).values()} == {""}


async def test_the_first_filter_that_leaves_a_product_out_is_the_one_named(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(products=24)
    found = await records_of(office, groups=("PUMPS",), types=("Service",))
    assert {record.left_scope for record in found.values()} == {"product group", "product type"}


def test_the_filters_are_set_by_file_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GROUPS": "PUMPS, SEALS",
        "TYPES": "Item",
        "LIFECYCLE_STATES": "Active",
        "END_OF_LIFE_STATES": "Old,Older",
        "CURRENCIES": "USMF=usd, demf=EUR",
        "LANGUAGE": "de-AT",
        "VARIANTS": "true",
        "COST": "1",
        "IDENTITY": "per_legal_entity",
        "SALES_STOP": "site",
    }.items():
        monkeypatch.setenv(f"MLC_PRODUCTS__{name}", value)
    read = section(ProductSettings, load_settings().products, "products")
    assert read == ProductSettings(
        groups=("PUMPS", "SEALS"),
        types=("Item",),
        lifecycle_states=("Active",),
        end_of_life_states=("Old", "Older"),
        currencies={"usmf": "USD", "demf": "EUR"},
        language="de-AT",
        variants=True,
        cost=True,
        identity="per_legal_entity",
        sales_stop="site",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("types", "Kit"),
        ("language", "German"),
        ("language", "de' or LanguageId ne '"),
        ("currencies", "usmf=Dollar"),
        ("currencies", "usmf"),
        ("identity", "per_company"),
        ("sales_stop", "yes"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"products.{name}"):
        section(ProductSettings, {name: value}, "products")
