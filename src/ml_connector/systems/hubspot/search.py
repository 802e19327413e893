"""Filters and sorts of HubSpot's search, which lags behind writes by seconds.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_PAGE = 200
FURTHEST = 10_000  # results of one query; beyond them HubSpot answers 400: split the window
MOST_FILTERS = 6

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Filter = dict[str, Any]
Sort = dict[str, str]


def equals(name: str, value: str) -> Filter:
    """The property has this value; case counts only in enumerations."""
    return {"propertyName": name, "operator": "EQ", "value": value}


def one_of(name: str, values: Sequence[str]) -> Filter:
    """The property has one of these values (lower case for texts)."""
    return {"propertyName": name, "operator": "IN", "values": list(values)}


def none_of(name: str, values: Sequence[str]) -> Filter:
    """The property has none of these values (lower case for texts)."""
    return {"propertyName": name, "operator": "NOT_IN", "values": list(values)}


def beyond(name: str, value: str | datetime) -> Filter:
    """The property lies beyond this value."""
    return {"propertyName": name, "operator": "GT", "value": _text(value)}


def at_least(name: str, value: str | datetime) -> Filter:
    """The property is this value or beyond it; moments travel as epoch milliseconds."""
    return {"propertyName": name, "operator": "GTE", "value": _text(value)}


def at_most(name: str, value: str | datetime) -> Filter:
    """The property is this value or before it."""
    return {"propertyName": name, "operator": "LTE", "value": _text(value)}


def known(name: str) -> Filter:
    """The property has any value."""
    return {"propertyName": name, "operator": "HAS_PROPERTY"}


def unknown(name: str) -> Filter:
    """The property has no value."""
    return {"propertyName": name, "operator": "NOT_HAS_PROPERTY"}


def contains_token(name: str, word: str) -> Filter:
    """The property's text holds this word."""
    return {"propertyName": name, "operator": "CONTAINS_TOKEN", "value": word}


def ascending(name: str) -> Sort:
    """Smallest or oldest first; HubSpot takes one sort rule."""
    return {"propertyName": name, "direction": "ASCENDING"}


def descending(name: str) -> Sort:
    """Largest or newest first."""
    return {"propertyName": name, "direction": "DESCENDING"}


def body(
    filters: Sequence[Filter], sorts: Sequence[Sort], properties: Sequence[str], limit: int, after: str | None
) -> dict[str, Any]:
    """The request body: all filters must hold.

    Raises:
        ConfigurationError: HubSpot would refuse it.
    """
    if len(filters) > MOST_FILTERS or len(sorts) > 1 or not 1 <= limit <= LARGEST_PAGE:
        raise ConfigurationError(
            f"A HubSpot search takes {MOST_FILTERS} filters, one sort and a page of {LARGEST_PAGE} at most.",
            code="hubspot.search",
        )
    if after is not None and after.isdigit() and int(after) >= FURTHEST:
        raise ConfigurationError(
            f"A HubSpot search ends after {FURTHEST} results; narrow its window.",
            code="hubspot.search_window",
        )
    found: dict[str, Any] = {
        "filterGroups": [{"filters": list(filters)}] if filters else [],
        "sorts": list(sorts),
        "properties": list(properties),
        "limit": limit,
    }
    if after is not None:
        found["after"] = after
    return found


def _text(value: str | datetime) -> str:
    """Whole milliseconds, counted exactly: a moment that HubSpot told is found again."""
    return value if isinstance(value, str) else str((value - _EPOCH) // timedelta(milliseconds=1))
