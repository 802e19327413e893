"""Money and quantities are exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.money import (
    checked,
    currency_digits,
    line_total,
    parse_decimal,
    plain_number,
    round_half_up,
    within_one_minor_unit,
)
from ml_connector.errors import MappingError

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=6)
PERCENT = st.decimals(min_value=0, max_value=100, places=4)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("RSD", 2), ("IQD", 3), ("HUF", 2)],
)
def test_minor_units_follow_iso_4217(currency: str, digits: int) -> None:
    assert currency_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "euro", "eur", "XQQ"])
def test_an_unknown_currency_is_refused_by_name(currency: str) -> None:
    with pytest.raises(MappingError, match=f"'{currency}' is no currency code"):
        currency_digits(currency)


def test_halves_are_rounded_away_from_zero() -> None:
    assert round_half_up(Decimal("2.345"), 2) == Decimal("2.35")
    assert round_half_up(Decimal("-2.345"), 2) == Decimal("-2.35")
    assert round_half_up(Decimal("0.5"), 0) == Decimal(1)


@given(AMOUNTS, AMOUNTS, AMOUNTS, PERCENT, st.sampled_from([0, 2, 3]))
def test_a_line_total_is_the_exact_product_rounded_once(
    quantity: Decimal, price: Decimal, off: Decimal, percent: Decimal, digits: int
) -> None:
    exact = Fraction(quantity) * (Fraction(price) - Fraction(off)) * (100 - Fraction(percent)) / 100
    total = line_total(quantity, price, off, percent, digits=digits)
    assert abs(Fraction(total) - exact) <= Fraction(1, 2 * 10**digits)
    assert total.as_tuple().exponent == -digits


def test_amounts_a_cent_apart_agree_and_two_cents_do_not() -> None:
    assert within_one_minor_unit(Decimal("10.00"), Decimal("10.01"), 2)
    assert not within_one_minor_unit(Decimal("10.00"), Decimal("10.02"), 2)
    assert not within_one_minor_unit(Decimal(10), Decimal("10.002"), 3)
    assert not within_one_minor_unit(
        Decimal("1234567890123456789012345678.90"), Decimal("1234567890123456789012345678.92"), 2
    )


@pytest.mark.parametrize("text", ["12.5", "-0.10", "1234567890123456789012345678", ".5", "1.0E7", " 3 "])
def test_hubspots_numbers_are_read_digit_for_digit(text: str) -> None:
    assert parse_decimal(text, field="price") == Decimal(text.strip())


@pytest.mark.parametrize(
    "text", ["", "1,234.5", "1 000", "1_000", "NaN", "Infinity", "12 EUR", "٣", "0x10", "1e400"]
)
def test_what_is_no_plain_number_names_field_and_value(text: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_decimal(text, field="price")
    assert caught.value.field == "price"
    assert caught.value.message.startswith("price holds")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_number_written_plainly_reads_back_the_same_and_has_no_noise(value: Decimal) -> None:
    text = plain_number(value)
    assert Decimal(text) == value
    assert set(text) <= set("-0123456789.")
    assert not text.startswith("-0") or text.startswith("-0.")
    assert "." not in text or text[-1] not in "0."


def test_minus_zero_is_zero_and_infinity_is_refused() -> None:
    assert str(checked(Decimal("-0.00"), field="price")) == "0"
    with pytest.raises(MappingError):
        checked(Decimal("Infinity"), field="price")
