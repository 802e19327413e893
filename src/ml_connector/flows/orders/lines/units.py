"""In which unit a line is ordered: as it was quoted, which the price is for, else as the item is sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.flows.orders.draft.resolved import Found
from ml_connector.flows.orders.set_up import Row, if_offered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.flows.orders.deal.snapshot import DealLine
    from ml_connector.flows.orders.lines.catalogue import Item
    from ml_connector.systems.dynamics.client import DynamicsClient

QUOTED = "d365_sales_unit"
CONVERSIONS, OWN_CONVERSIONS = "UnitOfMeasureConversions", "ProductUnitOfMeasureConversions"
CONVERSION_FIELDS = ("FromUnitSymbol", "ToUnitSymbol")
OWN_CONVERSION_FIELDS = (*CONVERSION_FIELDS, "ProductNumber")


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a line; ``note`` tells that the item is sold by another one now."""

    found: Found
    is_own: bool  # it is the item's sales unit
    note: str = ""


def quoted_unit(line: DealLine) -> str:
    """The unit the line's price is for: copied to the line when it was quoted, else the product's."""
    return line.properties.get(QUOTED) or line.product.get(QUOTED, "")


async def unit_of(dynamics: DynamicsClient, line: DealLine, item: Item) -> Unit | None:
    """The unit of one line; None when it was quoted in one that F&O cannot convert to the item's."""
    quoted = quoted_unit(line)
    if not quoted:
        return Unit(Found(item.unit, "the item's sales unit"), is_own=True)
    if quoted.casefold() == item.unit.casefold():
        return Unit(Found(item.unit, "the unit the line was quoted in"), is_own=True)
    if not await _is_convertible(dynamics, item, quoted):
        return None
    note = (
        f"Line '{line.name}' was quoted by {quoted} and is ordered so; the item is now sold by {item.unit}."
    )
    return Unit(Found(quoted, "the unit the line was quoted in"), is_own=False, note=note)


async def _is_convertible(dynamics: DynamicsClient, item: Item, quoted: str) -> bool:
    """Whether F&O converts between the two, for this product or for all."""
    units = (quoted, item.unit)
    own = await if_offered(
        dynamics.rows_by(
            OWN_CONVERSIONS, "ProductNumber", [item.product_number], select=OWN_CONVERSION_FIELDS
        )
    )
    if _joins(own or (), units):
        return True
    every = await if_offered(dynamics.rows_by(CONVERSIONS, "FromUnitSymbol", units, select=CONVERSION_FIELDS))
    return _joins(every or (), units)


def _joins(rows: Iterable[Row], units: tuple[str, str]) -> bool:
    wanted = {unit.casefold() for unit in units}
    return any({row[name].casefold() for name in CONVERSION_FIELDS} == wanted for row in rows)
