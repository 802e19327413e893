"""Deals on their way to an order: list, show the draft with its rules, approve."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.app.deal_steps import nine_steps
from ml_connector.app.flows import order_flow
from ml_connector.domain.priority import Priority, priority
from ml_connector.engine.advance import advance, approve, choose
from ml_connector.errors import ConfigurationError, ConnectorError
from ml_connector.flows.orders.chosen import ChoiceCheck
from ml_connector.flows.orders.customer.form import still_open
from ml_connector.flows.orders.draft.choices import KEPT
from ml_connector.flows.orders.draft.order_draft import OrderDraft
from ml_connector.store import audit, connections, processes
from ml_connector.systems.dynamics.screens import sales_orders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.connections import SideRow
    from ml_connector.store.processes import Process, ProcessState

LISTED = 200
NOTES = ("customer_notes", "notes")  # in a process's result: what became of the customer, and of the order


async def list_deals(place: Workplace, *, state: ProcessState | None = None) -> list[dict[str, Any]]:
    """Deals the connector has seen, newest change first."""
    states: list[ProcessState] | None = [state] if state else None
    async with place.store.read() as tx:
        rows = await processes.list(tx, place.connection.connection_id, "orders", states, LISTED, place.vault)
    return [summary(row) for row in rows]


async def show_deal(place: Workplace, deal_id: str) -> dict[str, Any]:
    """One deal: where it stands, its draft with the rule behind each value, its story, and where its order is seen."""
    process = await find_process(place, deal_id)
    cid = place.connection.connection_id
    async with place.store.read() as tx:
        story = await audit.story(tx, cid, "orders", process.subject)
        dynamics = await connections.side(tx, cid, "dynamics")
    steps = [{"at": row.at.isoformat(), "kind": row.kind, **orjson.loads(row.payload)} for row in story]
    return {
        **summary(process),
        "in_dynamics": _screen(process, dynamics),
        "draft": _draft(process),
        "notes": [note for of in NOTES for note in process.result.get(of, ())],
        "revision": process.revision,
        "steps": nine_steps(process, steps),
        "choices": process.result.get(KEPT, []),
        "story": steps,
    }


def _screen(process: Process, dynamics: SideRow | None) -> str | None:
    """Where people find the placed order in F&O: a list, in which its number is searched."""
    legal_entity = process.result.get("legal_entity")
    if dynamics is None or not legal_entity or not process.result.get("number"):
        return None
    return sales_orders(str(dynamics.settings["url"]), str(legal_entity))


async def approve_deal(
    place: Workplace,
    deal_id: str,
    *,
    by: str,
    chosen: Mapping[str, str] | None = None,
    because: str = "",
) -> dict[str, Any]:
    """Approve the draft of a deal and place it at once.

    Args:
        place: The opened connection.
        deal_id: Which.
        by: Who approves.
        chosen: What is decided otherwise than the draft says, by the names of ``choices.FIELDS``. It is approved
            with them only where the draft is otherwise the one that was shown; a parked deal tries again with them
            and then asks for approval.
        because: Why; needed with ``chosen``.

    Raises:
        ConfigurationError: a choice or its value is not known; nothing was changed.
        ConnectorError: the deal is not waiting for approval, or its new customer lacks a value.
    """
    with priority(Priority.ORDERS):
        return await _approve(place, deal_id, by=by, chosen=chosen, because=because)


async def _approve(
    place: Workplace, deal_id: str, *, by: str, chosen: Mapping[str, str] | None, because: str
) -> dict[str, Any]:
    process = await find_process(place, deal_id)
    flow = await order_flow(place)
    if chosen:
        draft = OrderDraft.from_bytes(process.draft) if process.draft else None
        asks = process.step == "release" and process.state == "waiting"
        check = ChoiceCheck(flow, draft if asks else None)
        choices = await check.checked(chosen, by=by, reason=because)
        process, seen = await choose(flow, place.engine, process, [asdict(each) for each in choices])
        if not seen or process.step != "release" or process.state != "waiting":
            return summary(process)
    _require_complete_form(process)
    approved = await approve(flow, place.engine, process, by)
    return summary(await advance(flow, place.engine, approved))


def _require_complete_form(process: Process) -> None:
    """A new customer has what Dynamics demands.

    Raises:
        ConnectorError: naming what is open, and how it is filled.
    """
    form = OrderDraft.from_bytes(process.draft).customer_form if process.draft else None
    lacking = still_open(form.fields) if form is not None else []
    if process.step == "release" and lacking:
        named = "; ".join(f"{each.name} ({each.rule})" for each in lacking)
        raise ConnectorError(
            f"The new customer of deals/{process.subject} cannot be created yet. Open are: {named}.",
            code="deals.form_open",
            hint=f'ml-connector deals approve {process.subject} --set customer.{lacking[0].name}=... --because "..."',
        )


async def find_process(place: Workplace, deal_id: str) -> Process:
    """The newest process of a deal, named ``123`` or ``deals/123``.

    Raises:
        ConfigurationError: the connector has not seen it.
    """
    subject = deal_id.removeprefix("deals/")
    async with place.store.read() as tx:
        process = await processes.find(tx, place.connection.connection_id, "orders", subject, place.vault)
    if process is None:
        raise ConfigurationError(
            f"The connector has not seen a deal {subject}.",
            code="usage.unknown_deal",
            hint="Run: ml-connector sync orders (a deal is seen when it has been won after the flow went live)",
        )
    return process


def summary(process: Process) -> dict[str, Any]:
    """How a deal stands, for a list."""
    draft = _draft(process)
    return {
        "deal": process.subject,
        "name": draft["deal_name"] if draft else "",
        "state": process.state,
        "step": process.step,
        "release": process.release,
        "message": process.message,
        "cause": process.cause,
        "number": process.result.get("number"),
        "legal_entity": draft["legal_entity"] if draft else "",
        "customer": draft["customer_name"] if draft else "",
        "total": str(draft["total"]) if draft else "",
        "currency": draft["currency"] if draft else "",
        "approved_by": process.approved_by,
        "due_at": process.due_at.isoformat() if process.due_at else None,
        "updated_at": (process.updated_at or process.first_seen_at).isoformat(),
    }


def _draft(process: Process) -> dict[str, Any] | None:
    return asdict(OrderDraft.from_bytes(process.draft)) if process.draft else None
