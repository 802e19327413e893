"""Released products and a product library: the same when the SKU is the product's or the item's number, exactly."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.matching.deciding import OWN_KEY, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Product:
    """What can be compared of a product: its numbers on the one side, its SKU on the other."""

    id: str
    name: str = ""
    key: str = ""
    numbers: tuple[str, ...] = ()


def product_pairs(sources: Iterable[Product], targets: Iterable[Product]) -> Iterator[Proposal]:
    """Every pair with a number in common; one that differs in case, blanks or zeros before it is doubtful."""
    own_keys: dict[str, Product] = {}
    of_number: dict[str, list[Product]] = defaultdict(list)
    of_loose: dict[str, list[Product]] = defaultdict(list)
    for target in targets:
        if target.key:
            own_keys[target.key] = target
            continue
        for number in target.numbers:
            of_number[number].append(target)
            of_loose[_loose(number)].append(target)
    for source in sources:
        if (own := own_keys.get(source.id)) is not None:
            yield Proposal(source.id, own.id, OWN_KEY, 1000, certain=True, reasons=(f"carries {source.id}",))
            continue
        yield from _of(source, of_number, of_loose)


def _of(
    source: Product, of_number: dict[str, list[Product]], of_loose: dict[str, list[Product]]
) -> Iterator[Proposal]:
    exact = {target.id: number for number in source.numbers for target in of_number.get(number, ())}
    for target_id, number in exact.items():
        yield Proposal(source.id, target_id, "SKU", 950, certain=True, reasons=(f"SKU {number}",))
    for number in source.numbers:
        for target in of_loose.get(_loose(number), ()):
            if target.id not in exact:
                exact[target.id] = number
                reasons = (f"SKU {target.numbers[0]}, number {number}",)
                yield Proposal(
                    source.id, target.id, "SKU written differently", 600, certain=False, reasons=reasons
                )


def _loose(number: str) -> str:
    """A number without what people write differently: case, blanks, hyphens, zeros before it."""
    signs = "".join(sign for sign in number.casefold() if sign.isalnum())
    return signs.lstrip("0") or signs
