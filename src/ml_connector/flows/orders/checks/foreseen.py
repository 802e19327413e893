"""What a complete draft would wait for once it is sent: told of open deals, and never a reason not to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import RecordError
from ml_connector.flows.orders.checks.own_prices import price_problem
from ml_connector.flows.orders.draft.order_draft import ORDER_ACCOUNT
from ml_connector.flows.orders.draft.resolved import PLACE, at_step
from ml_connector.flows.orders.placing.refusals import COMPANY, ITEM, PAYER, TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow
    from ml_connector.flows.orders.placing.refusals import Refusal

WORDS = {ORDER_ACCOUNT: "customer", PAYER: "payer", ITEM: "item", TOTAL: "total"}


async def require_nothing_foreseen(flow: OrderFlow, draft: OrderDraft, refusals: Sequence[Refusal]) -> None:
    """Nothing speaks against a draft that F&O would only say when it is sent.

    Raises:
        RecordError: F&O has refused an order about the same, or would price it too far from the deal.
    """
    with at_step(PLACE):
        parts = flow.refusals.parts(draft)
        for refusal in refusals:
            if refusal.deal_id != draft.deal_id and refusal.foretells(parts):
                raise _refused_before(draft, refusal)
        problem = await price_problem(flow, draft)
        if problem is not None:
            raise problem


def _refused_before(draft: OrderDraft, refusal: Refusal) -> RecordError:
    about = {
        WORDS.get(name, name): refusal.record[name] for name in reversed(refusal.about) if name != COMPANY
    }
    same = ", ".join(f"{name} {value or '(empty)'}" for name, value in about.items()) or "company"
    return RecordError(
        f"deals/{draft.deal_id} ({draft.deal_name}): Dynamics has refused the order of deals/{refusal.deal_id} "
        f"({refusal.deal_name}), which waits, and this one has the same {same}. Dynamics said: {refusal.words}",
        code="order.refused_before",
    )
