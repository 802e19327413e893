"""One remote write that must happen exactly once: intent, send, outcome, and the resolution of the unknown.

The other system has no idempotency key, so certainty comes from order and patience. The exact bytes and a deadline
for sending them (``send_by``) are stored before the first byte leaves. If the answer never comes, the write may
still land: nobody sends it again before the settle time has passed since the request ended (or, where nobody saw its
end, since ``send_by`` + the request's own deadline) and a look-up by our reference, made after that, finds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from ml_connector.domain.records import digest
from ml_connector.errors import ConnectorError, RejectedError, UncertainWriteError
from ml_connector.store import audit, calls, leases, operations
from ml_connector.store.audit import Entry
from ml_connector.store.calls import Call, Ended
from ml_connector.store.operations import Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.store.database import Tx
    from ml_connector.store.leases import Lease
    from ml_connector.store.operations import OperationState

PAYLOAD_VERSION = 1
LOST = "the answer was lost; waiting until it can no longer arrive"


@dataclass(frozen=True, slots=True)
class Patience:
    """The times that make exactly once hold; see docs/explanation/exactly-once.md."""

    send_within_s: float = 30.0  # from the stored intent to the first byte
    request_deadline_s: float = 120.0  # the transport gives up on a request after this
    settle_s: float = 900.0  # how long the other system may still commit after the request has ended
    attempts: int = 3

    def settled_at(self, operation: Operation) -> datetime:
        """From when on a look-up that finds nothing proves that nothing landed.

        Whoever saw the request end has noted the time; otherwise it may have been sent until ``send_by``.
        """
        if operation.settle_until is not None:
            return operation.settle_until
        return operation.send_by + timedelta(seconds=self.request_deadline_s + self.settle_s)


@dataclass(frozen=True, slots=True)
class RemoteWrite:
    """A write to make exactly once.

    ``look_up`` finds what an earlier attempt may have left, by our own reference; ``send`` posts these exact bytes
    and calls ``last_check`` as its last act before the first one leaves. Both return the record's external id and
    the record. ``unique``: the record's key is ours and the other system takes it once. A repeat then needs no
    patience: it is refused when the first one landed after all, and the record is adopted.
    ``remembers`` is kept with the operation until it has landed: what a later look-up must know.
    """

    operation_id: str
    process_id: str
    subject: str
    kind: str
    side: str
    resource: str
    reference: str
    legal_entity: str
    body: bytes
    look_up: Callable[[], Awaitable[Landed | None]]
    send: Callable[[bytes, str, Callable[[], None]], Awaitable[Landed]]
    unique: bool = False
    remembers: Mapping[str, Any] = field(default_factory=dict)

    def call_id(self, attempt: int) -> str:
        """The journal's name of one attempt."""
        return f"{self.operation_id}.{attempt}"

    def operation(
        self, lease: Lease, *, body: bytes, state: OperationState, attempt: int, send_by: datetime
    ) -> Operation:
        """The row of this write as it begins in this state."""
        return Operation(
            operation_id=self.operation_id,
            process_id=self.process_id,
            kind=self.kind,
            reference=self.reference,
            legal_entity=self.legal_entity,
            payload_version=PAYLOAD_VERSION,
            payload=body,
            payload_hash=digest(body.hex()),
            state=state,
            attempt=attempt,
            send_by=send_by,
            settle_until=None,
            external_id="",
            fence=lease.fence,
            detail=dict(self.remembers),
        )


@dataclass(frozen=True, slots=True)
class Landed:
    """A record that stands in the other system."""

    external_id: str
    detail: dict[str, Any]
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nothing may be sent before ``until``; ``reason`` is for people."""

    until: datetime
    reason: str


class SendByPassedError(ConnectorError):
    """The process slept between its intent and the send: nothing was sent."""

    code = "engine.send_by_passed"


async def write_once(write: RemoteWrite, engine: Engine, lease: Lease, patience: Patience) -> Landed | NotYet:
    """Make the write, adopt what an earlier attempt left, or say until when to wait.

    Raises:
        RejectedError: the other system said no; nothing stands there.
        RetryableError: nothing was sent; try again later.
        AccessError: nothing was sent; a person must act.
    """
    async with engine.store.read() as tx:
        known = await operations.get(tx, engine.connection_id, write.operation_id, engine.vault)
    if known is not None and known.state in ("done", "adopted"):
        return Landed(known.external_id, known.detail, adopted=known.state == "adopted")
    if known is not None and known.state in ("intended", "unknown"):
        settled_at = patience.settled_at(known)
        if engine.around.clock.now() < settled_at:
            landed = await write.look_up()
            if landed is not None:
                return await _adopt(write, engine, lease, known, landed)
            if not write.unique:
                await _mark_unknown(write, engine, lease, settled_at)
                return NotYet(settled_at, LOST)
    landed = await write.look_up()
    if landed is not None:
        return await _adopt(write, engine, lease, known, landed)
    if known is not None and known.attempt >= patience.attempts and known.state != "refused":
        raise await _given_up(write, engine, lease, known)
    return await _send(write, engine, lease, patience, known)


async def _send(
    write: RemoteWrite, engine: Engine, lease: Lease, patience: Patience, known: Operation | None
) -> Landed | NotYet:
    """Store the intent, send the stored bytes, store the outcome."""
    again = known is not None and known.state in ("intended", "unknown")
    body = known.payload if known is not None and again else write.body
    attempt = known.attempt + 1 if known is not None else 1
    # read before the commit, which may take long
    last_moment = engine.around.clock.elapsed_s() + patience.send_within_s
    await _intend(write, engine, lease, patience, body=body, attempt=attempt, again=again)

    def last_check() -> None:
        if engine.around.clock.elapsed_s() > last_moment:
            raise SendByPassedError(
                f"{write.subject}: the process slept for longer than {patience.send_within_s:.0f} s before "
                f"sending {write.reference}; nothing was sent."
            )

    try:
        landed = await write.send(body, write.call_id(attempt), last_check)
    except RejectedError as error:
        landed_before = await write.look_up() if write.unique else None
        if landed_before is None:
            await _ended(write, engine, lease, attempt, "refused", error=error)
            raise
        await _ended(write, engine, lease, attempt, "done", landed=landed_before)
        return replace(landed_before, adopted=True)
    except UncertainWriteError as error:
        wait_s = 0.0 if write.unique else patience.settle_s
        settled_at = engine.around.clock.now() + timedelta(seconds=wait_s)
        await _ended(write, engine, lease, attempt, "unknown", error=error, settle_until=settled_at)
        return NotYet(settled_at, LOST)
    except ConnectorError as error:
        await _ended(write, engine, lease, attempt, "refused", error=error)
        if isinstance(error, SendByPassedError):
            return NotYet(engine.around.clock.now(), error.message)
        raise
    await _ended(write, engine, lease, attempt, "done", landed=landed)
    return landed


async def _intend(
    write: RemoteWrite,
    engine: Engine,
    lease: Lease,
    patience: Patience,
    *,
    body: bytes,
    attempt: int,
    again: bool,
) -> None:
    """Commit what is about to be sent, and until when it may be."""
    cid = engine.connection_id
    async with engine.write() as tx:
        send_by = engine.around.clock.now() + timedelta(seconds=patience.send_within_s)
        operation = write.operation(lease, body=body, state="intended", attempt=attempt, send_by=send_by)
        await leases.check(tx, cid, lease)
        await operations.put(tx, cid, operation, engine.vault)
        if again:  # the attempt before is known to have left nothing
            await calls.finish(tx, cid, Ended(write.call_id(attempt - 1), "repeated"))
        await calls.intend(
            tx,
            cid,
            Call(
                call_id=write.call_id(attempt),
                run_id=write.process_id,
                side=write.side,
                resource=write.resource,
                payload_hash=operation.payload_hash,
                keys=[write.reference],
                operation_id=write.operation_id,
            ),
        )
        await _note(
            write, engine, tx, "intended", {"attempt": attempt, "send_by": operation.send_by.isoformat()}
        )


async def _given_up(write: RemoteWrite, engine: Engine, lease: Lease, known: Operation) -> RejectedError:
    """The last attempt is known to have left nothing: a person who replays begins anew."""
    error = RejectedError(
        f"{write.subject}: {known.attempt} attempts to write the {write.kind} {write.reference} were lost "
        "without an answer, and it is not in Dynamics.",
        status=0,
        code="order.unsure",
    )
    await _ended(write, engine, lease, known.attempt, "refused", error=error)
    return error


async def _mark_unknown(write: RemoteWrite, engine: Engine, lease: Lease, settled_at: datetime) -> None:
    """An intent without an outcome was found: the process that made it is gone."""
    async with engine.write() as tx:
        await leases.check(tx, engine.connection_id, lease)
        await operations.update(
            tx,
            engine.connection_id,
            write.operation_id,
            state="unknown",
            settle_until=settled_at,
            fence=lease.fence,
        )


async def _adopt(
    write: RemoteWrite, engine: Engine, lease: Lease, known: Operation | None, landed: Landed
) -> Landed:
    """What an earlier attempt left is the record: take it as ours."""
    cid = engine.connection_id
    async with engine.write() as tx:
        await leases.check(tx, cid, lease)
        if known is None:
            found = write.operation(
                lease, body=write.body, state="adopted", attempt=0, send_by=engine.around.clock.now()
            )
            found = replace(found, external_id=landed.external_id, detail=landed.detail)
            await operations.put(tx, cid, found, engine.vault)
        else:
            await operations.update(
                tx,
                cid,
                write.operation_id,
                state="adopted",
                external_id=landed.external_id,
                fence=lease.fence,
                detail=landed.detail,
            )
            await calls.finish(tx, cid, Ended(write.call_id(known.attempt), "done"))
        await _note(write, engine, tx, "adopted", {"external_id": landed.external_id})
    return Landed(landed.external_id, landed.detail, adopted=True)


async def _ended(
    write: RemoteWrite,
    engine: Engine,
    lease: Lease,
    attempt: int,
    how: Literal["done", "refused", "unknown"],
    *,
    landed: Landed | None = None,
    settle_until: datetime | None = None,
    error: ConnectorError | None = None,
) -> None:
    """Commit what became of one attempt."""
    cid = engine.connection_id
    status = error.status if isinstance(error, RejectedError) else None
    correlation_id = error.correlation_id if isinstance(error, RejectedError) else ""
    why = {"error": error.message if error else ""}
    async with engine.write() as tx:
        await leases.check(tx, cid, lease)
        await operations.update(
            tx,
            cid,
            write.operation_id,
            state=how,
            settle_until=settle_until,
            external_id=landed.external_id if landed else None,
            detail=landed.detail if landed else {**write.remembers, **why},
        )
        await calls.finish(tx, cid, Ended(write.call_id(attempt), how, status, correlation_id))
        await _note(write, engine, tx, how, {"external_id": landed.external_id} if landed else why)


async def _note(write: RemoteWrite, engine: Engine, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """One audit entry under the subject of the process."""
    flow, _, key = write.subject.partition("/")
    await audit.append(
        tx,
        engine.connection_id,
        [
            Entry(
                kind=f"{write.kind}.{kind}",
                flow=flow,
                key=key,
                run_id=None,
                operation_id=write.operation_id,
                payload={"reference": write.reference, "legal_entity": write.legal_entity, **payload},
            )
        ],
    )
