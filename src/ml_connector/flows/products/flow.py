"""Released products of F&O become products in HubSpot, known by ``d365_product_key``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.keys import split_key
from ml_connector.domain.records import TargetRecord, digest
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.errors import ConfigurationError
from ml_connector.flows.products import stops, texts, variants
from ml_connector.flows.products.changes import product_changes
from ml_connector.flows.products.currency import price_currencies, price_property
from ml_connector.flows.products.optional import Notices, OptionalEntity
from ml_connector.flows.products.records import Rules
from ml_connector.flows.products.source import ProductSource, product_reading
from ml_connector.systems.dynamics.source import in_legal_entities
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ml_connector.domain.records import SourceRecord
    from ml_connector.flows.products.settings import ProductSettings
    from ml_connector.mapping.apply import CompiledMapping
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "products"
OBJECT_TYPE, KEY_PROPERTY = "products", "d365_product_key"


async def products(
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
    """Build the flow for one connection; asks F&O for a currency that the ledgers do not tell, and HubSpot for its key.

    Args:
        dynamics: Where products are read.
        hubspot: Where they go.
        mapping: The compiled ``products.yaml``.
        mapping_version: Its stored version.
        legal_entities: The chosen ones, lower-case.
        currencies: Accounting currency of each legal entity; empty where it is not known.
        company_currency: The portal's own currency.
        portal_currencies: The portal's additional currencies.
        settings: Section ``products``.
        lanes: Calls under way at once.

    Raises:
        ConfigurationError: the price entity is none of the chosen ones.
    """
    notices = Notices()
    price_entity = _price_entity(settings, legal_entities)
    priced = [price_entity] if settings.identity == "shared" else legal_entities
    known = await price_currencies(
        dynamics, priced, ledgers=currencies, chosen=settings.currencies, notices=notices
    )
    places = {entity: price_property(known[entity], company_currency, portal_currencies) for entity in priced}
    _tell_of_prices_without_place(places, known, notices)
    rules = Rules(settings, product_reading(mapping.sources, settings), price_entity, places)
    every_place = ("price", *(f"hs_price_{currency.lower()}" for currency in portal_currencies))
    every_place = every_place if "price" in mapping.targets else ()
    source = _source(dynamics, rules, in_legal_entities(legal_entities), notices)
    read_by = [dynamics.settings.url, source.scope, rules.select, settings.model_dump(), price_entity, places]
    return RecordFlow(
        name=NAME,
        source=source,
        sink=UpsertSink(hubspot, OBJECT_TYPE, KEY_PROPERTY, unique=await has_unique_key(hubspot)),
        map=_to_product(mapping, settings, every_place, notices),
        mapping_version=mapping_version,
        lanes=lanes,
        properties=tuple(dict.fromkeys((*mapping.targets, *every_place))),
        first_write=mapping.first_write,
        traits=Traits(
            status="d365_status",
            names=frozenset({"name"}),
            prices=frozenset(every_place),
            bulk_is_normal=True,
        ),
        covers=lambda key: settings.identity == "shared" or split_key(key)[0] in legal_entities,
        changes=product_changes(dynamics, source, digest(read_by).hex()),
    )


async def has_unique_key(hubspot: HubSpotClient) -> bool:
    """Whether the portal keeps the key of a product unique; some refuse that. Before it is made, it is said to."""
    definitions = await hubspot.properties(OBJECT_TYPE)
    return all(one.has_unique_value for one in definitions if one.name == KEY_PROPERTY and not one.archived)


def _price_entity(settings: ProductSettings, legal_entities: Sequence[str]) -> str:
    chosen = settings.price_legal_entity.strip().lower() or legal_entities[0]
    if chosen not in legal_entities:
        raise ConfigurationError(
            f"products.price_legal_entity is '{chosen}', which is not connected. Connected are: "
            f"{', '.join(legal_entities)}.",
            code="configuration.setting",
            hint="Correct the setting, or connect that legal entity (ml-connector connect dynamics).",
        )
    return chosen


def _tell_of_prices_without_place(
    places: Mapping[str, str], currencies: Mapping[str, str], notices: Notices
) -> None:
    for entity, place in places.items():
        if not currencies[entity]:
            notices.say(
                f"List prices of {entity} are not written: their currency is not known. Set products.currencies."
            )
        elif not place:
            notices.say(
                f"List prices of {entity} are not written: {currencies[entity]} has no place in this portal."
            )


def _source(dynamics: DynamicsClient, rules: Rules, scope: str, notices: Notices) -> ProductSource:
    settings = rules.settings

    def optional(data_entity: str, select: tuple[str, ...], without: str) -> OptionalEntity:
        return OptionalEntity(dynamics, data_entity, select, notices, without)

    of_items = optional(stops.DEFAULT_SETTINGS, stops.DEFAULT_SELECT, "Sales stops are not shown.")
    of_sites = optional(stops.SITE_SETTINGS, stops.SITE_SELECT, "Sales stops of sites are not shown.")
    counted = {"off": (), "product": (of_items,), "site": (of_items, of_sites)}[settings.sales_stop]
    untranslated = f"Names and descriptions in {settings.language} are not shown."
    translations = optional(texts.DATA_ENTITY, texts.SELECT, untranslated)
    of_masters = optional(variants.DATA_ENTITY, variants.SELECT, "Variants are not sent.")
    return ProductSource(
        client=dynamics,
        scope=scope,
        rules=rules,
        texts=texts.Texts(translations, settings.language),
        stops=stops.SalesStops(counted, scope),
        variants=of_masters if settings.variants else None,
    )


def _to_product(
    mapping: CompiledMapping, settings: ProductSettings, every_place: Sequence[str], notices: Notices
) -> Callable[[SourceRecord], TargetRecord]:
    """Map a record, and put its price where its currency belongs."""
    costs = [row.target for row in mapping.document.fields if "CostPrice" in row.all_sources]

    def to_product(record: SourceRecord) -> TargetRecord:
        mapped = mapping.apply(record.fields)
        properties = dict(mapped.properties)
        place = record.fields["PriceProperty"]
        if "price" in properties:
            price = properties.pop("price")
            if place:
                properties[place] = price
        if not settings.cost or place != "price":  # cost is read in the portal's own currency
            for target in costs:
                properties.pop(target, None)
        fingerprint = digest(properties)
        # a price we once wrote elsewhere, in the currency of another day, is cleared; no fingerprint hangs on it
        cleared = {target: "" for target in every_place if target not in properties}
        return TargetRecord(
            key=record.key,
            properties={**properties, **cleared},
            fingerprint=fingerprint,
            source_digest=record.digest,
            first_write=mapping.first_write,
            notes=(*mapped.notes, *notices.take()),
        )

    return to_product
