"""In which currency the list prices of a legal entity are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.flows.products.optional import OptionalEntity
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ml_connector.flows.products.optional import Notices
    from ml_connector.systems.dynamics.client import DynamicsClient

DATA_ENTITY = "CDSReleasedDistinctProducts"


async def price_currencies(
    dynamics: DynamicsClient,
    legal_entities: Iterable[str],
    *,
    ledgers: Mapping[str, str],
    chosen: Mapping[str, str],
    notices: Notices,
) -> dict[str, str]:
    """The currency of each legal entity, empty where nobody knows it.

    Args:
        dynamics: Asked where the ledgers do not tell.
        legal_entities: Whose.
        ledgers: The accounting currency by legal entity, empty where it could not be read.
        chosen: What a person set, by legal entity; comes last, so that a forgotten setting cannot contradict F&O.
        notices: Told of none.
    """
    products = OptionalEntity(dynamics, DATA_ENTITY, ("CurrencyCode",), notices)
    found: dict[str, str] = {}
    for entity in legal_entities:
        found[entity] = (
            ledgers.get(entity) or await _of_products(products, entity) or chosen.get(entity, "")
        ).upper()
    return found


async def _of_products(products: OptionalEntity, legal_entity: str) -> str:
    """As the entity's own products say: one currency for all of them, so the first one tells."""
    if products.offered is False:
        return ""
    row = await products.first(equals("dataAreaId", legal_entity))
    return str(row.get("CurrencyCode") or "") if row else ""


def price_property(currency: str, company_currency: str, portal_currencies: Collection[str]) -> str:
    """Where a list price in this currency goes: ``price``, ``hs_price_{ccy}``, or nowhere (empty)."""
    if not currency:
        return ""
    if currency == company_currency:
        return "price"
    return f"hs_price_{currency.lower()}" if currency in portal_currencies else ""
