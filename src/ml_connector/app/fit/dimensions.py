"""Topic dimensions: the format orders would be written in, and values that do not fit between its delimiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.fit import EXAMPLES, Dimensions
from ml_connector.errors import ConnectorError
from ml_connector.systems.dynamics.dimensions import default_format

if TYPE_CHECKING:
    from ml_connector.systems.dynamics.client import DynamicsClient

SAMPLE = 5_000  # values read at most


async def dimensions(client: DynamicsClient) -> Dimensions:
    """The active default format, and whether a sample of values holds its delimiter."""
    found = await default_format(client)
    if found is None:
        return Dimensions("", (), "", None, 0, ())
    values = await _values(client, frozenset(name.casefold() for name in found.names))
    split = [value for value in values or () if found.delimiter and found.delimiter in value]
    return Dimensions(
        format_name=found.name,
        names=found.names,
        delimiter=found.delimiter,
        values_read=None if values is None else len(values),
        values_with_delimiter=len(split),
        examples=tuple(split[:EXAMPLES]),
    )


async def _values(client: DynamicsClient, names: frozenset[str]) -> list[str] | None:
    """A sample of the values of these dimensions; None where the environment does not list them."""
    values: list[str] = []
    select = ("FinancialDimension", "DimensionValue")
    try:
        async for page in client.pages("FinancialDimensionValues", select=select, top=SAMPLE):
            values += [
                str(row.get("DimensionValue") or "")
                for row in page.rows
                if str(row.get("FinancialDimension")).casefold() in names
            ]
    except ConnectorError:
        return None
    return values
