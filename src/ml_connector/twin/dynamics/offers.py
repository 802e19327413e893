"""Which entity sets an environment offers: switches, and the sets they hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.dynamics import behaviour
from ml_connector.twin.switches import Switch

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = (
    Switch(
        "bi_sets",
        ("offered", "missing"),
        "offered",
        "It is not confirmed that ordinary roles may read the BI table entities.",
        "META",
    ),
)
SWITCHES: dict[str, Switch] = {**behaviour.SWITCHES, **{switch.name: switch for switch in _ALL}}


_DIMENSION_VALUE_SETS = {
    "FinancialDimensionValues",
    "DimAttributeOMDepartments",
    "DimAttributeOMBusinessUnits",
    "DimAttributeOMCostCenters",
}


def settings(given: Mapping[str, str]) -> dict[str, str]:
    """Every switch of this twin with its value; names of the other twin are passed over."""
    return {name: given.get(name, switch.default) for name, switch in SWITCHES.items()}


def is_offered(name: str, switches: Mapping[str, str]) -> bool:
    """Whether a client sees the set."""
    if name.startswith("CDS"):
        return switches["cds_sets"] == "offered"
    if name in _DIMENSION_VALUE_SETS:
        return switches["dimension_value_list"] == "offered"
    if name.endswith("BiEntities"):
        return switches["bi_sets"] == "offered"
    return True
