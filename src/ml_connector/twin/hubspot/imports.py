"""Imports: a CSV file whose rows create or change records in the background.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/imports/guide
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.hubspot.calls import answer, is_id, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.values import stamp
from ml_connector.twin.hubspot.versions import VERSIONS
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record, Table

IMPORTED = "IMPORT"  # the source of records that an import makes
_NAME = re.compile(rb'name="([^"]*)"')
_FILE = re.compile(rb'filename="([^"]*)"')
_OPERATIONS = frozenset({"CREATE", "UPDATE", "UPSERT"})
_ERRORS = {
    "INVALID_EMAIL": "INVALID_EMAIL",
    "INVALID_OPTION": "INVALID_ENUMERATION_OPTION",
    "INVALID_INTEGER": "COULD_NOT_PARSE_NUMBER",
    "INVALID_DATE": "COULD_NOT_PARSE_DATE",
    "INVALID_LONG": "COULD_NOT_PARSE_DATE",
    "CONFLICTING_UNIQUE_VALUE": "DUPLICATE_UNIQUE_PROPERTY_VALUE",
    "PROPERTY_DOESNT_EXIST": "PROPERTY_DEFINITION_NOT_FOUND",
}


@dataclass(slots=True)
class Import:
    """One import: the rows are carried out when its time is over, unless it was cancelled before."""

    id: str
    name: str
    order: dict[str, Any]
    type_id: str
    operation: str
    columns: list[dict[str, Any]]
    rows: list[list[str]]
    created_at: str
    due_at: str
    state: str = "PROCESSING"
    updated_at: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {
            "id": self.id,
            "importName": self.name,
            "importRequestJson": self.order,
            "importSource": "API",
            "mappedObjectTypeIds": [self.type_id],
            "metadata": {"counters": self.counters, "fileIds": [self.id], "objectLists": []},
            "optOutImport": False,
            "state": self.state,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at or self.created_at,
        }


def list_imports(call: Call) -> Answer:
    """All imports of the portal by pages."""
    return _paged(call, [one.wire() for one in call.portal.imports.values()])


def start_import(call: Call) -> Answer:
    """Take a file and the order of what to do with it; the rows are carried out later."""
    order, text = _parts(call)
    required_in(order, "name", "files")
    files = order["files"]
    if not isinstance(files, list) or len(files) != 1 or not isinstance(files[0], dict):
        raise invalid_input("files must name one file")
    page = files[0].get("fileImportPage")
    if not isinstance(page, dict):
        raise invalid_input("files need a fileImportPage")
    columns = page.get("columnMappings")
    if not isinstance(columns, list) or not all(isinstance(one, dict) for one in columns) or not columns:
        raise invalid_input("fileImportPage.columnMappings must be a list of objects")
    kinds = {str(one.get("columnObjectTypeId", "")) for one in columns}
    kind = object_type(kinds.pop()) if len(kinds) == 1 else None
    if kind is None:
        raise invalid_input("All columnMappings must name one known columnObjectTypeId")
    operations = order.get("importOperations")
    operation = str((operations if isinstance(operations, dict) else {}).get(kind.type_id, "UPSERT"))
    if operation not in _OPERATIONS:
        raise invalid_input(f"{operation} is not an import operation")
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as wrong:
        raise invalid_input(f"The file is not CSV: {wrong}") from None
    portal = call.portal
    due = datetime.fromisoformat(portal.now) + timedelta(seconds=float(portal.settings["import_seconds"]))
    made = Import(
        str(len(portal.imports) + 1),
        str(order["name"]),
        order,
        kind.type_id,
        operation,
        columns,
        rows[1:] if page.get("hasHeader", True) else rows,
        portal.now,
        stamp(due),
    )
    portal.imports[made.id] = made
    return answer(200, made.wire(), Written((made.id,), committed=True))


def get_import(call: Call) -> Answer:
    """One import and how far it is."""
    return answer(200, _import(call).wire())


def cancel_import(call: Call) -> Answer:
    """Stop an import that is not done yet."""
    one = _import(call)
    if one.state != "PROCESSING":
        raise invalid_input(f"Import {one.id} is {one.state} and cannot be cancelled")
    one.state, one.updated_at = "CANCELED", call.portal.now
    body = {"status": "CANCELED", "startedAt": one.created_at, "completedAt": call.portal.now}
    return answer(200, body, Written((one.id,), committed=True))


def list_errors(call: Call) -> Answer:
    """The rows of an import that could not be carried out, by pages."""
    return _paged(call, _import(call).errors)


def settle(portal: Portal) -> None:
    """Carry out every import whose time is over."""
    for one in portal.imports.values():
        if one.state == "PROCESSING" and portal.now >= one.due_at:
            _carry_out(portal, one)


def _carry_out(portal: Portal, one: Import) -> None:
    kind = object_type(one.type_id)
    assert kind is not None
    table = portal.tables[kind.name]
    counters = {"TOTAL_ROWS": len(one.rows), "CREATED_OBJECTS": 0, "UPDATED_OBJECTS": 0}
    for line, row in enumerate(one.rows, start=2):
        try:
            made = _row(portal, table, one, row)
            counters["CREATED_OBJECTS" if made else "UPDATED_OBJECTS"] += 1
        except ApiError as refused:
            one.errors.append(_error(one, line, row, refused))
    one.state, one.updated_at = "DONE", portal.now
    one.counters = counters | {"ERRORS": len(one.errors)}


def _row(portal: Portal, table: Table, one: Import, row: list[str]) -> bool:
    """Create or change the record of one row; True when it is new."""
    if len(row) != len(one.columns):
        raise ApiError(400, "The row has another number of columns", "INCORRECT_NUMBER_OF_COLUMNS")
    given = {}
    record: Record | None = None
    for column, value in zip(one.columns, row, strict=True):
        name, role = column.get("propertyName"), str(column.get("columnType"))
        if role == "HUBSPOT_OBJECT_ID":
            record = table.get(int(value)) if is_id(value) else None
            if record is None:
                raise ApiError(404, f"There is no record {value}", "INVALID_OBJECT_ID")
        elif isinstance(name, str):
            given[name] = value
            if role in {"HUBSPOT_ALTERNATE_ID", "UNIQUE_PROPERTY"} and name in table.schema.unique:
                holder = table.holder(name, value)
                record = table.get(holder) if holder is not None else None
    if record is None and one.operation == "UPDATE":
        raise ApiError(404, "The row has no record to change", "UPDATE_ONLY_IMPORT")
    if record is not None and one.operation == "CREATE":
        raise ApiError(400, "The row's record exists", "CREATE_ONLY_IMPORT")
    if record is not None:
        portal.commit(portal.draft_update(table, record, given, VERSIONS["v3"], {}), IMPORTED)
        return False
    portal.commit(portal.draft_create(table, given, VERSIONS["v3"], {}), IMPORTED)
    return True


def _error(one: Import, line: int, row: list[str], refused: ApiError) -> dict[str, Any]:
    code = next((str(entry.get("code", "")) for entry in refused.errors), "")
    known = refused.category if refused.category not in {None, "VALIDATION_ERROR"} else ""
    return {
        "id": f"{one.id}-{line}",
        "createdAt": int(datetime.fromisoformat(one.due_at).timestamp() * 1000),
        "errorType": known or _ERRORS.get(code, "FAILED_VALIDATION"),
        "errorMessage": refused.message,
        "objectTypeId": one.type_id,
        "sourceData": {
            "fileId": int(one.id),
            "lineNumber": line,
            "rowData": row,
            "additionalRowData": [],
            "containsEncryptedProperties": False,
        },
    }


def _import(call: Call) -> Import:
    found = call.portal.imports.get(call.args["id"])
    if found is None:
        raise ApiError(404, f"There is no import {call.args['id']}", "OBJECT_NOT_FOUND")
    return found


def _paged(call: Call, rows: list[dict[str, Any]]) -> Answer:
    after, limit = call.whole("after", 0), call.whole("limit", 10) or 10
    body: dict[str, Any] = {"results": rows[after : after + limit]}
    if after + limit < len(rows):
        body["paging"] = {"next": {"after": str(after + limit)}}
    return answer(200, body)


def _parts(call: Call) -> tuple[dict[str, Any], str]:
    """The ``importRequest`` and the file of a multipart form."""
    kind = call.request.headers.get("content-type", "")
    boundary = kind.partition("boundary=")[2].strip('"')
    if not kind.startswith("multipart/form-data") or not boundary:
        raise ApiError(415, "HTTP 415 Unsupported Media Type", None)
    order: Any = None
    text = None
    for part in call.request.body.split(b"--" + boundary.encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        if named is None:
            continue
        content = content.removesuffix(b"\r\n")
        if named[1] == b"files" and _FILE.search(head):
            text = content.decode("utf-8-sig", errors="replace")
        elif named[1] == b"importRequest":
            try:
                order = orjson.loads(content)
            except orjson.JSONDecodeError:
                raise invalid_input("importRequest must be JSON") from None
    if not isinstance(order, dict) or text is None:
        raise invalid_input("Some required fields were not set: [importRequest, files]")
    return order, text
