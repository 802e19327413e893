"""The promises, checked on every request and write the twins see, and at the end.

Of the invariants: I1 one order a deal and revision; I2 nothing stays parked; I3 no duplicates; I4 an intent before each
call and an outcome after; I5 writes reach only what the ledger wall lists; I7 progress never moves back, and a resumed
crawl reads again at most the page it was at. Besides, no value of a record in HubSpot is blanked, and none is marked
as gone before two full crawls have missed it. I13, the second run that writes nothing, is in ``run``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from tests.simulation.written import POSITION, REFERENCE, in_hubspot, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from tests.simulation.written import Part

    from ml_connector.twin.wire import Machine, Request

READING_POSTS = ("/search", "/batch/read", "/token", "/get/access-token-info", ".getSetDisplayValue")
UNIQUE = (
    ("companies", "d365_customer_key"),
    ("contacts", "d365_contact_key"),
    ("contacts", "email"),
    ("products", "d365_product_key"),
)
CUSTOMERS = "/data/CustomersV3"
HEADERS, LINES = "SalesOrderHeadersV2", "SalesOrderLinesV3"
WRITABLE = {("POST", "CustomersV3"), ("PATCH", "CustomersV3"), ("POST", HEADERS), ("POST", LINES)}
PORTAL = 4711  # of the simulated HubSpot
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
            parts = parts_of(request)
            self._is_allowed(side, request, parts)
            self._is_intended(side, request, parts, at)
            if GONE.encode() in request.body and len(self.rows(CRAWLED)) < 2:
                self.broken.append(f"marked as gone after {len(self.rows(CRAWLED))} crawls: {request.body!r}")

    def _is_allowed(self, side: str, request: Request, parts: Sequence[Part]) -> None:
        """I5: in F&O only these sets are written, alone or in a batch; of a deal only the connector's properties."""
        for part in parts:
            deal = side == "hubspot" and "/deals/" in part.path
            others = [name for name in part.body.get("properties", {}) if not name.startswith("d365_")]
            outside = side == "dynamics" and (part.method, part.data_entity) not in WRITABLE
            if outside or (deal and others):
                self.broken.append(
                    f"I5: {part.method} {part.path} with {sorted(part.body)} was sent to {side}"
                )
        if not parts:
            self.broken.append(f"I5: {request.method} {request.path} holds no write: {request.body!r}")

    def _is_intended(self, side: str, request: Request, parts: Sequence[Part], at: datetime) -> None:
        """I4: a call arrives with an intent of its own, committed and still open; a batch is one call.

        HubSpot may get one more than once, as it is: those are safe to repeat. Whatever else is sent is another call.
        """
        call_id = request.headers.get("x-client-request-id", "")
        found = self.rows("SELECT resource, keys, outcome FROM mlc_call WHERE call_id = ?", call_id)
        what = f"{request.method} {request.path} {call_id} at {at}"
        if call_id in self.arrived and (side == "dynamics" or self.arrived[call_id] != request.body):
            self.broken.append(f"I4: {what} arrived twice under one intent")
        self.arrived[call_id] = request.body
        if not found or found[0][2] not in (None, "unknown"):
            self.broken.append(f"I4: {what} arrived without an intent, there is {found}")
            return
        resource, keys = found[0][0], set(orjson.loads(found[0][1]))
        for place, part in enumerate(parts):
            if side == "hubspot":
                name, records = in_hubspot(part)
                fits = name == resource and (resource.endswith(".update") or records <= keys)
            elif place > 0 and parts[0].data_entity == HEADERS:  # under a number that is ours
                fits = part.body["SalesOrderNumber"] == parts[0].body["SalesOrderNumber"]
            else:
                fits = part.data_entity == resource and bool(self._names(part) & keys)
            if not fits:
                self.broken.append(f"I4: {what} arrived with {part}, its intent names {resource} {keys}")

    def _names(self, part: Part) -> set[str]:
        """How an intent may name a write to F&O: by the reference it carries, a line by its order's."""
        if part.data_entity == "CustomersV3":
            companies = self.hubspot.records("companies", after=None, limit=1000)[0]
            named = part.body["OrganizationName"]
            return {f"HS-{PORTAL}-{one['id']}" for one in companies if one["properties"].get("name") == named}
        if part.data_entity == HEADERS:
            return {part.body[REFERENCE]}
        orders, _ = self.dynamics.records(HEADERS, after=None, limit=1000)
        number, position = part.body["SalesOrderNumber"], part.body[POSITION]
        references = {row[REFERENCE] for row in orders if row["SalesOrderNumber"] == number}
        return {f"{one}/{rest}" for one in references for rest in ("lines", position)}

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
        orders, _ = self.dynamics.records(HEADERS, after=None, limit=1000)
        self._once("I1", "sales orders with the reference", [row[REFERENCE] for row in orders])
        lines, _ = self.dynamics.records(LINES, after=None, limit=1000)
        marks = [f"{row['SalesOrderNumber']}/{row[POSITION]}" for row in lines]
        self._once("I1", "order lines with the mark", marks)
        customers, _ = self.dynamics.records("CustomersV3", after=None, limit=1000)
        names = [f"{row['OrganizationName']} of {row['dataAreaId']}" for row in customers]
        self._once("I3", "customers", names)
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
