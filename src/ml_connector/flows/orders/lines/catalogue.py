"""The items of one legal entity, found by the numbers that deals name them with: exactly, never by likeness.

A number is a product's, an item's or a variant's. A product has one number in all legal entities; its item number
may be another in each of them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from ml_connector.flows.orders.set_up import Row, if_offered
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

RELEASES, VARIANTS = "ReleasedProductsV2", "ReleasedProductVariantsV2"
DIMENSIONS = (
    "ProductConfigurationId",
    "ProductSizeId",
    "ProductColorId",
    "ProductStyleId",
    "ProductVersionId",
)
ITEM_FIELDS = (
    "dataAreaId",
    "ItemNumber",
    "ProductNumber",
    "ProductSubType",
    "ProductLifecycleStateId",
    "SalesUnitSymbol",
)
VARIANT_FIELDS = ("dataAreaId", "ItemNumber", "ProductVariantNumber", "ProductLifecycleStateId", *DIMENSIONS)
MASTER = "ProductMaster"  # member of EcoResProductSubtype


class Kind(Enum):
    """What a number may be."""

    PRODUCT = "product"  # a product number, in any legal entity
    ITEM = "item"  # an item number
    ANY = "any"  # one of the two, as people write it


@dataclass(frozen=True, slots=True)
class Item:
    """A released item, or one variant of it."""

    number: str
    product_number: str
    unit: str
    lifecycle: str
    is_master: bool  # a product master without a variant: nothing that could be delivered
    variant: Mapping[str, str] = field(default_factory=dict)  # dimension of the order line -> its id


Wanted = tuple[Kind, str]


async def find_items(
    dynamics: DynamicsClient, legal_entity: str, wanted: Iterable[Wanted]
) -> dict[Wanted, tuple[Item, ...]]:
    """The items behind each number; several where it names one as a product and another as an item.

    Two calls at most where no variants are meant, two more where some are.
    """
    every = tuple(dict.fromkeys(wanted))
    by_product, by_item = await asyncio.gather(
        _releases(dynamics, legal_entity, "ProductNumber", [n for kind, n in every if kind != Kind.ITEM]),
        _releases(dynamics, legal_entity, "ItemNumber", [n for kind, n in every if kind != Kind.PRODUCT]),
    )
    found = {
        (kind, number): _distinct(
            *(by_product.get(number, ()) if kind != Kind.ITEM else ()),
            *(by_item.get(number, ()) if kind != Kind.PRODUCT else ()),
        )
        for kind, number in every
    }
    missing = [number for (_, number), items in found.items() if not items]
    if not missing:
        return found
    variants = await _variants(dynamics, legal_entity, missing)
    return {key: items or variants.get(key[1], ()) for key, items in found.items()}


async def sold_in(dynamics: DynamicsClient, numbers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The legal entities that each of these products and variants is released in."""
    if not numbers:
        return {}
    releases, variants = await asyncio.gather(
        dynamics.rows_by(
            RELEASES, "ProductNumber", numbers, select=("dataAreaId", "ProductNumber", "ItemNumber")
        ),
        if_offered(
            dynamics.rows_by(
                VARIANTS, "ProductVariantNumber", numbers, select=("dataAreaId", "ProductVariantNumber")
            )
        ),
    )
    places: dict[str, set[str]] = {}
    for row in releases:
        places.setdefault(row["ProductNumber"], set()).add(row["dataAreaId"].lower())
    for row in variants or ():
        places.setdefault(row["ProductVariantNumber"], set()).add(row["dataAreaId"].lower())
    return {number: tuple(sorted(entities)) for number, entities in places.items()}


async def _releases(
    dynamics: DynamicsClient, legal_entity: str, name: str, numbers: Sequence[str]
) -> dict[str, list[Item]]:
    if not numbers:
        return {}
    rows = await dynamics.rows_by(
        RELEASES, name, numbers, select=ITEM_FIELDS, extra_filter=equals("dataAreaId", legal_entity)
    )
    found: dict[str, list[Item]] = {}
    for row in rows:
        if row["dataAreaId"].lower() == legal_entity:
            found.setdefault(row[name], []).append(_item(row))
    return found


async def _variants(
    dynamics: DynamicsClient, legal_entity: str, numbers: Sequence[str]
) -> dict[str, tuple[Item, ...]]:
    """Variants by their own number, with what their master says of unit and lifecycle."""
    here = equals("dataAreaId", legal_entity)
    asked = dynamics.rows_by(
        VARIANTS, "ProductVariantNumber", numbers, select=VARIANT_FIELDS, extra_filter=here
    )
    rows = [row for row in await if_offered(asked) or () if row["dataAreaId"].lower() == legal_entity]
    masters = await _releases(dynamics, legal_entity, "ItemNumber", [row["ItemNumber"] for row in rows])
    found: dict[str, list[Item]] = {}
    for row in rows:
        for master in masters.get(row["ItemNumber"], ()):
            found.setdefault(row["ProductVariantNumber"], []).append(_variant(row, master))
    return {number: tuple(items) for number, items in found.items()}


def _item(row: Row) -> Item:
    return Item(
        number=row["ItemNumber"],
        product_number=row["ProductNumber"],
        unit=row["SalesUnitSymbol"],
        lifecycle=row["ProductLifecycleStateId"],
        is_master=row["ProductSubType"] == MASTER,
    )


def _variant(row: Row, master: Item) -> Item:
    return Item(
        number=master.number,
        product_number=master.product_number,
        unit=master.unit,
        lifecycle=row["ProductLifecycleStateId"] or master.lifecycle,
        is_master=False,
        variant={name: row[name] for name in DIMENSIONS if row[name]},
    )


def _distinct(*items: Item) -> tuple[Item, ...]:
    """Each item once, also when product and item carry the same number."""
    return tuple({item.number: item for item in items}.values())
