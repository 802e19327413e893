"""What people and programs ask about events: did it arrive, and what became of it. Reads only."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.keys import RecordName
from ml_connector.errors import ConfigurationError
from ml_connector.store import inbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.inbox import Event

SOURCES = ("dynamics", "hubspot")
OUTCOMES = ("accepted", "duplicate", "superseded", "out_of_scope", "test")
RECENT = 1_000  # events of today whose delay is looked at
_NO_CONNECTION = 0


async def list_events(
    place: Workplace, *, source: str = "", outcome: str = "", limit: int = 50, before: int | None = None
) -> list[dict[str, Any]]:
    """The newest events first; ``before`` is the last number of the page before.

    Raises:
        ConfigurationError: there is no such source or outcome.
    """
    _known(source, SOURCES, "source")
    _known(outcome, OUTCOMES, "outcome")
    cid = place.connection.connection_id
    async with place.store.read() as tx:
        rows = await inbox.list(tx, cid, limit=limit, before=before, source=source, outcome=outcome)
    return [_told(row) for row in rows]


async def events_after(place: Workplace, after: int, limit: int = 100) -> list[dict[str, Any]]:
    """The events that came after this one, the oldest first."""
    async with place.store.read() as tx:
        rows = await inbox.list(tx, place.connection.connection_id, after=after, limit=limit)
    return [_told(row) for row in rows]


async def newest_event(place: Workplace) -> int:
    """The number of the event that came last; 0 when none has come."""
    async with place.store.read() as tx:
        rows = await inbox.list(tx, place.connection.connection_id, limit=1)
    return rows[0].event_no if rows else 0


async def show_event(place: Workplace, event_no: int) -> dict[str, Any]:
    """One event with its body.

    Raises:
        ConfigurationError: there is no such number.
        VaultError: the body does not open.
    """
    async with place.store.read() as tx:
        row = await inbox.get(tx, place.connection.connection_id, event_no, place.vault)
    if row is None:
        raise ConfigurationError(
            f"There is no event number {event_no}.",
            code="usage.unknown_event",
            hint="Run: ml-connector events list",
        )
    body = orjson.loads(row.body) if row.body is not None else None
    return {**_told(row), "taken_at": row.taken_at, "due_at": row.due_at, "body": body}


async def today(place: Workplace) -> dict[str, Any]:
    """The figures of the day (UTC): events by outcome, refused requests by reason, the median delay in seconds."""
    cid, now = place.connection.connection_id, place.around.clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = midnight.date().isoformat()
    async with place.store.read() as tx:
        outcomes = await inbox.summary(tx, cid, midnight)
        refused = await inbox.rejected(tx, cid, day)
        strangers = await inbox.rejected(tx, _NO_CONNECTION, day)
        rows = await inbox.list(tx, cid, limit=RECENT, outcome="accepted")
        waiting = await inbox.open_by_flow(tx, cid)
    delays = [delay for row in rows if row.received_at >= midnight and (delay := _delay(row)) is not None]
    return {
        "outcomes": {name: outcomes.get(name, 0) for name in OUTCOMES},
        "rejected": [
            {"source": source, "reason": reason, "count": count, "known_connection": known}
            for known, found in ((True, refused), (False, strangers))
            for _, source, reason, count in found
        ],
        "open": waiting,
        "median_delay_s": round(median(delays), 1) if delays else None,
    }


def _told(row: Event) -> dict[str, Any]:
    return {
        "id": row.event_no,
        "received_at": row.received_at,
        "source": row.source,
        "type": row.type,
        "legal_entity": row.legal_entity,
        "identifier": row.identifier,
        "number": row.number,
        "outcome": row.outcome,
        "other": row.other_no,
        "note": row.note,
        "flow": row.flow,
        "record": _record(row),
        "done_at": row.done_at,
        "delay_s": _delay(row),
    }


def _record(row: Event) -> str:
    """The record an event hints at, as people and scripts name it; of a whole flow, its name."""
    if not row.flow or not row.key:
        return row.flow
    return str(RecordName("deals" if row.flow == "orders" else row.flow, row.key))


def _delay(row: Event) -> float | None:
    """Seconds from the arrival until the record was read."""
    if row.outcome != "accepted" or row.done_at is None:
        return None
    return _seconds(row.received_at, row.done_at)


def _seconds(since: datetime, until: datetime) -> float:
    return round((until - since).total_seconds(), 1)


def _known(word: str, words: Sequence[str], what: str) -> None:
    if word and word not in words:
        raise ConfigurationError(
            f"There is no {what} '{word}'; it is {', '.join(words)}.", code=f"usage.{what}"
        )
