"""Text as it is stored, shortened and compared. Keys stay as they are: for them there is only a check."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE_BREAK = re.compile("[ \t]*(?:\r\n|[\r\n\x0b\x0c\x85\u2028\u2029])[ \t\r\n\x0b\x0c\x85\u2028\u2029]*")
_BROKEN_LINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters, halves of surrogate pairs, and two marks nobody sees: zero width space, byte order mark.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b\ufeff]")
_BLANKS = re.compile(r"\s+")
_JOINS_BEFORE = (
    "\u200d",
    "\ufe0e",
    "\ufe0f",
)  # zero width joiner and variation selectors belong to what precedes
_CLOSE_ENOUGH = 60.0  # rapidfuzz score (0-100) below which a suggestion would puzzle more than help


def normalise(text: str, *, line_break: str = " ") -> str:
    r"""Text as the connector stores it: NFC, no control characters, no blanks at either end.

    Args:
        text: Any text, also with lone surrogates or zero bytes in it.
        line_break: What stands for a run of line breaks; ``"\n"`` keeps every line, also empty ones.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    if line_break == "\n":
        text = _BROKEN_LINE.sub("\n", text).replace("\t", " ")
    else:
        text = _LINE_BREAK.sub(line_break, text.strip()).replace("\t", " ")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", text)).strip()


def key_problem(key: str) -> str:
    """Why a key cannot be used, or ``""``. A key is never cleaned: it must match its own record."""
    if not key.strip():
        return "it is empty"
    if key.isascii() and key.isprintable():
        return ""
    if _UNWANTED.search(key) or _BROKEN_LINE.search(key) or "\n" in key or "\t" in key:
        return "it holds control characters"
    return ""


def length(text: str) -> int:
    """Length in UTF-16 units, as F&O's database counts; ``len`` for all but rare characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, max_length: int) -> str:
    """The beginning of a text: at most so many UTF-16 units, no letter without its accent."""
    if length(text) <= max_length:
        return text
    end, used = 0, 0
    for character in text:
        used += 1 if character <= "\uffff" else 2
        if used > max_length:
            break
        end += 1
    while end and _continues(text, end):
        end -= 1
    return text[:end].rstrip()


def _continues(text: str, at: int) -> bool:
    """Whether the character at this place belongs to the one before it."""
    character = text[at]
    return bool(unicodedata.combining(character)) or character in _JOINS_BEFORE or text[at - 1] == "\u200d"


def fold(text: str) -> str:
    """What is compared: blanks, letter case and composition of a text ignored."""
    folded = unicodedata.normalize("NFKC", normalise(text)).casefold()
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", folded)).strip()


def nearest(word: str, choices: Iterable[str]) -> str:
    """The choice that looks most like a mistyped word, or ``""`` when none comes near."""
    found = process.extractOne(
        word, sorted(choices), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_CLOSE_ENOUGH
    )
    return found[0] if found else ""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A sentence to end an error with, or ``""``."""
    choice = nearest(word, choices)
    return f" Did you mean '{choice}'?" if choice else ""
