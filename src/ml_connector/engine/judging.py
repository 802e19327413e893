"""From records as read to what must happen to them: the comparison that loads, crawls, replays and plans share.

Nothing is written here and nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from ml_connector.domain.diff import creation, follower, mark, update
from ml_connector.domain.records import FINGERPRINT_VERSION, identity_hash
from ml_connector.domain.text import key_problem
from ml_connector.engine.creations import unsure_keys
from ml_connector.errors import RecordError
from ml_connector.store import links, matches, parked, suppressed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import SourceRecord, TargetRecord
    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.database import Tx
    from ml_connector.store.links import Link, LinkHead

CHUNK = 500  # records compared with their links in one look-up
BREATH = 50  # records mapped between two looks at the loop, so that answers are not kept waiting
OUT_OF_SCOPE = "No longer in scope"
MAPPED_BY = "mapping_version"  # in the details of a parked record
NOT_IN_DYNAMICS = "Not in Dynamics"


@dataclass(frozen=True, slots=True)
class Stopped:
    """A record that goes no further in this run."""

    key: str
    error: RecordError
    source_digest: bytes


@dataclass(slots=True)
class Judged:
    """What one chunk of records came to."""

    changes: list[Change] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    touched: list[tuple[str, bytes]] = field(default_factory=list)  # map to what stands: the new digests
    unchanged: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)  # parked, and again as they stand
    still_parked: int = 0
    held: int = 0  # behind a doubtful match
    waiting: int = 0  # deleted in the target by a person, or nobody knows yet whether it was made
    put_aside: list[str] = field(default_factory=list)  # further keys that left the scope: nothing to send
    handed: list[tuple[str, str]] = field(default_factory=list)  # owners that left the scope, and their heirs
    related: list[tuple[str, TargetRecord]] = field(default_factory=list)  # of touched ones, with target ids
    skipped: Counter[str] = field(default_factory=Counter)  # by the filter or reason
    open_parked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows about a chunk."""

    heads: dict[str, LinkHead]
    parked: dict[str, bytes]  # digests with which keys are parked; none where another mapping stopped them


class Judge:
    """Compares records of one flow with what was last written."""

    def __init__(
        self,
        flow: RecordFlow,
        engine: Engine,
        *,
        again: bool = False,
        restored: Mapping[str, str] | None = None,
    ) -> None:
        self.flow = flow
        self.engine = engine
        self.again = again  # judge parked records as if they were new
        self.restored = restored or {}  # links a run would put back before it reads: keys, present ids

    async def judge(self, records: Sequence[SourceRecord]) -> Judged:
        """One chunk of records with different keys."""
        records, unusable = with_usable_keys(records)
        known = await self.known([record.key for record in records])
        found = Judged(open_parked=frozenset(known.parked))
        await self.stop(unusable, found)
        new: list[TargetRecord] = []
        other: list[tuple[TargetRecord, LinkHead]] = []
        marked: list[tuple[SourceRecord, LinkHead]] = []
        for count, record in enumerate(records, start=1):
            if count % BREATH == 0:
                await asyncio.sleep(0)
            head = known.heads.get(record.key)
            if record.left_scope:
                if head is None or head.state != "live":
                    found.skipped[record.left_scope] += 1
                    found.taken_back += [record.key] if record.key in known.parked and head is None else []
                else:
                    marked.append((record, head))
            elif self.rests(record, head, known, found) or (target := self.mapped(record, found)) is None:
                continue
            elif head is None or head.state == "deleted" or separated(target, head):
                new.append(target)
            else:
                self.compare(target, head, found, other)
        found.taken_back += [key for key in found.unchanged if key in known.parked]
        found.changes += await self.creations(new, found)
        found.changes += await self.updates(other)
        await self.marks(marked, found)
        return found

    def rests(self, record: SourceRecord, head: LinkHead | None, known: Known, found: Judged) -> bool:
        """Whether nothing is to be done about a record, as far as can be told without mapping it."""
        if head is not None and head.state == "deleted" and not self.again:
            found.waiting += 1
        elif head is not None and head.state == "erased":
            found.skipped["deleted for privacy"] += 1
        elif head is not None and self.is_as_written(record, head):
            found.unchanged.append(record.key)
        elif not self.again and known.parked.get(record.key) == record.digest:
            found.still_parked += 1
        else:
            return False
        return True

    def mapped(self, record: SourceRecord, found: Judged) -> TargetRecord | None:
        """The record as it shall stand; None when it cannot be mapped."""
        try:
            return self.flow.map(record)
        except RecordError as error:
            found.stopped.append(Stopped(record.key, error, record.digest))
            return None

    def compare(
        self,
        target: TargetRecord,
        head: LinkHead,
        found: Judged,
        other: list[tuple[TargetRecord, LinkHead]],
    ) -> None:
        """A mapped record against its link."""
        follows = head.role == "follower"
        if head.state == "live" and (follows or head.fingerprint == target.fingerprint):
            found.touched.append((target.key, target.source_digest))
            found.related += [(head.target_id, target)] if target.related else []
            found.unchanged.append(target.key)
        else:
            other.append((target, head))

    def is_as_written(self, record: SourceRecord, head: LinkHead) -> bool:
        """The source has not moved and neither has the mapping: no need to map at all."""
        return (
            head.source_digest == record.digest
            and head.mapping_version == self.flow.mapping_version
            and head.fingerprint_version == FINGERPRINT_VERSION
            and head.state == "live"
        )

    async def stop(self, stopped: Sequence[Stopped], found: Judged) -> None:
        """Records that were stopped before they were compared; those that are parked as they stand stay so."""
        if not stopped:
            return
        known = await self.known([one.key for one in stopped])
        fresh = [one for one in stopped if self.again or known.parked.get(one.key) != one.source_digest]
        found.stopped += fresh
        found.still_parked += len(stopped) - len(fresh)

    async def known(self, keys: Sequence[str]) -> Known:
        """The links of these keys, and the digests with which keys are parked."""
        async with self.engine.store.read() as tx:
            heads = await links.heads(tx, self.engine.connection_id, self.flow.name, keys)
            stopped = await parked.open_for(tx, self.engine.connection_id, self.flow.name, keys)
        heads |= {key: replace(heads[key], state="live") for key in heads.keys() & self.restored.keys()}
        version = self.flow.mapping_version
        mapped_so = {key: row.detail.get(MAPPED_BY, version) == version for key, row in stopped.items()}
        digests = {key: row.source_digest if mapped_so[key] else b"" for key, row in stopped.items()}
        return Known(heads, digests)

    async def creations(self, targets: Sequence[TargetRecord], found: Judged) -> list[Change]:
        """Records never written: some wait behind a match, some must never be sent, some have another's identity."""
        if not targets:
            return []
        cid, name = self.engine.connection_id, self.flow.name
        identities = {target.identity for target in targets if target.identity}
        async with self.engine.store.read() as tx:
            undecided = await matches.undecided(tx, cid, name, [target.key for target in targets])
            erased = await suppressed.among(
                tx, cid, self.engine.vault, [*identities, *(target.key for target in targets)]
            )
            owners = await self.owners(tx, identities)
            unsure = await unsure_keys(tx, cid, self.flow.sink.resource(creating=True))
        changes: list[Change] = []
        for target in targets:
            if target.key in unsure:
                found.waiting += 1
            elif target.key in undecided:
                found.held += 1
            elif target.key in erased or target.identity in erased:
                found.skipped["deleted for privacy"] += 1
            elif (owner := owners.get(target.identity)) is not None:
                changes.append(self.following(target, owner.target_id))
            else:
                changes.append(creation(target))
        return changes

    async def owners(self, tx: Tx, identities: Iterable[str]) -> dict[str, Link]:
        """The links that own records of these identities."""
        by_hash = {identity_hash(identity): identity for identity in identities}
        found = await links.by_identity(
            tx, self.engine.connection_id, self.flow.name, [name for name in by_hash if name]
        )
        return {by_hash[link.identity]: link for link in found if link.owns}

    def following(self, target: TargetRecord, target_id: str) -> Change:
        """A key whose record another one owns; which keys are listed there is found out when it is sent."""
        return follower(creation(target), target_id, self.flow.traits.further_keys, [target.key])

    async def updates(self, pairs: Sequence[tuple[TargetRecord, LinkHead]]) -> list[Change]:
        """Records written before, against the values last written."""
        if not pairs:
            return []
        async with self.engine.store.read() as tx:
            rows = await links.many(
                tx, self.engine.connection_id, self.flow.name, [target.key for target, _ in pairs]
            )
        rows |= {
            key: replace(rows[key], target_id=self.restored[key])
            for key in rows.keys() & self.restored.keys()
        }
        return [self.update(target, rows[target.key]) for target, _ in pairs if target.key in rows]

    def update(self, target: TargetRecord, link: Link) -> Change:
        """One record written before, adopted, or a further key of one that is back."""
        if link.role == "follower":
            return self.following(target, link.target_id)
        adopted = link.role == "adopted"
        kept = self.flow.traits.kept(target.properties) if adopted else frozenset()
        return update(
            target,
            orjson.loads(link.written),
            link.target_id,
            base=link.fingerprint,
            adopted=adopted,
            kept=kept,
        )

    async def marks(self, pairs: Sequence[tuple[SourceRecord, LinkHead]], found: Judged) -> None:
        """Linked records that have left the scope; of a record that several keys share, the next one takes over."""
        keys = [record.key for record, _ in pairs]
        heirs = await self.heirs(keys)
        changes = await self.marked([key for key in keys if key not in heirs], OUT_OF_SCOPE)
        found.changes += changes
        found.handed += heirs.items()
        sent = {change.key for change in changes}
        for record, head in pairs:
            if record.key not in sent:
                found.skipped[record.left_scope] += 1
                found.put_aside += [record.key] if head.role == "follower" else []

    async def heirs(self, keys: Sequence[str]) -> dict[str, str]:
        """The owners among these keys whose record a further key still needs, and the key that takes over."""
        cid, name = self.engine.connection_id, self.flow.name
        found: dict[str, str] = {}
        async with self.engine.store.read() as tx:
            rows = await links.many(tx, cid, name, keys) if self.flow.traits.further_keys else {}
            for key, link in rows.items():
                if link.role == "follower" or link.state != "live":
                    continue
                others = await links.by_target(tx, cid, link.object_type, link.target_id)
                able = [
                    other.key
                    for other in others
                    if other.flow == name and other.role == "follower" and other.state == "live"
                    if not other.missed and other.key not in rows
                ]
                if able:
                    found[key] = min(able)
        return found

    async def marked(self, keys: Sequence[str], status: str) -> list[Change]:
        """Linked records whose status alone changes; further keys of a record leave its status to the owner."""
        if not keys or not self.flow.traits.status:
            return []
        async with self.engine.store.read() as tx:
            rows = await links.many(tx, self.engine.connection_id, self.flow.name, keys)
        return [
            mark(
                key,
                self.flow.traits.status,
                status,
                link.target_id,
                written=orjson.loads(link.written),
                base=link.fingerprint,
            )
            for key, link in sorted(rows.items())
            if link.state == "live" and link.role != "follower"
        ]


def separated(target: TargetRecord, head: LinkHead) -> bool:
    """Whether a further key of a record no longer has the identity it shared."""
    return head.role == "follower" and head.identity != identity_hash(target.identity)


def printable(key: str) -> str:
    """What a record is parked by: its key, control characters written out."""
    return key.encode("unicode_escape").decode() if key_problem(key) else key


def with_usable_keys(records: Sequence[SourceRecord]) -> tuple[list[SourceRecord], list[Stopped]]:
    """Records whose keys can be stored and compared, and the others."""
    usable: list[SourceRecord] = []
    stopped: list[Stopped] = []
    for record in records:
        if problem := key_problem(record.key):
            name = printable(record.key)
            error = RecordError(f"The key {name} cannot be used: {problem}.", code="record.unusable_key")
            stopped.append(Stopped(name, error, record.digest))
        else:
            usable.append(record)
    return usable, stopped
