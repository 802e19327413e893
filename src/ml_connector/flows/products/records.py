"""From the releases of one product to its record, without a call.

A release is a row of ReleasedProductsV2, or a variant in that shape. Where several legal entities share a product, the
row of the price entity is the one whose fields are shown, else the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import external_key
from ml_connector.domain.records import SourceRecord, digest
from ml_connector.flows.products.stops import is_stopped
from ml_connector.flows.products.texts import Text
from ml_connector.flows.products.variants import MASTER
from ml_connector.systems.dynamics.source import pick

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ml_connector.flows.products.settings import ProductSettings

    Row = Mapping[str, Any]

DATA_ENTITY = "ReleasedProductsV2"
ACTIVE, STOPPED, END_OF_LIFE = "Active", "Sales stopped", "End of life"  # d365_status
PRICE_DIGITS = Decimal("0.000001")
NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a record looks."""

    settings: ProductSettings
    select: tuple[str, ...]
    price_legal_entity: str
    price_properties: Mapping[str, str]  # where the list price of a legal entity goes; empty for nowhere

    @property
    def is_shared(self) -> bool:
        """Whether the legal entities share a product."""
        return self.settings.identity == "shared"


@dataclass(frozen=True, slots=True)
class Beside:
    """What other data entities say of the products at hand."""

    texts: Mapping[str, Text]  # by product number, without case
    stops: Collection[str]


def records_of(rows: Sequence[Row], rules: Rules, beside: Beside) -> list[SourceRecord]:
    """The records of one product's releases; none for a master, which cannot be sold."""
    if rows[0]["ProductSubType"] == MASTER:
        return []
    if rules.is_shared:
        shown = next((row for row in rows if _entity(row) == rules.price_legal_entity), None)
        return [_record(str(rows[0]["ProductNumber"]), rows, shown, rules, beside)]
    return [_record(_own_key(row), [row], row, rules, beside) for row in rows]


def _record(key: str, rows: Sequence[Row], priced: Row | None, rules: Rules, beside: Beside) -> SourceRecord:
    fields = pick(priced or rows[0], rules.select, DATA_ENTITY)
    number, shown = fields["ProductNumber"], rows[0].get("EveryProduct") or {}
    name, description = beside.texts.get(number.casefold(), NO_TEXT) if beside.texts else NO_TEXT
    states = [(_state(row, rules.settings, beside.stops), _entity(row)) for row in rows]
    price_entity = rules.price_legal_entity if rules.is_shared else states[0][1]
    fields |= {
        "ProductKey": key,
        "ProductName": name or shown.get("ProductName") or number,
        "ProductDescription": description or shown.get("ProductDescription") or "",
        "ListPrice": list_price(priced) if priced is not None else None,
        "PriceProperty": rules.price_properties.get(price_entity, ""),
        "CostPrice": unit_cost(priced) if priced is not None and rules.settings.cost else None,
        "AvailableIn": ";".join(sorted({entity for state, entity in states if state == ACTIVE})),
        "Status": _status({state for state, _ in states}),
    }
    return SourceRecord(key, fields, digest(fields), scope_of(fields, rules.settings))


def scope_of(fields: Mapping[str, Any], settings: ProductSettings) -> str:
    """The name of the first scope filter that leaves a product out; empty when it is in scope."""
    for name, field, wanted in settings.scopes:
        if str(fields[field]).casefold() not in wanted:
            return name
    return ""


def _state(row: Row, settings: ProductSettings, stops: Collection[str]) -> str:
    """How one release stands."""
    if settings.end_of_life and str(row["ProductLifecycleStateId"]).casefold() in settings.end_of_life:
        return END_OF_LIFE
    return STOPPED if stops and is_stopped(row, stops) else ACTIVE


def _status(states: Collection[str]) -> str:
    """How the product stands: as long as one legal entity sells it, it is active."""
    if ACTIVE in states:
        return ACTIVE
    return STOPPED if STOPPED in states else END_OF_LIFE


def _entity(row: Row) -> str:
    return str(row["dataAreaId"]).lower()


def _own_key(row: Row) -> str:
    """A key of one legal entity: by item number; variants share their master's, so they are named by their own."""
    return external_key(row["dataAreaId"], row.get("ProductVariantNumber") or row["ItemNumber"])


def list_price(row: Row) -> Decimal | None:
    """The price of one sales unit; None when F&O has none, which is not the same as zero."""
    return _each(row["SalesPrice"], row["SalesPriceQuantity"])


def unit_cost(row: Row) -> Decimal | None:
    """What one unit costs; None when F&O does not know it."""
    return _each(row["UnitCost"], row["UnitCostQuantity"])


def _each(amount: Any, per: Any) -> Decimal | None:
    total, quantity = Decimal(amount), Decimal(per)
    if total <= 0:
        return None
    each = total / (quantity if quantity > 0 else Decimal(1))
    try:
        return each.quantize(PRICE_DIGITS, ROUND_HALF_UP)
    except InvalidOperation:  # beyond any price: the mapping refuses it, and this product alone is parked
        return each
