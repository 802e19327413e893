"""Financial dimensions as F&O is set up for integrations: the active default format and its delimiter.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/financial/dimensions
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.systems.dynamics.odata import EnumMember, equals

if TYPE_CHECKING:
    from ml_connector.systems.dynamics.client import DynamicsClient

DEFAULT_FORMAT = "DataEntityDefaultDimensionFormat"  # the other formats are for ledger accounts and budgets
DELIMITERS = {
    "Hyphen": "-",
    "Period": ".",
    "Underscore": "_",
    "Bar": "|",
    "Tilde": "~",
    "DoubleHyphen": "--",
    "DoublePeriod": "..",
    "DoubleUnderscore": "__",
    "DoubleBar": "||",
    "DoubleTilde": "~~",
}


@dataclass(frozen=True, slots=True)
class DimensionFormat:
    """How a default dimension is written: the names in their order, and what stands between two values."""

    name: str
    names: tuple[str, ...]
    delimiter: str  # empty where it is not one we know


async def default_format(client: DynamicsClient) -> DimensionFormat | None:
    """The active default dimension format; None when there is none."""
    delimiter = await _delimiter(client)
    active = equals("IsActive", EnumMember("NoYes", "Yes"))
    select = ("DimensionFormatName", "DimensionFormatType", "FinancialDimensionFormat")
    async for page in client.pages("DimensionIntegrationFormats", select=select, filter=active):
        for row in page.rows:
            if row.get("DimensionFormatType") == DEFAULT_FORMAT:
                text = str(row.get("FinancialDimensionFormat") or "")
                return DimensionFormat(
                    str(row.get("DimensionFormatName")), _names(text, delimiter), delimiter
                )
    return None


async def _delimiter(client: DynamicsClient) -> str:
    page = await client.page("DimensionParameters", select=("DimensionSegmentDelimiter",), top=1)
    return DELIMITERS.get(str(page.rows[0].get("DimensionSegmentDelimiter")), "") if page.rows else ""


def _names(text: str, delimiter: str) -> tuple[str, ...]:
    """The names in a format, which stand between commas or between the delimiter itself."""
    mark = "," if "," in text or not delimiter else delimiter
    return tuple(name.strip() for name in text.split(mark) if name.strip())
