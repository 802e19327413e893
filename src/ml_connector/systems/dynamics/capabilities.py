"""Whether an environment can be used: sign-in, companies, and the data entities the flows read."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from ml_connector.domain.ping import PingLog
from ml_connector.errors import AccessError, ConfigurationError, ConnectorError, RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping

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


async def ping(client: DynamicsClient, settings: DynamicsSettings) -> PingReport:
    """Try everything a sync needs, without changing anything.

    Returns:
        The steps; ``facts["legal_entities"]`` maps each chosen legal entity, lower-case, to its ``name`` and
        ``currency`` (empty where the ledger is not readable), ``facts["visible_legal_entities"]`` each one the
        app can see to its name. No error is raised: the report holds the first one.
    """
    log = PingLog()
    try:
        await client.transport.authorization()
        log.passed("Sign in", f"Entra ID accepts app {settings.client_id}.")
        visible = await _legal_entities(client)
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
        entity: {"name": visible[entity], "currency": currencies.get(entity, "")} for entity in chosen
    }
    await _read_each(client, log)
    return log.report()


async def _legal_entities(client: DynamicsClient) -> dict[str, str]:
    found: dict[str, str] = {}
    async for page in client.pages("LegalEntities", select=("LegalEntityId", "Name")):
        found |= {_text(row, "LegalEntityId").lower(): _text(row, "Name") for row in page.rows}
    if not found:
        raise ConfigurationError(
            "The app's user in Dynamics can see no legal entity.",
            code="dynamics.no_legal_entity",
            hint="Give that user a role in at least one company.",
        )
    return found


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
