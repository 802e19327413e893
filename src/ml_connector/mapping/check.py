"""Checking a mapping against what both sides really offer, before it is published: problems with their fixes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ml_connector.mapping.documents import OrderMappingDocument
from ml_connector.mapping.model import Constant, Date, FirstOf, Lookup, Number, ValueMap
from ml_connector.mapping.wall import refused_field, refused_order_field, refused_target

if TYPE_CHECKING:
    from ml_connector.mapping.catalog import CatalogField, FieldCatalog
    from ml_connector.mapping.documents import Document
    from ml_connector.mapping.model import FieldRow

_NUMBERS = frozenset({"number", "decimal"})
_DAYS = frozenset({"date", "datetime"})
# Which kinds of value a target of a kind takes; text takes all, enumerations are judged by their members.
_TAKES = {
    "number": _NUMBERS,
    "decimal": _NUMBERS,
    "date": frozenset({"date"}),
    "datetime": _DAYS,
    "bool": frozenset({"bool"}),
}
_FIXES = {
    "number": "Add the transform 'decimal'.",
    "decimal": "Add the transform 'decimal'.",
    "date": "Add the transform 'date'.",
    "datetime": "Add the transform 'date' with 'time: keep'.",
    "bool": "Add the transform 'map' that gives true and false.",
}
_TRUTH = frozenset({"true", "false"})
_NO_YES = frozenset({"No", "Yes"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a row, in words, what mends it, and what was meant where that is known."""

    line: int
    target: str
    sentence: str
    fix: str
    nearest: str = ""


def check(
    document: Document,
    source: FieldCatalog,
    target: FieldCatalog,
    *,
    line_target: FieldCatalog | None = None,
    line_source: FieldCatalog | None = None,
    customer_target: FieldCatalog | None = None,
    customer_source: FieldCatalog | None = None,
) -> list[Problem]:
    """Everything that is wrong with a mapping, in the order of the file.

    Args:
        document: The mapping.
        source: Fields that can be read, with those the flow derives itself.
        target: Fields that can be written: of the object type, or of the sales order header.
        line_target: Fields of the sales order line; only for orders.
        line_source: What its rows may read; only for orders.
        customer_target: Fields of a new customer; only for orders, without it these rows are not looked at.
        customer_source: What its rows may read; only for orders.
    """
    if isinstance(document, OrderMappingDocument):
        lines = _problems(document.line, line_source or source, line_target or target)
        customers = (
            _problems(document.customer, customer_source or source, customer_target, refused=refused_field)
            if customer_target is not None
            else ()
        )
        header = _problems(document.header, source, target)
        return sorted((*header, *lines, *customers), key=lambda problem: problem.line)
    return list(_problems(document.fields, source, target, object_type=document.object))


def _problems(
    rows: tuple[FieldRow, ...],
    source: FieldCatalog,
    target: FieldCatalog,
    *,
    object_type: str = "",
    refused: Callable[[str], str] = refused_order_field,
) -> Iterator[Problem]:
    """The problems of these rows; rows of an order have no object type."""
    filled: dict[str, int] = {}
    is_order = not object_type
    for row in rows:
        found = [*_wall(row, object_type, refused), *_names(row, source, target)]
        if row.target in filled:
            found.append(
                _Fault(
                    f"{row.target} is also filled by line {filled[row.target]}", "Keep one of the two rows."
                )
            )
        if not found and row.owner != "hubspot":
            found = list(_fit(row, source, target.fields[row.target], is_order=is_order))
        filled.setdefault(row.target, row.line)
        yield from (Problem(row.line, row.target, f"{each.sentence}.", *each[1:]) for each in found)


class _Fault(NamedTuple):
    """A sentence without its full stop, what mends it, and what was meant."""

    sentence: str
    fix: str
    nearest: str = ""


Found = Iterator[_Fault]


def _wall(row: FieldRow, object_type: str, refused: Callable[[str], str]) -> Found:
    if object_type:
        judged = [(name, refused_field(name)) for name in row.all_sources]
        judged.append((row.target, refused_target(object_type, row.target)))
    else:
        judged = [(row.target, refused(row.target))]
    for name, reason in judged:
        if reason:
            yield _Fault(f"{name} is refused: {reason}", "Remove the row.")


def _names(row: FieldRow, source: FieldCatalog, target: FieldCatalog) -> Found:
    for name in row.all_sources:
        if source.get(name) is None:
            yield _no_field(name, source)
    field = target.get(row.target)
    if field is None:
        yield _no_field(row.target, target)
    elif not field.writable and row.owner != "hubspot":
        yield _Fault(f"{row.target} cannot be written: {target.name} works it out itself", "Remove the row.")


def _no_field(name: str, catalog: FieldCatalog) -> _Fault:
    nearest = catalog.nearest(name)
    fix = f"Did you mean '{nearest}'?" if nearest else f"Choose a field of {catalog.name}."
    return _Fault(f"{catalog.name} has no field {name}", fix, nearest)


def _fit(row: FieldRow, source: FieldCatalog, field: CatalogField, *, is_order: bool) -> Found:
    yield from _covered(row, source)
    if row.max_length and field.max_length and row.max_length > field.max_length:
        yield _Fault(
            f"{row.target} holds {field.max_length} characters, the row allows {row.max_length}",
            f"Set max_length to {field.max_length}.",
        )
    kind, words = _result(row, source, is_order=is_order)
    if kind is None:
        return
    if _unread_day(row, source):
        yield _Fault(f"{row.named_sources[0]} is a date, and the row does not read it as one", _FIXES["date"])
    elif field.kind == "enum":
        yield from _members(row, field, words)
    elif field.kind in _TAKES and not _takes(field.kind, kind, words):
        yield _Fault(f"{row.target} takes a {field.kind}, and the row gives {kind}", _FIXES[field.kind])


def _covered(row: FieldRow, source: FieldCatalog) -> Found:
    """Every member of a source enumeration stands in the row's map, unless the row covers unknown ones."""
    call = next((call for call in row.transform if isinstance(call, ValueMap)), None)
    field = source.get(row.named_sources[0]) if row.named_sources else None
    if call is None or field is None or call.unknown != "park":
        return
    missing = [option for option in field.options if option not in call.values]
    if missing:
        yield _Fault(
            f"{field.name} can be {', '.join(missing)}, and the row does not say what that becomes",
            "Add it to 'values', or set 'unknown: keep' or 'unknown: empty'.",
        )


def _members(row: FieldRow, field: CatalogField, words: frozenset[str] | None) -> Found:
    """An enumeration takes its own members only."""
    if not field.options:
        return
    if words is None:
        yield _Fault(
            f"{row.target} takes only listed values, and the row can give any text",
            f"Add the transform 'map' to: {', '.join(field.options)}.",
        )
        return
    foreign = sorted(words.difference(field.options, {""}))
    if foreign:
        yield _Fault(
            f"{row.target} does not list {', '.join(foreign)}",
            f"It lists {', '.join(field.options)}: map to these, or add the missing ones in the target.",
        )


def _takes(target_kind: str, kind: str, words: frozenset[str] | None) -> bool:
    if kind in _TAKES[target_kind]:
        return True
    if words is None:
        return False
    if target_kind == "bool":
        return words <= _TRUTH | {""}
    return target_kind in _NUMBERS and all(
        word.replace(".", "", 1).lstrip("-").isdecimal() for word in words if word
    )


def _unread_day(row: FieldRow, source: FieldCatalog) -> bool:
    """Whether a date is taken over as the text F&O writes, which would show 1900 where there is none."""
    kinds = {field.kind for name in row.named_sources if (field := source.get(name))}
    return bool(kinds & _DAYS) and not any(isinstance(call, Date) for call in row.transform)


def _result(
    row: FieldRow, source: FieldCatalog, *, is_order: bool
) -> tuple[str | None, frozenset[str] | None]:
    """What kind of value a row gives, and which words it can be if that is known.

    The kind is ``None`` where only the tables beside the file could tell.
    """
    kind, words = _given(row, source, is_order=is_order)
    for call in row.transform:
        match call:
            case Number():
                kind, words = "decimal", None
            case Date():
                kind, words = ("datetime" if call.time == "keep" else "date"), None
            case ValueMap():
                kind, words = "text", frozenset(call.values.values()) if call.unknown != "keep" else None
            case Constant():
                kind, words = "text", frozenset({call.value})
            case Lookup():
                return None, None
            case FirstOf():
                pass
            case _:
                kind, words = "text", None
    return kind, words


def _given(row: FieldRow, source: FieldCatalog, *, is_order: bool) -> tuple[str, frozenset[str] | None]:
    """Kind and words of a row's sources before any transform."""
    fields = [field for name in row.named_sources if (field := source.get(name))]
    if not fields or len({field.kind for field in fields}) > 1:
        return "text", None
    kind = fields[0].kind
    if kind == "bool":
        return kind, _NO_YES if is_order else _TRUTH
    if kind == "enum" and all(field.options for field in fields):
        return "text", frozenset(option for field in fields for option in field.options)
    return ("text" if kind == "enum" else kind), None
