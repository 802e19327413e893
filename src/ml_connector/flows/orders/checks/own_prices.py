"""What F&O would charge for a draft whose prices are left to it, as far as its price lists tell beforehand.

A price agreement goes before the item's own price: the customer's before its price group's before everybody's, the
lowest of them; a level ends the search unless one of its rows says to go on. A line of which that is not certain is
not judged.
https://learn.microsoft.com/dynamics365/supply-chain/sales-marketing/tasks/create-trade-agreement
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.domain.money import currency_digits, round_half_up
from ml_connector.errors import RecordError
from ml_connector.flows.orders.lines.catalogue import DIMENSIONS, RELEASES
from ml_connector.flows.orders.placing.pricing import PriceDifference, price_differences
from ml_connector.flows.orders.set_up import Row, if_offered
from ml_connector.flows.orders.terms.step import today_in
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.flows.orders.draft.order_draft import DraftLine, OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow

AGREEMENTS = "SalesPriceAgreements"
PRICE_GROUP = "DiscountPriceGroupId"
DISCOUNTS = ("SalesLineDiscountAgreements", "SalesMultiLineDiscountAgreements")
ITEM_FIELDS = (
    "dataAreaId",
    "ItemNumber",
    "SalesPrice",
    "SalesPriceQuantity",
    "SalesUnitSymbol",
    "FixedSalesPriceCharges",
)
AGREEMENT_FIELDS = (
    "dataAreaId",
    "ItemNumber",
    "Price",
    "SalesPriceQuantity",
    "FixedPriceCharges",
    "PriceCurrencyCode",
    "QuantityUnitySymbol",
    "FromQuantity",
    "ToQuantity",
    "PriceApplicableFromDate",
    "PriceApplicableToDate",
    "CustomerAccountNumber",
    "PriceCustomerGroupCode",
    "WillSearchContinue",
    "PriceSiteId",
    "PriceWarehouseId",
    "AttributeBasedPricingId",
    "ProductconfigurationId",
    "ProductSizeId",
    "ProductColorId",
    "ProductStyleId",
    "ProductVersionId",
)
KEY_FIELDS = ("dataAreaId", "RecordId")
NARROWER = (  # an agreement with one of these is for a part of the item's sales only
    "PriceSiteId",
    "PriceWarehouseId",
    "AttributeBasedPricingId",
    *(name for name in AGREEMENT_FIELDS if name.casefold() in {each.casefold() for each in DIMENSIONS}),
)
NO_DATE = "1900-01-01"


async def price_problem(flow: OrderFlow, draft: OrderDraft) -> RecordError | None:
    """What the order would wait for once F&O has priced it; None where nothing is certain to differ too far."""
    currency = flow.currencies.get(draft.legal_entity, "")
    if flow.settings.price_policy == "deal" or draft.currency != currency:
        return None
    amounts = await _amounts(flow, draft)
    known = [line for line in draft.lines if line.position in amounts]
    tolerance = flow.settings.price_tolerance
    found = price_differences(known, amounts, tolerance=tolerance, currency=draft.currency)
    far = [each for each in found if each.too_far]
    if any(each.deal < each.dynamics for each in far) and await _gives_discounts(flow, draft.legal_entity):
        far = [each for each in far if each.deal > each.dynamics]  # the others may be what the discount makes
    return _differs(draft, far) if far else None


def _differs(draft: OrderDraft, far: Sequence[PriceDifference]) -> RecordError:
    words = " ".join(each.in_words(draft.currency) for each in far)
    return RecordError(
        f"deals/{draft.deal_id} ({draft.deal_name}): Dynamics sets the prices, and would set others. {words}",
        code="order.price_differs",
    )


async def _amounts(flow: OrderFlow, draft: OrderDraft) -> dict[int, Decimal]:
    """F&O's amount by the position of the line; a line of which it is not certain is left out."""
    here = equals("dataAreaId", draft.legal_entity)
    lines = {line.position: _Line.of(line) for line in draft.lines}
    numbers = sorted({line.item for line in lines.values()})
    items = await flow.dynamics.rows_by(
        RELEASES, "ItemNumber", numbers, select=ITEM_FIELDS, extra_filter=here
    )
    agreed = await if_offered(
        flow.dynamics.rows_by(AGREEMENTS, "ItemNumber", numbers, select=AGREEMENT_FIELDS, extra_filter=here)
    )
    if agreed is None:
        return {}
    by_item = {row["ItemNumber"]: row for row in items}
    agreements: dict[str, list[Row]] = defaultdict(list)
    for row in agreed:
        agreements[row["ItemNumber"]].append(row)
    search = _Search(
        draft.currency,
        draft.customer_account,
        await _price_group(flow, draft, agreed),
        today_in(
            flow.time_zones.get(draft.legal_entity, ""), draft.legal_entity, flow.engine.around.clock.now()
        ).day.isoformat(),
    )
    found = {
        position: search.amount(line, by_item[line.item], agreements[line.item])
        for position, line in lines.items()
        if line.item in by_item
    }
    digits = currency_digits(draft.currency)
    return {
        position: round_half_up(amount, digits) for position, amount in found.items() if amount is not None
    }


async def _price_group(flow: OrderFlow, draft: OrderDraft, agreed: Sequence[Row]) -> str:
    """The customer's price group, where an agreement is for one."""
    if not any(row["PriceCustomerGroupCode"] for row in agreed):
        return ""
    key = {"dataAreaId": draft.legal_entity, "CustomerAccount": draft.customer_account}
    row = await flow.dynamics.row("CustomersV3", key, select=(*key, PRICE_GROUP))
    return str(row[PRICE_GROUP]) if row is not None else ""


async def _gives_discounts(flow: OrderFlow, legal_entity: str) -> bool:
    """Whether the legal entity has discount agreements, of which the connector reads no more than that."""

    async def one_of(data_entity: str) -> list[Row]:
        here = equals("dataAreaId", legal_entity)
        return list((await flow.dynamics.page(data_entity, select=KEY_FIELDS, filter=here, top=1)).rows)

    return any([await if_offered(one_of(data_entity)) for data_entity in DISCOUNTS])


@dataclass(frozen=True, slots=True)
class _Line:
    item: str
    quantity: Decimal
    unit: str

    @classmethod
    def of(cls, line: DraftLine) -> _Line:
        values: Mapping[str, Any] = {field.name: field.value for field in line.fields}
        quantity = Decimal(values.get("OrderedSalesQuantity") or 0)
        return cls(str(values.get("ItemNumber", "")), quantity, str(values.get("SalesUnitSymbol", "")))


@dataclass(frozen=True, slots=True)
class _Search:
    """F&O's search for the price of one order's lines."""

    currency: str
    account: str
    group: str
    today: str

    def amount(self, line: _Line, item: Row, agreements: Sequence[Row]) -> Decimal | None:
        """The net amount without discount; None where it is not certain."""
        if line.unit and line.unit.casefold() != str(item["SalesUnitSymbol"]).casefold():
            return None
        fitting = [row for row in agreements if self._fits(row, line)]
        if any(row[name] for row in fitting for name in NARROWER):
            return None
        best = min(self._candidates(fitting), key=_unit_price, default=None)
        if best is None:
            certain, price = not item["FixedSalesPriceCharges"], _each(item, "SalesPrice")
        else:
            certain, price = not best["FixedPriceCharges"], _unit_price(best)
        return line.quantity * price if certain else None

    def _candidates(self, fitting: Sequence[Row]) -> list[Row]:
        """The customer's own, its price group's, everybody's, as far down as F&O looks."""
        found: list[Row] = []
        levels = dict.fromkeys(((self.account, ""), ("", self.group), ("", "")))
        for account, group in levels:
            here = [row for row in fitting if _stands_at(row, account, group)]
            found += here
            if any(row["WillSearchContinue"] != "Yes" for row in here):
                break
        return found

    def _fits(self, row: Row, line: _Line) -> bool:
        """In force today, for this quantity, unit and currency."""
        first, last = str(row["PriceApplicableFromDate"])[:10], str(row["PriceApplicableToDate"])[:10]
        units = {"", line.unit.casefold()}
        return (
            first <= self.today
            and (last == NO_DATE or self.today <= last)
            and Decimal(row["FromQuantity"]) <= line.quantity
            and (not row["ToQuantity"] or line.quantity < Decimal(row["ToQuantity"]))
            and str(row["QuantityUnitySymbol"]).casefold() in units
            and row["PriceCurrencyCode"] == self.currency
        )


def _stands_at(row: Row, account: str, group: str) -> bool:
    """Whether an agreement is for exactly this customer, this price group, or for everybody."""
    own = (str(row["CustomerAccountNumber"]).casefold(), str(row["PriceCustomerGroupCode"]).casefold())
    return own == (account.casefold(), group.casefold())


def _unit_price(row: Row) -> Decimal:
    return _each(row, "Price")


def _each(row: Row, name: str) -> Decimal:
    """The price of one."""
    return Decimal(row[name]) / (Decimal(row["SalesPriceQuantity"]) or 1)
