"""The shapes of the demo world. Both machines load themselves from it; neither knows the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """A company in F&O."""

    id: str  # lower-case dataAreaId: usmf
    name: str
    currency: str
    country: str  # ISO 3166 alpha-2
    country3: str  # alpha-3, as F&O's AddressCountryRegionId
    language: str  # en-US
    time_zone: str  # F&O's Timezone enumeration member
    default_site: str
    default_warehouse: str


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address."""

    street: str
    city: str
    zip_code: str
    state: str
    country: str
    country3: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person at a customer."""

    id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    job_title: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of one legal entity; ``party`` is shared by accounts of the same party."""

    legal_entity: str
    account: str
    party: str
    party_type: str  # Organization or Person
    name: str
    group: str
    currency: str
    payment_terms: str
    language: str
    phone: str
    email: str
    website: str
    address: Address
    on_hold: str = "No"  # a member of CustVendorBlocked
    invoice_account: str = ""
    tax_exempt_number: str = ""
    dimension_values: tuple[str, ...] = ()  # one per dimension of World.dimensions, "" when unset
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the shared catalogue."""

    number: str
    name: str
    description: str
    search_name: str
    group: str
    unit: str
    kind: str  # Item or Service
    lifecycle: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A product released to one legal entity as an item."""

    legal_entity: str
    product_number: str
    item_number: str
    price: Decimal
    price_quantity: Decimal
    unit_cost: Decimal
    stopped: bool = False  # sales processing stopped
    default_site: str = ""  # item default order settings; "" = none
    default_warehouse: str = ""


@dataclass(frozen=True, slots=True)
class DealLine:
    """What a rep will quote: a product by SKU and how much of it."""

    sku: str
    quantity: Decimal
    discount_percent: Decimal = field(kw_only=True)
    price: Decimal | None = field(
        default=None, kw_only=True
    )  # typed where the product shows none in the deal's currency


@dataclass(frozen=True, slots=True)
class Deal:
    """An open deal: no company and no lines yet; the rep links and quotes it by name and SKU."""

    name: str
    pipeline: str
    stage: str
    customer_name: str
    currency: str
    close_in_days: int
    owner_email: str
    customer_po: str
    lines: tuple[DealLine, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Everything both twins start from."""

    seed: int
    legal_entities: tuple[LegalEntity, ...]
    customers: tuple[Customer, ...]
    products: tuple[Product, ...]
    releases: tuple[Release, ...]
    deals: tuple[Deal, ...]
    dimensions: tuple[str, ...]  # ordered names of the active default dimension format
    dimension_delimiter: str  # a single character
    dimension_values: dict[str, tuple[tuple[str, str], ...]]  # name -> (value, description)
    customer_groups: tuple[tuple[str, str], ...]  # (id, description), the same in each entity
    payment_terms: tuple[tuple[str, str], ...]
    owners: tuple[tuple[str, str, str], ...]  # (e-mail, first name, last name)
    pipelines: tuple[
        tuple[str, tuple[tuple[str, str, bool, str], ...]], ...
    ]  # (label, ((stage label, stage key, closed, probability), ...))
    teams: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (name, e-mails of its owners); the first is primary
