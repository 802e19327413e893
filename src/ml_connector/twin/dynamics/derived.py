"""Tables whose rows are made from the rows of others, on reading: addresses of customers, contacts of parties.

They cost nothing until someone reads them, and then follow their source: a row is made anew when the version of
its source, or of what is joined to that, has moved. Rows that clients add are kept beside the made ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.tables import MISSING, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.twin.dynamics.tables import Row, Store

ONE = ("",)


def _one(_row: Row) -> tuple[str, ...]:
    return ONE


@dataclass(frozen=True, slots=True)
class Derivation:
    """How rows are made from one table: which parts a source row has, and the values of each part.

    ``dated`` names the values that tell when and how often the source changed, where the source holds more than this
    table does: they stay as they are when nothing else of the row has moved.
    """

    source: str
    values: Callable[[Row, str], Mapping[str, Any]]
    parts: Callable[[Row], tuple[str, ...]] = _one
    dated: tuple[str, ...] = ()


@dataclass(slots=True)
class _Made:
    state: tuple[int, int]
    rows: dict[str, Row]


class DerivedTable(Table):
    """A table that follows others."""

    def __init__(
        self, name: str, store: Store, derivations: Sequence[Derivation], *keys: Sequence[str]
    ) -> None:
        super().__init__(name, *keys)
        self._store = store
        self._derivations = derivations
        self._seen = -1
        self._counted = (-1, 0)  # revision and number of rows
        self._made: dict[tuple[str, int], _Made] = {}

    def refresh(self) -> None:
        """Make, change and remove rows until all follow their sources."""
        if self._seen == self._store.revision:
            return
        self._seen = self._store.revision
        visited = 0
        for derivation in self._derivations:
            for source in self._store.tables[derivation.source].rows:
                visited += 1
                self._follow(derivation, source)
        if visited < len(self._made):
            self._drop_orphans()

    def count(self) -> int:
        """How many rows there are, without making them."""
        if self._seen == self._store.revision:
            return len(self.rows)
        if self._counted[0] != self._store.revision:
            own = len(self.rows) - sum(len(known.rows) for known in self._made.values())
            made = sum(self._count_of(derivation) for derivation in self._derivations)
            self._counted = (self._store.revision, own + made)
        return self._counted[1]

    def _count_of(self, derivation: Derivation) -> int:
        source = self._store.tables.peek(derivation.source)
        if derivation.parts is _one:
            return source.count()
        return sum(len(derivation.parts(row)) for row in source.rows)

    def is_made(self, row: Row) -> bool:
        """Whether a row follows another; the rest were added by clients."""
        return row.joined is not None

    def _follow(self, derivation: Derivation, source: Row) -> None:
        state = (source.version, source.joined.version if source.joined else 1)
        key = (derivation.source, source.record_id)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = _Made(state, {})
        elif made.state == state:
            return
        made.state = state
        parts = derivation.parts(source)
        for part in [part for part in made.rows if part not in parts]:
            self.remove(made.rows.pop(part))
        for part in parts:
            values = {name: value for name, value in derivation.values(source, part).items() if value != ""}
            row = made.rows.get(part)
            if row is None:
                row = made.rows[part] = self.new_row(values, source)
                self.add(row)
            else:
                if derivation.dated:
                    values = _with_own_dates(row, values, derivation.dated)
                self.assign(row, {name: MISSING for name in row.values if name not in values} | values)
            row.version = sum(state) - 1
            row.modified = source.modified

    def _drop_orphans(self) -> None:
        living = {
            (derivation.source, source.record_id)
            for derivation in self._derivations
            for source in self._store.tables[derivation.source].rows
        }
        for key in [key for key in self._made if key not in living]:
            for row in self._made.pop(key).rows.values():
                self.remove(row)


def _with_own_dates(row: Row, values: dict[str, Any], dated: Sequence[str]) -> dict[str, Any]:
    """The new values of a row, with the dates it has where nothing else of it has moved."""
    dates = {name: row.values[name] for name in dated if name in row.values}
    as_it_was = {**values, **dates}
    return as_it_was if as_it_was == row.values else values
