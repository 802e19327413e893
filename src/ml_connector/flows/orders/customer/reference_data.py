"""What F&O lists: the values that fields of a customer may have, countries, states, and whose numbers are ours.

Each list is set-up: it is read once while a pass lasts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.domain.kept import Kept
from ml_connector.domain.text import fold
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.systems.dynamics.numbers import CUSTOMERS
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.dynamics.numbers import Numbering


class Listed(NamedTuple):
    """Where F&O lists the values of a field."""

    data_entity: str
    field: str
    per_company: bool = True


LISTED = {  # by field of CustomersV3
    "CustomerGroupId": Listed("CustomerGroups", "CustomerGroupId"),
    "PaymentTerms": Listed("PaymentTerms", "Name"),
    "SalesTaxGroup": Listed("TaxGroups", "TaxGroupCode"),
    "DeliveryTerms": Listed("DeliveryTerms", "TermsCode"),
    "DeliveryMode": Listed("DeliveryModesV2", "ModeCode"),
    "SalesCurrencyCode": Listed("Currencies", "CurrencyCode", per_company=False),
    "AddressCountryRegionId": Listed("AddressCountryRegions", "CountryRegion", per_company=False),
}
_SELECTED = {  # of sets that are read for more than one question
    "CustomerGroups": ("CustomerGroupId", "CustomerAccountNumberSequence", "DefaultDimensionDisplayValue"),
    "AddressCountryRegions": ("CountryRegion", "ISOcode"),
}
NOT_OFFERED = {"dynamics.unknown_entity", "dynamics.unknown_field"}


@dataclass(slots=True)
class ReferenceData:
    """The lists of one environment, by set and filter; None where it does not let us read one."""

    dynamics: DynamicsClient
    numbering: Numbering
    _kept: Kept[tuple[str, str], Sequence[dict[str, Any]] | None] = field(default_factory=Kept)

    async def values(self, name: str, legal_entity: str) -> Sequence[str] | None:
        """The values that a field may have; None: F&O has no list of them, or does not show it."""
        listed = LISTED.get(name)
        if listed is None:
            return None
        where = equals("dataAreaId", legal_entity) if listed.per_company else ""
        select = _SELECTED.get(listed.data_entity, (listed.field,))
        rows = await self._rows(listed.data_entity, select, where)
        return None if rows is None else [str(row[listed.field]) for row in rows]

    async def countries(self) -> Sequence[tuple[str, str]] | None:
        """Each country as F&O calls it, with its ISO code of two letters."""
        rows = await self._rows("AddressCountryRegions", _SELECTED["AddressCountryRegions"], "")
        return None if rows is None else [(str(row["CountryRegion"]), str(row["ISOcode"])) for row in rows]

    async def states(self, country: str) -> Sequence[tuple[str, str]] | None:
        """The states of a country: code and name."""
        where = equals("CountryRegionId", country)
        rows = await self._rows("AddressStates", ("CountryRegionId", "State", "Name"), where)
        if rows is None:
            return None
        return [
            (str(row["State"]), str(row["Name"]))
            for row in rows
            if fold(row["CountryRegionId"]) == fold(country)
        ]

    async def group(self, legal_entity: str, group: str) -> dict[str, Any]:
        """What a customer group gives to its customers; empty where there is no such group."""
        where = equals("dataAreaId", legal_entity)
        rows = await self._rows("CustomerGroups", _SELECTED["CustomerGroups"], where)
        return next((row for row in rows or () if fold(row["CustomerGroupId"]) == fold(group)), {})

    async def manual_numbers(self, legal_entity: str, group: str) -> bool:
        """Whether people choose the numbers of customers, in this group; a group may have a sequence of its own."""
        sequence = str((await self.group(legal_entity, group)).get("CustomerAccountNumberSequence") or "")
        return await self.numbering.is_manual(legal_entity, CUSTOMERS, sequence=sequence)

    async def _rows(
        self, data_entity: str, select: Sequence[str], where: str
    ) -> Sequence[dict[str, Any]] | None:
        return await self._kept.get((data_entity, where), lambda: self._read(data_entity, select, where))

    async def _read(
        self, data_entity: str, select: Sequence[str], where: str
    ) -> Sequence[dict[str, Any]] | None:
        rows: list[dict[str, Any]] = []
        try:
            async for page in self.dynamics.pages(data_entity, select=select, filter=where):
                rows += page.rows
        except MissingScopeError:
            return None
        except ConfigurationError as missing:
            if missing.code not in NOT_OFFERED:
                raise
            return None
        return rows


def fitting(value: str, choices: Sequence[str]) -> str:
    """A value as F&O spells it; ``""`` when it is not listed."""
    return next((choice for choice in choices if fold(choice) == fold(value)), "")
