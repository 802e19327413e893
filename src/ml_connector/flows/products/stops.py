"""Items whose sales are stopped, from their order settings.

Order settings know an item by its item number, a listing of products is in the order of product numbers: the two
cannot be read side by side. So the stopped ones alone are listed, once a crawl and before its first record is made;
they are few, and their names are all that a crawl keeps of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.systems.dynamics.odata import EnumMember, equals
from ml_connector.systems.dynamics.source import both

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ml_connector.flows.products.optional import OptionalEntity

DEFAULT_SETTINGS, SITE_SETTINGS = "ProductDefaultOrderSettings", "ProductSpecificOrderSettingsV3"
DIMENSIONS = (
    "ProductConfigurationId",
    "ProductSizeId",
    "ProductColorId",
    "ProductStyleId",
    "ProductVersionId",
)
DEFAULT_SELECT = ("dataAreaId", "ItemNumber")
SITE_SELECT = (*DEFAULT_SELECT, *DIMENSIONS)
STOPPED = equals("IsSalesProcessingStopped", EnumMember("NoYes", "Yes"))


@dataclass(frozen=True, slots=True)
class SalesStops:
    """The sales stops of the chosen legal entities, from the data entities that the settings name."""

    entities: tuple[OptionalEntity, ...]
    scope: str

    async def all(self) -> frozenset[str]:
        """Everything that is stopped."""
        found: set[str] = set()
        for entity in self.entities:
            async for page in entity.pages(both(self.scope, STOPPED), "dataAreaId,ItemNumber"):
                found.update(_name(row) for row in page.rows)
        return frozenset(found)

    async def among(self, items: Sequence[str]) -> frozenset[str]:
        """What is stopped of these item numbers."""
        found: set[str] = set()
        for entity in self.entities:
            rows = await entity.rows_by("ItemNumber", items, both(self.scope, STOPPED))
            found.update(_name(row) for row in rows)
        return frozenset(found)


def is_stopped(release: Mapping[str, Any], stops: Collection[str]) -> bool:
    """Whether a release, or the variant it stands for, is stopped."""
    item = _item(release)
    return item in stops or ("ProductVariantNumber" in release and _name(release) in stops)


def _item(row: Mapping[str, Any]) -> str:
    return f"{row['dataAreaId']}:{row['ItemNumber']}".casefold()


def _name(row: Mapping[str, Any]) -> str:
    """The item, or one variant of it where the row names dimensions."""
    dimensions = [str(row.get(name) or "") for name in DIMENSIONS]
    return "\n".join([_item(row), *dimensions]).casefold() if any(dimensions) else _item(row)
