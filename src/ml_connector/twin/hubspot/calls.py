"""One routed request on its way through an operation, and the small readings every operation needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.hubspot.errors import ApiError, invalid_input, non_unique, not_found
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.store import FURTHER
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record, Table
    from ml_connector.twin.hubspot.versions import Version
    from ml_connector.twin.wire import Request

_LONGEST_ID = 19  # digits of a 64-bit number
JSON = "application/json;charset=utf-8"


@dataclass(slots=True)
class Call:
    """One request: the portal it reaches, the version it was asked in, the names in its path."""

    portal: Portal
    version: Version
    request: Request
    args: Mapping[str, str] = field(default_factory=dict)
    for_user: bool = False  # the caller acts for a person who may not edit associations

    @property
    def table(self) -> Table:
        """The records of the object type in the path."""
        return self.table_of("type")

    def table_of(self, arg: str) -> Table:
        """The records of the object type that a path argument names."""
        kind = object_type(self.args[arg])
        if kind is None:
            raise invalid_input(f"Unable to infer object type from: {self.args[arg]}")
        return self.portal.tables[kind.name]

    def body(self) -> dict[str, Any]:
        """The request's JSON object."""
        try:
            parsed = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError as wrong:
            message = f"Invalid input JSON on line {wrong.lineno}, column {wrong.colno}: {wrong.msg}"
            raise invalid_input(message) from None
        if not isinstance(parsed, dict):
            raise invalid_input("Invalid input JSON: an object is expected")
        return parsed

    def listed(self, name: str) -> tuple[str, ...] | None:
        """A query parameter that is a comma list, repeated, or both; None when it is absent."""
        given = [value for key, value in self.request.query if key == name]
        if not given:
            return None
        return tuple(word for value in given for part in value.split(",") if (word := part.strip()))

    def whole(self, name: str, default: int) -> int:
        """A query parameter that is a whole number."""
        text = self.request.param(name)
        if text is None or text == "":
            return default
        if not text.isascii() or not text.isdigit():
            raise invalid_input(f"{name} must be a whole number, not {text}")
        return int(text)

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false."""
        return (self.request.param(name) or "false").lower() == "true"


def may_associate(call: Call) -> None:
    """Refuse an association by somebody who may not make one; older versions do not look."""
    if call.for_user and call.version.enforces_required:
        raise ApiError(400, "Missing 'Edit Associations' permission.")


def required_in(body: Mapping[str, Any], *names: str) -> None:
    """Refuse a body without the members its endpoint demands."""
    absent = [name for name in names if body.get(name) is None]
    if absent:
        raise invalid_input(f"Some required fields were not set: [{', '.join(absent)}]")


def answer(status: int, body: Any, written: Written | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, orjson.dumps(body), {"Content-Type": JSON}, written)


def wrote(*records: Record) -> Written:
    """What a write of these records has touched."""
    return Written(tuple(str(record.id) for record in records), committed=True)


def properties_in(body: Mapping[str, Any]) -> dict[str, Any]:
    """The ``properties`` of a write, which must be an object."""
    if "properties" not in body:
        raise invalid_input("Some required fields were not set: [properties]")
    given = body["properties"]
    if not isinstance(given, dict):
        raise invalid_input("properties must be an object")
    return given


def names_in(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The property names a reader asks for in its body; None when it asks for none."""
    given = body.get("properties") or None
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise invalid_input("properties must be a list of names")
    return tuple(given)


def objects_in(given: Any, what: str) -> list[dict[str, Any]]:
    """A list of objects, empty when absent; 400 when it is anything else."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise invalid_input(f"{what} must be a list of objects")
    return given


def find(table: Table, key: str, id_property: str | None, portal: Portal) -> Record:
    """A live record by id or by a unique property; raises ApiError 404, or 400 for a non-unique property."""
    if id_property and id_property != "hs_object_id":
        record_id = by_unique(table, key, id_property, portal)
        record = table.get(record_id) if record_id is not None else None
        if record is None:
            raise ApiError(404, "resource not found", None)
        return record
    record = table.get(int(key)) if is_id(key) else None
    if record is None:
        raise not_found(key)
    return record


def by_unique(table: Table, value: str, name: str, portal: Portal) -> int | None:
    """The id of the live record that holds a value of a unique property."""
    if name not in table.schema.unique:
        raise non_unique(table.kind.type_id, name, portal.portal_id)
    holder = table.holder(name, value)
    if holder is not None and name in FURTHER and not portal.settings.yes("read_further_emails"):
        own = table.records[holder].properties.get(name, "")
        return holder if table.normal(name, own) == table.normal(name, value) else None
    return holder


def is_id(text: str) -> bool:
    """Whether a text can be a record id."""
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID


def envelope(portal: Portal, results: Sequence[Any], errors: Sequence[Any] = ()) -> dict[str, Any]:
    """A batch's answer; ``numErrors`` and ``errors`` only when something failed."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": portal.now,
        "completedAt": portal.now,
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return body
