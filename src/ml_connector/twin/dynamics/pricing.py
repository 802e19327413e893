"""What a line costs when the client does not say: trade agreements, else the item's price; units and amounts.

https://learn.microsoft.com/dynamics365/commerce/price-management
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.entities import EMPTY_DATE
from ml_connector.twin.dynamics.environment import same
from ml_connector.twin.dynamics.errors import invalid_field
from ml_connector.twin.dynamics.set_up import VARIANT_DIMENSIONS, fits, number, rows_of
from ml_connector.twin.dynamics.values import noon

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.dynamics.environment import Change, Environment
    from ml_connector.twin.dynamics.tables import Row

AMOUNT_PARTS = {
    *("OrderedSalesQuantity", "SalesPrice", "SalesPriceQuantity"),
    *("LineDiscountAmount", "LineDiscountPercentage"),
}
DISCOUNTS = {"LineDiscountAmount": "DiscountAmount", "LineDiscountPercentage": "DiscountPercentage"}
_CENT = Decimal("0.01")


def line_amount(values: Mapping[str, Any]) -> Decimal:
    """Net amount: quantity x (price / price quantity - discount) x (1 - percent / 100), to the cent."""
    price = number(values, "SalesPrice") / (number(values, "SalesPriceQuantity") or Decimal(1))
    net = price - number(values, "LineDiscountAmount")
    share = 1 - number(values, "LineDiscountPercentage") / 100
    return _to_cent(number(values, "OrderedSalesQuantity") * net * share)


def price_line(
    environment: Environment, change: Change, order: Row, release: Row, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Price and discount of a new line: as sent, else agreed, else the item's.

    ``values`` are the line's other values: quantity, unit, site, product dimensions.
    """
    overrides = environment.is_on("agreement_when_sent", "overrides")
    found = _price(environment, change, release, values)
    if overrides or "SalesPrice" not in change.fields:
        agreed = _agreed(environment, "SalesPriceAgreements", change, order, values)
        if agreed is not None:
            found["SalesPrice"] = number(agreed.values, "Price")
            found["SalesPriceQuantity"] = number(agreed.values, "SalesPriceQuantity") or Decimal(1)
            found["FixedPriceCharges"] = number(agreed.values, "FixedPriceCharges")
    if overrides or not DISCOUNTS.keys() & change.fields.keys():
        found |= _discount(environment, change, order, values)
    return found


def units_of_item(environment: Environment, change: Change, release: Row, unit: str, own: str) -> Decimal:
    """How many of the item's own unit one of the line's unit is.

    Raises:
        InfologError: no conversion between the two is set up.
    """
    if not unit or same(unit, own):
        return Decimal(1)
    product = str(release.values["ProductNumber"])
    for source, target, turned in ((unit, own, False), (own, unit, True)):
        row = _conversion(environment, product, source, target)
        if row is not None:
            factor = (number(row.values, "Factor") or Decimal(1)) * (
                (number(row.values, "Numerator") or Decimal(1))
                / (number(row.values, "Denominator") or Decimal(1))
            )
            return 1 / factor if turned else factor
    raise invalid_field(
        f"No unit conversion from {unit} to {own} exists for item {release.values['ItemNumber']}.",
        change.field_name("SalesUnitSymbol"),
    )


def rounded_quantity(environment: Environment, change: Change, quantity: Decimal, unit: str) -> Decimal:
    """A quantity within the decimals of its unit.

    Raises:
        InfologError: it has more, and the switch says that F&O refuses that.
    """
    row = environment.find("UnitsOfMeasure", unit)
    decimals = int(row.values.get("DecimalPrecision", 0)) if row else 2
    fitting = quantity.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    if environment.is_on("unit_decimals", "kept") or fitting == quantity:
        return quantity
    if environment.is_on("unit_decimals", "refused"):
        raise invalid_field(
            f"Quantity {quantity} has more decimals than unit {unit} allows ({decimals}).",
            change.field_name("OrderedSalesQuantity"),
        )
    return fitting


def _price(
    environment: Environment, change: Change, release: Row, values: Mapping[str, Any]
) -> dict[str, Any]:
    """As sent, else the item's own price, carried over to the line's unit."""
    names = ("SalesPrice", "SalesPriceQuantity")
    found = {name: change.fields.get(name, release.values.get(name, 0)) for name in names}
    if "SalesPrice" not in change.fields:
        own = _own_unit(release)
        factor = units_of_item(environment, change, release, str(values["SalesUnitSymbol"]), own)
        if factor != 1:
            found["SalesPrice"] = _to_cent(number(found, "SalesPrice") * factor)
    return found


def _own_unit(release: Row) -> str:
    beside = release.joined.values if release.joined else {}
    return str(release.values.get("SalesUnitSymbol", beside.get("SalesUnitSymbol", "")))


def _discount(
    environment: Environment, change: Change, order: Row, values: Mapping[str, Any]
) -> dict[str, Any]:
    agreed = _agreed(environment, "SalesLineDiscountAgreements", change, order, values)
    if agreed is not None:
        return {name: number(agreed.values, source) for name, source in DISCOUNTS.items()}
    percent = Decimal(environment.switches["trade_agreement_percent"])
    return {"LineDiscountAmount": Decimal(0), "LineDiscountPercentage": percent} if percent else {}


def _agreed(
    environment: Environment, table: str, change: Change, order: Row, values: Mapping[str, Any]
) -> Row | None:
    """The agreement that counts: the customer's own before its price group's before everybody's, then the best."""
    item = str(values["ItemNumber"])
    today = noon(change.now)
    fitting = [
        row
        for row in rows_of(environment, table, change.company, ItemNumber=item)
        if _is_for(row, order, values) and _counts_on(row, today)
    ]
    account = str(order.values["OrderingCustomerAccountNumber"])
    group = str(order.values.get("PriceCustomerGroupCode", ""))
    levels = (("CustomerAccountNumber", account), ("PriceCustomerGroupCode", group), ("", ""))
    candidates: list[Row] = []
    for name, value in levels:
        here = [row for row in fitting if _stands_at(row, name, value)]
        candidates += here
        if any(row.values.get("WillSearchContinue", "No") == "No" for row in here):
            break
    return min(candidates, key=_net, default=None)


def _stands_at(row: Row, name: str, value: str) -> bool:
    own = row.values
    if not name:
        return not own.get("CustomerAccountNumber") and not own.get("PriceCustomerGroupCode")
    return bool(value) and same(own.get(name, ""), value)


def _is_for(row: Row, order: Row, values: Mapping[str, Any]) -> bool:
    quantity = number(values, "OrderedSalesQuantity")
    to = number(row.values, "ToQuantity")
    wanted = {
        "PriceCurrencyCode": str(order.values["CurrencyCode"]),
        "QuantityUnitySymbol": str(values.get("SalesUnitSymbol", "")),
        "PriceSiteId": str(values.get("ShippingSiteId", "")),
        "PriceWarehouseId": str(values.get("ShippingWarehouseId", "")),
        **{name: str(values.get(name, "")) for name in VARIANT_DIMENSIONS},
    }
    return (
        number(row.values, "FromQuantity") <= quantity and (not to or quantity < to) and fits(row, **wanted)
    )


def _counts_on(row: Row, today: str) -> bool:
    first = row.values.get("PriceApplicableFromDate", EMPTY_DATE)
    last = row.values.get("PriceApplicableToDate", EMPTY_DATE)
    return bool(first <= today and (last[:10] == EMPTY_DATE[:10] or today <= last))


def _net(row: Row) -> Decimal:
    """The better agreement is the lower price per piece, or the higher discount."""
    own = row.values
    price = number(own, "Price") / (number(own, "SalesPriceQuantity") or Decimal(1))
    return price - number(own, "DiscountAmount") - number(own, "DiscountPercentage")


def _conversion(environment: Environment, product: str, source: str, target: str) -> Row | None:
    tables = environment.store.tables
    key = ("FromUnitSymbol", "ToUnitSymbol")
    own = tables["ProductUnitOfMeasureConversions"].find((*key, "ProductNumber"), [source, target, product])
    return own or tables["UnitOfMeasureConversions"].find(key, [source, target])


def _to_cent(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)
