"""Open deals: what customers asked for, and what the rep will quote."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.twin.world.catalogue import FAMILIES
from ml_connector.twin.world.chance import picker
from ml_connector.twin.world.entities import PIPELINES
from ml_connector.twin.world.model import Deal, DealLine
from ml_connector.twin.world.names import OWNERS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from ml_connector.twin.world.model import Customer, Product, Release

SHARE_KEY_ACCOUNTS = 0.35
SHARE_OF_DEALS_ON_HOLD = 0.05
FEWEST_LINES, MOST_LINES = 2, 5
_DISCOUNTS = (0, 0, 0, 0, 5, 5, 10, 12)
_QUANTITIES = (1, 2, 2, 3, 4, 5, 6, 8, 10, 12)
_LABELS = {family.code: family.label for family in FAMILIES}


_CENT = Decimal("0.01")


def make_deals(
    rng: random.Random,
    count: int,
    customers: Sequence[Customer],
    products: Sequence[Product],
    releases: Iterable[Release],
) -> tuple[Deal, ...]:
    """Invent deals, each for a customer of its own as long as there are enough."""
    sellable = _sellable(products, releases)
    good, held = _buyers(customers, sellable)
    kinds = {product.number: product for product in products}
    deals: list[Deal] = []
    for _ in range(count):
        pool = held if held and rng.random() < SHARE_OF_DEALS_ON_HOLD else good or held
        if not pool:
            break
        place = int(rng.random() * len(pool))
        customer = pool.pop(place) if len(pool) > 1 else pool[0]
        deals.append(_deal(rng, customer, sellable[customer.legal_entity], kinds, len(deals)))
    return tuple(deals)


def _buyers(
    customers: Sequence[Customer], sellable: dict[str, dict[str, Decimal]]
) -> tuple[list[Customer], list[Customer]]:
    """Organisations with one account only, so that a name leads to one company; those on hold apart."""
    accounts: dict[str, int] = {}
    for customer in customers:
        accounts[customer.party] = accounts.get(customer.party, 0) + 1
    blocked = {(c.legal_entity, c.account) for c in customers if c.on_hold != "No"}
    good: list[Customer] = []
    held: list[Customer] = []
    for customer in customers:
        single = customer.party_type == "Organization" and accounts[customer.party] == 1
        if single and sellable.get(customer.legal_entity):
            payer = (customer.legal_entity, customer.invoice_account or customer.account)
            on_hold = customer.on_hold != "No" or payer in blocked
            (held if on_hold else good).append(customer)
    return good, held


def _sellable(products: Sequence[Product], releases: Iterable[Release]) -> dict[str, dict[str, Decimal]]:
    """Unit prices by entity and number of what can be quoted without trouble: priced, not stopped, with a site."""
    ended = {product.number for product in products if product.lifecycle == "EndOfLife"}
    found: dict[str, dict[str, Decimal]] = {}
    for release in releases:
        if release.price and release.default_site and not release.stopped:
            prices = found.setdefault(release.legal_entity, {})
            if release.product_number not in ended:
                prices[release.product_number] = (release.price / release.price_quantity).quantize(_CENT)
    return found


def _deal(
    rng: random.Random,
    customer: Customer,
    prices: dict[str, Decimal],
    products: dict[str, Product],
    place: int,
) -> Deal:
    pick = picker(rng)
    sellable = list(prices)
    wanted = FEWEST_LINES + int(rng.random() * (MOST_LINES - FEWEST_LINES + 1))
    skus = dict.fromkeys(pick(sellable) for _ in range(wanted * 3))
    goods = [sku for sku in skus if products[sku].kind == "Item"][:wanted] or list(skus)[:wanted]
    label = _LABELS.get(goods[0].partition("-")[0], "Services")
    pipeline, stages = PIPELINES[1 if rng.random() < SHARE_KEY_ACCOUNTS else 0]
    open_stages = [key for _, key, closed, _ in stages if not closed]
    owner = pick(OWNERS[:4] if customer.currency == "USD" else OWNERS[4:])
    return Deal(
        name=f"{label} for {customer.name}",
        pipeline=pipeline,
        stage=pick(open_stages[:3]),
        customer_name=customer.name,
        currency=customer.currency,
        close_in_days=5 + int(rng.random() * 80),
        owner_email=owner[0],
        customer_po="" if rng.random() < 0.15 else f"PO-{26_000 + place * 37}",  # noqa: PLR2004  share
        lines=tuple(_line(rng, sku, products[sku], prices[sku]) for sku in goods),
    )


def _line(rng: random.Random, sku: str, product: Product, price: Decimal) -> DealLine:
    pick = picker(rng)
    quantity = pick(_QUANTITIES)
    if product.unit in {"pcs", "pair", "m"}:
        quantity *= 25
    return DealLine(sku, Decimal(quantity), discount_percent=Decimal(pick(_DISCOUNTS)), price=price)
