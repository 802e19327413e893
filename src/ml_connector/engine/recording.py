"""What a record run stores: outcomes, links, audit, parked records, intents and progress, one transaction a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.causes import cause_of
from ml_connector.domain.diff import written_after
from ml_connector.domain.records import FINGERPRINT_VERSION, Result, identity_hash
from ml_connector.engine.creations import unsure_keys
from ml_connector.engine.grouped import GroupCommit
from ml_connector.engine.judging import MAPPED_BY, Judged, Stopped
from ml_connector.errors import RejectedError
from ml_connector.store import associations, audit, calls, links, parked
from ml_connector.store.associations import Association
from ml_connector.store.audit import Entry
from ml_connector.store.calls import Ended
from ml_connector.store.links import Link
from ml_connector.store.parked import ParkedRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Counters, Outcome, TargetRecord
    from ml_connector.engine.context import Engine
    from ml_connector.engine.coverage import Coverage, CoveredPage
    from ml_connector.engine.ports import RecordFlow
    from ml_connector.engine.pushing import Finished, Row
    from ml_connector.errors import ConnectorError, RecordError
    from ml_connector.store.calls import Call, CallOutcome
    from ml_connector.store.database import Tx

    OnCovered = Callable[[Tx, CoveredPage, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one caller wants stored."""

    finished: Finished | None = None
    following: Call | None = None
    ended: Ended | None = None
    stopped: Sequence[Stopped] = ()
    touched: Sequence[tuple[str, bytes]] = ()
    taken_back: Sequence[str] = ()
    put_aside: Sequence[str] = ()
    handed: Sequence[tuple[str, str]] = ()
    related: Sequence[tuple[str, TargetRecord]] = ()
    lost: Sequence[tuple[Row, RecordError]] = ()
    put_off: Sequence[Row] = ()


def of_judged(judged: Judged) -> Piece:
    """What a comparison alone leaves to store."""
    return Piece(
        stopped=judged.stopped,
        touched=judged.touched,
        taken_back=judged.taken_back,
        put_aside=judged.put_aside,
        handed=judged.handed,
        related=judged.related,
    )


_LANDED = frozenset({Result.CREATED, Result.UPDATED})


def parking(flow: str, run_id: str, stopped: Stopped, *, mapping_version: int | None = None) -> ParkedRecord:
    """The parked row of a stopped record: cause, sentence, whose turn, next action.

    A record is tried again by itself when it changes, or when the mapping that stopped it does.
    """
    cause = cause_of(stopped.error.code)
    detail: dict[str, Any] = {"code": stopped.error.code, "hint": stopped.error.hint, **stopped.error.context}
    if mapping_version is not None:
        detail[MAPPED_BY] = mapping_version
    if isinstance(stopped.error, RejectedError):
        detail |= {
            "status": stopped.error.status,
            "remote_code": stopped.error.remote_code,
            "correlation_id": stopped.error.correlation_id,
        }
    return ParkedRecord(
        parked_id=0,
        flow=flow,
        key=stopped.key,
        cause=stopped.error.code,
        message=stopped.error.message,
        turn=cause.turn.value,
        next_action=stopped.error.hint or cause.next_action,
        detail=detail,
        source_digest=stopped.source_digest,
        run_id=run_id,
    )


class Ledger:
    """The storing end of one run. ``on_covered`` moves progress in the transaction that stores all it covers."""

    def __init__(
        self,
        flow: RecordFlow,
        engine: Engine,
        run_id: str,
        counters: Counters,
        coverage: Coverage,
        *,
        on_covered: OnCovered | None = None,
        watch: Callable[[Counters], None] | None = None,
    ) -> None:
        self.flow = flow
        self.engine = engine
        self.run_id = run_id
        self.counters = counters
        self.coverage = coverage
        self.on_covered = on_covered
        self.watch = watch
        self.commits = GroupCommit(engine.store, self.put)
        self.open_parked: set[str] = set()  # keys of this run with an open parked row

    async def save(self, finished: Finished | None, following: Call | None) -> None:
        """Store what one call brought, and the intent of the next, in one transaction."""
        await self.commits.add(Piece(finished=finished, following=following))
        if self.watch is not None:
            self.watch(self.counters)

    async def save_judged(self, judged: Judged) -> None:
        """Count what the comparison alone decided, and store it."""
        count(self.counters, judged)
        self.open_parked |= judged.open_parked
        if judged.stopped or judged.touched or judged.taken_back or judged.put_aside or judged.handed:
            await self.commits.add(of_judged(judged))

    async def save_progress(self) -> None:
        """Move progress over pages that needed no writing."""
        if self.coverage.pages and self.coverage.pages[0].judged and self.coverage.pages[0].open == 0:
            await self.commits.add(Piece())

    async def refused(self, call_id: str, error: RejectedError) -> None:
        """A batch was refused as a whole: nothing of it was stored there."""
        await self.commits.add(Piece(ended=Ended(call_id, "refused", error.status, error.correlation_id)))

    async def failed(self, call_id: str, error: ConnectorError, *, undone: bool = False) -> None:
        """A call whose outcome is unknown, or that did nothing (``undone``): the records are read and sent again."""
        outcome: CallOutcome = "refused" if undone or error.context.get("sent") is False else "unknown"
        await self.commits.add(Piece(ended=Ended(call_id, outcome)))

    async def claim(self, call: Call) -> set[str]:
        """Store the intent to make records once; or, storing nothing, which of them may stand already."""
        cid = self.engine.connection_id
        async with self.engine.write() as tx:
            await calls.one_at_a_time(tx, cid)
            taken = await unsure_keys(tx, cid, call.resource)
            heads = await links.heads(tx, cid, self.flow.name, call.keys)
            taken |= {key for key, head in heads.items() if head.state == "live" and head.role != "follower"}
            taken &= set(call.keys)
            if not taken:
                await calls.intend(tx, cid, call)
        return taken

    async def put_off(self, rows: Sequence[Row]) -> None:
        """Records that wait until it is known whether they were made."""
        await self.commits.add(Piece(put_off=rows))

    async def lost(self, rows: Sequence[tuple[Row, RecordError]]) -> None:
        """Records that a person deleted in the target: they wait for one."""
        await self.commits.add(Piece(lost=rows))

    async def owned_by_others(self, targets: Mapping[str, str]) -> set[str]:
        """The keys whose records another key owns; that one is written once more, for it has lost its place there."""
        cid, name = self.engine.connection_id, self.flow.name
        found: dict[str, str] = {}
        async with self.engine.store.read() as tx:
            for key, target_id in targets.items():
                for link in await links.by_target(tx, cid, self.flow.sink.object_type, target_id):
                    if link.flow == name and link.key != key and link.owns:
                        found[key] = link.key
        if found:
            async with self.engine.write() as tx:
                await links.send_again(tx, cid, name, sorted(found.values()))
        return set(found)

    async def put(self, tx: Tx, pieces: Sequence[Piece]) -> None:
        """Write what a group of callers has; each table once, however many they are."""
        cid, name = self.engine.connection_id, self.flow.name
        touched = [row for piece in pieces for row in piece.touched]
        await links.touch(tx, cid, name, touched, mapping_version=self.flow.mapping_version)
        if taken_back := [key for piece in pieces for key in piece.taken_back]:
            await parked.resolve(tx, cid, name, taken_back, "taken back at the source")
        await links.set_state(tx, cid, name, [key for piece in pieces for key in piece.put_aside], "gone")
        await links.hand_over(tx, cid, name, [pair for piece in pieces for pair in piece.handed])
        related = [row for piece in pieces for row in piece.related]
        await associations.want(tx, cid, [one for row in related for one in self._wanted(*row, fresh=False)])
        judged = [stopped for piece in pieces for stopped in piece.stopped]
        self.counters.add(Result.PARKED, len(judged))
        finished = [piece.finished for piece in pieces if piece.finished is not None]
        refused = await self._outcomes(tx, finished)
        for row in (row for piece in pieces for row in piece.put_off):
            row.covered.open -= 1
            self.counters.add(Result.WAITING)
        lost = await self._lost(tx, [row for piece in pieces for row in piece.lost])
        await self._park(tx, [*judged, *refused, *lost])
        ends = [piece.ended for piece in pieces if piece.ended is not None]
        await calls.finish(tx, cid, *ends, *(call.end for call in finished))
        if (covered := self.coverage.take_finished()) is not None and self.on_covered is not None:
            await self.on_covered(tx, covered, self.coverage.done)
        following = [piece.following for piece in pieces if piece.following is not None]
        await calls.intend(tx, cid, *following)

    async def _outcomes(self, tx: Tx, finished: Sequence[Finished]) -> list[Stopped]:
        """Store what landed; the records that were refused come back."""
        cid, name = self.engine.connection_id, self.flow.name
        landed: list[Link] = []
        marked: list[tuple[str, str, bytes]] = []
        wanted: list[Association] = []
        stopped: list[Stopped] = []
        entries: list[Entry] = []
        for call in finished:
            by_key = {outcome.key: outcome for outcome in call.pushed.outcomes}
            for row in call.batch.rows:
                row.covered.open -= 1
                change, outcome = row.change, by_key[row.change.key]
                self.counters.add(outcome.result)
                if outcome.result in _LANDED:
                    if change.kind == "restore":
                        pass  # what stands is what the link says
                    elif change.kind == "mark":
                        marked.append((change.key, outcome.target_id, orjson.dumps(written_after(change))))
                    else:
                        landed.append(self._link(change, outcome.target_id))
                        fresh = outcome.result is Result.CREATED
                        wanted += self._wanted(outcome.target_id, change.record, fresh=fresh)
                    entries.append(self._entry(change, outcome, call))
                elif outcome.result is Result.PARKED:
                    stopped.append(Stopped(outcome.key, outcome.error, change.record.source_digest))
        await links.put(tx, cid, landed)
        await links.mark(tx, cid, name, marked)
        await associations.want(tx, cid, wanted)
        if arrived := [link.key for link in landed if link.key in self.open_parked]:
            await parked.resolve(tx, cid, name, arrived, "arrived")
        await audit.append(tx, cid, entries)
        return stopped

    async def _lost(self, tx: Tx, rows: Sequence[tuple[Row, RecordError]]) -> list[Stopped]:
        """Put the links of deleted records aside; the records come back to be parked."""
        for row, _ in rows:
            row.covered.open -= 1
        self.counters.add(Result.WAITING, len(rows))
        keys = [row.change.key for row, _ in rows]
        await links.set_state(tx, self.engine.connection_id, self.flow.name, keys, "deleted")
        return [Stopped(row.change.key, error, row.change.record.source_digest) for row, error in rows]

    def _link(self, change: Change, target_id: str) -> Link:
        follows = change.kind == "follow"
        return Link(
            flow=self.flow.name,
            key=change.key,
            object_type=self.flow.sink.object_type,
            target_id=target_id,
            fingerprint=change.record.fingerprint,
            source_digest=change.record.source_digest,
            fingerprint_version=FINGERPRINT_VERSION,
            mapping_version=self.flow.mapping_version,
            written=b"{}" if follows else orjson.dumps(written_after(change)),
            identity=identity_hash(change.record.identity),
            role="follower" if follows else "adopted" if change.adopted else "owner",
        )

    def _wanted(self, target_id: str, record: TargetRecord, *, fresh: bool) -> list[Association]:
        return [
            Association(
                key=record.key,
                flow=self.flow.name,
                to_flow=other.flow,
                to_key=other.key,
                from_id=target_id,
                fresh=fresh,
            )
            for other in record.related
        ]

    def _entry(self, change: Change, outcome: Outcome, finished: Finished) -> Entry:
        return Entry(
            kind=_KINDS.get(change.kind, "adopted" if change.takes_over else outcome.result.value),
            flow=self.flow.name,
            key=change.key,
            run_id=self.run_id,
            mapping_version=self.flow.mapping_version,
            payload={
                "object_type": self.flow.sink.object_type,
                "target_id": outcome.target_id,
                "changed": change.before_after,
                "notes": change.record.notes,
                "call": finished.call_id,
                "status": finished.pushed.status,
                "correlation_id": finished.pushed.correlation_id,
                "by": self.engine.started_by,
            },
        )

    async def _park(self, tx: Tx, stopped: Sequence[Stopped]) -> None:
        if not stopped:
            return
        cid, name = self.engine.connection_id, self.flow.name
        version = self.flow.mapping_version
        rows = [parking(name, self.run_id, item, mapping_version=version) for item in stopped]
        await parked.park(tx, cid, rows)
        await audit.append(
            tx,
            cid,
            [
                Entry(
                    kind="parked",
                    flow=name,
                    key=row.key,
                    run_id=self.run_id,
                    mapping_version=self.flow.mapping_version,
                    payload={
                        "cause": row.cause,
                        "message": row.message,
                        "turn": row.turn,
                        "detail": row.detail,
                    },
                )
                for row in rows
            ],
        )


_KINDS = {"follow": "followed", "mark": "marked", "restore": "put back"}


def count(counters: Counters, judged: Judged) -> None:
    """The records that ended with the comparison; those that stop are counted where they are stored."""
    counters.add(Result.UNCHANGED, len(judged.unchanged))
    counters.add(Result.PARKED, judged.still_parked)
    counters.add(Result.HELD, judged.held)
    counters.add(Result.WAITING, judged.waiting)
    counters.add(Result.SKIPPED, judged.skipped.total())
