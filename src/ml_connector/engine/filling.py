"""Changes into batches: no two of one key, one identity or one target record in a call; followers last."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.domain.diff import filled, follower, update
from ml_connector.domain.records import identity_hash
from ml_connector.engine.pushing import Batch, Lanes, Row
from ml_connector.errors import ConnectorError
from ml_connector.store import links

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Held
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import CoveredPage
    from ml_connector.engine.ports import RecordFlow, Traits
    from ml_connector.engine.recording import Ledger
    from ml_connector.store.database import Tx

ROUTES = ("create", "update", "look")
MOST_FOLLOWERS = 1_000  # kept until everything before them is on record, for which the lanes must run dry


class Filler:
    """Fills one batch for each way a change can go, and hands full ones to the lanes."""

    def __init__(self, flow: RecordFlow, engine: Engine, run_id: str, ledger: Ledger) -> None:
        self.flow = flow
        self.engine = engine
        self.lanes = Lanes(flow, engine, run_id, ledger)
        self.filling: dict[str, list[Row]] = {route: [] for route in ROUTES}

    @property
    def in_flight(self) -> dict[str, bytes]:
        """Keys on their way, with the digests of what was read."""
        return self.lanes.in_flight

    async def send(self, change: Change, covered: CoveredPage) -> None:
        """Put one change into the batch being filled. No other change of its key may be on its way."""
        covered.open += 1
        self.lanes.in_flight[change.key] = change.record.source_digest
        await self.place(Row(change, covered))

    async def place(self, row: Row) -> None:
        """Into the batch of its way; what another record's outcome decides waits with the followers."""
        change = row.change
        identity = change.record.identity
        if change.kind == "follow" or (change.kind == "create" and identity in self.lanes.claimed):
            self.lanes.followers.append(row)
            if len(self.lanes.followers) >= MOST_FOLLOWERS:
                await self.settle_followers()
            return
        route = change.kind if change.kind in ROUTES else "update"
        if route == "create" and identity:
            self.lanes.claimed.add(identity)
        await self.add(route, row)

    async def add(self, route: str, row: Row) -> None:
        """Into this batch; a full one goes to the lanes."""
        self.filling[route].append(row)
        if len(self.filling[route]) >= self.flow.sink.batch_size:
            await self.flush(route)

    async def flush(self, route: str) -> None:
        """Hand a batch to the lanes, full or not."""
        rows, self.filling[route] = self.filling[route], []
        if route == "create" and not self.flow.sink.identity:
            rows = await self.without_owner(rows)
        if rows:
            await self.lanes.submit(Batch(tuple(rows), creating=route == "create", look=route == "look"))

    async def without_owner(self, rows: list[Row]) -> list[Row]:
        """Creations whose identity nobody owns, looked up at the last moment: the target does not keep it unique.

        Who is on its way holds its claim until its link is stored: between the two nobody slips through.
        """
        owned = await self.owned([row for row in rows if row.change.record.identity])
        for row in rows:
            if row.change.key in owned:
                self.lanes.claimed.discard(row.change.record.identity)
                self.lanes.followers.append(row)
        return [row for row in rows if row.change.key not in owned]

    async def rest(self) -> None:
        """Everything that was sent has its outcome on record, followers too."""
        for route in ROUTES:
            await self.flush(route)
        await self.lanes.idle.wait()
        while self.lanes.followers:
            await self.settle_followers()

    async def settle_followers(self) -> None:
        """Records whose identity another one has: owners are on record now, so it can be told whose fields stand."""
        for route in ROUTES:
            await self.flush(route)
        await self.lanes.idle.wait()
        order = {key: place for place, key in enumerate(self.lanes.in_flight)}
        self.lanes.followers.sort(key=lambda row: order.get(row.change.key, 0))  # the first one sent owns
        size = self.flow.sink.batch_size
        rows, self.lanes.followers = self.lanes.followers[:size], self.lanes.followers[size:]
        owned = await self.owned(rows)
        held = await self.held([row for row in rows if row.change.key not in owned])
        alone: list[Row] = []
        made: set[str] = set()
        for row in rows:
            target_id = owned.get(row.change.key)
            one = held.get(row.change.key)
            if target_id is None and one is not None and one.key not in ("", row.change.key):
                target_id = one.target_id
            if target_id is not None:
                owned[row.change.key] = target_id
            elif one is not None and one.target_id not in {row.change.target_id for row in alone}:
                alone.append(Row(adopting(self.flow.traits, row.change, one), row.covered))
            elif one is None and row.change.record.identity in made:
                self.lanes.followers.append(row)  # the record was made a moment ago: after it
            elif one is None and row.change.record.identity:
                made.add(row.change.record.identity)
                await self.create_alone(row)
            elif one is None:
                await self.lanes.give_up([row])  # what it should have followed is gone, too
            else:
                self.lanes.followers.append(row)  # the record is being adopted by another key: after that one
        for row in alone:
            await self.add("update", row)
        await self.follow([row for row in rows if row.change.key in owned], owned)
        await self.flush("update")
        await self.lanes.idle.wait()

    async def create_alone(self, row: Row) -> None:
        """Nobody has the identity after all: the record is made, by itself, before the next one is looked at."""
        change = replace(row.change, kind="create", target_id="")
        await self.lanes.submit(Batch((Row(change, row.covered, last=True),), creating=True))
        await self.lanes.idle.wait()

    async def owned(self, rows: list[Row]) -> dict[str, str]:
        """The target records that linked keys own, by the keys of these rows."""
        found: dict[str, str] = {}
        by_hash: dict[str, str] = {}
        cid, name = self.engine.connection_id, self.flow.name
        hashes = {row.change.key: identity_hash(row.change.record.identity) for row in rows}
        async with self.engine.store.read() as tx:
            for link in await links.by_identity(tx, cid, name, [one for one in hashes.values() if one]):
                if link.owns and link.identity is not None:
                    by_hash[link.identity] = link.target_id
            for row in rows:
                one = hashes[row.change.key]
                if one in by_hash:
                    found[row.change.key] = by_hash[one]
                elif row.change.target_id and await self.is_owned(tx, row.change):
                    found[row.change.key] = row.change.target_id
        return found

    async def is_owned(self, tx: Tx, change: Change) -> bool:
        """Whether another key owns the record that this one was found to share."""
        rows = await links.by_target(
            tx, self.engine.connection_id, self.flow.sink.object_type, change.target_id
        )
        return any(link.flow == self.flow.name and link.owns and link.key != change.key for link in rows)

    async def held(self, rows: list[Row]) -> dict[str, Held]:
        """The target's records that have the identities of these rows, by key."""
        if not rows:
            return {}
        names = sorted({name for row in rows for name in row.change.record.properties})
        by_id = await self.flow.sink.look(
            [row.change.target_id for row in rows if row.change.target_id], names
        )
        rest = {row.change.record.identity for row in rows if row.change.target_id not in by_id}
        by_identity = await self.flow.sink.holders(sorted(rest - {""}), names)
        found = {
            row.change.key: by_id.get(row.change.target_id) or by_identity.get(row.change.record.identity)
            for row in rows
        }
        return {key: one for key, one in found.items() if one is not None}

    async def follow(self, rows: list[Row], owned: dict[str, str]) -> None:
        """List further keys on the records that other keys own."""
        cid, object_type = self.engine.connection_id, self.flow.sink.object_type
        listed: dict[str, set[str]] = {}
        async with self.engine.store.read() as tx:
            for target_id in {owned[row.change.key] for row in rows}:
                listed[target_id] = {
                    link.key
                    for link in await links.by_target(tx, cid, object_type, target_id)
                    if link.role == "follower"
                }
        for row in rows:
            listed[owned[row.change.key]].add(row.change.key)
        for row in rows:
            target_id = owned[row.change.key]
            change = follower(row.change, target_id, self.flow.traits.further_keys, sorted(listed[target_id]))
            await self.add("update", Row(change, row.covered))


def adopting(traits: Traits, change: Change, one: Held) -> Change:
    """The change that takes over a record which stood in the target before us: its key, and what is empty."""
    kept = traits.kept(change.record.properties)
    adopted = update(change.record, {}, one.target_id, adopted=True, kept=kept)
    return filled(adopted, one.values)


@asynccontextmanager
async def pushing(
    flow: RecordFlow, engine: Engine, run_id: str, ledger: Ledger
) -> AsyncGenerator[Filler, None]:
    """Lanes at work: what is sent within the block is on record when it ends.

    Raises:
        ConnectorError: what stopped a lane; what was stored stays.
    """
    filler = Filler(flow, engine, run_id, ledger)
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(flow.lanes):
                tasks.create_task(filler.lanes.push())
            yield filler
            await filler.rest()
            await filler.lanes.close()
    except* ConnectorError as group:
        raise first_error(group) from group
    finally:
        await ledger.commits.rest()


def first_error(group: BaseExceptionGroup[ConnectorError]) -> ConnectorError:
    """The error that stopped a run: the first that any of its tasks raised."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error
