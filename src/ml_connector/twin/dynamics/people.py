"""What people do inside F&O after an order was placed: confirm, pick, deliver, invoice, cancel, change.

Statuses follow as F&O keeps them: of each line, of the order (SalesOrderStatus is the least advanced of its
lines) and of its processing (SalesOrderProcessingStatus, the furthest document). Members of the enumerations:
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.entities import EMPTY_DATE
from ml_connector.twin.dynamics.errors import InfologError, invalid_write
from ml_connector.twin.dynamics.orders import CLOSED, lines_of
from ml_connector.twin.dynamics.pricing import line_amount
from ml_connector.twin.dynamics.set_up import number
from ml_connector.twin.dynamics.values import noon

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.tables import Row

SHARES = ("all", "partly")
ACTS = ("confirm", "pick", "deliver", "invoice", "cancel", "change")
_INVOICE_HOLDS = {"All", "Invoice"}
_MEMBERS = {"share", "line", "quantity", "date"}


class People:
    """The people who carry out orders in one environment.

    Every act takes an order and raises InfologError with a sentence where F&O would not let them.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def act(self, act: str, company: str, order_number: str, how: Mapping[str, Any], now: datetime) -> str:
        """Do one of ``ACTS`` to an order; returns its processing status afterwards.

        ``how`` may hold ``share`` (all or partly) of a delivery or invoice, ``line`` (a lot id) of a cancellation
        or change, ``quantity`` and ``date`` of a change.

        Raises:
            KeyError: no such order, line or act.
            ValueError: a member of ``how`` that cannot be.
            InfologError: F&O's rules refuse it.
        """
        order = self._environment.find("SalesOrderHeadersV2", company, order_number)
        if order is None or act not in ACTS:
            raise KeyError(order_number if order is None else act)
        _check(how)
        self._environment.store.begin()
        try:
            self._act(act, order, how, now)
        except (InfologError, KeyError):
            self._environment.store.roll_back()
            raise
        return str(order.values["SalesOrderProcessingStatus"])

    def _act(self, act: str, order: Row, how: Mapping[str, Any], now: datetime) -> None:
        share = str(how.get("share", "all"))
        if act in {"deliver", "invoice"}:
            {"deliver": self.deliver, "invoice": self.invoice}[act](order, share)
        elif act == "cancel":
            self.cancel(order, self._line(order, how))
        elif act == "change":
            self.change(order, self._line(order, how), how)
        elif act == "confirm":
            self.confirm(order, now)
        else:
            self.pick(order)

    def confirm(self, order: Row, now: datetime) -> None:
        """Post the confirmation: the dates asked for are confirmed, those past as today."""
        for row in self._open_lines(order):
            self._set_line(row, _confirmed(row, now))
        changes = _confirmed(order, now)
        if order.values["SalesOrderProcessingStatus"] == "Active":
            changes["SalesOrderProcessingStatus"] = "Confirmed"
        self._set_order(order, changes)

    def pick(self, order: Row) -> None:
        """Post the picking list."""
        self._open_lines(order)
        if order.values["SalesOrderProcessingStatus"] in {"Active", "Confirmed"}:
            self._set_order(order, {"SalesOrderProcessingStatus": "Picked"})

    def deliver(self, order: Row, share: str = "all") -> None:
        """Post the packing slip for all that is open, or for a part of it."""
        for row, quantity in _portion(self._open_lines(order), "DeliveredQuantity", share):
            self._set_line(row, {"DeliveredQuantity": quantity})
        self._settle(order)

    def invoice(self, order: Row, share: str = "all") -> None:
        """Post the invoice, which delivers what was not.

        An invoice of a part takes what is delivered already before anything else.
        """
        self._check_payer(order)
        rows = self._lines(order)
        waiting = [row for row in rows if _quantity(row, "InvoicedQuantity") != _delivered(row)]
        chosen = rows if share == "all" or not waiting else waiting
        for row, quantity in _portion(chosen, "InvoicedQuantity", share):
            delivered = max(_delivered(row), quantity, key=abs)
            self._set_line(row, {"InvoicedQuantity": quantity, "DeliveredQuantity": delivered})
        self._settle(order)

    def cancel(self, order: Row, line: Row | None = None) -> None:
        """Cancel what is not delivered of an order or of one line."""
        for row in [line] if line is not None else self._lines(order):
            delivered = _delivered(row)
            if not delivered:
                self._set_line(row, {"SalesOrderLineStatus": "Canceled"})
            elif delivered != _ordered(row):
                self._set_quantity(row, delivered)
        self._settle(order, empty="Canceled")

    def change(self, order: Row, line: Row | None, how: Mapping[str, Any]) -> None:
        """Change the quantity of a line, or the requested shipping date of a line or of the whole order."""
        lines = self._open_lines(order)
        if "quantity" in how:
            if line is None:
                raise invalid_write("Name the line whose quantity changes.")
            quantity = Decimal(str(how["quantity"]))
            if abs(quantity) < abs(_delivered(line)):
                raise invalid_write(f"Quantity {quantity} is less than what is delivered.")
            self._set_quantity(line, quantity)
            self._settle(order)
        if "date" in how:
            date = {"RequestedShippingDate": f"{how['date']}T12:00:00Z"}
            for row in [line] if line is not None else lines:
                self._set_line(row, date)
            if line is None:
                self._set_order(order, date)

    def _settle(self, order: Row, *, empty: str = "Backorder") -> None:
        """Let the statuses of an order and its lines follow the quantities."""
        lines = self._lines(order, even_none=True)
        for row in lines:
            self._set_line(row, {"SalesOrderLineStatus": _status_of(row)})
        statuses = [row.values["SalesOrderLineStatus"] for row in lines]
        kept = [status for status in statuses if status != "Canceled"]
        for status in ("Backorder", "Delivered", "Invoiced"):
            if status in kept:
                break
        else:
            status = "Canceled" if statuses else empty
        processing = _processing([row for row in lines if row.values["SalesOrderLineStatus"] != "Canceled"])
        if status == "Canceled":
            processing = "Canceled"
        changes = {"SalesOrderStatus": status}
        if processing:
            changes["SalesOrderProcessingStatus"] = processing
        self._set_order(order, changes)

    def _check_payer(self, order: Row) -> None:
        company, payer = order.values["dataAreaId"], order.values["InvoiceCustomerAccountNumber"]
        found = self._environment.find("CustomersV3", company, payer)
        hold = found.values.get("OnHoldStatus", "No") if found else "No"
        if hold in _INVOICE_HOLDS:
            raise invalid_write(f"Customer {payer} is on hold ({hold}). The invoice cannot be posted.")

    def _open_lines(self, order: Row) -> list[Row]:
        return [row for row in self._lines(order) if row.values["SalesOrderLineStatus"] == "Backorder"]

    def _lines(self, order: Row, *, even_none: bool = False) -> list[Row]:
        """The lines of an order that is not closed, cancelled ones apart unless all are wanted."""
        order_number = order.values["SalesOrderNumber"]
        lines = lines_of(self._environment, order)
        if even_none:
            return lines
        if order.values["SalesOrderStatus"] in CLOSED:
            raise invalid_write(f"Sales order {order_number} is closed and cannot be changed.")
        if not lines:
            raise invalid_write(f"Sales order {order_number} has no lines.")
        return [row for row in lines if row.values["SalesOrderLineStatus"] != "Canceled"]

    def _line(self, order: Row, how: Mapping[str, Any]) -> Row | None:
        if "line" not in how:
            return None
        for row in self._lines(order):
            if row.values["InventoryLotId"] == how["line"]:
                return row
        raise KeyError(how["line"])

    def _set_quantity(self, row: Row, quantity: Decimal) -> None:
        changes: dict[str, Any] = {"OrderedSalesQuantity": quantity}
        changes["LineAmount"] = line_amount({**row.values, **changes})
        self._set_line(row, changes)

    def _set_line(self, row: Row, changes: Mapping[str, Any]) -> None:
        self._set("lines", row, changes)

    def _set_order(self, order: Row, changes: Mapping[str, Any]) -> None:
        self._set("orders", order, changes)

    def _set(self, table: str, row: Row, changes: Mapping[str, Any]) -> None:
        """Store what differs, so that a record that stays the same keeps its tag."""
        differing = {name: value for name, value in changes.items() if row.values.get(name) != value}
        if differing:
            self._environment.store.update(table, row, differing)


def _check(how: Mapping[str, Any]) -> None:
    unknown = set(how) - _MEMBERS
    if unknown:
        raise ValueError(f"an act on an order takes {', '.join(sorted(_MEMBERS))}, not {min(unknown)!r}")
    if how.get("share", "all") not in SHARES:
        raise ValueError(f"share is {' or '.join(SHARES)}, not {how['share']!r}")
    try:
        Decimal(str(how.get("quantity", 0)))
        date.fromisoformat(str(how.get("date", EMPTY_DATE[:10])))
    except (ArithmeticError, ValueError) as error:
        raise ValueError('quantity is a number such as "5" and date a day such as "2026-03-02"') from error


def _quantity(row: Row, name: str) -> Decimal:
    return number(row.values, name)


def _ordered(row: Row) -> Decimal:
    return number(row.values, "OrderedSalesQuantity")


def _delivered(row: Row) -> Decimal:
    return number(row.values, "DeliveredQuantity")


def _portion(rows: list[Row], name: str, share: str) -> list[tuple[Row, Decimal]]:
    """Lines with the quantity they reach: all of it; or partly: the first of several lines, or half of one."""
    open_ones = [row for row in rows if _quantity(row, name) != _ordered(row)]
    if share == "all":
        return [(row, _ordered(row)) for row in open_ones]
    if len(open_ones) > 1:
        return [(open_ones[0], _ordered(open_ones[0]))]
    return [(row, (_quantity(row, name) + _ordered(row)) / 2) for row in open_ones]


def _confirmed(row: Row, now: datetime) -> dict[str, Any]:
    today = noon(now)
    pairs = (
        ("ConfirmedShippingDate", "RequestedShippingDate"),
        ("ConfirmedReceiptDate", "RequestedReceiptDate"),
    )
    return {
        confirmed: max(row.values.get(requested, EMPTY_DATE), today)
        for confirmed, requested in pairs
        if row.values.get(confirmed, EMPTY_DATE) == EMPTY_DATE
    }


def _status_of(row: Row) -> str:
    if row.values["SalesOrderLineStatus"] == "Canceled":
        return "Canceled"
    ordered = _ordered(row)
    if ordered and _quantity(row, "InvoicedQuantity") == ordered:
        return "Invoiced"
    return "Delivered" if ordered and _delivered(row) == ordered else "Backorder"


def _processing(lines: list[Row]) -> str:
    """How far delivery and invoice have come; empty when neither has begun."""
    invoiced = [row for row in lines if _quantity(row, "InvoicedQuantity")]
    delivered = [row for row in lines if _delivered(row)]
    all_delivered = all(_delivered(row) == _ordered(row) for row in lines)
    if invoiced and all(_quantity(row, "InvoicedQuantity") == _ordered(row) for row in lines):
        return "Invoiced"
    if invoiced:
        return "DeliveredPartiallyInvoiced" if all_delivered else "PartiallyInvoiced"
    if delivered:
        return "Delivered" if all_delivered else "PartiallyDelivered"
    return ""
