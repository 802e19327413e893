"""Step draft: the complete order, every value with the rule behind it, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.money import parse_decimal, within_one_minor_unit
from ml_connector.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.flows.orders.amounts import LineAmounts
    from ml_connector.flows.orders.resolve import Found, ResolvedCustomer, ResolvedItem
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.flows.orders.snapshot import DealSnapshot
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.mapping.model import FieldRow


@dataclass(frozen=True, slots=True)
class DraftField:
    """One field of F&O, its value and the rule that gave it."""

    name: str
    value: Any
    rule: str


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One order line, in the order of the deal's lines."""

    position: int
    title: str
    total: Decimal
    fields: tuple[DraftField, ...]


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """The order as it will be written."""

    deal_id: str
    deal_name: str
    reference: str
    legal_entity: str
    customer_name: str
    currency: str
    total: Decimal
    header: tuple[DraftField, ...]
    lines: tuple[DraftLine, ...]
    notes: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """For the store; Decimals keep their digits."""
        return orjson.dumps(self, default=_as_tagged)

    @classmethod
    def from_bytes(cls, stored: bytes) -> OrderDraft:
        """The draft as it was stored."""
        data = orjson.loads(stored)
        return cls(
            deal_id=data["deal_id"],
            deal_name=data["deal_name"],
            reference=data["reference"],
            legal_entity=data["legal_entity"],
            customer_name=data["customer_name"],
            currency=data["currency"],
            total=_untagged(data["total"]),
            header=_fields(data["header"]),
            lines=tuple(
                DraftLine(line["position"], line["title"], _untagged(line["total"]), _fields(line["fields"]))
                for line in data["lines"]
            ),
            notes=tuple(data["notes"]),
        )


def _as_tagged(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    raise TypeError(type(value).__name__)


def _untagged(value: Any) -> Any:
    return Decimal(value["decimal"]) if isinstance(value, dict) else value


def _fields(stored: Sequence[Mapping[str, Any]]) -> tuple[DraftField, ...]:
    return tuple(DraftField(item["name"], _untagged(item["value"]), item["rule"]) for item in stored)


def draft_order(
    snapshot: DealSnapshot,
    *,
    reference: str,
    legal_entity: Found,
    customer: ResolvedCustomer,
    items: Mapping[str, ResolvedItem],
    amounts: Mapping[str, LineAmounts],
    mapping: CompiledOrderMapping,
    settings: OrderSettings,
) -> OrderDraft:
    """Put the resolved parts through ``orders.yaml``."""
    header = _header_facts(snapshot, reference, legal_entity, customer, settings)
    lines = [
        _line(
            position,
            line.name,
            snapshot=snapshot,
            legal_entity=legal_entity,
            item=items[line.id],
            amounts=amounts[line.id],
            mapping=mapping,
        )
        for position, line in enumerate(snapshot.lines, start=1)
    ]
    total = sum((amounts[line.id].total for line in snapshot.lines), Decimal(0))
    return OrderDraft(
        deal_id=snapshot.deal_id,
        deal_name=snapshot.name,
        reference=reference,
        legal_entity=legal_entity.value,
        customer_name=customer.name,
        currency=snapshot.currency,
        total=total,
        header=_named(mapping.header(_values(header)), header, mapping.document.header),
        lines=tuple(lines),
        notes=(*customer.notes, *_amount_note(snapshot, total)),
    )


Facts = dict[str, tuple[Any, str]]  # source name of the mapping -> value and rule


def _header_facts(
    snapshot: DealSnapshot,
    reference: str,
    legal_entity: Found,
    customer: ResolvedCustomer,
    settings: OrderSettings,
) -> Facts:
    """What ``orders.yaml`` may use in the header."""
    return {
        "legal_entity": (legal_entity.value, legal_entity.rule),
        "customer.account": (customer.account.value, customer.account.rule),
        "customer.payer": (customer.payer.value, customer.payer.rule),
        "customer.language": (customer.language, "the customer's language"),
        "deal.currency": (snapshot.currency, "the deal's currency"),
        "deal.customer_po": (snapshot.customer_po, "the deal's purchase order number"),
        "deal.requested_date": (snapshot.requested_date, "the deal's requested date"),
        "reference": (reference, "portal and deal, the mark by which the order is found again"),
        "order.pool": (settings.pool, "the setting orders.pool"),
        "order.origin": (settings.origin, "the setting orders.origin"),
        "order.skip_auto_charges": (
            "No" if settings.charges == "dynamics" else "Yes",
            f"the setting orders.charges: {settings.charges}",
        ),
        "order.prices_include_tax": ("No", "deal prices never include tax"),
    }


def _line(
    position: int,
    title: str,
    *,
    snapshot: DealSnapshot,
    legal_entity: Found,
    item: ResolvedItem,
    amounts: LineAmounts,
    mapping: CompiledOrderMapping,
) -> DraftLine:
    facts: Facts = {
        "legal_entity": (legal_entity.value, legal_entity.rule),
        "order.number": ("", "the order's number, given by F&O"),
        "line.item_number": (item.number.value, item.number.rule),
        "line.quantity": (amounts.quantity, "the deal line's quantity"),
        "line.unit": (item.unit, "the item's sales unit"),
        "line.price": (amounts.price, amounts.rule),
        "line.price_quantity": (Decimal(1), "the deal's price is for one unit"),
        "line.discount_amount": (amounts.discount_amount, amounts.rule),
        "line.discount_percent": (amounts.discount_percent, amounts.rule),
        "line.position": (position, "the line's place in the deal, the mark by which it is found again"),
        "line.site": ("", "F&O's item default"),
        "line.warehouse": ("", "F&O's item default"),
        "line.description": (title, "the deal line's name"),
        "deal.currency": (snapshot.currency, "the deal's currency"),
    }
    fields = _named(mapping.line(_values(facts)), facts, mapping.document.line)
    return DraftLine(position, title, amounts.total, fields)


def _values(facts: Facts) -> dict[str, Any]:
    return {name: value for name, (value, _) in facts.items()}


def _named(values: Mapping[str, Any], facts: Facts, rows: Sequence[FieldRow]) -> tuple[DraftField, ...]:
    """Each value with the rule of the sources its row reads."""
    rules = {
        row.target: "; ".join(facts[name][1] for name in row.all_sources) or "a constant" for row in rows
    }
    return tuple(DraftField(name, value, rules[name]) for name, value in values.items())


def _amount_note(snapshot: DealSnapshot, total: Decimal) -> tuple[str, ...]:
    """A deal amount that is not the sum of its lines is worth a word; portals define it differently."""
    if not snapshot.amount:
        return ()
    shown = parse_decimal(snapshot.amount, field="amount")
    if within_one_minor_unit(shown, total, 2):
        return ()
    return (f"The deal shows {shown} {snapshot.currency}, its lines add up to {total}.",)


def check_lines(snapshot: DealSnapshot) -> None:
    """An order needs at least one line."""
    if not snapshot.lines:
        raise RecordError(f"{snapshot.subject} has no line items. Add what was sold.", code="order.no_lines")
