"""What stands in F&O against what was sent: every field of the header and of each line."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.domain.money import currency_digits, within_one_minor_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ml_connector.flows.orders.draft.order_draft import DraftField, DraftLine, OrderDraft

HEADER_KEY, LINE_KEY = "SalesOrderNumber", "InventoryLotId"
POSITION = "CustomersLineNumber"
DIMENSIONS = "DefaultLedgerDimensionDisplayValue"
# F&O may move a date to one on which it delivers, cut a text and write a language its own way: worth a word only.
MAY_CHANGE = frozenset({"RequestedShippingDate", "RequestedReceiptDate", "LanguageId", "LineDescription"})
# Said of every order so that F&O computes; what it answers is not what was said.
NOT_KEPT = frozenset({"SkipCreateAutoCharges"})


@dataclass(slots=True)
class Compared:
    """What differs, in words, and what F&O changed that an order may live with."""

    _differences: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)

    @property
    def differences(self) -> tuple[str, ...]:
        """For a person to decide."""
        return tuple(self._differences)

    @property
    def notes(self) -> tuple[str, ...]:
        """For a person to know."""
        return tuple(self._notes)

    def missing(self, sentence: str) -> None:
        """A part of the order is not as it should be."""
        self._differences.append(sentence)

    def fields(
        self, where: str, sent: Sequence[DraftField], stands: Mapping[str, Any], delimiter: str
    ) -> None:
        """Every field that was sent with a value."""
        for one in sent:
            if one.value == "" or one.name in NOT_KEPT or one.name not in stands:
                continue
            found = stands[one.name]
            same = (
                _contains(str(one.value), str(found), delimiter)
                if one.name == DIMENSIONS
                else _equal(one.value, found)
            )
            if not same:
                said = f"{where}{one.name}: sent {one.value}, stands {found}"
                (self._notes if one.name in MAY_CHANGE else self._differences).append(said)


def compare_order(
    draft: OrderDraft, header: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], delimiter: str
) -> Compared:
    """The whole order: fields of the header, one line for each line of the draft, fields and amount of each.

    Args:
        draft: As it was sent.
        header: As it stands.
        rows: Its lines as they stand.
        delimiter: Between the values of a dimension string; empty when it is not known, and strings must be equal.
    """
    compared = Compared()
    compared.fields("", draft.header, header, delimiter)
    surplus = len(rows)
    for line in draft.lines:
        standing = [row for row in rows if row[POSITION] == line.position]
        surplus -= len(standing)
        if len(standing) == 1:
            compared.fields(f"line {line.position} ", line.fields, standing[0], delimiter)
            _amount(compared, draft.currency, line, standing[0])
        else:
            how = f"stands {len(standing)} times" if standing else "is missing"
            compared.missing(f"line {line.position} {how}")
    if surplus:
        compared.missing(f"{surplus} line{'s' if surplus > 1 else ''} too many")
    return compared


def _amount(compared: Compared, currency: str, line: DraftLine, stands: Mapping[str, Any]) -> None:
    """A discount that F&O added shows in the line's amount, whatever field it went to."""
    amount = Decimal(stands.get("LineAmount") or 0)
    priced = any(one.name == "SalesPrice" for one in line.fields)
    if priced and not within_one_minor_unit(amount, line.total, currency_digits(currency)):
        compared.missing(f"line {line.position} amounts to {line.total}, stands with {amount}")


def names_of(*parts: Iterable[DraftField], further: Sequence[str] = ()) -> tuple[str, ...]:
    """The fields to read back."""
    return tuple(dict.fromkeys((*further, *_names(parts))))


def _names(parts: Iterable[Iterable[DraftField]]) -> Iterator[str]:
    for part in parts:
        yield from (one.name for one in part)


def _equal(sent: Any, stands: Any) -> bool:
    """Numbers by value, days by their date, everything else as it stands; legal entities in any case."""
    if isinstance(sent, Decimal | int):
        return Decimal(sent) == Decimal(stands)
    if isinstance(sent, str) and isinstance(stands, str):
        if sent.endswith("T12:00:00Z"):
            return sent[:10] == stands[:10]
        return sent.casefold() == stands.casefold()
    return bool(sent == stands)


def _contains(sent: str, stands: str, delimiter: str) -> bool:
    """Every value of a dimension string that was sent stands in its place; F&O may have filled the others."""
    if not delimiter:
        return sent == stands
    ours, theirs = sent.split(delimiter), stands.split(delimiter)
    return len(ours) == len(theirs) and all(
        not one or one == other for one, other in zip(ours, theirs, strict=True)
    )
