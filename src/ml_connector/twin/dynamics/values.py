"""Values as clients send them, turned into the form rows hold and answers show."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.errors import bad_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.twin.dynamics.entities import EntitySet, Property, Schema

_GUID = re.compile(r"[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}")
_BASE64 = re.compile(r"(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?")
_INT_BITS = {"int32": 31, "int64": 63}


def read_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; numbers with a point become Decimal with their own digits.

    Raises:
        RefusalError: 400, not a JSON object.
    """
    try:
        read = json.loads(body, parse_float=Decimal)
    except ValueError as problem:
        raise bad_body("The body is not valid JSON.") from problem
    if not isinstance(read, dict):
        raise bad_body("The body must be one JSON object.")
    return read


def read_fields(entity_set: EntitySet, schema: Schema, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The sent properties in the form rows hold; annotations are ignored.

    Raises:
        RefusalError: 400, a property the type does not have or a value of the wrong kind.
    """
    fields = {}
    for name, value in sent.items():
        if "@odata." in name:
            continue
        found = entity_set.properties.get(name)
        if found is None:
            raise bad_body(
                f"The property '{name}' does not exist on type "
                f"'Microsoft.Dynamics.DataEntities.{entity_set.type}'."
            )
        fields[name] = read_value(found, schema, value)
    return fields


def read_value(found: Property, schema: Schema, value: Any) -> Any:
    """One value in the form rows hold.

    Raises:
        RefusalError: 400, the value is of the wrong kind.
    """
    if value is None and found.default is None:
        return None
    if found.kind == "enum":
        if isinstance(value, str) and value in schema.enums[found.enum]:
            return value
    elif value is None and found.kind == "string":
        return ""
    else:
        read = _READ[found.kind](value)
        if read is not None:
            return read
    raise bad_body(f"Cannot convert the value '{value}' to the expected type '{found.edm_type}'.")


def noon(moment: datetime) -> str:
    """The day of a moment as F&O shows dates: at noon."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT12:00:00Z")


def second(moment: datetime) -> str:
    """A moment as F&O shows times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(value: Any) -> str | None:
    moment = _moment(value)
    return noon(moment) if moment else None


def _datetime(value: Any) -> str | None:
    moment = _moment(value)
    return second(moment) if moment else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def _integer(kind: str) -> Callable[[Any], int | None]:
    limit = 2 ** _INT_BITS[kind]

    def read(value: Any) -> int | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit
        return value if fits else None

    return read


_READ: dict[str, Callable[[Any], Any]] = {
    "string": lambda value: value if isinstance(value, str) else None,
    "decimal": _decimal,
    "int32": _integer("int32"),
    "int64": _integer("int64"),
    "date": _date,
    "datetime": _datetime,
    "guid": lambda value: value.lower() if isinstance(value, str) and _GUID.fullmatch(value) else None,
    "boolean": lambda value: value if isinstance(value, bool) else None,
    "binary": lambda value: value if isinstance(value, str) and _BASE64.fullmatch(value) else None,
}
