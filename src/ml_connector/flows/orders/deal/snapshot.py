"""A won deal as it was read: one frozen value, hashed, that every later step works from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.records import digest

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class DealCompany:
    """A company on the deal, with the keys that link it to F&O; ``properties`` are what customers and rules read."""

    id: str
    name: str
    primary: bool
    customer_keys: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DealContact:
    """A person on the deal, with the keys that link the contact to F&O."""

    id: str
    name: str
    email: str
    contact_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DealOwner:
    """Who sells."""

    id: str
    email: str
    name: str
    teams: tuple[str, ...]  # the primary one first


@dataclass(frozen=True, slots=True)
class DealQuote:
    """A quote of the deal: its status and what it comes to."""

    id: str
    title: str
    status: str
    amount: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class DealLine:
    """One line item: text values as HubSpot stores them."""

    id: str
    name: str
    sku: str
    product_id: str
    product_key: str
    quantity: str
    price: str
    discount: str
    discount_percent: str
    amount: str
    recurring: str
    properties: Mapping[str, str] = field(default_factory=dict)  # further ones of the line
    product: Mapping[str, str] = field(default_factory=dict)  # further ones of the product behind it


@dataclass(frozen=True, slots=True)
class DealSnapshot:
    """Everything an order is made from."""

    deal_id: str
    name: str
    pipeline: str
    stage: str
    amount: str
    currency: str
    owner_id: str
    legal_entity: str
    customer_account: str
    customer_po: str
    requested_date: str
    companies: tuple[DealCompany, ...]
    lines: tuple[DealLine, ...]
    delivery_address: str = ""
    pipeline_label: str = ""
    contacts: tuple[DealContact, ...] = ()
    owner: DealOwner | None = None
    quotes: tuple[DealQuote, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)  # further ones of the deal

    @property
    def subject(self) -> str:
        """How people name the deal."""
        return f"deals/{self.deal_id} ({self.name})"

    def to_bytes(self) -> bytes:
        """For the store."""
        return orjson.dumps(asdict(self))

    def hash(self) -> bytes:
        """Equal when nothing differs that sales decides: of companies, contacts and products only which they are.

        Their values are F&O's, or come back from there; those that matter to the order stand in its draft.
        """
        decided = asdict(self)
        decided["companies"] = [(company.id, company.primary) for company in self.companies]
        decided["contacts"] = [contact.id for contact in self.contacts]
        for line in decided["lines"]:
            del line["product"], line["product_key"]
        return digest(decided)


def read_time(text: str | None) -> datetime | None:
    """A HubSpot time (ISO 8601) as an aware time; None when empty."""
    return datetime.fromisoformat(text) if text else None


def value(properties: Mapping[str, Any], name: str) -> str:
    """A property as text; null and missing are both empty.

    Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis
    """
    return str(properties.get(name) or "")
