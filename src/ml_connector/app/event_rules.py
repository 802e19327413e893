"""Which events hint at which flow: HubSpot's by what the flows read there, F&O's by the settings.

F&O has no standard event for customers, products or new sales orders: tenants make their own, so their names are
settings. What comes in is looked up here by its type; what stands nowhere is out of scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from ml_connector.domain.events import UnreadableEventError, word
from ml_connector.domain.keys import external_key
from ml_connector.domain.text import did_you_mean
from ml_connector.engine.inbox import Rule
from ml_connector.errors import ConfigurationError
from ml_connector.flows.customers.own_contacts import OWN_MARK
from ml_connector.flows.customers.people import PERSON_MARK
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.settings import section
from ml_connector.store import links, operations
from ml_connector.systems.dynamics.events import plain_name
from ml_connector.systems.hubspot.events import records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.domain.events import Told
    from ml_connector.engine.inbox import Find
    from ml_connector.settings import Settings
    from ml_connector.store.database import Tx

ORDER_WRITES = ("header", "order")  # kinds of operations that make a sales order, one by one or as one batch


class DynamicsEvent(BaseModel):
    """Section ``events.dynamics.NAME``: what a business event of this id, or a data event of this entity, means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flow: str = Field(description="The flow whose records may have changed.")
    entity_set: str = Field(description="The entity set whose record the event names.")
    key: str = Field(
        default="", description="The field of the event that holds the record's key; empty: it names none."
    )


class EventSettings(BaseModel):
    """Section ``events`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accept_v1: bool = Field(
        default=False,
        description="Take webhooks with HubSpot's first signature where the third is absent. It has no timestamp: "
        "whoever records such a request can send it again.",
    )
    most_open: int = Field(
        default=50_000, ge=1, description="Open events of a connection; beyond, events are refused with 429."
    )
    keep_days: int = Field(
        default=30, ge=1, description="Days after which an event that is done is forgotten."
    )
    overlap_hours: int = Field(
        default=24,
        ge=0,
        description="Hours in which a replaced token or signing secret still opens the door.",
    )
    dynamics: dict[str, DynamicsEvent] = Field(
        default_factory=dict,
        description="By BusinessEventId, or by the entity of a data event (mserp_...): flow, entity_set, key.",
    )


def event_settings(settings: Settings) -> EventSettings:
    """The section ``events``, looked through.

    Raises:
        ConfigurationError: a value is wrong; the sentence names it and the nearest valid one.
    """
    found: EventSettings = section(EventSettings, settings.events, "events")
    for name, event in found.dynamics.items():
        _check(name, event)
    return found


# --- F&O -------------------------------------------------------------------------------------------------------------

# flow -> entity set -> the key of its record in the flow, from legal entity and value
_KEYS: dict[str, dict[str, Callable[[str, str], str]]] = {
    "customers": {"CustomersV3": external_key},
    "contacts": {
        "ContactPersons": external_key,
        "CDSContactPersonsV2": lambda entity, value: external_key(entity, PERSON_MARK + value),
        "CustomersV3": lambda entity, value: external_key(entity, OWN_MARK + value),
    },
    "products": {"ReleasedProductsV2": external_key, "AllProducts": external_key},
    "order_status": {"SalesOrderHeadersV2": external_key, "SalesOrderLinesV3": external_key},
}


def _check(name: str, event: DynamicsEvent) -> None:
    where = f"events.dynamics.{name}"
    if event.flow not in _KEYS:
        raise ConfigurationError(
            f"{where}.flow is '{event.flow}'; events of Dynamics can hint at {', '.join(_KEYS)}."
            f"{did_you_mean(event.flow, _KEYS)}",
            code="configuration.setting",
        )
    if event.entity_set not in _KEYS[event.flow]:
        raise ConfigurationError(
            f"{where}.entity_set is '{event.entity_set}'; for {event.flow} it can be "
            f"{' or '.join(_KEYS[event.flow])}.{did_you_mean(event.entity_set, _KEYS[event.flow])}",
            code="configuration.setting",
        )
    if not event.key.isprintable() or " " in event.key:
        raise ConfigurationError(
            f"{where}.key is '{event.key}', which is no name of a field.", code="configuration.setting"
        )


def dynamics_rules(settings: Settings) -> dict[str, Rule]:
    """A rule for each event that the settings name."""
    products: ProductSettings = section(ProductSettings, settings.products, "products")
    shared = products.identity == "shared"
    rules = {}
    for name, event in event_settings(settings).dynamics.items():
        without_entity = event.flow == "products" and shared
        find = _orders if event.flow == "order_status" else None
        rules[name.casefold()] = Rule(event.flow, _names(event, without_entity=without_entity), find)
    return rules


def _names(event: DynamicsEvent, *, without_entity: bool) -> Callable[[Told], Sequence[str] | None]:
    """What the event names: its key; nothing where it does not say which record."""
    make, field = _KEYS[event.flow][event.entity_set], plain_name(event.key)

    def names(told: Told) -> Sequence[str] | None:
        value = told.fields.get(field)
        if value is None or value == "" or not (told.legal_entity or without_entity):
            return ()
        try:
            text = word(value, event.key)
        except UnreadableEventError:
            return None
        return (text if without_entity else make(told.legal_entity, text),)

    return names


async def _orders(tx: Tx, connection_id: int, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The deals of these sales orders, for orders that came from deals."""
    numbers = {name: name.partition(":")[2] for name in names}
    rows = await operations.subjects(tx, connection_id, ORDER_WRITES, sorted(set(numbers.values())))
    deals: dict[str, list[str]] = {}
    for legal_entity, number, deal in rows:
        deals.setdefault(external_key(legal_entity, number), []).append(deal)
    return {name: deals[name] for name in names if name in deals}


# --- HubSpot ---------------------------------------------------------------------------------------------------------

_DEALS = "orders"
_OF_DEALS = ("creation", "propertyChange", "associationChange", "deletion", "restore", "merge")
_NEIGHBOURS = ("line_item", "company", "contact")  # their associations tell which deals they belong to
_GOES = ("deletion", "restore", "merge")
# object of HubSpot -> flow whose records stand there, and the word for the object in links
_LINKED = {
    "company": ("customers", "companies"),
    "contact": ("contacts", "contacts"),
    "product": ("products", "products"),
}


def hubspot_rules() -> dict[str, Rule]:
    """Deals are read anew whatever happens to them; of linked records only what makes the link itself doubtful.

    A property that a person changes is no such event: the full crawl looks after fields that F&O owns.
    """
    of_deals = Rule(_DEALS, lambda told: records_of(told, "deal"))
    rules = {f"deal.{what}": of_deals for what in _OF_DEALS}
    rules |= {f"{name}.associationChange": of_deals for name in _NEIGHBOURS}
    for name, (flow, object_type) in _LINKED.items():
        rule = Rule(flow, _ids(name), _linked(flow, object_type), afresh=True)
        rules |= {f"{name}.{what}": rule for what in _GOES}
        if name == "contact":
            rules["contact.privacyDeletion"] = rule
    return {name.casefold(): rule for name, rule in rules.items()}


def _ids(name: str) -> Callable[[Told], Sequence[str] | None]:
    return lambda told: records_of(told, name)


def _linked(flow: str, object_type: str) -> Find:
    """The keys of the flow's records behind these objects."""

    async def find(tx: Tx, connection_id: int, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, Any] = {}
        for target_id in ids:
            rows = await links.by_target(tx, connection_id, object_type, target_id)
            if keys := [link.key for link in rows if link.flow == flow]:
                found[target_id] = keys
        return found

    return find
