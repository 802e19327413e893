"""What the engine needs of a flow: how to read, map and push records. Functions and protocols, nothing to inherit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import (
        Edited,
        Held,
        Page,
        Pair,
        Pushed,
        SourceRecord,
        TargetRecord,
        Trace,
    )
    from ml_connector.errors import RejectedError


class Source(Protocol):
    """Where records come from."""

    def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every record in a stable order, from the beginning or from a cursor of an earlier page."""

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These records as they are now; missing ones are left out."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Which records changed since a moment, and how far one can rely on that; times are the server's own texts.

    ``whole`` is False when there were too many to list.
    """

    keys: Sequence[str]
    newest: str
    whole: bool = True


class Changes(Protocol):
    """Which records of a source changed, by the times that its server keeps."""

    @property
    def read_by(self) -> str:
        """What decides which records are read, and how; where it is another one, everything must be read anew."""

    async def newest(self) -> str:
        """The newest time of change that the server shows now; empty when it shows none.

        Raises:
            ConfigurationError: the source has no such times.
        """

    async def changed(self, after: datetime, *, most: int) -> Changed:
        """The keys of the records changed later than that, as far as there are no more than so many."""


class Sink(Protocol):
    """Where records go, a batch a call. Safe to repeat, unless creations have a time to ``settle``."""

    @property
    def side(self) -> str:
        """The side written to."""

    @property
    def object_type(self) -> str:
        """What kind of record is written."""

    @property
    def identity(self) -> str:
        """What else the target keeps unique of a record, as the e-mail of a contact; empty when nothing."""

    @property
    def batch_size(self) -> int:
        """Records a call may carry."""

    @property
    def settle(self) -> timedelta | None:
        """How long after its intent a creation may still come to light; None when it may be repeated at will."""

    def resource(self, *, creating: bool) -> str:
        """What a call is named in the journal."""

    async def push(self, changes: Sequence[Change], *, creating: bool, call_id: str) -> Pushed:
        """Write one batch: creations by their key, or changes by the target's own ids.

        Raises:
            RejectedError: the whole batch was refused without saying which record; the engine bisects.
            RetryableError: the outcome is unknown or nothing was done; repeating is safe.
            UncertainWriteError: creations that must not be repeated may have landed.
            AccessError: nothing can be written until a person acts.
        """

    async def look(self, target_ids: Sequence[str], properties: Sequence[str]) -> dict[str, Held]:
        """Records as they stand now, by their ids; missing ones are left out."""

    async def holders(self, identities: Sequence[str], properties: Sequence[str]) -> dict[str, Held]:
        """The records that have these identities now; a type without identities knows none."""

    async def standing(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of the records that bear these keys, once ``settle`` has passed since they were made."""

    async def trace(self, target_ids: Mapping[str, str], properties: Sequence[str]) -> dict[str, Trace]:
        """What became of records that their ids do not find, by key."""

    async def edited(self, since: str, properties: Sequence[str]) -> Edited:
        """Records of ours changed in the target since a moment of its own clock; without one, only where to begin."""

    async def binned(self, target_ids: Sequence[str]) -> set[str]:
        """Those of the records that a person deleted and can still restore."""


class Associations(Protocol):
    """How records of the flow are tied to records of another one."""

    @property
    def resource(self) -> str:
        """What a call is named in the journal."""

    @property
    def batch_size(self) -> int:
        """Pairs a call may carry."""

    async def current(self, from_ids: Sequence[str]) -> dict[str, dict[str, bool]]:
        """What hangs on these records now: for each the other ends, and whether one is the primary."""

    async def make(
        self, pairs: Sequence[Pair], *, call_id: str
    ) -> dict[tuple[str, str], RejectedError | None]:
        """Make associations; for each pair None, or why it was refused. Safe to repeat."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the engine must know of a flow's target properties to judge and mark records."""

    status: str = ""  # says that a record is gone or out of scope; without it nothing is marked
    names: frozenset[str] = frozenset()  # blanked in many records at once, they stop the run
    currencies: frozenset[str] = frozenset()  # a changed one stops the run
    prices: frozenset[str] = frozenset()  # many of them moved far at once stop the run
    bulk_is_normal: bool = False  # many records change at once on an ordinary day, as by a new price list
    further_keys: str = ""  # lists the further keys of a record that several records share
    keeps_adopted: bool = False  # an adopted record keeps every value it has, save the connector's own
    own_prefix: str = "d365_"  # what the connector's own properties begin with

    def kept(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the properties of which an adopted record keeps the value it has."""
        if not self.keeps_adopted:
            return frozenset()
        return frozenset(name for name in names if not name.startswith(self.own_prefix))


def everything(_key: str) -> bool:
    """Every key is one this flow reads."""
    return True


@dataclass(frozen=True, slots=True)
class RecordFlow:
    """A flow that moves many alike records.

    ``properties`` are those its mapping may write, ``first_write`` the ones of them that are only filled while empty.
    ``covers`` tells whether the source as it is set up now would list a record of this key: what it would not list
    cannot be missed. ``changes``, where the source keeps times of change, makes passes between full crawls short.
    """

    name: str
    source: Source
    sink: Sink
    map: Callable[[SourceRecord], TargetRecord]
    mapping_version: int
    lanes: int = 12
    properties: tuple[str, ...] = ()
    first_write: frozenset[str] = frozenset()
    traits: Traits = Traits()
    covers: Callable[[str], bool] = everything
    associations: Associations | None = None
    changes: Changes | None = None
