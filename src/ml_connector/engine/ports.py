"""What the engine needs of a flow: how to read, map and push records. Functions and protocols, nothing to inherit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Page, Pushed, SourceRecord, TargetRecord


class Source(Protocol):
    """Where records come from."""

    def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every record in a stable order, from the beginning or from a cursor of an earlier page."""

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These records as they are now; missing ones are left out."""


class Sink(Protocol):
    """Where records go, a batch a call. Safe to repeat."""

    @property
    def side(self) -> str:
        """The side written to."""

    @property
    def object_type(self) -> str:
        """What kind of record is written."""

    @property
    def resource(self) -> str:
        """What a call is named in the journal."""

    @property
    def batch_size(self) -> int:
        """Records a call may carry."""

    async def push(self, changes: Sequence[Change], *, call_id: str) -> Pushed:
        """Write one batch.

        Raises:
            RejectedError: the whole batch was refused without saying which record; the engine bisects.
            RetryableError: the outcome is unknown or nothing was done; repeating is safe.
            AccessError: nothing can be written until a person acts.
        """


@dataclass(frozen=True, slots=True)
class Traits:
    """What the engine must know of a flow's target properties to judge and mark records."""

    status: str = ""  # says that a record is gone or out of scope; without it nothing is marked
    names: frozenset[str] = frozenset()  # blanked in many records at once, they stop the run
    currencies: frozenset[str] = frozenset()  # a changed one stops the run
    prices: frozenset[str] = frozenset()  # many of them moved far at once stop the run
    further_keys: str = ""  # lists the further keys of a record that several records share
    keeps_adopted: bool = False  # an adopted record keeps every value it has


@dataclass(frozen=True, slots=True)
class RecordFlow:
    """A flow that moves many alike records."""

    name: str
    source: Source
    sink: Sink
    map: Callable[[SourceRecord], TargetRecord]
    mapping_version: int
    lanes: int = 12
    traits: Traits = Traits()
