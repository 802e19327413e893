"""Which products changed since a moment: by a field of ReleasedProductsV2 that the tenant added, or by item tables.

InventTable holds the item, InventTableModule its price and unit. Names, translations, groups and sales stops stand in
further tables without such a time: a change of those alone is found by the next full crawl.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.keys import external_key
from ml_connector.engine.ports import Changed
from ml_connector.flows.products import variants
from ml_connector.flows.products.records import DATA_ENTITY
from ml_connector.systems.dynamics.changes import BI_FIELD, ChangedRows, TimedSet, timed_sets
from ml_connector.systems.dynamics.odata import EnumMember, equals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from ml_connector.flows.products.optional import OptionalEntity
    from ml_connector.flows.products.source import ProductSource
    from ml_connector.systems.dynamics.client import DynamicsClient

    Row = Mapping[str, Any]

BI_ENTITIES = (
    TimedSet("InventTableBiEntities", BI_FIELD, ("dataAreaId", "ItemId")),
    TimedSet(
        "InventTableModuleBiEntities",
        BI_FIELD,
        ("dataAreaId", "ItemId"),
        equals("ModuleType", EnumMember("ModuleInventPurchSales", "Sales")),
    ),
)
OWN_KEY = ("dataAreaId", "ItemNumber")
NAMED = ("dataAreaId", "ItemNumber", "ProductNumber", "ProductSubType")


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """Keys of products by the times of change of their items, and of the variants of masters among them."""

    client: DynamicsClient
    rows: ChangedRows
    is_shared: bool
    variants: OptionalEntity | None
    read_by: str

    async def newest(self) -> str:
        """The newest time of change."""
        return await self.rows.newest()

    async def changed(self, after: datetime, *, most: int) -> Changed:
        """The products of which an item changed later than that."""
        found = await self.rows.after(after, most=most)
        if not found.whole:
            return Changed([], found.reach, whole=False)
        items = {(str(row["dataAreaId"]), str(row[timed.key[1]])) for timed, row in found.rows}
        return Changed(await self._keys(sorted(items)), found.reach)

    async def _keys(self, items: Sequence[tuple[str, str]]) -> list[str]:
        """The keys by which these items are known in HubSpot."""
        numbers = list(dict.fromkeys(item for _, item in items))
        found = await self.client.rows_by(
            DATA_ENTITY, "ItemNumber", numbers, select=NAMED, extra_filter=self.rows.scope
        )
        wanted = {(entity.casefold(), item.casefold()) for entity, item in items}
        releases = [
            row for row in found if (row["dataAreaId"].casefold(), row["ItemNumber"].casefold()) in wanted
        ]
        keys = [self._key(row, "ProductNumber", "ItemNumber") for row in releases]
        masters = {row["ProductNumber"] for row in releases if row["ProductSubType"] == variants.MASTER}
        if self.variants is not None and masters:
            rows = await self.variants.rows_by("ProductMasterNumber", sorted(masters), self.rows.scope)
            keys += [self._key(row, "ProductVariantNumber", "ProductVariantNumber") for row in rows]
        return list(dict.fromkeys(keys))

    def _key(self, row: Row, shared: str, own: str) -> str:
        return str(row[shared]) if self.is_shared else external_key(row["dataAreaId"], row[own])


def product_changes(dynamics: DynamicsClient, source: ProductSource, read_by: str) -> ProductChanges | None:
    """As ``products.changes_from`` says; None where it is off."""
    rows = changed_items(dynamics, source.rules.settings.changes_from, source.scope)
    if not rows.sets:
        return None
    return ProductChanges(dynamics, rows, source.rules.is_shared, source.variants, read_by)


def changed_items(dynamics: DynamicsClient, chosen: str, scope: str) -> ChangedRows:
    """The rows that tell of changed items; without data entities where it is off."""
    sets = timed_sets(chosen, own=TimedSet(DATA_ENTITY, chosen, OWN_KEY), bi=BI_ENTITIES)
    return ChangedRows(dynamics, sets, scope, f"products.changes_from = {chosen}")
