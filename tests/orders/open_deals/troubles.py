"""What may be wrong with a deal, each with the tenants it is wrong on. The product is to find out by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.orders.open_deals import tenants as busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.orders.open_deals.spec import Spec

Trouble = tuple[str, tuple[str, ...], int, "Callable[[Spec], object]"]
ALL, NOT_THREE = ("one", "two", "three"), ("one", "two")


def _buys(name: str) -> Callable[[Spec], object]:
    return lambda spec: spec.deal.update(company=name)


def _says(name: str, value: str) -> Callable[[Spec], object]:
    return lambda spec: spec.put(name, value)


def _sells(item: str, quantity: str = "2") -> Callable[[Spec], object]:
    return lambda spec: spec.add_line(item, quantity)


def _line(text: str, **further: str) -> Callable[[Spec], object]:
    return lambda spec: spec.lines.append({"line": text, **further})


def _no_lines(spec: Spec) -> None:
    spec.lines.clear()


def _several_companies(spec: Spec) -> None:
    spec.deal |= {"companies": ["Alpha Foundry", "Beta Mills"], "primary": "nobody"}


def _changed_after_quote(spec: Spec) -> None:
    if spec.lines:
        spec.deal["quote"] = {"accepted": True, "then": {1: {"quantity": "77"}}}
    else:
        _no_lines(spec)


def _unknown_account(spec: Spec) -> None:
    spec.put("d365_customer_account", f"NO-{spec.number}")


def _other_line_currency(spec: Spec) -> None:
    spec.add_line("P-200", "1", hs_line_item_currency_code="CHF" if spec.on == "two" else "GBP")


def _company_without_account(spec: Spec) -> None:
    spec.deal["company"] = {"name": f"Unlinked {spec.number:03} Plant", "city": "Ulm", "country": "Germany"}


def _company_of_nowhere(spec: Spec) -> None:
    spec.deal["company"] = {
        "name": f"Nowhere {spec.number:03} Plant",
        "city": "Atlantis",
        "country": "Atlantis",
    }


def _maybe_a_customer(spec: Spec) -> None:
    """Named and placed like a customer that stands already."""
    spec.deal["company"] = {"name": "Alpha Foundry KK", "city": "Osaka", "country": "Japan"}


TROUBLES: tuple[Trouble, ...] = (
    ("no lines", ALL, 2, _no_lines),
    ("no company", ALL, 2, lambda spec: spec.deal.update(companies=[])),
    ("several companies", NOT_THREE, 2, _several_companies),
    ("billed monthly", ALL, 2, _line("P-200 x 1 at 20", recurringbillingfrequency="monthly")),
    ("priced in tiers", ALL, 1, _line("P-200 x 1 at 20", hs_pricing_model="volume")),
    ("changed after the quote", ALL, 2, _changed_after_quote),
    ("another currency", ("two",), 2, lambda spec: spec.deal.update(currency="CHF")),
    ("a currency Dynamics lacks", ("three",), 2, lambda spec: spec.deal.update(currency="GBP")),
    ("a line in another currency", ("two", "three"), 1, _other_line_currency),
    ("legal entity not connected", ALL, 1, _says("d365_legal_entity", "xxxx")),
    ("legal entity of nobody", ("three",), 2, _says("d365_legal_entity", "gbsi")),
    ("account unknown", ALL, 2, _unknown_account),
    ("customer on hold", ALL, 4, _buys(busy.ON_HOLD)),
    ("payer on hold", ALL, 2, _buys(busy.PAYS_THROUGH)),
    ("on hold for invoices", ("two",), 2, _buys(busy.INVOICE_HOLD)),
    ("two accounts", ALL, 3, _buys(busy.TWOFOLD)),
    ("customer gone", ALL, 2, _buys(busy.GONE)),
    ("company without account", ("two",), 4, _company_without_account),
    ("company of nowhere", ("three",), 2, _company_of_nowhere),
    ("maybe a customer", ("three",), 2, _maybe_a_customer),
    ("line without product", ALL, 3, _line('"Consulting" x 1 at 100')),
    ("mistyped number", ALL, 3, _line("P-10O x 2 at 250")),
    ("sold elsewhere", ("three",), 2, _sells("P-010")),
    ("means two items", NOT_THREE, 1, _line("X-1 x 1 at 11", hs_sku="P-851", name="Crank")),
    ("sales stopped", ALL, 4, _sells(busy.STOPPED)),
    ("master without variant", ALL, 2, _sells(busy.MASTER)),
    ("end of life", ("two",), 2, _sells(busy.ENDED)),
    ("release withdrawn", ALL, 2, _sells(busy.WITHDRAWN)),
    ("unit changed", ALL, 2, _sells(busy.UNIT_CHANGED)),
    ("no site", NOT_THREE, 2, _sells(busy.NO_SITE)),
    ("warehouse unknown", ("three",), 1, _says("ship_from", "Harbour")),
    ("below the minimum", ALL, 3, _sells(busy.LIMITED, "10")),
    ("above the maximum", ALL, 1, _sells(busy.LIMITED, "300")),
    ("no multiple", ALL, 1, _sells(busy.LIMITED, "45")),
    ("quantity zero", ALL, 1, _sells("P-100", "0")),
    ("quantity below zero", ALL, 1, _sells("P-100", "-2")),
    ("half a piece", ALL, 2, _sells("P-100", "2.5")),
    ("no price", NOT_THREE, 2, _line("X-1 x 2", hs_sku="P-100")),
    ("discount above all", NOT_THREE, 2, _line("P-200 x 2 at 20 less 110 %")),
    ("discount below zero", NOT_THREE, 1, _line("P-200 x 2 at 20 less -1 each")),
    ("a discount Dynamics does not give", ("three",), 6, _line("P-100 x 2 at 250 less 10 %")),
    ("another price than Dynamics'", ("three",), 5, _line("P-400 x 10 at 10")),
    ("department closed", ("one",), 3, _says("department", "Closed down")),
    ("department mistyped", ("two",), 3, _says("department", "Typo")),
    ("dimension paused", ALL, 2, _buys(busy.SUSPENDED)),
    ("no cost centre", ("two",), 3, lambda spec: spec.deal.update(company="Zeta Optics", pipeline="Sales")),
    ("order number missing", ("one", "two", "three"), 3, lambda spec: _without_po(spec, busy.NUMBERED)),
    ("requisition missing", ALL, 3, lambda spec: _without_po(spec, busy.REQUISITIONED)),
    ("order number too long", ALL, 2, _says("d365_customer_po", "PO-456789012345678901")),
    ("date past", NOT_THREE, 4, _says("d365_requested_date", "3 days ago")),
    ("date passes while open", NOT_THREE, 2, _says("d365_requested_date", "today")),
    ("no such address", ALL, 2, lambda spec: _to(spec, "Gate 3")),
    ("address expired", ALL, 1, lambda spec: _to(spec, "Old yard")),
    ("worker unknown", ("two",), 2, lambda spec: spec.deal.update(owner="Sam Stone")),
)


def _without_po(spec: Spec, company: str) -> None:
    spec.deal["company"] = company
    spec.deal["with"].pop("d365_customer_po", None)


def _to(spec: Spec, address: str) -> None:
    spec.deal["company"] = busy.ADDRESSED
    spec.put("d365_delivery_address", address)


def add_one(spec: Spec) -> None:
    """One of the troubles that the tenant knows."""
    known = [trouble for trouble in TROUBLES if spec.on in trouble[1]]
    [(name, _, _, spoil)] = spec.chance.choices(known, [weight for _, _, weight, _ in known])
    spoil(spec)
    spec.troubles.append(name)
