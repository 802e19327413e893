"""Edits in the target of values that are ours: noticed at the next crawl, audited, put back.

Only what changed there since the last look is compared, and read afresh before anything is done about it. Links that
another version of the mapping wrote are left to the crawl, which writes them anew anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from ml_connector.domain.diff import restoration
from ml_connector.engine.coverage import Coverage
from ml_connector.engine.filling import pushing
from ml_connector.engine.recording import Ledger
from ml_connector.store import links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Counters, Held
    from ml_connector.engine.context import Engine
    from ml_connector.engine.ports import RecordFlow

LOOKED_AT = 200  # records compared at once


async def put_back_edits(
    flow: RecordFlow, engine: Engine, run_id: str, counters: Counters, since: str
) -> str:
    """Put back what people edited since the last look; where the next look begins.

    Raises:
        AccessError, RetryableError: a side does not let us work.
    """
    edited = await flow.sink.edited(since, sorted(flow.properties))
    ledger = Ledger(flow, engine, run_id, counters, Coverage())
    changes: list[Change] = []
    for start in range(0, len(edited.records), LOOKED_AT):
        changes += await differing(flow, engine, edited.records[start : start + LOOKED_AT])
    if changes:
        covered = ledger.coverage.begin(None)
        async with pushing(flow, engine, run_id, ledger) as filler:
            counters.read += len(changes)
            for change in changes:
                await filler.send(change, covered)
    return edited.newest


async def differing(flow: RecordFlow, engine: Engine, records: Sequence[Held]) -> list[Change]:
    """The restorations of records whose values differ from what we wrote, on search's word and on a fresh look."""
    ours = await written(flow, engine, [one.key for one in records])
    suspects = [
        one
        for one in records
        if one.key in ours
        and ours[one.key].target_id == one.target_id
        and restored(flow, ours[one.key], one.values).send
    ]
    if not suspects:
        return []
    names = sorted({name for one in suspects for name in orjson.loads(ours[one.key].written)})
    fresh = await flow.sink.look([one.target_id for one in suspects], names)
    changes = [
        restored(flow, ours[one.key], fresh[one.target_id].values)
        for one in suspects
        if one.target_id in fresh
    ]
    return [change for change in changes if change.send]


async def written(flow: RecordFlow, engine: Engine, keys: Sequence[str]) -> dict[str, links.Link]:
    """The live links of these keys that the present mapping wrote."""
    async with engine.store.read() as tx:
        rows = await links.many(tx, engine.connection_id, flow.name, keys)
    return {
        key: link
        for key, link in rows.items()
        if link.state == "live" and link.role != "follower" and link.mapping_version == flow.mapping_version
    }


def restored(flow: RecordFlow, link: links.Link, values: Mapping[str, str | None]) -> Change:
    """What would have to be put back; values that a person may keep are not compared."""
    written: dict[str, str] = orjson.loads(link.written)
    kept = flow.traits.kept(written) if link.role == "adopted" else frozenset()
    left = flow.first_write | kept
    ours = {name: value for name, value in written.items() if name in values and name not in left}
    return restoration(link.key, link.target_id, ours, values, base=link.fingerprint)
