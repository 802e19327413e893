"""What the next pass over orders would do with each deal, as plain data. Nothing is written anywhere."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.app.deal_work import told
from ml_connector.app.flows import order_flow
from ml_connector.engine import pace
from ml_connector.engine.pace import too_many
from ml_connector.engine.process import LATER
from ml_connector.errors import RecordError, SubjectLeftError
from ml_connector.flows.orders.checks.readiness import check_deal
from ml_connector.flows.orders.draft.choices import Choices, choices_of
from ml_connector.store import processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.app.workplace import Workplace
    from ml_connector.flows.orders.checks.readiness import Readiness
    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow
    from ml_connector.flows.orders.placing.refusals import Refusal
    from ml_connector.store.processes import Process

WHAT = ("place", "ask", "park", "wait", "decide", "leave", "done")
OPEN = 10_000  # processes that are not done


async def plan_orders(place: Workplace, limit: int) -> dict[str, Any]:
    """Won deals and deals that wait: what would be placed, would ask, would park with its cause, waits.

    Args:
        place: Where.
        limit: Tell of so many deals; the counts are of all.
    """
    flow = await order_flow(place, looking=True)
    counts: Counter[str] = Counter()
    shown: list[dict[str, Any]] = []
    known = await _known(flow)
    changed = await _won(flow)
    planning = _Planning(flow, await _room(flow), await flow.refusals.read())
    for deal in dict.fromkeys([*changed, *known]):  # as a pass takes them: what was found, then what is due
        line = await planning.line(deal, known.get(deal), changed.get(deal))
        if line is None:
            continue
        counts[line["what"]] += 1
        if line["what"] != "done" and len(shown) < limit:
            shown.append(line)
    return {"counts": {what: counts[what] for what in WHAT}, "deals": shown}


@dataclass(slots=True)
class _Room:
    """How many orders were released within the hour, and how many may be."""

    within: int
    most: int

    def take(self) -> str:
        """Count one more; why it waits for a person when it is one too many."""
        if self.within >= self.most:
            return too_many(self.within, self.most)
        self.within += 1
        return ""


async def _room(flow: OrderFlow) -> _Room:
    now, cid = flow.engine.around.clock.now(), flow.engine.connection_id
    async with flow.engine.store.read() as tx:
        return _Room(*await pace.room(tx, cid, flow.name, now, chosen=flow.most_in_an_hour))


async def _known(flow: OrderFlow) -> dict[str, Process]:
    """Every deal with a process that is not over, by id, as the store has it."""
    async with flow.engine.store.read() as tx:
        rows = await processes.list(
            tx,
            flow.engine.connection_id,
            flow.name,
            ["waiting", "running", "parked"],
            OPEN,
            flow.engine.vault,
        )
    return {row.subject: row for row in rows}


async def _won(flow: OrderFlow) -> dict[str, datetime]:
    """Won deals since the flow went live, with the time of their last change."""
    only_won = replace(flow.won_deals, watch_known=False)
    found: dict[str, datetime] = {}
    async with aclosing(only_won.pages(None)) as pages:
        async for page in pages:
            found |= {one.subject: one.changed_at for one in page.triggers}
    return found


@dataclass(frozen=True, slots=True)
class _Planning:
    """What one plan goes by: room for orders within the hour, and what Dynamics has refused before."""

    flow: OrderFlow
    room: _Room
    refusals: Sequence[Refusal]

    async def line(
        self, deal: str, process: Process | None, changed_at: datetime | None
    ) -> dict[str, Any] | None:
        """What would become of one deal; None when nothing would, and nothing has."""
        flow = self.flow
        if process is None:
            cid, vault = flow.engine.connection_id, flow.engine.vault
            async with flow.engine.store.read() as tx:
                process = await processes.find(tx, cid, flow.name, deal, vault)
        if process is not None and process.state == "ignored":
            return None
        if process is not None and process.state == "done":
            return _told("decide" if LATER in process.result else "done", deal, process.message)
        if process is not None and process.step in ("place", "write back") and process.state != "parked":
            return _told("place", deal, process.message or "It is being placed.")
        try:
            await flow.gather(deal)
        except SubjectLeftError as error:
            return _told("leave", deal, error.message)
        except RecordError:
            pass  # told below, with its cause
        return await self._foreseen(deal, process, changed_at)

    async def _foreseen(
        self, deal: str, process: Process | None, changed_at: datetime | None
    ) -> dict[str, Any]:
        """What would become of a won deal whose order does not stand."""
        choices = choices_of(process.result) if process else Choices()
        seen = await check_deal(self.flow, deal, choices, self.refusals)
        if (process is None or process.step == "quiet") and changed_at is not None:
            quiet = changed_at + timedelta(seconds=self.flow.quiet_s)
            if quiet > self.flow.engine.around.clock.now():
                until = quiet.isoformat(timespec="seconds")
                return _told("wait", deal, f"It is left alone until {until}.", seen)
        if seen.draft is None:
            return _told("park", deal, seen.words, seen)
        warning = seen.words if seen.error is not None else ""  # foreseen, and tried all the same
        if process is not None and process.release == "approved":
            return _told("place", deal, warning, seen)
        asks = await self._asks(seen.draft, process)
        return _told("ask" if asks else "place", deal, " ".join(filter(None, (asks, warning))), seen)

    async def _asks(self, draft: OrderDraft, process: Process | None) -> str:
        """Why a person would be asked to release it; empty when nobody would."""
        asked = process is not None and (process.state, process.step) == ("waiting", "release")
        if process is not None and asked and process.draft == draft.to_bytes():
            return process.message  # who was asked is not passed over
        asks = await self.flow.asks(draft, revision=process.revision if process else 1)
        if self.flow.release != "automatic":
            return asks or "It waits for approval."
        return asks or self.room.take()


def _told(what: str, deal: str, message: str, seen: Readiness | None = None) -> dict[str, Any]:
    found = told(seen) if seen is not None else {"name": "", "stopped": None, "draft": None}
    draft = seen.draft if seen is not None else None
    return {
        "deal": deal,
        "name": found["name"],
        "what": what,
        "message": message,
        "stopped": found["stopped"] if draft is None else None,
        "legal_entity": draft.legal_entity if draft else "",
        "customer": draft.customer_name if draft else "",
        "total": str(draft.total) if draft else "",
        "currency": draft.currency if draft else "",
    }
