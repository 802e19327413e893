"""Two connections with the same ids never see each other's rows (I11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.store import (
    audit,
    calls,
    connections,
    flows,
    inbox,
    leases,
    links,
    mappings,
    operations,
    parked,
    processes,
    progress,
    rotating,
    runs,
    tables,
)

if TYPE_CHECKING:
    from ml_connector.store.database import Store, Tx
    from ml_connector.store.vault import Vault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY, FLOW = "usmf:US-001", "customers"


@dataclass
class Tenant:
    """Writes and reads one of everything under ids that every tenant uses; only ``mark`` differs."""

    cid: int
    mark: str
    vault: Vault

    async def write(self, tx: Tx) -> None:
        text = self.mark.encode()
        side = connections.SideRow("dynamics", {"mark": self.mark}, self.mark, {}, NOON)
        await connections.put_side(tx, self.cid, side, {"dynamics.secret": self.mark}, self.vault)
        entity = connections.LegalEntityRow("usmf", self.mark, "USD", "UTC")
        await connections.put_legal_entities(tx, self.cid, [entity])
        await flows.put(tx, self.cid, flows.FlowRow(FLOW, "paused", None, self.mark))
        await mappings.remember(tx, self.cid, FLOW, text)
        await runs.start(tx, self.cid, runs.Run("r1", FLOW, "load", "running", NOON, message=self.mark))
        await progress.save(tx, self.cid, progress.Progress(FLOW, "r1", self.mark))
        row = links.Link(FLOW, KEY, "companies", "9001", text, text, 1, 1, text)
        await links.put(tx, self.cid, [row])
        await calls.intend(tx, self.cid, calls.Call("c1", "r1", self.mark, "companies", text, [KEY]))
        stopped = parked.ParkedRecord(0, FLOW, KEY, "mapping.value", self.mark, "it", "mend")
        await parked.park(tx, self.cid, [stopped])
        operation = operations.Operation(
            "o1", "p1", "header", "HS", "usmf", 1, text, text, "intended", 1, NOON, external_id=self.mark
        )
        await operations.put(tx, self.cid, operation, self.vault)
        process = processes.Process(
            "p1", FLOW, KEY, 1, "waiting", "gather", "none", NOON, NOON, snapshot=text, message=self.mark
        )
        await processes.put(tx, self.cid, process, self.vault)
        assert await leases.acquire(tx, self.cid, "deal/1", self.mark, 60) is not None
        await audit.append(tx, self.cid, [audit.Entry("k", FLOW, KEY, {"mark": self.mark}, "r1")])
        told = inbox.Event("dynamics", "T", "usmf", KEY, self.mark, "same", self.mark, text, NOON, "accepted")
        await inbox.add(tx, self.cid, [replace(told, flow=FLOW, key=KEY, due_at=NOON)], self.vault)
        await inbox.reject(tx, {(self.cid, "dynamics", self.mark): 1})
        await rotating.put(tx, self.cid, "events.x", rotating.Rotating(self.mark, NOON), self.vault)

    async def read(self, tx: Tx) -> list[Any]:
        """Everything there is to read, and what in it tells whose it is."""
        side = await connections.side(tx, self.cid, "dynamics")
        operation = await operations.get(tx, self.cid, "o1", self.vault)
        process = await processes.get(tx, self.cid, "p1", self.vault)
        run = await runs.get(tx, self.cid, "r1")
        now = await progress.load(tx, self.cid, FLOW)
        assert side
        assert operation
        assert process
        assert run
        assert now
        return [
            side.identity,
            await connections.secret(tx, self.cid, "dynamics.secret", self.vault),
            [row.name for row in await connections.legal_entities(tx, self.cid)],
            [row.paused_reason for row in await flows.all(tx, self.cid)],
            await mappings.load(tx, self.cid, FLOW, 1),
            run.message,
            [row.message for row in await runs.list(tx, self.cid)],
            now.cursor,
            [row.cursor for row in await progress.history(tx, self.cid, FLOW)],
            [row.written for row in (await links.many(tx, self.cid, FLOW, [KEY])).values()],
            [row.fingerprint for row in (await links.heads(tx, self.cid, FLOW, [KEY])).values()],
            [row.written for row in await links.by_target(tx, self.cid, "companies", "9001")],
            [row.written for row in await links.search(tx, self.cid, "9001")],
            [row.written for row in await links.search(tx, self.cid, "usmf")],
            await links.count(tx, self.cid, FLOW),
            [row.side for row in await calls.open_calls(tx, self.cid)],
            [row.message for row in await parked.list(tx, self.cid)],
            [row.message for row in (await parked.open_for(tx, self.cid, FLOW, [KEY])).values()],
            await parked.counts(tx, self.cid),
            (operation.payload, operation.external_id),
            [row.payload for row in await operations.of_process(tx, self.cid, "p1", self.vault)],
            (process.snapshot, process.message),
            [row.message for row in await processes.list(tx, self.cid, FLOW, None, 9, self.vault)],
            [row.message for row in await processes.due(tx, self.cid, FLOW, NOON, 9, self.vault)],
            [row.payload for row in await audit.story(tx, self.cid, FLOW, KEY)],
            [row.payload for row in await audit.of_run(tx, self.cid, "r1")],
            (await audit.verify(tx, self.cid)).sentence,
            [row.number for row in await inbox.list(tx, self.cid)],
            [one.content for one in (await inbox.known(tx, self.cid, ["same"]))["same"]],
            len((await inbox.waiting(tx, self.cid, FLOW, [KEY]))[KEY]),
            (await inbox.count_open(tx, self.cid), await inbox.open_by_flow(tx, self.cid)),
            await inbox.summary(tx, self.cid, NOON),
            len(await inbox.last_received(tx, self.cid)),
            [reason for _, _, reason, _ in await inbox.rejected(tx, self.cid, "2000-01-01")],
            await rotating.load(tx, self.cid, "events.x", self.vault),
        ]


async def test_two_connections_with_the_same_ids_never_meet(store: Store, vault: Vault) -> None:
    async with store.write() as tx:
        numbers = [(await connections.get_or_create(tx, name)).connection_id for name in ("one", "two")]
    one, two = (Tenant(number, f"mark-{number}", vault) for number in numbers)
    async with store.write() as tx:
        await one.write(tx)
    async with store.read() as tx:
        alone = await one.read(tx)
        assert all("mark-2" not in str(part) for part in alone)
    async with store.write() as tx:
        await two.write(tx)
    async with store.read() as tx:
        assert await one.read(tx) == alone
        assert str(await two.read(tx)) == str(alone).replace("mark-1", "mark-2")


async def test_a_change_under_one_connection_leaves_the_other_alone(store: Store, vault: Vault) -> None:
    async with store.write() as tx:
        numbers = [(await connections.get_or_create(tx, name)).connection_id for name in ("one", "two")]
        one, two = (Tenant(number, f"mark-{number}", vault) for number in numbers)
        await one.write(tx)
        await two.write(tx)
    async with store.read() as tx:
        before = await one.read(tx)
        parked_by_two = (await parked.list(tx, two.cid))[0].parked_id
        assert await parked.get(tx, one.cid, parked_by_two) is None
    async with store.write() as tx:
        await links.touch(tx, two.cid, FLOW, [(KEY, b"changed")], mapping_version=9)
        await calls.settle_open(tx, two.cid, ["r1"], "repeated")
        await parked.resolve(tx, two.cid, FLOW, [KEY], "arrived")
        await runs.finish(tx, two.cid, "r1", "done", {}, "changed")
        await operations.update(tx, two.cid, "o1", state="done", external_id="changed")
        await connections.put_capabilities(tx, two.cid, "dynamics", {"changed": True})
        await connections.put_legal_entities(tx, two.cid, [])
        await progress.save(tx, two.cid, progress.Progress(FLOW, "r1", "changed"))
        held = leases.Lease("deal/1", "mark-2", 1, NOON + timedelta(seconds=60))
        await leases.release(tx, two.cid, held)
        await leases.check(tx, one.cid, replace(held, holder="mark-1"))
        assert await inbox.take(tx, two.cid, FLOW, "t", 9, NOON) == [KEY]
        assert await inbox.put_back(tx, one.cid, "t", NOON) == await inbox.done(tx, one.cid, "t") == 0
        [mine] = await inbox.list(tx, one.cid)
        await inbox.supersede(tx, two.cid, [(mine.event_no, 9)])
        await inbox.repeats(tx, two.cid, [(mine.event_no, 9)])
        await inbox.prune(tx, two.cid, NOON + timedelta(days=99))
    async with store.read() as tx:
        assert await one.read(tx) == before
        digests = select(tables.link.c.connection_id, tables.link.c.source_digest)
        assert sorted(map(tuple, await tx.connection.execute(digests))) == [
            (one.cid, b"mark-1"), (two.cid, b"changed"),
        ]  # fmt: skip
