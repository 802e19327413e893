"""What F&O has refused by rules that the connector does not share, and how like it another order is.

Such a rule shows itself only when it refuses an order, whose deal then waits. While it waits, the refused record tells
what else would be refused: what is about the same things, unless an order no less like it has been taken since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.domain.text import fold
from ml_connector.errors import RejectedError
from ml_connector.flows.orders.draft.order_draft import NEW_CUSTOMER, ORDER_ACCOUNT, OrderDraft
from ml_connector.store import parked, processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.flows.orders.draft.order_draft import DraftField
    from ml_connector.flows.orders.draft.resolved import CustomerForm
    from ml_connector.store.database import Tx
    from ml_connector.store.parked import ParkedRecord

REFUSED = "dynamics.refused"
HEADER, CUSTOMER, LINE = "header", "new customer", "line"  # the parts of an order that F&O refuses or takes
PART = "refused_part"  # in the detail of a parked deal
MOST = 500  # deals that wait after a refusal, and orders that were taken since
ENTITY = "dataAreaId"
COMPANY, TOTAL = "the company", "the order's total"  # what is known of a record beside its fields
PAYER, ITEM = "InvoiceCustomerAccountNumber", "ItemNumber"
# What a refusal is about when its words do not say: whose order it was, what was to be sold, who was new.
SUBJECT = {HEADER: ORDER_ACCOUNT, LINE: ITEM, CUSTOMER: COMPANY}
WHO_AND_WHAT = frozenset({ORDER_ACCOUNT, PAYER, ITEM, COMPANY})
OF_ONE_ORDER = frozenset({"SalesOrderNumber", "CustomersLineNumber", "LineDescription"})
# Who handles an order, in which language and until when is no reason to expect F&O's no, unless its words say so.
NO_REASON = frozenset(
    {
        "OrderTakerPersonnelNumber",
        "OrderResponsiblePersonnelNumber",
        "LanguageId",
        "RequestedShippingDate",
        "RequestedReceiptDate",
    }
)
SHORTEST = 3  # characters of a value that is recognised in a sentence
_LABEL = re.compile(r"\bfield '([^']+)'", re.IGNORECASE)

Record = Mapping[str, Any]


@contextmanager
def told_part(part: str) -> Iterator[None]:
    """A refusal in here tells which part of the order was refused."""
    try:
        yield
    except RejectedError as error:
        error.context.setdefault(PART, part)
        raise


def line_part(position: int) -> str:
    """The name of one line among the parts."""
    return f"{LINE} {position}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that F&O refused, whose deal waits."""

    deal_id: str
    deal_name: str
    at: datetime  # since when its deal waits
    part: str
    words: str  # F&O's own
    record: Record
    about: tuple[str, ...]  # names of the fields whose values it is about
    taken: tuple[Record, ...] = ()  # records about the same that F&O has taken since

    @property
    def what(self) -> tuple[str, ...]:
        """Equal for refusals in the same words about the same."""
        return (
            _kind(self.part),
            self.words,
            *(f"{name}: {self.record[name]}" for name in (ENTITY, *self.about)),
        )

    def foretells(self, parts: Mapping[str, Record]) -> bool:
        """Whether a part of an order is like the refused one in something that nothing taken since shares with it."""
        return any(self._is_likely(record) for record in self.alike(parts))

    def alike(self, parts: Mapping[str, Record]) -> list[Record]:
        """The parts of an order in the same legal entity that are about the same."""
        names = (ENTITY, *self.about)
        of_kind = (record for part, record in parts.items() if _kind(part) == _kind(self.part))
        return [one for one in of_kind if all(one.get(name) == self.record[name] for name in names)]

    def _is_likely(self, record: Record) -> bool:
        shared = _shared(record, self.record)
        return not any(shared <= _shared(one, self.record) for one in self.taken)


@dataclass(frozen=True, slots=True)
class RefusalBook:
    """The refusals that deals wait for; ``fields`` are all that the mapping may send of an order."""

    engine: Engine
    flow: str
    fields: tuple[str, ...]

    async def read(self) -> tuple[Refusal, ...]:
        """What F&O has refused and what waits for it still, each with what F&O has taken since of the same."""
        async with self.engine.store.read() as tx:
            found = [await self._refusal(tx, row) for row in await self._waiting(tx)]
            refusals = [refusal for refusal in found if refusal is not None]
            if not refusals:
                return ()
            since: dict[tuple[str, ...], datetime] = {}  # the first refusal in the same words about the same
            for one in refusals:
                since[one.what] = min(one.at, since.get(one.what, one.at))
            done = await self._done_since(tx, min(since.values()))
        return tuple(
            replace(
                one,
                taken=tuple(each for at, parts in done if at >= since[one.what] for each in one.alike(parts)),
            )
            for one in refusals
        )

    def parts(self, draft: OrderDraft) -> dict[str, Record]:
        """The records of an order by their part, each with what F&O knows of it when it decides."""
        empty = {name: "" for name in self.fields if name not in OF_ONE_ORDER}
        header = {**empty, **_values(draft.header, draft.reference), TOTAL: draft.total}
        found: dict[str, Record] = {HEADER: header}
        for line in draft.lines:
            found[line_part(line.position)] = {**header, **_values(line.fields, draft.reference)}
        if draft.customer_form is not None:
            found[CUSTOMER] = {**_form(draft.customer_form), ENTITY: draft.legal_entity}
        return found

    async def _waiting(self, tx: Tx) -> list[ParkedRecord]:
        cid = self.engine.connection_id
        rows = await parked.list(tx, cid, flow=self.flow, cause=REFUSED, limit=MOST)
        return [row for row in rows if PART in row.detail]

    async def _done_since(self, tx: Tx, since: datetime) -> list[tuple[datetime, dict[str, Record]]]:
        """The orders whose deals were won since, and that F&O has taken."""
        cid, vault = self.engine.connection_id, self.engine.vault
        found = await processes.done_since(tx, cid, self.flow, since, MOST, vault)
        return [
            (one.first_seen_at, self.parts(OrderDraft.from_bytes(one.draft))) for one in found if one.draft
        ]

    async def _refusal(self, tx: Tx, row: ParkedRecord) -> Refusal | None:
        """From the draft that was refused; None where it says nothing about another order."""
        process = await processes.find(tx, self.engine.connection_id, self.flow, row.key, self.engine.vault)
        if process is None or process.draft is None or row.first_at is None:
            return None
        draft, part = OrderDraft.from_bytes(process.draft), str(row.detail[PART])
        record = self.parts(draft).get(part)
        if record is None:
            return None
        words = str(row.detail.get("said") or row.message)
        about = _about(part, words, row.detail.get("fields", ()), record)
        if any(record[name] == NEW_CUSTOMER for name in about):
            return None  # a customer that did not exist yet: nobody else is it
        return Refusal(row.key, draft.deal_name, row.first_at, part, words, record, about)


def _about(part: str, words: str, fields: Sequence[str], record: Record) -> tuple[str, ...]:
    """What F&O's words name of the record, by value, by label or as the field that failed; else its subject."""
    labels = {_squashed(label) for label in _LABEL.findall(words)}
    pointed = [name for name in record if name in fields or any(label in _squashed(name) for label in labels)]
    named = [name for name, value in record.items() if _is_named(value, words)]
    certain = any(record[name] not in ("", None) for name in pointed) or WHO_AND_WHAT & {*named}
    return tuple(dict.fromkeys((*pointed, *named, *(() if certain else (SUBJECT[_kind(part)],)))))


def _is_named(value: Any, words: str) -> bool:
    """Whether a text stands in a sentence as a word of its own."""
    if not isinstance(value, str) or len(value) < SHORTEST:
        return False
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", words, re.IGNORECASE) is not None


def _shared(record: Record, refused: Record) -> frozenset[str]:
    """In what a record is like the refused one: the same text, at least as much, at most as much."""
    found: set[str] = set()
    for name, value in refused.items():
        if name in NO_REASON:
            continue
        other = record.get(name)
        if isinstance(value, Decimal | int) and isinstance(other, Decimal | int):
            found |= {f"{name} at least"} if other >= value else set()
            found |= {f"{name} at most"} if other <= value else set()
        elif other == value:
            found.add(name)
    return frozenset(found)


def _form(form: CustomerForm) -> dict[str, Any]:
    return {**{each.name: each.value for each in form.fields}, COMPANY: form.company_id}


def _values(fields: Sequence[DraftField], reference: str) -> dict[str, Any]:
    """The fields by name, without those that no two orders share."""
    return {
        field.name: field.value
        for field in fields
        if field.name not in OF_ONE_ORDER and field.value != reference
    }


def _kind(part: str) -> str:
    return LINE if part.startswith(LINE) else part


def _squashed(text: str) -> str:
    """``Customer requisition`` is found in ``CustomerRequisitionNumber``."""
    return re.sub(r"\W", "", fold(text))
