"""What each transform does: from its grammar (``model``) to a plain function, built once per row.

A step takes a value, the whole record and a list of notes for the audit. It never sees an empty value: the
row stops at the first one (``apply``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.domain.money import checked, parse_decimal, plain_number, round_half_up
from ml_connector.domain.text import cut, did_you_mean, key_problem, normalise
from ml_connector.errors import ConfigurationError, MappingError
from ml_connector.mapping import model as m
from ml_connector.mapping.phone import international
from ml_connector.mapping.places import Place, country_of, state_code, state_name
from ml_connector.mapping.web import company_domain, email_address

Step = Callable[[Any, Mapping[str, Any], list[str]], Any]
Tables = Mapping[str, Mapping[str, str]]

LINE_BREAKS = {"space": " ", "comma": ", ", "keep": "\n"}
# F&O has no null dates: 1900 stands for none, 2154 for no end. AX dates carry noon, moments their real time.
# https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
NULL_DATES = frozenset({"1900-01-01", "1900-01-01T00:00:00Z", "1900-01-01T12:00:00Z"})
_NO_DAY = (date(1900, 1, 1), date(2154, 12, 31))
_FIRST_YEAR, _LAST_YEAR = 1000, 9998  # any other is a slip of the keyboard
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def build_step(call: m.TransformCall, *, target: str, tables: Tables) -> Step:
    """The function of one transform in one row.

    Raises:
        ConfigurationError: A lookup names a table that is not there.
    """
    if isinstance(call, m.Lookup):
        return _translate(target, _table(call.table, target, tables), call.unknown, f"the table {call.table}")
    return _BUILDERS[type(call)](call, target)


def as_text(value: Any, target: str) -> str:
    """A single value as text.

    Raises:
        MappingError: Not a single value, or a float: numbers are read as exact decimals.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return plain_number(checked(value, field=target))
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            raise MappingError(
                f"{target} was given {type(value).__name__}, not a single value. Combine several values with "
                "'first-of' or 'join'.",
                field=target,
                value=repr(value)[:60],
            )


def is_empty(value: Any) -> bool:
    """Nothing, blanks only, or one of F&O's dates that stand for none."""
    if value.__class__ is str:
        return not value or value.isspace() or value in NULL_DATES
    return value is None


def _parts(value: Any) -> Iterator[Any]:
    """The single values of one or several sources, lists opened, empty ones left out."""
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, (list, tuple)):
            yield from _parts(one)
        elif not is_empty(one):
            yield one


def _text(call: m.Text, target: str) -> Step:
    line_break = LINE_BREAKS[call.line_breaks]
    return lambda value, _fields, _notes: normalise(as_text(value, target), line_break=line_break)


def _key(_call: m.Key, target: str) -> Step:
    def step(value: Any, _fields: Mapping[str, Any], _notes: list[str]) -> str:
        key = as_text(value, target)
        problem = key_problem(key)
        if problem:
            raise MappingError(
                f"{target} cannot be the key {key!r}: {problem}. Correct the number at the source.",
                field=target,
                value=key,
            )
        return key

    return step


def _place_of(fields: Mapping[str, Any], sources: tuple[str, ...]) -> Place | None:
    """The country of a record, by the first source that names one."""
    for source in sources:
        value = fields[source]
        if isinstance(value, str) and (place := country_of(value)):
            return place
    return None


def _phone(call: m.Phone, target: str) -> Step:
    countries, extension_source = call.country, call.extension

    def step(value: Any, fields: Mapping[str, Any], notes: list[str]) -> str:
        number = normalise(as_text(value, target))
        place = _place_of(fields, countries)
        extension = "" if extension_source is None else str(fields[extension_source] or "")
        dialled = international(number, place.alpha_2 if place else None, extension=extension)
        if dialled is not None:
            return dialled
        where = place.name if place else "a country that is not known"
        notes.append(f"{target}: '{number}' is no phone number of {where}; kept as it is")
        return f"{number} ext. {extension}" if extension.strip() else number

    return step


def _country(call: m.Country, target: str) -> Step:
    spelling = call.to.replace("-", "_")

    def step(value: Any, _fields: Mapping[str, Any], notes: list[str]) -> str:
        text = normalise(as_text(value, target))
        place = country_of(text)
        if place is None:
            notes.append(f"{target}: '{text}' is no country of ISO 3166; kept as it is")
            return text
        return str(getattr(place, spelling))

    return step


def _state(call: m.State, target: str) -> Step:
    translate = state_name if call.to == "name" else state_code

    def step(value: Any, fields: Mapping[str, Any], _notes: list[str]) -> str:
        text = normalise(as_text(value, target))
        place = _place_of(fields, call.country)
        return (translate(place.alpha_2, text) if place else None) or text

    return step


def _date(call: m.Date, target: str) -> Step:
    keep_time = call.time == "keep"

    def step(value: Any, _fields: Mapping[str, Any], _notes: list[str]) -> date | datetime | None:
        moment = _moment(value, target)
        if moment.date() in _NO_DAY:
            return None
        return moment.astimezone(UTC) if keep_time else moment.date()

    return step


def _moment(value: Any, target: str) -> datetime:
    """A point in time as either side writes it: ISO 8601, a bare day, HubSpot's milliseconds since 1970.

    The day stays the one written: an AX date carries noon UTC and is never moved to another time zone.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    text = as_text(value, target).strip()
    moment = _read_moment(text)
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise MappingError(
            f"{target} holds '{text[:60]}', which is no date. Write it as 2026-07-23.",
            field=target,
            value=text,
        )
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _read_moment(text: str) -> datetime | None:
    try:
        if text.lstrip("-").isdecimal() and len(text) > len("20260723"):
            return _EPOCH + timedelta(milliseconds=int(text))
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None


def _decimal(call: m.Number, target: str) -> Step:
    digits, empty_zero = call.digits, call.zero == "empty"

    def step(value: Any, _fields: Mapping[str, Any], _notes: list[str]) -> Decimal | None:
        if isinstance(value, Decimal):
            number = checked(value, field=target)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = Decimal(value)
        else:
            number = parse_decimal(as_text(value, target), field=target)
        if digits is not None:
            number = round_half_up(number, digits)
        return None if empty_zero and not number else number

    return step


def _table(name: str, target: str, tables: Tables) -> Mapping[str, str]:
    try:
        return tables[name]
    except KeyError as exc:
        raise ConfigurationError(
            f"The row for {target} uses the table '{name}', which is not there.{did_you_mean(name, tables)}",
            code="configuration.mapping",
            hint=f"Put {name}.csv beside the mapping file, or correct the name.",
        ) from exc


def _translate(target: str, values: Mapping[str, str], unknown: m.Unknown, where: str) -> Step:
    def step(value: Any, _fields: Mapping[str, Any], notes: list[str]) -> str | None:
        word = as_text(value, target)
        found = values.get(word)
        if found is None:
            found = values.get(word := normalise(word))
        if found is not None:
            return found
        if unknown == "park":
            raise MappingError(
                f"{target}: '{word[:60]}' is not listed in {where}.{did_you_mean(word, values)} "
                "Add it there, or correct the value at the source.",
                field=target,
                value=word,
            )
        ending = "kept as it is" if unknown == "keep" else "left empty"
        notes.append(f"{target}: '{word[:60]}' is not listed in {where}; {ending}")
        return word if unknown == "keep" else None

    return step


def _first_of(_call: m.FirstOf, _target: str) -> Step:
    return lambda value, _fields, _notes: next(_parts(value), None)


def _constant(call: m.Constant, _target: str) -> Step:
    return lambda _value, _fields, _notes: call.value


def _join(call: m.Join, target: str) -> Step:
    separator = call.separator

    def step(value: Any, _fields: Mapping[str, Any], _notes: list[str]) -> str:
        return separator.join(normalise(as_text(part, target), line_break="\n") for part in _parts(value))

    return step


def _domain(_call: m.Domain, target: str) -> Step:
    def step(value: Any, _fields: Mapping[str, Any], _notes: list[str]) -> str | None:
        return next(
            (found for part in _parts(value) if (found := company_domain(as_text(part, target)))), None
        )

    return step


def _email(_call: m.Email, target: str) -> Step:
    def step(value: Any, _fields: Mapping[str, Any], notes: list[str]) -> str | None:
        text = as_text(value, target)
        found = email_address(text)
        if found is None:
            notes.append(f"{target}: '{normalise(text)[:60]}' is no e-mail address; left empty")
        return found

    return step


def _cut(call: m.Cut, target: str) -> Step:
    max_length = call.max_length

    def step(value: Any, _fields: Mapping[str, Any], notes: list[str]) -> str:
        text = normalise(as_text(value, target), line_break="\n")
        shortened = cut(text, max_length)
        if shortened != text:
            notes.append(cut_note(target, text, max_length))
        return shortened

    return step


def cut_note(target: str, text: str, max_length: int) -> str:
    """What the audit says of a text that was cut."""
    return f"{target}: cut from {len(text)} to {max_length} characters"


_BUILDERS: Mapping[type, Callable[[Any, str], Step]] = {
    m.Text: _text,
    m.Key: _key,
    m.Phone: _phone,
    m.Country: _country,
    m.State: _state,
    m.Date: _date,
    m.Number: _decimal,
    m.ValueMap: lambda call, target: _translate(target, call.values, call.unknown, "the row's 'values'"),
    m.FirstOf: _first_of,
    m.Join: _join,
    m.Constant: _constant,
    m.Domain: _domain,
    m.Email: _email,
    m.Cut: _cut,
}
