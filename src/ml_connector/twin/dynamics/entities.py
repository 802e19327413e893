"""The schema of the twin's F&O: entity sets, keys, properties with their EDM kinds, enumerations.

``entities.json`` holds names, keys, types and enumeration members only. One property is written
``"Name kind"``, where kind is one of the words in ``DEFAULTS`` or the name of an enumeration; one navigation
``"Name one Target"`` or ``"Name many Target"``, with the set it leads to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

NAMESPACE = "Microsoft.Dynamics.DataEntities"
EMPTY_DATE = "1900-01-01T12:00:00Z"
EMPTY_DATETIME = "1900-01-01T00:00:00Z"

# What an empty value of each kind looks like on the wire.
# https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
DEFAULTS: dict[str, Any] = {
    "string": "",
    "decimal": 0,
    "int32": 0,
    "int64": 0,
    "date": EMPTY_DATE,
    "datetime": EMPTY_DATETIME,
    "guid": "00000000-0000-0000-0000-000000000000",
    "boolean": False,
    "binary": None,
}

# Properties that a newer release or an installation adds, shown when the switch extra_properties is on.
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "CustomersV3": (
        "QMSApprovedCustomerGroupId string",
        "QMSWillPrintCustomerSpecificCertificateOfAnalysis NoYes",
        "QMSCertificateOfAnalysisCustomerGroupId string",
        "ContosoCrmId string",
    ),
    "ReleasedProductsV2": (
        "TrackedComponentsPolicyId string",
        "BlockItemReturn NoYes",
        "QMSIsDispensingControlApplied NoYes",
        "QMSApprovedItemGroupId string",
        "QMSUnderDispensePercentage decimal",
        "QMSOverDispensePercentage decimal",
        "QMSAllowOnlyAuthorizedPersonnelForDispensing NoYes",
        "ContosoCatalogPage int32",
    ),
    "SalesOrderHeadersV2": ("ContosoCrmReference string",),
    "SalesOrderHeadersV3": ("ContosoCrmReference string",),
    "SalesOrderHeadersV4": ("ContosoCrmReference string",),
    "SalesOrderLines": ("ContosoCrmLineReference string",),
    "SalesOrderLinesV3": (
        "DefaultLineNumberFromLineCreationSequenceNumber NoYes",
        "TaxGroup_BR string",
        "TaxItemGroup_BR string",
        "OverrideSalesTax_BR NoYes",
        "ContosoCrmLineReference string",
    ),
    "Warehouses": ("ExternalWarehouseDefaultLicensePlateLocationId string",),
}

MODIFIED = "ModifiedDateTime"  # what a tenant's developer may add to the sets that follow
MODIFIED_ON = ("CustomersV3", "ReleasedProductsV2")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an entity set; ``enum`` names its enumeration when ``kind`` is ``enum``."""

    name: str
    kind: str
    default: Any
    enum: str = ""

    @property
    def edm_type(self) -> str:
        """The type as ``$metadata`` writes it."""
        if self.kind == "enum":
            return f"{NAMESPACE}.{self.enum}"
        names = {"date": "DateTimeOffset", "datetime": "DateTimeOffset"}
        return f"Edm.{names.get(self.kind, self.kind.capitalize())}"


@dataclass(frozen=True, slots=True)
class EntitySet:
    """One public collection: its singular type name, key properties in order, all properties by name."""

    name: str
    type: str
    keys: tuple[str, ...]
    properties: dict[str, Property]
    navigation: tuple[tuple[str, bool, str], ...] = ()  # (name, many, target set)

    @property
    def per_company(self) -> bool:
        """Whether rows belong to one legal entity."""
        return "dataAreaId" in self.properties


@dataclass(frozen=True, slots=True)
class Schema:
    """All entity sets and enumerations."""

    sets: dict[str, EntitySet]
    enums: dict[str, dict[str, int]]


@cache
def load_schema(*, extended: bool = False, timed: bool = False) -> Schema:
    """Read the table once per process; ``extended`` adds the extension fields, ``timed`` a time of change."""
    text = resources.files(__package__).joinpath("entities.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    enums: dict[str, dict[str, int]] = raw["enums"]
    sets = {}
    for name, entry in raw["sets"].items():
        lines = [*entry["properties"], *(EXTENSIONS.get(name, ()) if extended else ())]
        lines += [f"{MODIFIED} datetime"] if timed and name in MODIFIED_ON else []
        properties = {found.name: found for found in (_property(line, enums) for line in lines)}
        links = tuple(_navigation(line) for line in entry.get("navigation", ()))
        sets[name] = EntitySet(name, entry["type"], tuple(entry["keys"]), properties, links)
    return Schema(sets, enums)


def _property(line: str, enums: dict[str, dict[str, int]]) -> Property:
    name, kind = line.split()
    if kind in DEFAULTS:
        return Property(name, kind, DEFAULTS[kind])
    # An unset enumeration is its zero member; one without a zero member (Timezone) is null.
    unset = next((member for member, value in enums[kind].items() if value == 0), None)
    return Property(name, "enum", unset, kind)


def _navigation(line: str) -> tuple[str, bool, str]:
    name, number, target = line.split()
    return name, number == "many", target


def with_defaults(entity_set: EntitySet, defaults: dict[str, Any]) -> EntitySet:
    """The same set with other values for some unset properties."""
    changed = {name: replace(entity_set.properties[name], default=value) for name, value in defaults.items()}
    return replace(entity_set, properties={**entity_set.properties, **changed})
