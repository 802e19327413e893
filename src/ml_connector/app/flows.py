"""The flows of a connection, built from its settings, mappings and what its sides told us."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.app.customer_matcher import CustomerMatcher
from ml_connector.app.mappings import dimension_rules, order_mapping, order_mapping_as_it_is, record_mapping
from ml_connector.app.sync_settings import SyncSettings
from ml_connector.domain.text import did_you_mean
from ml_connector.engine.at_once import Turns
from ml_connector.engine.breaker import Limits
from ml_connector.engine.changes import Rhythm
from ml_connector.engine.once import Patience
from ml_connector.errors import ConfigurationError
from ml_connector.flows.customers.contacts import contacts
from ml_connector.flows.customers.flow import customers
from ml_connector.flows.customers.people import offered_people
from ml_connector.flows.customers.settings import (
    IDENTITY,
    PEOPLE_FROM,
    PER_CUSTOMER,
    ContactSettings,
    CustomerSettings,
)
from ml_connector.flows.order_status.flow import order_status_flow
from ml_connector.flows.order_status.settings import OrderStatusSettings
from ml_connector.flows.order_status.source import OrderStatusSource
from ml_connector.flows.orders.customer.known import Acquaintance
from ml_connector.flows.orders.customer.opening import CustomerDesk
from ml_connector.flows.orders.customer.reference_data import ReferenceData
from ml_connector.flows.orders.customer.step import CustomerStep
from ml_connector.flows.orders.deal.discover import WonDeals
from ml_connector.flows.orders.deal.gather import Portal
from ml_connector.flows.orders.draft.writing import further_sources
from ml_connector.flows.orders.flow import OrderFlow
from ml_connector.flows.orders.lines.products import ProductWords
from ml_connector.flows.orders.set_up import SetUp
from ml_connector.flows.orders.settings import SETTLE_FLOOR_S, OrderSettings
from ml_connector.flows.orders.terms.known_values import KnownValues
from ml_connector.flows.products.flow import products
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.mapping.rules import wanted_properties
from ml_connector.settings import section
from ml_connector.store import connections, flows, links
from ml_connector.systems.dynamics.numbers import Numbering
from ml_connector.systems.dynamics.offered_dimensions import offered_dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.app.workplace import Workplace
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.mapping.rules import DimensionRules


def breaker_limits(place: Workplace) -> Limits:
    """What a crawl may change by itself."""
    chosen = section(SyncSettings, place.settings.sync, "sync").breaker
    return Limits(**chosen.model_dump())


def rhythm_of(place: Workplace) -> Rhythm:
    """How often everything is read where passes read changes alone."""
    chosen: SyncSettings = section(SyncSettings, place.settings.sync, "sync")
    return Rhythm(
        full_every=timedelta(hours=chosen.full_crawl_hours),
        overlap=timedelta(seconds=chosen.overlap_s),
        most=chosen.most_changes,
    )


async def record_flow(place: Workplace, name: str) -> RecordFlow:
    """Customers, contacts, products or the status of orders, ready to run."""
    if name == "order_status":
        return await _order_status(place)
    dynamics, hubspot = await place.dynamics(), await place.hubspot()
    mapping, version = await record_mapping(place, name)
    entities = await legal_entities_of(place)
    lanes = section(SyncSettings, place.settings.sync, "sync").lanes
    if name == "customers":
        return customers(
            dynamics,
            hubspot,
            mapping,
            mapping_version=version,
            legal_entities=tuple(entities),
            settings=await _customer_settings(place),
            lanes=lanes,
        )
    if name == "contacts":
        return contacts(
            dynamics,
            hubspot,
            mapping,
            mapping_version=version,
            legal_entities=tuple(entities),
            people_from=await _people_from(place),
            settings=section(CustomerSettings, place.settings.customers, "customers"),
            lanes=lanes,
        )
    portal = (await place.side("hubspot")).capabilities
    settings: ProductSettings = section(ProductSettings, place.settings.products, "products")
    return await products(
        dynamics,
        hubspot,
        mapping,
        mapping_version=version,
        legal_entities=tuple(entities),
        currencies=entities,
        company_currency=portal["company_currency"],
        portal_currencies=portal["additional_currencies"],
        settings=settings,
        lanes=lanes,
    )


async def _order_status(place: Workplace) -> RecordFlow:
    """What became of the orders that were placed."""
    settings: OrderStatusSettings = section(OrderStatusSettings, place.settings.order_status, "order_status")
    source = OrderStatusSource(
        dynamics=await place.dynamics(),
        engine=place.engine,
        orders_flow="orders",
        header_entity=order_settings(place).header_entity,
        final_for=timedelta(days=settings.final_days),
    )
    lanes = section(SyncSettings, place.settings.sync, "sync").lanes
    return order_status_flow(source, await place.hubspot(), lanes=lanes)


async def _customer_settings(place: Workplace) -> CustomerSettings:
    """Section ``customers``; what makes a company is kept as it was chosen before the first one stood.

    Raises:
        ConfigurationError: it was changed since.
    """
    settings: CustomerSettings = section(CustomerSettings, place.settings.customers, "customers")
    known = (await place.side("dynamics")).capabilities
    kept = known.get(IDENTITY, PER_CUSTOMER)
    if settings.identity == kept:
        return settings
    cid = place.connection.connection_id
    async with place.store.write() as tx:
        linked = await links.count(tx, cid, "customers")
        if not linked:
            await connections.put_capabilities(tx, cid, "dynamics", {**known, IDENTITY: settings.identity})
            return settings
    raise ConfigurationError(
        f"customers.identity is {settings.identity}, and the {linked} customers that are linked were moved {kept}. "
        "Changing it is a planned migration: companies that stand would have to be merged or divided.",
        code="configuration.setting",
        hint=f"Set customers.identity back to {kept}.",
    )


async def _people_from(place: Workplace) -> str:
    """The data entity of people: as set, else as found once; it decides the keys of contacts, so it is kept."""
    chosen: str = section(ContactSettings, place.settings.contacts, "contacts").people_from
    known = (await place.side("dynamics")).capabilities
    if chosen or PEOPLE_FROM in known:
        return chosen or str(known[PEOPLE_FROM])
    found = await offered_people(await place.dynamics())
    async with place.store.write() as tx:
        kept = {**known, PEOPLE_FROM: found}
        await connections.put_capabilities(tx, place.connection.connection_id, "dynamics", kept)
    return found


async def order_flow(place: Workplace, *, looking: bool = False) -> OrderFlow:
    """Deals to orders, ready to run; ``looking`` stores nothing, not even which mapping was read."""
    settings = order_settings(place)
    mapping = order_mapping_as_it_is(place) if looking else (await order_mapping(place))[0]
    portal = (await place.side("hubspot")).capabilities
    dynamics, hubspot = await place.dynamics(), await place.hubspot()
    async with place.store.read() as tx:
        row = await flows.get(tx, place.connection.connection_id, "orders")
        entities = await connections.legal_entities(tx, place.connection.connection_id)
    currencies = await legal_entities_of(place)
    zones = {entity.legal_entity.lower(): entity.time_zone for entity in entities}
    sold: ProductSettings = section(ProductSettings, place.settings.products, "products")
    overlap = section(SyncSettings, place.settings.sync, "sync").overlap_s
    patience = Patience(settle_s=settings.settle_s)
    _require_rows(settings, mapping)
    dimensions = dimension_rules(place)
    numbering = Numbering(dynamics)
    customers, desk = await _customers_of_orders(
        place,
        mapping,
        settings,
        patience,
        numbering=numbering,
        portal_id=int(portal["portal_id"]),
        looked_at=_looked_at(mapping, dimensions),
    )
    return OrderFlow(
        dynamics=dynamics,
        hubspot=hubspot,
        portal=Portal(hubspot),
        numbering=numbering,
        engine=place.engine,
        mapping=mapping,
        dimensions=dimensions,
        offered_dimensions=offered_dimensions(dynamics),
        settings=settings,
        patience=patience,
        won_deals=WonDeals(
            hubspot=hubspot,
            go_live_at=row.go_live_at or place.around.clock.now(),
            pipelines=settings.pipelines,
            list_up_to=settings.list_up_to,
            overlap=timedelta(seconds=overlap),
        ),
        portal_id=int(portal["portal_id"]),
        company_currency=portal["company_currency"],
        legal_entities=tuple(currencies),
        currencies=currencies,
        set_up=SetUp(dynamics),
        known_values=KnownValues(dynamics),
        product_words=ProductWords(sold.identity, sold.end_of_life),
        time_zones=zones,
        customers=customers,
        desk=desk,
        turns=Turns(settings.orders_at_once),
    )


def _looked_at(mapping: CompiledOrderMapping, dimensions: DimensionRules) -> tuple[str, ...]:
    """The fields of a customer that rules and rows of orders read, such as CustomerGroupId."""
    rules = (*mapping.document.every_rule, *dimensions.every_rule)
    named = (name.partition(".") for name in further_sources(mapping.document))
    sent = (field for head, _, field in named if head == "customer")
    return tuple(dict.fromkeys((*wanted_properties(rules, "customer"), *sent)))


async def _customers_of_orders(
    place: Workplace,
    mapping: CompiledOrderMapping,
    settings: OrderSettings,
    patience: Patience,
    *,
    numbering: Numbering,
    portal_id: int,
    looked_at: tuple[str, ...],
) -> tuple[CustomerStep, CustomerDesk]:
    """Who finds the customers of orders, and who creates them; both know the same customers."""
    dynamics, hubspot, matcher = await place.dynamics(), await place.hubspot(), CustomerMatcher(place)
    step = CustomerStep(
        dynamics=dynamics,
        hubspot=hubspot,
        engine=place.engine,
        matcher=matcher,
        listed=ReferenceData(dynamics, numbering),
        mapping=mapping,
        settings=settings,
        portal_id=portal_id,
        tax_id_property=matcher.tax_id,
        looked_at=looked_at,
    )
    desk = CustomerDesk(
        dynamics=dynamics,
        engine=place.engine,
        matcher=matcher,
        acquaintance=Acquaintance(hubspot, place.engine),
        settings=settings,
        patience=patience,
        portal_id=portal_id,
    )
    return step, desk


def _require_rows(settings: OrderSettings, mapping: CompiledOrderMapping) -> None:
    """A field of customers that a deal's company updates has a row that says from what."""
    targets = [row.target for row in mapping.document.customer]
    for name in settings.update_customer:
        if name not in targets:
            raise ConfigurationError(
                f"orders.update_customer names {name}, and no row under customer in orders.yaml fills it."
                f"{did_you_mean(name, targets)}",
                code="configuration.setting",
                hint="Add a row for it, or take the name out of the setting.",
            )


def order_settings(place: Workplace) -> OrderSettings:
    """Section ``orders``; values under their safe floor need the local switch."""
    settings: OrderSettings = section(OrderSettings, place.settings.orders, "orders")
    if settings.settle_s < SETTLE_FLOOR_S and not place.settings.allow_local:
        raise ConfigurationError(
            f"orders.settle_s is {settings.settle_s:.0f}; under {SETTLE_FLOOR_S:.0f} s an order could be placed twice.",
            code="configuration.setting",
            hint="Raise it, or set MLC_ALLOW_LOCAL=1 for a rehearsal on twins.",
        )
    return settings


async def legal_entities_of(place: Workplace) -> Mapping[str, str]:
    """The chosen legal entities, lower-case, in the order chosen, each with its accounting currency."""
    chosen = list((await place.side("dynamics")).settings["legal_entities"])
    async with place.store.read() as tx:
        rows = await connections.legal_entities(tx, place.connection.connection_id)
    rows.sort(key=lambda row: chosen.index(row.legal_entity) if row.legal_entity in chosen else len(chosen))
    if not rows:
        raise ConfigurationError(
            "No legal entity is chosen.",
            code="configuration.not_connected",
            hint="Run: ml-connector connect dynamics",
        )
    return {row.legal_entity.lower(): row.currency for row in rows}
