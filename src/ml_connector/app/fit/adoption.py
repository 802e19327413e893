"""What a first load would link: the customers and products behind the companies and lines of some deals.

An estimate for deals won before any company is linked: equal name or own domain, equal item number. Matching
proper (``match``) knows more rules and lets people decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ml_connector.domain.text import fold
from ml_connector.mapping.web import company_domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.flows.orders.deal.snapshot import DealCompany, DealLine, DealSnapshot


@dataclass(slots=True)
class Adoption:
    """Names, domains and item numbers that deals ask for, and what was found for them while the masters went by."""

    domains_of: dict[str, str] = field(default_factory=dict)  # by company id
    _by_name: dict[str, list[str]] = field(default_factory=dict)
    _by_domain: dict[str, list[str]] = field(default_factory=dict)
    _by_item: dict[str, set[str]] = field(default_factory=dict)
    _products: set[str] = field(default_factory=set)

    def want(self, snapshot: DealSnapshot) -> None:
        """Note what this deal lacks a link for."""
        for company in unlinked(snapshot):
            if folded := fold(company.name):
                self._by_name.setdefault(folded, [])
        for line in snapshot.lines:
            if line.sku and not line.product_key:
                self._by_item.setdefault(line.sku, set())

    def know_domains(self, domains: Mapping[str, str]) -> None:
        """The domains of unlinked companies, by company id."""
        for company, text in domains.items():
            if domain := company_domain(text):
                self.domains_of[company] = domain
                self._by_domain.setdefault(domain, [])

    def customer(self, key: str, name: str, addresses: Iterable[str]) -> None:
        """A customer goes by."""
        if self._by_name:
            self._by_name.get(fold(name), []).append(key)
        if self._by_domain:
            domain = next((named for text in addresses if text and (named := company_domain(text))), "")
            self._by_domain.get(domain, []).append(key)

    def release(self, product: str, item: str) -> None:
        """A released product goes by."""
        if product in self._by_item:
            self._products.add(product)
        if item in self._by_item:
            self._by_item[item].add(product)

    def adopted(self, snapshot: DealSnapshot) -> DealSnapshot:
        """The deal as it would be read after the first load."""
        return replace(
            snapshot,
            companies=tuple(self._company(company) for company in snapshot.companies),
            lines=tuple(self._line(line) for line in snapshot.lines),
        )

    def _company(self, company: DealCompany) -> DealCompany:
        if company.customer_keys:
            return company
        by_domain = self._by_domain.get(self.domains_of.get(company.id, ""), [])
        by_name = self._by_name.get(fold(company.name), [])
        both = [
            key for key in by_domain if key in by_name
        ]  # of several customers of one domain, that of the name
        return replace(company, customer_keys=tuple(both or by_name or by_domain))

    def _line(self, line: DealLine) -> DealLine:
        products = self._by_item.get(line.sku, set())
        if line.product_key or line.sku in self._products or len(products) != 1:
            return line
        return replace(line, product_key=next(iter(products)))


def unlinked(snapshot: DealSnapshot) -> list[DealCompany]:
    """The companies of a deal that carry no customer's key yet."""
    return [company for company in snapshot.companies if not company.customer_keys]
