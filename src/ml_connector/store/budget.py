"""The slots of every process of a connection, in one place: each exchange is one short transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from ml_connector.domain.sharing import (
    NOTHING,
    Allowance,
    DayQuota,
    Grant,
    Share,
    better_known,
    granted,
    later_told,
)
from ml_connector.store import tables
from ml_connector.store.columns import insert_if_new, upsert
from ml_connector.store.leases import database_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ml_connector.domain.sharing import Report
    from ml_connector.store.database import Store, Tx

_LEEWAY_S = 0.01  # clocks of several machines differ by rounding and drift within a window

_b, _s = tables.budget.c, tables.budget_share.c
_NEW = insert_if_new(tables.budget, key=["connection_id", "bucket"])
_BUDGET = upsert(
    tables.budget,
    key=["connection_id", "bucket"],
    change=["calls", "window_ms", "told", "paused_until", "day_calls", "day_left", "day_told_at"],
)
_SHARE = upsert(
    tables.budget_share,
    key=["connection_id", "bucket", "holder"],
    change=["slots", "wanted", "grew_at", "free_at"],
)


@dataclass(frozen=True, slots=True)
class _Budget:
    """One bucket as all know it."""

    allowance: Allowance
    paused_until: datetime | None = None
    day: DayQuota | None = None


class SharedBudget:
    """The budget of one connection: what ``SharedLedger`` exchanges through."""

    def __init__(self, store: Store, connection_id: int) -> None:
        self._store = store
        self._cid = connection_id

    async def exchange(self, holder: str, reports: Sequence[Report], term_s: float) -> Mapping[str, Grant]:
        """Write down how a process stands with its buckets, and work out what it may use.

        Args:
            holder: The process.
            reports: One for each bucket.
            term_s: How long the grant holds; 0 when the process gives everything back.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        async with self._store.write() as tx:
            known = await self._budgets(tx, reports)
            now = await database_time(tx)
            shares = await self._shares(tx)
            grants: dict[str, Grant] = {}
            mine: list[dict[str, Any]] = []
            for report in reports:
                found = known[report.bucket]
                budget = _informed(found, report, now)
                if budget != found:
                    await tx.connection.execute(_BUDGET[tx.dialect], self._budget_row(report.bucket, budget))
                all_shares = [share for share in shares.get(report.bucket, ()) if share.free_at > now]
                before = next((share for share in all_shares if share.holder == holder), None)
                others = [share for share in all_shares if share.holder != holder]
                share, grant = _settled(holder, report, budget, before, others, now=now, term_s=term_s)
                grants[report.bucket] = grant
                mine.append(self._share_row(report.bucket, share))
            await self._put(tx, holder, mine, shares, now)
        return grants

    async def _budgets(self, tx: Tx, reports: Sequence[Report]) -> dict[str, _Budget]:
        """The buckets, locked for this transaction; those nobody has reported before are made."""
        query = select(tables.budget).where(_b.connection_id == self._cid).order_by(_b.bucket)
        rows = {row.bucket: _read(row) for row in await tx.connection.execute(query.with_for_update())}
        missing = sorted(
            (report for report in reports if report.bucket not in rows), key=lambda one: one.bucket
        )
        if missing:
            new = [self._budget_row(report.bucket, _Budget(report.allowance)) for report in missing]
            await tx.connection.execute(_NEW[tx.dialect], new)
            return {row.bucket: _read(row) for row in await tx.connection.execute(query.with_for_update())}
        return rows

    async def _shares(self, tx: Tx) -> dict[str, list[Share]]:
        query = (
            select(tables.budget_share).where(_s.connection_id == self._cid).order_by(_s.bucket, _s.holder)
        )
        found: dict[str, list[Share]] = {}
        for row in await tx.connection.execute(query):
            share = Share(row.holder, row.slots, tuple(row.wanted), row.grew_at, row.free_at)
            found.setdefault(row.bucket, []).append(share)
        return found

    async def _put(
        self,
        tx: Tx,
        holder: str,
        mine: Sequence[dict[str, Any]],
        before: Mapping[str, Sequence[Share]],
        now: datetime,
    ) -> None:
        """Store what this process holds; what nobody holds any more goes."""
        kept = [row for row in mine if row["slots"] or row["wanted"] != list(NOTHING)]
        if kept:
            await tx.connection.execute(_SHARE[tx.dialect], kept)
        gone = {row["bucket"] for row in mine} - {row["bucket"] for row in kept}
        over = any(share.free_at <= now for shares in before.values() for share in shares)
        if over:
            await tx.connection.execute(
                delete(tables.budget_share).where(_s.connection_id == self._cid, _s.free_at <= now)
            )
        if any(share.holder == holder for bucket in gone for share in before.get(bucket, ())):
            mine_gone = (_s.connection_id == self._cid, _s.holder == holder, _s.bucket.in_(sorted(gone)))
            await tx.connection.execute(delete(tables.budget_share).where(*mine_gone))

    def _budget_row(self, bucket: str, budget: _Budget) -> dict[str, Any]:
        day = budget.day
        return {
            "connection_id": self._cid,
            "bucket": bucket,
            "calls": budget.allowance.calls,
            "window_ms": round(budget.allowance.window_s * 1000),
            "told": budget.allowance.told,
            "paused_until": budget.paused_until,
            "day_calls": day.calls if day else None,
            "day_left": day.left if day else None,
            "day_told_at": day.told_at if day else None,
        }

    def _share_row(self, bucket: str, share: Share) -> dict[str, Any]:
        return {
            "connection_id": self._cid,
            "bucket": bucket,
            "holder": share.holder,
            "slots": share.slots,
            "wanted": list(share.wanted),
            "grew_at": share.grew_at,
            "free_at": share.free_at,
        }


def _read(row: Any) -> _Budget:
    day = None if row.day_told_at is None else DayQuota(row.day_calls, row.day_left, row.day_told_at)
    return _Budget(Allowance(row.calls, row.window_ms / 1000, row.told), row.paused_until, day)


def _informed(budget: _Budget, report: Report, now: datetime) -> _Budget:
    """A bucket with what a process has learnt."""
    paused_until = budget.paused_until
    if report.pause_s > 0:
        until = now + timedelta(seconds=report.pause_s)
        paused_until = max(until, paused_until) if paused_until else until
    allowance = better_known(budget.allowance, report.allowance)
    return replace(
        budget, allowance=allowance, paused_until=paused_until, day=later_told(budget.day, report.day)
    )


def _settled(
    holder: str,
    report: Report,
    budget: _Budget,
    before: Share | None,
    others: Sequence[Share],
    *,
    now: datetime,
    term_s: float,
) -> tuple[Share, Grant]:
    """The share of a process from now on, and what it is told."""
    free_in_s = term_s + budget.allowance.window_s if term_s else report.free_in_s + _LEEWAY_S
    free_at = now + timedelta(seconds=free_in_s)
    mine = Share(
        holder, before.slots if before else 0, report.wanted, before.grew_at if before else now, free_at
    )
    slots, held = (
        granted(budget.allowance.calls, mine, others, report.in_use) if term_s else (0, report.in_use)
    )
    grew_at = now if held > mine.slots else mine.grew_at
    pause_s = max(0.0, (budget.paused_until - now).total_seconds()) if budget.paused_until else 0.0
    share = replace(mine, slots=held, grew_at=grew_at)
    return share, Grant(slots, held, budget.allowance, pause_s, budget.day)
