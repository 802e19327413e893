"""What a record of each type needs, and what HubSpot fills in, when it is created or changed.

Facts: https://developers.hubspot.com/docs/guides/crm/using-object-apis
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.hubspot.calculated import ENTERED
from ml_connector.twin.hubspot.errors import ApiError, Problem, invalid_values, missing_values
from ml_connector.twin.hubspot.pipelines import DEFAULT
from ml_connector.twin.hubspot.standard import LIFECYCLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.versions import Version

# At least one of these, for each tuple of a type.
_ONE_OF: dict[str, tuple[tuple[str, ...], ...]] = {
    "companies": (("name", "domain"),),
    "contacts": (("email", "firstname", "lastname"),),
    "deals": (("dealname",), ("dealstage",)),
    "products": (("name",),),
}
_DOCUMENTED_PRODUCT = (("name",), ("price",), ("hs_sku",), ("description",), ("hs_folder",))

_COPIED_FROM_PRODUCT = (
    "name",
    "description",
    "price",
    "hs_sku",
    "hs_cost_of_goods_sold",
    "recurringbillingfrequency",
    "hs_recurring_billing_period",
)


def minimum(portal: Portal, kind: str, values: Mapping[str, str]) -> None:
    """Refuse a new record without what every portal demands."""
    needs = _ONE_OF.get(kind, ())
    if kind == "products" and portal.settings["product_minimum"] == "documented":
        needs = _DOCUMENTED_PRODUCT
    for names in needs:
        if not any(values.get(name) for name in names):
            raise missing_values(names)
    if kind == "deals":
        _stage_fits(portal, values)
    if kind == "contacts" and values.get("email") in portal.blocked_emails:
        problem = Problem(
            "email", "BLOCKED_EMAIL", "The contact was deleted for privacy and cannot come back"
        )
        raise invalid_values([problem], portal.portal_id)
    if kind == "line_items":
        _price_not_negative(portal, values)
        _product_exists(portal, values)


def missing_on_create(portal: Portal, kind: str, values: Mapping[str, str]) -> None:
    """Refuse a new record without what the portal's create form demands (2026-09 on)."""
    names = [rule.partition(".")[2] for rule in portal.settings.listed("create_required") if _of(rule, kind)]
    missing = [name for name in names if not values.get(name)]
    if missing:
        raise missing_values(missing)
    _conditional(portal, kind, values)


def update_rules(
    portal: Portal, kind: str, stored: Mapping[str, str], changes: dict[str, str], version: Version
) -> None:
    """Refuse or soften changes that HubSpot does not carry out as sent."""
    if kind in {"companies", "contacts"}:
        _only_forward(stored, changes)
    if kind == "line_items":
        _price_not_negative(portal, changes)
    if kind == "deals" and ("dealstage" in changes or "pipeline" in changes):
        _stage_fits(portal, {**stored, **changes})
    if version.enforces_required:
        _conditional(portal, kind, {**stored, **changes})


def creation_defaults(portal: Portal, kind: str, values: dict[str, str]) -> dict[str, str]:
    """The values a new record is stored with: as sent, plus what HubSpot fills in."""
    if kind == "deals":
        filled = {"pipeline": DEFAULT, "deal_currency_code": portal.currency} | values
        return filled | {ENTERED + filled["dealstage"]: portal.now}
    if kind == "line_items":
        copied: dict[str, str] = {}
        product = portal.tables["products"].get(int(values.get("hs_product_id") or 0))
        if product is not None:
            copied = _copied(portal, product.properties)
        return {"hs_line_item_currency_code": portal.currency} | copied | values
    return values


def _copied(portal: Portal, product: Mapping[str, str]) -> dict[str, str]:
    """What a new line takes from its product; the portal's own properties where both have them."""
    names = set(_COPIED_FROM_PRODUCT)
    if portal.settings.yes("line_copies_custom"):
        lines = portal.tables["line_items"].schema.properties
        names |= {n for n in product if n in lines and not lines[n].hubspot_defined and not lines[n].unique}
    return {name: value for name, value in product.items() if name in names}


def _stage_fits(portal: Portal, values: Mapping[str, str]) -> None:
    pipeline = portal.pipelines.all[values.get("pipeline") or DEFAULT]
    stage = values.get("dealstage", "")
    allowed = [one.id for one in pipeline.stages]
    if stage not in allowed:
        message = f"{stage} was not one of the allowed options: {allowed}"
        raise invalid_values([Problem("dealstage", "INVALID_OPTION", message)], portal.portal_id)


def _price_not_negative(portal: Portal, values: Mapping[str, str]) -> None:
    price = values.get("price", "")
    if price.startswith("-"):
        problem = Problem("price", "INVALID_PRICE", f"{price} was not valid: price must not be negative")
        raise invalid_values([problem], portal.portal_id)


def _product_exists(portal: Portal, values: Mapping[str, str]) -> None:
    product = values.get("hs_product_id", "")
    if product and (not product.isdigit() or portal.tables["products"].get(int(product)) is None):
        problem = Problem("hs_product_id", "INVALID_PRODUCT", f"Product {product} does not exist")
        raise invalid_values([problem], portal.portal_id)


def _only_forward(stored: Mapping[str, str], changes: dict[str, str]) -> None:
    """HubSpot keeps a later lifecycle stage and says nothing; it has to be cleared first."""
    before, after = stored.get("lifecyclestage"), changes.get("lifecyclestage")
    if before in LIFECYCLE and after in LIFECYCLE and LIFECYCLE.index(after) < LIFECYCLE.index(before):
        del changes["lifecyclestage"]


def _conditional(portal: Portal, kind: str, values: Mapping[str, str]) -> None:
    """``type.property=value:required``: while the property has the value, the other must be filled."""
    for rule in portal.settings.listed("conditional_required"):
        if not _of(rule, kind):
            continue
        condition, _, required = rule.partition(".")[2].partition(":")
        name, _, value = condition.partition("=")
        if values.get(name) == value and not values.get(required):
            raise ApiError(
                400,
                "The property values provided are invalid",
                errors=[
                    {
                        "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
                        "message": f"{required} is required because of a conditional property rule "
                        f"based on [{name}]",
                        "context": {"propertyName": [required]},
                    }
                ],
            )


def _of(rule: str, kind: str) -> bool:
    return rule.partition(".")[0] == kind
