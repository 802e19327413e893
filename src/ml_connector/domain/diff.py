"""What to send for one record: the difference between what shall stand and what we wrote last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ml_connector.domain.records import TargetRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal[
    "create",  # never written: upserted by its key
    "update",  # written before: by the target's own id
    "look",  # the same, but the target is read first: for values that fill empty ones, and before a take-over
    "follow",  # another key owns the record of the target: its fields stay, the key is listed there
    "mark",  # gone from the source, or out of scope: only its status changes
    "restore",  # edited in the target: what we wrote is put back
]


@dataclass(frozen=True, slots=True)
class Change:
    """One record to write: the properties to send, and each changed one's value before and after.

    ``if_empty`` holds values that are sent only where the target has none. ``base`` is the fingerprint of what stood
    when the change was judged: a change is dropped when somebody has written the record since.
    """

    record: TargetRecord
    send: Mapping[str, str]
    before_after: Mapping[str, tuple[str | None, str]]
    target_id: str = ""
    written: Mapping[str, str] = field(default_factory=dict)  # what we had written before
    kind: Kind = "create"
    if_empty: Mapping[str, str] = field(default_factory=dict)
    base: bytes = b""
    adopted: bool = False  # the record stood in the target before us

    @property
    def key(self) -> str:
        """The record's external key."""
        return self.record.key

    @property
    def takes_over(self) -> bool:
        """The first write to a record that stood in the target before us."""
        return self.adopted and self.base == b""


def creation(record: TargetRecord) -> Change:
    """A record never written: every value it has; empty ones are left to the target."""
    values = {name: value for name, value in record.properties.items() if value != ""}
    return Change(record, values, {name: (None, value) for name, value in values.items()})


def update(
    record: TargetRecord,
    written: Mapping[str, str],
    target_id: str,
    *,
    base: bytes = b"",
    adopted: bool = False,
    kept: frozenset[str] = frozenset(),
) -> Change:
    """A record written before, or one that stood in the target before us.

    All owned values go out, so that an edit made in the target is put back. An empty value is sent only to clear
    what we wrote; a first-write property is filled once, while the target has none.

    Args:
        record: What shall stand.
        written: What we wrote last.
        target_id: The target's own id.
        base: The fingerprint of what we wrote last.
        adopted: The record stood in the target before us.
        kept: Further properties of which an adopted record keeps the value it has.
    """
    gentle = record.first_write | kept
    owned = {name: value for name, value in record.properties.items() if name not in gentle}
    send = {name: value for name, value in owned.items() if value != "" or written.get(name, "") != ""}
    if_empty = {
        name: value
        for name, value in record.properties.items()
        if name in gentle and value != "" and name not in written
    }
    first = adopted and base == b""  # what it held is worth a look, and an audit entry
    kind: Kind = "look" if if_empty or first else "update"
    return Change(record, send, differences(send, written), target_id, written, kind, if_empty, base, adopted)


def filled(change: Change, current: Mapping[str, str | None]) -> Change:
    """The change of a record that was looked at: values for empty properties join what is sent."""
    fitting = {name: value for name, value in change.if_empty.items() if not current.get(name)}
    send = {**change.send, **fitting}
    before_after = differences(send, change.written)
    if change.takes_over:
        before_after = {
            name: (current.get(name) or None, value)
            for name, value in send.items()
            if (current.get(name) or "") != value
        }
    return replace(change, send=send, before_after=before_after, kind="update", if_empty={})


def follower(change: Change, target_id: str, listed_in: str, keys: Sequence[str]) -> Change:
    """The change of a key whose record another key owns: it is listed there, the fields stay as they are."""
    send = {listed_in: ";".join(sorted(keys))} if listed_in else {}
    notes = (*change.record.notes, "Another key owns this record's fields; this one is listed on it.")
    return replace(
        change,
        record=replace(change.record, notes=notes),
        send=send,
        before_after={name: (None, value) for name, value in send.items()},
        target_id=target_id,
        written={},
        kind="follow",
        if_empty={},
    )


def mark(
    key: str, status: str, value: str, target_id: str, *, written: Mapping[str, str], base: bytes
) -> Change:
    """A record that is gone or out of scope: its status says so, everything else stays."""
    record = TargetRecord(key=key, properties={status: value}, fingerprint=b"", source_digest=b"")
    send = {status: value}
    return Change(record, send, differences(send, written), target_id, written, "mark", {}, base)


def restoration(
    key: str, target_id: str, written: Mapping[str, str], current: Mapping[str, str | None], *, base: bytes
) -> Change:
    """A record of which somebody edited values that are ours: they are put back as we wrote them."""
    send = {name: value for name, value in written.items() if (current.get(name) or "") != value}
    before_after = {name: (current.get(name) or None, value) for name, value in send.items()}
    record = TargetRecord(key=key, properties=send, fingerprint=base, source_digest=b"")
    return Change(record, send, before_after, target_id, written, "restore", {}, base)


def differences(send: Mapping[str, str], written: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """Each property whose value is another than the one we wrote, with both."""
    return {
        name: (written.get(name) or None, value)
        for name, value in send.items()
        if written.get(name, "") != value
    }


def written_after(change: Change) -> dict[str, str]:
    """What we have written once this change has landed: first-write values stay known."""
    return {name: value for name, value in {**change.written, **change.send}.items() if value != ""}
