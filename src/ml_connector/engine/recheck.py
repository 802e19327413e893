"""Records that were deleted in the target: looked for again before a flow works, for a person may have acted since.

Restored, a record goes on by itself. Still in the recycle bin, it waits. Nowhere any more, a person was deleted for
privacy, where the target keeps identities: what names her goes on the suppression list, and she is never sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from ml_connector.engine.pushing import DELETED
from ml_connector.store import audit, links, parked, suppressed
from ml_connector.store.audit import Entry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.database import Tx
    from ml_connector.store.links import Link

SEARCH_TRAILS = timedelta(minutes=5)  # so long a record that was merged may look as if it had vanished
PAGE = 500


@dataclass(slots=True)
class Fates:
    """What became of links whose records were deleted; those in none of the lists are still in the recycle bin."""

    back: list[Link] = field(default_factory=list)  # with the ids their records have now
    vanished: list[Link] = field(default_factory=list)


async def recheck(
    flow: RecordFlow, engine: Engine, run_id: str, keys: Collection[str] | None = None
) -> frozenset[str]:
    """Look for the flow's deleted records, or those of these keys, and store what became of them.

    Returns:
        Keys of persons of whom it is not certain yet whether they were deleted for privacy.

    Raises:
        AccessError, RetryableError: the target does not answer; nothing is lost.
    """
    unsure: set[str] = set()
    after = ""
    while True:
        async with engine.store.read() as tx:
            rows = await links.in_state(
                tx, engine.connection_id, flow.name, "deleted", after=after, limit=PAGE
            )
        if not rows:
            return frozenset(unsure)
        after = rows[-1].key
        wanted = [link for link in rows if keys is None or link.key in keys]
        if wanted:
            unsure |= await store_fates(flow, engine, run_id, await fates(flow, wanted))


async def fates(flow: RecordFlow, rows: Sequence[Link]) -> Fates:
    """Ask the target about these records."""
    found = Fates()
    held = await flow.sink.look([link.target_id for link in rows], [])
    lost = [link for link in rows if link.target_id not in held]
    found.back += [
        link for link in rows if link.target_id in held and held[link.target_id].key in ("", link.key)
    ]
    binned = await flow.sink.binned([link.target_id for link in lost])
    lost = [link for link in lost if link.target_id not in binned]
    traces = await flow.sink.trace({link.key: link.target_id for link in lost}, []) if lost else {}
    for link in lost:
        trace = traces[link.key]
        if trace.now is not None:
            # the id of a record that bears another key is left as it is: the next change finds whom to follow
            own = trace.now.key in ("", link.key)
            found.back.append(replace(link, target_id=trace.now.target_id) if own else link)
        elif trace.fate == "vanished" and flow.sink.identity:
            found.vanished.append(link)
    await spare_renamed(flow, found)
    return found


async def spare_renamed(flow: RecordFlow, found: Fates) -> None:
    """Whose address another record has was merged a moment ago: search trails, a read by identity does not."""
    addresses = {link.key: address(flow, link) for link in found.vanished}
    holders = await flow.sink.holders(sorted(set(addresses.values()) - {""}), [])
    found.back += [link for link in found.vanished if addresses[link.key] in holders]
    found.vanished = [link for link in found.vanished if addresses[link.key] not in holders]


def address(flow: RecordFlow, link: Link) -> str:
    """The identity we wrote to the record; empty when we wrote none."""
    return str(orjson.loads(link.written).get(flow.sink.identity) or "").strip().lower()


async def store_fates(flow: RecordFlow, engine: Engine, run_id: str, found: Fates) -> set[str]:
    """Put back what is there again and erase who is nowhere; the keys of which it is too early to tell come back."""
    cid, name = engine.connection_id, flow.name
    async with engine.write() as tx:
        keys = [link.key for link in (*found.back, *found.vanished)]
        stuck = await parked.open_for(tx, cid, name, keys)
        # without a digest, the next pass compares it whatever has moved meanwhile
        await links.put(
            tx, cid, [replace(link, state="live", missed=0, source_digest=b"") for link in found.back]
        )
        again = [key for link in found.back if (key := link.key) in stuck and stuck[key].cause == DELETED]
        await parked.resolve(tx, cid, name, again, "restored")
        await audit.append(
            tx,
            cid,
            [Entry("restored", name, link.key, {"target_id": link.target_id}, run_id) for link in found.back],
        )
        early = {
            key for key, row in stuck.items() if row.first_at is None or tx.now - row.first_at < SEARCH_TRAILS
        }
        for link in found.vanished:
            if link.key not in early:
                await erase(tx, flow, engine, run_id, link)
    return {link.key for link in found.vanished if link.key in early}


async def erase(tx: Tx, flow: RecordFlow, engine: Engine, run_id: str, link: Link) -> None:
    """A person deleted for privacy, under every key she has: nothing is kept that names her, nothing is sent again."""
    cid, name = engine.connection_id, flow.name
    others = await links.by_target(tx, cid, link.object_type, link.target_id)
    keys = sorted({link.key, *(other.key for other in others if other.flow == name)})
    await suppressed.add(tx, cid, engine.vault, [*keys, address(flow, link)])
    await links.set_state(tx, cid, name, keys, "erased")
    await parked.resolve(tx, cid, name, keys, "deleted for privacy")
    entries = [Entry("erased", name, key, {"object_type": link.object_type}, run_id) for key in keys]
    await audit.append(tx, cid, entries)
