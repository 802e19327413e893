"""What a transaction did to the records of a table, one entry per record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.twin.dynamics.tables import Row, Touched

CREATE, UPDATE, DELETE = "Create", "Update", "Delete"


@dataclass(slots=True)
class RowChange:
    """One record that was created, changed or deleted; ``before`` holds the former values of what changed."""

    table: str
    row: Row
    message: str
    before: dict[str, Any]


def fold(touched: Iterable[Touched]) -> list[RowChange]:
    """One change per record and transaction; what was created and deleted in one has never been there."""
    found: dict[tuple[int, str, int], RowChange] = {}
    for one in touched:
        key = (one.transaction, one.table, one.row.record_id)
        known = found.get(key)
        if known is None:
            found[key] = RowChange(one.table, one.row, one.message, dict(one.before))
        elif one.message == DELETE and known.message == CREATE:
            del found[key]
        elif one.message == DELETE:
            known.message = DELETE
        else:
            known.before = {**one.before, **known.before}
    return list(found.values())
