"""Released products and a HubSpot library as values that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.matching.products import Product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.domain.records import SourceRecord

LIBRARY_PROPERTIES = ("name", "hs_sku")


def released(record: SourceRecord) -> Product:
    """A product by its own number and its item's."""
    numbers = dict.fromkeys(str(record.fields.get(field) or "") for field in ("ProductNumber", "ItemNumber"))
    name = str(record.fields.get("ProductName") or "")
    return Product(record.key, name=name, numbers=tuple(number for number in numbers if number))


def listed(record: Mapping[str, Any], *, key_property: str) -> Product:
    """A product of the library by its SKU."""
    properties = record["properties"]
    sku = str(properties.get("hs_sku") or "")
    return Product(
        str(record["id"]),
        name=str(properties.get("name") or ""),
        key=str(properties.get(key_property) or ""),
        numbers=(sku,) if sku else (),
    )
