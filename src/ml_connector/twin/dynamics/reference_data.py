"""Reference data every environment holds: companies, currencies, units, sites, dimensions, countries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.dimensions import DELIMITERS
from ml_connector.twin.dynamics.environment import DEFAULT_FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.twin.dynamics.tables import Store
    from ml_connector.twin.world.model import LegalEntity, World

CURRENCIES = {
    "USD": "US Dollar",
    "EUR": "Euro",
    "GBP": "Pound Sterling",
    "CAD": "Canadian Dollar",
    "CHF": "Swiss Franc",
}
# Decimals of quantities by unit; a unit not listed has two.
UNITS = {
    "ea": 0,
    "pcs": 0,
    "box": 0,
    "set": 0,
    "pair": 0,
    "roll": 0,
    "pack": 0,
    "hour": 2,
    "kg": 3,
    "m": 2,
    "l": 2,
}
ORIGINS = (
    ("CRM", "Orders from the CRM"),
    ("PHONE", "Orders by telephone"),
    ("WEB", "Orders from the web shop"),
)
POOLS = (("CRM", "From the CRM"), ("STD", "Standard"))
# CountryRegion (ISO 3166 alpha-3) to ISOcode (alpha-2).
COUNTRIES = {
    "USA": "US",
    "CAN": "CA",
    "MEX": "MX",
    "DEU": "DE",
    "AUT": "AT",
    "CHE": "CH",
    "FRA": "FR",
    "GBR": "GB",
    "IRL": "IE",
    "NLD": "NL",
    "BEL": "BE",
    "ITA": "IT",
    "ESP": "ES",
    "POL": "PL",
}
US_STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO "
    "MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC"  # codespell:ignore nd
)
FORMAT_NAME = "Default dimensions"
LEDGER_FORMAT_NAME = "Ledger dimensions"
_DIGITS = re.compile(r"\d+")


def fill(world: World, store: Store, switches: Mapping[str, str]) -> None:
    """Fill all reference sets."""
    rows = (
        *_of_entities(world),
        *_shared(world),
        *_of_places(world),
        *_of_dimensions(world, switches),
        *_of_countries(world),
    )
    for table, values in rows:
        store.fill(table, values)


def _of_entities(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, entity in enumerate(world.legal_entities, 1):
        yield from _of_entity(entity, place)
        for group, text in world.customer_groups:
            values = {"dataAreaId": entity.id, "CustomerGroupId": group, "Description": text}
            yield "CustomerGroups", values
        for name, text in world.payment_terms:
            days = _DIGITS.search(name)
            values = {"dataAreaId": entity.id, "Name": name, "Description": text}
            yield "PaymentTerms", {**values, "NumberOfDays": int(days[0]) if days else 0}
        for code, text in ORIGINS:
            yield (
                "SalesOrderOriginCodes",
                {"dataAreaId": entity.id, "OriginCode": code, "OriginDescription": text},
            )
        for pool, text in POOLS:
            yield "SalesOrderPools", {"dataAreaId": entity.id, "PoolId": pool, "PoolName": text}


def _of_entity(entity: LegalEntity, place: int) -> Iterator[tuple[str, dict[str, Any]]]:
    party = f"{900 + place:09d}"
    named = {"Name": entity.name, "LanguageId": entity.language, "PartyNumber": party}
    country = {"AddressCountryRegionId": entity.country3, "AddressCountryRegionISOCode": entity.country}
    yield (
        "LegalEntities",
        {
            "LegalEntityId": entity.id,
            **named,
            **country,
            "NameAlias": entity.name,
            "TimeZone": entity.time_zone,
        },
    )
    yield "Companies", {"DataArea": entity.id, **named}
    yield (
        "Ledgers",
        {
            "LegalEntityId": entity.id,
            "Name": entity.id,
            "Description": entity.name,
            "AccountingCurrency": entity.currency,
            "ReportingCurrency": entity.currency,
        },
    )
    for data_type, code in (("CustAccount", "Cust"), ("SalesId", "Sale"), ("InventTransIdSales", "Lot")):
        yield (
            "NumberSequencesV2References",
            {
                "ScopeType": "DataArea",
                "ScopeValue": entity.id,
                "DataTypeName": data_type,
                "NumberSequenceCode": f"{code}_{place}",
            },
        )


def _shared(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    used = {
        *(entity.currency for entity in world.legal_entities),
        *(customer.currency for customer in world.customers),
        *(deal.currency for deal in world.deals),
    }
    for code in sorted({*CURRENCIES, *used}):
        yield "Currencies", {"CurrencyCode": code, "Name": CURRENCIES.get(code, code)}
    for unit in sorted({*UNITS, *(product.unit for product in world.products)}):
        values = {"UnitSymbol": unit, "UnitDescription": unit, "DecimalPrecision": UNITS.get(unit, 2)}
        yield "UnitsOfMeasure", values


def _of_places(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    sites: dict[tuple[str, str], None] = {}
    warehouses: dict[tuple[str, str], str] = {}
    places = [
        *((entity.id, entity.default_site, entity.default_warehouse) for entity in world.legal_entities),
        *((item.legal_entity, item.default_site, item.default_warehouse) for item in world.releases),
    ]
    for company, site, warehouse in places:
        if site:
            sites[company, site] = None
        if warehouse:
            warehouses.setdefault((company, warehouse), site)
    for company, site in sites:
        yield "OperationalSitesV2", {"dataAreaId": company, "SiteId": site, "SiteName": f"Site {site}"}
    for (company, warehouse), site in warehouses.items():
        values = {"dataAreaId": company, "WarehouseId": warehouse, "OperationalSiteId": site}
        yield "Warehouses", {**values, "WarehouseName": f"Warehouse {warehouse}"}


def _of_dimensions(world: World, switches: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    mark = world.dimension_delimiter if switches["dimension_format_text"] == "delimited" else ","
    active = "Yes" if switches["dimension_format"] == "active" else "No"
    formats = (
        (FORMAT_NAME, DEFAULT_FORMAT, world.dimensions, active),
        (LEDGER_FORMAT_NAME, "DataEntityLedgerDimensionFormat", ("MainAccount", *world.dimensions), active),
        ("Former default", DEFAULT_FORMAT, world.dimensions[:1], "No"),
    )
    for name, kind, names, is_active in formats:
        values = {"DimensionFormatName": name, "DimensionFormatType": kind, "IsActive": is_active}
        yield "DimensionIntegrationFormats", {**values, "FinancialDimensionFormat": mark.join(names)}
    yield (
        "DimensionParameters",
        {"Key": 0, "DimensionSegmentDelimiter": DELIMITERS[world.dimension_delimiter]},
    )
    for name in ("MainAccount", *world.dimensions):
        values = {"DimensionName": name, "ReportColumnName": name, "UseValuesFrom": "Custom list"}
        yield "DimensionAttributes", values
    for name, found in world.dimension_values.items():
        for value, text in found:
            key = {"FinancialDimension": name, "LegalEntityId": "", "DimensionValue": value}
            yield "FinancialDimensionValues", {**key, "Description": text}


def _of_countries(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    places = [
        *((entity.country3, entity.country, "") for entity in world.legal_entities),
        *((item.address.country3, item.address.country, item.address.state) for item in world.customers),
    ]
    countries = {**COUNTRIES, **{long: short for long, short, _ in places if long}}
    for long, short in countries.items():
        yield "AddressCountryRegions", {"CountryRegion": long, "ISOcode": short}
    states = {("USA", state) for state in US_STATES.split()} | {
        (long, state) for long, _, state in places if state
    }
    for long, state in sorted(states):
        yield "AddressStates", {"CountryRegionId": long, "State": state, "Name": state}
