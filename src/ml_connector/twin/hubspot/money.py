"""Line amounts as HubSpot calculates them, in Decimal.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/objects/line-items/guide
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXACT = Context(prec=200)  # room for the longest numbers a property takes

# ISO 4217: currencies whose minor unit is not a hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"


def _digits(currency: str) -> int:
    if not currency:
        return 2
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount in whole minor units of its currency."""
    return amount.quantize(Decimal(1).scaleb(-_digits(currency)), ROUND_HALF_UP, _EXACT)


def gross(line: Mapping[str, str]) -> Decimal | None:
    """Quantity times unit price, before any discount; None while either is missing."""
    price, quantity = line.get("price"), line.get("quantity")
    if not price or not quantity:
        return None
    return rounded(Decimal(price) * Decimal(quantity), _currency(line))


def net(line: Mapping[str, str]) -> Decimal | None:
    """The line's amount after the per-unit discount and the percentage."""
    price, quantity = line.get("price"), line.get("quantity")
    if not price or not quantity:
        return None
    unit = Decimal(price) - Decimal(line.get("discount") or 0)
    share = 1 - Decimal(line.get("hs_discount_percentage") or 0) / 100
    return rounded(Decimal(quantity) * unit * share, _currency(line))


def total_discount(line: Mapping[str, str]) -> Decimal | None:
    """What the discounts take off the line."""
    before, after = gross(line), net(line)
    return None if before is None or after is None else before - after


def margin(line: Mapping[str, str]) -> Decimal | None:
    """Net amount less cost."""
    amount = net(line)
    if amount is None:
        return None
    cost = Decimal(line.get("hs_cost_of_goods_sold") or 0) * Decimal(line["quantity"])
    return rounded(amount - cost, _currency(line))


def _currency(line: Mapping[str, str]) -> str:
    return line.get("hs_line_item_currency_code") or ""
