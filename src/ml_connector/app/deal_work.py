"""What people ask of a deal beside its order: is it ready, what becomes of it now, is anything amiss over all."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

from ml_connector.app.deals import find_process, summary
from ml_connector.app.flows import order_flow
from ml_connector.domain.causes import cause_of
from ml_connector.engine.advance import advance
from ml_connector.engine.decisions import Decision, decide
from ml_connector.errors import ConfigurationError
from ml_connector.flows.orders.checks.readiness import check_deal
from ml_connector.flows.orders.checks.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.flows.orders.checks.readiness import Readiness
    from ml_connector.flows.orders.checks.sweep import Finding

DECISIONS: tuple[Decision, ...] = get_args(Decision)


async def check(place: Workplace, deal_id: str) -> dict[str, Any]:
    """Whether a deal, open or won, could become an order now; nothing is written anywhere."""
    flow = await order_flow(place, looking=True)
    return told(await check_deal(flow, deal_id.removeprefix("deals/")))


def told(seen: Readiness) -> dict[str, Any]:
    """Readiness as plain data."""
    return {
        "deal": seen.deal_id,
        "name": seen.name,
        "ready": seen.error is None,
        "readiness": seen.words,
        "stopped": _stopped(seen),
        "draft": asdict(seen.draft) if seen.draft is not None else None,
    }


def _stopped(seen: Readiness) -> dict[str, str] | None:
    if seen.error is None:
        return None
    cause = cause_of(seen.error.code)
    return {
        "step": str(seen.error.context.get("step", "")),
        "cause": seen.error.code,
        "title": cause.title,
        "message": seen.error.message,
        "turn": cause.turn.value,
        "next_action": seen.error.hint or cause.next_action,
    }


async def decide_deal(
    place: Workplace, deal_id: str, decisions: Sequence[Decision], *, by: str, reason: str
) -> dict[str, Any]:
    """Decide about one deal; placed again, its new revision is drafted at once.

    Raises:
        ConfigurationError: not exactly one decision, no reason, or an unknown deal.
        ConnectorError: there is nothing to decide in this way.
    """
    if len(decisions) != 1:
        options = ", ".join(f"--{each}" for each in DECISIONS)
        raise ConfigurationError(f"Decide one of {options}.", code="usage.decision")
    if not reason.strip():
        raise ConfigurationError(
            "A decision needs its reason.", code="usage.because", hint="Add: --because 'why it is so'"
        )
    process, flow = await find_process(place, deal_id), await order_flow(place)
    decided = await decide(flow, place.engine, process, decisions[0], by=by, reason=reason.strip())
    if decisions[0] == "again":
        decided = await advance(flow, place.engine, decided)
    return summary(decided)


async def sweep_deals(place: Workplace) -> list[dict[str, Any]]:
    """Look once over all orders of deals in both systems; what was found is parked, too."""
    return [_finding(found) for found in await sweep(await order_flow(place))]


def _finding(found: Finding) -> dict[str, Any]:
    cause = cause_of(found.cause)
    return {
        "deal": found.deal,
        "cause": found.cause,
        "title": cause.title,
        "message": found.message,
        "orders": list(found.orders),
        "turn": cause.turn.value,
        "next_action": cause.next_action,
    }
