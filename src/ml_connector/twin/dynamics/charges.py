"""Automatic charges of orders, and the totals that would show them.

A legal entity's set-up gives each new order its charges unless the order skips them. Charges stand beside the
lines and are in no line's amount; the header shows them among its totals, which F&O leaves at 0 unless they are
computed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.set_up import number, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.tables import Row, Store

HEADER_SETS = ("SalesOrderHeadersV2", "SalesOrderHeadersV3", "SalesOrderHeadersV4")


def charge(environment: Environment, order: Row) -> None:
    """Give a new order the charges of its legal entity."""
    if order.values["SkipCreateAutoCharges"] == "Yes" or environment.is_on("auto_charges", "none"):
        return
    company = str(order.values["dataAreaId"])
    for row in rows_of(environment, "auto_charges", company):
        values = {name: row.values[name] for name in ("dataAreaId", "ChargeCode", "Amount")}
        values["SalesOrderNumber"] = order.values["SalesOrderNumber"]
        environment.store.insert("charges", values)


def totals(store: Store, switches: Mapping[str, str]) -> dict[str, dict[str, Callable[[Row], Any]]]:
    """How the header sets work out their totals; nothing where F&O does not compute them."""
    if switches["order_totals"] == "not_computed":
        return {}

    def charged(order: Row) -> Decimal:
        return sum((number(row.values, "Amount") for row in _of(store, "charges", order)), Decimal(0))

    def total(order: Row) -> Decimal:
        lines = (number(row.values, "LineAmount") for row in _of(store, "lines", order))
        return sum(lines, Decimal(0)) + charged(order)

    computed: dict[str, Callable[[Row], Any]] = {
        "AreTotalsCalculated": lambda _order: "Yes",
        "OrderTotalChargesAmount": charged,
        "OrderTotalAmount": total,
    }
    return dict.fromkeys(HEADER_SETS, computed)


def _of(store: Store, table: str, order: Row) -> list[Row]:
    rows = store.tables[table].where("SalesOrderNumber", [order.values["SalesOrderNumber"]])
    return [row for row in rows if row.values["dataAreaId"] == order.values["dataAreaId"]]
