"""Step place: the header, then its lines, each exactly once, then read back what stands in F&O.

Where people choose the numbers of orders, the number is ours: header and lines go as one change set, and a repeat can
never make a second order. Else F&O numbers the header, and all lines follow in one change set. Whether a change set
is atomic does not matter to the result: every line is found again by its position, and one that is missing is sent
alone. So a number of ours spares the wait after a lost answer to a header that went alone, and to nothing that
carries lines: what lands late would be refused as a header, and taken as lines.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.engine.once import Landed, NotYet, Patience, RemoteWrite, write_once
from ml_connector.engine.process import Placed
from ml_connector.errors import RecordError, RejectedError
from ml_connector.flows.orders.placing.pricing import price_differences
from ml_connector.flows.orders.placing.read_back import (
    HEADER_KEY,
    LINE_KEY,
    POSITION,
    compare_order,
    names_of,
)
from ml_connector.flows.orders.placing.refusals import HEADER, REFUSED, line_part, told_part
from ml_connector.systems.dynamics.odata import all_of, equals
from ml_connector.transport.strict_json import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from ml_connector.engine.context import Engine
    from ml_connector.flows.orders.draft.order_draft import DraftField, DraftLine, OrderDraft
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process
    from ml_connector.systems.dynamics.client import DynamicsClient

HEADERS = ("header", "order")  # the kinds of operations that make an order
FURTHER = (LINE_KEY, "SalesOrderNumber", POSITION, "LineAmount")


@dataclass(frozen=True, slots=True)
class OrderWriter:
    """Writes one draft of one process; ``number`` is the order's where it is ours to choose, else empty.

    ``delimiter`` stands between the values of its dimension strings; empty where that is not known.
    """

    dynamics: DynamicsClient
    engine: Engine
    settings: OrderSettings
    patience: Patience
    process: Process
    lease: Lease
    draft: OrderDraft
    number: str = ""
    delimiter: str = ""

    async def place(self, turn: AbstractAsyncContextManager[None]) -> Placed | NotYet:
        """Header and lines when it is this order's turn, then read-back, for which nobody need wait."""
        async with turn:
            header = await self._header()
            if isinstance(header, NotYet):
                return header
            lots = await self._lines(header)
            if isinstance(lots, NotYet):
                return lots
        number = header.external_id
        notes = await self.read_back(number)
        detail = {"legal_entity": self.draft.legal_entity, "lots": lots, "adopted": header.adopted}
        return Placed(number, {**detail, "notes": list(notes)} if notes else detail)

    async def _header(self) -> Landed | NotYet:
        """The header, with its lines where one call can carry both."""
        if self.number and self._together:
            try:
                return await self._once(self.whole_write())
            except RejectedError as error:
                if error.code != REFUSED:
                    raise  # else part by part, so that it is told which one was refused
        with told_part(HEADER):
            return await self._once(self.header_write())

    async def _lines(self, header: Landed) -> list[str] | NotYet:
        """The lot ids of the lines, in the order of the deal's lines."""
        lots: dict[str, str] = header.detail.get("lots", {})
        if len(lots) < len(self.draft.lines) and self._together:
            landed = await self._all_lines(header.external_id)
            if isinstance(landed, NotYet):
                return landed
            lots = landed.detail.get("lots", {})
        for line in self.draft.lines:
            if str(line.position) not in lots:
                with told_part(line_part(line.position)):
                    landed = await self._once(self.line_write(line, header.external_id))
                if isinstance(landed, NotYet):
                    return landed
                lots = {**lots, str(line.position): landed.external_id}
        return [lots[str(line.position)] for line in self.draft.lines]

    async def _all_lines(self, number: str) -> Landed | NotYet:
        """All lines in one call; refused ones are left to be sent alone."""
        try:
            return await self._once(self.lines_write(number))
        except RejectedError as error:
            if error.code != REFUSED:
                raise
            return Landed(number, {})

    @property
    def _together(self) -> bool:
        """Whether several writes may go in one call."""
        return self.settings.change_sets == "auto" and len(self.draft.lines) > 1

    async def _once(self, write: RemoteWrite) -> Landed | NotYet:
        return await write_once(write, self.engine, self.lease, self.patience)

    def header_write(self) -> RemoteWrite:
        """The header, found again by our reference, or by its number where that is ours."""
        return self._write(
            "h",
            kind="header",
            data_entity=self.settings.header_entity,
            reference=self.draft.reference,
            body=self._header_body(),
            look_up=self.find_header,
            send=self._sending(self.settings.header_entity, HEADER_KEY),
            unique=bool(self.number),
        )

    def whole_write(self) -> RemoteWrite:
        """Header and lines in one change set, under a number of ours."""
        lines = [loads(_body(line.fields, SalesOrderNumber=self.number)) for line in self.draft.lines]
        return self._write(
            "o",
            kind="order",
            data_entity=self.settings.header_entity,
            reference=self.draft.reference,
            body=dumps([loads(self._header_body()), *lines]),
            look_up=self.find_header,
            send=self._send_whole,
        )

    def lines_write(self, number: str) -> RemoteWrite:
        """All lines in one change set; as soon as one of them stands, the rest is sent alone."""
        return self._write(
            "l",
            kind="lines",
            data_entity=self.settings.line_entity,
            reference=f"{self.draft.reference}/lines",
            body=dumps([loads(_body(line.fields, SalesOrderNumber=number)) for line in self.draft.lines]),
            look_up=lambda: self.find_lines(number),
            send=lambda content, call_id, last_check: self._send_lines(number, content, call_id, last_check),
        )

    def line_write(self, line: DraftLine, number: str) -> RemoteWrite:
        """One line, found again by its position in our order."""
        return self._write(
            f"l{line.position}",
            kind="line",
            data_entity=self.settings.line_entity,
            reference=f"{self.draft.reference}/{line.position}",
            body=_body(line.fields, SalesOrderNumber=number),
            look_up=lambda: self.find_line(line.position, number),
            send=self._sending(self.settings.line_entity, LINE_KEY),
        )

    def _write(
        self,
        suffix: str,
        *,
        kind: str,
        data_entity: str,
        reference: str,
        body: bytes,
        look_up: Callable[[], Awaitable[Landed | None]],
        send: Callable[[bytes, str, Callable[[], None]], Awaitable[Landed]],
        unique: bool = False,
    ) -> RemoteWrite:
        return RemoteWrite(
            operation_id=f"{self.process.process_id}.{suffix}",
            process_id=self.process.process_id,
            subject=f"{self.process.flow}/{self.process.subject}",
            kind=kind,
            side="dynamics",
            resource=data_entity,
            reference=reference,
            legal_entity=self.draft.legal_entity,
            body=body,
            look_up=look_up,
            send=send,
            unique=unique,
        )

    def _header_body(self) -> bytes:
        known = {HEADER_KEY: self.number} if self.number else {}
        return _body(self.draft.header, **known)

    def _sending(
        self, data_entity: str, id_field: str
    ) -> Callable[[bytes, str, Callable[[], None]], Awaitable[Landed]]:
        async def send(content: bytes, call_id: str, last_check: Callable[[], None]) -> Landed:
            row = await self.dynamics.create(data_entity, content, call_id=call_id, last_check=last_check)
            return Landed(str(row[id_field]), {})

        return send

    async def _send_whole(self, content: bytes, call_id: str, last_check: Callable[[], None]) -> Landed:
        header, *lines = loads(content)
        rows = [
            (self.settings.header_entity, dumps(header)),
            *((self.settings.line_entity, dumps(line)) for line in lines),
        ]
        made = await self.dynamics.create_together(rows, call_id=call_id, last_check=last_check)
        return Landed(str(made[0][HEADER_KEY]), {"lots": _lots(made[1:])})

    async def _send_lines(
        self, number: str, content: bytes, call_id: str, last_check: Callable[[], None]
    ) -> Landed:
        rows = [(self.settings.line_entity, dumps(line)) for line in loads(content)]
        made = await self.dynamics.create_together(rows, call_id=call_id, last_check=last_check)
        return Landed(number, {"lots": _lots(made)})

    async def find_lines(self, number: str) -> Landed | None:
        """The lines of our order that stand, if any does."""
        ours = {line.position for line in self.draft.lines}
        standing = [row for row in await self.lines_of(number) if row[POSITION] in ours]
        return Landed(number, {}) if standing else None

    async def find_line(self, position: int, number: str) -> Landed | None:
        """The line of our order at this position, if it stands."""
        rows = [row for row in await self.lines_of(number) if row[POSITION] == position]
        if len(rows) > 1:
            raise RecordError(
                f"Order {number} of {self.draft.reference} holds line {position} {len(rows)} times. "
                "Delete the surplus line in Dynamics.",
                code="order.line_twice",
            )
        return Landed(rows[0]["InventoryLotId"], {}) if rows else None

    async def find_header(self) -> Landed | None:
        """The order that carries our reference, if there is one; else the one that has our number."""
        field = self.settings.reference_field
        found = []
        async for page in self.dynamics.pages(
            self.settings.header_entity,
            select=("dataAreaId", "SalesOrderNumber", field),
            filter=all_of(
                [equals("dataAreaId", self.draft.legal_entity), equals(field, self.draft.reference)]
            ),
        ):
            found += [row["SalesOrderNumber"] for row in page.rows if row[field] == self.draft.reference]
        if len(found) > 1:
            raise RecordError(
                f"The reference {self.draft.reference} stands on {len(found)} orders: {', '.join(found)}. "
                "Keep one in Dynamics and take the reference off the others.",
                code="order.reference_twice",
            )
        if not found and self.number:
            return await self._find_numbered()
        return Landed(found[0], {}) if found else None

    async def _find_numbered(self) -> Landed | None:
        """The order that has our number; it must be ours."""
        field = self.settings.reference_field
        row = await self.dynamics.row(
            self.settings.header_entity,
            {"dataAreaId": self.draft.legal_entity, HEADER_KEY: self.number},
            select=(HEADER_KEY, field),
        )
        if row is None:
            return None
        if row[field] != self.draft.reference:
            raise RecordError(
                f"The number {self.number}, meant for the order of {self.draft.reference}, is taken in "
                f"{self.draft.legal_entity} by an order with the reference '{row[field]}'.",
                code="order.number_taken",
                number=self.number,
            )
        return Landed(row[HEADER_KEY], {})

    async def lines_of(self, number: str) -> Sequence[dict[str, Any]]:
        """The lines that stand in the order."""
        rows: list[dict[str, Any]] = []
        async for page in self.dynamics.pages(
            self.settings.line_entity,
            select=names_of(*(line.fields for line in self.draft.lines), further=FURTHER),
            filter=all_of(
                [equals("dataAreaId", self.draft.legal_entity), equals("SalesOrderNumber", number)]
            ),
        ):
            rows += page.rows
        return rows

    async def read_back(self, number: str) -> tuple[str, ...]:
        """Compare what stands with what was sent; what F&O changed on its own is told.

        Returns:
            Notes on what F&O changed and an order may live with.

        Raises:
            RecordError: naming each line and field that differs; the order waits for a person.
        """
        header, rows = await asyncio.gather(
            self.dynamics.row(
                self.settings.header_entity,
                {"dataAreaId": self.draft.legal_entity, HEADER_KEY: number},
                select=names_of(self.draft.header, further=(HEADER_KEY,)),
            ),
            self.lines_of(number),
        )
        compared = compare_order(self.draft, header or {}, rows, self.delimiter)
        if compared.differences:
            raise RecordError(
                f"Order {number} for {self.draft.reference} stands in Dynamics and differs from the deal: "
                f"{'; '.join(compared.differences)}.",
                code="order.differs",
                number=number,
            )
        return (*compared.notes, *self._price_notes(number, rows))

    def _price_notes(self, number: str, rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
        """What F&O's own prices make of the order, where they were left to it; too far off, a person decides."""
        if self.settings.price_policy == "deal":
            return ()
        found = price_differences(
            self.draft.lines,
            {row[POSITION]: Decimal(row["LineAmount"]) for row in rows},
            tolerance=self.settings.price_tolerance,
            currency=self.draft.currency,
        )
        words = tuple(each.in_words(self.draft.currency) for each in found)
        if any(each.too_far for each in found):
            raise RecordError(
                f"Order {number} for {self.draft.reference} stands in Dynamics at other prices than the deal's. "
                f"{' '.join(words)}",
                code="order.price_differs",
                number=number,
            )
        return words


def _body(fields: Sequence[DraftField], **known: Any) -> bytes:
    """The exact bytes to send."""
    return dumps({field.name: field.value for field in fields} | known)


def sent_number(payload: bytes) -> str:
    """The number under which a header was sent; empty when F&O was to give one."""
    sent = loads(payload)
    header = sent[0] if isinstance(sent, list) else sent
    return str(header.get(HEADER_KEY, ""))


def _lots(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Lot ids by the positions of the lines."""
    return {str(row[POSITION]): str(row[LINE_KEY]) for row in rows}
