"""Query options of a read, checked against its entity set.

https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.errors import bad_query, unknown_property

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.twin.dynamics.views import View

_KNOWN = {
    *("$filter", "$select", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken", "$format"),
    "cross-company",
}


@dataclass(frozen=True, slots=True)
class Expand:
    """One first-level navigation and the properties wanted of it (none: all)."""

    name: str
    select: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """The options of one read, texts checked against the set."""

    filter: str | None = None
    select: tuple[str, ...] = ()
    orderby: tuple[tuple[str, bool], ...] = ()  # (property, descending)
    top: int | None = None
    skip: int = 0
    skiptoken: str | None = None
    count: bool = False
    expand: tuple[Expand, ...] = ()
    cross_company: bool = False


def parse_query(
    pairs: Iterable[tuple[str, str]], view: View, views: dict[str, View], *, unknown: str = "refused"
) -> Query:
    """Read the query options of a request on one set.

    Raises:
        RefusalError: 400, an unknown or malformed option or property.
    """
    options: dict[str, str] = {}
    for name, value in pairs:
        if name in options:
            raise bad_query(f"Query option '{name}' was specified more than once.")
        if name not in _KNOWN and (name.startswith("$") or unknown == "refused"):
            raise bad_query(f"The query parameter '{name}' is not supported.")
        options[name] = value
    return Query(
        filter=options.get("$filter"),
        select=_select(options.get("$select", ""), view),
        orderby=_orderby(options.get("$orderby", ""), view),
        top=_number("$top", options["$top"]) if "$top" in options else None,
        skip=_number("$skip", options.get("$skip", "0")),
        skiptoken=options.get("$skiptoken"),
        count=_flag("$count", options.get("$count", "false")),
        expand=tuple(_expand(options.get("$expand", ""), view, views)),
        cross_company=_flag("cross-company", options.get("cross-company", "false")),
    )


def _select(text: str, view: View) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if "*" in names:
        return ()
    for name in names:
        if name not in view.set.properties and name not in view.navigations:
            raise unknown_property(name, view.set.type)
    return tuple(dict.fromkeys(name for name in names if name in view.set.properties))


def _orderby(text: str, view: View) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in text.split(","):
        if not part.strip():
            continue
        name, *direction = part.split()
        if name not in view.set.properties:
            raise unknown_property(name, view.set.type)
        if direction not in ([], ["asc"], ["desc"]):
            raise bad_query(f"Syntax error in $orderby: '{part.strip()}'.")
        found.append((name, direction == ["desc"]))
    return tuple(found)


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise bad_query(f"Invalid value '{text}' for {option} query option found.")
    return int(text)


def _flag(option: str, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise bad_query(f"Invalid value '{text}' for {option} query option found.")
    return text.lower() == "true"


def _expand(text: str, view: View, views: dict[str, View]) -> Iterable[Expand]:
    for part in _split(text, ","):
        name, _, rest = part.partition("(")
        navigation = view.navigations.get(name.strip())
        if navigation is None:
            raise unknown_property(name.strip(), view.set.type)
        select: tuple[str, ...] = ()
        for option in _split(rest.rstrip().removesuffix(")"), ";"):
            key, _, value = option.partition("=")
            if key.strip() != "$select":
                raise bad_query(
                    f"The option '{key.strip()}' is not supported inside $expand: first level only."
                )
            select = _select(value, views[navigation.target])
        yield Expand(name.strip(), select)


def _split(text: str, mark: str) -> Iterable[str]:
    """Split at a mark outside parentheses."""
    depth, piece = 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == mark and depth == 0:
            yield piece
            piece = ""
        else:
            piece += character
    if piece.strip():
        yield piece
