"""The properties the connector needs in HubSpot: which are there, which are missing, make the missing ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.store import flows as flow_rows
from ml_connector.systems.hubspot import properties
from ml_connector.systems.hubspot.capabilities import FOR_CONTACTS
from ml_connector.systems.hubspot.properties import PropertySpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace

OBJECTS_OF_FLOW = {
    "customers": ("companies",),
    "contacts": ("contacts",),
    "products": ("products",),
    "orders": ("companies", "products", "line_items", "deals"),
    "order_status": ("deals",),
}


@dataclass(frozen=True, slots=True)
class PropertiesReport:
    """How the portal stands; names are written ``companies.d365_customer_key``."""

    present: int
    missing: tuple[str, ...]
    created: tuple[str, ...]
    problems: tuple[str, ...]


async def hubspot_properties(place: Workplace, *, create: bool) -> PropertiesReport:
    """Compare the portal with what the flows need, and create what is missing when asked."""
    client = await place.hubspot()
    objects = await _objects(place)
    findings = await properties.missing(client, objects)
    specs = [finding for finding in findings if isinstance(finding, PropertySpec)]
    problems = tuple(finding.message for finding in findings if not isinstance(finding, PropertySpec))
    needed = sum(spec.object_type in objects for spec in properties.SPECS)
    names = tuple(f"{spec.object_type}.{spec.name}" for spec in specs)
    if not create or not specs:
        return PropertiesReport(needed - len(findings), names, (), problems)
    plain = await properties.create(client, specs)
    notes = tuple(
        f"{spec.object_type}.{spec.name} exists without a unique value: this portal refuses one."
        for spec in plain
    )
    return PropertiesReport(needed - len(findings), (), names, (*problems, *notes))


async def _objects(place: Workplace) -> tuple[str, ...]:
    """The objects of every flow; contacts only if the token opens them, or the flow is on and needs them."""
    flows = dict(OBJECTS_OF_FLOW)
    scopes = (await place.side("hubspot")).capabilities.get("scopes")
    if scopes is not None and not set(FOR_CONTACTS) <= set(scopes):
        async with place.store.read() as tx:
            row = await flow_rows.get(tx, place.connection.connection_id, "contacts")
        if row.state == "off":
            del flows["contacts"]
    return tuple(dict.fromkeys(name for names in flows.values() for name in names))


async def require_properties(place: Workplace, flows: Sequence[str]) -> None:
    """Refuse to run flows whose properties are not there.

    Raises:
        ConfigurationError: naming them and the command that makes them.
    """
    objects = tuple(dict.fromkeys(name for flow in flows for name in OBJECTS_OF_FLOW[flow]))
    findings = await properties.missing(await place.hubspot(), objects)
    if not findings:
        return
    named = [
        f"{finding.object_type}.{finding.name}" if isinstance(finding, PropertySpec) else finding.message
        for finding in findings
    ]
    shown = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")  # noqa: PLR2004 - a few are enough
    raise ConfigurationError(
        f"HubSpot lacks properties the connector fills: {shown}.",
        code="hubspot.property_missing",
        hint="Run: ml-connector hubspot properties --create",
    )
