"""Builds the demo world: the same from the same seed, on every machine and Python version, at any size.

Each part of the world draws from a source of its own, so that more products leave the customers as they were.
"""

from __future__ import annotations

import gc
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml_connector.twin.world import entities as settings
from ml_connector.twin.world.customers import Population
from ml_connector.twin.world.deals import make_deals
from ml_connector.twin.world.model import World
from ml_connector.twin.world.names import OWNERS, TEAMS
from ml_connector.twin.world.products import make_products, make_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.twin.world.model import Customer, LegalEntity

DEFAULT_ENTITIES = ("usmf", "ussi", "demf")


def build(
    seed: int,
    *,
    customers: int = 240,
    products: int = 600,
    contacts_per_customer: int = 1,
    deals: int = 40,
    legal_entities: Sequence[str] = DEFAULT_ENTITIES,
) -> World:
    """Build a world.

    Args:
        seed: Decides everything that is left to chance.
        customers: Accounts over all legal entities.
        products: Size of the shared catalogue.
        contacts_per_customer: People at every customer that is an organisation.
        deals: Open deals; fewer when no organisation is there to buy.
        legal_entities: Ids; the first is the default one.

    Raises:
        ValueError: A negative number, or a legal entity that cannot be.
    """
    numbers = {
        "customers": customers,
        "products": products,
        "contacts per customer": contacts_per_customer,
        "deals": deals,
    }
    for name, number in numbers.items():
        if number < 0:
            raise ValueError(f"the number of {name} cannot be {number}")
    companies = settings.make_entities(legal_entities)
    with _no_collection():
        accounts = _accounts(seed, companies, customers, contacts_per_customer)
        catalogue, prices = make_products(_source(seed, "products"), products)
        releases = tuple(make_releases(_source(seed, "releases"), catalogue, prices, companies))
        opportunities = make_deals(_source(seed, "deals"), deals, accounts, catalogue, releases)
    return World(
        seed=seed,
        legal_entities=companies,
        customers=tuple(accounts),
        products=tuple(catalogue),
        releases=releases,
        deals=opportunities,
        dimensions=settings.DIMENSIONS,
        dimension_delimiter=settings.DELIMITER,
        dimension_values=dict(settings.DIMENSION_VALUES),
        customer_groups=settings.GROUPS,
        payment_terms=settings.TERMS,
        owners=OWNERS,
        pipelines=settings.PIPELINES,
        teams=TEAMS,
    )


def _accounts(seed: int, companies: Sequence[LegalEntity], customers: int, contacts: int) -> list[Customer]:
    population = Population(_source(seed, "customers"), contacts)
    accounts: list[Customer] = []
    for company, count in zip(companies, settings.split(customers, companies), strict=True):
        accounts += population.of(company, count)
    return accounts


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare the search for cycles: a world has none, and looking for them takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _source(seed: int, part: str) -> random.Random:
    return random.Random(f"{seed}/{part}")  # noqa: S311  a world must be repeatable, not secret
