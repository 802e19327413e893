"""Placed orders as F&O shows them now, one record a deal.

Which orders there are, the store knows: the processes that are done, read page by page in the order of their deals.
F&O is asked for their headers by number, one legal entity at a time. An order that is not answered is believed to be
gone only at a second look:

1. The first run that misses it hands on a record that maps to what stands on the deal already; its digest, kept with
   the link, is the memory that it was missed.
2. The next run finds that digest, and asks for the order by its key, and whether its legal entity answers orders at
   all. Only then does the record say that the order is gone. A short or empty read thus marks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.records import Page
from ml_connector.flows.order_status.status import FINAL, OPEN
from ml_connector.store import audit, links, processes
from ml_connector.systems.dynamics.odata import equals
from ml_connector.systems.dynamics.source import as_record, pick

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import timedelta

    from ml_connector.domain.records import SourceRecord
    from ml_connector.engine.context import Engine
    from ml_connector.store.database import Tx
    from ml_connector.store.links import Link
    from ml_connector.store.processes import Finished
    from ml_connector.systems.dynamics.client import DynamicsClient

NAME = "order_status"
STATUS = "d365_order_status"
REQUESTED, CONFIRMED = "d365_requested_ship_date", "d365_confirmed_ship_date"
ORDERS_A_PAGE = 500
FIELDS = (
    "dataAreaId",
    "SalesOrderNumber",
    "SalesOrderStatus",
    "SalesOrderProcessingStatus",
    "RequestedShippingDate",
    "ConfirmedShippingDate",
)
ABSENT, WRITTEN = "Absent", "Written"  # fields of an order that F&O did not answer
ONCE, TWICE = "once", "twice"


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order this connector placed, and what was last written about it on its deal."""

    deal: str
    legal_entity: str
    number: str
    link: Link | None

    @property
    def written(self) -> dict[str, str]:
        """The deal's properties; before anything was written by this flow, what placing the order wrote."""
        found: dict[str, str] = orjson.loads(self.link.written) if self.link else {STATUS: OPEN}
        return found

    @property
    def place(self) -> tuple[str, str]:
        """Legal entity and number as F&O tells them apart: case does not count."""
        return self.legal_entity.casefold(), self.number.casefold()

    def absent(self, looks: str) -> SourceRecord:
        """The record of an order that is not there."""
        written = self.written
        if looks == TWICE:
            written.pop(STATUS, None)  # what is marked gone stays the same record once the mark is written
        fields = {"dataAreaId": self.legal_entity, "SalesOrderNumber": self.number}
        return as_record(self.deal, {**fields, ABSENT: looks, WRITTEN: written})

    def was(self, record: SourceRecord) -> bool:
        """Whether the last run saw exactly this."""
        return self.link is not None and self.link.source_digest == record.digest


@dataclass(frozen=True, slots=True)
class OrderStatusSource:
    """The orders of one connection."""

    dynamics: DynamicsClient
    engine: Engine
    orders_flow: str
    header_entity: str
    final_for: timedelta  # how long an order is read on after it came to its end

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:
        """Every order that is still watched, in the order of its deal; the cursor is the last deal looked at."""
        cid, after = self.engine.connection_id, cursor or ""
        while True:
            async with self.engine.store.read() as tx:
                done = await processes.finished(tx, cid, self.orders_flow, after=after, limit=ORDERS_A_PAGE)
                watched = await self._watched(tx, await self._placed(tx, done))
            last = len(done) < ORDERS_A_PAGE
            after = done[-1].subject if done else after
            yield Page(await self._now(watched), None if last else after)
            if last:
                return

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        """These deals' orders as they are now; deals without a placed order are left out."""
        async with self.engine.store.read() as tx:
            done = await processes.finished_of(tx, self.engine.connection_id, self.orders_flow, keys)
            placed = await self._placed(tx, done)
        return await self._now(placed)

    async def _placed(self, tx: Tx, done: Sequence[Finished]) -> list[PlacedOrder]:
        """What the processes came to, with the links of their deals."""
        deals = [process.subject for process in done]
        linked = await links.many(tx, self.engine.connection_id, NAME, deals)
        return [
            PlacedOrder(
                deal=process.subject,
                legal_entity=str(process.result["legal_entity"]),
                number=str(process.result["number"]),
                link=linked.get(process.subject),
            )
            for process in done
            if process.result.get("number") and process.result.get("legal_entity")
        ]

    async def _watched(self, tx: Tx, placed: Sequence[PlacedOrder]) -> list[PlacedOrder]:
        """Without the orders whose end has stood on their deal for long enough."""
        ended = [order.deal for order in placed if order.link and order.written.get(STATUS) in FINAL]
        changed = await audit.last_written(tx, self.engine.connection_id, NAME, ended)
        since = self.engine.around.clock.now() - self.final_for
        past = {deal for deal in ended if deal not in changed or changed[deal] <= since}
        return [order for order in placed if order.deal not in past]

    async def _now(self, orders: Sequence[PlacedOrder]) -> list[SourceRecord]:
        """The records of these orders: few calls for many headers, some more for those that are missing."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        answering: dict[str, bool] = {}
        for legal_entity in dict.fromkeys(order.legal_entity for order in orders):
            found = await self.dynamics.rows_by(
                self.header_entity,
                "SalesOrderNumber",
                [order.number for order in orders if order.legal_entity == legal_entity],
                select=FIELDS,
                extra_filter=equals("dataAreaId", legal_entity),
            )
            picked = [pick(row, FIELDS, self.header_entity) for row in found]
            rows |= {_place(row): row for row in picked}
            if any(_place(row)[0] == legal_entity.casefold() for row in picked):
                answering[legal_entity] = True
        records = []
        for order in orders:
            row = rows.get(order.place)
            records.append(
                as_record(order.deal, row) if row is not None else await self._missing(order, answering)
            )
        return records

    async def _missing(self, order: PlacedOrder, answering: dict[str, bool]) -> SourceRecord:
        """The record of an order that was not among those answered."""
        first, gone = order.absent(ONCE), order.absent(TWICE)
        if order.was(gone):
            return gone
        if not order.was(first):
            return first
        row = await self._by_key(order)
        if row is not None:
            return as_record(order.deal, row)
        if order.legal_entity not in answering:
            answering[order.legal_entity] = await self._answers(order.legal_entity)
        return gone if answering[order.legal_entity] else first

    async def _by_key(self, order: PlacedOrder) -> dict[str, Any] | None:
        """The header, asked for by its full key."""
        key = {"dataAreaId": order.legal_entity, "SalesOrderNumber": order.number}
        row = await self.dynamics.row(self.header_entity, key, select=FIELDS)
        return None if row is None else pick(row, FIELDS, self.header_entity)

    async def _answers(self, legal_entity: str) -> bool:
        """Whether F&O shows us any order of this legal entity."""
        page = await self.dynamics.page(
            self.header_entity, select=FIELDS[:2], filter=equals("dataAreaId", legal_entity), top=1
        )
        return bool(page.rows)


def _place(row: dict[str, Any]) -> tuple[str, str]:
    return str(row["dataAreaId"]).casefold(), str(row["SalesOrderNumber"]).casefold()
