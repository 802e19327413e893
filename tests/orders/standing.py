"""What stands after a row's deal: the order in F&O in the table's words, against the order the table expects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.orders.row import day_of, line_of, number, spread
from tests.orders.shop import PORTAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.orders.row import Row
    from tests.orders.shop import Shop

DIMENSIONS = "DefaultLedgerDimensionDisplayValue"
# The table's word for a field of the header.
HEADER = {
    "legal entity": "dataAreaId",
    "number": "SalesOrderNumber",
    "reference": "CustomersOrderReference",
    "customer": "OrderingCustomerAccountNumber",
    "payer": "InvoiceCustomerAccountNumber",
    "currency": "CurrencyCode",
    "language": "LanguageId",
    "their number": "CustomerRequisitionNumber",
    "ships on": "RequestedShippingDate",
    "arrives on": "RequestedReceiptDate",
    "goes to": "DeliveryAddressLocationId",
    "dimensions": DIMENSIONS,
    "taker": "OrderTakerPersonnelNumber",
    "responsible": "OrderResponsiblePersonnelNumber",
    "pool": "SalesOrderPoolId",
    "origin": "SalesOrderOriginCode",
    "charges": "SkipCreateAutoCharges",
    "prices include tax": "ArePricesIncludingSalesTax",
}
LINE = {
    "text": "LineDescription",
    "ships on": "RequestedShippingDate",
    "arrives on": "RequestedReceiptDate",
    "dimensions": DIMENSIONS,
    "configuration": "ProductConfigurationId",
    "size": "ProductSizeId",
    "color": "ProductColorId",
    "style": "ProductStyleId",
    "version": "ProductVersionId",
}
DAYS = ("ships on", "arrives on")


@dataclass(frozen=True)
class Expected:
    """The order that a row expects: what it says, and for the rest what every order of the tenant looks like."""

    row: Row
    shop: Shop
    deal: str
    company: Any  # on the deal: a customer's name, or a new company

    def header(self) -> dict[str, str]:
        """Every field of the header."""
        tenant, said = self.row.tenant, self.row.get("order") or {}
        standard = {
            "reference": f"HS-{PORTAL}-{self.deal}",
            "their number": "",
            "goes to": "",
            "prices include tax": "No",
            "ships on": "today",
            "arrives on": "today",
            **{name: text for name, text in tenant.told["order"].items() if name != "dimensions"},
            "dimensions": tenant.told["order"]["dimensions"],
            **{name: text for name, text in said.items() if name != "lines"},
        }
        entity = standard["legal entity"]
        customer = self._account(standard.get("customer", self.company), entity)
        payer = self._account(standard.get("payer", self._payer(standard)), entity)
        standard |= {"customer": customer, "payer": payer or customer}
        if entity != tenant.home and "currency" not in said:
            standard["currency"] = tenant.told["legal entities"][entity]["currency"]
        standard["number"] = str(standard["number"]).replace("<deal>", self.deal)
        for name in DAYS:
            standard[name] = day_of(standard[name], self.row, self.shop)
        return {name: str(text) for name, text in standard.items()}

    def _payer(self, standard: dict[str, Any]) -> Any:
        """The customer's invoice account, as the tenant's own set-up says."""
        customer = standard.get("customer", self.company)
        one = self.row.tenant.told["customers"].get(customer, {}) if isinstance(customer, str) else {}
        return one.get("pays through", "")

    def _account(self, customer: Any, entity: str) -> str:
        if isinstance(customer, dict):
            return "?"
        known = self.row.tenant.told["customers"]
        return self.row.tenant.account(customer, entity) if customer in known else str(customer)

    def lines(self, header: dict[str, str]) -> list[dict[str, Any]]:
        """Every line, field by field."""
        said = self.row.get("order") or {}
        usual = self.row.tenant.told["lines"]
        found = []
        for own in spread(said.get("lines", ["P-100 x 2 ea at 250.00 = 500.00"])):
            item = str(line_of(own["line"])["item"])
            dimensions = usual.get("dimensions", {}).get(item)
            if "dimensions" in said or dimensions is None:
                dimensions = header["dimensions"]
            standard = {
                **{name: "" for name in LINE if name not in ("text", "dimensions", *DAYS)},
                "ships from": usual["ships from"],
                "text": self._name(item),
                "dimensions": dimensions,
                "ships on": header["ships on"],
                "arrives on": header["arrives on"],
                **own,
            }
            standard |= {name: day_of(standard[name], self.row, self.shop) for name in DAYS}
            found.append(standard)
        return found

    def _name(self, item: str) -> str:
        items = self.row.tenant.items
        return next(
            (one["name"] for key, one in items.items() if self.row.tenant.item_number(key) == item), item
        )


def header_stands(row: dict[str, Any]) -> dict[str, str]:
    """The header in F&O, in the table's words."""
    found = {name: str(row[field] or "") for name, field in HEADER.items()}
    found |= {name: found[name][:10] for name in DAYS}
    found["charges"] = {"No": "dynamics", "Yes": "none"}[found["charges"]]
    found["ships from"] = place(row["DefaultShippingSiteId"], row["DefaultShippingWarehouseId"])
    return found


def line_stands(row: dict[str, Any]) -> dict[str, str]:
    """A line in F&O, in the table's words."""
    found = {name: str(row[field] or "") for name, field in LINE.items()}
    found |= {name: found[name][:10] for name in DAYS}
    found["ships from"] = place(row["ShippingSiteId"], row["ShippingWarehouseId"])
    return found | {"line": line_text(row)}


def place(site: str, warehouse: str) -> str:
    """``1/11``; empty when neither is said."""
    return f"{site}/{warehouse}" if site or warehouse else ""


def line_text(row: dict[str, Any]) -> str:
    """``P-100 x 2 ea at 250 less 10 % = 450``."""
    per, off, percent = (
        Decimal(row[name] or 0)
        for name in ("SalesPriceQuantity", "LineDiscountAmount", "LineDiscountPercentage")
    )
    words = f"{row['ItemNumber']} x {plain(row['OrderedSalesQuantity'])} {row['SalesUnitSymbol']}"
    words += f" at {plain(row['SalesPrice'])}"
    words += f" per {plain(per)}" if per not in (0, 1) else ""
    words += f" less {plain(off)} each" if off else ""
    words += f" less {plain(percent)} %" if percent else ""
    return f"{words} = {plain(row['LineAmount'])}"


def plain(value: Any) -> str:
    """A number without needless zeros."""
    return format(Decimal(value).normalize(), "f")


def order_differences(expected: Expected) -> Iterator[str]:
    """Field by field, line by line: what stands otherwise than the table says."""
    shop = expected.shop
    orders = orders_of(shop, expected.deal)
    if len(orders) != 1:
        yield f"{len(orders)} orders stand in Dynamics"
        return
    header = expected.header()
    stands = header_stands(orders[0])
    if header["customer"] == "?":
        header |= {"customer": stands["customer"], "payer": stands["payer"]}
    if "#" in header["number"]:  # Dynamics gives the number
        header["number"] = stands["number"] if fits(stands["number"], header["number"]) else header["number"]
    yield from _fields("", header, stands)
    wanted = expected.lines(header)
    order = (stands["legal entity"], stands["number"])
    of_order = [
        row for row in shop.rows("SalesOrderLinesV3") if (row["dataAreaId"], row["SalesOrderNumber"]) == order
    ]
    lines = sorted(of_order, key=lambda row: row["CustomersLineNumber"])
    numbers = [line["CustomersLineNumber"] for line in lines]
    if numbers != list(range(1, len(wanted) + 1)):
        yield f"lines {numbers} stand instead of 1 to {len(wanted)}"
        return
    for position, (want, line) in enumerate(zip(wanted, lines, strict=True), start=1):
        found = line_stands(line)
        text = str(want.pop("line"))
        if parts(text) != parts(found["line"]):
            yield f"line {position} is {found['line']}; the table says {text}"
        yield from _fields(f"line {position} ", want, found)


def orders_of(shop: Shop, deal: str) -> list[dict[str, Any]]:
    """The orders that carry a deal's reference."""
    reference = f"HS-{PORTAL}-{deal}"
    return [
        row
        for row in shop.rows("SalesOrderHeadersV2")
        if row["CustomersOrderReference"].startswith(reference)
    ]


def fits(text: str, pattern: str) -> bool:
    """Whether a number is one of its sequence: ``SO-######``."""
    return re.fullmatch(re.escape(pattern).replace(r"\#", r"\d"), text) is not None


def parts(text: str) -> tuple[Any, ...]:
    """A line's parts, so that 250 and 250.00 are the same."""
    told = line_of(text)
    zero = Decimal(0)
    return (
        *(told["item"], told["unit"], number(told["quantity"]), number(told["price"])),
        number(told["per"]) or Decimal(1),
        *(number(told[name]) or zero for name in ("off", "percent")),
        number(told["amount"]),
    )


def _fields(where: str, expected: dict[str, str], stands: dict[str, str]) -> Iterator[str]:
    for name, want in expected.items():
        if str(want) != stands[name]:
            yield f"{where}{name} is '{stands[name]}'; the table says '{want}'"
