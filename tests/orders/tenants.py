"""The three tenants of the table: their worlds, settings, mapping files and what an order of theirs looks like.

What they are stands in the folder ``tenants``, in words; here it becomes a world for the twins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ml_connector.app.home import shipped_mapping
from ml_connector.twin.world.model import Address, Customer, LegalEntity, Product, Release, World

FOLDER = Path(__file__).with_name("tenants")
NAMES = ("one", "two", "three")
STAGES = (
    ("Appointment scheduled", "appointmentscheduled", False, "0.2"),
    ("Closed won", "closedwon", True, "1.0"),
    ("Closed lost", "closedlost", True, "0.0"),
)


@dataclass(frozen=True)
class Tenant:
    """One tenant, as its folder describes it."""

    name: str

    @cached_property
    def told(self) -> dict[str, Any]:
        """What ``tenant.yaml`` says."""
        told: dict[str, Any] = read(FOLDER / self.name / "tenant.yaml")
        return told

    @cached_property
    def items(self) -> dict[str, dict[str, Any]]:
        """What is sold, by product number."""
        return {**read(FOLDER / "items.yaml"), **self.told.get("items", {})}

    @property
    def home(self) -> str:
        """The legal entity that sells where nothing else is said."""
        return str(self.told["order"]["legal entity"])

    @property
    def connected(self) -> list[str]:
        """The legal entities the connector works with."""
        return list(self.told.get("connected", self.told["legal entities"]))

    @property
    def mark(self) -> str:
        """Between the values of a dimension string."""
        return {"Hyphen": "-", "Bar": "|", "DoubleHyphen": "--"}[self.told["delimiter"]]

    @property
    def switches(self) -> dict[str, str]:
        """How Dynamics behaves here."""
        return {**self.told["dynamics"], "dimension_delimiter": self.told["delimiter"]}

    def account(self, customer: str, legal_entity: str = "") -> str:
        """The account of a customer, in its own legal entity or another one."""
        one = self.told["customers"][customer]
        return str(one.get("also", {}).get(legal_entity) or one["account"])

    def key(self, customer: str) -> str:
        """Legal entity and account, as keys are written."""
        one = self.told["customers"][customer]
        return f"{one.get('in', self.home)}:{one['account']}"

    def item_number(self, product: str) -> str:
        """The item number of a product."""
        return str(self.items[product].get("item", product))

    def filled(self, value: Any) -> Any:
        """``<Alpha Foundry>`` is its account, ``<here>`` the legal entity, ``<currency>`` its currency."""
        if isinstance(value, dict):
            return {self.filled(key): self.filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if not isinstance(value, str):
            return value
        known = {"here": self.home, "currency": self.told["order"]["currency"]}
        known |= {name: self.account(name) for name in self.told["customers"]}
        return re.sub(r"<([^<>]+)>", lambda found: known.get(found[1], found[0]), value)

    def write_mappings(self, folder: Path) -> None:
        """The mapping files as finance keeps them: rules into ``orders.yaml``, everything else beside it."""
        text, rules = shipped_mapping("orders"), (FOLDER / self.name / "rules.yaml").read_text("utf-8")
        for line in rules.splitlines():
            if line.startswith("  ") and not line.startswith("   "):
                text = text.replace(f"{line} []\n", "")
        (folder / "orders.yaml").write_text(text + rules, encoding="utf-8")
        for path in (FOLDER / self.name).iterdir():
            if path.name not in ("rules.yaml", "tenant.yaml"):
                (folder / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")

    def world(self) -> World:
        """What both twins start from."""
        told = self.told
        return World(
            seed=1,
            legal_entities=tuple(_entity(name, one) for name, one in told["legal entities"].items()),
            customers=tuple(self._customers()),
            products=tuple(_product(number, one) for number, one in self.items.items()),
            releases=tuple(self._releases()),
            deals=(),
            dimensions=tuple(told["dimensions"]),
            dimension_delimiter=self.mark[0],
            dimension_values={
                name: tuple((value, value) for value in found)
                for name, found in told["dimension values"].items()
            },
            customer_groups=(("10", "Wholesale"), ("20", "Retail")),
            payment_terms=(("Net30", "Net 30 days"), ("Net45", "Net 45 days")),
            owners=tuple((email_of(name), *name.split()) for name in told["owners"]),
            pipelines=tuple((name, STAGES) for name in told["pipelines"]),
            teams=tuple((team, (email_of(name),)) for team, name in told["teams"].items()),
        )

    def _customers(self) -> list[Customer]:
        found = []
        for place, (name, one) in enumerate(self.told["customers"].items(), start=1):
            accounts = {one.get("in", self.home): one["account"], **one.get("also", {})}
            found += [
                self._customer(name, one, f"P-{place:06}", entity, account)
                for entity, account in accounts.items()
            ]
        return found

    def _customer(
        self, name: str, one: dict[str, Any], party: str, legal_entity: str, account: str
    ) -> Customer:
        entity = _entity(legal_entity, self.told["legal entities"][legal_entity])
        values = one.get("dimensions", [])
        payer = one.get("pays through")
        return Customer(
            legal_entity=legal_entity,
            account=account,
            party=party,
            party_type="Person" if one.get("person") else "Organization",
            name=name,
            group="10",
            currency=entity.currency,
            payment_terms="Net30",
            language=entity.language,
            phone="",
            email=email_of(name) if one.get("person") else "",
            website="",
            address=_address(one["at"], entity),
            invoice_account=self.account(payer) if payer else "",
            dimension_values=(*values, *[""] * (len(self.told["dimensions"]) - len(values))),
        )

    def _releases(self) -> list[Release]:
        return [
            Release(
                legal_entity=name,
                product_number=number,
                item_number=self.item_number(number),
                price=Decimal(str(one["price"])),
                price_quantity=Decimal(one.get("per", 1)),
                unit_cost=Decimal(1),
                default_site="" if one.get("place") == "none" else entity.default_site,
                default_warehouse="" if one.get("place") == "none" else entity.default_warehouse,
            )
            for name, of_entity in self.told["legal entities"].items()
            for entity in [_entity(name, of_entity)]
            for number, one in self.items.items()
            if one.get("only", name) == name
        ]


def read(path: Path) -> Any:
    """A YAML file of the table."""
    return yaml.safe_load(path.read_text("utf-8"))


def email_of(name: str) -> str:
    """Robin Reed is robin@example.com."""
    return f"{name.partition(' ')[0].lower()}@example.com"


def _entity(name: str, one: dict[str, Any]) -> LegalEntity:
    country, country3 = one["country"].split()
    site, _, warehouse = one["ships from"].partition("/")
    return LegalEntity(
        id=name,
        name=one["name"],
        currency=one["currency"],
        country=country,
        country3=country3,
        language=one["language"],
        time_zone=one["time zone"],
        default_site=site,
        default_warehouse=warehouse,
    )


def _address(at: str, entity: LegalEntity) -> Address:
    """``Chicago 60601 IL``: city, postal code and, in the United States, the state."""
    city, _, rest = at.partition(" ")
    code, state = rest.rsplit(" ", 1) if entity.country == "US" else (rest, "")
    return Address("1 Main Street", city, code, state, entity.country, entity.country3)


def _product(number: str, one: dict[str, Any]) -> Product:
    return Product(
        number, one["name"], "", one["name"].upper(), one["group"], one["unit"], one.get("kind", "Item")
    )
