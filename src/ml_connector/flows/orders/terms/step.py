"""Step draft, further terms: the customer's order number, requested dates, delivery address, who takes the order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector.domain.text import length, normalise
from ml_connector.errors import RecordError
from ml_connector.flows.orders.customer.step import DEMAND_A_NUMBER
from ml_connector.flows.orders.draft.resolved import NOT_SAID, Found, Terms
from ml_connector.flows.orders.lines.shipping import ruled_places
from ml_connector.flows.orders.terms.delivery import delivery_address

if TYPE_CHECKING:
    from ml_connector.flows.orders.deal.snapshot import DealLine, DealSnapshot
    from ml_connector.flows.orders.draft.resolved import ResolvedCustomer
    from ml_connector.flows.orders.lines.products import Counter
    from ml_connector.flows.orders.settings import OrderSettings

LONGEST_PO = 20  # characters of CustomerRequisitionNumber
REQUESTED = "d365_requested_date"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Today:
    """The day it is where the order is sold; ``note`` says so when the time zone is not known."""

    day: date
    note: str = ""


def today_in(time_zone: str, legal_entity: str, now: datetime) -> Today:
    """The day of a legal entity; its time zone as IANA writes it, empty when F&O does not tell."""
    if time_zone:
        return Today(now.astimezone(ZoneInfo(time_zone)).date())
    note = (
        f"The time zone of {legal_entity} is not known; its day was taken from UTC. Connect Dynamics again."
    )
    return Today(now.astimezone(UTC).date(), note)


async def resolve_terms(
    counter: Counter,
    snapshot: DealSnapshot,
    customer: ResolvedCustomer,
    *,
    settings: OrderSettings,
    time_zone: str,
    now: datetime,
) -> Terms:
    """What the order says beside its lines.

    Raises:
        RecordError: something is demanded and missing, or is said and cannot be.
    """
    today = today_in(time_zone, counter.legal_entity, now)
    dates = Dates(snapshot, settings, today)
    taker, responsible = [await _worker(counter, snapshot, role) for role in ("order_taker", "responsible")]
    site, warehouse = await _header_places(counter, snapshot)
    address = await delivery_address(
        counter.dynamics, snapshot, counter.legal_entity, customer, choices=counter.choices, now=now
    )
    return Terms(
        customer_po=_customer_po(counter, snapshot, customer),
        requested_date=dates.of_deal(),
        line_dates={line.id: dates.of_line(line) for line in snapshot.lines},
        delivery_address=address,
        order_taker=taker,
        responsible=responsible,
        site=site,
        warehouse=warehouse,
        notes=(*dates.notes(), *_unmapped(counter, snapshot, taker, responsible)),
    )


def _customer_po(counter: Counter, snapshot: DealSnapshot, customer: ResolvedCustomer) -> Found:
    chosen = counter.choices.get("customer_po")
    found = chosen or Found(snapshot.customer_po, "the deal's purchase order number")
    number = normalise(found.value)
    if not number and any(customer.row.get(name) == "Yes" for name in DEMAND_A_NUMBER):
        raise RecordError(
            f"{snapshot.subject}: {customer.name} demands its own order number on every order, and the deal has none. "
            "Enter it on the deal (d365_customer_po).",
            code="order.customer_po_missing",
        )
    if length(number) > LONGEST_PO:
        raise RecordError(
            f"{snapshot.subject}: the customer's order number '{number}' has {length(number)} characters, and Dynamics "
            f"takes {LONGEST_PO}. Shorten it as the customer will recognise it (d365_customer_po).",
            code="order.customer_po_too_long",
        )
    return Found(number, found.rule)


@dataclass(frozen=True, slots=True)
class Dates:
    """Requested dates of one deal: a line's own, else the deal's; never the close date."""

    snapshot: DealSnapshot
    settings: OrderSettings
    today: Today

    def of_deal(self) -> Found:
        """For the header."""
        return self._decided(self.snapshot.requested_date, "the deal's requested date", "the deal")

    def of_line(self, line: DealLine) -> Found:
        """For one line."""
        own = line.properties.get(REQUESTED, "")
        return (
            self._decided(own, "the line's requested date", f"line '{line.name}'") if own else self.of_deal()
        )

    def notes(self) -> tuple[str, ...]:
        """A day taken from UTC is told when a date was measured by it."""
        asked = self.snapshot.requested_date or any(
            line.properties.get(REQUESTED) for line in self.snapshot.lines
        )
        return (self.today.note,) if asked and self.today.note else ()

    def _decided(self, text: str, rule: str, whose: str) -> Found:
        if not text:
            return NOT_SAID
        day = _day(text)
        if day is None:
            raise RecordError(
                f"{self.snapshot.subject}: the requested date of {whose} is '{text}', which is no date.",
                code="order.requested_date",
            )
        if day >= self.today.day:
            return Found(day.isoformat(), rule)
        if self.settings.past_dates == "today":
            passed = f"{rule} {day.isoformat()} is past, so today (orders.past_dates)"
            return Found(self.today.day.isoformat(), passed)
        raise RecordError(
            f"{self.snapshot.subject}: the requested date of {whose}, {day.isoformat()}, is past. Agree on a new one.",
            code="order.requested_date",
        )


def _day(text: str) -> date | None:
    """A day as HubSpot writes it: ISO 8601, or milliseconds since 1970; None when it is neither."""
    try:
        if text.lstrip("-").isdigit():
            return _EPOCH + timedelta(milliseconds=int(text))
        return date.fromisoformat(text[:10])
    except (ValueError, OverflowError):
        return None


async def _worker(counter: Counter, snapshot: DealSnapshot, role: str) -> Found:
    """Who takes or answers for the order, by rule; a number that is no worker's is refused."""
    ruled = counter.rules.ask(role, counter.facts)
    if ruled is None:
        return NOT_SAID
    known = await counter.set_up.is_worker(ruled.value)
    if known is None:
        return Found(ruled.value, f"{ruled.rule} (not checked: Dynamics does not list its workers)")
    if not known:
        raise RecordError(
            f"{snapshot.subject}: {ruled.rule}, gives the personnel number {ruled.value}, which no worker in Dynamics "
            "has. Correct the rule or its table.",
            code="order.worker_unknown",
        )
    return Found(ruled.value, ruled.rule)


def _unmapped(counter: Counter, snapshot: DealSnapshot, taker: Found, responsible: Found) -> tuple[str, ...]:
    """An owner that the rules do not know is worth a word."""
    owner = snapshot.owner.email if snapshot.owner else "nobody"
    roles = (("order_taker", "an order taker", taker), ("responsible", "a person responsible", responsible))
    return tuple(
        f"No rule gives {label} for the owner {owner}; Dynamics sets its own."
        for name, label, found in roles
        if name in counter.rules.rules and not found.value
    )


async def _header_places(counter: Counter, snapshot: DealSnapshot) -> tuple[Found, Found]:
    """Site and warehouse of the header: what the rules say of the deal alone."""
    places = await counter.set_up.places(counter.legal_entity)
    try:
        ruled = ruled_places(counter.rules, counter.facts, places)
    except RecordError as error:
        raise RecordError(f"{snapshot.subject} {error.message}", code=error.code) from error
    return (ruled.site, ruled.warehouse) if ruled else (NOT_SAID, NOT_SAID)
