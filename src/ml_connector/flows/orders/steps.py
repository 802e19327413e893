"""The steps of a deal as the page and the audit tell them: by name, with what came in and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.engine.process import Step
from ml_connector.flows.orders.draft.resolved import (
    AMOUNTS,
    CUSTOMER,
    DIMENSIONS,
    DRAFT,
    GATHER,
    LEGAL_ENTITY,
    PRODUCTS,
)

if TYPE_CHECKING:
    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.draft.resolved import Found, ResolvedDeal, ResolvedLine


def told_steps(deal: ResolvedDeal, draft: OrderDraft) -> tuple[Step, ...]:
    """Steps gather to draft of a deal that came through; place and write back are told when they happen."""
    snapshot, customer = deal.snapshot, deal.customer
    buyer = deal.company.name if deal.company is not None else "no company"
    return (
        Step(
            GATHER,
            f"deals/{snapshot.deal_id} in HubSpot",
            f"{buyer}; {_count(len(snapshot.lines), 'line')}; snapshot {snapshot.hash().hex()[:12]}",
        ),
        Step(LEGAL_ENTITY, buyer, _found(deal.legal_entity)),
        Step(
            CUSTOMER,
            f"{buyer} in {deal.legal_entity.value}",
            f"{_found(customer.account)}; payer {_found(customer.payer)}",
        ),
        Step(
            PRODUCTS,
            _count(len(deal.lines), "line"),
            "; ".join(f"{line.line.name}: {_found(line.item.number)}" for line in deal.lines),
        ),
        Step(
            AMOUNTS,
            f"{snapshot.amount or 'no amount'} {snapshot.currency} on the deal",
            "; ".join(_amounts(line, draft.currency) for line in deal.lines),
        ),
        Step(
            DIMENSIONS,
            deal.legal_entity.value,
            _found(deal.dimensions) if deal.dimensions.value else "as F&O defaults them",
        ),
        Step(
            DRAFT,
            _count(len(deal.lines), "resolved line"),
            f"{draft.reference}: {draft.total} {draft.currency}; {_count(len(draft.header), 'field')} in the header",
        ),
    )


def _found(found: Found) -> str:
    """The value and its rule; what does not exist yet has no value."""
    return f"{found.value or '(new)'} ({found.rule})"


def _amounts(line: ResolvedLine, currency: str) -> str:
    amounts = line.amounts
    price = "Dynamics' price" if amounts.price is None else str(amounts.price)
    return f"{line.line.name}: {amounts.quantity} x {price} = {amounts.total} {currency}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
