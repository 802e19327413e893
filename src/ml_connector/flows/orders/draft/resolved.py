"""A deal as F&O knows it: every value with the rule that found it, in words. What the draft is written from."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.flows.orders.deal.snapshot import DealCompany, DealLine, DealSnapshot

# The steps of a deal, by the names that the page and the audit show.
GATHER, LEGAL_ENTITY, CUSTOMER, PRODUCTS, AMOUNTS, DIMENSIONS, DRAFT, PLACE, WRITE_BACK = STEPS = (
    "gather",
    "legal entity",
    "customer",
    "products",
    "amounts",
    "dimensions",
    "draft",
    "place",
    "write back",
)


@contextmanager
def at_step(name: str) -> Iterator[None]:
    """What stops a deal in here tells at which step."""
    try:
        yield
    except RecordError as error:
        error.context.setdefault("step", name)
        raise


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the rule that found it, in words."""

    value: str
    rule: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a new customer, its value and the rule that gave it.

    An empty value is not sent; ``open``: a person must fill it before the customer can be created.
    """

    name: str
    value: Any
    rule: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that may be the one meant, and why."""

    account: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class CustomerForm:
    """A customer that shall be created for a company, as it will be written, and who may be it already."""

    company_id: str
    fields: tuple[FormField, ...]
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedCustomer:
    """The order account and its payer; of a customer that does not exist yet the form, and no account.

    ``row`` holds the fields of F&O's customer that later steps read. ``adopted_by`` is the company that shall carry
    the customer's key, found to be the same; ``update`` are fields of the customer that the company changes.
    """

    account: Found
    payer: Found
    name: str
    language: str
    notes: tuple[str, ...] = ()
    row: Mapping[str, Any] = field(default_factory=dict)
    form: CustomerForm | None = None
    adopted_by: str = ""
    update: tuple[FormField, ...] = ()


ITEM_DEFAULT = Found("", "F&O's item default")
NOT_SAID = Found("", "the deal does not say")


@dataclass(frozen=True, slots=True)
class QuantityLimits:
    """How much one line may be for, in its unit; zero and None set no limit."""

    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    multiple: Decimal = Decimal(0)
    decimals: int | None = None


NO_LIMITS = QuantityLimits()


@dataclass(frozen=True, slots=True)
class ResolvedItem:
    """The item behind a line, the dimensions of its variant, and where it ships from; empty: F&O's own default."""

    number: Found
    unit: Found
    variant: Mapping[str, Found] = field(default_factory=dict)  # field of the order line -> value
    site: Found = ITEM_DEFAULT
    warehouse: Found = ITEM_DEFAULT
    limits: QuantityLimits = NO_LIMITS
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """What one order line shall cost, in the deal's currency; a price that is None is left to F&O."""

    quantity: Decimal
    price: Decimal | None  # of one sales unit
    discount_amount: Decimal  # off the price of one
    discount_percent: Decimal
    total: Decimal
    rule: str


@dataclass(frozen=True, slots=True)
class ResolvedLine:
    """One line of the deal as F&O knows it. ``dimensions`` is F&O's display string; empty: as the header."""

    line: DealLine
    item: ResolvedItem
    amounts: LineAmounts
    dimensions: Found = Found("", "")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the order says beside its lines; an empty value is not sent. Days are written ``2026-07-23``."""

    customer_po: Found = NOT_SAID
    requested_date: Found = NOT_SAID
    line_dates: Mapping[str, Found] = field(default_factory=dict)  # id of the line -> day
    delivery_address: Found = NOT_SAID  # F&O's id of the location
    order_taker: Found = NOT_SAID  # personnel number
    responsible: Found = NOT_SAID
    site: Found = NOT_SAID  # the header's defaults, for lines without their own
    warehouse: Found = NOT_SAID
    notes: tuple[str, ...] = ()


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class ResolvedDeal:
    """The whole deal."""

    snapshot: DealSnapshot
    company: DealCompany | None
    legal_entity: Found
    customer: ResolvedCustomer
    lines: tuple[ResolvedLine, ...]
    dimensions: Found = Found("", "")
    terms: Terms = NO_TERMS
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
