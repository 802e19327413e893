"""Tokens of a ``$filter`` for odata-query's parser, with F&O's additions.

Our own lexer instead of the library's: it adds enumeration literals and ``divby``, which the library does
not know, and keeps names that begin with ``all`` or ``any`` (``AllowOnAccount``) in one piece.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odata_query import ast
from sly.lex import Token

from ml_connector.twin.dynamics.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class EnumMember(ast._Literal):  # noqa: SLF001 - the parser's literals have no public parent
    """``Microsoft.Dynamics.DataEntities.NoYes'Yes'``."""

    enum: str
    member: str


@dataclass(frozen=True)
class DivBy(ast._BinOpToken):  # noqa: SLF001 - the same
    """Decimal division, whatever the operands."""


_STRING = r"'(?:[^']|'')*'"
_WORDS = {
    "and": ("AND", ast.And),
    "or": ("OR", ast.Or),
    "eq": ("EQ", ast.Eq),
    "ne": ("NE", ast.NotEq),
    "gt": ("GT", ast.Gt),
    "ge": ("GE", ast.GtE),
    "lt": ("LT", ast.Lt),
    "le": ("LE", ast.LtE),
    "in": ("IN", ast.In),
    "add": ("ADD", ast.Add),
    "sub": ("SUB", ast.Sub),
    "mul": ("MUL", ast.Mult),
    "div": ("DIV", ast.Div),
    "mod": ("MOD", ast.Mod),
    "divby": ("DIV", DivBy),
}
_TOKENS = re.compile(
    rf"""
    (?P<ENUM>Microsoft\.Dynamics\.DataEntities\.\w+{_STRING})
  | (?P<STRING>{_STRING})
  | (?P<GUID>[\da-fA-F]{{8}}(?:-[\da-fA-F]{{4}}){{3}}-[\da-fA-F]{{12}})
  | (?P<DATETIME>\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{{1,12}})?)?(?:Z|[+-]\d\d:\d\d))
  | (?P<DATE>\d{{4}}-\d\d-\d\d(?![\dT]))
  | (?P<DECIMAL>[+-]?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+))
  | (?P<INTEGER>[+-]?\d+)
  | \s+(?P<WORD>{"|".join(sorted(_WORDS, key=len, reverse=True))})(?:\s+|(?=\())
  | (?P<NOT>not(?:\s+|(?=\()))
  | (?P<NAME>[_A-Za-z](?:\.?\w)*)
  | (?P<UMINUS>-)
  | (?P<MARK>[(),/:=])
  | (?P<WS>\s+)
    """,
    re.VERBOSE,
)
_RESERVED: dict[str, tuple[str, Callable[[str], object]]] = {
    "true": ("BOOLEAN", ast.Boolean),
    "false": ("BOOLEAN", ast.Boolean),
    "null": ("NULL", lambda _text: ast.Null()),
    "any": ("ANY", lambda _text: ast.Any()),
    "all": ("ALL", lambda _text: ast.All()),
}
_LITERALS: dict[str, Callable[[str], object]] = {
    "STRING": lambda text: ast.String(_unquote(text)),
    "GUID": ast.GUID,
    "DATETIME": ast.DateTime,
    "DATE": ast.Date,
    "DECIMAL": ast.Float,
    "INTEGER": ast.Integer,
    "UMINUS": lambda _text: ast.USub(),
    "NOT": lambda _text: ast.Not(),
    "WS": lambda text: text,
}


def tokens(text: str) -> Iterator[Token]:
    """Cut a filter into the parser's tokens.

    Raises:
        RefusalError: 400, a character that begins no token.
    """
    place, text = 0, text.strip()
    while place < len(text):
        match = _TOKENS.match(text, place)
        if match is None:
            raise bad_query(f"Syntax error at position {place} in '{text}'.")
        kind, value = _token(str(match.lastgroup), str(match.group(str(match.lastgroup))))
        token = Token()
        token.type, token.value, token.lineno, token.index = kind, value, 1, place
        yield token
        place = match.end()


def _token(group: str, text: str) -> tuple[str, object]:
    if group == "WORD":
        kind, node = _WORDS[text]
        return kind, node()
    if group == "ENUM":
        name, member = text.split("'", 1)
        return "STRING", EnumMember(name.rsplit(".", 1)[-1], member[:-1])
    if group == "MARK":
        return text, text
    if group == "NAME":
        if text in _RESERVED:
            kind, make = _RESERVED[text]
            return kind, make(text)
        *namespace, name = text.split(".")
        return "ODATA_IDENTIFIER", ast.Identifier(name, tuple(namespace))
    return group, _LITERALS[group](text)


def _unquote(text: str) -> str:
    return text[1:-1].replace("''", "'")
