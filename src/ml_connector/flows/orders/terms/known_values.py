"""Which values of rules F&O knows: the set behind each name that the steps ask, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.domain.kept import Kept
from ml_connector.domain.text import did_you_mean, nearest
from ml_connector.errors import RecordError
from ml_connector.flows.orders.customer.reference_data import LISTED
from ml_connector.flows.orders.set_up import if_offered
from ml_connector.mapping.documents import RULE_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.mapping.documents import OrderMappingDocument
    from ml_connector.mapping.model import FieldRow
    from ml_connector.systems.dynamics.client import DynamicsClient

_LISTED = 5_000  # rows looked through for the value that was meant


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A data entity whose field holds the values; ``shared`` ones belong to no legal entity."""

    data_entity: str
    field: str
    noun: str
    shared: bool = False
    large: bool = False  # asked for value by value, never listed whole


def _of_customers(name: str, noun: str) -> KnownSet:
    """The set behind a field of customers."""
    listed = LISTED[name]
    return KnownSet(listed.data_entity, listed.field, noun, shared=not listed.per_company)


KNOWN = {  # name of a rule -> the set its values stand in; also with customer_ before it
    "customer_group": _of_customers("CustomerGroupId", "customer group"),
    "payment_terms": _of_customers("PaymentTerms", "terms of payment"),
    "tax_group": _of_customers("SalesTaxGroup", "sales tax group"),
    "delivery_terms": _of_customers("DeliveryTerms", "delivery terms"),
    "delivery_mode": _of_customers("DeliveryMode", "mode of delivery"),
    "currency": _of_customers("SalesCurrencyCode", "currency"),
    "site": KnownSet("OperationalSitesV2", "SiteId", "site"),
    "warehouse": KnownSet("Warehouses", "WarehouseId", "warehouse"),
    "service_item": KnownSet("ReleasedProductsV2", "ItemNumber", "released item", large=True),
    "order_taker": KnownSet("EmployeesV2", "PersonnelNumber", "employee", shared=True, large=True),
    "responsible": KnownSet("EmployeesV2", "PersonnelNumber", "employee", shared=True, large=True),
    "pool": KnownSet("SalesOrderPools", "PoolId", "sales order pool"),
    "origin": KnownSet("SalesOrderOriginCodes", "OriginCode", "sales order origin"),
}
_OF_TARGET = {  # field that a row fills -> the same sets, for constants and rules of other names
    "CustomerGroupId": "customer_group",
    "PaymentTerms": "payment_terms",
    "SalesTaxGroup": "tax_group",
    "DeliveryTerms": "delivery_terms",
    "DeliveryTermsCode": "delivery_terms",
    "DeliveryTermsId": "delivery_terms",
    "DeliveryMode": "delivery_mode",
    "DeliveryModeCode": "delivery_mode",
    "SalesCurrencyCode": "currency",
    "CurrencyCode": "currency",
    "SiteId": "site",
    "DefaultShippingSiteId": "site",
    "ShippingSiteId": "site",
    "WarehouseId": "warehouse",
    "DefaultShippingWarehouseId": "warehouse",
    "ShippingWarehouseId": "warehouse",
    "OrderTakerPersonnelNumber": "order_taker",
    "OrderResponsiblePersonnelNumber": "responsible",
    "SalesOrderPoolId": "pool",
    "SalesOrderOriginCode": "origin",
}


# What no other step looks up before an order is sent.
_SENT_UNSEEN = frozenset({"pool", "origin", "delivery_mode", "delivery_terms", "currency"})


def set_of_rule(name: str, document: OrderMappingDocument) -> KnownSet | None:
    """The set that the values of these rules stand in: by their name, else by the field that a row fills with them."""
    by_name = KNOWN.get(name) or KNOWN.get(name.removeprefix("customer_"))
    if by_name is not None:
        return by_name
    rows = (row for row in document.rows if f"{RULE_SOURCE}{name}" in row.all_sources)
    return next((found for row in rows if (found := set_of_row(row)) is not None), None)


def set_of_row(row: FieldRow) -> KnownSet | None:
    """The set that the values of a row stand in."""
    return KNOWN.get(_OF_TARGET.get(row.target, ""))


async def require_known(known: KnownValues, draft: OrderDraft) -> None:
    """Every value of a draft that F&O looks up in a set stands in it, as far as F&O lets the set be read.

    Raises:
        RecordError: naming the field, its rule and what may have been meant.
    """
    sent = (*draft.header, *(one for line in draft.lines for one in line.fields))
    for name, text, rule in dict.fromkeys((one.name, str(one.value), one.rule) for one in sent):
        word = _OF_TARGET.get(name, "")
        if (
            word not in _SENT_UNSEEN
            or not text
            or not await known.lacks(KNOWN[word], text, draft.legal_entity)
        ):
            continue
        of = KNOWN[word]
        where = "Dynamics" if of.shared else draft.legal_entity
        meant = did_you_mean(text, known.held(of, draft.legal_entity))
        sentence = (
            f"deals/{draft.deal_id} ({draft.deal_name}): {name} is '{text}' ({rule}), and {where} has no such "
            f"{of.noun}.{meant}"
        )
        if word == "currency":
            raise RecordError(sentence, code="order.currency_not_allowed")
        raise RecordError(sentence, code="order.value_unknown")


@dataclass(slots=True)
class KnownValues:
    """What the sets of one environment hold, by legal entity in lower case; shared ones under the empty name."""

    client: DynamicsClient
    _held: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    _offered: Kept[str, bool] = field(default_factory=Kept)  # by data entity: whether it could be read whole

    async def learn(self, known: KnownSet, values: Sequence[str]) -> None:
        """Read a set once, or of a large one the rows of these values."""
        if known.large:
            rows = await self.client.rows_by(
                known.data_entity, known.field, values, select=self._fields(known)
            )
            self._hold(known, rows)
        elif known.data_entity not in self._held:
            self._hold(known, await self._read(known))

    async def lacks(self, known: KnownSet, value: str, legal_entity: str) -> bool:
        """Whether a set does not hold the value; False where F&O does not let it be read."""
        offered = await self._offered.get(known.data_entity, lambda: self._learn_whole(known))
        return offered and not self.has(known, value, legal_entity)

    async def _learn_whole(self, known: KnownSet) -> bool:
        rows = await if_offered(self._read(known))
        self._hold(known, rows or ())
        return rows is not None

    def has(self, known: KnownSet, value: str, legal_entity: str) -> bool:
        """Whether the value stands in the set, letter case aside; only after ``learn``."""
        return value.casefold() in self._of(known, legal_entity)

    async def nearest(self, known: KnownSet, value: str, legal_entity: str) -> str:
        """The value that was meant, or ``""``."""
        if known.large:
            self._hold(known, await self._read(known))
        return nearest(value, self.held(known, legal_entity))

    def held(self, known: KnownSet, legal_entity: str) -> tuple[str, ...]:
        """What has been read of a set."""
        return tuple(self._of(known, legal_entity).values())

    async def _read(self, known: KnownSet) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = []
        top = _LISTED if known.large else None
        async for page in self.client.pages(known.data_entity, select=self._fields(known), top=top):
            rows += page.rows
        return rows

    def _fields(self, known: KnownSet) -> tuple[str, ...]:
        return (known.field,) if known.shared else ("dataAreaId", known.field)

    def _hold(self, known: KnownSet, rows: Sequence[dict[str, str]]) -> None:
        held = self._held.setdefault(known.data_entity, {})
        for row in rows:
            legal_entity = "" if known.shared else row["dataAreaId"].casefold()
            held.setdefault(legal_entity, {})[row[known.field].casefold()] = row[known.field]

    def _of(self, known: KnownSet, legal_entity: str) -> dict[str, str]:
        held = self._held.get(known.data_entity, {})
        return held.get("" if known.shared else legal_entity.casefold(), {})
