"""Exports: a task in the background, then a file to fetch.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/exports/guide
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.values import stamp
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Table

_REQUIRED = ("exportType", "format", "exportName", "language", "objectType", "objectProperties")


@dataclass(frozen=True, slots=True)
class Export:
    """One ordered export: what it holds was fixed when it was ordered."""

    id: str
    name: str
    kind: str
    object_type: str
    properties: tuple[str, ...]
    ordered_at: str
    done_at: str
    file: bytes
    rows: int

    def done(self, now: str) -> bool:
        """Whether the file can be fetched."""
        return now >= self.done_at


def start_export(call: Call) -> Answer:
    """Order an export of one object type; the answer says where its task is."""
    body = call.body()
    required_in(body, *_REQUIRED)
    if body["exportType"] not in ("VIEW", "LIST"):
        raise invalid_input("exportType must be VIEW or LIST")
    if body["format"] != "CSV":
        raise invalid_input("The twin exports CSV only")
    kind = object_type(str(body["objectType"]))
    if kind is None:
        raise invalid_input(f"Unable to infer object type from: {body['objectType']}")
    portal = call.portal
    names = body["objectProperties"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise invalid_input("objectProperties must be a list of names")
    table = portal.tables[kind.name]
    done = datetime.fromisoformat(portal.now) + timedelta(seconds=float(portal.settings["export_seconds"]))
    made = Export(
        str(len(portal.exports) + 1),
        str(body["exportName"]),
        body["exportType"],
        kind.singular.upper(),
        tuple(names),
        portal.now,
        stamp(done),
        _file(portal, table, names),
        len(table.live),
    )
    portal.exports[made.id] = made
    status = f"{_root(call)}/crm/exports/{_name(call)}/export/async/tasks/{made.id}/status"
    return answer(202, {"id": made.id, "links": {"status": status}})


def task_status(call: Call) -> Answer:
    """How far an export is; when it is done, where its file is."""
    export = _export(call)
    body: dict[str, Any] = {"startedAt": export.ordered_at, "requestedAt": export.ordered_at}
    if not export.done(call.portal.now):
        return answer(200, body | {"status": "PROCESSING", "completedAt": export.ordered_at})
    link = f"{_root(call)}/export-files/{export.id}"
    return answer(200, body | {"status": "COMPLETE", "completedAt": export.done_at, "result": link})


def get_export(call: Call) -> Answer:
    """What was ordered, and how far it is."""
    export = _export(call)
    done = export.done(call.portal.now)
    body = {
        "id": export.id,
        "exportName": export.name,
        "exportType": export.kind,
        "exportState": "DONE" if done else "PROCESSING",
        "objectType": export.object_type,
        "objectProperties": list(export.properties),
        "createdAt": export.ordered_at,
        "updatedAt": export.done_at if done else export.ordered_at,
    }
    return answer(200, body | ({"recordCount": export.rows} if done else {}))


def download(call: Call) -> Answer:
    """The file of an export; HubSpot signs the address, so no token is needed."""
    export = _export(call)
    if not export.done(call.portal.now):
        raise ApiError(404, "resource not found", None)
    return Answer(200, export.file, {"Content-Type": "text/csv;charset=utf-8"})


def _export(call: Call) -> Export:
    found = call.portal.exports.get(call.args["id"])
    if found is None:
        raise ApiError(404, f"There is no export {call.args['id']}", "OBJECT_NOT_FOUND")
    return found


def _file(portal: Portal, table: Table, names: list[str]) -> bytes:
    known = [name for name in names if name in table.schema.properties]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Record ID", *(table.schema.properties[name].label for name in known)])
    for record in table.all_live():
        writer.writerow([record.id, *(portal.value(table, record, name) or "" for name in known)])
    return text.getvalue().encode()


def _root(call: Call) -> str:
    host = call.request.headers.get("host")
    return f"http://{host}" if host else "https://api.hubapi.com"


def _name(call: Call) -> str:
    return call.version.name if not call.version.name.startswith("v") else "2026-03"
