"""Topic products: released products, and whether their numbers mean the same in every legal entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.fit import Products, Repeats
from ml_connector.domain.keys import external_key
from ml_connector.flows.products.records import DATA_ENTITY
from ml_connector.systems.dynamics.source import in_legal_entities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.app.fit.adoption import Adoption
    from ml_connector.systems.dynamics.client import DynamicsClient

FIELDS = ("dataAreaId", "ItemNumber", "ProductNumber", "ProductSubType", "SalesPrice")


async def products(client: DynamicsClient, legal_entities: Sequence[str], adoption: Adoption) -> Products:
    """Read every release once, a few fields of each."""
    reading = _Reading()
    async for page in client.pages(
        DATA_ENTITY,
        select=FIELDS,
        filter=in_legal_entities(legal_entities),
        orderby="dataAreaId,ItemNumber",
    ):
        for row in page.rows:
            reading.release(row)
            adoption.release(_text(row, "ProductNumber"), _text(row, "ItemNumber"))
    return reading.found()


class _Reading:
    """What is counted while releases go by."""

    def __init__(self) -> None:
        self._masters = 0
        self._without_price = 0
        self._several = Repeats()
        self._other_items, self._other_products = Repeats(), Repeats()

    def release(self, row: Mapping[str, Any]) -> None:
        entity = _text(row, "dataAreaId").lower()
        product, item = _text(row, "ProductNumber"), _text(row, "ItemNumber")
        key = external_key(entity, item)
        if row.get("ProductSubType") == "ProductMaster":
            self._masters += 1
        elif not (row.get("SalesPrice") or 0) > 0:
            self._without_price += 1
        self._several.add(product, key, mark=entity)
        self._other_items.add(product, key, mark=item)
        self._other_products.add(item, key, mark=product)

    def found(self) -> Products:
        disagreeing = self._other_products.found()
        return Products(
            numbers=len(self._several),
            in_several=self._several.found().groups,
            masters=self._masters,
            without_price=self._without_price,
            other_item_numbers=self._other_items.found(),
            other_product_numbers=disagreeing,
            identity="per_legal_entity" if disagreeing.groups else "shared",
        )


def _text(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name) or "")
