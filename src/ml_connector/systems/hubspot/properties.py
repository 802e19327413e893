"""The properties the connector keeps in HubSpot, as data, and how a portal gets them.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.models import PropertyDefinition

GROUP = "dynamics_365"
GROUP_LABEL = "Dynamics 365"
_FILLED = "Filled from Dynamics; edits are put back."

ORDER_STATUSES = (
    "Waiting for sales",
    "Waiting for finance",
    "Waiting for IT",
    "Awaiting approval",
    "Placing",
    "Open",
    "Confirmed",
    "Picked",
    "Partly delivered",
    "Delivered",
    "Partly invoiced",
    "Delivered and partly invoiced",
    "Invoiced",
    "Cancelled",
    "Not in Dynamics",
)


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """A property as it must be; ``options`` are the values of an enumeration, each its own label."""

    object_type: str
    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    unique: bool = False
    description: str = _FILLED
    options: tuple[str, ...] = ()

    def definition(self, *, unique: bool | None = None) -> dict[str, Any]:
        """The body that creates it."""
        found: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": GROUP,
            "description": self.description,
        }
        if self.unique if unique is None else unique:
            found["hasUniqueValue"] = True
        if self.options:
            found["options"] = [
                {"label": option, "value": option, "displayOrder": place, "hidden": False}
                for place, option in enumerate(self.options)
            ]
        return found


@dataclass(frozen=True, slots=True)
class PropertyProblem:
    """A property of this name is there, but is not what the connector needs: only a person can change that."""

    object_type: str
    name: str
    message: str


_KEY = "The record's key in Dynamics. Filled by the connector; changing it separates the two records."
_ENTERED = "Entered by sales; the connector reads it when it places the order."

SPECS: tuple[PropertySpec, ...] = (
    PropertySpec("companies", "d365_customer_key", "Customer key", unique=True, description=_KEY),
    PropertySpec("companies", "d365_customer_accounts", "Further customer accounts"),
    PropertySpec("companies", "d365_legal_entity", "Legal entity"),
    PropertySpec("companies", "d365_customer_account", "Customer account"),
    PropertySpec("companies", "d365_invoice_account", "Invoice account"),
    PropertySpec("companies", "d365_customer_group", "Customer group"),
    PropertySpec("companies", "d365_currency", "Currency"),
    PropertySpec("companies", "d365_payment_terms", "Payment terms"),
    PropertySpec("companies", "d365_customer_hold", "Customer hold"),
    PropertySpec("companies", "d365_status", "Status in Dynamics"),
    PropertySpec("contacts", "d365_contact_key", "Contact key", unique=True, description=_KEY),
    PropertySpec("contacts", "d365_contact_keys", "Further contact keys"),
    PropertySpec("contacts", "d365_status", "Status in Dynamics"),
    PropertySpec("products", "d365_product_key", "Product key", unique=True, description=_KEY),
    PropertySpec("products", "d365_available_in", "Available in legal entities"),
    PropertySpec("products", "d365_sales_unit", "Sales unit"),
    PropertySpec("products", "d365_product_group", "Product group"),
    PropertySpec("products", "d365_lifecycle", "Lifecycle state"),
    PropertySpec("products", "d365_status", "Status in Dynamics"),
    PropertySpec("line_items", "d365_sales_unit", "Sales unit"),  # HubSpot copies it from the product
    PropertySpec("line_items", "d365_requested_date", "Requested date", "date", "date", description=_ENTERED),
    PropertySpec("deals", "d365_legal_entity", "Legal entity", description=_ENTERED),
    PropertySpec("deals", "d365_customer_account", "Customer account", description=_ENTERED),
    PropertySpec("deals", "d365_customer_po", "Customer's order number", description=_ENTERED),
    PropertySpec("deals", "d365_requested_date", "Requested date", "date", "date", description=_ENTERED),
    PropertySpec("deals", "d365_delivery_address", "Delivery address", description=_ENTERED),
    PropertySpec("deals", "d365_sales_order_number", "Sales order number"),
    PropertySpec(
        "deals", "d365_order_status", "Order status", "enumeration", "select", options=ORDER_STATUSES
    ),
    PropertySpec("deals", "d365_order_message", "Order message", field_type="textarea"),
    PropertySpec("deals", "d365_order_readiness", "Order readiness", field_type="textarea"),
    PropertySpec("deals", "d365_requested_ship_date", "Requested ship date", "date", "date"),
    PropertySpec("deals", "d365_confirmed_ship_date", "Confirmed ship date", "date", "date"),
)
_UNIQUE_IF_ALLOWED = {"d365_product_key"}  # some portals refuse unique properties on products


def unique_keys(object_type: str) -> tuple[str, ...]:
    """The names of the key properties of a type."""
    return tuple(spec.name for spec in SPECS if spec.object_type == object_type and spec.unique)


async def missing(client: HubSpotClient, object_types: Iterable[str]) -> list[PropertySpec | PropertyProblem]:
    """What a portal lacks, and what stands there under our names but cannot be used."""
    found: list[PropertySpec | PropertyProblem] = []
    for object_type in object_types:
        there = {definition.name: definition for definition in await client.properties(object_type)}
        for spec in SPECS:
            if spec.object_type != object_type:
                continue
            definition = there.get(spec.name)
            if definition is None or definition.archived:
                found.append(spec)
            elif message := _complaint(spec, definition):
                found.append(PropertyProblem(object_type, spec.name, message))
    return found


async def create(client: HubSpotClient, specs: Sequence[PropertySpec]) -> list[PropertySpec]:
    """Create properties with their group. Those that exist already are left as they are.

    Returns:
        The specs whose unique value the portal refused; they exist without it.

    Raises:
        RejectedError: HubSpot refused a definition.
        MissingScopeError: The token may not define properties of that type.
    """
    not_unique: list[PropertySpec] = []
    for object_type in dict.fromkeys(spec.object_type for spec in specs):
        await client.create_group(object_type, GROUP, GROUP_LABEL)
    for spec in specs:
        try:
            await client.create_properties(spec.object_type, [spec.definition()])
        except RejectedError:
            if spec.name not in _UNIQUE_IF_ALLOWED:
                raise
            await client.create_properties(spec.object_type, [spec.definition(unique=False)])
            not_unique.append(spec)
    return not_unique


def _complaint(spec: PropertySpec, there: PropertyDefinition) -> str:
    title = f"The property {spec.name} of {spec.object_type}"
    if there.type != spec.type:
        return f"{title} is of type {there.type}, not {spec.type}. Delete or rename it in HubSpot."
    if spec.unique and not there.has_unique_value and spec.name not in _UNIQUE_IF_ALLOWED:
        return f"{title} does not require unique values, which cannot be changed: delete it in HubSpot."
    if there.read_only or there.calculated:
        return f"{title} is read-only in HubSpot."
    lacking = set(spec.options) - {option.value for option in there.options}
    if lacking:
        return f"{title} lacks the options {', '.join(sorted(lacking))}. Add them in HubSpot."
    return ""
