"""JSON that keeps every digit: Decimals leave as numbers with their own digits, never through a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson


def exact_json(value: Any) -> bytes:
    """The bytes of plain data; the same data gives the same bytes."""
    return orjson.dumps(value, default=_digits)


def _digits(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} has no place in JSON")
