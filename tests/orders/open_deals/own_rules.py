"""Rules of Dynamics' own: validations that developers of a tenant have added, of which the connector knows nothing.

Each refuses some record in words of its own; some name what they are about, others do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.orders.open_deals import tenants as busy

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.orders.open_deals.spec import Spec
    from tests.orders.open_deals.tenants import BusyTenant
    from tests.orders.shop import Shop

OWN_RULE = "own rule"  # before its kind, among the troubles of a deal
HEADERS, LINES = "orders", "lines"
ACCOUNT, ITEM = "OrderingCustomerAccountNumber", "ItemNumber"
# Firms and items of rules alone, so that only deals meant to do so run into one.
FIRMS, ITEMS = busy.FIRMS[20:30], busy.ITEMS[12:30]
EACH = 3  # rules of one tenant
LARGE, SMALL = "150", "20"  # quantities above and below a rule's limit of 100


@dataclass(frozen=True)
class OwnRule:
    """One validation, about an item, a firm, or both; in force from a day on."""

    kind: str
    of: str
    when: dict[str, str]
    message: str
    item: str
    firm: str
    field: str = ""
    from_day: int = 0

    @property
    def name(self) -> str:
        """For the report."""
        return f"{self.kind}: {self.message}"

    def set_up(self, shop: Shop) -> None:
        """A developer's release goes live."""
        values = {"ValidationId": self.name, "Of": self.of, "When": self.when, "Message": self.message}
        shop.clerk_does("new validations", {**values, "Field": self.field})


def own_rules(tenant: BusyTenant, chance: random.Random, late_day: int) -> list[OwnRule]:
    """The rules of one tenant; the last of them comes into force on a day, 0 if it has been so before the first."""
    items, firms = chance.sample(ITEMS, EACH), chance.sample(FIRMS, EACH)
    made = [
        make(tenant, item, firm)
        for make, item, firm in zip(chance.sample(KINDS, EACH), items, firms, strict=True)
    ]
    return [*made[:-1], replace(made[-1], from_day=late_day)]


def run_into(rule: OwnRule, spec: Spec) -> None:
    """Let a deal be one that the rule refuses."""
    spec.troubles.append(f"{OWN_RULE}: {rule.kind}")
    _about(rule, spec)


def just_miss(rule: OwnRule, spec: Spec) -> None:
    """Let a deal be one that has to do with what the rule is about, and is not refused."""
    if rule.kind == "requisition":
        spec.deal["company"] = rule.firm
        spec.put("d365_customer_po", f"PO-{spec.number}")
    elif len(rule.when) > 1:
        spec.add_line(rule.item, SMALL)
    else:
        return  # all that is about the same is refused
    spec.beside = rule.kind


def _about(rule: OwnRule, spec: Spec) -> None:
    about_item = rule.of == LINES
    if about_item:
        spec.add_line(rule.item, LARGE if rule.kind.startswith("quantity") else SMALL)
    if not about_item or rule.kind.startswith("firm for item"):
        spec.deal["company"] = rule.firm
    if rule.kind == "requisition":
        spec.deal["with"].pop("d365_customer_po", None)


def _item(_tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    words = f"Item '{item}' needs an export licence, and none is on file."
    return OwnRule("item", LINES, {ITEM: item}, words, item, firm)


def _item_unnamed(_tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    return OwnRule(
        "item, unnamed", LINES, {ITEM: item}, "The product is held by quality control.", item, firm
    )


def _firm(tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    account = tenant.account(firm)
    words = f"The credit application of customer {account} has not been approved."
    return OwnRule("firm", HEADERS, {ACCOUNT: account}, words, item, firm, ACCOUNT)


def _firm_unnamed(tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    words = "The customer's credit insurance has expired."
    return OwnRule("firm, unnamed", HEADERS, {ACCOUNT: tenant.account(firm)}, words, item, firm)


def _pair(tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    account = tenant.account(firm)
    words = f"Item '{item}' may not be sold to customer {account}."
    return OwnRule("firm for item", LINES, {ITEM: item, f"Order.{ACCOUNT}": account}, words, item, firm)


def _pair_unnamed(tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    when = {ITEM: item, f"Order.{ACCOUNT}": tenant.account(firm)}
    words = "The customer has no licence for this product."
    return OwnRule("firm for item, unnamed", LINES, when, words, item, firm)


def _quantity(_tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    words = f"More than 100 of item '{item}' need the consent of the product manager."
    return OwnRule("quantity", LINES, {ITEM: item, "OrderedSalesQuantity": ">100"}, words, item, firm)


def _quantity_unnamed(_tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    words = "The quantity exceeds what can be produced in a month."
    return OwnRule(
        "quantity, unnamed", LINES, {ITEM: item, "OrderedSalesQuantity": ">100"}, words, item, firm
    )


def _requisition(tenant: BusyTenant, item: str, firm: str) -> OwnRule:
    when = {ACCOUNT: tenant.account(firm), "CustomerRequisitionNumber": ""}
    return OwnRule(
        "requisition", HEADERS, when, "Field 'Customer requisition' must be filled in.", item, firm
    )


KINDS = (
    _item,
    _item_unnamed,
    _firm,
    _firm_unnamed,
    _pair,
    _pair_unnamed,
    _quantity,
    _quantity_unnamed,
    _requisition,
)


def history(rules: list[OwnRule], specs: Iterator[Spec]) -> list[Spec]:
    """One earlier deal for each rule that is in force from the beginning: the rule has refused it."""
    found = [(rule, next(specs)) for rule in rules if rule.from_day == 0]
    for rule, spec in found:
        run_into(rule, spec)
    return [spec for _, spec in found]
