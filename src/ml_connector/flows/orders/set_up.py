"""What F&O is set up with, as far as the steps of an order look at it: units, places, workers.

Set-up changes seldom and reps wait for answers, so each part is read once a pass, when a deal first needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.domain.kept import Kept
from ml_connector.errors import ConfigurationError, MissingScopeError, WallError
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

Row = dict[str, Any]
UNIT_FIELDS = ("UnitSymbol", "DecimalPrecision")
WAREHOUSE_FIELDS = ("dataAreaId", "WarehouseId", "OperationalSiteId")
SITE_FIELDS = ("dataAreaId", "SiteId")
WORKER_FIELDS = ("PersonnelNumber",)


async def if_offered(rows: Awaitable[list[Row]]) -> list[Row] | None:
    """The rows of a data entity; None where the tenant does not offer it or does not let the app read it."""
    try:
        return await rows
    except WallError:
        raise
    except (ConfigurationError, MissingScopeError):
        return None


@dataclass(frozen=True, slots=True)
class Places:
    """Sites and warehouses of one legal entity, as F&O writes them; ``known`` is False where they cannot be read."""

    sites: tuple[str, ...] = ()
    site_of: Mapping[str, str] = field(default_factory=dict)  # warehouse -> its site
    known: bool = False


@dataclass(slots=True)
class SetUp:
    """Reads set-up of F&O and keeps it for as long as a pass lasts."""

    dynamics: DynamicsClient
    _units: Kept[None, dict[str, int]] = field(default_factory=Kept)
    _places: Kept[str, Places] = field(default_factory=Kept)
    _workers: Kept[str, bool | None] = field(default_factory=Kept)

    async def decimals(self, unit: str) -> int | None:
        """Decimals of quantities in a unit; None where F&O does not tell."""
        units = await self._units.get(None, self._read_units)
        return units.get(unit.casefold())

    async def places(self, legal_entity: str) -> Places:
        """Where goods can leave from."""
        return await self._places.get(legal_entity, lambda: self._read_places(legal_entity))

    async def is_worker(self, number: str) -> bool | None:
        """Whether a personnel number exists; None where F&O does not tell."""
        return await self._workers.get(number, lambda: self._read_worker(number))

    async def _read_units(self) -> dict[str, int]:
        rows = await if_offered(self._all("UnitsOfMeasure", UNIT_FIELDS)) or []
        return {row["UnitSymbol"].casefold(): int(row["DecimalPrecision"]) for row in rows}

    async def _read_places(self, legal_entity: str) -> Places:
        here = equals("dataAreaId", legal_entity)
        warehouses = await if_offered(self._all("Warehouses", WAREHOUSE_FIELDS, here))
        sites = await if_offered(self._all("OperationalSitesV2", SITE_FIELDS, here))
        site_of = {row["WarehouseId"]: row["OperationalSiteId"] for row in warehouses or ()}
        named = [row["SiteId"] for row in sites or ()]
        return Places(
            tuple(dict.fromkeys((*named, *filter(None, site_of.values())))),
            site_of,
            known=warehouses is not None,
        )

    async def _read_worker(self, number: str) -> bool | None:
        asked = self.dynamics.rows_by("EmployeesV2", "PersonnelNumber", [number], select=WORKER_FIELDS)
        rows = await if_offered(asked)
        return None if rows is None else any(row["PersonnelNumber"] == number for row in rows)

    async def _all(self, data_entity: str, fields: Sequence[str], condition: str = "") -> list[Row]:
        rows: list[Row] = []
        async for page in self.dynamics.pages(data_entity, select=fields, filter=condition):
            rows += page.rows
        return rows
