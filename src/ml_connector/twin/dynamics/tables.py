"""The twin's tables: compact rows, unique keys, indexes made on first use, an undo list.

A row keeps only the values that differ from the defaults. Several entity sets may show one table.
Text keys and indexes are case-insensitive, as in the database below F&O.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.twin.journal import Journal

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

FIRST_RECORD_ID = 5637144576
_SEPARATOR = "\x1f"
MISSING: Any = object()


class Row:
    """One record; ``joined`` is the record of a second data source shown with it, or the one it is made from."""

    __slots__ = ("joined", "modified", "record_id", "values", "version")

    def __init__(self, record_id: int, values: dict[str, Any], joined: Row | None) -> None:
        self.record_id = record_id
        self.version = 1
        self.values = values
        self.joined = joined
        self.modified: datetime | None = None  # when its own table last wrote it


def fold(value: Any) -> str:
    """The form in which text is compared."""
    return str(value).casefold()


def key_text(parts: Iterable[Any]) -> str:
    """A full key as one string."""
    return _SEPARATOR.join([fold(part) for part in parts])


class Table:
    """Rows in the order of their record ids, with one unique index per kind of key."""

    def __init__(self, name: str, *keys: Sequence[str]) -> None:
        self.name = name
        self.rows: list[Row] = []
        self.by_company: dict[str, list[Row]] = {}
        self._unique: dict[tuple[str, ...], dict[str, Row]] = {tuple(key): {} for key in keys}
        self._indexes: dict[str, dict[str, list[Row]]] = {}
        self.next_id = FIRST_RECORD_ID
        self.keys_changed = 0  # how often a key has come, gone or become another one

    def refresh(self) -> None:
        """Bring rows that are made from other tables up to date; a stored table has none."""

    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def is_key(self, names: Sequence[str]) -> bool:
        """Whether rows are found by these properties of their own."""
        return tuple(names) in self._unique

    def new_row(self, values: dict[str, Any], joined: Row | None) -> Row:
        """A row with the next record id, not yet stored."""
        row = Row(self.next_id, values, joined)
        self.next_id += 1
        return row

    def find(self, key: tuple[str, ...], parts: Iterable[Any]) -> Row | None:
        """The row with that key."""
        return self._unique[key].get(key_text(parts))

    def where(self, name: str, values: Iterable[Any]) -> list[Row]:
        """Rows whose own text property equals one of the values, in record order; indexed on first use."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for row in self.rows:
                index.setdefault(fold(row.values.get(name, "")), []).append(row)
        folded = {fold(value) for value in values}
        found = [row for value in folded for row in index.get(value, ())]
        return sorted(found, key=_record_id) if len(folded) > 1 else found

    def add(self, row: Row) -> None:
        """Store a row; its key values must be present."""
        self.keys_changed += 1
        for key, index in self._unique.items():
            index[_key_of(row, key)] = row
        _put(self.rows, row)
        company = row.values.get("dataAreaId")
        if company is not None:
            _put(self.by_company.setdefault(company, []), row)
        for name, found in self._indexes.items():
            _put(found.setdefault(fold(row.values.get(name, "")), []), row)

    def remove(self, row: Row) -> None:
        """Take a row out."""
        self.keys_changed += 1
        for key, index in self._unique.items():
            index.pop(_key_of(row, key), None)
        self.rows.remove(row)
        company = row.values.get("dataAreaId")
        if company is not None:
            self.by_company[company].remove(row)
        for name, found in self._indexes.items():
            found[fold(row.values.get(name, ""))].remove(row)

    def assign(self, row: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Set values, never the company; returns what stood there before."""
        before = {name: row.values.get(name, MISSING) for name in changes}
        rekeyed = [key for key in self._unique if not changes.keys().isdisjoint(key)]
        self.keys_changed += len(rekeyed)
        for key in rekeyed:
            self._unique[key].pop(_key_of(row, key), None)
        moved = [name for name in self._indexes if name in changes]
        for name in moved:
            self._indexes[name][fold(row.values.get(name, ""))].remove(row)
        for name, value in changes.items():
            if value is MISSING:
                row.values.pop(name, None)
            else:
                row.values[name] = value
        for key in rekeyed:
            self._unique[key][_key_of(row, key)] = row
        for name in moved:
            _put(self._indexes[name].setdefault(fold(row.values.get(name, "")), []), row)
        return before


class Tables(dict[str, Table]):
    """All tables by name; a table made from others is up to date when it is taken from here."""

    def __getitem__(self, name: str) -> Table:
        found = super().__getitem__(name)
        found.refresh()
        return found

    def peek(self, name: str) -> Table:
        """A table as it stands."""
        return super().__getitem__(name)


@dataclass(frozen=True, slots=True)
class Touched:
    """One step of a transaction, for the journal: Create, Update or Delete, and the values before an update."""

    transaction: int
    table: str
    row: Row
    message: str
    before: Mapping[str, Any]


class Store:
    """All tables, the number sequences, and what it takes to undo the changes since a mark."""

    def __init__(self, rng: random.Random) -> None:
        self.tables = Tables()
        self.revision = 0
        self.now: datetime | None = None  # the moment of the request being answered
        self.journal: Journal[Touched] = Journal()
        self._transaction = 0
        self._rng = rng
        self._undo: list[Callable[[], object]] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def insert(self, table: str, values: dict[str, Any], joined: Row | None = None) -> Row:
        """Store a new row."""
        target = self.tables[table]
        row = target.new_row(values, joined)
        row.modified = self.now
        target.add(row)
        self._changed(lambda: target.remove(row))
        self._note(table, row, "Create")
        return row

    def fill(self, table: str, values: dict[str, Any], joined: Row | None = None) -> Row:
        """Store a row of the starting world, which is never undone."""
        target = self.tables.peek(table)
        row = target.new_row(values, joined)
        row.modified = self.now
        target.add(row)
        self.revision += 1
        return row

    def update(self, table: str, row: Row, changes: Mapping[str, Any]) -> None:
        """Change values of a row; its version becomes a random number, as recVersion does."""
        target, version, modified = self.tables[table], row.version, row.modified
        before = target.assign(row, changes)
        row.modified = self.now
        self._note(table, row, "Update", before)
        row.version = self._rng.randrange(2, 2**31)

        def undo() -> None:
            target.assign(row, before)
            row.version = version
            row.modified = modified

        self._changed(undo)

    def delete(self, table: str, row: Row) -> None:
        """Remove a row."""
        target = self.tables[table]
        target.remove(row)
        self._changed(lambda: target.add(row))
        self._note(table, row, "Delete")

    def begin(self) -> None:
        """From here on changes can be rolled back."""
        self._undo.clear()
        self._transaction += 1
        self.journal.begin()

    def roll_back(self) -> None:
        """Undo everything since ``begin``. Numbers drawn stay drawn, as in a non-continuous sequence."""
        self.journal.roll_back()
        while self._undo:
            self._undo.pop()()
            self.revision += 1

    def draw(self, sequence: str, company: str) -> int:
        """The next number of a sequence."""
        number = self._numbers.get((sequence, company), 0) + 1
        self._numbers[sequence, company] = number
        return number

    def last_drawn(self, sequence: str, company: str) -> int:
        """The number a sequence gave last; 0 before the first."""
        return self._numbers.get((sequence, company), 0)

    def _note(self, table: str, row: Row, message: str, before: Mapping[str, Any] | None = None) -> None:
        if self.journal.open:
            known = {
                name: None if value is MISSING else value
                for name, value in (before or {}).items()
                if value != row.values.get(name, MISSING)
            }
            if message != "Update" or known:
                self.journal.note(Touched(self._transaction, table, row, message, known))

    def _changed(self, undo: Callable[[], object]) -> None:
        self.revision += 1
        self._undo.append(undo)


def _key_of(row: Row, key: tuple[str, ...]) -> str:
    return key_text([row.values.get(part, "") for part in key])


def _record_id(row: Row) -> int:
    return row.record_id


def _put(rows: list[Row], row: Row) -> None:
    if rows and rows[-1].record_id > row.record_id:
        insort(rows, row, key=_record_id)
    else:
        rows.append(row)
