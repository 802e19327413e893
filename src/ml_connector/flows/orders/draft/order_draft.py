"""The order as it will be written: what people see before anything is, and what the store keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.flows.orders.draft.resolved import Candidate, CustomerForm, FormField

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDER_ACCOUNT = "OrderingCustomerAccountNumber"
NEW_CUSTOMER = "(new customer)"  # stands where the account will, which F&O gives when the customer is created


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
    line_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """The complete order; ``customer_form`` is filled when its customer must be created first.

    ``adopted_by`` is the company that shall carry the customer's key once the order is placed, ``customer_update``
    what the deal's company then changes of the customer.
    """

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
    customer_form: CustomerForm | None = None
    adopted_by: str = ""
    customer_update: tuple[DraftField, ...] = ()

    @property
    def customer_account(self) -> str:
        """The account the order goes to; of a customer that does not exist yet its placeholder."""
        return next((str(field.value) for field in self.header if field.name == ORDER_ACCOUNT), "")

    def with_account(self, account: str) -> OrderDraft:
        """The same order with the account that F&O has given the new customer."""
        header = tuple(
            replace(field, value=account) if field.value == NEW_CUSTOMER else field for field in self.header
        )
        return replace(self, header=header)

    def to_bytes(self) -> bytes:
        """For the store; Decimals keep their digits."""
        return orjson.dumps(self, default=_as_tagged)

    @classmethod
    def from_bytes(cls, stored: bytes) -> OrderDraft:
        """The draft as it was stored."""
        data = orjson.loads(stored)
        form = data.get("customer_form")
        return cls(
            deal_id=data["deal_id"],
            deal_name=data["deal_name"],
            reference=data["reference"],
            legal_entity=data["legal_entity"],
            customer_name=data["customer_name"],
            currency=data["currency"],
            total=_untagged(data["total"]),
            header=_fields(data["header"]),
            lines=tuple(_line(line) for line in data["lines"]),
            notes=tuple(data["notes"]),
            customer_form=_form(form) if form is not None else None,
            adopted_by=data.get("adopted_by", ""),
            customer_update=_fields(data.get("customer_update", ())),
        )


def _as_tagged(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    raise TypeError(type(value).__name__)


def _untagged(value: Any) -> Any:
    return Decimal(value["decimal"]) if isinstance(value, dict) else value


def _fields(stored: Sequence[Mapping[str, Any]]) -> tuple[DraftField, ...]:
    return tuple(DraftField(item["name"], _untagged(item["value"]), item["rule"]) for item in stored)


def _line(stored: Mapping[str, Any]) -> DraftLine:
    return DraftLine(
        stored["position"],
        stored["title"],
        _untagged(stored["total"]),
        _fields(stored["fields"]),
        stored.get("line_id", ""),
    )


def _form(stored: Mapping[str, Any]) -> CustomerForm:
    fields = (
        FormField(item["name"], _untagged(item["value"]), item["rule"], item.get("open", False))
        for item in stored["fields"]
    )
    return CustomerForm(
        company_id=stored["company_id"],
        fields=tuple(fields),
        candidates=tuple(Candidate(**each) for each in stored["candidates"]),
        notes=tuple(stored["notes"]),
    )
