"""Search: filters, one sort, pages by offset, and a view of the portal that trails its writes.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer, is_id, names_in, objects_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.values import as_text, moment, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record, Table
    from ml_connector.twin.wire import Answer

    Test = Callable[[Record], bool]
    Comparable = str | Decimal

DEFAULT_PAGE = 10
LARGEST_PAGE = 200
MOST_RESULTS = 10_000
MOST_BODY = 3_000
FILTERS_PER_GROUP = 6
FILTERS = 18

_WORD = re.compile(r"[\w*]+")


def search(call: Call) -> Answer:
    """Live records that match, as search knows them."""
    portal, table = call.portal, call.table
    if len(call.request.body.decode(errors="replace")) > MOST_BODY:
        raise invalid_input(f"The request body must not be longer than {MOST_BODY} characters")
    body = call.body()
    offset, limit = _page(body)
    groups = _groups(body, int(portal.settings["search_groups"]))
    tests = [[_test(portal, table, one) for one in group] for group in groups]
    query = as_text(body.get("query")).lower().split()
    found = [
        record
        for candidate in _candidates(portal, table, groups)
        if (record := table.visible(candidate, portal.horizon)) is not None
        and (not tests or any(all(test(record) for test in group) for group in tests))
        and (not query or _mentions(table, record, query))
    ]
    ordered = _sorted(portal, table, found, body.get("sorts"))
    chosen = portal.selection(table, names_in(body))
    page = ordered[offset : offset + limit]
    answered: dict[str, Any] = {
        "total": len(ordered),
        "results": [portal.render(table, record, chosen) for record in page],
    }
    if offset + limit < len(ordered):
        answered["paging"] = {"next": {"after": str(offset + limit)}}
    return answer(200, answered)


def _page(body: dict[str, Any]) -> tuple[int, int]:
    limit = body.get("limit", DEFAULT_PAGE)
    if not isinstance(limit, int) or not 0 <= limit <= LARGEST_PAGE:
        raise invalid_input(f"limit must be between 0 and {LARGEST_PAGE}, not {limit}")
    after = as_text(body.get("after")) or "0"
    if not after.isascii() or not after.isdigit():
        raise invalid_input(f"after must be a whole number, not {after}")
    if int(after) + limit > MOST_RESULTS:
        raise invalid_input(f"A search returns the first {MOST_RESULTS} results only")
    return int(after), limit or DEFAULT_PAGE


def _groups(body: dict[str, Any], most: int) -> list[list[dict[str, Any]]]:
    groups = objects_in(body.get("filterGroups"), "filterGroups")
    if len(groups) > most:
        raise invalid_input(f"The maximum number of filter groups is {most}")
    filters = [objects_in(group.get("filters"), "filters") for group in groups]
    if any(len(group) > FILTERS_PER_GROUP for group in filters):
        raise invalid_input(f"The maximum number of filters in a group is {FILTERS_PER_GROUP}")
    if sum(len(group) for group in filters) > FILTERS:
        raise invalid_input(f"The maximum number of filters is {FILTERS}")
    return [group for group in filters if group]


def _candidates(portal: Portal, table: Table, groups: list[list[dict[str, Any]]]) -> Iterator[Record]:
    """As few records as one group of filters allows: changed since, or associated with; else all."""
    if len(groups) == 1:
        for one in groups[0]:
            name, operator, value = one.get("propertyName"), one.get("operator"), as_text(one.get("value"))
            if name == table.kind.modified and operator in {"GTE", "GT"}:
                since = moment(value)
                if since is not None:
                    return table.changed_since(stamp(since))
            if str(name).startswith("associations.") and operator == "EQ" and is_id(value):
                other = object_type(str(name).partition(".")[2])
                if other is not None:
                    return table.with_ids(list(portal.links.of(other.name, int(value), table.kind.name)))
    return table.all_live()


def _test(portal: Portal, table: Table, one: dict[str, Any]) -> Test:
    name, operator = str(one.get("propertyName", "")), str(one.get("operator", ""))
    if name.startswith("associations."):
        return _associated(portal, table, name.partition(".")[2], operator, one)
    prop = table.schema.properties.get(name)
    if prop is None:
        raise ApiError(
            400,
            f'There was a problem with the request: property "{name}" does not exist',
            errors=[
                {
                    "message": f'Property "{name}" does not exist',
                    "code": "PROPERTY_DOESNT_EXIST",
                    "context": {"propertyName": [name]},
                }
            ],
        )
    empty = portal.settings.yes("search_neq_matches_empty")
    matches = _matcher(prop.type, operator, one, empty=empty)

    def test(record: Record) -> bool:
        return matches(portal.value(table, record, name))

    return test


def _associated(portal: Portal, table: Table, word: str, operator: str, one: dict[str, Any]) -> Test:
    other = object_type(word)
    if other is None or operator not in {"EQ", "IN"}:
        raise invalid_input(f"associations.{word} {operator} is not supported")
    wanted = {int(v) for v in [one.get("value"), *(one.get("values") or [])] if v and is_id(as_text(v))}
    return lambda record: not wanted.isdisjoint(portal.links.of(table.kind.name, record.id, other.name))


def _matcher(type_: str, operator: str, one: dict[str, Any], *, empty: bool) -> Callable[[str | None], bool]:
    """The test of one stored value; ``empty`` is what a negation says about a missing one."""
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        present = operator == "HAS_PROPERTY"
        return lambda stored: (stored is not None) == present
    positive = {"NEQ": "EQ", "NOT_IN": "IN", "NOT_CONTAINS_TOKEN": "CONTAINS_TOKEN"}.get(operator, operator)
    holds = _holds(type_, positive, one)
    if positive != operator:
        return lambda stored: empty if stored is None else not holds(stored)
    return lambda stored: stored is not None and holds(stored)


def _holds(type_: str, operator: str, one: dict[str, Any]) -> Callable[[str], bool]:
    stored_key = _stored_key(type_)
    if operator == "IN":
        values = one.get("values")
        if not isinstance(values, list) or not values:
            raise invalid_input("IN and NOT_IN need values")
        # On strings the stored value is folded but the given ones are not: they must be lower case.
        wanted = {as_text(v) if type_ == "string" else _key(type_, as_text(v)) for v in values}
        return lambda stored: stored_key(stored) in wanted
    if "value" not in one:
        raise invalid_input(f"{operator} needs a value")
    text = as_text(one["value"])
    if operator == "CONTAINS_TOKEN":
        pattern = _token_pattern(text)
        return lambda stored: _has_token(stored, pattern)
    compare = _COMPARISONS.get(operator)
    if compare is None:
        raise invalid_input(f"{operator} is not an operator")
    if operator == "BETWEEN" and "highValue" not in one:
        raise invalid_input("BETWEEN needs value and highValue")
    low, high = _key(type_, text), _key(type_, as_text(one.get("highValue", text)))
    return lambda stored: compare(stored_key(stored), low, high)


_COMPARISONS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "EQ": lambda stored, low, _high: stored == low,
    "LT": lambda stored, low, _high: stored < low,
    "LTE": lambda stored, low, _high: stored <= low,
    "GT": lambda stored, low, _high: stored > low,
    "GTE": lambda stored, low, _high: stored >= low,
    "BETWEEN": lambda stored, low, high: low <= stored <= high,
}


def _key(type_: str, text: str) -> Comparable:
    """A value as it compares: numbers by size, moments by time, enumerations exactly, the rest folded."""
    if type_ == "number":
        return _number(text)
    if type_ in {"date", "datetime"}:
        at = moment(text)
        if at is None:
            raise invalid_input(f"{text} is not a date")
        return stamp(at) if type_ == "datetime" else at.date().isoformat()
    return text if type_ in {"enumeration", "bool"} else text.lower()


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise invalid_input(f"{text} is not a number")
    return number


def _stored_key(type_: str) -> Callable[[str], Comparable]:
    """The same for values from the store, which are in their normal form already."""
    if type_ == "number":
        return Decimal
    return str if type_ in {"datetime", "date", "enumeration", "bool"} else str.lower


def _token_pattern(value: str) -> re.Pattern[str]:
    return re.compile(r"\s*".join(".*".join(map(re.escape, w.split("*"))) for w in value.lower().split()))


def _has_token(stored: str, pattern: re.Pattern[str]) -> bool:
    text = stored.lower()
    return any(pattern.fullmatch(word) for word in chain([text], _WORD.findall(text), text.split()))


def _mentions(table: Table, record: Record, words: Iterable[str]) -> bool:
    text = " ".join(record.properties.get(name, "") for name in table.kind.searched).lower()
    return all(word in text for word in words)


def _sorted(portal: Portal, table: Table, found: list[Record], sorts: Any) -> list[Record]:
    if not sorts:
        return sorted(found, key=lambda record: (record.created_at, record.id))
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid_input("Only one sort rule is allowed")
    rule = sorts[0]
    name = str(rule.get("propertyName", "") if isinstance(rule, dict) else rule)
    direction = str(rule.get("direction", "ASCENDING")) if isinstance(rule, dict) else "ASCENDING"
    prop = table.schema.properties.get(name)
    if prop is None or direction not in {"ASCENDING", "DESCENDING"}:
        raise invalid_input(f"Cannot sort by {name} {direction}")
    key = _stored_key(prop.type)
    keyed: list[tuple[Any, int, Record]] = []
    without = []
    for record in found:
        value = portal.value(table, record, name)
        if value is None:
            without.append(record)
        else:
            keyed.append((key(value), record.id, record))
    keyed.sort(key=lambda entry: entry[:2], reverse=direction == "DESCENDING")
    return [entry[2] for entry in keyed] + without
