"""Step products: each line to an item that is released in the legal entity that sells, and may be sold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ml_connector.domain.keys import split_key
from ml_connector.errors import RecordError
from ml_connector.flows.orders.deal.facts import line_facts
from ml_connector.flows.orders.deal.line_problems import LineProblem, park_if_any
from ml_connector.flows.orders.draft.resolved import NO_LIMITS, Found, ResolvedItem
from ml_connector.flows.orders.lines.catalogue import Kind, find_items
from ml_connector.flows.orders.lines.item_settings import read_item_settings
from ml_connector.flows.orders.lines.shipping import ruled_places, ship_from
from ml_connector.flows.orders.lines.units import quoted_unit, unit_of
from ml_connector.flows.orders.lines.unsold import why_unfound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ml_connector.flows.orders.deal.snapshot import DealLine, DealSnapshot
    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.lines.catalogue import Item
    from ml_connector.flows.orders.lines.item_settings import ItemSettings
    from ml_connector.flows.orders.lines.shipping import Shipping
    from ml_connector.flows.orders.set_up import Places, SetUp
    from ml_connector.mapping.rules import RuleBook
    from ml_connector.systems.dynamics.client import DynamicsClient


@dataclass(frozen=True, slots=True)
class ProductWords:
    """How the product flow names products, and which of its words end a product's life."""

    identity: Literal["shared", "per_legal_entity"] = "shared"
    end_of_life: AbstractSet[str] = field(default_factory=frozenset)  # lifecycle states, without case


@dataclass(frozen=True, slots=True)
class Counter:
    """Where lines become items: the legal entity that sells, and everything that decides there."""

    dynamics: DynamicsClient
    set_up: SetUp
    legal_entity: str
    rules: RuleBook
    facts: Mapping[str, str]  # of the deal
    choices: Choices
    words: ProductWords
    header: Mapping[str, str] = field(default_factory=dict)  # the customer's SiteId and WarehouseId


@dataclass(frozen=True, slots=True)
class Named:
    """What a line names its item by, and who said so; ``elsewhere`` is a legal entity that it is bound to."""

    kind: Kind
    number: str
    rule: str
    elsewhere: str = ""


async def resolve_items(counter: Counter, snapshot: DealSnapshot) -> dict[str, ResolvedItem]:
    """The item behind each line, by line id, with unit, place and limits.

    Raises:
        RecordError: naming every line that cannot be ordered so.
    """
    named = {line.id: _named(counter, line) for line in snapshot.lines}
    found = await find_items(
        counter.dynamics,
        counter.legal_entity,
        [(name.kind, name.number) for name in named.values() if name and not name.elsewhere],
    )
    items: dict[str, Item] = {}
    unfound: list[DealLine] = []
    problems: list[LineProblem] = []
    for line in snapshot.lines:
        name = named[line.id]
        candidates = found.get((name.kind, name.number), ()) if name and not name.elsewhere else ()
        if len(candidates) == 1:
            items[line.id] = candidates[0]
            problems += _cannot_be_sold(line, candidates[0], counter)
        elif candidates:
            problems.append(_unclear(line, candidates))
        else:
            unfound.append(line)
    problems = [*await why_unfound(counter, snapshot, named, unfound), *problems]
    park_if_any(snapshot, problems)
    return await _resolved(counter, snapshot, items, named)


def _named(counter: Counter, line: DealLine) -> Named | None:
    """As a person chose, by the product's key, by SKU, or as a service that a rule knows; None: by nothing."""
    chosen = counter.choices.get(f"item.{line.id}")
    if chosen is not None:
        return Named(Kind.ANY, chosen.value, chosen.rule)
    if line.product_key and counter.words.identity == "shared":
        return Named(Kind.PRODUCT, line.product_key, "the product's key")
    if line.product_key:
        entity, number = split_key(line.product_key)
        elsewhere = "" if entity == counter.legal_entity else entity
        return Named(Kind.ITEM, number, "the product's key", elsewhere)
    if line.sku:
        return Named(Kind.ANY, line.sku, "the line's SKU")
    service = counter.rules.ask("service_item", line_facts(dict(counter.facts), line))
    return Named(Kind.ANY, service.value, service.rule) if service else None


def _cannot_be_sold(line: DealLine, item: Item, counter: Counter) -> Iterable[LineProblem]:
    if item.is_master:
        words = f"names {item.number}, which is sold in variants. Choose the variant."
        yield LineProblem(line, code="order.variant_missing", words=words)
    elif item.lifecycle and item.lifecycle.casefold() in counter.words.end_of_life:
        words = f"names {item.number}, which is no longer sold: its lifecycle state is {item.lifecycle}."
        yield LineProblem(line, code="order.item_end_of_life", words=words)


def _unclear(line: DealLine, candidates: Sequence[Item]) -> LineProblem:
    numbers = ", ".join(item.number for item in candidates)
    words = f"names a number that means several items: {numbers}. Choose one."
    return LineProblem(line, code="order.item_unclear", words=words)


async def _resolved(
    counter: Counter,
    snapshot: DealSnapshot,
    items: Mapping[str, Item],
    named: Mapping[str, Named | None],
) -> dict[str, ResolvedItem]:
    """The items with all that F&O's set-up says about them."""
    numbers = [*dict.fromkeys(item.number for item in items.values())]
    settings = await read_item_settings(counter.dynamics, counter.legal_entity, numbers)
    places = await counter.set_up.places(counter.legal_entity)
    resolved: dict[str, ResolvedItem] = {}
    problems: list[LineProblem] = []
    for line in snapshot.lines:
        name = named[line.id]
        assert name is not None
        made = await _item(counter, line, items[line.id], name, settings=settings, places=places)
        if isinstance(made, LineProblem):
            problems.append(made)
        else:
            resolved[line.id] = made
    park_if_any(snapshot, problems)
    return resolved


async def _item(
    counter: Counter, line: DealLine, item: Item, name: Named, *, settings: ItemSettings, places: Places
) -> ResolvedItem | LineProblem:
    try:
        ships = _ships(counter, line, item, settings, places)
    except RecordError as error:
        return LineProblem(line, error.code, error.message)
    if settings.is_stopped(item, ships.effective_site):
        words = f"names {item.number}, whose sales are stopped in {counter.legal_entity}."
        return LineProblem(line, code="order.item_stopped", words=words)
    unit = await unit_of(counter.dynamics, line, item)
    if unit is None:
        words = (
            f"was quoted by {quoted_unit(line)}, the item is now sold by {item.unit}, and Dynamics cannot convert "
            "one to the other. Quote it anew, or have the conversion set up."
        )
        return LineProblem(line, code="order.unit_changed", words=words)
    limits = settings.limits(item, ships.effective_site) if unit.is_own else NO_LIMITS
    return ResolvedItem(
        number=Found(item.number, name.rule),
        unit=unit.found,
        variant={field: Found(text, f"of variant {name.number}") for field, text in item.variant.items()},
        site=ships.site,
        warehouse=ships.warehouse,
        limits=replace(limits, decimals=await counter.set_up.decimals(unit.found.value)),
        notes=(unit.note,) if unit.note else (),
    )


def _ships(counter: Counter, line: DealLine, item: Item, settings: ItemSettings, places: Places) -> Shipping:
    ruled = ruled_places(counter.rules, line_facts(dict(counter.facts), line), places)
    return ship_from(item, ruled, settings=settings, places=places, header=counter.header)
