"""Order settings of items: sales stops, where an item leaves from by itself, and how much a line may be for.

F&O keeps default ones for each item, and specific ones for a site, a variant, or both. A tenant may let an
integration read neither; F&O then decides alone, and the draft says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.flows.orders.draft.resolved import QuantityLimits
from ml_connector.flows.orders.lines.catalogue import DIMENSIONS, Item
from ml_connector.flows.orders.set_up import Row, if_offered
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

DEFAULT_SETTINGS, SPECIFIC_SETTINGS = "ProductDefaultOrderSettings", "ProductSpecificOrderSettingsV3"
_COMMON_FIELDS = (
    "dataAreaId",
    "ItemNumber",
    "IsSalesProcessingStopped",
    "SalesSiteId",
    "SalesWarehouseId",
    "IsSalesSiteMandatory",
    "IsSalesWarehouseMandatory",
    "MinimumSalesOrderQuantity",
    "MaximumSalesOrderQuantity",
    "SalesQuantityMultiples",
)
DEFAULT_FIELDS = _COMMON_FIELDS
SPECIFIC_FIELDS = (
    *_COMMON_FIELDS,
    "OperationalSiteId",
    "AreSalesDefaultOrderSettingsOverridden",
    *DIMENSIONS,
)
NOTHING: Row = {}


@dataclass(frozen=True, slots=True)
class ItemSettings:
    """The order settings of some items in one legal entity, by item number without case."""

    default: Mapping[str, Row] = field(default_factory=dict)
    specific: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    known: bool = False  # the default ones could be read

    def default_site(self, item: Item) -> str:
        """Where the item leaves from when nobody says."""
        return str(self._default(item).get("SalesSiteId", ""))

    def warehouse_at(self, item: Item, site: str, site_of: Mapping[str, str]) -> str:
        """The item's own warehouse at a site; empty when it has none there."""
        candidates = [
            *(row["SalesWarehouseId"] for row in self._fitting(item, site) if row["OperationalSiteId"])
        ]
        candidates.append(str(self._default(item).get("SalesWarehouseId", "")))
        return next((name for name in candidates if name and site_of.get(name, "") == site), "")

    def needs_warehouse(self, item: Item, site: str) -> bool:
        """Whether F&O takes no line without a warehouse."""
        rows = (self._default(item), *self._fitting(item, site))
        return any(row.get("IsSalesWarehouseMandatory") == "Yes" for row in rows)

    def is_stopped(self, item: Item, site: str) -> bool:
        """Whether sales are stopped: everywhere, for the variant, or at the site."""
        rows = (self._default(item), *self._fitting(item, site))
        return any(row.get("IsSalesProcessingStopped") == "Yes" for row in rows)

    def limits(self, item: Item, site: str) -> QuantityLimits:
        """How much a line may be for: by specific settings that override, else by the default ones."""
        overriding = (
            row for row in self._fitting(item, site) if row["AreSalesDefaultOrderSettingsOverridden"] == "Yes"
        )
        row = next(overriding, self._default(item))
        return QuantityLimits(
            least=_number(row, "MinimumSalesOrderQuantity"),
            most=_number(row, "MaximumSalesOrderQuantity"),
            multiple=_number(row, "SalesQuantityMultiples"),
        )

    def _default(self, item: Item) -> Row:
        return self.default.get(item.number.casefold(), NOTHING)

    def _fitting(self, item: Item, site: str) -> Iterator[Row]:
        """Specific settings for this site or any, for this variant or any."""
        for row in self.specific.get(item.number.casefold(), ()):
            at_site = row["OperationalSiteId"] in ("", site)
            if at_site and all(row[name] in ("", item.variant.get(name, "")) for name in DIMENSIONS):
                yield row


async def read_item_settings(
    dynamics: DynamicsClient, legal_entity: str, numbers: Sequence[str]
) -> ItemSettings:
    """The order settings of these items, in two calls."""
    here = equals("dataAreaId", legal_entity)
    default, specific = await asyncio.gather(
        if_offered(
            dynamics.rows_by(
                DEFAULT_SETTINGS, "ItemNumber", numbers, select=DEFAULT_FIELDS, extra_filter=here
            )
        ),
        if_offered(
            dynamics.rows_by(
                SPECIFIC_SETTINGS, "ItemNumber", numbers, select=SPECIFIC_FIELDS, extra_filter=here
            )
        ),
    )
    by_item: dict[str, list[Row]] = {}
    for row in _of(legal_entity, specific):
        by_item.setdefault(row["ItemNumber"].casefold(), []).append(row)
    return ItemSettings(
        {row["ItemNumber"].casefold(): row for row in _of(legal_entity, default)},
        by_item,
        known=default is not None,
    )


def _of(legal_entity: str, rows: Sequence[Row] | None) -> list[Row]:
    return [row for row in rows or () if row["dataAreaId"].lower() == legal_entity]


def _number(row: Row, name: str) -> Decimal:
    return Decimal(row.get(name) or 0)
