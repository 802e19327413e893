"""Why a line has no item in the legal entity that sells: no product, sold elsewhere, or nowhere; and what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.flows.orders.deal.line_problems import LineProblem
from ml_connector.flows.orders.lines.catalogue import Kind, sold_in
from ml_connector.flows.orders.lines.suggest import name_like, number_like

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ml_connector.flows.orders.deal.snapshot import DealLine, DealSnapshot
    from ml_connector.flows.orders.lines.products import Counter, Named

Sold = dict[str, frozenset[str]]  # id of a line -> the legal entities that sell its product


async def why_unfound(
    counter: Counter,
    snapshot: DealSnapshot,
    named: Mapping[str, Named | None],
    unfound: Sequence[DealLine],
) -> list[LineProblem]:
    """A problem for each line without an item; of a deal that no legal entity sells whole, for the others too."""
    if not unfound:
        return []
    sold = await _sold(counter, named)
    split = [*_split(snapshot, sold)] if _is_split(sold) else []
    said = {problem.line.id for problem in split}
    others = [
        await _one(counter, line, named[line.id], sold.get(line.id, ()))
        for line in unfound
        if line.id not in said
    ]
    return [*others, *split]


async def _sold(counter: Counter, named: Mapping[str, Named | None]) -> Sold:
    """Where each line's product is sold; a key of one legal entity is sold in that one."""
    numbers = dict.fromkeys(name.number for name in named.values() if name and name.kind != Kind.ITEM)
    places = await sold_in(counter.dynamics, [*numbers])
    return {
        line_id: frozenset({name.elsewhere or counter.legal_entity})
        if name.kind == Kind.ITEM
        else frozenset(places.get(name.number, ()))
        for line_id, name in named.items()
        if name is not None
    }


def _is_split(sold: Sold) -> bool:
    """Whether no legal entity sells all that is sold at all."""
    somewhere = [entities for entities in sold.values() if entities]
    return bool(somewhere) and not frozenset.intersection(*somewhere)


def _split(snapshot: DealSnapshot, sold: Sold) -> Iterator[LineProblem]:
    for line in snapshot.lines:
        entities = sold.get(line.id)
        if entities:
            words = f"is sold in {_listed(entities)}."
            yield LineProblem(line, code="order.item_elsewhere", words=words)


async def _one(counter: Counter, line: DealLine, name: Named | None, sold: Collection[str]) -> LineProblem:
    here = counter.legal_entity
    if name is None:
        near = await name_like(counter.dynamics, here, line.name)
        words = f"names no product.{near} Choose the product that was sold."
        return LineProblem(line, code="order.line_without_product", words=words)
    words = f"names {name.number} ({name.rule}), which is not released in {here}"
    if sold and here not in sold:
        return LineProblem(line, code="order.item_unknown", words=f"{words} but sold in {_listed(sold)}.")
    near = await number_like(counter.dynamics, here, name.number)
    return LineProblem(line, code="order.item_unknown", words=f"{words}.{near}")


def _listed(entities: Collection[str]) -> str:
    return ", ".join(sorted(entities))
