"""The table's tenants in a busier year: more customers and items, some of which no order can be placed for."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.orders.tenants import NAMES, Tenant

if TYPE_CHECKING:
    from tests.orders.shop import Shop

__all__ = ["NAMES", "BusyTenant", "clerks_prepare"]

WORDS = (
    *("Amber", "Birch", "Cedar", "Dorset", "Ember", "Fjord", "Granite", "Heron", "Indigo", "Juniper"),
    *("Kestrel", "Larch", "Marble", "Nettle", "Osprey", "Pewter", "Quartz", "Raven", "Saffron", "Thistle"),
    *("Umber", "Violet", "Willow", "Yarrow", "Zephyr", "Alder", "Basalt", "Cobalt", "Dune", "Elder"),
    *("Falcon", "Garnet", "Hazel", "Iris", "Jasper", "Kelp", "Linden", "Magnet", "Nickel", "Onyx"),
)
FIRMS = tuple(f"{word} Works" for word in WORDS)  # customers of whom nothing is special
ITEMS = tuple(f"I-{number:02}" for number in range(1, 41))  # items of which nothing is special
# Customers for whom no order can be placed, or only with what they demand.
ON_HOLD, INVOICE_HOLD, PAYMENT_HOLD, PAYS_THROUGH = "Held Mills", "Billed Mills", "Paid Mills", "Guided Mills"
TWOFOLD, GONE, SUSPENDED, ADDRESSED = "Twofold Metals", "Gone Glass", "Paused Paper", "Reached Tools"
NUMBERED, REQUISITIONED = "Numbered Cables", "Requested Cables"
SPECIAL = (
    ON_HOLD,
    INVOICE_HOLD,
    PAYMENT_HOLD,
    PAYS_THROUGH,
    TWOFOLD,
    GONE,
    ADDRESSED,
    NUMBERED,
    REQUISITIONED,
)
STOPPED, MASTER, LIMITED, NO_SITE = "X-STOP", "X-MASTER", "X-LIMIT", "P-900"
UNIT_CHANGED, UNIT_CONVERTS, ENDED, WITHDRAWN = "X-UNIT", "X-BOX", "X-ENDED", "X-GONE"
ITEM_KINDS = (STOPPED, MASTER, LIMITED, UNIT_CHANGED, UNIT_CONVERTS, ENDED, WITHDRAWN)
ACCOUNTS = {"one": "US-1{:02}", "two": "C-11{:02}", "three": "101{:02}"}
PLACES = {"one": "Reno 895{:02} NV", "two": "Hameln 317{:02}", "three": "Uji 611-00{:02}"}
FIRST_DIMENSION = {"one": "001", "two": "C10", "three": "001"}
PAUSED = {"one": ("BusinessUnit", "009"), "two": ("CostCenter", "C90"), "three": ("BusinessUnit", "009")}


class BusyTenant(Tenant):
    """One of the three tenants with everything it has in the table, and more."""

    @cached_property
    def told(self) -> dict[str, Any]:
        """As the table has it, with further customers, items and a dimension value that is paused."""
        told = copy.deepcopy(Tenant(self.name).told)
        dimension, paused = PAUSED[self.name]
        told["dimension values"][dimension].append(paused)
        for place, name in enumerate((*FIRMS, *SPECIAL, SUSPENDED)):
            told["customers"][name] = {
                "account": ACCOUNTS[self.name].format(place),
                "at": PLACES[self.name].format(place),
                "dimensions": [paused if name == SUSPENDED else FIRST_DIMENSION[self.name]],
            }
        told["customers"][NUMBERED]["with"] = {"IsOrderNumberReferenceUsed": "Yes"}
        told["customers"][REQUISITIONED]["with"] = {"IsPurchRequestUsed": "Yes"}
        told["customers"][PAYS_THROUGH]["pays through"] = ON_HOLD
        items = told.setdefault("items", {})
        for place, number in enumerate((*ITEMS, *ITEM_KINDS)):
            items[number] = {"name": f"Part {number}", "unit": "ea", "price": 10 + place, "group": "SPARES"}
        return told


def clerks_prepare(shop: Shop) -> None:
    """What clerks have changed in Dynamics, and people in HubSpot, since customers and items were loaded."""
    tenant = shop.tenant
    home, dimension, paused = tenant.home, *PAUSED[tenant.name]
    for name, hold in ((ON_HOLD, "All"), (INVOICE_HOLD, "Invoice"), (PAYMENT_HOLD, "Payment")):
        shop.clerk_does(f"customer {name}", {"OnHoldStatus": hold})
    shop.clerk_does(f"no CustomersV3 {tenant.key(GONE)}", {})
    shop.clerk_does(f"FinancialDimensionValues {dimension}::{paused}", {"IsSuspended": "Yes"})
    for number, text, role, until in (
        ("L-1", "Gate 2", "Yes", ""),
        ("L-2", "Old yard", "Yes", "2025-01-01T00:00:00Z"),
        ("L-3", "Office", "No", ""),
    ):
        address = {
            "CustomerAccountNumber": tenant.account(ADDRESSED),
            "AddressLocationId": number,
            "AddressDescription": text,
            "AddressCity": "Reno",
            "IsRoleDelivery": role,
            "Effective": "2020-01-01T00:00:00Z",
        }
        shop.clerk_does("new CustomerPostalAddresses", address | ({"Expiration": until} if until else {}))
    shop.clerk_does(f"order settings {STOPPED}", {"IsSalesProcessingStopped": "Yes"})
    limits = {"MinimumSalesOrderQuantity": 20, "MaximumSalesOrderQuantity": 200, "SalesQuantityMultiples": 10}
    shop.clerk_does(f"order settings {LIMITED}", limits)
    shop.clerk_does(f"item {MASTER}", {"ProductSubType": "ProductMaster"})
    for size in ("S", "L"):
        variant = {
            "ProductMasterNumber": MASTER,
            "ItemNumber": MASTER,
            "ProductVariantNumber": f"{MASTER}-{size}",
        }
        shop.clerk_does("new ReleasedProductVariantsV2", {**variant, "ProductSizeId": size})
    shop.clerk_does(f"item {UNIT_CHANGED}", {"SalesUnitSymbol": "kg"})
    shop.clerk_does(f"item {UNIT_CONVERTS}", {"SalesUnitSymbol": "box"})
    conversion = {"FromUnitSymbol": "box", "ToUnitSymbol": "ea", "ProductNumber": UNIT_CONVERTS, "Factor": 12}
    shop.clerk_does("new ProductUnitOfMeasureConversions", conversion)
    shop.clerk_does(f"item {ENDED}", {"ProductLifecycleStateId": "Ended"})
    shop.clerk_does(f"no ReleasedProductsV2 {home}:{WITHDRAWN}", {})
    if tenant.name == "three":
        shop.clerk_does("no Currencies GBP", {})
    company = shop.of_hubspot("companies", "name", TWOFOLD)
    assert company
    second = {"d365_customer_accounts": tenant.key("Beta Mills")}
    shop.hubspot.edit("companies", company["id"], second, shop.now())
