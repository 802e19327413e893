"""One row of the table: what it says, in short words, and the deal as a rep makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.orders.shop import DEAL_TO_COMPANY, DEAL_TO_CONTACT, DEAL_TO_PRIMARY, LINE_TO_DEAL
from tests.orders.tenants import NAMES, Tenant, email_of, read

from ml_connector.systems.dynamics.time_zones import iana

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.orders.shop import Shop

DEALS = Path(__file__).with_name("deals")
ALONE = {  # what others than the rep of this deal do
    *("in Dynamics", "in HubSpot", "Dynamics behaves", "settings", "hours later"),
    *("after the draft", "meanwhile"),
}
KEYS = {
    *("situation", "tenants", "deal", "first", "chosen", "release", "parks"),
    *("order", "why", "notes", "usual notes", "customer has", "company has"),
    *ALONE,
    *NAMES,
}
DEAL_KEYS = {
    *("company", "companies", "primary", "contacts", "lines", "owner", "pipeline", "currency", "quote"),
    *("amount", "with", "name"),
}
LINE = re.compile(
    r"""(?:"(?P<name>[^"]+)"|(?P<item>\S+))\ x\ (?P<quantity>-?[\d.]+)(?:\ (?P<unit>[a-z]+))?
    (?:\ at\ (?P<price>-?[\d.]+)(?:\ per\ (?P<per>\d+))?)?
    (?:\ less\ (?P<off>-?[\d.]+)\ each)?(?:\ (?:and\ )?less\ (?P<percent>-?[\d.]+)\ %)?(?:\ =\ (?P<amount>[\d.]+))?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Row:
    """One situation on one tenant."""

    file: str
    told: dict[str, Any]
    tenant: Tenant

    @property
    def name(self) -> str:
        """For the report of a test."""
        return f"{self.tenant.name}: {self.told['situation']}"

    @property
    def is_alone(self) -> bool:
        """Whether the row changes more than its own deal, so that no other row may see it."""
        deal = self.get("deal") or {}
        return (
            any(self.get(key) for key in ALONE) or "contacts" in deal or isinstance(deal.get("company"), dict)
        )

    def get(self, key: str, default: Any = None) -> Any:
        """What the row says of this tenant, its placeholders filled in."""
        own = self.told.get(self.tenant.name, {})
        return self.tenant.filled(own.get(key, self.told.get(key, default)))


def rows_of(path: Path, tenants: dict[str, Tenant]) -> Iterator[Row]:
    """Every row of a file on each tenant it is for."""
    for told in read(path):
        unknown = (told.keys() - KEYS) | (told.get("deal", {}).keys() - DEAL_KEYS)
        assert not unknown, f"{path.name}: {told.get('situation')}: {unknown}"
        for name in told.get("tenants", NAMES):
            yield Row(path.stem, told, tenants[name])


def every_row() -> list[Row]:
    """The whole table."""
    tenants = {name: Tenant(name) for name in NAMES}
    rows = [row for path in sorted(DEALS.glob("*.yaml")) for row in rows_of(path, tenants)]
    return sorted(rows, key=lambda row: (row.file, NAMES.index(row.tenant.name), row.is_alone))


def line_of(text: str) -> dict[str, str | None]:
    """``P-100 x 2 ea at 250.00 less 10 % = 450.00`` in its parts."""
    found = LINE.fullmatch(text)
    assert found, f"not a line: {text}"
    return found.groupdict()


def day_of(text: str, row: Row, shop: Shop) -> str:
    """``today``, ``in 9 days``, ``9 days ago`` where the tenant's legal entity is; anything else as it is."""
    found = re.fullmatch(r"today|in (\d+) days?|(\d+) days? ago", text)
    if not found:
        return text
    zone = row.tenant.told["legal entities"][row.tenant.home]["time zone"]
    today = shop.now().astimezone(ZoneInfo(iana(zone))).date()
    return (today + timedelta(days=int(found[1] or 0) - int(found[2] or 0))).isoformat()


class DealMaker:
    """The rep who makes the deal of a row."""

    def __init__(self, shop: Shop, row: Row) -> None:
        self.shop, self.row = shop, row
        self.deal: dict[str, Any] = row.get("deal") or {}
        self.lines: list[str] = []  # their ids

    def make(self) -> str:
        """The open deal with everything on it; its id."""
        shop = self.shop
        properties = {
            "dealname": self.deal.get("name", self.row.told["situation"][:60]),
            "deal_currency_code": self.currency,
            **self._pipeline(),
            "hubspot_owner_id": self._owner(),
            **{name: self.day(text) for name, text in self.deal.get("with", {}).items()},
        }
        deal = shop.rep_makes("deals", {name: value for name, value in properties.items() if value != ""})
        companies = self.companies()
        for company in companies:
            primary = company == self.deal.get("primary", company) and (
                len(companies) == 1 or "primary" in self.deal
            )
            shop.rep_joins(
                deal,
                "companies",
                self.company_id(company),
                DEAL_TO_PRIMARY if primary else DEAL_TO_COMPANY,
            )
        for contact in self.deal.get("contacts", []):
            shop.rep_joins(deal, "contacts", self._contact(contact), DEAL_TO_CONTACT)
        for position, line in enumerate(spread(self.deal.get("lines", ["P-100 x 2 at 250.00"])), start=1):
            self.lines.append(self._line(deal, position, line))
        if "amount" in self.deal:
            shop.hubspot.edit("deals", deal, {"amount": str(self.deal["amount"])}, shop.now())
        return deal

    @property
    def currency(self) -> str:
        """The deal's."""
        return str(self.deal.get("currency", self.row.tenant.told["order"]["currency"]))

    def day(self, text: Any) -> str:
        """A property of the deal; days as words become dates."""
        return day_of(str(text), self.row, self.shop)

    def companies(self) -> list[Any]:
        """The companies on the deal: names, or a new one's properties."""
        if "companies" in self.deal:
            return list(self.deal["companies"])
        if "contacts" in self.deal and "company" not in self.deal:
            return []
        return [self.deal.get("company", "Alpha Foundry")]

    def company_id(self, company: Any) -> str:
        """A company's id; one that is told by its properties is new."""
        if isinstance(company, dict):
            known = self.shop.of_hubspot("companies", "name", company["name"])
            return str(known["id"]) if known else self.shop.rep_makes("companies", company)
        found = self.shop.of_hubspot("companies", "name", company)
        assert found, f"no company {company}"
        return str(found["id"])

    def _contact(self, name: str) -> str:
        first, _, last = name.partition(" ")
        known = self.row.tenant.told["customers"].get(name, {})
        key = f"{self.row.tenant.home}:c-{known['account']}" if known else ""
        properties = {"firstname": first, "lastname": last, "email": email_of(name), "d365_contact_key": key}
        return self.shop.rep_makes("contacts", {name: text for name, text in properties.items() if text})

    def _owner(self) -> str:
        name = self.deal.get("owner", "Robin Reed")
        return next(
            (owner.id for owner in self.shop.hubspot.portal.owners if owner.email == email_of(name)), ""
        )

    def _pipeline(self) -> dict[str, str]:
        pipeline = self.shop.hubspot.portal.pipelines.named(self.deal.get("pipeline", "Sales"))
        return {"pipeline": pipeline.id, "dealstage": pipeline.stages[0].id}

    def _line(self, deal: str, position: int, line: dict[str, Any]) -> str:
        own = dict(line)
        told = line_of(own.pop("line"))
        properties: dict[str, str] = {
            "hs_position_on_quote": str(position),
            "quantity": str(told["quantity"]),
        }
        if told["item"]:
            product = self.shop.of_hubspot("products", "hs_sku", told["item"])
            properties |= {"hs_product_id": product["id"]} if product else {"hs_sku": told["item"]}
        properties["name"] = told["name"] or self._name(str(told["item"]))
        properties["hs_line_item_currency_code"] = self.currency
        for name, part in (("price", "price"), ("discount", "off"), ("hs_discount_percentage", "percent")):
            if told[part] is not None:
                properties[name] = str(told[part])
        properties |= {name: self.day(text) for name, text in own.items()}
        body = {
            "properties": {name: text for name, text in properties.items() if text != ""},
            "associations": [
                {
                    "to": {"id": deal},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LINE_TO_DEAL}],
                }
            ],
        }
        return str(self.shop.rep_asks("POST", "/crm/v3/objects/line_items", body)["id"])

    def _name(self, item: str) -> str:
        return str(self.row.tenant.items.get(item, {}).get("name", item))


def spread(lines: list[Any]) -> list[Any]:
    """The lines one by one: ``{line: ..., times: 120}`` is that many."""
    found: list[Any] = []
    for line in lines:
        own = dict(line) if isinstance(line, dict) else {"line": line}
        found += [own] * own.pop("times", 1)
    return found


def number(text: str | None) -> Decimal | None:
    """A number of a line, where there is one."""
    return None if text is None else Decimal(text)
