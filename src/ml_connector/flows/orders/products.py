"""Step products: each line to an item that is released in the legal entity that sells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import RecordError
from ml_connector.flows.orders.resolved import Found, ResolvedItem
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.flows.orders.snapshot import DealLine, DealSnapshot
    from ml_connector.systems.dynamics.client import DynamicsClient

ITEM_FIELDS = ("dataAreaId", "ItemNumber", "ProductNumber", "SalesUnitSymbol")


async def resolve_items(
    dynamics: DynamicsClient, snapshot: DealSnapshot, legal_entity: str
) -> dict[str, ResolvedItem]:
    """The item behind each line, by line id; every line that has none is named in one sentence."""
    wanted = {line.id: line.product_key or line.sku for line in snapshot.lines}
    numbers = sorted({number for number in wanted.values() if number})
    rows = (
        await dynamics.rows_by(
            "ReleasedProductsV2",
            "ProductNumber",
            numbers,
            select=ITEM_FIELDS,
            extra_filter=equals("dataAreaId", legal_entity),
        )
        if numbers
        else []
    )
    released = {row["ProductNumber"]: row for row in rows if row["dataAreaId"].lower() == legal_entity}
    missing = [line for line in snapshot.lines if wanted[line.id] not in released]
    if missing:
        raise _items_missing(snapshot, missing, wanted, legal_entity)
    return {
        line.id: ResolvedItem(
            Found(
                released[wanted[line.id]]["ItemNumber"],
                "the product's key" if line.product_key else "the line's SKU",
            ),
            Found(released[wanted[line.id]]["SalesUnitSymbol"], "the item's sales unit"),
        )
        for line in snapshot.lines
    }


def _items_missing(
    snapshot: DealSnapshot, missing: Sequence[DealLine], wanted: dict[str, str], legal_entity: str
) -> RecordError:
    without = [line for line in missing if not wanted[line.id]]
    named = "; ".join(
        f"'{line.name}' ({wanted[line.id]})" if wanted[line.id] else f"'{line.name}' (no product)"
        for line in missing
    )
    if len(without) == len(missing):
        return RecordError(
            f"{snapshot.subject}: these lines name no product: {named}. Choose a product for each line.",
            code="order.line_without_product",
            lines=[line.id for line in missing],
        )
    return RecordError(
        f"{snapshot.subject}: not released in {legal_entity}: {named}. Release the product there or change the line.",
        code="order.item_unknown",
        lines=[line.id for line in missing],
    )
