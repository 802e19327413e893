"""Words for people: cells, lists, whose turn; and nothing from elsewhere that could steer a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def clean(text: str) -> str:
    """A text that came from elsewhere cannot move the cursor or change colours."""
    return "".join(sign if sign.isprintable() or sign == "\n" else _plain(sign) for sign in text)


def _plain(sign: str) -> str:
    return " " if sign.isspace() else f"\\x{ord(sign):02x}"


def one_line(text: str) -> str:
    """The same for a message, which is one line."""
    return clean(text.replace("\n", " "))


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def shown(value: object) -> str:
    """A cell: numbers with separators, nothing as nothing, times to the second."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(each) for each in value)
    return str(value)


def whose(turn: str) -> str:
    """Whose turn it is, as it is written in a sentence."""
    return "IT" if turn == "it" else turn
