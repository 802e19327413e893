"""What to send for one record: the difference between what shall stand and what we wrote last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.domain.records import TargetRecord


@dataclass(frozen=True, slots=True)
class Change:
    """One record to write: the properties to send, and each changed one's value before and after."""

    record: TargetRecord
    send: Mapping[str, str]
    before_after: Mapping[str, tuple[str | None, str]]
    target_id: str = ""
    written: Mapping[str, str] = field(default_factory=dict)  # what we had written before

    @property
    def key(self) -> str:
        """The record's external key."""
        return self.record.key


def creation(record: TargetRecord) -> Change:
    """A record never written: every value it has; empty ones are left to the target."""
    values = {name: value for name, value in record.properties.items() if value != ""}
    return Change(record, values, {name: (None, value) for name, value in values.items()})


def update(record: TargetRecord, written: Mapping[str, str], target_id: str) -> Change:
    """A record written before.

    All owned values go out, so that an edit made in the target is put back. An empty value is sent only to clear
    what we wrote; a first-write property is never sent again.
    """
    send = {
        name: value
        for name, value in record.properties.items()
        if name not in record.first_write and (value != "" or written.get(name, "") != "")
    }
    changed = {
        name: (written.get(name) or None, value)
        for name, value in send.items()
        if written.get(name, "") != value
    }
    return Change(record, send, changed, target_id, written)


def written_after(change: Change) -> dict[str, str]:
    """What we have written once this change has landed: first-write values stay known."""
    return {name: value for name, value in {**change.written, **change.send}.items() if value != ""}
