"""OData text: every filter and key of the connector is built here, escaped by the type of its value.

Quote doubling happens here, percent-encoding of queries in the transport and of keys in ``key_path``.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LONGEST_FILTER = 1_600  # characters once encoded; a whole URL stays below 2,000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_IN_A_KEY_PATH = re.compile(r"[/\\%*\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class EnumMember:
    """A member of an F&O enumeration: ``EnumMember("NoYes", "Yes")``."""

    type: str
    member: str


Value = str | int | Decimal | date | datetime | EnumMember


def name(text: str) -> str:
    """A property or data entity name, letters, digits and underscores only.

    Raises:
        ConfigurationError: It is not a name F&O could have.
    """
    if not _NAME.fullmatch(text):
        raise ConfigurationError(f"{text!r} is not a name in Dynamics.", code="dynamics.name")
    return text


def literal(value: Value) -> str:
    """A value as it stands in a filter, not yet percent-encoded.

    A plain date is an F&O date, which the service keeps as noon UTC.
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, EnumMember):
        return f"Microsoft.Dynamics.DataEntities.{name(value.type)}'{name(value.member)}'"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return f"{value.isoformat()}T12:00:00Z"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(int(value))


def compare(field: str, operator: str, value: Value) -> str:
    """One comparison; ``operator`` is eq, ne, gt, ge, lt or le."""
    if operator not in {"eq", "ne", "gt", "ge", "lt", "le"}:
        raise ConfigurationError(f"{operator!r} is not a comparison.", code="dynamics.operator")
    return f"{name(field)} {operator} {literal(value)}"


def equals(field: str, value: Value) -> str:
    """Equality. In texts F&O ignores case and reads ``*`` as a wildcard: compare the rows once more."""
    return compare(field, "eq", value)


def after(field: str, value: Value) -> str:
    """Beyond a value, for reading on in the order of a field."""
    return compare(field, "gt", value)


def all_of(terms: Iterable[str]) -> str:
    """All of them; empty terms are left out."""
    return " and ".join(term for term in terms if term)


def any_of(terms: Iterable[str]) -> str:
    """Any of them, in parentheses where there are several; empty terms are left out."""
    kept = [term for term in terms if term]
    return f"({' or '.join(kept)})" if len(kept) > 1 else "".join(kept)


def chains(field: str, values: Iterable[str], *, room: int = LONGEST_FILTER) -> Iterator[str]:
    """Or-chains over the values, each at most ``room`` characters once encoded (F&O has no ``in``)."""
    chain: list[str] = []
    length = 0
    for value in values:
        term = equals(field, value)
        size = len(quote(f" or {term}", safe="'()"))
        if chain and length + size > room:
            yield any_of(chain)
            chain, length = [], 0
        chain.append(term)
        length += size
    if chain:
        yield any_of(chain)


def fits_key_path(key: Mapping[str, str]) -> bool:
    """Whether every value may stand in a URL path; the others are looked up by filter."""
    return not any(_NOT_IN_A_KEY_PATH.search(value) for value in key.values())


def key_path(data_entity: str, key: Mapping[str, Value]) -> str:
    """``CustomersV3(dataAreaId='usmf',CustomerAccount='A')``, percent-encoded; values are never trimmed."""
    parts = ",".join(f"{name(field)}={quote(literal(value), safe=chr(39))}" for field, value in key.items())
    return f"{name(data_entity)}({parts})"
