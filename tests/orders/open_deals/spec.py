"""A deal while it is being made up: what a rep would enter, in the words of the table of deals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.orders.open_deals import tenants as busy

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.orders.open_deals.tenants import BusyTenant

# The firms and items of ordinary deals; what is left over belongs to rules of Dynamics' own and to changes meanwhile.
FIRMS, ITEMS = busy.FIRMS[:20], (*busy.ITEMS[:12], "P-100", "P-200", "P-300", "P-600", "P-800")
QUANTITIES = ("1", "2", "3", "5", "12", "40")
RULED_PLACES = "three"  # the tenant whose rules name the site


@dataclass
class Spec:
    """One deal of one tenant."""

    tenant: BusyTenant
    chance: random.Random
    number: int
    deal: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    beside: str = ""  # the kind of Dynamics' own rule that it just misses

    def __post_init__(self) -> None:
        """Fine so far."""
        chance = self.chance
        self.deal = {
            "name": f"Open deal {self.number}",
            "company": chance.choice(FIRMS),
            "owner": chance.choice(("Robin Reed", "Robin Reed", "Kit Kerr")),
            "pipeline": chance.choice(("Sales", "Sales", "Sales", "Projects")),
            "with": {},
        }
        if chance.random() < 0.3:
            self.deal["with"]["d365_customer_po"] = f"PO-{self.number}"
        if chance.random() < 0.3:
            self.deal["with"]["d365_requested_date"] = f"in {chance.randint(9, 60)} days"
        for _ in range(chance.choice((1, 1, 2, 3))):
            self.add_line(chance.choice(ITEMS))

    @property
    def on(self) -> str:
        """The tenant's name."""
        return self.tenant.name

    def price(self, item: str) -> str:
        """What Dynamics asks for one."""
        one = self.tenant.items[item]
        return f"{one['price'] / one.get('per', 1):g}"

    def add_line(self, item: str, quantity: str = "", **further: Any) -> None:
        """A line at Dynamics' own price."""
        quantity = quantity or self.chance.choice(QUANTITIES)
        self.lines.append({"line": f"{item} x {quantity} at {self.price(item)}", **further})

    def put(self, name: str, value: str) -> None:
        """A property of the deal."""
        self.deal["with"][name] = value

    def spoil_line(self, change: Callable[[str], str], **further: Any) -> None:
        """Change the text of the first line, and what else stands on it."""
        line = self.lines[0]
        line["line"] = change(line["line"])
        line |= further

    def as_deal(self) -> dict[str, Any]:
        """As the table's maker of deals takes it."""
        return {**self.deal, "lines": self.lines}


@dataclass(frozen=True)
class MostlyFine:
    """What looks unusual and is not: the ways an order can be all right."""

    spec: Spec

    def vary(self) -> None:
        """Perhaps one of them."""
        spec = self.spec
        if spec.chance.random() < 0.5:
            return
        ways = [
            self.numbered,
            self.requisitioned,
            self.paid,
            self.limited,
            self.by_account,
            self.addressed,
            self.today,
        ]
        ways += [self.quoted, self.department, self.variant, self.by_item_number]
        if spec.on != "two":
            ways += [self.new_company, self.invoice_hold, self.ended]
        if spec.on != "three":
            ways += [self.discount, self.freight, self.converted]
        else:
            ways += [self.past_date, self.no_site, self.within_tolerance]
        spec.chance.choice(ways)()

    def numbered(self) -> None:
        self.spec.deal["company"] = busy.NUMBERED
        self.spec.put("d365_customer_po", f"PO-{self.spec.number}")

    def requisitioned(self) -> None:
        self.spec.deal["company"] = busy.REQUISITIONED
        self.spec.put("d365_customer_po", f"PO-{self.spec.number}")

    def paid(self) -> None:
        self.spec.deal["company"] = busy.PAYMENT_HOLD

    def invoice_hold(self) -> None:
        self.spec.deal["company"] = busy.INVOICE_HOLD

    def limited(self) -> None:
        self.spec.add_line(busy.LIMITED, "40")

    def by_account(self) -> None:
        self.spec.put("d365_customer_account", self.spec.tenant.account(self.spec.chance.choice(FIRMS)))

    def addressed(self) -> None:
        self.spec.deal["company"] = busy.ADDRESSED
        self.spec.put("d365_delivery_address", "Gate 2")

    def today(self) -> None:
        self.spec.put("d365_requested_date", "in 4 days")

    def quoted(self) -> None:
        self.spec.deal["quote"] = {"accepted": True}

    def department(self) -> None:
        self.spec.put("department", "Service")

    def variant(self) -> None:
        price = self.spec.price(busy.MASTER)
        self.spec.lines.append({"line": f"{busy.MASTER}-S x 2 at {price}", "hs_sku": f"{busy.MASTER}-S"})

    def by_item_number(self) -> None:
        self.spec.lines.append({"line": "X-1 x 1 at 45", "hs_sku": "1000800", "name": "Gauge"})

    def new_company(self) -> None:
        country = {"one": "United States", "three": "Japan"}[self.spec.on]
        name = f"{self.spec.chance.choice(('Nova', 'Astra', 'Terra'))} {self.spec.number:03} Plant"
        self.spec.deal["company"] = {
            "name": name,
            "city": f"Town {self.spec.number}",
            "zip": f"{10000 + self.spec.number}",
        }
        self.spec.deal["company"]["country"] = country

    def ended(self) -> None:
        self.spec.add_line(busy.ENDED, "2")

    def discount(self) -> None:
        self.spec.spoil_line(lambda line: f"{line} less {self.spec.chance.choice(('5', '12.5', '33.33'))} %")

    def freight(self) -> None:
        self.spec.lines.append({"line": '"Freight to site" x 2 at 75'})

    def converted(self) -> None:
        self.spec.add_line(busy.UNIT_CONVERTS, "24")

    def past_date(self) -> None:
        self.spec.put("d365_requested_date", "3 days ago")

    def no_site(self) -> None:
        self.spec.add_line(busy.NO_SITE, "2")

    def within_tolerance(self) -> None:
        self.spec.lines.append({"line": "P-100 x 2 at 248"})
