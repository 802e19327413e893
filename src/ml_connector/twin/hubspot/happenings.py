"""What happens to the records of a portal, as entries of its journal."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calculated import API
from ml_connector.twin.hubspot.object_types import BY_NAME
from ml_connector.twin.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.twin.hubspot.store import Record

_SILENT = frozenset({"hs_lastmodifieddate", "lastmodifieddate"})


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: ``what`` is the second half of a subscription type."""

    what: str  # creation, propertyChange, deletion, restore, merge, privacyDeletion, associationChange
    kind: str  # the plural type name
    record_id: int
    at: str
    source: str
    details: Mapping[str, Any] = field(default_factory=dict)  # in the order they are printed
    first_values: bool = False  # a property of a record that was made in the same moment


class Happenings:
    """The portal's journal: tables and associations report here."""

    def __init__(self) -> None:
        self.journal: Journal[Happening] = Journal()
        self.now = ""
        self.actor = API
        self._quiet = False

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """What happens inside is told as one thing by the caller."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def tell(self, what: str, kind: str, record_id: int, *, first: bool = False, **details: Any) -> None:
        """Write one entry."""
        if self.journal.open and not self._quiet:
            happening = Happening(what, kind, record_id, self.now, self.actor, details, first)
            self.journal.note(happening)

    def created(self, kind: str, record: Record) -> None:
        """A record was born; its values are told after it."""
        self.tell("creation", kind, record.id, changeFlag="NEW")
        self.changed(kind, record, {}, first=True)

    def changed(self, kind: str, record: Record, before: Mapping[str, str], *, first: bool = False) -> None:
        """Values differ from what they were; a cleared one is told as empty text."""
        if not self.journal.open:
            return
        after = record.properties
        for name in dict.fromkeys((*after, *before)):
            value = after.get(name, "")
            if name not in _SILENT and value != before.get(name, ""):
                self.tell(
                    "propertyChange", kind, record.id, first=first, propertyName=name, propertyValue=value
                )

    def linked(
        self,
        ends: tuple[tuple[str, int], tuple[str, int]],
        before: frozenset[int],
        after: frozenset[int],
        primaries: frozenset[int],
    ) -> None:
        """The types from the first end to the second have changed; each side hears of its own direction."""
        if not self.journal.open or before == after:
            return
        removed = not after
        primary = bool((before ^ after) & primaries)
        for (kind, record_id), (other, other_id) in (ends, (ends[1], ends[0])):
            self.tell(
                "associationChange",
                kind,
                record_id,
                associationType=f"{BY_NAME[kind].singular}_TO_{BY_NAME[other].singular}".upper(),
                fromObjectId=record_id,
                toObjectId=other_id,
                associationRemoved=removed or len(after) < len(before),
                isPrimaryAssociation=primary,
            )
