"""Records of one object type in memory, with the indexes that listing, keys and search need."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.twin.hubspot.happenings import Happenings
    from ml_connector.twin.hubspot.object_types import ObjectType
    from ml_connector.twin.hubspot.schema import Schema

MOST_CHANGES = 50  # remembered of one record
FURTHER = {"email": "hs_additional_emails"}  # further values that are as unique, as those of merged contacts


@dataclass(slots=True)
class Record:
    """One record. ``properties`` is replaced, never changed, so that an older version can be kept cheaply."""

    id: int
    properties: dict[str, str]
    created_at: str
    updated_at: str
    source: str
    archived_at: str = ""
    merged_ids: tuple[int, ...] = ()
    changes: tuple[tuple[str, str, Mapping[str, str]], ...] = ()  # (when, source, values), oldest first

    def history(self, name: str) -> list[tuple[str, str, str]]:
        """The values a property has had, as (when, source, value), the latest first."""
        found: list[tuple[str, str, str]] = []
        for at, source, values in self.changes or ((self.created_at, self.source, self.properties),):
            if name in values and (not found or found[-1][2] != values[name]):
                found.append((at, source, values[name]))
        return found[::-1]


@dataclass(slots=True)
class _Older:
    """What a record looked like until a moment; None when it did not exist yet."""

    until: str
    record: Record | None


class Table:
    """All records of one object type. Ids only grow, so dictionaries are in id order."""

    def __init__(
        self,
        kind: ObjectType,
        schema: Schema,
        first_id: int,
        *,
        fold_case: bool,
        happenings: Happenings,
    ) -> None:
        self.kind = kind
        self.schema = schema
        self.records: dict[int, Record] = {}
        self.live: list[int] = []
        self.archived: list[int] = []
        self.next_id = first_id
        self._fold_case = fold_case
        self._happenings = happenings
        self._holders: dict[str, dict[str, int]] = {}
        self._former: dict[str, dict[str, int]] = {}
        self._by_change: dict[int, None] = {}
        self._older: dict[int, list[_Older]] = {}
        self._due: deque[tuple[str, int]] = deque()

    def normal(self, name: str, value: str) -> str:
        """A unique value as HubSpot compares it."""
        return value.strip().lower() if self._fold_case or name == "email" else value

    def get(self, record_id: int) -> Record | None:
        """A live record."""
        record = self.records.get(record_id)
        return record if record is not None and not record.archived_at else None

    def holder(self, name: str, value: str) -> int | None:
        """The live record that holds a unique value."""
        return self._holders.get(name, {}).get(self.normal(name, value))

    def former(self, name: str, value: str) -> int | None:
        """The archived record that held a unique value last."""
        record = self.records.get(self._former.get(name, {}).get(self.normal(name, value), 0))
        return record.id if record is not None and record.archived_at else None

    def page(self, after: int, limit: int, *, archived: bool) -> tuple[list[Record], int | None]:
        """Records from id ``after`` on, in id order, and the id that the next page starts with."""
        ids = self.archived if archived else self.live
        start = bisect_left(ids, after)
        chosen = ids[start : start + limit]
        following = ids[start + limit] if start + limit < len(ids) else None
        return [self.records[record_id] for record_id in chosen], following

    def insert(self, properties: dict[str, str], at: str, source: str, *, keep: bool) -> Record:
        """Store a new record; with ``keep``, search goes on not seeing it until the caller's lag is over."""
        record = Record(self.next_id, properties, at, at, source)
        self.next_id += 1
        self.records[record.id] = record
        self.live.append(record.id)
        self._index(record)
        self._changed(record, _Older(at, None) if keep else None)
        self._happenings.created(self.kind.name, record)
        return record

    def replace(
        self, record: Record, changes: Mapping[str, str], at: str, *, keep: bool, source: str = ""
    ) -> None:
        """Apply changes ("" clears) to a live record."""
        older = _Older(at, _copy(record)) if keep else None
        known = record.changes or ((record.created_at, record.source, record.properties),)
        record.changes = (*known, (at, source or record.source, changes))[-MOST_CHANGES:]
        moved = [name for name in self.schema.unique if changes.keys() & {name, FURTHER.get(name, name)}]
        for name in moved:
            self._release(name, record)
        before = record.properties
        merged = {**before, **changes}
        record.properties = merged if all(changes.values()) else {k: v for k, v in merged.items() if v}
        record.updated_at = at
        for name in moved:
            self._hold(name, record)
        self._changed(record, older)
        self._happenings.changed(self.kind.name, record, before)

    def touch(self, record: Record, at: str, *, keep: bool) -> None:
        """Move a record's time of change without changing a value."""
        older = _Older(at, _copy(record)) if keep else None
        record.updated_at = at
        self._changed(record, older)

    def archive(self, record: Record, at: str) -> None:
        """Put a live record into the recycle bin."""
        for name in self.schema.unique:
            value = record.properties.get(name)
            if value:
                self._release(name, record)
                self._former.setdefault(name, {})[self.normal(name, value)] = record.id
        record.archived_at = at
        del self.live[bisect_left(self.live, record.id)]
        insort(self.archived, record.id)
        self._by_change.pop(record.id, None)
        self._older.pop(record.id, None)
        self._happenings.tell("deletion", self.kind.name, record.id, changeFlag="DELETED")

    def restore(self, record: Record, at: str) -> None:
        """Take an archived record out of the recycle bin."""
        record.archived_at = ""
        record.updated_at = at
        del self.archived[bisect_left(self.archived, record.id)]
        insort(self.live, record.id)
        self._index(record)
        self._changed(record, None)
        self._happenings.tell("restore", self.kind.name, record.id)

    def forget(self, record: Record) -> None:
        """Remove a live record for good; nothing keeps its values."""
        for name in self.schema.unique:
            if record.properties.get(name):
                self._release(name, record)
        del self.records[record.id]
        del self.live[bisect_left(self.live, record.id)]
        self._by_change.pop(record.id, None)
        self._older.pop(record.id, None)

    def visible(self, record: Record, horizon: str) -> Record | None:
        """The version of a record that search knows: as it stood at ``horizon``."""
        for older in self._older.get(record.id, ()):
            if older.until > horizon:
                return older.record
        return record

    def changed_since(self, at: str) -> Iterator[Record]:
        """Live records last changed at or after a moment, the latest first."""
        for record_id in reversed(self._by_change):
            record = self.records[record_id]
            if record.updated_at < at:
                return
            yield record

    def all_live(self) -> Iterator[Record]:
        """Every live record in id order."""
        return map(self.records.__getitem__, self.live)

    def with_ids(self, ids: Sequence[int]) -> Iterator[Record]:
        """The live ones among some ids."""
        return (record for record_id in ids if (record := self.get(record_id)) is not None)

    def drop_older(self, horizon: str) -> None:
        """Forget versions that search no longer needs."""
        while self._due and self._due[0][0] <= horizon:
            _until, record_id = self._due.popleft()
            versions = [older for older in self._older.get(record_id, ()) if older.until > horizon]
            if versions:
                self._older[record_id] = versions
            else:
                self._older.pop(record_id, None)

    def _changed(self, record: Record, older: _Older | None) -> None:
        self._by_change.pop(record.id, None)
        self._by_change[record.id] = None
        if older is not None:
            self._older.setdefault(record.id, []).append(older)
            self._due.append((older.until, record.id))

    def _index(self, record: Record) -> None:
        for name in self.schema.unique:
            self._hold(name, record)

    def _hold(self, name: str, record: Record) -> None:
        for value in _held(name, record):
            self._holders.setdefault(name, {})[self.normal(name, value)] = record.id

    def _release(self, name: str, record: Record) -> None:
        holders = self._holders.get(name, {})
        for value in _held(name, record):
            if holders.get(self.normal(name, value)) == record.id:
                del holders[self.normal(name, value)]


def _held(name: str, record: Record) -> list[str]:
    """The values of a unique property that this record keeps others from having."""
    value = record.properties.get(name)
    further = record.properties.get(FURTHER[name]) if name in FURTHER else None
    return [each for each in (value, *(further.split(";") if further else ())) if each]


def _copy(record: Record) -> Record:
    return Record(
        record.id,
        record.properties,
        record.created_at,
        record.updated_at,
        record.source,
        record.archived_at,
        record.merged_ids,
        record.changes,
    )
