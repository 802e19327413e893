"""Which customers are in scope. Judged on the row as read, so that one that leaves the scope is seen to leave it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.flows.customers.settings import CustomerSettings

GROUP, ONE_TIME, ADDRESS_BOOKS = "CustomerGroupId", "IsOneTimeCustomer", "AddressBooks"
_BETWEEN_BOOKS = re.compile(r"[;,]")


def scope_of(settings: CustomerSettings) -> tuple[frozenset[str], Callable[[Mapping[str, Any]], str]]:
    """The fields of CustomersV3 that decide, and a function that names the filter a row fails at, ``""`` for none.

    Group ids and names of address books are compared as F&O compares them: case and outer blanks do not count.
    """
    wanted, affiliated = _folded(settings.groups), _folded(settings.intercompany_groups)
    books, one_time = _folded(settings.address_books), settings.one_time

    def left_by(row: Mapping[str, Any]) -> str:
        if not one_time and row[ONE_TIME] == "Yes":
            return "one-time customer"
        if affiliated and _fold(row[GROUP]) in affiliated:
            return "intercompany"
        if wanted and _fold(row[GROUP]) not in wanted:
            return "customer group"
        if books and books.isdisjoint(_folded(_BETWEEN_BOOKS.split(row[ADDRESS_BOOKS] or ""))):
            return "address book"
        return ""

    fields = {
        ONE_TIME: not one_time,
        GROUP: bool(wanted) or bool(affiliated),
        ADDRESS_BOOKS: bool(books),
    }
    return frozenset(name for name, is_needed in fields.items() if is_needed), left_by


def _fold(text: Any) -> str:
    return str(text or "").strip().casefold()


def _folded(texts: Any) -> frozenset[str]:
    return frozenset(_fold(text) for text in texts)
