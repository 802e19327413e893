"""What the engine needs of a flow: how to read, map and push records. Functions and protocols, nothing to inherit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Outcome, SourceRecord, TargetRecord


@dataclass(frozen=True, slots=True)
class Page:
    """Records as read, and where to go on after them; ``cursor`` is None on the last page.

    ``skipped`` counts rows left out by a scope filter of the flow.
    """

    records: Sequence[SourceRecord]
    cursor: str | None
    skipped: int = 0


class Source(Protocol):
    """Where records come from."""

    def pages(self, cursor: str | None) -> AsyncIterator[Page]:
        """Every record in a stable order, from the beginning or from a cursor of an earlier page."""

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These records as they are now; missing ones are left out."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """The answer to one batch: an outcome for each record, and what the audit keeps of the call."""

    outcomes: Sequence[Outcome]
    status: int
    correlation_id: str


class Sink(Protocol):
    """Where records go, a batch a call. Safe to repeat."""

    side: str
    object_type: str
    resource: str
    batch_size: int

    async def push(self, changes: Sequence[Change], *, call_id: str) -> Pushed:
        """Write one batch.

        Raises:
            RejectedError: the whole batch was refused without saying which record; the engine bisects.
            RetryableError: the outcome is unknown or nothing was done; repeating is safe.
            AccessError: nothing can be written until a person acts.
        """


@dataclass(frozen=True, slots=True)
class RecordFlow:
    """A flow that moves many alike records."""

    name: str
    source: Source
    sink: Sink
    map: Callable[[SourceRecord], TargetRecord]
    mapping_version: int
    lanes: int = 8
    settings: object = field(default=None)
