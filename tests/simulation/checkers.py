"""The promises, checked on every write the twins see and at the end: I1, I3, I4, I7 and I13 of the invariants."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ml_connector.twin.wire import Machine, Request

READING_POSTS = ("/search", "/batch/read", "/token", "/get/access-token-info", ".getSetDisplayValue")


@dataclass(slots=True)
class Checkers:
    """Hang on both shells; collect what was broken, in words."""

    dynamics: Machine
    hubspot: Machine
    database: Path
    broken: list[str] = field(default_factory=list)
    progress_seen: dict[str, list[Any]] = field(default_factory=dict)

    def on_request(self, side: str, request: Request, at: datetime) -> None:
        """I4: a mutating call may only arrive when its intent has been committed and is still open."""
        if request.method == "GET" or any(request.path.endswith(tail) for tail in READING_POSTS):
            return
        resource, keys = _named(side, request)
        rows = self._rows("SELECT resource, keys FROM mlc_call WHERE outcome IS NULL OR outcome = 'unknown'")
        names = [self._names(resource, key) for key in keys]
        if not any(
            row[0] == resource and all(known & set(orjson.loads(row[1])) for known in names) for row in rows
        ):
            self.broken.append(
                f"I4: {request.method} {request.path} {keys} arrived at {at} without an intent"
            )

    def _names(self, resource: str, key: str) -> set[str]:
        """What the journal may call a record: the key itself, or the keys linked to the id of a batch update."""
        if not resource.endswith(".update") or not key.isdigit():
            return {key}
        rows = self._rows(
            "SELECT key FROM mlc_link WHERE target_id = ? AND object_type = ?",
            key,
            resource.split(".", maxsplit=1)[0],
        )
        return {key, *(row[0] for row in rows)}

    def on_write(self, _row: Any) -> None:
        """I1 and I3, against the twins' ground truth."""
        orders, _ = self.dynamics.records("SalesOrderHeadersV2", after=None, limit=1000)
        self._once(
            "I1", "sales orders with the reference", [row["CustomersOrderReference"] for row in orders]
        )
        lines, _ = self.dynamics.records("SalesOrderLinesV3", after=None, limit=1000)
        marks = [f"{row['SalesOrderNumber']}/{row['CustomersLineNumber']}" for row in lines]
        self._once("I1", "order lines with the mark", marks)
        for object_type, key in (("companies", "d365_customer_key"), ("products", "d365_product_key")):
            records, _ = self.hubspot.records(object_type, after=None, limit=1000)
            keys = [record["properties"].get(key) for record in records if not record.get("archived")]
            self._once("I3", f"live {object_type} with the key", keys)

    def _once(self, invariant: str, what: str, keys: list[Any]) -> None:
        for key, count in Counter(key for key in keys if key).items():
            if count > 1:
                self.broken.append(f"{invariant}: {count} {what} {key}")

    def at_the_end(self) -> None:
        """I4 and I7 at quiescence: nothing unresolved, progress never moved back."""
        for (call_id,) in self._rows(
            "SELECT call_id FROM mlc_call WHERE outcome IS NULL OR outcome = 'unknown'"
        ):
            self.broken.append(f"I4: call {call_id} was never resolved")
        for operation_id, state in self._rows("SELECT operation_id, state FROM mlc_operation"):
            if state not in ("done", "adopted"):
                self.broken.append(f"I4: operation {operation_id} ended {state}")
        runs = self._rows("SELECT flow, run_id, pages FROM mlc_progress_history ORDER BY flow, seq")
        last: dict[tuple[str, str], int] = {}
        for flow, run_id, pages in runs:
            if pages < last.get((flow, run_id), 0):
                self.broken.append(f"I7: progress of {flow} moved back to page {pages}")
            last[flow, run_id] = pages

    def _rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()


def _named(side: str, request: Request) -> tuple[str, list[str]]:
    """The journal's name of a call, and the records in it."""
    body = orjson.loads(request.body) if request.body else {}
    parts = request.path.strip("/").split("/")
    if side == "hubspot" and parts[-1] == "upsert":
        return f"{parts[-3]}.upsert", [entry["id"] for entry in body["inputs"]]
    if side == "hubspot" and parts[-2:] == ["batch", "update"]:
        return f"{parts[-3]}.update", [entry["id"] for entry in body["inputs"]]
    if side == "hubspot" and parts[-2:] == ["batch", "create"]:
        return "associations.create", [
            f"{entry['from']['id']}>{entry['to']['id']}" for entry in body["inputs"]
        ]
    if side == "hubspot":
        return f"{parts[-2]}.update", [parts[-1]]
    reference = body.get("CustomersOrderReference")
    if reference is not None:
        return parts[-1], [reference]
    return parts[-1], []
