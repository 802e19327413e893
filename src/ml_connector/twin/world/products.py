"""Combines the catalogue into products and releases them to legal entities."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from ml_connector.twin.world.catalogue import (
    FAMILIES,
    SERIES,
    SERVICE_GROUP,
    SERVICES,
    Family,
)
from ml_connector.twin.world.chance import picker
from ml_connector.twin.world.model import Product, Release

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from ml_connector.twin.world.model import LegalEntity

SHARE_EVERYWHERE = 0.75
SHARE_OWN_NUMBER = 0.03  # an item number of the entity's own
SHARE_LEADING_BLANK = 0.004
SHARE_STOPPED = 0.015
SHARE_FREE = 0.012  # without a price
SHARE_NO_SITE = 0.02
MANY = 100  # a catalogue this large holds all services
_LIFECYCLES = ("",) * 16 + ("Active",) * 30 + ("PhaseOut", "EndOfLife")
_EUROS_PER_DOLLAR = Decimal("0.92")
_CENT = Decimal("0.01")
_STEP = 1_000_003  # spreads a small catalogue over all families; prime, so each combination is met once


def make_products(rng: random.Random, count: int) -> tuple[list[Product], list[tuple[int, int]]]:
    """Invent products.

    Returns:
        The products, and beside each its price in cents and the quantity that price is for.
    """
    services = SERVICES[: len(SERVICES) if count >= MANY else count // 10]
    products = [
        Product(number, name, text, _search_name(name), SERVICE_GROUP, unit, "Service", "Active")
        for number, name, text, unit, _ in services
    ]
    prices = [(cents, 1) for *_, cents in services]
    for family, variant, generation in _combinations(count - len(services)):
        products.append(_product(rng, family, variant, generation))
        prices.append((_cents(rng, family, variant % len(family.sizes)), family.price_quantity))
    return products, prices


def _combinations(count: int) -> Iterator[tuple[Family, int, int]]:
    """Family, which of its variants, and the generation: later ones repeat an exhausted catalogue."""
    ends = list(accumulate(family.variants for family in FAMILIES))
    total = ends[-1]
    for number in range(count):
        generation, place = divmod(number, total)
        place = place * _STEP % total
        family = FAMILIES[bisect_right(ends, place)]
        yield family, place % family.variants, generation


def _product(rng: random.Random, family: Family, variant: int, generation: int) -> Product:
    variant, size_place = divmod(variant, len(family.sizes))
    variant, finish = divmod(variant, len(family.finishes))
    series, version = divmod(variant, len(family.versions))
    size, (letter, series_name) = family.sizes[size_place], SERIES[series]
    code, finish_name = family.finishes[finish]
    mark, version_name = family.versions[version]
    later = f"-G{generation + 1}" if generation else ""
    extra = f", {version_name}" if version_name else ""
    name = f"{family.noun} {series_name} {size}{later}, {finish_name}{extra}"
    described = rng.random() > 0.06  # noqa: PLR2004  share without a description
    text = (
        f"{family.noun} of the {series_name} series, size {size}, {finish_name}{extra}, for {family.purpose}."
    )
    return Product(
        number=f"{family.code}-{letter}{size}-{code}{mark}{later}",
        name=name,
        description=text if described else "",
        search_name=_search_name(name),
        group=family.group,
        unit=family.unit,
        kind="Item",
        lifecycle=picker(rng)(_LIFECYCLES),
    )


def _search_name(name: str) -> str:
    return name.replace(" ", "").replace(",", "")[:20]


def _cents(rng: random.Random, family: Family, size: int) -> int:
    """Grow the price with the size and let it vary by an eighth."""
    low, high = family.cents
    share = (size + 1) / len(family.sizes)
    cents = low + (high - low) * share * share
    return 0 if rng.random() < SHARE_FREE else int(cents * (0.875 + 0.25 * rng.random()))


def make_releases(
    rng: random.Random,
    products: Sequence[Product],
    prices: Sequence[tuple[int, int]],
    entities: Sequence[LegalEntity],
) -> Iterator[Release]:
    """Release three products of four to every entity, the others to one or two."""
    for place, (product, (cents, per)) in enumerate(zip(products, prices, strict=True)):
        service = product.kind == "Service"
        chosen = entities if service or rng.random() < SHARE_EVERYWHERE else _some(rng, entities)
        price = Decimal(cents).scaleb(-2)
        no_site = not service and rng.random() < SHARE_NO_SITE
        for entity in chosen:
            own = price if entity.currency == "USD" else (price * _EUROS_PER_DOLLAR).quantize(_CENT)
            yield Release(
                legal_entity=entity.id,
                product_number=product.number,
                item_number=product.number if service else _item_number(rng, product, entity, place),
                price=own,
                price_quantity=Decimal(per),
                unit_cost=(own / per * 3 / 5).quantize(_CENT),
                stopped=not service and rng.random() < SHARE_STOPPED,
                default_site="" if no_site else entity.default_site,
                default_warehouse="" if no_site else entity.default_warehouse,
            )


def _some(rng: random.Random, entities: Sequence[LegalEntity]) -> list[LegalEntity]:
    pick = picker(rng)
    chosen = {pick(entities).id, pick(entities).id}
    return [entity for entity in entities if entity.id in chosen]


def _item_number(rng: random.Random, product: Product, entity: LegalEntity, place: int) -> str:
    draw = rng.random()
    if draw < SHARE_LEADING_BLANK:
        return f" {product.number}"
    if draw < SHARE_LEADING_BLANK + SHARE_OWN_NUMBER:
        return f"{entity.id[:2].upper()}{place + 1:06d}"
    return product.number
