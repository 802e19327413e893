"""Links made before a first load: stamp the key onto a record that exists, store the link, and take both back.

A stamped record is linked with nothing written but its key, so the next run fills its mapped fields as an update. A
crash between the two leaves a record that carries its key: the next comparison finds it by that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from ml_connector.domain.records import FINGERPRINT_VERSION
from ml_connector.engine.calls import recorded
from ml_connector.store import audit, links, matches
from ml_connector.store.audit import Entry
from ml_connector.store.links import Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.errors import RejectedError
    from ml_connector.store.database import Tx
    from ml_connector.store.matches import Match

IDENTITY = "identity"  # in the details of a pair: the hash by which further keys of the record follow
UNTOUCHED = b""  # the fingerprint of a link through which nothing but the key has been written


class Stamps(Protocol):
    """The key property of one object type."""

    @property
    def object_type(self) -> str:
        """What kind of record is stamped."""

    @property
    def key_property(self) -> str:
        """The property that holds the key."""

    @property
    def batch_size(self) -> int:
        """Records a call may carry."""

    async def write(self, keys: Mapping[str, str], *, call_id: str) -> dict[str, RejectedError]:
        """Write keys by record id, an empty one clears; which were refused, and why."""

    async def read(self, record_ids: Sequence[str]) -> dict[str, str]:
        """The keys these records carry now; records that are not there are left out."""


@dataclass(slots=True)
class Written:
    """What became of links: those that stand (or are gone) now, and why others are not, by source key."""

    done: list[Match] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


async def stamp(
    engine: Engine, stamps: Stamps, run_id: str, chosen: Sequence[Match], *, carried: Mapping[str, str]
) -> Written:
    """Link records that are the same.

    Args:
        engine: Where.
        stamps: How their key is written.
        run_id: The run that found them.
        chosen: Pairs in the state they shall be stored in; one that has a number is decided, others are added.
        carried: Keys that records carry already, by record id: they are not written again.
    """
    written = Written()
    for batch in _batches(chosen, stamps.batch_size):
        bare = {
            row.target_id: row.source_key for row in batch if carried.get(row.target_id) != row.source_key
        }
        refused = await _write(engine, stamps, run_id, bare) if bare else {}
        landed = [row for row in batch if row.target_id not in refused]
        written.done += landed
        written.refused |= {bare[target_id]: error.message for target_id, error in refused.items()}
        async with engine.store.write() as tx:
            await _store_links(tx, engine, stamps, landed)
    return written


async def take_back(
    engine: Engine, stamps: Stamps, run_id: str, rows: Sequence[Match], *, by: str
) -> Written:
    """Clear the keys that matching wrote and remove the links, while nothing else was written through them."""
    written = Written()
    for batch in _batches(rows, stamps.batch_size):
        free, used = await _still_untouched(engine, batch)
        written.refused |= used
        now = await stamps.read([row.target_id for row in free])
        ours = {row.target_id: row.source_key for row in free if _is_ours(row, now)}
        refused = await _write(engine, stamps, run_id, dict.fromkeys(ours, ""), keys=ours) if ours else {}
        written.refused |= {ours[target_id]: error.message for target_id, error in refused.items()}
        gone = [row for row in free if row.target_id not in refused]
        async with engine.store.write() as tx:
            for row in gone:
                await matches.unlink(tx, engine.connection_id, row.flow, row.source_key)
            await matches.decide(tx, engine.connection_id, [row.match_id for row in gone], "undone", by)
            entries = [_entry(row, stamps, "unmatched", cleared=row.target_id in ours, by=by) for row in gone]
            await audit.append(tx, engine.connection_id, entries)
        written.done += gone
    return written


async def reject(engine: Engine, rows: Sequence[Match], *, by: str) -> None:
    """A person says that these pairs are different records: they are not proposed again."""
    async with engine.store.write() as tx:
        await matches.decide(tx, engine.connection_id, [row.match_id for row in rows], "rejected", by)
        entries = [_entry(row, None, "match rejected", cleared=False, by=by) for row in rows]
        await audit.append(tx, engine.connection_id, entries)


async def _write(
    engine: Engine,
    stamps: Stamps,
    run_id: str,
    values: Mapping[str, str],
    *,
    keys: Mapping[str, str] | None = None,
) -> dict[str, RejectedError]:
    """One call, its intent before and its outcome after."""

    async def send(call_id: str) -> dict[str, RejectedError]:
        return await stamps.write(values, call_id=call_id)

    found: dict[str, RejectedError] = await recorded(
        engine,
        side="hubspot",
        resource=f"{stamps.object_type}.update",
        keys=sorted((keys or values).values()),
        payload=dict(values),
        send=send,
        run_id=run_id,
    )
    return found


async def _store_links(tx: Tx, engine: Engine, stamps: Stamps, rows: Sequence[Match]) -> None:
    """The links of stamped records, their matches and their audit, in one transaction."""
    if not rows:
        return
    cid, flow = engine.connection_id, rows[0].flow
    await links.put(tx, cid, [_link(row, stamps) for row in rows])
    known = [row for row in rows if row.match_id]
    for row in known:
        await matches.decide(tx, cid, [row.match_id], row.state, row.decided_by)
    await matches.withdraw(
        tx,
        cid,
        flow,
        sources=[row.source_key for row in rows],
        targets=[row.target_id for row in rows],
        by="linked otherwise",
    )
    await matches.add(tx, cid, [row for row in rows if not row.match_id], engine.vault)
    entries = [_entry(row, stamps, "matched", cleared=False, by=row.decided_by) for row in rows]
    await audit.append(tx, cid, entries)


def _link(row: Match, stamps: Stamps) -> Link:
    return Link(
        flow=row.flow,
        key=row.source_key,
        object_type=stamps.object_type,
        target_id=row.target_id,
        fingerprint=UNTOUCHED,
        source_digest=b"",
        fingerprint_version=FINGERPRINT_VERSION,
        mapping_version=0,
        written=orjson.dumps({stamps.key_property: row.source_key}),
        identity=row.detail.get(IDENTITY),
        role="adopted",
    )


def _entry(row: Match, stamps: Stamps | None, kind: str, *, cleared: bool, by: str) -> Entry:
    changed: dict[str, Any] = {}
    if stamps is not None and kind == "matched":
        changed = {stamps.key_property: [None, row.source_key]}
    elif stamps is not None and cleared:
        changed = {stamps.key_property: [row.source_key, ""]}
    return Entry(
        kind=kind,
        flow=row.flow,
        key=row.source_key,
        run_id=row.run_id,
        payload={
            "target_id": row.target_id,
            "changed": changed,
            "rule": row.rule,
            "score": row.score,
            "reason": ", ".join(row.detail.get("reasons", ())),
            "by": by,
        },
    )


async def _still_untouched(engine: Engine, rows: Sequence[Match]) -> tuple[list[Match], dict[str, str]]:
    """The rows whose link is as matching left it; of the others, why not."""
    async with engine.store.read() as tx:
        heads = await links.heads(
            tx, engine.connection_id, rows[0].flow, [row.source_key for row in rows]
        )  # one flow a batch
    free: list[Match] = []
    used: dict[str, str] = {}
    for row in rows:
        head = heads.get(row.source_key)
        if head is None or head.target_id != row.target_id:
            used[row.source_key] = "it is not linked to that record any more"
        elif head.fingerprint != UNTOUCHED:
            used[row.source_key] = "a sync has written the record since"
        else:
            free.append(row)
    return free, used


def _is_ours(row: Match, now: Mapping[str, str]) -> bool:
    """The record carries the key that matching wrote; one that carried it before, or another now, keeps it."""
    return now.get(row.target_id) == row.source_key and bool(row.detail.get("written", True))


def _batches(rows: Sequence[Match], size: int) -> Iterator[Sequence[Match]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
