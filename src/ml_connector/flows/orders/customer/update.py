"""What a deal's company changes of a customer that exists: field by field, off by default, never an empty value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.engine.calls import recorded, report_run
from ml_connector.errors import ConnectorError, RejectedError
from ml_connector.flows.orders.draft.resolved import FormField

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.flows.orders.draft.order_draft import DraftField
    from ml_connector.systems.dynamics.client import DynamicsClient

ETAG = "@odata.etag"
CHANGED_MEANWHILE = "dynamics.changed_meanwhile"
ATTEMPTS = 2  # as last read, and once more as read after somebody else's change


def customer_changes(
    fields: Sequence[FormField], row: Mapping[str, Any], names: Sequence[str]
) -> tuple[tuple[FormField, ...], tuple[str, ...]]:
    """The fields of these names whose value differs from the customer's, and notes on those that cannot be told."""
    named = [each for each in fields if each.name in names]
    notes = tuple(f"{each.name} of the customer stays as it is: {each.rule}." for each in named if each.open)
    changes = tuple(
        FormField(each.name, each.value, f"{each.rule}; it is '{row[each.name]}' now")
        for each in named
        if each.value not in ("", None) and each.value != row[each.name]
    )
    return changes, notes


@dataclass(frozen=True, slots=True)
class CustomerUpdate:
    """Changes one customer on behalf of one deal's subject."""

    dynamics: DynamicsClient
    engine: Engine
    flow: str
    subject: str

    async def apply(self, key: Mapping[str, str], fields: Sequence[DraftField]) -> str:
        """Change what differs still; a note when it could not be. It never stops an order, which stands by now."""
        wanted = {each.name: each.value for each in fields}
        account = key["CustomerAccount"]
        try:
            for _ in range(ATTEMPTS):
                row = await self.dynamics.row("CustomersV3", key, select=(*key, *wanted))
                if row is None:
                    return f"Customer {account} is not in Dynamics any more and was not changed."
                differing = {name: value for name, value in wanted.items() if row[name] != value}
                if not differing:
                    return ""
                if await self._sent(key, differing, str(row.get(ETAG, ""))):
                    return f"Customer {account} was changed: {', '.join(differing)}."
        except ConnectorError as error:
            return f"Customer {account} could not be changed: {error.message}"
        return f"Customer {account} was not changed: somebody else changes it at the same time."

    async def _sent(self, key: Mapping[str, str], fields: Mapping[str, Any], etag: str) -> bool:
        """One PATCH under the tag last read; False when the record has changed since."""
        try:
            await recorded(
                self.engine,
                side="dynamics",
                resource="CustomersV3",
                keys=[":".join(key.values())],
                payload={name: str(value) for name, value in fields.items()},
                run_id=report_run(self.flow, self.subject),
                send=lambda call_id: self.dynamics.update(
                    "CustomersV3", key, fields, etag=etag, call_id=call_id
                ),
            )
        except RejectedError as error:
            if error.code != CHANGED_MEANWHILE:
                raise
            return False
        return True
