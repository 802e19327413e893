"""Number sequences: whether the numbers of orders and customers are ours to choose. Read, never assumed.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/fin-ops/organization-administration/number-sequence-overview
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.domain.kept import Kept
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.systems.dynamics.odata import EnumMember, all_of, equals

if TYPE_CHECKING:
    from ml_connector.systems.dynamics.client import DynamicsClient

ORDERS = "SalesId"
CUSTOMERS = "CustAccount"
_SCOPE = EnumMember("NumberSequenceType", "DataArea")


@dataclass(slots=True)
class Numbering:
    """Who chooses numbers, read once for each legal entity and kind."""

    client: DynamicsClient
    _known: Kept[tuple[str, str, str], bool] = field(default_factory=Kept)

    async def is_manual(self, legal_entity: str, data_type: str, *, sequence: str = "") -> bool:
        """Whether a person enters the numbers of this kind in this legal entity.

        Args:
            legal_entity: Which.
            data_type: ``ORDERS`` or ``CUSTOMERS``.
            sequence: A sequence that stands in for the usual one, as a customer group may have.

        Returns:
            False also where the set-up cannot be read: F&O then gives the numbers, or says that it does not.
        """
        return await self._known.get(
            (legal_entity, data_type, sequence),
            lambda: _is_manual(self.client, legal_entity, data_type, sequence),
        )


async def _is_manual(client: DynamicsClient, legal_entity: str, data_type: str, sequence: str) -> bool:
    scope = all_of([equals("ScopeType", _SCOPE), equals("ScopeValue", legal_entity)])
    try:
        code = sequence or await _code(client, scope, data_type)
        if not code:
            return False
        wanted = all_of([scope, equals("NumberSequenceCode", code)])
        page = await client.page(
            "SequenceV2Tables", select=("NumberSequenceCode", "Manual"), filter=wanted, top=10
        )
    except (MissingScopeError, ConfigurationError):
        return False
    return any(row["NumberSequenceCode"] == code and row["Manual"] == "Yes" for row in page.rows)


async def _code(client: DynamicsClient, scope: str, data_type: str) -> str:
    """The sequence that numbers are drawn from."""
    page = await client.page(
        "NumberSequencesV2References",
        select=("DataTypeName", "NumberSequenceCode"),
        filter=all_of([scope, equals("DataTypeName", data_type)]),
        top=10,
    )
    return next((str(row["NumberSequenceCode"]) for row in page.rows if row["DataTypeName"] == data_type), "")
