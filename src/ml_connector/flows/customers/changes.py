"""Which customers changed since a moment: by a field of CustomersV3 that the tenant added, or by CustTable's own.

CustTable's time moves with the customer's account. Name, address, phone and e-mail are the party's: a change of those
alone moves it only where the tenant's field says so, and is found by the next full crawl otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.keys import external_key
from ml_connector.engine.ports import Changed
from ml_connector.systems.dynamics.changes import BI_FIELD, ChangedRows, TimedSet, timed_sets
from ml_connector.systems.dynamics.source import in_legal_entities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.flows.customers.settings import CustomerSettings
    from ml_connector.systems.dynamics.client import DynamicsClient

BI_ENTITY, BI_KEY = "CustTableBiEntities", ("dataAreaId", "AccountNum")
OWN_ENTITY, OWN_KEY = "CustomersV3", ("dataAreaId", "CustomerAccount")


@dataclass(frozen=True, slots=True)
class CustomerChanges:
    """Keys of customers by their times of change."""

    rows: ChangedRows
    read_by: str

    async def newest(self) -> str:
        """The newest time of change."""
        return await self.rows.newest()

    async def changed(self, after: datetime, *, most: int) -> Changed:
        """The customers changed later than that."""
        found = await self.rows.after(after, most=most)
        keys = dict.fromkeys(external_key(*(row[name] for name in timed.key)) for timed, row in found.rows)
        return Changed([*keys], found.reach, found.whole)


def customer_changes(
    dynamics: DynamicsClient, settings: CustomerSettings, legal_entities: Sequence[str], read_by: str
) -> CustomerChanges | None:
    """As ``customers.changes_from`` says; None where it is off."""
    rows = changed_customers(dynamics, settings.changes_from, legal_entities)
    return CustomerChanges(rows, read_by) if rows.sets else None


def changed_customers(dynamics: DynamicsClient, chosen: str, legal_entities: Sequence[str]) -> ChangedRows:
    """The rows that tell of changed customers; without data entities where it is off."""
    own, bi = TimedSet(OWN_ENTITY, chosen, OWN_KEY), TimedSet(BI_ENTITY, BI_FIELD, BI_KEY)
    sets = timed_sets(chosen, own=own, bi=(bi,))
    return ChangedRows(
        dynamics, sets, in_legal_entities(legal_entities), f"customers.changes_from = {chosen}"
    )
