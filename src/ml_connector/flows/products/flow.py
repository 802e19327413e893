"""Released products of F&O become products in HubSpot: one each for all legal entities, known by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.records import TargetRecord, digest
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.flows.products.source import ProductSource, product_reading
from ml_connector.systems.dynamics.source import in_legal_entities
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ml_connector.domain.records import SourceRecord
    from ml_connector.flows.products.settings import ProductSettings
    from ml_connector.mapping.apply import CompiledMapping
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "products"
OBJECT_TYPE, KEY_PROPERTY = "products", "d365_product_key"


def price_property(currency: str, company_currency: str, portal_currencies: Collection[str]) -> str:
    """Where a list price in this currency goes: ``price``, ``hs_price_{ccy}``, or nowhere (empty)."""
    if not currency:
        return ""
    if currency == company_currency:
        return "price"
    return f"hs_price_{currency.lower()}" if currency in portal_currencies else ""


def products(
    dynamics: DynamicsClient,
    hubspot: HubSpotClient,
    mapping: CompiledMapping,
    *,
    mapping_version: int,
    legal_entities: Sequence[str],
    currencies: Mapping[str, str],
    company_currency: str,
    portal_currencies: Collection[str],
    settings: ProductSettings,
    lanes: int,
) -> RecordFlow:
    """Build the flow for one connection.

    Args:
        dynamics: Where products are read.
        hubspot: Where they go.
        mapping: The compiled ``products.yaml``.
        mapping_version: Its stored version.
        legal_entities: The chosen ones, lower-case.
        currencies: Accounting currency of each legal entity; missing where it is not known.
        company_currency: The portal's own currency.
        portal_currencies: The portal's additional currencies.
        settings: Section ``products``.
        lanes: Calls under way at once.
    """
    price_entity = settings.price_legal_entity.lower() or legal_entities[0]
    priced_in = price_property(currencies.get(price_entity, ""), company_currency, portal_currencies)
    source = ProductSource(
        client=dynamics,
        select=product_reading(mapping.sources),
        scope=in_legal_entities(legal_entities),
        price_legal_entity=price_entity,
        price_property=priced_in,
    )

    def to_product(record: SourceRecord) -> TargetRecord:
        mapped = mapping.apply(record.fields)
        properties = dict(mapped.properties)
        notes = mapped.notes
        price = properties.pop("price", "")
        if priced_in:
            properties[priced_in] = price
        elif price:
            notes = (
                *notes,
                f"The list price in {currencies.get(price_entity, 'an unknown currency')} has no place.",
            )
        return TargetRecord(
            key=record.key,
            properties=properties,
            fingerprint=digest(properties),
            source_digest=record.digest,
            first_write=mapping.first_write,
            notes=notes,
        )

    return RecordFlow(
        name=NAME,
        source=source,
        sink=UpsertSink(hubspot, OBJECT_TYPE, KEY_PROPERTY),
        map=to_product,
        mapping_version=mapping_version,
        lanes=lanes,
        properties=(*mapping.targets, priced_in) if priced_in else mapping.targets,
        first_write=mapping.first_write,
        traits=Traits(
            status="d365_status",
            names=frozenset({"name"}),
            prices=frozenset({"price", *(f"hs_price_{one.lower()}" for one in portal_currencies)}),
            bulk_is_normal=True,
        ),
    )
