"""The one word that stands for an order's two statuses in F&O, and the day that stands for a date. Pure.

The header's SalesOrderStatus is that of its least advanced line, SalesOrderProcessingStatus the furthest that delivery
and invoice have come. Neither tells all: read together they do, and lines need not be read.
Members: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from datetime import date, datetime

from ml_connector.errors import RecordError

OPEN, CONFIRMED, PICKED = "Open", "Confirmed", "Picked"
PARTLY_DELIVERED, DELIVERED = "Partly delivered", "Delivered"
PARTLY_INVOICED, DELIVERED_AND_PARTLY_INVOICED = "Partly invoiced", "Delivered and partly invoiced"
INVOICED, CANCELLED, NOT_IN_DYNAMICS = "Invoiced", "Cancelled", "Not in Dynamics"

FINAL = frozenset({INVOICED, CANCELLED})

_NOTHING_YET = {"Active": OPEN, "Confirmed": CONFIRMED, "Picked": PICKED}
_PROCESSING = (
    *_NOTHING_YET,
    "PartiallyDelivered",
    "Delivered",
    "PartiallyInvoiced",
    "DeliveredPartiallyInvoiced",
    "Invoiced",
)
# By SalesOrderStatus, then by SalesOrderProcessingStatus. A pair that is not here contradicts itself.
STATUSES: dict[str, dict[str, str]] = {
    "None": {**_NOTHING_YET, "Canceled": CANCELLED},  # an order without lines
    "Backorder": {  # a line is open, so that nothing is complete
        **_NOTHING_YET,
        "PartiallyDelivered": PARTLY_DELIVERED,
        "Delivered": PARTLY_DELIVERED,
        "PartiallyInvoiced": PARTLY_INVOICED,
        "DeliveredPartiallyInvoiced": PARTLY_INVOICED,
        "Invoiced": PARTLY_INVOICED,
    },
    "Delivered": {  # every line is delivered, and one of them not invoiced
        **dict.fromkeys((*_NOTHING_YET, "PartiallyDelivered", "Delivered"), DELIVERED),
        "PartiallyInvoiced": DELIVERED_AND_PARTLY_INVOICED,
        "DeliveredPartiallyInvoiced": DELIVERED_AND_PARTLY_INVOICED,
        "Invoiced": DELIVERED_AND_PARTLY_INVOICED,
    },
    "Invoiced": dict.fromkeys(_PROCESSING, INVOICED),
    "Canceled": dict.fromkeys((*_PROCESSING, "Canceled"), CANCELLED),
}
_NO_DAY = date(1900, 1, 1)  # F&O's empty date


def order_status(sales_status: object, processing: object, *, order: str) -> str:
    """The status to show on the deal.

    Args:
        sales_status: The header's SalesOrderStatus.
        processing: Its SalesOrderProcessingStatus.
        order: How the order is named in a sentence.

    Raises:
        RecordError: the pair is not one we know; nothing is guessed.
    """
    found = STATUSES.get(str(sales_status), {}).get(str(processing))
    if found is None:
        raise RecordError(
            f"{order} stands in Dynamics with SalesOrderStatus {sales_status} and SalesOrderProcessingStatus "
            f"{processing}, which together have no status on a deal.",
            code="order_status.unknown",
        )
    return found


def day(value: object, *, order: str) -> str:
    """A date of F&O as HubSpot takes it; empty where F&O has none.

    The day is the one written: F&O keeps a date as noon UTC, and it is never moved to another time zone.

    Raises:
        RecordError: it is no date.
    """
    if value in ("", None):
        return ""
    try:
        found = datetime.fromisoformat(str(value)).date()
    except ValueError as exc:
        raise RecordError(
            f"{order} has {str(value)[:40]!r} for a date, which cannot be read.", code="mapping.value"
        ) from exc
    return "" if found <= _NO_DAY else found.isoformat()
