"""Whether a portal can be used: the token, its portal, its scopes, and the objects the flows touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.ping import PingLog
from ml_connector.errors import ConnectorError, CredentialsError, MissingScopeError, RecordError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from ml_connector.domain.ping import PingReport
    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.models import AccountDetails
    from ml_connector.systems.hubspot.settings import HubSpotSettings

_SHOP = "e-commerce"
# each entry: any one of these scopes will do
NEEDED: tuple[tuple[str, ...], ...] = (
    ("crm.objects.companies.read",),
    ("crm.objects.companies.write",),
    ("crm.objects.deals.read",),
    ("crm.objects.deals.write",),
    ("crm.objects.products.read", _SHOP),
    ("crm.objects.products.write", _SHOP),
    ("crm.objects.line_items.read", _SHOP),
    ("crm.objects.owners.read",),
)
FOR_CONTACTS = ("crm.objects.contacts.read", "crm.objects.contacts.write")  # a flow that may stay off
FOR_DEFINITIONS: tuple[tuple[str, ...], ...] = (
    ("crm.schemas.companies.write",),
    ("crm.schemas.contacts.write",),
    ("crm.schemas.deals.write",),
    (_SHOP,),  # the only scope that may define product properties
)
READ = ("companies", "products", "deals")


async def ping(
    client: HubSpotClient, settings: HubSpotSettings, expected_portal: int | None = None
) -> PingReport:
    """Try everything a sync needs, without changing anything.

    Args:
        client: A client with the token in question.
        settings: The portal's settings.
        expected_portal: The portal this connection was made with; a token of another one is refused.

    Returns:
        The steps; ``facts`` holds ``portal_id``, ``company_currency``, ``additional_currencies``, ``time_zone``,
        ``account_type``, ``ui_domain``, ``scopes`` (None where the token does not tell) and ``pipelines``.
        No error is raised: the report holds the first one.
    """
    log = PingLog()
    try:
        account = await client.account()
    except ConnectorError as exc:
        log.failed("Connect", exc)
        return log.report()
    how = f"OAuth app {settings.client_id}" if settings.client_id else "a static access token"
    log.passed("Connect", f"Portal {account.portal_id} answers {how}, API version {settings.api_version}.")
    if expected_portal is not None and account.portal_id != expected_portal:
        log.failed("Portal", _other_portal(account.portal_id, expected_portal))
        return log.report()
    log.facts |= _facts(account)
    if settings.client_id:
        log.facts["scopes"] = None
        log.passed(
            "Scopes", "Those the OAuth app was installed with; what it lacks shows in the steps below."
        )
    else:
        await _scopes(client, log)
    await _objects(client, log)
    return log.report()


def _facts(account: AccountDetails) -> dict[str, Any]:
    return {
        "portal_id": account.portal_id,
        "company_currency": account.company_currency,
        "additional_currencies": list(account.additional_currencies),
        "time_zone": account.time_zone,
        "account_type": account.account_type,
        "ui_domain": account.ui_domain,
    }


async def _scopes(client: HubSpotClient, log: PingLog) -> None:
    """Name what the token lacks, where it can be asked (OAuth tokens cannot)."""
    log.facts["scopes"] = None
    try:
        scopes = (await client.token_info()).scopes
    except RecordError as exc:
        log.passed("Scopes", "The token does not tell its scopes.", fix=exc.hint)
        return
    except ConnectorError as exc:
        log.failed("Scopes", exc)
        return
    log.facts["scopes"] = sorted(scopes)
    lacking = [" or ".join(any_of) for any_of in NEEDED if not scopes.intersection(any_of)]
    if lacking:
        log.failed(
            "Scopes",
            MissingScopeError(
                f"The HubSpot token lacks {', '.join(lacking)}.",
                hint="Add the scopes to the key or app in HubSpot.",
                scopes=lacking,
            ),
        )
        return
    undefined = [" or ".join(any_of) for any_of in FOR_DEFINITIONS if not scopes.intersection(any_of)]
    log.passed(
        "Scopes",
        f"{len(scopes)}, all that are needed.",
        fix=f"To create the connector's properties it also needs {', '.join(undefined)}."
        if undefined
        else "",
    )
    _contacts(scopes, log)


def _contacts(scopes: AbstractSet[str], log: PingLog) -> None:
    """Contacts may stay off: what they lack is an advice."""
    lacking = [scope for scope in FOR_CONTACTS if scope not in scopes]
    if lacking:
        fix = f"Before the flow contacts is switched on, the token needs {', '.join(lacking)}."
        log.passed("Contacts", "The token may not read and write them.", fix=fix)
    else:
        log.passed("Contacts", "May be read and written.")


async def _objects(client: HubSpotClient, log: PingLog) -> None:
    for object_type in READ:
        try:
            await client.list(object_type, properties=("hs_object_id",), limit=1)
        except ConnectorError as exc:
            log.failed(f"Read {object_type}", exc)
        else:
            log.passed(f"Read {object_type}", "Readable.")
    try:
        pipelines = await client.pipelines("deals")
    except ConnectorError as exc:
        log.failed("Pipelines", exc)
        return
    log.facts["pipelines"] = [pipeline.model_dump() for pipeline in pipelines]
    log.passed("Pipelines", f"{', '.join(pipeline.label for pipeline in pipelines) or 'none'}.")


def _other_portal(found: int, expected: int) -> CredentialsError:
    return CredentialsError(
        f"This is the token of another portal: it belongs to {found}, the connection to {expected}.",
        code="hubspot.other_portal",
        hint="Enter a token of the right portal, or make a new connection for the other one.",
    )
