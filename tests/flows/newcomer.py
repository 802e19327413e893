"""A company that buys for the first time: in HubSpot, perhaps in F&O under another name, with rules or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.app.deals import show_deal
from ml_connector.app.home import shipped_mapping
from ml_connector.domain.keys import split_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office
    from tests.flows.selling import ITEM, sold
else:
    from selling import ITEM, sold  # pytest puts this folder on the path

BIRK = {
    "name": "Birk Foundry",
    "address": "1 Mill Lane",
    "city": "Tacoma",
    "state": "Washington",
    "zip": "98402",
    "country": "United States",
    "phone": "253 555 0123",
    "domain": "birk-foundry.test",
}
BIRK_IN_DYNAMICS = {  # certainly the same: name and postal code
    "OrganizationName": "Birk Foundry Inc",
    "AddressCity": "Tacoma",
    "AddressZipCode": "98402",
    "AddressCountryRegionId": "USA",
}
LIKE_BIRK = {  # perhaps the same: the name in the town
    "OrganizationName": "Birk Foundry Ltd",
    "AddressCity": "Tacoma",
    "AddressCountryRegionId": "USA",
}
GROUPS = "  customer_group:\n    - {when: {customer.AddressCountryRegionId: USA}, value: '10'}\n"


async def newcomers(
    start: Callable[..., Awaitable[Office]],
    *,
    rules: str = "",
    switches: dict[str, str] | None = None,
    **orders: Any,
) -> Office:
    """An office whose orders go to ``usmf`` where nothing else is said; ``rules`` stand in for the shipped ones."""
    chosen = {"quiet_minutes": 0, "settle_s": 0.6, "default_legal_entity": "usmf", **orders}
    office = await start(
        settings={"orders": chosen},
        switches={"customer_numbers": "auto", "search_lag_s": "0", **(switches or {})},
    )
    if rules:
        with_rules(office, rules)
    return office


def with_rules(office: Office, rules: str) -> None:
    """Finance writes rules into orders.yaml."""
    text = shipped_mapping("orders")
    for line in rules.splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            text = text.replace(f"{line.rstrip()} []\n", "")
    (office.at.settings.mappings / "orders.yaml").write_text(text + rules, encoding="utf-8")


async def company(office: Office, **properties: str) -> str:
    made = await office.rep_asks("POST", "/crm/v3/objects/companies", {"properties": BIRK | properties})
    return str(made["id"])


async def first_deal(office: Office, company_id: str, **properties: str) -> str:
    """A won deal of one line."""
    return await sold(office, (ITEM, {}), companies=[company_id], win=True, **properties)


async def form_of(office: Office, deal: str) -> dict[str, tuple[Any, str, bool]]:
    """Value, rule and openness of each field of the new customer's form."""
    form = (await show_deal(office.at, deal))["draft"]["customer_form"]
    return {each["name"]: (each["value"], each["rule"], each["open"]) for each in form["fields"]}


def customers_of(office: Office, legal_entity: str = "usmf") -> dict[str, dict[str, Any]]:
    """Customers of a legal entity by account."""
    rows = office.records("CustomersV3")
    return {row["CustomerAccount"]: row for row in rows if row["dataAreaId"] == legal_entity}


def ordered_by(office: Office) -> list[str]:
    """The accounts that the orders went to."""
    return sorted(row["OrderingCustomerAccountNumber"] for row in office.orders())


def on_company(office: Office, company_id: str) -> tuple[str, str]:
    """The key and the further keys that a company carries."""
    found = next(row["properties"] for row in office.records("companies") if row["id"] == company_id)
    return found.get("d365_customer_key") or "", found.get("d365_customer_accounts") or ""


def account_of(key: str) -> str:
    return split_key(key)[1]
