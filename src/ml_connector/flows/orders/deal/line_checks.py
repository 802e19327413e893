"""What the step gather asks of the lines of a deal, before anything is looked up in F&O."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.domain.money import currency_digits, parse_decimal, within_one_minor_unit
from ml_connector.errors import RecordError
from ml_connector.flows.orders.deal.line_problems import LineProblem, park_if_any

if TYPE_CHECKING:
    from ml_connector.flows.orders.deal.snapshot import DealLine, DealSnapshot
    from ml_connector.flows.orders.settings import OrderSettings

FLAT = ("", "flat")  # the pricing models without tiers


def check_lines(snapshot: DealSnapshot, settings: OrderSettings) -> None:
    """An order has lines, each sold once, at one price, in the deal's currency, as the buyer accepted them.

    Raises:
        RecordError: the deal parks.
    """
    if not snapshot.lines:
        raise RecordError(f"{snapshot.subject} has no line items. Add what was sold.", code="order.no_lines")
    _check_currency(snapshot, settings)
    found = (_problem(line, snapshot.currency) for line in snapshot.lines)
    park_if_any(snapshot, [problem for problem in found if problem is not None])
    _check_quotes(snapshot)


def _check_currency(snapshot: DealSnapshot, settings: OrderSettings) -> None:
    allowed = [code.upper() for code in settings.currencies]
    if allowed and snapshot.currency.upper() not in allowed:
        raise RecordError(
            f"{snapshot.subject} is in {snapshot.currency}, and orders may be in {', '.join(allowed)}. Change the "
            "deal's currency, or let finance allow it (orders.currencies).",
            code="order.currency_not_allowed",
        )


def _problem(line: DealLine, currency: str) -> LineProblem | None:
    if line.recurring:
        words = f"is billed {line.recurring}; only one-time lines become order lines."
        return LineProblem(line, code="order.recurring_line", words=words)
    model = next(
        (model for facts in (line.properties, line.product) if (model := facts.get("hs_pricing_model", ""))),
        "",
    )
    if model not in FLAT:
        words = f"is priced in tiers ({model}); only lines with one price become order lines."
        return LineProblem(line, code="order.tiered_line", words=words)
    own = line.properties.get("hs_line_item_currency_code", "")
    if own and own != currency:
        words = f"is in {own}, and the deal is in {currency}. Make both the same."
        return LineProblem(line, code="order.line_currency", words=words)
    return None


def _check_quotes(snapshot: DealSnapshot) -> None:
    """What the buyer accepted is what the lines come to; of several accepted quotes one must."""
    accepted = [quote for quote in snapshot.quotes if quote.accepted and quote.amount]
    if not accepted:
        return
    digits = currency_digits(snapshot.currency)
    lines = sum(
        (parse_decimal(line.amount, field="amount") for line in snapshot.lines if line.amount), Decimal(0)
    )
    totals = [parse_decimal(quote.amount, field="hs_quote_amount") for quote in accepted]
    if any(within_one_minor_unit(total, lines, digits) for total in totals):
        return
    named = ", ".join(f"'{quote.title}' ({quote.amount} {snapshot.currency})" for quote in accepted)
    raise RecordError(
        f"{snapshot.subject}: the buyer accepted the quote {named}, and the deal's lines come to {lines} "
        f"{snapshot.currency}. Correct the lines, or have a new quote accepted.",
        code="order.quote_differs",
    )
