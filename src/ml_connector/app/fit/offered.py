"""Topic offered: which data entities answer, how many rows the master sets hold, and what tells of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.fit import Offered
from ml_connector.errors import ConnectorError
from ml_connector.systems.dynamics.capabilities import entity_sets, timestamps
from ml_connector.systems.dynamics.source import in_legal_entities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

MASTER_SETS = ("CustomersV3", "ReleasedProductsV2", "ReleasedProductVariantsV2")
PEOPLE_SETS = ("CDSContactPersonsV2", "ContactPersons")  # either will do, the first is the easier one


async def offered(client: DynamicsClient, legal_entities: Sequence[str]) -> Offered:
    """What the environment shows to this app."""
    shown = Offered(await entity_sets(client), {}, await timestamps(client))
    rows: dict[str, dict[str, int]] = {}
    for name in (*MASTER_SETS, *PEOPLE_SETS):
        if shown.has(name) and (counted := await _rows(client, name, legal_entities)):
            rows[name] = counted
    return Offered(shown.sets, rows, shown.timestamps)


def people_set(shown: Offered | None) -> str:
    """The set people are read from; empty when there is none."""
    return next((name for name in PEOPLE_SETS if shown is not None and shown.has(name)), "")


async def _rows(client: DynamicsClient, name: str, legal_entities: Sequence[str]) -> dict[str, int]:
    try:
        return {entity: await client.count(name, in_legal_entities([entity])) for entity in legal_entities}
    except ConnectorError:
        return {}  # a set that answers and will not count is left out
