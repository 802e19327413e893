"""JSON is read exactly or not at all, and written without losing a digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.transport import strict_json
from ml_connector.transport.strict_json import MalformedError, dumps, loads

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(TREES)
def test_what_is_written_is_read_back_equal(tree: Any) -> None:
    try:
        body = dumps(tree)
    except orjson.JSONEncodeError:  # an integer beyond 64 bits
        return
    assert loads(body) == tree


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_every_digit(value: Decimal) -> None:
    written = dumps({"price": value}).decode()
    assert Decimal(written.removeprefix('{"price":').removesuffix("}")) == value
    assert "E" not in written


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"0.1", Decimal("0.1")),
        (b"1e400", Decimal("1e400")),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"-0", 0),
        (b"5637144576", 5637144576),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        ('"é"'.encode(), "é"),
    ],
)
def test_numbers_and_texts_arrive_as_they_were_sent(body: bytes, value: Any) -> None:
    assert loads(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'{"a":1,"a":1}',
        b'[{"x":{"a":1,"b":2,"a":3}}]',
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'"\\udc00\\ud800"',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'"\xff"',
        b"",
        b"{",
        b'{"a":1}x',
        b"[1,]",
        b"{'a':1}",
        b'"\x01"',
        b"01",
        b"1e99999999999999999999",
        b"1" * 5000,
        b"[" * 65 + b"]" * 65,
        b"[" * 200_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
    ],
)
def test_anything_doubtful_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        loads(body)
    assert len(str(caught.value)) < 80


def test_sixty_four_levels_are_not_too_deep() -> None:
    assert json.dumps(loads(b"[" * 64 + b"]" * 64)) == "[" * 64 + "]" * 64


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), {1, 2}, b"bytes", object()])
def test_what_has_no_place_in_json_is_not_sent(value: Any) -> None:
    with pytest.raises(TypeError):
        strict_json.dumps({"a": value})
