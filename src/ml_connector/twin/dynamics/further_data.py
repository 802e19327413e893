"""Further reference data: delivery, sales tax, employees, units, number sequences, dimension sets.

It leans on the world and adds nothing that changes what an order or a customer comes out as.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.numbers import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ml_connector.twin.dynamics.tables import Row, Store
    from ml_connector.twin.world.model import World

DELIVERY_MODES = (("AIR", "Air freight"), ("PICKUP", "Collected by the customer"), ("TRUCK", "Truck"))
DELIVERY_TERMS = (("CIP", "Carriage and insurance paid"), ("DAP", "Delivered at place"), ("EXW", "Ex works"))
TAX_GROUPS = (("DOM", "Domestic"), ("EXP", "Export"))
TAX_ITEM_GROUPS = (("FULL", "Full rate", "STD"), ("RED", "Reduced rate", "LOW"))
# From, to, how many of the second are one of the first; only units the world may sell in.
CONVERSIONS = (("pair", "ea", 2), ("pcs", "ea", 1))
# Packed products: unit, and how many single pieces it holds.
PACKED = {"box": 12, "pack": 6}
_SEQUENCES = {  # code, name, the twin's sequence, the switch that makes it manual
    "Cust": ("Customer account", "customer_numbers", "customer_numbers"),
    "Sale": ("Sales order", "order_numbers", "order_numbers"),
    "Lot": ("Lot ID", "lots", ""),
}
_DIMENSION_SETS = {
    "Department": "DimAttributeOMDepartments",
    "BusinessUnit": "DimAttributeOMBusinessUnits",
    "CostCenter": "DimAttributeOMCostCenters",
}
_FIRST_EMPLOYEE_PARTY = 950


def fill(world: World, store: Store, switches: Mapping[str, str]) -> None:
    """Fill the sets, after the world's own records are in."""
    for table, values in (
        *_of_companies(world, switches),
        *_employees(world),
        *_units(world),
        *_dimension_values(world),
        *_dimension_sets(store),
    ):
        store.fill(table, values)


def computed(store: Store) -> dict[str, dict[str, Callable[[Row], Any]]]:
    """Values worked out on reading: the next number of each sequence, the product behind a line's item."""

    def following(row: Row) -> int:
        code = str(row.values["NumberSequenceCode"]).partition("_")[0]
        company = str(row.values["ScopeValue"])
        known = _SEQUENCES.get(code)
        return store.last_drawn(known[1], company) + 1 if known else int(row.values.get("Next", 1))

    def product(line: Row, name: str) -> str:
        item = (line.values["dataAreaId"], line.values["ItemNumber"])
        release = store.tables["releases"].find(("dataAreaId", "ItemNumber"), item)
        behind = release.joined if release else None
        return str(behind.values.get(name, "")) if behind else ""

    return {
        "SequenceV2Tables": {"Next": following},
        "CDSSalesOrderLinesV2": {
            name: partial(product, name=name) for name in ("ProductNumber", "ProductName")
        },
    }


def _of_companies(world: World, switches: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, entity in enumerate(world.legal_entities, 1):
        company = {"dataAreaId": entity.id}
        for code, text in DELIVERY_MODES:
            yield "DeliveryModesV2", {**company, "ModeCode": code, "ModeDescription": text}
        for code, text in DELIVERY_TERMS:
            yield "DeliveryTerms", {**company, "TermsCode": code, "TermsDescription": text}
        for code, text in TAX_GROUPS:
            yield "TaxGroups", {**company, "TaxGroupCode": code, "Description": text}
        for code, text, tax in TAX_ITEM_GROUPS:
            key = {"TaxItemGroupCode": code, "TaxCodeId": tax}
            yield "TaxItemGroups", {**company, **key, "Description": text}
        for code, (name, sequence, switch) in _SEQUENCES.items():
            manual = "Yes" if switch and switches[switch] == "manual" else "No"
            yield "SequenceV2Tables", _sequence(entity.id, f"{code}_{place}", name, sequence, manual)


def _sequence(company: str, code: str, name: str, sequence: str, manual: str) -> dict[str, Any]:
    return {
        "NumberSequenceCode": code,
        "ScopeType": "DataArea",
        "ScopeValue": company,
        "Company": company,
        "Name": name,
        "Format": FORMATS[sequence].format(company=company.upper(), number=0).replace("000000", "######"),
        "Manual": manual,
        "Continuous": "No",
        "InUse": "Yes",
        "Smallest": 1,
        "Largest": 999999,
    }


def _employees(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    company = world.legal_entities[0]
    for place, (email, first, last) in enumerate(world.owners, 1):
        yield (
            "EmployeesV2",
            {
                "PersonnelNumber": f"{place:06d}",
                "EmploymentLegalEntityId": company.id,
                "EmploymentId": f"E{place:05d}",
                "PartyNumber": f"{_FIRST_EMPLOYEE_PARTY + place:09d}",
                "PartyType": "Person",
                "FirstName": first,
                "LastName": last,
                "Name": f"{first} {last}".strip(),
                "PrimaryContactEmail": email,
                "LanguageId": company.language,
            },
        )


def _units(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    for source, target, factor in CONVERSIONS:
        yield "UnitOfMeasureConversions", _conversion(source, target, factor)
    for product in world.products:
        if product.unit in PACKED:
            values = _conversion(product.unit, "ea", PACKED[product.unit])
            yield "ProductUnitOfMeasureConversions", {**values, "ProductNumber": product.number}


def _conversion(source: str, target: str, factor: int) -> dict[str, Any]:
    sides = {"FromUnitSymbol": source, "ToUnitSymbol": target}
    return {**sides, "Factor": Decimal(factor), "Numerator": 1, "Denominator": 1}


def _dimension_values(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    for dimension, table in _DIMENSION_SETS.items():
        for value, text in world.dimension_values.get(dimension, ()):
            yield table, {"Value": value, "Name": text}
    for dimension, found in world.dimension_values.items():
        for value, _ in found[:1]:
            key = {"FinancialDimension": dimension, "DimensionValue": value}
            company = world.legal_entities[0].id
            yield "FinancialDimensionValueLegalEntityOverridesV2", {**key, "LegalEntityId": company}


def _dimension_sets(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    customers = store.tables["customers"].rows
    known = dict.fromkeys(row.values.get("DefaultDimensionDisplayValue", "") for row in customers)
    first = store.tables["DimensionSets"].next_id
    for place, text in enumerate(text for text in known if text):
        yield "DimensionSets", {"RecordId": first + place, "DisplayValue": text}
