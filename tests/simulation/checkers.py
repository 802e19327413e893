"""The promises, checked on every request and write the twins see, and at the end.

Of the invariants: I1 one order a deal; I2 nothing stays parked; I3 no duplicates; I4 an intent before each call and an
outcome after; I7 progress never moves back, and a resumed crawl reads again at most the page it was at. Besides, no
value of a record in HubSpot is blanked, and none is marked as gone before two full crawls have missed it. I13, the
second run that writes nothing, is in ``run``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from ml_connector.twin.wire import Machine, Request

READING_POSTS = ("/search", "/batch/read", "/token", "/get/access-token-info", ".getSetDisplayValue")
UNIQUE = (
    ("companies", "d365_customer_key"),
    ("contacts", "d365_contact_key"),
    ("contacts", "email"),
    ("products", "d365_product_key"),
)
CUSTOMERS = "/data/CustomersV3"
GONE = "Not in Dynamics"
CRAWLED = """SELECT DISTINCT json_extract(details, '$.crawl_id') FROM mlc_progress_history
    WHERE flow = 'customers' AND json_extract(details, '$.phase') <> 'read'"""


@dataclass(slots=True)
class Checkers:
    """Hang on both shells; collect what was broken, in words."""

    dynamics: Machine
    hubspot: Machine
    database: Path
    broken: list[str] = field(default_factory=list)
    arrived: dict[str, bytes] = field(
        default_factory=dict
    )  # what the twins have seen of each call, by its id
    pages: list[str] = field(default_factory=list)  # of the listing of customers, in their order
    stood: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # HubSpot's records after the last write, by id

    def on_request(self, side: str, request: Request, at: datetime) -> None:
        """A call has reached a twin."""
        if request.method == "GET":
            if request.path == CUSTOMERS:
                self._reads_on(request)
        elif not any(request.path.endswith(tail) for tail in READING_POSTS):
            self._is_intended(side, request, at)
            if GONE.encode() in request.body and len(self.rows(CRAWLED)) < 2:
                self.broken.append(f"marked as gone after {len(self.rows(CRAWLED))} crawls: {request.body!r}")

    def _is_intended(self, side: str, request: Request, at: datetime) -> None:
        """I4: a call arrives with an intent of its own, committed and still open.

        HubSpot may get one more than once, as it is: those are safe to repeat. Whatever else is sent is another call.
        """
        call_id = request.headers.get("x-client-request-id", "")
        found = self.rows("SELECT resource, keys, outcome FROM mlc_call WHERE call_id = ?", call_id)
        resource, records = _named(side, request)
        what = f"{request.method} {request.path} {call_id} of {records} at {at}"
        if call_id in self.arrived and (side == "dynamics" or self.arrived[call_id] != request.body):
            self.broken.append(f"I4: {what} arrived twice under one intent")
        self.arrived[call_id] = request.body
        if not found or found[0][0] != resource or found[0][2] not in (None, "unknown"):
            self.broken.append(f"I4: {what} arrived without an intent, there is {found}")
        elif not resource.endswith(".update") and not records <= set(orjson.loads(found[0][1])):
            self.broken.append(f"I4: {what} arrived with records its intent does not name, {found[0][1]}")

    def _reads_on(self, request: Request) -> None:
        """I7: a crawl or load that has stored pages asks for none before the one that it was at."""
        if request.target not in self.pages:
            self.pages.append(request.target)
        rows = self.rows("SELECT cursor, details FROM mlc_progress WHERE flow = 'customers' AND NOT complete")
        for cursor, details in rows:
            if orjson.loads(details).get("pages", 1) == 0:
                continue  # it has only begun
            at = [number for number, page in enumerate(self.pages) if cursor and cursor.endswith(page)]
            if not at or self.pages.index(request.target) < at[0]:
                self.broken.append(f"I7: {request.target} was read again, progress is at {cursor}")

    def on_write(self, _row: Any) -> None:
        """Something was stored: I1 and I3 against the twins' ground truth, and nothing was blanked."""
        orders, _ = self.dynamics.records("SalesOrderHeadersV2", after=None, limit=1000)
        self._once(
            "I1", "sales orders with the reference", [row["CustomersOrderReference"] for row in orders]
        )
        lines, _ = self.dynamics.records("SalesOrderLinesV3", after=None, limit=1000)
        marks = [f"{row['SalesOrderNumber']}/{row['CustomersLineNumber']}" for row in lines]
        self._once("I1", "order lines with the mark", marks)
        standing = {kind: self.hubspot.records(kind, after=None, limit=1000)[0] for kind, _ in UNIQUE}
        for kind, name in UNIQUE:
            values = [str(record["properties"].get(name) or "").strip().lower() for record in standing[kind]]
            self._once("I3", f"live {kind} with the {name}", values)
        for records in standing.values():
            self._keeps_values(records)

    def _keeps_values(self, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            before, now = self.stood.get(record["id"], {}), record["properties"]
            blanked = [name for name, value in before.items() if value and not now.get(name)]
            if blanked:
                self.broken.append(f"blanked: {', '.join(blanked)} of {record['id']}")
            self.stood[record["id"]] = dict(now)

    def _once(self, invariant: str, what: str, keys: Iterable[Any]) -> None:
        for key, count in Counter(key for key in keys if key).items():
            if count > 1:
                self.broken.append(f"{invariant}: {count} {what} {key}")

    def at_the_end(self) -> None:
        """At quiescence: nothing unresolved (I4), nothing parked (I2), progress never moved back (I7)."""
        for (call_id,) in self.rows(
            "SELECT call_id FROM mlc_call WHERE outcome IS NULL OR outcome = 'unknown'"
        ):
            self.broken.append(f"I4: call {call_id} was never resolved")
        for operation_id, state in self.rows("SELECT operation_id, state FROM mlc_operation"):
            if state not in ("done", "adopted"):
                self.broken.append(f"I4: operation {operation_id} ended {state}")
        for key, cause in self.rows("SELECT key, cause FROM mlc_parked WHERE state = 'open'"):
            self.broken.append(f"I2: {key} stays parked, {cause}")
        runs = self.rows("SELECT flow, run_id, pages FROM mlc_progress_history ORDER BY flow, seq")
        last: dict[tuple[str, str], int] = {}
        for flow, run_id, pages in runs:
            if pages < last.get((flow, run_id), 0):
                self.broken.append(f"I7: progress of {flow} moved back to page {pages}")
            last[flow, run_id] = pages

    def rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """What the database of the last process holds."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()


def _named(side: str, request: Request) -> tuple[str, set[str]]:
    """The journal's name of a call, and the records in it: by their keys, or of an update by their ids."""
    body = orjson.loads(request.body) if request.body else {}
    parts = request.path.strip("/").split("/")
    if side == "hubspot" and parts[-2:] == ["batch", "create"]:
        return "associations.create", {
            f"{entry['from']['id']}>{entry['to']['id']}" for entry in body["inputs"]
        }
    if side == "hubspot" and parts[-2] == "batch":
        return f"{parts[-3]}.{parts[-1]}", {entry["id"] for entry in body["inputs"]}
    if side == "hubspot":
        return f"{parts[-2]}.update", {parts[-1]}
    reference = body.get("CustomersOrderReference")
    return parts[-1], {reference} if reference is not None else set()
