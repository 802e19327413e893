"""Released products of several legal entities, joined into one record per product number.

Display names do not stand in ReleasedProductsV2: they come from AllProducts through the navigation EveryProduct.
Rows arrive ordered by product number, so the rows of one product are neighbours and a page needs to hold back only
its last product. The cursor is that product number: a resumed read begins after the last product handed on, which
no insertion or deletion in between can shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.domain.records import Page
from ml_connector.systems.dynamics.odata import after, equals
from ml_connector.systems.dynamics.source import as_record, both, pick

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from ml_connector.domain.records import SourceRecord
    from ml_connector.systems.dynamics.client import DynamicsClient

DATA_ENTITY = "ReleasedProductsV2"
ORDER = "ProductNumber,dataAreaId"
EXPAND = "EveryProduct($select=ProductNumber,ProductName,ProductDescription)"
OWN_FIELDS = (
    "dataAreaId",
    "ItemNumber",
    "ProductNumber",
    "ProductSubType",
    "SalesPrice",
    "SalesPriceQuantity",
)
SUPPLIED = frozenset(
    {
        "ProductKey",
        "ProductName",
        "ProductDescription",
        "ListPrice",
        "AvailableIn",
        "Status",
    }
)
PRICE_DIGITS = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class ProductSource:
    """Products released to the chosen legal entities, one record each."""

    client: DynamicsClient
    select: tuple[str, ...]
    scope: str
    price_legal_entity: str
    price_property: str  # where the list price goes; part of the record, so that a changed currency is seen

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every product in the order of its number."""
        held: list[Mapping[str, Any]] = []
        link: str | None = None
        done = cursor or ""
        begin = both(self.scope, after("ProductNumber", done)) if done else self.scope
        while True:
            page = await self.client.page(
                DATA_ENTITY, select=self.select, filter=begin, orderby=ORDER, expand=EXPAND, next_link=link
            )
            groups = _grouped([*held, *page.rows])
            held = groups.pop() if page.next_link is not None and groups else []
            records = [record for rows in groups if (record := self.joined(rows)) is not None]
            if groups:
                done = str(groups[-1][0]["ProductNumber"])
            yield Page(
                records, done if page.next_link is not None else None, skipped=len(groups) - len(records)
            )
            if page.next_link is None:
                return
            link = page.next_link

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These products as they are now."""
        rows: list[Mapping[str, Any]] = []
        for key in keys:
            condition = both(self.scope, equals("ProductNumber", key))
            async for page in self.client.pages(
                DATA_ENTITY, select=self.select, filter=condition, orderby=ORDER, expand=EXPAND
            ):
                rows += [row for row in page.rows if row["ProductNumber"] == key]
        return [record for group in _grouped(rows) if (record := self.joined(group)) is not None]

    def joined(self, rows: Sequence[Mapping[str, Any]]) -> SourceRecord | None:
        """One product of all its releases; None for masters, which cannot be sold."""
        entities = sorted({str(row["dataAreaId"]).lower() for row in rows})
        priced = next(
            (row for row in rows if str(row["dataAreaId"]).lower() == self.price_legal_entity), None
        )
        fields = pick(priced or rows[0], self.select, DATA_ENTITY)
        if fields["ProductSubType"] == "ProductMaster":
            return None
        shown = rows[0].get("EveryProduct") or {}
        fields |= {
            "ProductKey": fields["ProductNumber"],
            "ProductName": shown.get("ProductName") or fields["ProductNumber"],
            "ProductDescription": shown.get("ProductDescription") or "",
            "ListPrice": list_price(priced) if priced is not None else None,
            "PriceProperty": self.price_property,
            "AvailableIn": ";".join(entities),
            "Status": "Active",
        }
        return as_record(str(fields["ProductNumber"]), fields)


def list_price(row: Mapping[str, Any]) -> Decimal | None:
    """The price of one sales unit; None when F&O has none, which is not the same as zero."""
    price, per = Decimal(row["SalesPrice"]), Decimal(row["SalesPriceQuantity"])
    if price <= 0:
        return None
    each = price / (per if per > 0 else Decimal(1))
    return each.quantize(PRICE_DIGITS, ROUND_HALF_UP)


def _grouped(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Neighbouring rows of one product number together."""
    groups: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if groups and groups[-1][0]["ProductNumber"] == row["ProductNumber"]:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def product_reading(sources: frozenset[str]) -> tuple[str, ...]:
    """The wire fields to select for a mapping's sources."""
    return tuple(sorted((sources - SUPPLIED) | set(OWN_FIELDS)))
