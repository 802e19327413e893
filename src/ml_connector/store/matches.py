"""Matches: links that matching stamped, proposals that wait for a person, decisions, and the runs that found them."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson
from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from ml_connector.store import tables
from ml_connector.store.columns import TextList, among

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from ml_connector.store.database import Tx
    from ml_connector.store.vault import Vault

MatchState = Literal[
    "doubtful",  # waits for a person; its source is not created meanwhile
    "stamped",  # certain: linked by the run
    "accepted",  # linked by a person
    "rejected",  # a person says that the two are different: never proposed again
    "undone",  # taken back, or no longer proposed
]
LINKED: tuple[MatchState, ...] = ("stamped", "accepted")
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Match:
    """A pair of records. ``detail``, both sides' values, is sealed in the table; ``match_id`` is the store's."""

    flow: str
    source_key: str
    target_id: str
    rule: str
    score: int
    state: MatchState
    detail: dict[str, Any]
    run_id: str
    at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    match_id: int = 0


_c = tables.match.c
_r = tables.match_run.c
_FIELDS = builtins.list(Match.__slots__)
_COLUMNS = [_c[name] for name in _FIELDS]
_UNDECIDED = select(_c.source_key).where(
    _c.connection_id == bindparam("connection_id"),
    _c.flow == bindparam("flow"),
    _c.state == "doubtful",
    among(_c.source_key, bindparam("keys", type_=TextList())),
)


async def undecided(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> set[str]:
    """Which of these source records wait for a person's decision: nothing may be created behind them."""
    if not keys:
        return set()
    bound = {"connection_id": connection_id, "flow": flow, "keys": keys}
    return {str(key) for key in (await tx.connection.execute(_UNDECIDED, bound)).scalars()}


async def decided_since(tx: Tx, connection_id: int, flow: str, moment: datetime, *, limit: int) -> set[str]:
    """The source records about which something was decided since that moment: they may go on."""
    query = select(_c.source_key).where(
        _c.connection_id == connection_id, _c.flow == flow, _c.decided_at >= moment
    )
    rows = await tx.connection.execute(query.distinct().order_by(_c.source_key).limit(limit))
    return {str(key) for key in rows.scalars()}


async def add(tx: Tx, connection_id: int, rows: Sequence[Match], vault: Vault) -> None:
    """Store pairs as given; their time is the transaction's, and so is that of a decision."""
    values = [
        {
            "connection_id": connection_id, "flow": row.flow, "source_key": row.source_key,
            "target_id": row.target_id, "rule": row.rule, "score": row.score, "state": row.state,
            "detail": vault.seal(connection_id, _sealed_for(row.flow, row.source_key, row.target_id),
                                 orjson.dumps(row.detail)),
            "run_id": row.run_id, "at": tx.now, "decided_at": None if row.state == "doubtful" else tx.now,
            "decided_by": row.decided_by,
        }
        for row in rows
    ]  # fmt: skip
    if values:
        await tx.connection.execute(insert(tables.match), values)


async def get(tx: Tx, connection_id: int, match_id: int, vault: Vault) -> Match | None:
    """One pair by its number."""
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, _c.match_id == match_id)
    row = (await tx.connection.execute(query)).first()
    return _opened(connection_id, row, vault) if row else None


async def of_source(  # noqa: PLR0917 - all are needed, none has a default
    tx: Tx, connection_id: int, flow: str, key: str, states: Sequence[MatchState], vault: Vault
) -> builtins.list[Match]:
    """The pairs of one source record that are in one of these states."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id, _c.flow == flow, _c.source_key == key, _c.state.in_(states)
    )
    rows = await tx.connection.execute(query.order_by(_c.match_id))
    return [_opened(connection_id, row, vault) for row in rows]


async def linked_by(
    tx: Tx, connection_id: int, run_id: str, vault: Vault, *, after: int = 0
) -> builtins.list[Match]:
    """A page of the pairs that one run found and that are linked, oldest number first."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id, _c.run_id == run_id, _c.state.in_(LINKED), _c.match_id > after
    )
    rows = await tx.connection.execute(query.order_by(_c.match_id).limit(PAGE))
    return [_opened(connection_id, row, vault) for row in rows]


async def list(  # noqa: A001 - read as matches.list
    tx: Tx,
    connection_id: int,
    vault: Vault,
    *,
    flow: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> builtins.list[Match]:
    """A page of open proposals, oldest number first; ``after`` is the last number of the page before."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id, _c.state == "doubtful", _c.match_id > after
    )
    if flow is not None:
        query = query.where(_c.flow == flow)
    rows = await tx.connection.execute(query.order_by(_c.match_id).limit(limit))
    return [_opened(connection_id, row, vault) for row in rows]


async def count_open(tx: Tx, connection_id: int, flow: str | None = None) -> int:
    """How many source records wait for a decision."""
    query = select(_c.flow, _c.source_key).where(_c.connection_id == connection_id, _c.state == "doubtful")
    if flow is not None:
        query = query.where(_c.flow == flow)
    counted = select(func.count()).select_from(query.distinct().subquery())
    return int((await tx.connection.execute(counted)).scalar_one())


async def count_linked(tx: Tx, connection_id: int, run_id: str) -> int:
    """How many pairs that one run found are linked."""
    query = select(func.count()).where(
        _c.connection_id == connection_id, _c.run_id == run_id, _c.state.in_(LINKED)
    )
    return int((await tx.connection.execute(query)).scalar_one())


async def pairs(
    tx: Tx, connection_id: int, flow: str, state: MatchState, *, after: int = 0
) -> builtins.list[tuple[int, str, str]]:
    """A page of the pairs in one state: number, source key, target id."""
    query = select(_c.match_id, _c.source_key, _c.target_id).where(
        _c.connection_id == connection_id, _c.flow == flow, _c.state == state, _c.match_id > after
    )
    rows = await tx.connection.execute(query.order_by(_c.match_id).limit(PAGE))
    return [(row[0], row[1], row[2]) for row in rows]


async def decide(tx: Tx, connection_id: int, match_ids: Sequence[int], state: MatchState, by: str) -> None:
    """Note what was decided about these pairs."""
    for start in range(0, len(match_ids), PAGE):
        change = update(tables.match).where(
            _c.connection_id == connection_id, _c.match_id.in_(match_ids[start : start + PAGE])
        )
        await tx.connection.execute(change.values(state=state, decided_at=tx.now, decided_by=by))


async def withdraw(
    tx: Tx, connection_id: int, flow: str, *, sources: Sequence[str], targets: Sequence[str], by: str
) -> None:
    """Close the open proposals of records that are linked now."""
    change = update(tables.match).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        _c.state == "doubtful",
        or_(
            among(_c.source_key, bindparam("sources", value=sources, type_=TextList())),
            among(_c.target_id, bindparam("targets", value=targets, type_=TextList())),
        ),
    )
    await tx.connection.execute(change.values(state="undone", decided_at=tx.now, decided_by=by))


# --- runs ---


async def begin(tx: Tx, connection_id: int, flow: str, run_id: str) -> None:
    """Note that a run begins to stamp and queue."""
    row = {
        "connection_id": connection_id, "run_id": run_id, "flow": flow, "started_at": tx.now, "counters": {},
    }  # fmt: skip
    await tx.connection.execute(insert(tables.match_run), row)


async def end(tx: Tx, connection_id: int, run_id: str, counters: dict[str, Any]) -> None:
    """Note that a run has stamped and queued everything."""
    change = update(tables.match_run).where(_r.connection_id == connection_id, _r.run_id == run_id)
    await tx.connection.execute(change.values(ended_at=tx.now, counters=counters))


async def reopen(tx: Tx, connection_id: int, run_id: str) -> None:
    """A run that was taken back counts as one that never came to its end."""
    change = update(tables.match_run).where(_r.connection_id == connection_id, _r.run_id == run_id)
    await tx.connection.execute(change.values(ended_at=None))


async def has_run(tx: Tx, connection_id: int, flow: str) -> bool:
    """Whether matching has been carried out for a flow, and was not taken back."""
    query = select(_r.run_id).where(
        _r.connection_id == connection_id, _r.flow == flow, _r.ended_at.is_not(None)
    )
    return (await tx.connection.execute(query.limit(1))).first() is not None


async def unfinished(tx: Tx, connection_id: int, flow: str) -> builtins.list[str]:
    """Runs of a flow that did not come to their end."""
    query = select(_r.run_id).where(_r.connection_id == connection_id, _r.flow == flow, _r.ended_at.is_(None))
    return [str(run_id) for run_id in (await tx.connection.execute(query.order_by(_r.started_at))).scalars()]


async def find_run(tx: Tx, connection_id: int, beginning: str) -> builtins.list[tuple[str, str]]:
    """Id and flow of the runs whose id begins so; two are enough to know that it is not clear."""
    query = select(_r.run_id, _r.flow).where(
        _r.connection_id == connection_id, _r.run_id.between(beginning, beginning + "\U0010ffff")
    )
    return [(row[0], row[1]) for row in await tx.connection.execute(query.order_by(_r.run_id).limit(2))]


async def keys_sent(tx: Tx, connection_id: int, run_ids: Sequence[str]) -> set[str]:
    """The source keys that these runs meant to write, whatever became of the calls."""
    c = tables.call.c
    query = select(c["keys"]).where(
        c.connection_id == connection_id, among(c.run_id, bindparam("runs", value=run_ids, type_=TextList()))
    )
    return {key for keys in (await tx.connection.execute(query)).scalars() for key in keys}


# --- links ---


async def linked(tx: Tx, connection_id: int, flow: str, *, after: str = "") -> builtins.list[tuple[str, str]]:
    """A page of a flow's links in the order of their keys: key and target id."""
    c = tables.link.c
    query = select(c.key, c.target_id).where(c.connection_id == connection_id, c.flow == flow, c.key > after)
    rows = await tx.connection.execute(query.order_by(c.key).limit(PAGE))
    return [(row[0], row[1]) for row in rows]


async def unlink(tx: Tx, connection_id: int, flow: str, key: str) -> None:
    """Remove a link that matching made and nothing has been written through."""
    c = tables.link.c
    change = delete(tables.link).where(
        c.connection_id == connection_id, c.flow == flow, c.key == key, c.fingerprint == b""
    )
    await tx.connection.execute(change)


def _opened(connection_id: int, row: Row[Any], vault: Vault) -> Match:
    values = dict(zip(_FIELDS, row, strict=True))
    name = _sealed_for(values["flow"], values["source_key"], values["target_id"])
    values["detail"] = orjson.loads(vault.open(connection_id, name, values["detail"]))
    return Match(**values)


def _sealed_for(flow: str, source_key: str, target_id: str) -> str:
    """What the values of a pair are sealed for."""
    return f"match.{flow}.{source_key}.{target_id}"
