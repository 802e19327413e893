"""The review of doubtful matches: list them, decide one, take links back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.app.match_sides import KINDS
from ml_connector.app.matching import BY_RULE, known_kind, stamps_of
from ml_connector.domain.keys import RecordName
from ml_connector.engine.calls import report_run
from ml_connector.engine.match import reject, stamp, take_back
from ml_connector.errors import ConfigurationError
from ml_connector.store import links, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.app.workplace import Workplace
    from ml_connector.engine.match import Written
    from ml_connector.store.matches import Match


async def review(
    place: Workplace, *, flow: str | None = None, limit: int = 100, after: int = 0
) -> dict[str, Any]:
    """Proposals that wait for a person, oldest number first, and how many source records they hold."""
    if flow is not None:
        known_kind(flow)
    cid = place.connection.connection_id
    async with place.store.read() as tx:
        rows = await matches.list(tx, cid, place.vault, flow=flow, after=after, limit=limit + 1)
        held = await matches.count_open(tx, cid, flow)
    return {"held": held, "proposals": [_shown(row) for row in rows[:limit]], "more": len(rows) > limit}


async def show(place: Workplace, match_id: int) -> dict[str, Any]:
    """One pair with both sides' values."""
    return _shown(await _found(place, match_id))


async def accept(place: Workplace, match_id: int, *, target_id: str = "", by: str) -> dict[str, Any]:
    """Link a doubtful source to the record proposed, or to another one named.

    Raises:
        ConfigurationError: it is decided already, or the record is gone or belongs to another one.
    """
    row = await _found(place, match_id)
    _require_open(row)
    stamps = stamps_of(KINDS[row.flow], await place.hubspot())
    chosen = await _chosen(place, row, target_id, by)
    now = await stamps.read([chosen.target_id])
    await _require_free(place, chosen, stamps.object_type, now)
    journal = report_run(row.flow, row.source_key)
    written = await stamp(place.engine, stamps, journal, [chosen], carried=now)
    if written.refused:
        raise ConfigurationError(
            f"HubSpot refused to link {row.flow}/{row.source_key}: {written.refused[row.source_key]}",
            code="match.refused",
        )
    async with place.store.read() as tx:
        cid = place.connection.connection_id
        accepted = await matches.of_source(tx, cid, row.flow, row.source_key, ["accepted"], place.vault)
    return _shown(accepted[-1])


async def turn_down(place: Workplace, match_id: int, *, by: str) -> dict[str, Any]:
    """Say that a source is none of the records proposed for it, or that a link was wrong.

    Raises:
        ConfigurationError: it is decided already, or the link cannot be taken back any more.
    """
    row = await _found(place, match_id)
    if row.state in matches.LINKED:
        written = await _take_back_one(place, row, by)
        if written.refused:
            raise ConfigurationError(
                f"The link of {row.flow}/{row.source_key} stays: {written.refused[row.source_key]}.",
                code="match.in_use",
            )
        others = [row]
    else:
        _require_open(row)
        async with place.store.read() as tx:
            cid = place.connection.connection_id
            others = await matches.of_source(tx, cid, row.flow, row.source_key, ["doubtful"], place.vault)
    await reject(place.engine, others, by=by)
    return _shown(await _found(place, match_id))


async def undo(place: Workplace, what: str, *, by: str) -> dict[str, Any]:
    """Take back the link of one record (``customers/usmf:US-001``), or all of a run given by its id's beginning.

    Raises:
        ConfigurationError: nothing of the kind was linked by matching.
    """
    cid = place.connection.connection_id
    if "/" in what:
        name = RecordName.parse(what)
        known_kind(name.flow)
        async with place.store.read() as tx:
            rows = await matches.of_source(tx, cid, name.flow, name.key, matches.LINKED, place.vault)
        if not rows:
            raise ConfigurationError(
                f"{what} was not linked by matching.",
                code="usage.unknown_match",
                hint="Run: ml-connector match review",
            )
        written = await _take_back_one(place, rows[-1], by)
        return _taken_back(what, len(written.done), written.refused)
    return await _undo_run(place, what, by)


async def _take_back_one(place: Workplace, row: Match, by: str) -> Written:
    stamps = stamps_of(KINDS[row.flow], await place.hubspot())
    return await take_back(place.engine, stamps, report_run(row.flow, row.source_key), [row], by=by)


async def _undo_run(place: Workplace, what: str, by: str) -> dict[str, Any]:
    """Take back every link of a run; the flow counts as not matched again."""
    run_id, flow = await _run(place, what)
    stamps = stamps_of(known_kind(flow), await place.hubspot())
    done, after, refused = 0, 0, dict[str, str]()
    async with place.store.write() as tx:
        await matches.reopen(tx, place.connection.connection_id, run_id)
    while True:
        async with place.store.read() as tx:
            cid = place.connection.connection_id
            rows = await matches.linked_by(tx, cid, run_id, place.vault, after=after)
        if not rows:
            return _taken_back(run_id, done, refused)
        after = rows[-1].match_id
        written = await take_back(place.engine, stamps, report_run(flow, run_id), rows, by=by)
        done += len(written.done)
        refused |= written.refused


async def count_to_undo(place: Workplace, what: str) -> int:
    """How many links an undo would take back at most."""
    cid = place.connection.connection_id
    if "/" in what:
        return 1
    run_id, _ = await _run(place, what)
    async with place.store.read() as tx:
        return await matches.count_linked(tx, cid, run_id)


# --- parts ---


async def _found(place: Workplace, match_id: int) -> Match:
    async with place.store.read() as tx:
        row = await matches.get(tx, place.connection.connection_id, match_id, place.vault)
    if row is None:
        raise ConfigurationError(
            f"There is no match number {match_id}.",
            code="usage.unknown_match",
            hint="Run: ml-connector match review",
        )
    return row


async def _run(place: Workplace, beginning: str) -> tuple[str, str]:
    async with place.store.read() as tx:
        fitting = await matches.find_run(tx, place.connection.connection_id, beginning)
    if len(fitting) != 1 or not beginning:
        what = (
            f"Several match runs begin with '{beginning}'"
            if len(fitting) > 1
            else f"There is no match run '{beginning}'"
        )
        raise ConfigurationError(
            f"{what}.",
            code="usage.unknown_match",
            hint="Name a run as match printed it, or a record: customers/usmf:US-001",
        )
    return fitting[0]


def _require_open(row: Match) -> None:
    if row.state != "doubtful":
        raise ConfigurationError(
            f"Match {row.match_id} is decided already: {row.state} by {row.decided_by or BY_RULE}.",
            code="match.decided",
            hint="Run: ml-connector match review",
        )


async def _chosen(place: Workplace, row: Match, target_id: str, by: str) -> Match:
    """The row a person means: the one named, another proposal of its source, or a new pair."""
    if not target_id or target_id == row.target_id:
        return replace(row, state="accepted", decided_by=by)
    async with place.store.read() as tx:
        cid = place.connection.connection_id
        rows = await matches.of_source(tx, cid, row.flow, row.source_key, ["doubtful"], place.vault)
    for other in rows:
        if other.target_id == target_id:
            return replace(other, state="accepted", decided_by=by)
    detail = {**row.detail, "target": {}, "reasons": ["chosen by hand"], "written": True}
    return replace(
        row,
        target_id=target_id,
        rule="chosen by hand",
        score=0,
        detail=detail,
        match_id=0,
        state="accepted",
        decided_by=by,
    )


async def _require_free(place: Workplace, row: Match, object_type: str, now: Mapping[str, str]) -> None:
    """The record exists, and carries no other key."""
    async with place.store.read() as tx:
        cid = place.connection.connection_id
        holders = [link.key for link in await links.by_target(tx, cid, object_type, row.target_id)]
    taken = [key for key in (*holders, now.get(row.target_id, "")) if key and key != row.source_key]
    if row.target_id not in now:
        problem = f"HubSpot has no {object_type} {row.target_id} any more"
    elif taken:
        problem = f"{object_type} {row.target_id} belongs to {taken[0]}"
    else:
        return
    raise ConfigurationError(
        f"{row.flow}/{row.source_key} cannot be linked: {problem}.",
        code="match.not_free",
        hint=f"Run: ml-connector match {row.flow} (it compares afresh), or reject the proposal.",
    )


def _shown(row: Match) -> dict[str, Any]:
    return {
        "id": row.match_id,
        "record": str(RecordName(row.flow, row.source_key)),
        "target_id": row.target_id,
        "object_type": KINDS[row.flow].object_type,
        "state": row.state,
        "rule": row.rule,
        "score": row.score,
        "reasons": row.detail.get("reasons", []),
        "source": row.detail.get("source", {}),
        "target": row.detail.get("target", {}),
        "run_id": row.run_id,
        "at": row.at,
        "decided_at": row.decided_at,
        "decided_by": row.decided_by,
    }


def _taken_back(what: str, done: int, refused: Mapping[str, str]) -> dict[str, Any]:
    kept = [{"key": key, "message": message} for key, message in sorted(refused.items())]
    return {"undone": what, "taken_back": done, "kept": kept}
