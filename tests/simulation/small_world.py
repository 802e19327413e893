"""Worlds just big enough for a story: every record more is seams more, and each seam is a run.

``small_world`` has one legal entity, two customers, three products and a deal; ``only_customers`` has nothing but the
customers it is given.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ml_connector.twin.world.model import (
    Address,
    Customer,
    Deal,
    DealLine,
    LegalEntity,
    Person,
    Product,
    Release,
    World,
)

USMF = LegalEntity(
    id="usmf",
    name="Northgate Industrial Supply",
    currency="USD",
    country="US",
    country3="USA",
    language="en-US",
    time_zone="GMTMINUS0600CENTRALTIME",
    default_site="1",
    default_warehouse="11",
)


def customer(number: int, name: str, *people: Person) -> Customer:
    """An organisation in Chicago with a telephone and a mailbox of its own."""
    return Customer(
        legal_entity="usmf",
        account=f"US-{number:03}",
        party=f"P-{number:06}",
        party_type="Organization",
        name=name,
        group="10",
        currency="USD",
        payment_terms="Net30",
        language="en-US",
        phone=f"+1 312 555 01{number:02}",
        email=f"office{number}@example.com",
        website="",
        address=Address("1 Main Street", "Chicago", "60601", "IL", "US", "USA"),
        people=people,
    )


def person(number: int, name: str, email: str) -> Person:
    """A buyer."""
    first, _, last = name.partition(" ")
    return Person(f"C-{number:03}", first, last, email, f"+1 312 555 02{number:02}", "Buyer")


def _product(number: str, name: str) -> Product:
    return Product(number, name, "", name.upper(), "PUMPS", "ea", "Item")


def _release(number: str, price: str) -> Release:
    return Release(
        legal_entity="usmf",
        product_number=number,
        item_number=number,
        price=Decimal(price),
        price_quantity=Decimal(1),
        unit_cost=Decimal(1),
        default_site="1",
        default_warehouse="11",
    )


PUMPS = (
    DealLine("P-100", Decimal(2), discount_percent=Decimal(10)),
    DealLine("P-200", Decimal(5), discount_percent=Decimal(0)),
)


def small_world(
    deals: int = 1, *, buyer: str = "Alpha Foundry Inc.", lines: tuple[DealLine, ...] = PUMPS
) -> World:
    """Two customers, three products, and deals of these lines for one buyer."""
    return World(
        seed=1,
        legal_entities=(USMF,),
        customers=(customer(1, "Alpha Foundry Inc."), customer(2, "Beta Mills LLC")),
        products=(_product("P-100", "Pump"), _product("P-200", "Valve"), _product("P-300", "Seal")),
        releases=(_release("P-100", "250.00"), _release("P-200", "19.90"), _release("P-300", "3.50")),
        deals=tuple(
            Deal(
                name=f"Pumps {number}",
                pipeline="Sales Pipeline",
                stage="appointmentscheduled",
                customer_name=buyer,
                currency="USD",
                close_in_days=30,
                owner_email="rep@example.com",
                customer_po="",
                lines=lines,
            )
            for number in range(1, deals + 1)
        ),
        dimensions=("BusinessUnit", "Department"),
        dimension_delimiter="-",
        dimension_values={"BusinessUnit": (("001", "Pumps"),), "Department": (("022", "Sales"),)},
        customer_groups=(("10", "Wholesale"),),
        payment_terms=(("Net30", "Net 30 days"),),
        owners=(("rep@example.com", "Robin", "Reed"),),
        pipelines=(
            (
                "Sales Pipeline",
                (
                    ("Appointment scheduled", "appointmentscheduled", False, "0.2"),
                    ("Closed won", "closedwon", True, "1.0"),
                    ("Closed lost", "closedlost", True, "0.0"),
                ),
            ),
        ),
    )


def only_customers(*customers: Customer) -> World:
    """These customers and nothing that a story of theirs does not read."""
    return replace(small_world(deals=0), customers=customers, products=(), releases=())
