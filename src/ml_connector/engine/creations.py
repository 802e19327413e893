"""Creations that must not be repeated: what became of those whose answer never came.

Where the target keeps nothing unique that is ours, sending a creation twice makes two records. Its intent stands in the
journal before the first byte leaves; while its outcome is not known no other one is sent for its keys. Before a flow
works, the target is searched for them: what stands is linked by its key, and what a search does not show although
the time to settle has passed was not made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from ml_connector.domain.records import FINGERPRINT_VERSION
from ml_connector.store import audit, calls, links
from ml_connector.store.audit import Entry
from ml_connector.store.calls import Ended
from ml_connector.store.links import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.store.calls import Doubt
    from ml_connector.store.database import Tx


async def unsure_keys(tx: Tx, connection_id: int, resource: str) -> set[str]:
    """The keys that a call of unknown outcome may have made."""
    return {key for doubt in await calls.in_doubt(tx, connection_id, resource) for key in doubt.keys}


async def settle_creations(flow: RecordFlow, engine: Engine, run_id: str) -> None:
    """Look for what calls without an answer have made, and take it as ours.

    Raises:
        AccessError, RetryableError: the target does not answer; the creations stay fenced.
    """
    if flow.sink.settle is None:
        return
    async with engine.store.read() as tx:
        doubts = await calls.in_doubt(tx, engine.connection_id, flow.sink.resource(creating=True))
    for doubt in doubts:
        is_settled = (
            engine.around.clock.now() >= doubt.intended_at + flow.sink.settle
        )  # before it is looked for
        standing = await flow.sink.standing(doubt.keys)
        is_known = is_settled or standing.keys() >= set(doubt.keys)
        if standing or is_known:
            async with engine.write() as tx:
                await link_standing(tx, flow, engine, run_id, doubt, standing)
                if is_known:
                    ended = Ended(doubt.call_id, "done" if standing.keys() >= set(doubt.keys) else "repeated")
                    await calls.finish(tx, engine.connection_id, ended)


async def link_standing(  # noqa: PLR0917 - one call's worth
    tx: Tx, flow: RecordFlow, engine: Engine, run_id: str, doubt: Doubt, standing: Mapping[str, str]
) -> None:
    """Link records that bear our key, with nothing written through the links: the next comparison fills them."""
    cid, name = engine.connection_id, flow.name
    heads = await links.heads(tx, cid, name, list(standing))
    fresh = [key for key in standing if key not in heads or heads[key].state == "deleted"]
    await links.put(tx, cid, [_link(flow, key, standing[key]) for key in fresh])
    entries = [
        Entry("found", name, key, {"target_id": standing[key], "call": doubt.call_id}, run_id)
        for key in fresh
    ]
    await audit.append(tx, cid, entries)


def _link(flow: RecordFlow, key: str, target_id: str) -> Link:
    return Link(
        flow=flow.name,
        key=key,
        object_type=flow.sink.object_type,
        target_id=target_id,
        fingerprint=b"",
        source_digest=b"",
        fingerprint_version=FINGERPRINT_VERSION,
        mapping_version=0,
        written=orjson.dumps({}),
    )
