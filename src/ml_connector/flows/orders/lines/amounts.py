"""Step amounts: quantity, price and discount of each line, exact, and checked against what the deal shows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.domain.money import (
    currency_digits,
    line_total,
    parse_decimal,
    plain_number,
    round_half_up,
    within_one_minor_unit,
)
from ml_connector.errors import MappingError
from ml_connector.flows.orders.deal.line_problems import LineProblem, park_if_any
from ml_connector.flows.orders.draft.resolved import LineAmounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.flows.orders.deal.snapshot import DealLine, DealSnapshot
    from ml_connector.flows.orders.draft.resolved import QuantityLimits, ResolvedItem
    from ml_connector.flows.orders.settings import OrderSettings

ZERO, HUNDRED = Decimal(0), Decimal(100)


def resolve_amounts(
    snapshot: DealSnapshot, items: Mapping[str, ResolvedItem], settings: OrderSettings
) -> dict[str, LineAmounts]:
    """The amounts of each line, by line id.

    Raises:
        RecordError: naming every line whose quantity cannot be ordered or whose total the deal does not show.
    """
    digits = currency_digits(snapshot.currency)
    amounts: dict[str, LineAmounts] = {}
    problems: list[LineProblem] = []
    for line in snapshot.lines:
        try:
            made = _line_amounts(line, items[line.id], digits, settings)
        except MappingError as error:
            made = LineProblem(line, error.code, f"cannot be reckoned with: {error.message}")
        if isinstance(made, LineProblem):
            problems.append(made)
        else:
            amounts[line.id] = made
    park_if_any(snapshot, problems)
    return amounts


def _line_amounts(
    line: DealLine, item: ResolvedItem, digits: int, settings: OrderSettings
) -> LineAmounts | LineProblem:
    quantity = parse_decimal(line.quantity or "0", field="quantity")
    words = _quantity_problem(quantity, item.limits, item.unit.value)
    if words:
        return LineProblem(line, code="order.quantity", words=words)
    shown = round_half_up(parse_decimal(line.amount or "0", field="amount"), digits)
    if settings.price_policy == "dynamics":
        rule = "Dynamics prices the line (orders.price_policy)"
        return LineAmounts(quantity, None, ZERO, ZERO, shown, rule)
    if not line.price:
        return LineProblem(line, code="order.price_missing", words="has no price. Enter the agreed one.")
    return _priced(line, quantity, shown, digits)


def _quantity_problem(quantity: Decimal, limits: QuantityLimits, unit: str) -> str:
    """Why F&O would not take the quantity, or ``""``."""
    number = plain_number(quantity)
    if quantity <= 0:
        return f"has the quantity {number}; it must be above zero."
    if limits.decimals is not None and round_half_up(quantity, limits.decimals) != quantity:
        how = f"{limits.decimals} decimals" if limits.decimals else "whole numbers"
        return f"has the quantity {number}; {unit} is counted in {how}."
    if limits.least and quantity < limits.least:
        return f"has the quantity {number}; the item is sold from {plain_number(limits.least)} {unit} on."
    if limits.most and quantity > limits.most:
        return f"has the quantity {number}; the item is sold up to {plain_number(limits.most)} {unit}."
    if limits.multiple and quantity % limits.multiple:
        return f"has the quantity {number}; the item is sold in multiples of {plain_number(limits.multiple)} {unit}."
    return ""


def _priced(line: DealLine, quantity: Decimal, shown: Decimal, digits: int) -> LineAmounts | LineProblem:
    """Price and discount as they stand on the line, when they lead to its amount."""
    price = parse_decimal(line.price, field="price")
    amount_off = parse_decimal(line.discount or "0", field="discount")
    percent = parse_decimal(line.discount_percent or "0", field="hs_discount_percentage")
    if not (ZERO <= percent <= HUNDRED and ZERO <= amount_off <= price):
        words = "has a discount below zero or above its price. Correct it."
        return LineProblem(line, code="order.discount", words=words)
    total = line_total(quantity, price, amount_off, percent, digits=digits)
    if within_one_minor_unit(total, shown, digits):
        return LineAmounts(quantity, price, amount_off, percent, total, "price and discount of the deal line")
    net = round_half_up(shown / quantity, digits)
    if percent and within_one_minor_unit(line_total(quantity, net, digits=digits), shown, digits):
        rule = "net price, so that the deal line's amount is met"
        return LineAmounts(quantity, net, ZERO, ZERO, shown, rule)
    words = f"shows the amount {shown}, which quantity, price and discount do not give. Correct the line."
    return LineProblem(line, code="order.amount_differs", words=words)
