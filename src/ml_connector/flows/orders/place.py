"""Step place: the header, then its lines, each exactly once, then read back what stands in F&O."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.engine.once import Landed, NotYet, Patience, RemoteWrite, write_once
from ml_connector.engine.process import Placed
from ml_connector.errors import RecordError
from ml_connector.systems.dynamics.odata import all_of, equals
from ml_connector.transport.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.flows.orders.order_draft import DraftField, DraftLine, OrderDraft
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process
    from ml_connector.systems.dynamics.client import DynamicsClient

LINE_FIELDS = (
    "dataAreaId",
    "InventoryLotId",
    "SalesOrderNumber",
    "CustomersLineNumber",
    "ItemNumber",
    "OrderedSalesQuantity",
    "SalesPrice",
    "SalesPriceQuantity",
    "LineDiscountAmount",
    "LineDiscountPercentage",
    "LineAmount",
)
COMPARED = (
    "ItemNumber",
    "OrderedSalesQuantity",
    "SalesPrice",
    "SalesPriceQuantity",
    "LineDiscountAmount",
    "LineDiscountPercentage",
)


@dataclass(frozen=True, slots=True)
class OrderWriter:
    """Writes one draft of one process."""

    dynamics: DynamicsClient
    engine: Engine
    settings: OrderSettings
    patience: Patience
    process: Process
    lease: Lease
    draft: OrderDraft

    async def place(self) -> Placed | NotYet:
        """Header, lines, read-back."""
        header = await self._once(self.header_write())
        if isinstance(header, NotYet):
            return header
        number = header.external_id
        lots = []
        for line in self.draft.lines:
            landed = await self._once(self.line_write(line, number))
            if isinstance(landed, NotYet):
                return landed
            lots.append(landed.external_id)
        await self.read_back(number)
        return Placed(
            number, {"legal_entity": self.draft.legal_entity, "lots": lots, "adopted": header.adopted}
        )

    async def _once(self, write: RemoteWrite) -> Landed | NotYet:
        return await write_once(write, self.engine, self.lease, self.patience)

    def header_write(self) -> RemoteWrite:
        """The header, found again by our reference."""
        return self._write(
            "h",
            kind="header",
            data_entity=self.settings.header_entity,
            reference=self.draft.reference,
            body=_body(self.draft.header),
            look_up=self.find_header,
            id_field="SalesOrderNumber",
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
            id_field="InventoryLotId",
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
        id_field: str,
    ) -> RemoteWrite:
        async def send(content: bytes, call_id: str, last_check: Callable[[], None]) -> Landed:
            row = await self.dynamics.create(data_entity, content, call_id=call_id, last_check=last_check)
            return Landed(str(row[id_field]), {})

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
        )

    async def find_line(self, position: int, number: str) -> Landed | None:
        """The line of our order at this position, if it stands."""
        rows = [row for row in await self.lines_of(number) if row["CustomersLineNumber"] == position]
        if len(rows) > 1:
            raise RecordError(
                f"Order {number} of {self.draft.reference} holds line {position} {len(rows)} times. "
                "Delete the surplus line in Dynamics.",
                code="order.line_twice",
            )
        return Landed(rows[0]["InventoryLotId"], {}) if rows else None

    async def find_header(self) -> Landed | None:
        """The order that carries our reference, if there is one."""
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
        return Landed(found[0], {}) if found else None

    async def lines_of(self, number: str) -> Sequence[dict[str, Any]]:
        """The lines that stand in the order."""
        rows: list[dict[str, Any]] = []
        async for page in self.dynamics.pages(
            self.settings.line_entity,
            select=LINE_FIELDS,
            filter=all_of(
                [equals("dataAreaId", self.draft.legal_entity), equals("SalesOrderNumber", number)]
            ),
        ):
            rows += page.rows
        return rows

    async def read_back(self, number: str) -> None:
        """Compare what stands with what was sent; an order that differs waits for a person.

        Raises:
            RecordError: naming each line and field that differs.
        """
        differences = _differences(self.draft.lines, await self.lines_of(number))
        if differences:
            raise RecordError(
                f"Order {number} for {self.draft.reference} stands in Dynamics and differs from the deal: "
                f"{'; '.join(differences)}.",
                code="order.differs",
                number=number,
            )


def _body(fields: Sequence[DraftField], **known: Any) -> bytes:
    """The exact bytes to send."""
    return dumps({field.name: field.value for field in fields} | known)


def _differences(lines: Sequence[DraftLine], rows: Sequence[dict[str, Any]]) -> list[str]:
    """What stands otherwise than it was sent, in words; a line may be missing, stand twice or be too many."""
    found: list[str] = []
    surplus = len(rows)
    for line in lines:
        standing = [row for row in rows if row["CustomersLineNumber"] == line.position]
        surplus -= len(standing)
        if len(standing) == 1:
            found += [
                f"line {line.position} {name}: sent {sent}, stands {standing[0][name]}"
                for name, sent in _sent(line).items()
                if not _equal(sent, standing[0][name])
            ]
        else:
            how = f"stands {len(standing)} times" if standing else "is missing"
            found.append(f"line {line.position} {how}")
    if surplus:
        found.append(f"{surplus} line{'s' if surplus > 1 else ''} too many")
    return found


def _sent(line: DraftLine) -> dict[str, Any]:
    return {field.name: field.value for field in line.fields if field.name in COMPARED}


def _equal(sent: Any, stands: Any) -> bool:
    """Numbers by value, everything else as it stands."""
    if isinstance(sent, Decimal | int):
        return Decimal(sent) == Decimal(stands)
    return bool(sent == stands)
