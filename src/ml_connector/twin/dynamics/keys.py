"""The key in a URL: ``dataAreaId='usmf',CustomerAccount='US-001'``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.errors import not_found

if TYPE_CHECKING:
    from ml_connector.twin.dynamics.entities import EntitySet, Schema

_PART = re.compile(
    r"""\s*(?:(?P<name>\w+)\s*=\s*)?
        (?:(?:Microsoft\.Dynamics\.DataEntities\.(?P<enum>\w+))?'(?P<text>(?:[^']|'')*)'
         | (?P<plain>[\w.:+-]+))
        \s*(?:,|$)""",
    re.VERBOSE,
)


def parse_key(entity_set: EntitySet, schema: Schema, text: str) -> tuple[Any, ...]:
    """The key values in the set's order, from the decoded text between the parentheses.

    Raises:
        RefusalError: 404, a key field is missing, unknown or malformed.
    """
    found: dict[str, Any] = {}
    place = 0
    while place < len(text):
        match = _PART.match(text, place)
        if match is None:
            raise not_found(f"The key '{text}' is not valid.")
        name = match["name"] or (entity_set.keys[0] if len(entity_set.keys) == 1 else "")
        if name not in entity_set.keys or name in found:
            raise not_found(f"The key '{text}' does not fit type '{entity_set.type}'.")
        found[name] = _value(entity_set, schema, name, match)
        place = match.end()
    missing = [name for name in entity_set.keys if name not in found]
    if missing:
        raise not_found(f"The key of type '{entity_set.type}' lacks {', '.join(missing)}.")
    return tuple(found[name] for name in entity_set.keys)


def _value(entity_set: EntitySet, schema: Schema, name: str, match: re.Match[str]) -> Any:
    expected = entity_set.properties[name]
    if expected.kind == "enum":
        known = match["enum"] in {None, expected.enum} and match["text"] in schema.enums[expected.enum]
    elif expected.kind == "string":
        known = match["text"] is not None and match["enum"] is None
    else:
        known = match["plain"] is not None
    if not known:
        raise not_found(f"The value of key '{name}' is not of type '{expected.edm_type}'.")
    text = match["text"] if match["text"] is not None else match["plain"]
    return text.replace("''", "'")
