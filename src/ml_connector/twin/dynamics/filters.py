"""A ``$filter`` as a function of a row, with the equalities an index can answer.

Rules of F&O: text compares without case, ``*`` inside ``eq`` is a wildcard, enumerations know only
``eq`` and ``ne`` with their own literals, ``in``, ``has`` and functions are refused.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import TYPE_CHECKING, Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataParser

from ml_connector.twin.dynamics.errors import bad_query, unknown_property
from ml_connector.twin.dynamics.filter_lexer import DivBy, EnumMember, tokens
from ml_connector.twin.dynamics.tables import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ml_connector.twin.dynamics.entities import Schema
    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import View

_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_SYMBOLS = {"Eq": "eq", "NotEq": "ne", "Gt": "gt", "GtE": "ge", "Lt": "lt", "LtE": "le", "In": "in"}
_KINDS = {"decimal": "number", "int32": "number", "int64": "number", "date": "time", "datetime": "time"}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter; ``keys`` are (property, values) of which every match has one."""

    matches: Callable[[Row], bool]
    keys: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class _Operand:
    kind: str  # string, number, time, boolean, guid, null, or enum:NAME
    get: Callable[[Row], Any]
    constant: Any = None  # the literal, if it is one
    whole: bool = False  # an integer by its type


class FilterCompiler:
    """Compiles filters of one entity set."""

    def __init__(self, view: View, schema: Schema, *, functions: bool, sensitive: bool) -> None:
        self._view = view
        self._enums = schema.enums
        self._functions = functions
        self._fold: Callable[[Any], str] = str if sensitive else fold
        self._sensitive = sensitive

    def compile(self, text: str) -> Filter:
        """Parse and compile one filter.

        Raises:
            RefusalError: 400, anything F&O would not understand.
        """
        try:
            tree = ODataParser().parse(tokens(text))
        except ODataException as problem:
            raise bad_query(f"Syntax error in '{text}'.") from problem
        if tree is None:
            raise bad_query("An expression was expected in $filter.")
        return Filter(self._condition(tree), tuple(self._keys(tree)))

    # Conditions

    def _condition(self, node: Any) -> Callable[[Row], bool]:
        if isinstance(node, ast.BoolOp):
            return self._or(node) if isinstance(node.op, ast.Or) else self._and(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._condition(node.operand)
            return lambda row: not inner(row)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, (ast.Identifier, ast.Boolean)):
            operand = self._operand(node)
            if operand.kind == "boolean":
                return operand.get
        raise bad_query("The expression in $filter is not a condition.")

    def _and(self, node: ast.BoolOp) -> Callable[[Row], bool]:
        conditions = [self._condition(part) for part in _parts(node, ast.And)]
        if len(conditions) == 2:  # noqa: PLR2004 - the common case, without a loop
            first, second = conditions
            return lambda row: first(row) and second(row)
        return lambda row: all(condition(row) for condition in conditions)

    def _or(self, node: ast.BoolOp) -> Callable[[Row], bool]:
        """Equalities of one property become one look-up in a set."""
        wanted: dict[str, set[str]] = {}
        others = []
        for part in _parts(node, ast.Or):
            found = self._equality(part)
            if found:
                wanted.setdefault(found[0], set()).add(self._fold(found[1]))
            else:
                others.append(self._condition(part))
        conditions = [self._any_of(name, frozenset(values)) for name, values in wanted.items()] + others
        if len(conditions) == 1:
            return conditions[0]
        return lambda row: any(condition(row) for condition in conditions)

    def _any_of(self, name: str, values: frozenset[str]) -> Callable[[Row], bool]:
        get, form = self._view.getter(name), self._fold
        return lambda row: form(get(row)) in values

    def _compare(self, node: ast.Compare) -> Callable[[Row], bool]:
        symbol = _SYMBOLS[type(node.comparator).__name__]
        if symbol == "in":
            raise bad_query("The operator 'in' is not supported.")
        left, right = self._operand(node.left), self._operand(node.right)
        if "null" not in {left.kind, right.kind} and left.kind != right.kind:
            raise bad_query(
                "A binary operator with incompatible types was detected: "
                f"found operand types '{left.kind}' and '{right.kind}' for operator '{symbol}'."
            )
        if left.kind.startswith("enum") and symbol not in {"eq", "ne"}:
            raise bad_query(f"The operator '{symbol}' is not supported on enumerations.")
        compare = _COMPARE[type(node.comparator)]
        if left.kind == "string" == right.kind:
            return self._compare_text(left, right, symbol, compare)
        if "null" in {left.kind, right.kind} and symbol not in {"eq", "ne"}:
            return lambda _row: False
        return _compare_values(left, right, compare)

    def _compare_text(
        self, left: _Operand, right: _Operand, symbol: str, compare: Callable[[Any, Any], bool]
    ) -> Callable[[Row], bool]:
        form, get = self._fold, left.get
        if right.constant is None:
            other = right.get
            return lambda row: compare(form(get(row)), form(other(row)))
        if "*" in right.constant and symbol in {"eq", "ne"}:
            parts = (re.escape(part) for part in right.constant.split("*"))
            flags = re.DOTALL if self._sensitive else re.DOTALL | re.IGNORECASE
            pattern, wanted = re.compile(".*".join(parts), flags), symbol == "eq"
            return lambda row: bool(pattern.fullmatch(get(row))) is wanted
        constant = form(right.constant)
        return lambda row: compare(form(get(row)), constant)

    def _call(self, node: ast.Call) -> Callable[[Row], bool]:
        name = ".".join((*node.func.namespace, node.func.name))
        if not self._functions or name not in _FUNCTIONS:
            raise bad_query(f"The function '{name}' is not supported.")
        whole, part = (self._operand(argument) for argument in node.args)
        if (whole.kind, part.kind) != ("string", "string"):
            raise bad_query(f"The function '{name}' expects text.")
        test, form = _FUNCTIONS[name], self._fold
        return lambda row: test(form(whole.get(row)), form(part.get(row)))

    # Operands

    def _operand(self, node: Any) -> _Operand:
        if isinstance(node, ast.Identifier):
            return self._property(node)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._number(node.operand)
            return _Operand("number", lambda row: -number.get(row), whole=number.whole)
        if isinstance(node, EnumMember):
            if node.member not in self._enums.get(node.enum, {}):
                raise bad_query(
                    f"The string '{node.member}' is not a member of the enumeration '{node.enum}'."
                )
            return _literal(f"enum:{node.enum}", node.member)
        return _plain_literal(node)

    def _property(self, node: ast.Identifier) -> _Operand:
        found = self._view.set.properties.get(node.name)
        if found is None or node.namespace:
            raise unknown_property(".".join((*node.namespace, node.name)), self._view.set.type)
        kind = f"enum:{found.enum}" if found.enum else _KINDS.get(found.kind, found.kind)
        return _Operand(kind, self._view.getter(node.name), whole=found.kind in {"int32", "int64"})

    def _number(self, node: Any) -> _Operand:
        operand = self._operand(node)
        if operand.kind != "number":
            raise bad_query("Arithmetic needs numbers.")
        return operand

    def _arithmetic(self, node: ast.BinOp) -> _Operand:
        left, right = self._number(node.left), self._number(node.right)
        whole = left.whole and right.whole and not isinstance(node.op, DivBy)
        work = _ARITHMETIC[type(node.op)]

        def value(row: Row) -> Decimal:
            try:
                result = work(Decimal(left.get(row)), Decimal(right.get(row)))
            except (DivisionByZero, InvalidOperation) as problem:
                raise bad_query("Attempted to divide by zero.") from problem
            return Decimal(int(result)) if whole else result

        return _Operand("number", value, whole=whole)

    # What an index can answer

    def _equality(self, node: Any) -> tuple[str, str] | None:
        """(property, text) of ``Property eq 'text'`` without a wildcard."""
        if not (isinstance(node, ast.Compare) and isinstance(node.comparator, ast.Eq)):
            return None
        if not (isinstance(node.left, ast.Identifier) and isinstance(node.right, ast.String)):
            return None
        found = self._view.set.properties.get(node.left.name)
        if found is None or found.kind != "string" or "*" in node.right.val:
            return None
        return node.left.name, node.right.val

    def _keys(self, tree: Any) -> Iterator[tuple[str, frozenset[str]]]:
        parts = _parts(tree, ast.And) if isinstance(tree, ast.BoolOp) else [tree]
        for part in parts:
            choices = _parts(part, ast.Or) if isinstance(part, ast.BoolOp) else [part]
            found = [self._equality(choice) for choice in choices]
            names = {item[0] for item in found if item}
            if None not in found and len(names) == 1:
                name = names.pop()
                if self._view.is_own(name) and self._view.set.properties[name].default == "":
                    yield name, frozenset(item[1] for item in found if item)


def _parts(node: Any, kind: type) -> list[Any]:
    """The operands of a chain of one operator, in order, without recursion."""
    found, open_nodes = [], [node]
    while open_nodes:
        current = open_nodes.pop()
        if isinstance(current, ast.BoolOp) and isinstance(current.op, kind):
            open_nodes += [current.right, current.left]
        else:
            found.append(current)
    return found


def _literal(kind: str, value: Any) -> _Operand:
    return _Operand(kind, lambda _row: value, value)


def _plain_literal(node: Any) -> _Operand:
    if isinstance(node, ast.String):
        return _literal("string", node.val)
    if isinstance(node, (ast.Integer, ast.Float)):
        value = Decimal(node.val)
        return _Operand("number", lambda _row: value, value, whole=isinstance(node, ast.Integer))
    if isinstance(node, ast.Boolean):
        return _literal("boolean", node.py_val)
    if isinstance(node, ast.DateTime):
        return _literal("time", wire_time(node.val))
    if isinstance(node, ast.GUID):
        return _literal("guid", node.val.lower())
    if isinstance(node, ast.Null):
        return _literal("null", None)
    raise bad_query(f"An operand of kind '{type(node).__name__}' is not supported in $filter.")


def wire_time(text: str) -> str:
    """A time with its zone as UTC text to the second, the form rows hold.

    Raises:
        RefusalError: 400, no such time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise bad_query(f"The time '{text}' is not valid.") from problem
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _compare_values(
    left: _Operand, right: _Operand, compare: Callable[[Any, Any], bool]
) -> Callable[[Row], bool]:
    get, other, constant = left.get, right.get, right.constant
    if constant is not None:
        return lambda row: compare(get(row), constant)
    return lambda row: compare(get(row), other(row))


_ARITHMETIC: dict[type, Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    DivBy: operator.truediv,
}
