"""Writing: create, change and delete records through their entity set, each write whole or not at all.

Customers, order headers and order lines have business rules of their own; other sets only keep their keys.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import (
    customers,
    dimensions,
    made_rows,
    numbers,
    order_lines,
    orders,
    pricing,
    validations,
)
from ml_connector.twin.dynamics.environment import Change, Environment, same
from ml_connector.twin.dynamics.errors import InfologError, RefusalError, bad_body, invalid_write
from ml_connector.twin.dynamics.values import read_body, read_fields, second

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import View


@dataclass(frozen=True, slots=True)
class _TableRules:
    create: Callable[[Environment, Change], Row]
    update: Callable[[Environment, Change, Row], None]
    remove: Callable[[Environment, Row], None]


_RULES = {
    "customers": _TableRules(customers.create, customers.update, customers.remove),
    "orders": _TableRules(orders.create, orders.update, orders.remove),
    "lines": _TableRules(order_lines.create, order_lines.update, order_lines.remove),
}
_TABLE_NAMES = {
    "customers": "Customers (CustTable)",
    "orders": "Sales orders (SalesTable)",
    "lines": "Order lines (SalesLine)",
}
_DIMENSION_VALUES = ("DefaultDimensionDisplayValue", "DefaultLedgerDimensionDisplayValue")


class Writer:
    """Applies writes to an environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def create(self, view: View, body: bytes, now: datetime) -> Row:
        """Store a new record.

        Raises:
            RefusalError: the request is malformed or the rules refuse it.
        """
        sent = read_body(body)
        for name in view.navigations:
            if name in sent:
                raise bad_body(f"Deep insert is not supported: '{name}' must be created on its own.")
        fields = read_fields(view.set, self._environment.schema, sent)
        with_rules = _RULES.get(view.table)
        change = Change(view, self._company(view, fields), fields, now)
        try:
            if view.set.per_company and change.company not in self._environment.companies:
                raise invalid_write(f"Company '{change.company}' does not exist.")
            if not with_rules:
                return self._insert(change)
            row = with_rules.create(self._environment, change)
            validations.check(self._environment, change, row)
            return row
        except InfologError as problem:
            raise self._refused(view, problem) from problem

    def update(self, view: View, row: Row, body: bytes, now: datetime) -> None:
        """Change some properties of a record.

        Raises:
            RefusalError: the request is malformed or the rules refuse it.
        """
        fields = self.read_changes(view, row, read_body(body))
        company = row.values.get("dataAreaId", "")
        change = Change(view, company, self._merged(view, row, fields), now)
        with_rules = _RULES.get(view.table)
        try:
            if with_rules:
                with_rules.update(self._environment, change, row)
            if view.table == "contacts" and self._environment.is_on("contact_last_edit", "kept_up"):
                change.fields["LastEditDateTime"] = second(now)
            self.assign(view, row, change.fields)
            if with_rules:
                validations.check(self._environment, change, row)
        except InfologError as problem:
            raise self._refused(view, problem) from problem

    def conflict(self, view: View) -> RefusalError:
        """The refusal of a change that ran into another user's."""
        table = _TABLE_NAMES.get(view.table, view.set.type)
        text = (
            f"Cannot edit a record in {table}. An update conflict occurred due to another user process deleting "
            "the record or changing one or more fields in the record."
        )
        return self._refused(view, InfologError(("Error", text)))

    def read_changes(self, view: View, row: Row, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The sent properties without the key, which must not differ.

        Raises:
            RefusalError: 400, an unknown property, a wrong value, or another key.
        """
        fields = read_fields(view.set, self._environment.schema, sent)
        for name in view.set.keys:
            if name in fields and not same(fields.pop(name), row.values.get(name)):
                raise bad_body(f"The key property '{name}' cannot be changed.")
        return fields

    def delete(self, view: View, row: Row) -> None:
        """Delete a record.

        Raises:
            RefusalError: the rules refuse it, or it is made from another record.
        """
        if made_rows.is_made(view.table, row):
            raise self._refused(view, made_rows.read_only(view.table))
        with_rules = _RULES.get(view.table)
        try:
            if with_rules:
                with_rules.remove(self._environment, row)
            else:
                self._environment.store.delete(view.table, row)
        except InfologError as problem:
            raise self._refused(view, problem) from problem

    def assign(self, view: View, row: Row, fields: dict[str, Any]) -> None:
        """Store values without asking the rules; amounts follow."""
        store = self._environment.store
        if made_rows.write_through(store, view.table, row, fields):
            return
        shared = {name: value for name, value in fields.items() if view.is_shared(name)}
        own = {name: value for name, value in fields.items() if name not in shared}
        if shared and row.joined is not None:
            store.update("parties", row.joined, shared)
        follows = row.values.get("CalculateLineAmount", "No") == "Yes" and "LineAmount" not in own
        if view.table == "lines" and follows and pricing.AMOUNT_PARTS & own.keys():
            own["LineAmount"] = pricing.line_amount({**row.values, **own})
        if own:
            store.update(view.table, row, own)

    def key_sent(self, view: View, body: bytes) -> tuple[str, ...]:
        """The key a refused create was about, as far as it was sent."""
        try:
            sent = read_body(body)
        except RefusalError:
            return ()
        if view.table == "lines":
            names: tuple[str, ...] = ("dataAreaId", "SalesOrderNumber")
        else:
            names = view.set.keys
        parts = [
            str(self._company(view, sent) if name == "dataAreaId" else sent.get(name, "")) for name in names
        ]
        return (":".join(parts),) if all(parts) else ()

    def written_key(self, view: View, row: Row) -> str:
        """The key of a record in the log of writes."""
        if view.table == "lines":
            names = ("dataAreaId", "SalesOrderNumber", "InventoryLotId")
            return ":".join(str(row.values[name]) for name in names)
        return view.key_of(row)

    def _company(self, view: View, fields: dict[str, Any]) -> str:
        if not view.set.per_company:
            return ""
        return str(fields.get("dataAreaId") or self._environment.default_company).lower()

    def _merged(self, view: View, row: Row, fields: dict[str, Any]) -> dict[str, Any]:
        """Display values replace the stored ones whole, or segment by segment."""
        if self._environment.is_on("dimension_patch", "merge"):
            for name in _DIMENSION_VALUES:
                if fields.get(name):
                    stored = str(view.getter(name)(row)) if name in view.set.properties else ""
                    fields[name] = dimensions.merge(self._environment, fields[name], stored)
        return fields

    def _insert(self, change: Change) -> Row:
        """A record of a set without rules of its own."""
        view, fields = change.view, dict(change.fields)
        if view.set.per_company:
            fields["dataAreaId"] = change.company
        fields |= made_rows.defaults(self._environment, change)
        for name in view.set.keys:
            fields.setdefault(name, view.set.properties[name].default)
        key = tuple(fields[name] for name in view.set.keys)
        if self._environment.find(view.name, *key) is not None:
            raise numbers.duplicate(view.set.type, view.set.keys[-1], str(key[-1]))
        return self._environment.store.insert(view.table, fields)

    def _refused(self, view: View, problem: InfologError) -> RefusalError:
        status = int(self._environment.switches["write_refusal_status"])
        return problem.refusal(view.data_entity, status)
