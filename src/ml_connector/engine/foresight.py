"""What would come of changes if they were sent now: reads of the target instead of writes to it.

A creation whose identity a record of the target has already becomes an adoption, one whose identity another key of
the same plan has becomes a follower, and a record that is not where we left it has moved or was deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ml_connector.domain.diff import filled, follower
from ml_connector.domain.records import key_hash
from ml_connector.engine.filling import MOST_FOLLOWERS, adopting
from ml_connector.engine.pushing import looked_at
from ml_connector.store import links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Held, Trace
    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow

What = Literal[
    "create",
    "adopt",  # a record that stood in the target before us gets its key
    "follow",  # a further key of a record whose fields another key owns
    "update",
    "mark",  # gone, or out of scope: only its status changes
    "restore",  # edited in the target: what we wrote is put back
    "wait",  # a person deleted it in the target: nothing is written
]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One change as it was judged, which is what would be sent, and what would come of it."""

    change: Change
    what: What
    target_id: str
    send: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


class Foresight:
    """Follows one plan. Eight bytes are kept of each identity; more only of those that several keys share."""

    def __init__(self, flow: RecordFlow, engine: Engine) -> None:
        self.flow = flow
        self.engine = engine
        self._claimed: set[int] = set()  # identities of creations so far
        self._stands: dict[int, str] = {}  # those of them that a record of the target has already
        self._listed: dict[str, set[str]] = {}  # further keys, by the record that lists them
        self._followers: list[tuple[Change, str]] = []

    async def of(self, changes: Sequence[Change]) -> list[Foreseen]:
        """What would come of these; followers are told in portions, as they are sent."""
        known = [change for change in changes if change.kind not in ("create", "follow")]
        found = [*await self._known(known), *await self._new(changes)]
        if len(self._followers) >= MOST_FOLLOWERS:
            found += await self._follow()
        return found

    async def rest(self) -> list[Foreseen]:
        """The followers that are left."""
        found: list[Foreseen] = []
        while self._followers:
            found += await self._follow()
        return found

    # Records written before ---

    async def _known(self, changes: Sequence[Change]) -> list[Foreseen]:
        """Changes by the target's ids, against what stands there now."""
        sent = [change for change in changes if change.target_id]
        names = {name for change in sent for name in looked_at(change)}
        held = await self.flow.sink.look([change.target_id for change in sent], sorted(names)) if sent else {}
        lost = {change.key: change.target_id for change in sent if change.target_id not in held}
        traces = await self.flow.sink.trace(lost, sorted(names)) if lost else {}
        moved = [change for change in sent if change.key in traces]
        found = [_at(change, held[change.target_id]) for change in sent if change.target_id in held]
        return found + await self._moved(moved, traces)

    async def _moved(self, changes: Sequence[Change], traces: Mapping[str, Trace]) -> list[Foreseen]:
        """Records that their ids do not find: merged into others, whose keys may own those already, or deleted."""
        found: list[Foreseen] = []
        taken: set[str] = set()
        for change in changes:
            now = traces[change.key].now
            if now is None:
                found.append(Foreseen(change, "wait", change.target_id))
            elif (
                now.key in ("", change.key)
                and now.target_id not in taken
                and not (now.key and await self._is_owned(now.target_id, change.key))
            ):
                taken.add(now.target_id)
                found.append(_at(change, now))
            else:
                self._followers.append((change, now.target_id))
        return found

    async def _is_owned(self, target_id: str, key: str) -> bool:
        """Whether another key owns the record."""
        cid, object_type = self.engine.connection_id, self.flow.sink.object_type
        async with self.engine.store.read() as tx:
            rows = await links.by_target(tx, cid, object_type, target_id)
        return any(link.flow == self.flow.name and link.key != key and link.owns for link in rows)

    # Records never written ---

    async def _new(self, changes: Sequence[Change]) -> list[Foreseen]:
        """Creations, and the keys that turn out to share a record."""
        first = {change.key: change for change in changes if change.kind == "create" and self._claim(change)}
        held = await self._holders(list(first.values()))
        found: list[Foreseen] = []
        for change in changes:
            if change.kind == "follow":
                self._followers.append((change, change.target_id))
            elif change.kind == "create" and change.key in first:
                found += self._created(change, held.get(change.record.identity))
            elif change.kind == "create":
                target_id = self._stands.get(key_hash(change.record.identity), "")
                self._followers.append((change, target_id))
        return found

    def _claim(self, change: Change) -> bool:
        """Whether no creation before this one has its identity."""
        if not change.record.identity:
            return True
        mark = key_hash(change.record.identity)
        is_first = mark not in self._claimed
        self._claimed.add(mark)
        return is_first

    async def _holders(self, changes: Sequence[Change]) -> dict[str, Held]:
        """The target's records that have the identities of these creations."""
        identities = [change.record.identity for change in changes if change.record.identity]
        names = sorted({name for change in changes for name in change.record.properties})
        return await self.flow.sink.holders(identities, names) if identities else {}

    def _created(self, change: Change, one: Held | None) -> list[Foreseen]:
        """A creation that nobody before it has claimed the identity of."""
        if one is None or one.key == change.key:
            makes = self.flow.sink.resource(creating=True) != self.flow.sink.resource(creating=False)
            what: What = "create" if makes else "update"  # deals are never made
            return [Foreseen(change, what, "", change.send, change.before_after)]
        self._stands[key_hash(change.record.identity)] = one.target_id
        if one.key:
            self._followers.append((change, one.target_id))
            return []
        adopted = adopting(self.flow.traits, change, one)
        return [Foreseen(change, "adopt", one.target_id, adopted.send, adopted.before_after)]

    async def _follow(self) -> list[Foreseen]:
        """The next portion of further keys: each record lists all of its own."""
        size = self.flow.sink.batch_size
        rows, self._followers = self._followers[:size], self._followers[size:]
        for change, target_id in rows:
            shared = target_id or change.record.identity
            if shared not in self._listed:
                self._listed[shared] = await self._listed_on(target_id) if target_id else set()
            self._listed[shared].add(change.key)
        found: list[Foreseen] = []
        for change, target_id in rows:
            keys = sorted(self._listed[target_id or change.record.identity])
            sent = follower(change, target_id, self.flow.traits.further_keys, keys)
            found.append(Foreseen(change, "follow", target_id, sent.send, sent.before_after))
        return found

    async def _listed_on(self, target_id: str) -> set[str]:
        """The further keys that a record lists already."""
        cid, object_type = self.engine.connection_id, self.flow.sink.object_type
        async with self.engine.store.read() as tx:
            rows = await links.by_target(tx, cid, object_type, target_id)
        return {link.key for link in rows if link.role == "follower"}


def _at(change: Change, one: Held) -> Foreseen:
    """A change of a record that was looked at: what is empty there is filled, an adopted name is seen to go."""
    looked = filled(change, one.values) if change.if_empty or change.takes_over else change
    if change.kind in ("mark", "restore"):
        return Foreseen(change, change.kind, one.target_id, looked.send, looked.before_after)
    what: What = "adopt" if change.takes_over else "update"
    return Foreseen(change, what, one.target_id, looked.send, looked.before_after)
