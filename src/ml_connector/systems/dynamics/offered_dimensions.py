"""What a pass asks F&O about dimensions: the format, the values, display strings, and what records default to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.domain.kept import Kept
from ml_connector.errors import RejectedError
from ml_connector.systems.dynamics.dimension_values import DimensionValues
from ml_connector.systems.dynamics.dimensions import DimensionFormat, default_format, spell
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

ITEMS, ITEM_DIMENSIONS = "ReleasedProductsV2", "DefaultLedgerDimensionDisplayValue"


@dataclass(slots=True)
class OfferedDimensions:
    """The dimensions of one environment, each fact read once: make a new one for each pass."""

    client: DynamicsClient
    values: DimensionValues
    _format: Kept[None, DimensionFormat | None] = field(default_factory=Kept)
    _spelled: Kept[tuple[str, ...], str | None] = field(default_factory=Kept)
    _of_items: Kept[tuple[str, str], str] = field(default_factory=Kept)

    async def format(self) -> DimensionFormat | None:
        """The active default dimension format; None when there is none."""
        return await self._format.get(None, lambda: default_format(self.client))

    async def written(self, form: DimensionFormat, values: Sequence[str]) -> str | None:
        """The display string of these values, one a name of the format, every position kept.

        Values that hold the delimiter are written by F&O itself, and its answer must read as the same values: None
        when it refuses, or when what it wrote could be read otherwise.
        """
        text = form.join(values)
        if text is not None:
            return text
        wanted = tuple(values)
        return await self._spelled.get(wanted, lambda: self._by_dynamics(form, wanted))

    async def read(self, form: DimensionFormat, text: str) -> tuple[str, ...] | None:
        """The values of a display string, one a name of the format; None when it cannot be read with certainty."""
        values = form.split(text)
        if values is None or "\\" not in text:
            return values
        return values if await self.written(form, values) == text else None

    async def of_items(self, legal_entity: str, numbers: Iterable[str]) -> dict[str, str]:
        """The default dimensions of items, by item number; one call for those not known yet."""

        async def read(new: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
            rows = await self.client.rows_by(
                ITEMS,
                "ItemNumber",
                [number for _, number in new],
                select=("dataAreaId", "ItemNumber", ITEM_DIMENSIONS),
                extra_filter=equals("dataAreaId", legal_entity),
            )
            found = {str(row["ItemNumber"]).casefold(): str(row[ITEM_DIMENSIONS] or "") for row in rows}
            return {item: found.get(item[1].casefold(), "") for item in new}

        known = await self._of_items.get_all([(legal_entity, number) for number in numbers], read)
        return {number: text for (_, number), text in known.items()}

    async def _by_dynamics(self, form: DimensionFormat, values: tuple[str, ...]) -> str | None:
        named = [(name, value) for name, value in zip(form.names, values, strict=True) if value]
        try:
            text = await spell(self.client, [name for name, _ in named], [value for _, value in named])
        except RejectedError:
            return None
        return text if form.split(text) == values else None


def offered_dimensions(client: DynamicsClient) -> OfferedDimensions:
    """The dimensions of an environment, nothing read yet."""
    return OfferedDimensions(client, DimensionValues(client))
