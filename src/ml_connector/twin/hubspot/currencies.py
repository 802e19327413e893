"""The currencies of the account and their rates into the company's own.

Facts: https://developers.hubspot.com/docs/api-reference/latest/account/currencies/guide
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ml_connector.twin.hubspot.calls import answer

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.settings import Settings
    from ml_connector.twin.wire import Answer


def company_currency(call: Call) -> Answer:
    """The currency the account counts in."""
    return answer(200, {"currencyCode": call.portal.currency})


def codes(call: Call) -> Answer:
    """The currency codes the account knows."""
    known = (call.portal.currency, *call.portal.other_currencies)
    return answer(200, {"results": [{"code": code, "name": code} for code in known]})


def exchange_rates(call: Call) -> Answer:
    """The rate of each further currency into the company's own, where the account keeps one."""
    portal = call.portal
    results = [
        {
            "id": str(place),
            "fromCurrencyCode": code,
            "toCurrencyCode": portal.currency,
            "conversionRate": float(rate),
            "visibleInUI": True,
            "effectiveAt": portal.started,
            "createdAt": portal.started,
            "updatedAt": portal.started,
        }
        for place, (code, rate) in enumerate(portal.rates.items(), start=1)
    ]
    return answer(200, {"results": results})


def read_rates(settings: Settings) -> dict[str, Decimal]:
    """The rates of a portal by currency code.

    Raises:
        ValueError: A rate that is not a number above 0.
    """
    found = {}
    for entry in settings.listed("exchange_rates"):
        code, _, text = entry.partition("=")
        try:
            rate = Decimal(text)
        except InvalidOperation:
            rate = Decimal(0)
        if not rate.is_finite() or rate <= 0:
            raise ValueError(f"switch exchange_rates does not take {entry!r}; it takes entries like EUR=1.08")
        found[code.strip().upper()] = rate
    return found
