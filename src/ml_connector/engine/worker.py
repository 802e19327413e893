"""The steps of a process: quiet, draft, release, place, write back; parked with its cause when it cannot go on.

A worker holds the lease of one subject, and its fence is checked in every commit: a worker that slept too long
stores nothing. The doors that let it work stand in ``advance.py``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.domain.causes import Turn, cause_of
from ml_connector.engine.once import NotYet
from ml_connector.engine.pace import released
from ml_connector.engine.process import LATER, SETTLED, put
from ml_connector.errors import RecordError, RetryableError, SubjectLeftError
from ml_connector.store import leases, operations, parked, processes
from ml_connector.store.leases import LeaseLostError
from ml_connector.store.parked import ParkedRecord

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.engine.process import Later, Prepared, ProcessFlow
    from ml_connector.store.database import Tx
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process, Release

RETRY_LATER = timedelta(minutes=1)
APPROVAL = "Waiting for approval."
PLACE, WRITE_BACK = "place", "write back"
PLACING = "Placing"  # what a subject shows meanwhile


@dataclass(slots=True)
class Worker:
    """Holds the lease of one subject and its process as last stored."""

    flow: ProcessFlow
    engine: Engine
    lease: Lease
    process: Process

    async def steps(self) -> None:
        """The steps in order, from the one the process stands at; of one that is done, what has become of it."""
        try:
            if self.process.state == "done":
                await self.look_again()
            elif self.process.step == "quiet" and self._too_early():
                await self.watch()
            else:
                await self._go_on()
        except LeaseLostError:
            return  # another worker has taken over and goes on from what is stored
        except SubjectLeftError as error:
            await (self.ignore(error) if self.process.step == "quiet" else self.park(error))
        except RecordError as error:
            await self.park(error)
        except RetryableError as error:
            await self.wait(self.engine.around.clock.now() + RETRY_LATER, error.message)

    async def _go_on(self) -> None:
        if self.process.state == "parked":  # its subject has moved since
            self.process = replace(self.process, step=await self.step_again())
        if self.process.step in ("quiet", "draft", "release"):
            await self.draft()
        if self.process.step == "place":
            await self.place()
        if self.process.step == "write back":
            await self.write_back()

    async def step_again(self) -> str:
        """Where a parked process goes on: at its draft, unless something of it stands in the other system."""
        cid, process = self.engine.connection_id, self.process
        async with self.engine.store.read() as tx:
            writes = await operations.of_process(tx, cid, process.process_id, self.engine.vault)
        stands = any(write.state != "refused" for write in writes)
        return process.step if stands or process.step == "write back" else "draft"

    async def still_as_shown(self) -> bool:
        """Whether the draft that waits for approval is the one that would be made now."""
        if not self._asks():
            return False
        try:
            prepared = await self.flow.prepare(self.process)
        except RecordError:
            return False
        return (self.process.snapshot_hash, self.process.draft) == (prepared.snapshot_hash, prepared.draft)

    def _too_early(self) -> bool:
        due_at = self.process.due_at
        return due_at is not None and self.engine.around.clock.now() < due_at

    async def watch(self) -> None:
        """Remember how the whole subject looks as its quiet period begins: a part that is added moves no time."""
        if self.process.snapshot_hash is None:
            seen = await self.flow.fingerprint(self.process.subject)
            await self.store_quietly(replace(self.process, snapshot_hash=seen))

    async def draft(self) -> None:
        """Prepare the draft and see whether it may be placed."""
        prepared = await self.flow.prepare(self.process)
        until = self._quiet_until(prepared)
        if until is not None:
            self.process = replace(self.process, snapshot_hash=prepared.snapshot_hash)
            await self.wait(until, self.process.message)
            return
        same = (self.process.snapshot_hash, self.process.draft) == (prepared.snapshot_hash, prepared.draft)
        approved = self.process.release == "approved" and same  # what is placed is what a person has seen
        if same and not approved and self._asks():
            due_at = self._until_told("Awaiting approval", _beside(self.process.message))
            await self.store_quietly(replace(self.process, due_at=due_at))
        else:
            await self._store_draft(prepared, approved=approved)
        if self.process.step == "release":
            await self.tell("Awaiting approval", _beside(self.process.message))

    def _asks(self) -> bool:
        """Whether the process waits for a person to release it."""
        return self.process.state == "waiting" and self.process.step == "release"

    async def _store_draft(self, prepared: Prepared, *, approved: bool) -> None:
        """Keep the draft; who approved another one has not approved this."""
        async with self.engine.write() as tx:
            await leases.check(tx, self.engine.connection_id, self.lease)
            asks = "" if approved else await self._asked_for(tx, prepared)
            if approved:
                await self._count(tx, approved=True)
            release: Release = "approved" if approved else "asked" if asks else "automatic"
            drafted = replace(
                self.process,
                state="waiting" if asks else "running",
                step="release" if asks else "place",
                release=release,
                approved_by=self.process.approved_by if approved else "",
                due_at=self._until_told("Awaiting approval", _beside(asks)) if asks else None,
                snapshot=prepared.snapshot,
                snapshot_hash=prepared.snapshot_hash,
                draft=prepared.draft,
                message=asks,
                cause="",
            )
            told = {"release": release, "asks": asks, "steps": [asdict(step) for step in prepared.steps]}
            await put(self.flow, self.engine, tx, drafted, kind="drafted", payload=told, resolve="went on")
            self.process = replace(drafted, updated_at=tx.now)

    async def _asked_for(self, tx: Tx, prepared: Prepared) -> str:
        """Why a person must release the draft; empty, and counted as released, when nobody must."""
        if self.flow.release != "automatic":
            return f"{APPROVAL} {_sentence(prepared.asks)}".strip()
        held_up = prepared.asks or await self._count(tx, approved=False)
        return f"{APPROVAL} {_sentence(held_up)}" if held_up else ""

    async def _count(self, tx: Tx, *, approved: bool) -> str:
        now, chosen = self.engine.around.clock.now(), self.flow.most_in_an_hour
        cid, name = self.engine.connection_id, self.flow.name
        return await released(tx, cid, name, now, chosen=chosen, approved=approved)

    def _quiet_until(self, prepared: Prepared) -> datetime | None:
        """A part of the subject that changed, came or went while it was to be left alone begins the time anew."""
        if self.process.step != "quiet":
            return None
        now, quiet = self.engine.around.clock.now(), timedelta(seconds=self.flow.quiet_s)
        if self.process.snapshot_hash not in (None, prepared.snapshot_hash) and quiet:
            return now + quiet
        changed_at = prepared.parts_changed_at
        return changed_at + quiet if changed_at is not None and now < changed_at + quiet else None

    async def place(self) -> None:
        """Write the stored draft to the other system."""
        await self.tell(PLACING, "")
        placed = await self.flow.place(self.process, self.lease)
        if isinstance(placed, NotYet):
            await self.wait(placed.until, placed.reason)
            if placed.until - self.engine.around.clock.now() > RETRY_LATER:  # people would notice
                await self.tell(PLACING, _sentence(placed.reason))
            return None
        stands = replace(
            self.process,
            state="running",
            step="write back",
            due_at=None,
            message="",
            cause="",
            result={**self.process.result, "number": placed.number, **placed.detail},
        )
        told = {"step": PLACE, "number": placed.number, **placed.detail}
        return await self.store(stands, "placed", told, resolve="placed")

    async def write_back(self) -> None:
        """Tell the subject; a failure here never touches what was placed."""
        number = str(self.process.result["number"])
        await self.flow.report(self.process.subject, status="Open", message="", number=number)
        done = replace(self.process, state="done", step="done", due_at=None, message="", cause="")
        await self.store(done, "done", {"step": WRITE_BACK, "number": number}, resolve="done")

    async def look_again(self) -> None:
        """See what has become of a subject that is done: it waits for a person's decision, and changes nothing."""
        try:
            found = await self.flow.look_again(self.process)
        except RetryableError:
            later = self.engine.around.clock.now() + RETRY_LATER
            return await self.store_quietly(replace(self.process, due_at=later))
        kept = found.as_kept() if found is not None else None
        before = self.process.result.get(LATER)
        if kept == self.process.result.get(SETTLED):  # what a person has decided about is not asked again
            found = kept = None
        if kept == before:
            await self.store_quietly(
                replace(self.process, due_at=self._until_told(None, self.process.message))
            )
            await self.tell(None, self.process.message)
        elif found is None:
            await self.settle(self.process, "went back", {})
        else:
            await self._raise(found)
        return None

    async def _raise(self, found: Later) -> None:
        """Let a person decide what has become of a subject: visibly, here and on the subject."""
        flagged = replace(
            self.process,
            due_at=self._until_told(None, found.message),
            message=found.message,
            cause=found.cause,
            result={**self.process.result, LATER: found.as_kept()},
        )
        await self._park(RecordError(found.message, code=found.cause, **found.detail), flagged, "changed")
        await self.tell(None, found.message)

    async def settle(self, process: Process, kind: str, payload: dict[str, Any]) -> None:
        """Nothing is left to decide about a subject that is done."""
        result = {name: kept for name, kept in process.result.items() if name != LATER}
        settled = replace(process, result=result, message="", cause="", due_at=self._until_told(None, ""))
        await self.store(settled, kind, payload, resolve=kind)
        await self.tell(None, "")

    async def ignore(self, error: SubjectLeftError) -> None:
        """Let go of a subject of which nothing has been shown yet."""
        left = replace(self.process, state="ignored", due_at=None, message=error.message, cause="")
        await self.store(left, "ignored", {"cause": error.code, "message": error.message}, resolve="ignored")

    async def wait(self, until: datetime, reason: str) -> None:
        """Go on at ``until``; nothing is lost by stopping here."""
        waiting = replace(self.process, state="waiting", due_at=until, message=reason)
        await self.store(waiting, "waiting", {"until": until.isoformat(), "reason": reason})

    async def park(self, error: RecordError) -> None:
        """Stop this process with its cause, visibly, here and on the subject."""
        turn = cause_of(error.code).turn
        status = f"Waiting for {'IT' if turn is Turn.IT else turn.value}"
        due_at = self._until_told(status, error.message)
        stopped = replace(
            self.process, state="parked", due_at=due_at, message=error.message, cause=error.code
        )
        await self._park(error, stopped, "parked")
        await self.tell(status, error.message)

    async def _park(self, error: RecordError, process: Process, kind: str) -> None:
        """Store the process with an open row that says whose turn it is, and at which step it stopped."""
        cause = cause_of(error.code)
        step = error.context.setdefault("step", process.step)
        row = ParkedRecord(
            parked_id=0,
            flow=self.flow.name,
            key=process.subject,
            cause=error.code,
            message=error.message,
            turn=cause.turn.value,
            next_action=error.hint or cause.next_action,
            detail=dict(error.context),
            source_digest=process.snapshot_hash or b"",
        )
        async with self.engine.write() as tx:
            await leases.check(tx, self.engine.connection_id, self.lease)
            await parked.park(tx, self.engine.connection_id, [row])
            payload = {"step": step, "cause": error.code, "message": error.message}
            await put(self.flow, self.engine, tx, process, kind=kind, payload=payload)
            self.process = replace(process, updated_at=tx.now)

    def _until_told(self, status: str | None, message: str) -> datetime | None:
        """The due time of a process that rests as soon as its subject says so; a death before that loses no word."""
        return None if self._is_told(status, message) else self.engine.around.clock.now()

    def _is_told(self, status: str | None, message: str) -> bool:
        """Whether the subject says so already. Once done, its status follows the order and only the words count."""
        reported = self.process.result.get("reported", [None, ""])
        return bool(reported) and (reported[0] == status or status is None) and reported[1] == message

    async def tell(self, status: str | None, message: str) -> None:
        """Report while the process waits, once for each change of words, and never as a reason to fail."""
        if self._is_told(status, message):
            return
        number = str(self.process.result.get("number", "")) if self.process.state == "done" else ""
        how = await self._report(status, message, number=number)
        if how == "untold":
            await self._tell_later(status)
            return
        rests = self.process.state in ("parked", "done") or self._asks()
        told = replace(self.process, due_at=None if rests else self.process.due_at)
        if how == "refused":
            await self.store_quietly(told)
            return
        told = replace(told, result={**told.result, "reported": [status, message]})
        await self.store(told, "told", {"step": WRITE_BACK, "status": status, "message": message})

    async def _report(self, status: str | None, message: str, *, number: str = "") -> str:
        """Say it on the subject: told, untold for now, or refused for good (the desk shows it anyway)."""
        try:
            await self.flow.report(self.process.subject, status=status, message=message, number=number)
        except RecordError:
            return "refused"
        except RetryableError:
            return "untold"
        return "told"

    async def _tell_later(self, status: str | None) -> None:
        """What stands on the subject is not what it should say: a due time, or its next trigger, tells it again."""
        later = self.engine.around.clock.now() + RETRY_LATER
        due_at = None if self.process.state == "running" else later  # what is being placed goes on at once
        untold = replace(self.process, due_at=due_at, result={**self.process.result, "reported": []})
        await self.store(untold, "untold", {"status": status})

    async def store(self, process: Process, kind: str, payload: dict[str, Any], *, resolve: str = "") -> None:
        """Store where the process stands, if the lease is still ours."""
        async with self.engine.write() as tx:
            await leases.check(tx, self.engine.connection_id, self.lease)
            await put(self.flow, self.engine, tx, process, kind=kind, payload=payload, resolve=resolve)
            self.process = replace(process, updated_at=tx.now)

    async def store_quietly(self, process: Process) -> None:
        """Store that a process was looked at: nothing has happened to it that people would read about."""
        if process == self.process:
            return
        async with self.engine.write() as tx:
            await leases.check(tx, self.engine.connection_id, self.lease)
            await processes.put(tx, self.engine.connection_id, process, self.engine.vault)
            self.process = replace(process, updated_at=tx.now)


def _beside(message: str) -> str:
    """What a draft that waits for approval has to say beside that."""
    return message.removeprefix(APPROVAL).strip()


def _sentence(words: str) -> str:
    """Words as a sentence."""
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".") if words else ""
