"""What travels through a record flow: read as SourceRecord, mapped to TargetRecord, answered as an Outcome."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FINGERPRINT_VERSION = 1


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record as read: its external key, its fields as parsed, and a digest of exactly those fields."""

    key: str
    fields: Mapping[str, Any]
    digest: bytes
    left_scope: str = (
        ""  # the scope filter that leaves the record out; the engine marks what is linked and skips the rest
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Records as read, and where to go on after them.

    Whoever moves the records takes them out of the list: a page of 10,000 is held by several hands.
    ``cursor`` is None on the last page and ``""`` when a resumed read must begin at the start; ``skipped`` counts
    rows that a scope filter left out.
    """

    records: list[SourceRecord]
    cursor: str | None
    skipped: int = 0


class Related(NamedTuple):
    """A record that another one shall be associated with: its flow and key."""

    flow: str
    key: str


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """One record as it shall stand in the target: every property the mapping owns, ``""`` for empty.

    ``identity`` is what else the target keeps unique of it: of a contact the e-mail address, normalised.
    """

    key: str
    properties: Mapping[str, str]
    fingerprint: bytes
    source_digest: bytes
    first_write: frozenset[str] = frozenset()  # properties only filled when the target's are empty
    notes: tuple[str, ...] = ()  # for the audit: what was cut, left out or kept verbatim
    identity: str = ""
    related: tuple[Related, ...] = ()


class Result(StrEnum):
    """How one record ended in a run."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    HELD = "held"
    WAITING = "waiting"
    PARKED = "parked"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the target answered for one record of a batch."""

    key: str
    result: Result
    target_id: str = ""
    error: Any = None  # a RecordError when parked, a RetryableError when held
    occupied: bool = False  # parked because another record of the target has the same identity
    occupied_by: str = ""  # its id, when the target tells
    missing: bool = False  # parked because the target has no record of the id that was known


class Pair(NamedTuple):
    """An association of the target to make; ``primary`` when the record has no primary one yet."""

    from_id: str
    to_id: str
    primary: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A record of the target as it stands: its id, its values, and the external key it carries, if any."""

    target_id: str
    values: Mapping[str, str | None]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """Records of ours that were changed in the target since a moment, as its search shows them.

    ``newest`` is where the next look begins; ``unseen`` counts changes that were too many to look at.
    """

    newest: str
    records: Sequence[Held] = ()
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of a record that its id no longer finds: merged into ``now``, in the recycle bin, or nowhere."""

    fate: Literal["moved", "deleted", "vanished"]
    now: Held | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """The answer to one batch: an outcome for each record, and what the audit keeps of the call."""

    outcomes: Sequence[Outcome]
    status: int
    correlation_id: str


@dataclass(slots=True)
class Counters:
    """The figures of one run; ``read`` equals the sum of the seven results."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    held: int = 0
    waiting: int = 0
    parked: int = 0
    skipped: int = 0
    requests: dict[str, int] = field(default_factory=lambda: {"dynamics": 0, "hubspot": 0})
    throttled: int = 0
    seconds: float = 0.0

    def add(self, result: Result, count: int = 1) -> None:
        """Count records that ended this way."""
        setattr(self, result.value, getattr(self, result.value) + count)


def identity_hash(identity: str) -> str | None:
    """What the store keeps of an identity: enough to find it again, nothing to read."""
    return hashlib.blake2b(identity.encode(), digest_size=16).hexdigest() if identity else None


def key_hash(key: str) -> int:
    """Eight bytes of a key: what a crawl remembers of each record it has seen."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def digest(value: Any) -> bytes:
    """A 16-byte digest of plain data; Decimals by their digits, keys in sorted order."""
    body = orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(body, digest_size=16).digest()
