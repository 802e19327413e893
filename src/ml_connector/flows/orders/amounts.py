"""Step amounts: quantity, price and discount of each line, exact, and checked against what the deal shows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.domain.money import (
    currency_digits,
    line_total,
    parse_decimal,
    round_half_up,
    within_one_minor_unit,
)
from ml_connector.errors import RecordError
from ml_connector.flows.orders.resolved import LineAmounts

if TYPE_CHECKING:
    from ml_connector.flows.orders.snapshot import DealLine, DealSnapshot

ZERO = Decimal(0)


def line_amounts(snapshot: DealSnapshot, line: DealLine) -> LineAmounts:
    """The amounts of one line.

    Raises:
        RecordError: a quantity that cannot be ordered, a recurring line, or a total the deal does not show.
    """
    where = f"{snapshot.subject}, line '{line.name}'"
    if line.recurring:
        raise RecordError(
            f"{where} is billed {line.recurring}; only one-time lines become order lines.",
            code="order.recurring_line",
        )
    digits = currency_digits(snapshot.currency)
    quantity = parse_decimal(line.quantity or "1", field="quantity")
    if quantity <= 0:
        raise RecordError(
            f"{where} has the quantity {line.quantity}; it must be above zero.", code="order.quantity"
        )
    if not line.price:
        raise RecordError(
            f"{where} has no price. Enter the price that was agreed.", code="order.price_missing"
        )
    price = parse_decimal(line.price, field="price")
    percent = parse_decimal(line.discount_percent or "0", field="hs_discount_percentage")
    amount_off = ZERO if percent else parse_decimal(line.discount or "0", field="discount")
    shown = round_half_up(parse_decimal(line.amount or "0", field="amount"), digits)
    total = line_total(quantity, price, amount_off, percent, digits=digits)
    if within_one_minor_unit(total, shown, digits):
        return LineAmounts(quantity, price, amount_off, percent, total, "price and discount of the deal line")
    if percent:
        return _as_net_price(where, quantity, shown, digits)
    raise _differs(where, shown)


def _as_net_price(where: str, quantity: Decimal, shown: Decimal, digits: int) -> LineAmounts:
    """A percentage that does not lead to the shown amount is sent as the net price, when that one does."""
    net = round_half_up(shown / quantity, digits)
    if within_one_minor_unit(line_total(quantity, net, digits=digits), shown, digits):
        return LineAmounts(
            quantity, net, ZERO, ZERO, shown, "net price, so that the deal line's amount is met"
        )
    raise _differs(where, shown)


def _differs(where: str, shown: Decimal) -> RecordError:
    return RecordError(
        f"{where} shows the amount {shown}, which quantity, price and discount do not give. Correct the line.",
        code="order.amount_differs",
    )
