"""Applying a mapping: rows become closures once, then every record runs through them.

This is the hot path of a load of hundreds of thousands of records: no parsing, no look-up of rules by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from ml_connector.domain.money import checked
from ml_connector.domain.text import cut, length, normalise
from ml_connector.errors import ConfigurationError, MappingError
from ml_connector.mapping.documents import OrderMappingDocument
from ml_connector.mapping.model import Date, Join, MappingDocument, Number, Text
from ml_connector.mapping.rules import DimensionRules, RuleBook, require_tables
from ml_connector.mapping.transforms import LINE_BREAKS, as_text, build_step, cut_note, is_empty
from ml_connector.mapping.wall import refused_field, refused_order_field, refused_target

if TYPE_CHECKING:
    from ml_connector.mapping.documents import DimensionDocument, Document
    from ml_connector.mapping.model import FieldRow
    from ml_connector.mapping.transforms import Tables

HUBSPOT_LONGEST = (
    65_536  # characters of a string property; https://developers.hubspot.com/docs/guides/api/crm/properties
)
_NO_TABLES: Tables = {}
_NO_DATE = "1900-01-01T12:00:00Z"  # how F&O writes that a date is empty

Write = Callable[
    [Any, list[str]], Any
]  # from a mapped value to what the target stores; never sees an empty one


class Mapped(NamedTuple):
    """A record in HubSpot's properties, every one a string, and what the audit shall know about it."""

    properties: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A record flow's mapping, ready to run. Rows that HubSpot owns are in the document and write nothing."""

    document: MappingDocument
    sources: frozenset[str]  # what must be read
    targets: tuple[str, ...]  # what may be written
    first_write: frozenset[str]  # targets only filled while they are empty
    _columns: tuple[_Column, ...]

    def apply(self, fields: Mapping[str, Any]) -> Mapped:
        """Map one record.

        Args:
            fields: Every one of ``sources``, as parsed: text, Decimal, int, bool or None.

        Returns:
            Every target, ``""`` for empty; empty ones of rows with ``on_empty: keep`` are left out.

        Raises:
            MappingError: A value does not fit its row, or a source is missing.
        """
        notes: list[str] = []
        properties: dict[str, str] = {}
        for target, run in self._columns:
            value = run(fields, notes)
            if value is not None:
                properties[target] = value
        return Mapped(properties, tuple(notes))

    def row(self, target: str) -> FieldRow:
        """The row behind a target's value."""
        return _row(self.document, target)


@dataclass(frozen=True, slots=True)
class CompiledOrderMapping:
    """The order flow's mapping, ready to run."""

    document: OrderMappingDocument
    sources: frozenset[str]
    rules: RuleBook
    _header: tuple[_Column, ...]
    _line: tuple[_Column, ...]
    _customer: tuple[_Column, ...]

    def header(self, fields: Mapping[str, Any], notes: list[str] | None = None) -> dict[str, Any]:
        """The fields of a sales order header as F&O takes them.

        Args:
            fields: Every source of the header's rows.
            notes: Takes what the draft shall say of cut or kept values.

        Returns:
            Text, Decimal, int; a day as its noon in UTC; truth as ``Yes`` or ``No``. Empty ones are left out,
            unless the row says ``on_empty: clear``.

        Raises:
            MappingError: A value does not fit its row, or a source is missing.
        """
        return _run(self._header, fields, notes)

    def line(self, fields: Mapping[str, Any], notes: list[str] | None = None) -> dict[str, Any]:
        """The same for one sales order line."""
        return _run(self._line, fields, notes)

    def customer(self, fields: Mapping[str, Any], notes: list[str] | None = None) -> dict[str, Any]:
        """The same for a new customer."""
        return _run(self._customer, fields, notes)

    def row(self, target: str) -> FieldRow:
        """The row behind a field's value; of a name in both header and line, the header's."""
        return _row(self.document, target)


class _Column(NamedTuple):
    """One row, compiled: ``run`` gives the value to store, or ``None`` to leave the target out."""

    target: str
    run: Callable[[Mapping[str, Any], list[str]], Any]


@overload
def compile_mapping(document: MappingDocument, *, lookups: Tables = ...) -> CompiledMapping: ...
@overload
def compile_mapping(document: OrderMappingDocument, *, lookups: Tables = ...) -> CompiledOrderMapping: ...
def compile_mapping(
    document: Document, *, lookups: Tables = _NO_TABLES
) -> CompiledMapping | CompiledOrderMapping:
    """Build the functions of a mapping.

    Args:
        document: A record flow's mapping, or the order flow's.
        lookups: The tables beside the mapping file, by name.

    Raises:
        ConfigurationError: Two rows fill one target, a table is missing, a field is behind the wall.
    """
    if isinstance(document, OrderMappingDocument):
        return _compile_order(document, lookups)
    return _compile_records(document, lookups)


def compile_dimensions(document: DimensionDocument, *, lookups: Tables = _NO_TABLES) -> DimensionRules:
    """The rules of ``dimensions.yaml`` with their tables.

    Raises:
        ConfigurationError: a table is missing.
    """
    books = [
        RuleBook("dimensions.yaml", {name: tuple(rules) for name, rules in part.items()}, lookups)
        for part in (document.header, document.line)
    ]
    for book in books:
        require_tables(book)
    mandatory = {entity.lower(): names for entity, names in document.mandatory.items()}
    return DimensionRules(mandatory, *books)


def _compile_records(document: MappingDocument, tables: Tables) -> CompiledMapping:
    written = tuple(row for row in document.fields if row.owner != "hubspot")
    _refuse_doubles(document.fields)
    for row in written:
        for name in row.all_sources:
            _refuse_walled(row, name, refused_field(name))
        _refuse_walled(row, row.target, refused_target(document.object, row.target))
    return CompiledMapping(
        document=document,
        sources=frozenset(name for row in written for name in row.all_sources),
        targets=tuple(row.target for row in written),
        first_write=frozenset(row.target for row in written if row.owner == "first-write"),
        _columns=tuple(_property(row, tables, is_key=row.target == document.key) for row in written),
    )


def _compile_order(document: OrderMappingDocument, tables: Tables) -> CompiledOrderMapping:
    for rows in (document.header, document.line, document.customer):
        _refuse_doubles(rows)
    for row in (*document.header, *document.line):
        _refuse_walled(row, row.target, refused_order_field(row.target))
    for row in document.customer:
        _refuse_walled(row, row.target, refused_field(row.target))
    rules = RuleBook("orders.yaml", document.rules, tables)
    require_tables(rules)
    return CompiledOrderMapping(
        document=document,
        sources=frozenset(name for row in document.rows for name in row.all_sources),
        _header=tuple(_order_field(row, tables) for row in document.header),
        _line=tuple(_order_field(row, tables) for row in document.line),
        _customer=tuple(_order_field(row, tables) for row in document.customer),
        rules=rules,
    )


def _row(document: Document, target: str) -> FieldRow:
    found = next((row for row in document.rows if row.target == target), None)
    if found is None:
        raise ConfigurationError(
            f"No row of the {document.flow} mapping fills {target}.", code="configuration.mapping"
        )
    return found


def _refuse_doubles(rows: tuple[FieldRow, ...]) -> None:
    for target, count in Counter(row.target for row in rows).items():
        if count > 1:
            raise ConfigurationError(
                f"{count} rows fill {target}.", code="configuration.mapping", hint="Keep one of them."
            )


def _refuse_walled(row: FieldRow, name: str, reason: str) -> None:
    if reason:
        raise ConfigurationError(
            f"The row for {row.target} (line {row.line}) uses {name}: {reason}.",
            code="wall.mapping",
            hint="Remove the row; such data never passes through the connector.",
        )


def _run(columns: tuple[_Column, ...], fields: Mapping[str, Any], notes: list[str] | None) -> dict[str, Any]:
    taken = [] if notes is None else notes
    values = {column.target: column.run(fields, taken) for column in columns}
    return {target: value for target, value in values.items() if value is not None}


def _property(row: FieldRow, tables: Tables, *, is_key: bool) -> _Column:
    """A row that fills a HubSpot property."""
    empty = "" if row.on_empty == "clear" else None
    column = _column(row, tables, _as_string(row), empty)
    return _required(column) if is_key else column


def _order_field(row: FieldRow, tables: Tables) -> _Column:
    """A row that fills a field of F&O."""
    empty = _empty_in_dynamics(row) if row.on_empty == "clear" else None
    return _column(row, tables, _as_typed(row), empty)


def _column(row: FieldRow, tables: Tables, write: Write, empty: Any) -> _Column:
    """Source, steps and target of one row in one function."""
    target = row.target
    source = row.source
    several = row.named_sources if not isinstance(source, str) else ()
    steps = tuple(build_step(call, target=target, tables=tables) for call in row.transform)

    def run(fields: Mapping[str, Any], notes: list[str]) -> Any:
        try:
            value = fields[source] if isinstance(source, str) else [fields[name] for name in several]
            if value == "":
                return empty  # most fields of most records
            for step in steps:
                if is_empty(value):
                    return empty
                value = step(value, fields, notes)
        except KeyError as exc:
            raise _source_missing(target, str(exc.args[0])) from exc
        if is_empty(value):
            return empty
        stored = write(value, notes)
        return empty if stored == "" else stored  # nothing but control characters

    return _Column(target, run)


def _source_missing(target: str, source: str) -> MappingError:
    """A field that was not read is not an empty field: clearing the target for it would lose data."""
    return MappingError(
        f"The record was read without {source}, which the row for {target} needs.",
        field=target,
        code="mapping.source_missing",
        hint="Check that the field exists and that the application may read it.",
    )


def _required(column: _Column) -> _Column:
    def run(fields: Mapping[str, Any], notes: list[str]) -> Any:
        value = column.run(fields, notes)
        if not value:
            raise MappingError(f"The record has no {column.target}, its unique key.", field=column.target)
        return value

    return _Column(column.target, run)


def _as_string(row: FieldRow) -> Write:
    """How HubSpot stores a value: as text, within the row's length."""
    target, is_verbatim, line_break = row.target, row.is_verbatim, _line_break(row)
    limit = row.max_length or HUBSPOT_LONGEST
    fits = _fitting(row, limit)

    def write(value: Any, notes: list[str]) -> str:
        text = value if value.__class__ is str else as_text(value, target)
        if not is_verbatim:
            text = normalise(text, line_break=line_break)
        return text if len(text) * 2 <= limit else fits(text, notes)

    return write


def _as_typed(row: FieldRow) -> Write:
    """How F&O takes a value: numbers as numbers, days as noon UTC, truth as its enumeration NoYes."""
    target, is_verbatim, line_break = row.target, row.is_verbatim, _line_break(row)
    fits = _fitting(row, row.max_length)

    def write(value: Any, notes: list[str]) -> Any:
        match value:
            case bool():
                return "Yes" if value else "No"
            case int():
                return value
            case Decimal():
                return _without_exponent(checked(value, field=target))
            case date() if not isinstance(value, datetime):
                return f"{value.isoformat()}T12:00:00Z"
        text = as_text(value, target)
        return fits(text if is_verbatim else normalise(text, line_break=line_break), notes)

    return write


def _fitting(row: FieldRow, limit: int | None) -> Callable[[str, list[str]], str]:
    """Over-long text is cut with a note, or parks the record."""
    target, may_cut = row.target, row.on_too_long == "cut"

    def fits(text: str, notes: list[str]) -> str:
        if limit is None or length(text) <= limit:
            return text
        if not may_cut:
            raise MappingError(
                f"{target} takes {limit} characters and would get {length(text)}. Shorten the value at the "
                "source, or let the row cut it with 'on_too_long: cut'.",
                field=target,
                value=text[:200],
            )
        notes.append(cut_note(target, text, limit))
        return cut(text, limit)

    return fits


def _line_break(row: FieldRow) -> str:
    """What a line break becomes: the row's own choice, a blank unless it made one."""
    for call in reversed(row.transform):
        if isinstance(call, Text):
            return LINE_BREAKS[call.line_breaks]
        if isinstance(call, Join) and "\n" in call.separator:
            return "\n"
    return " "


def _without_exponent(value: Decimal) -> Decimal:
    """``1E+2`` as 100: F&O reads plain digits."""
    return Decimal(format(value, "f"))


def _empty_in_dynamics(row: FieldRow) -> Any:
    """What F&O stores where there is nothing."""
    last = row.transform[-1] if row.transform else None
    if isinstance(last, Number):
        return Decimal(0)
    return _NO_DATE if isinstance(last, Date) else ""
