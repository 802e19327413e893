"""Released products of the chosen legal entities, page by page: one record a product, or one a legal entity.

Display names do not stand in ReleasedProductsV2: they come from AllProducts through the navigation EveryProduct, or in
another language from ProductTranslations (``texts``). Rows arrive ordered by product number, so the rows of one product
are neighbours and a page needs to hold back only its last product. The cursor is that product number: a resumed read
begins after the last product handed on, which no insertion or deletion in between can shift.

Variants follow the page that their masters stand on, in pages of their own with the cursor from before that page: a
read that is interrupted among them begins with their masters again.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import split_key
from ml_connector.domain.records import Page
from ml_connector.flows.products import variants
from ml_connector.flows.products.records import DATA_ENTITY, Beside, records_of
from ml_connector.flows.products.variants import as_releases, masters_of
from ml_connector.systems.dynamics import odata
from ml_connector.systems.dynamics.odata import after, compare
from ml_connector.systems.dynamics.source import both

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from ml_connector.domain.records import SourceRecord
    from ml_connector.flows.products.optional import OptionalEntity
    from ml_connector.flows.products.records import Rules
    from ml_connector.flows.products.settings import ProductSettings
    from ml_connector.flows.products.stops import SalesStops
    from ml_connector.flows.products.texts import Texts
    from ml_connector.systems.dynamics.client import DynamicsClient

    Row = Mapping[str, Any]

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
SUPPLIED = frozenset(  # sources this flow adds to the wire's own
    {
        "ProductKey",
        "ProductName",
        "ProductDescription",
        "ListPrice",
        "CostPrice",
        "AvailableIn",
        "Status",
    }
)


@dataclass(frozen=True, slots=True)
class ProductSource:
    """Products released to the chosen legal entities."""

    client: DynamicsClient
    scope: str  # the chosen legal entities
    rules: Rules
    texts: Texts
    stops: SalesStops
    variants: OptionalEntity | None  # None: variants are not sent

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every product in the order of its number."""
        held: list[Row] = []
        stops: frozenset[str] | None = None
        link: str | None = None
        done = cursor or ""
        begin = both(self.scope, after("ProductNumber", done)) if done else self.scope
        while True:
            page = await self.client.page(
                DATA_ENTITY,
                select=self.rules.select,
                filter=begin,
                orderby=ORDER,
                expand=EXPAND,
                next_link=link,
            )
            stops = await self.stops.all() if stops is None else stops
            is_last = page.next_link is None
            groups, held = _cut([*held, *page.rows], is_last=is_last)
            if self.variants is not None:
                async with aclosing(self._variant_pages(self.variants, groups, stops, done)) as following:
                    async for of_variants in following:
                        yield of_variants
            beside = Beside(await self.texts.beside(_numbers(groups)), stops)
            done = _numbers(groups)[-1] if groups else done
            yield self._page(groups, beside, None if is_last else done)
            if is_last:
                return
            link = page.next_link

    async def _variant_pages(
        self, entity: OptionalEntity, groups: Sequence[Sequence[Row]], stops: frozenset[str], cursor: str
    ) -> AsyncGenerator[Page, None]:
        """The variants of the masters among these products, in the order of their own numbers."""
        masters = masters_of(row for group in groups for row in group)
        if not masters:
            return
        numbers = [number for number in _numbers(groups) if number.casefold() in masters]
        condition = both(
            self.scope,
            compare("ProductMasterNumber", "ge", numbers[0]),
            compare("ProductMasterNumber", "le", numbers[-1]),
        )
        held: list[Row] = []
        async for page in entity.pages(condition, variants.ORDER):
            rows = [*held, *as_releases(page.rows, masters)]
            found, held = _cut(rows, is_last=page.next_link is None)
            yield self._page(found, Beside(await self.texts.beside(_numbers(found)), stops), cursor)

    def _page(self, groups: Sequence[Sequence[Row]], beside: Beside, cursor: str | None) -> Page:
        """The records of these products; masters count as skipped."""
        records: list[SourceRecord] = []
        skipped = 0
        for rows in groups:
            made = records_of(rows, self.rules, beside)
            records += made
            skipped += 0 if made else 1 if self.rules.is_shared else len(rows)
        return Page(records, cursor, skipped=skipped)

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These products as they are now."""
        releases = await self._releases(keys)
        if self.variants is not None:
            releases += await self._releases_of_variants(self.variants, keys)
        groups, _ = _cut(releases, is_last=True)
        items = dict.fromkeys(str(row["ItemNumber"]) for row in releases)
        beside = Beside(await self.texts.of(_numbers(groups)), await self.stops.among([*items]))
        wanted = set(keys)
        return [record for record in self._page(groups, beside, None).records if record.key in wanted]

    async def _releases(self, keys: Sequence[str]) -> list[Row]:
        """The releases that these keys name, those of one product beside each other."""
        if self.rules.is_shared:
            return await self._by("ProductNumber", keys)
        items = [number for _, number in map(split_key, keys)]
        return sorted(await self._by("ItemNumber", items), key=lambda row: str(row["ProductNumber"]))

    async def _releases_of_variants(self, entity: OptionalEntity, keys: Sequence[str]) -> list[Row]:
        """The same for keys of variants."""
        numbers = list(keys) if self.rules.is_shared else [number for _, number in map(split_key, keys)]
        rows = await entity.rows_by("ProductVariantNumber", numbers, self.scope)
        named = dict.fromkeys(str(row["ProductMasterNumber"]) for row in rows)
        masters = masters_of(await self._by("ProductNumber", [*named]))
        rows.sort(key=lambda row: (row["ProductVariantNumber"], row["dataAreaId"]))
        return list(as_releases(rows, masters))

    async def _by(self, field: str, values: Sequence[str]) -> list[Row]:
        """The releases whose field has exactly one of these values, in as few calls as URLs allow."""
        wanted = dict.fromkeys(values)
        room = (
            odata.LONGEST_FILTER
            - 2 * len(self.scope + EXPAND)
            - sum(len(name) + 1 for name in self.rules.select)
        )
        rows: list[Row] = []
        for chain in odata.chains(field, wanted, room=max(room, 200)):
            async for page in self.client.pages(
                DATA_ENTITY,
                select=self.rules.select,
                filter=both(self.scope, chain),
                orderby=ORDER,
                expand=EXPAND,
            ):
                rows += [row for row in page.rows if row[field] in wanted]
        return rows


def _cut(rows: Sequence[Row], *, is_last: bool) -> tuple[list[list[Row]], list[Row]]:
    """Neighbouring rows of one product together, and the last product apart when more of it may follow."""
    groups: list[list[Row]] = []
    number = None
    for row in rows:
        if row["ProductNumber"] == number:
            groups[-1].append(row)
        else:
            number = row["ProductNumber"]
            groups.append([row])
    held = groups.pop() if groups and not is_last else []
    return groups, held


def _numbers(groups: Sequence[Sequence[Row]]) -> list[str]:
    return [str(rows[0]["ProductNumber"]) for rows in groups]


def product_reading(sources: frozenset[str], settings: ProductSettings) -> tuple[str, ...]:
    """The wire fields to select: a mapping's sources, and what the settings look at."""
    fields = (sources - SUPPLIED) | set(OWN_FIELDS) | {field for _, field, _ in settings.scopes}
    if settings.end_of_life:
        fields |= {"ProductLifecycleStateId"}
    if settings.cost:
        fields |= {"UnitCost", "UnitCostQuantity"}
    return tuple(sorted(fields))
