"""A single repeatable write with its intent before and its outcome after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.records import digest
from ml_connector.errors import ConnectorError, RejectedError
from ml_connector.store import calls
from ml_connector.store.calls import Call, Ended

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.store.calls import CallOutcome


def report_run(flow: str, subject: str) -> str:
    """Under what the journal keeps the reports on one subject: repeatable, so a crash leaves nothing to resolve."""
    return f"{flow}/{subject}"


async def recorded(
    engine: Engine,
    *,
    side: str,
    resource: str,
    keys: Sequence[str],
    payload: Any,
    send: Callable[[str], Awaitable[Any]],
    run_id: str = "",
) -> Any:
    """Send a write that is safe to repeat, with one journal row of its own."""
    call_id = engine.around.new_id()
    call = Call(
        call_id=call_id,
        run_id=run_id,
        side=side,
        resource=resource,
        payload_hash=digest(payload),
        keys=list(keys),
        operation_id=None,
    )
    async with engine.write() as tx:
        await calls.intend(tx, engine.connection_id, call)
    try:
        answer = await send(call_id)
    except ConnectorError as error:
        refused = isinstance(error, RejectedError) or error.context.get("sent") is False
        status = error.status if isinstance(error, RejectedError) else None
        async with engine.write() as tx:
            outcome: CallOutcome = "refused" if refused else "unknown"
            await calls.finish(tx, engine.connection_id, Ended(call_id, outcome, status))
        raise
    async with engine.write() as tx:
        await calls.finish(tx, engine.connection_id, Ended(call_id, "done", 200))
    return answer
