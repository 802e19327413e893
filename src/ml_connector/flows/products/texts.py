"""Names and descriptions in the language that sales works in, from ProductTranslations.

Beside a page of products stands the range of translations from its first to its last number, asked for with ``ge``
and ``le``: one call a page, whatever the size of the catalogue. Two sorted listings are not merged here by comparing
numbers: F&O sorts by its database's collation, which Python's order is not. In a range F&O alone compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.systems.dynamics.odata import compare, equals
from ml_connector.systems.dynamics.source import both

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.flows.products.optional import OptionalEntity

DATA_ENTITY = "ProductTranslations"
SELECT = ("ProductNumber", "LanguageId", "ProductName", "Description")


class Text(NamedTuple):
    """How a product is called; what is empty falls back to the language of AllProducts."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The translations of one language; ``language`` empty: none are read."""

    entity: OptionalEntity
    language: str

    async def beside(self, numbers: Sequence[str]) -> dict[str, Text]:
        """The translations of these products, which stand in the order F&O listed them."""
        if not self.language or not numbers:
            return {}
        wanted = {number.casefold() for number in numbers}
        condition = both(
            equals("LanguageId", self.language),
            compare("ProductNumber", "ge", numbers[0]),
            compare("ProductNumber", "le", numbers[-1]),
        )
        found: dict[str, Text] = {}
        async for page in self.entity.pages(condition, "ProductNumber"):
            found |= self._texts(row for row in page.rows if row["ProductNumber"].casefold() in wanted)
        return found

    async def of(self, numbers: Sequence[str]) -> dict[str, Text]:
        """The translations of these products, wherever they stand."""
        if not self.language:
            return {}
        rows = await self.entity.rows_by("ProductNumber", numbers, equals("LanguageId", self.language))
        return self._texts(rows)

    def _texts(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, Text]:
        language = self.language.casefold()
        return {
            row["ProductNumber"].casefold(): Text(row["ProductName"], row["Description"])
            for row in rows
            if row["LanguageId"].casefold() == language
        }
