"""Validations of an environment's own: what its developers have added to the rules that come with F&O.

Extensions of validateWrite run after the fields are set and defaulted, so a validation looks at the record as it would
be stored. ``DynamicsMachine.add("validations", ...)`` sets one up.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.environment import same
from ml_connector.twin.dynamics.errors import InfologError, invalid_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.dynamics.environment import Change, Environment
    from ml_connector.twin.dynamics.tables import Row

TABLE = "validations"
_SOURCES = {"customers": "CustTable", "orders": "SalesTable", "lines": "SalesLine"}
_ORDER = "Order."  # before a property of the order that a line belongs to


def check(environment: Environment, change: Change, row: Row) -> None:
    """Refuse a record that a validation of its legal entity describes.

    A validation holds ``Of``, the table (customers, orders, lines); ``When``, properties and the values that are
    refused together (text without case, ``>10`` and ``<10`` for numbers, ``Order.`` before those of a line's order);
    ``Message``, the Infolog's sentence; and ``Field``, where validateField refuses instead of validateWrite.

    Raises:
        InfologError: in the validation's own words.
    """
    table = environment.store.tables.peek(TABLE)
    for validation in table.by_company.get(change.company, ()):
        own = validation.values
        if own["Of"] != change.view.table or not _describes(environment, own["When"], change, row):
            continue
        if own.get("Field"):
            raise invalid_field(own["Message"], change.field_name(own["Field"]))
        source = _SOURCES[own["Of"]]
        noise = f"validateWrite failed on data source '{source} ({source})'"
        raise InfologError(("Error", own["Message"]), ("Warning", noise))


def _describes(environment: Environment, when: Mapping[str, str], change: Change, row: Row) -> bool:
    return all(_fits(wanted, _value(environment, name, change, row)) for name, wanted in when.items())


def _value(environment: Environment, name: str, change: Change, row: Row) -> Any:
    """A property of the record, or of the order that it is a line of."""
    if not name.startswith(_ORDER):
        return change.view.getter(name)(row)
    orders = environment.views["SalesOrderHeadersV2"]
    order = environment.find(orders.name, change.company, row.values["SalesOrderNumber"])
    return orders.getter(name.removeprefix(_ORDER))(order) if order is not None else ""


def _fits(wanted: str, value: Any) -> bool:
    if wanted[:1] in {">", "<"}:
        limit, number = Decimal(wanted[1:]), Decimal(value or 0)
        return number > limit if wanted.startswith(">") else number < limit
    return same(value, wanted)
