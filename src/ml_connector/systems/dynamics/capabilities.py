"""Whether an environment can be used: sign-in, companies, and the data entities the flows read."""

from __future__ import annotations

import asyncio
import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.domain.fit import EntitySet, Timestamp
from ml_connector.domain.ping import PingLog
from ml_connector.errors import AccessError, ConfigurationError, ConnectorError, RecordError
from ml_connector.systems.dynamics.odata import compare
from ml_connector.systems.dynamics.time_zones import iana

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.domain.fit import OfferState
    from ml_connector.domain.ping import PingReport
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.dynamics.settings import DynamicsSettings

NEEDED = {  # each with a field of its key, so that one row can be asked for
    "CustomersV3": "CustomerAccount",
    "ReleasedProductsV2": "ItemNumber",
    "AllProducts": "ProductNumber",
    "SalesOrderHeadersV2": "SalesOrderNumber",
    "SalesOrderLinesV3": "InventoryLotId",
}
OPTIONAL = {  # the same, and what is lost without the set
    "CDSContactPersonsV2": ("ContactPersonPartyNumber", "people, by customer"),
    "ContactPersons": ("ContactPersonId", "people, by party"),
    "PartyContactsV3": ("PartyNumber", "further phone numbers and e-mails"),
    "ProductTranslations": ("ProductNumber", "product names by language"),
    "CDSReleasedDistinctProducts": ("ProductNumber", "the currency of prices"),
    "ReleasedProductVariantsV2": ("ProductMasterNumber", "variants"),
    "ProductDefaultOrderSettings": ("ItemNumber", "sales stops"),
    "ProductSpecificOrderSettingsV3": ("ItemNumber", "sales stops by site"),
    "Ledgers": ("LegalEntityId", "accounting currencies"),
    "DimensionIntegrationFormats": ("DimensionFormatName", "dimensions on orders"),
    "DimensionParameters": ("Key", "dimensions on orders"),
    "DimensionAttributes": ("DimensionName", "names of dimensions"),
    "FinancialDimensionValues": ("DimensionValue", "checking dimension values"),
    "AddressCountryRegions": ("CountryRegion", "countries of new customers"),
    "AddressStates": ("State", "states of new customers"),
    "CustomerPostalAddresses": ("AddressLocationId", "delivery addresses"),
    "EmployeesV2": ("PersonnelNumber", "order takers"),
}
_OF_AN_EXTENSION = ("ModifiedDateTime", "LastModifiedDateTime", "SysModifiedDateTime", "LastEditDateTime")
TIMESTAMPS = {  # no master entity has one of its own: an extension, BI entities, and people's last edit
    "CustomersV3": _OF_AN_EXTENSION,
    "ReleasedProductsV2": _OF_AN_EXTENSION,
    "CustTableBiEntities": ("SysModifiedDateTime",),
    "InventTableBiEntities": ("SysModifiedDateTime",),
    "InventTableModuleBiEntities": ("SysModifiedDateTime",),
    "ContactPersons": ("LastEditDateTime",),
}
_AFTER_NULL = datetime(1900, 1, 2, tzinfo=UTC)  # an empty time is 1900-01-01


async def ping(client: DynamicsClient, settings: DynamicsSettings) -> PingReport:
    """Try everything a sync needs, without changing anything.

    Returns:
        The steps; ``facts["legal_entities"]`` maps each chosen legal entity, lower-case, to its ``name``,
        ``currency`` (empty where the ledger is not readable) and ``time_zone`` (as IANA writes it, empty where F&O
        has none), ``facts["visible_legal_entities"]`` each one the app can see to its name. No error is raised: the
        report holds the first one.
    """
    log = PingLog()
    try:
        await client.transport.authorization()
        log.passed("Sign in", f"Entra ID accepts app {settings.client_id}.")
        visible, time_zones = await _legal_entities(client)
        log.passed("Legal entities", f"{len(visible)} readable: {', '.join(sorted(visible)[:10])}.")
    except ConnectorError as exc:
        log.failed("Connect", exc)
        return log.report()
    log.facts["visible_legal_entities"] = visible
    chosen = settings.legal_entities or tuple(sorted(visible))
    unknown = [entity for entity in chosen if entity not in visible]
    if unknown:
        log.failed("Chosen legal entities", _no_such_entity(unknown[0], visible))
        return log.report()
    log.passed("Chosen legal entities", f"{', '.join(chosen)}.")
    currencies = await _currencies(client, chosen, log)
    log.facts["legal_entities"] = {
        entity: {
            "name": visible[entity],
            "currency": currencies.get(entity, ""),
            "time_zone": time_zones[entity],
        }
        for entity in chosen
    }
    await _read_each(client, log)
    return log.report()


async def _legal_entities(client: DynamicsClient) -> tuple[dict[str, str], dict[str, str]]:
    """Names and time zones of the legal entities the app can see."""
    names: dict[str, str] = {}
    zones: dict[str, str] = {}
    async for page in client.pages("LegalEntities", select=("LegalEntityId", "Name", "TimeZone")):
        names |= {_text(row, "LegalEntityId").lower(): _text(row, "Name") for row in page.rows}
        zones |= {_text(row, "LegalEntityId").lower(): iana(row.get("TimeZone")) for row in page.rows}
    if not names:
        raise ConfigurationError(
            "The app's user in Dynamics can see no legal entity.",
            code="dynamics.no_legal_entity",
            hint="Give that user a role in at least one company.",
        )
    return names, zones


async def _currencies(client: DynamicsClient, chosen: tuple[str, ...], log: PingLog) -> dict[str, str]:
    """Accounting currencies, where the app may read them; prices of the others are left out."""
    currencies: dict[str, str] = {}
    try:
        async for page in client.pages("Ledgers", select=("LegalEntityId", "AccountingCurrency")):
            currencies |= {
                _text(row, "LegalEntityId").lower(): _text(row, "AccountingCurrency") for row in page.rows
            }
    except (AccessError, ConfigurationError, RecordError) as exc:
        log.passed("Currencies", f"Not readable: {exc.message}", fix=exc.hint)
        return {}
    except ConnectorError as exc:
        log.failed("Currencies", exc)
        return {}
    missing = [entity for entity in chosen if not currencies.get(entity)]
    shown = ", ".join(f"{entity} {currencies[entity]}" for entity in chosen if entity not in missing)
    log.passed(
        "Currencies",
        f"{shown or 'none'}.",
        fix=f"No accounting currency for {', '.join(missing)}: their prices are left out." if missing else "",
    )
    return currencies


async def _read_each(client: DynamicsClient, log: PingLog) -> None:
    for data_entity, field in NEEDED.items():
        try:
            page = await client.page(data_entity, select=(field,), top=1)
        except ConnectorError as exc:
            log.failed(f"Read {data_entity}", exc)
        else:
            log.passed(f"Read {data_entity}", "Readable." if page.rows else "Readable, without rows.")


async def entity_sets(client: DynamicsClient) -> tuple[EntitySet, ...]:
    """Every set the flows need or can use, and whether it answers; one row of one field each."""

    async def look(name: str, field: str, use: str) -> EntitySet:
        state, detail = await _offer(client, name, field)
        return EntitySet(name, name in NEEDED, use, state, detail)

    needed = (look(name, field, "the flows") for name, field in NEEDED.items())
    optional = (look(name, field, use) for name, (field, use) in OPTIONAL.items())
    return tuple(await asyncio.gather(*needed, *optional))


async def timestamps(client: DynamicsClient) -> tuple[Timestamp, ...]:
    """Fields that may tell when a row changed, asked for by name: ``$metadata`` has tens of megabytes."""

    async def look(name: str, field: str) -> Timestamp:
        state, _ = await _offer(client, name, field, condition=compare(field, "gt", _AFTER_NULL))
        return Timestamp(name, field, state)

    candidates = [(name, field) for name, fields in TIMESTAMPS.items() for field in fields]
    return tuple(await asyncio.gather(*(look(name, field) for name, field in candidates)))


async def _offer(
    client: DynamicsClient, data_entity: str, field: str, *, condition: str = ""
) -> tuple[OfferState, str]:
    """Whether a set answers with this field; words only where it does not."""
    try:
        page = await client.page(data_entity, select=(field,), filter=condition, top=1)
    except AccessError as exc:
        return "forbidden", exc.message
    except ConfigurationError as exc:
        absent = exc.code in ("dynamics.unknown_entity", "dynamics.unknown_field")
        return "missing" if absent else "unknown", exc.message
    except ConnectorError as exc:
        return "unknown", exc.message
    return ("there" if page.rows else "empty"), ""


def _no_such_entity(wanted: str, visible: Mapping[str, str]) -> ConfigurationError:
    by_name = {name.lower(): entity for entity, name in visible.items()}
    near = difflib.get_close_matches(wanted, [*visible, *by_name], n=1, cutoff=0.4)
    guess = by_name.get(near[0], near[0]) if near else ""
    return ConfigurationError(
        f"There is no legal entity {wanted!r} that the app can see."
        + (f" Did you mean {guess!r} ({visible[guess]})?" if guess else ""),
        code="dynamics.unknown_legal_entity",
        hint=f"Choose from: {', '.join(sorted(visible)[:20])}.",
    )


def _text(row: Mapping[str, Any], field: str) -> str:
    return str(row.get(field) or "")
