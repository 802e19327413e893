"""Financial dimensions: display values in the order of the active default dimension format.

https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/financial/dimensions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.entities import EMPTY_DATE
from ml_connector.twin.dynamics.environment import DELIMITERS as MARKS
from ml_connector.twin.dynamics.errors import RefusalError, invalid_field
from ml_connector.twin.dynamics.values import noon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.twin.dynamics.environment import Change, Environment
    from ml_connector.twin.dynamics.tables import Row

# Member of DimensionSegmentDelimiter by character.
DELIMITERS = {mark: member for member, mark in MARKS.items()}


def split_segments(text: str, delimiter: str) -> list[str]:
    """The segment values of a display value; a backslash keeps a delimiter inside its value."""
    segments, current, place = [], "", 0
    while place < len(text):
        if text[place] == "\\" and place + 1 < len(text):
            kept = delimiter if text.startswith(delimiter, place + 1) else text[place + 1]
            current += kept
            place += 1 + len(kept)
        elif text.startswith(delimiter, place):
            segments.append(current)
            current = ""
            place += len(delimiter)
        else:
            current += text[place]
            place += 1
    return [*segments, current]


def join_segments(values: Sequence[str], delimiter: str) -> str:
    """A display value, all positions kept; empty when every segment is."""
    if not any(values):
        return ""
    return delimiter.join(
        value.replace("\\", "\\\\").replace(delimiter, f"\\{delimiter}") for value in values
    )


def merge(environment: Environment, sent: str, default: str) -> str:
    """A sent display value with its empty segments filled from a default."""
    if not sent or not default:
        return sent or default
    delimiter = environment.delimiter
    pairs = zip(split_segments(sent, delimiter), split_segments(default, delimiter), strict=False)
    return join_segments([value or fallback for value, fallback in pairs], delimiter)


def check_display_value(environment: Environment, change: Change, name: str) -> None:
    """Refuse a sent display value that does not fit the format or names unusable values.

    Raises:
        InfologError: wrong number of segments, or a value that is unknown or suspended.
    """
    text = change.fields.get(name, "")
    if not text:
        return
    if not environment.dimensions:
        raise invalid_field(
            "No active dimension format for data entities has been set up for default dimensions.",
            change.field_name(name),
        )
    segments = split_segments(text, environment.delimiter)
    if len(segments) != len(environment.dimensions):
        raise invalid_field(
            f"The display value '{text}' has {len(segments)} segments; "
            f"the active dimension format has {len(environment.dimensions)}.",
            change.field_name(name),
        )
    for dimension, value in zip(environment.dimensions, segments, strict=True):
        problem = _problem(environment, change, dimension, value)
        if problem:
            raise invalid_field(problem, change.field_name(name))


def _problem(environment: Environment, change: Change, dimension: str, value: str) -> str:
    if not value:
        return ""
    table = environment.store.tables["FinancialDimensionValues"]
    key = ("FinancialDimension", "LegalEntityId", "DimensionValue")
    row = table.find(key, [dimension, "", value]) or table.find(key, [dimension, change.company, value])
    if row is None:
        return f"The value '{value}' is not valid for financial dimension '{dimension}'."
    overrides = environment.store.tables["FinancialDimensionValueLegalEntityOverridesV2"]
    of_entity = overrides.find(
        ("FinancialDimension", "DimensionValue", "LegalEntityId"), [dimension, value, change.company]
    )
    for found in (of_entity, row):
        word = _unusable(found, noon(change.now)) if found is not None else ""
        if word:
            return f"The value '{value}' of financial dimension '{dimension}' is {word}."
    return ""


def _unusable(row: Row, today: str) -> str:
    """Why a value cannot be used on that day; empty when it can."""
    own = row.values
    if own.get("IsSuspended") == "Yes":
        return "suspended"
    if own.get("IsBlockedForManualEntry") == "Yes":
        return "blocked for manual entry"
    last = own.get("ActiveTo", EMPTY_DATE)
    if own.get("ActiveFrom", EMPTY_DATE) > today or EMPTY_DATE[:10] != last[:10] < today[:10]:
        return "not active on this date"
    return ""


def set_display_value(environment: Environment, names: Sequence[str], values: Sequence[str]) -> str:
    """What ``getSetDisplayValue`` answers; dimensions outside the format are skipped.

    Raises:
        RefusalError: 400, unequal lists, or a delimiter inside a value where that is not supported.
    """
    if len(names) != len(values):
        raise RefusalError(400, "The lists of attribute names and values differ in length.")
    if environment.is_on("dimension_escape", "refused") and any(environment.delimiter in v for v in values):
        raise RefusalError(400, "A dimension value contains the segment delimiter.")
    by_name = {name.casefold(): value for name, value in zip(names, values, strict=True)}
    ordered = [by_name.get(name.casefold(), "") for name in environment.dimensions]
    return join_segments(ordered, environment.delimiter)
