"""Money and quantities: exact decimals, minor units of currencies, the total of a line. Never a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from babel.numbers import is_currency

from ml_connector.errors import MappingError

# ISO 4217 minor units other than 2 (https://www.iso.org/iso-4217-currency-codes.html). CLDR, which Babel
# carries, says how many digits are displayed: none for the dinars of Serbia and Iraq, whose invoices have 2
# and 3. Amounts here follow ISO; Babel says which codes exist.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
_MINOR_UNITS: dict[str, int] = {
    **dict.fromkeys(_NO_DIGITS.split(), 0),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
    **dict.fromkeys(_FOUR_DIGITS.split(), 4),
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LARGEST_EXPONENT = 40  # beyond this a number is a mistake, and writing it out would take pages
_WIDE = Context(prec=200, rounding=ROUND_HALF_UP)  # wide enough that no sum or product here is ever rounded
_HUNDRED = Decimal(100)


def currency_digits(currency: str) -> int:
    """Decimal places of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises:
        MappingError: The code is no ISO 4217 currency.
    """
    if not is_currency(currency):
        raise MappingError(
            f"'{currency}' is no currency code. Use three capital letters such as EUR.",
            field="currency",
            value=currency,
        )
    return _MINOR_UNITS.get(currency, 2)


def round_half_up(amount: Decimal, digits: int) -> Decimal:
    """An amount rounded to minor units, halves away from zero, as F&O and HubSpot round line totals."""
    return amount.quantize(Decimal(1).scaleb(-digits), context=_WIDE)


def line_total(
    quantity: Decimal,
    unit_price: Decimal,
    discount_amount: Decimal = Decimal(0),
    discount_percent: Decimal = Decimal(0),
    *,
    digits: int,
) -> Decimal:
    """The net total of an order line, rounded to minor units.

    Args:
        quantity: Pieces, in the unit the price is for.
        unit_price: Price of one.
        discount_amount: Taken off the price of one, before the percentage.
        discount_percent: 0 to 100.
        digits: Decimal places of the currency.
    """
    net = _WIDE.subtract(unit_price, discount_amount)
    factor = _WIDE.divide(_WIDE.subtract(_HUNDRED, discount_percent), _HUNDRED)
    return round_half_up(_WIDE.multiply(quantity, _WIDE.multiply(net, factor)), digits)


def within_one_minor_unit(one: Decimal, other: Decimal, digits: int) -> bool:
    """Whether two amounts differ by at most one minor unit."""
    return _WIDE.subtract(one, other).copy_abs() <= Decimal(1).scaleb(-digits)


def parse_decimal(text: str, *, field: str) -> Decimal:
    """A number as HubSpot writes it (``"1234.5"``), digit for digit.

    Args:
        text: Digits with at most one decimal point; no thousands separators.
        field: Named in the error.

    Raises:
        MappingError: Not such a number, or one of absurd size.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise MappingError(
            f"{field} holds '{text[:60]}', which is not a number. Write digits with a decimal point, "
            "without thousands separators or currency.",
            field=field,
            value=text,
        )
    return checked(Decimal(text.strip()), field=field)


def checked(value: Decimal, *, field: str) -> Decimal:
    """The same number, once it is known to be finite and of sane size; minus zero becomes zero.

    Raises:
        MappingError: Infinite, not a number, or beyond 40 digits before or after the point.
    """
    if not value.is_finite() or (value and abs(value.adjusted()) > _LARGEST_EXPONENT):
        raise MappingError(
            f"{field} holds {str(value)[:60]}, which no field can hold. Correct it at the source.",
            field=field,
            value=str(value),
        )
    return value or Decimal(0)


def plain_number(value: Decimal) -> str:
    """A number in digits: no exponent, no trailing zeros, no minus before zero (``"12.5"``, ``"1000"``)."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
