"""Financial dimensions as F&O is set up for integrations: the active format, its delimiter, display strings.

Which values there are stands in ``dimension_values``; what a flow asks for in one pass in ``offered_dimensions``.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/financial/dimensions
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.systems.dynamics.models import unexpected
from ml_connector.systems.dynamics.odata import EnumMember, equals
from ml_connector.transport.request import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

DEFAULT_FORMAT = "DataEntityDefaultDimensionFormat"  # the other formats are for ledger accounts and budgets
SPELL = "getSetDisplayValue"
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

    def split(self, text: str) -> tuple[str, ...] | None:
        """The values of a display string, one a name; None when it has more or fewer positions.

        A backslash keeps the delimiter, or another backslash, inside its value. That is how such values are seen to
        be read; F&O does not document it, so whatever holds a backslash is proven by F&O's own spelling before use.
        """
        values = split_display(text, self.delimiter) if text else [""] * len(self.names)
        return tuple(values) if len(values) == len(self.names) else None

    def join(self, values: Sequence[str]) -> str | None:
        """The display string with every position kept; empty without a value, None where F&O must spell it."""
        if not any(values):
            return ""
        return self.delimiter.join(values) if all(map(self._is_plain, values)) else None

    def name_of(self, word: str) -> str | None:
        """The dimension as the format spells it, letter case ignored."""
        return next((name for name in self.names if name.casefold() == word.casefold()), None)

    def _is_plain(self, value: str) -> bool:
        """Whether the value can neither be cut by a delimiter nor lend it a character: ``A-`` before ``--`` would."""
        edges = (value[:1], value[-1:]) if len(self.delimiter) > 1 else ()
        return self.delimiter not in value and "\\" not in value and self.delimiter[0] not in edges


def split_display(text: str, delimiter: str) -> list[str]:
    """The values between the delimiters, escapes resolved."""
    values, current, place = [], "", 0
    while place < len(text):
        if text[place] == "\\" and place + 1 < len(text):
            kept = delimiter if text.startswith(delimiter, place + 1) else text[place + 1]
            current += kept
            place += 1 + len(kept)
        elif text.startswith(delimiter, place):
            values.append(current)
            current = ""
            place += len(delimiter)
        else:
            current += text[place]
            place += 1
    return [*values, current]


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


async def spell(client: DynamicsClient, names: Sequence[str], values: Sequence[str]) -> str:
    """The display string as F&O itself writes it; its action reads only, and leaves out names it does not know.

    Raises:
        RejectedError: F&O does not write such values.

    Source: https://ievgensaxblog.wordpress.com/tag/odata
    """
    fields = {"_attributeNames": list(names), "_attributeValues": list(values)}
    path = f"/data/DimensionSets/Microsoft.Dynamics.DataEntities.{SPELL}"
    reply = await client.transport.read(ReadRequest("dynamics", "POST", path, SPELL, fields=fields))
    text = reply.data.get("value") if isinstance(reply.data, dict) else None
    if not isinstance(text, str):
        raise unexpected(reply, "a display value")
    return text
