"""Whether a pair of systems suits the connector: what the report of ``ping --fit`` holds, and its pure figures.

A section that could not be read is None; why stands in the report's lines. What is counted over all customers is
kept as hashes, so that the number of rows hardly matters.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = 3  # named of anything that is only counted
OfferState = Literal["there", "empty", "missing", "forbidden", "unknown"]
LineState = Literal["ok", "look", "unknown"]


@dataclass(frozen=True, slots=True)
class Line:
    """One finding: the figure, what it means, and what to do about it where something is to be done."""

    topic: str
    state: LineState
    figure: str
    meaning: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A data entity, whether the environment offers it, and what it is read for."""

    name: str
    needed: bool
    use: str
    state: OfferState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A field that may tell when a row last changed; ``there`` means filled and fit for a filter."""

    entity_set: str
    field: str
    state: OfferState


@dataclass(frozen=True, slots=True)
class Offered:
    """What the environment shows: sets, rows of the master sets by legal entity, and timestamps on them."""

    sets: tuple[EntitySet, ...]
    rows: Mapping[str, Mapping[str, int]]
    timestamps: tuple[Timestamp, ...]

    def has(self, name: str) -> bool:
        """Whether a set answers."""
        return any(each.name == name and each.state in ("there", "empty") for each in self.sets)


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The active default dimension format; ``values_read`` is None where values cannot be listed."""

    format_name: str
    names: tuple[str, ...]
    delimiter: str
    values_read: int | None
    values_with_delimiter: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Currencies:
    """Whose money is which, and the property a list price would go to (empty: nowhere)."""

    accounting: Mapping[str, str]
    company: str
    additional: tuple[str, ...]
    of_customers: Mapping[str, int]
    not_in_portal: Mapping[str, int]
    price_legal_entity: str
    price_property: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """Groups of records that are one thing, the records in them, and the first few groups by name."""

    groups: int
    records: int
    examples: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """How many values there are, how many of them are of no use, and the records of the first few."""

    given: int
    bad: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Customers:
    """The customers of the chosen legal entities."""

    organisations: int
    persons: int
    emails: Quality
    phones: Quality
    names: Quality
    countries: Quality
    unknown_countries: Mapping[str, int]
    same_name_and_place: Repeated
    parties_in_several: Repeated


@dataclass(frozen=True, slots=True)
class People:
    """The people at those customers, from the set that offers them."""

    entity_set: str
    read: int
    emails: Quality
    phones: Quality
    names: Quality


@dataclass(frozen=True, slots=True)
class Products:
    """Released products: how many different ones, and whether their numbers agree between legal entities."""

    numbers: int
    in_several: int
    masters: int
    without_price: int
    other_item_numbers: Repeated  # one product number, several item numbers
    other_product_numbers: Repeated  # one item number, several products
    identity: Literal["shared", "per_legal_entity"]


@dataclass(frozen=True, slots=True)
class Portal:
    """What HubSpot holds already; a count is None where the token may not see that type."""

    companies: int
    contacts: int | None
    products: int | None
    deals: int | None
    same_domain: Repeated
    same_name: Repeated


@dataclass(frozen=True, slots=True)
class Stopped:
    """A cause that would have stopped deals, and the first few of them."""

    cause: str
    title: str
    count: int
    deals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deals:
    """Deals won of late, put through the steps of the order flow without writing anything."""

    days: int
    won: int
    tried: int
    ready: int
    ready_once_matched: int
    stopped: tuple[Stopped, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls this report made, and what a first load would take at the portal's limit."""

    calls: Mapping[str, int]
    seconds: float
    first_load_records: Mapping[str, int]
    first_load_calls: int
    hubspot_limit: tuple[int, float]
    limit_is_known: bool
    first_load_minutes: float


@dataclass(frozen=True, slots=True)
class FitReport:
    """The whole: one verdict, a line for each finding, and the figures behind them."""

    verdict: str
    lines: tuple[Line, ...]
    offered: Offered | None
    dimensions: Dimensions | None
    currencies: Currencies | None
    customers: Customers | None
    people: People | None
    shared_emails: Repeated | None
    products: Products | None
    portal: Portal | None
    deals: Deals | None
    budget: Budget


class Repeats:
    """Counts the values that several records share. Holds a hash and one name for each value."""

    def __init__(self) -> None:
        self._first: dict[int, str] = {}
        self._marks: dict[int, str] = {}
        self._sizes: dict[int, int] = {}
        self._examples: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._first)

    def add(self, value: str, record: str, mark: str | None = None) -> None:
        """A record has this value. With a mark, only records of another mark than the first one's count."""
        number = compact(value)
        first = self._first.setdefault(number, record)
        if mark is not None and self._marks.setdefault(number, sys.intern(mark)) == mark:
            return
        if first == record:
            return
        self._sizes[number] = self._sizes.get(number, 1) + 1
        if number in self._examples or len(self._examples) < EXAMPLES:
            named = self._examples.setdefault(number, [first])
            if len(named) < EXAMPLES:
                named.append(record)

    def found(self) -> Repeated:
        """What was counted so far."""
        examples = tuple(tuple(named) for named in self._examples.values())
        return Repeated(len(self._sizes), sum(self._sizes.values()), examples)


@dataclass(slots=True)
class Tally:
    """Counts good and bad values of one kind."""

    given: int = 0
    bad: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, record: str, *, good: bool) -> None:
        """One value, and the record it stands in."""
        self.given += 1
        if not good:
            self.bad += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(record)

    def found(self) -> Quality:
        """What was counted so far."""
        return Quality(self.given, self.bad, tuple(self.examples))


def compact(text: str) -> int:
    """A text as 8 bytes: two different texts of a million share them once in 36 million reports."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def most_first(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts with the largest first; equal ones by name."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def calls_of_first_load(counted: Mapping[str, int], batch: int) -> int:
    """Calls to HubSpot: a batch of each kind of record, and one for the links of each batch of contacts."""
    batches = Counter({kind: math.ceil(count / batch) for kind, count in counted.items()})
    return batches.total() + batches["contacts"]
