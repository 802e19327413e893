"""What a value must look like to be stored in a property of each type.

Everything is text on the wire; numbers, booleans and null are accepted on write.
Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NUMBER = re.compile(r"-?(?=[\d.]{1,40}\Z)(?:\d+(?:\.\d*)?|\.\d+)\Z", re.ASCII)
_EMAIL = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>().]+(?:\.[^\s@,;<>().]+)+\Z")
_MILLISECONDS = re.compile(r"-?\d{1,15}\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
DATES = frozenset({"date", "datetime"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Invalid(Exception):  # noqa: N818 - it becomes one entry of an error list, it is not an error by itself
    """A value that its property refuses."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def as_text(value: Any) -> str:
    """JSON numbers, booleans and null as the text HubSpot stores."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return orjson.dumps(value).decode()


def stamp(moment: datetime) -> str:
    """A moment as HubSpot prints it: UTC, milliseconds, Z. Compares as text in time order."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def moment(text: str) -> datetime | None:
    """ISO 8601 or epoch milliseconds as an aware UTC moment; None when it is neither."""
    if _MILLISECONDS.match(text):
        try:
            return _EPOCH + timedelta(milliseconds=int(text))
        except OverflowError:
            return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def plain_date(type_: str, text: str) -> bool:
    """Whether a date is written as HubSpot documents it: its day, or milliseconds; a moment in any ISO form."""
    return type_ == "datetime" or _DAY.match(text) is not None or _MILLISECONDS.match(text) is not None


def nearest_date(type_: str, text: str) -> str | None:
    """The stored form of a date that is not quite right: blanks around it, or a time of day on a plain day."""
    at = moment(text.strip())
    if at is None:
        return None
    return stamp(at) if type_ == "datetime" else at.date().isoformat()


def milliseconds(stored: str) -> str:
    """A stored date or moment in milliseconds since 1970."""
    at = moment(stored)
    return "" if at is None else str((at - _EPOCH) // timedelta(milliseconds=1))


def check_for(type_: str, field_type: str, name: str, options: Sequence[str]) -> Callable[[str], str] | None:
    """The check of one property, from non-empty text to stored text; None when any text will do."""
    if name == "email":
        return _email
    if type_ == "enumeration":
        return _one_of(options, many=field_type == "checkbox")
    if type_ == "bool":
        return _one_of(("true", "false"), many=False)
    return {"number": _number, "date": _date, "datetime": _datetime}.get(type_)


def _trimmed(value: str) -> None:
    if value != value.strip():
        raise Invalid(
            "LEADING_TRAILING_WHITESPACE", f'Property value "{value}" has leading or trailing whitespace'
        )


def _email(value: str) -> str:
    lowered = value.strip().lower()
    if not _EMAIL.match(lowered):
        raise Invalid("INVALID_EMAIL", f"Email address {value} is invalid")
    return lowered


def _number(value: str) -> str:
    if _NUMBER.match(value):
        return value
    _trimmed(value)
    raise Invalid("INVALID_INTEGER", f"{value} was not a valid number.")


def _date(value: str) -> str:
    _trimmed(value)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    parsed = moment(value)
    if parsed is None:
        raise Invalid("INVALID_DATE", f"{value} was not a valid date.")
    if parsed.time() != datetime.min.time():
        raise Invalid("INVALID_DATE", f"{value} is at {parsed:%H:%M:%S} UTC, not midnight!")
    return parsed.date().isoformat()


def _datetime(value: str) -> str:
    _trimmed(value)
    parsed = moment(value)
    if parsed is None:
        raise Invalid("INVALID_LONG", f"{value} was not a valid long.")
    return stamp(parsed)


def _one_of(options: Sequence[str], *, many: bool) -> Callable[[str], str]:
    allowed = frozenset(options)

    def check(value: str) -> str:
        if value in allowed:
            return value
        _trimmed(value)
        parts = value.split(";") if many else [value]
        for part in parts:
            if part not in allowed and not (many and not part):
                raise Invalid("INVALID_OPTION", f"{part} was not one of the allowed options: {list(options)}")
        return value

    return check
