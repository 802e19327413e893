"""What may be called in HubSpot. Nothing is deleted or merged; of deals only our own properties change."""

from __future__ import annotations

import re
from typing import Any

from ml_connector.transport.wall import Rule, Wall

OWN_PREFIX = "d365_"
WRITABLE = ("companies", "contacts", "products")

_VERSION = "2026-0[39]"
_OBJECTS = rf"/crm/(?:v3/objects|objects/{_VERSION})"
_PROPERTIES = rf"/crm/(?:v3/properties|properties/{_VERSION})"
_ASSOCIATIONS = rf"/crm/(?:v4/associations|associations/{_VERSION})"
_TYPE = "[a-z][a-z0-9_]*"
_ID = "[A-Za-z0-9._~%@:!$'()*+,;=-]+"


def _foreign_deal_property(fields: Any) -> str:
    """Names what a deal update may not hold."""
    properties = fields.get("properties") if isinstance(fields, dict) else None
    if not isinstance(properties, dict) or set(fields) != {"properties"}:
        return "it is not an update of properties"
    foreign = sorted(name for name in properties if not str(name).startswith(OWN_PREFIX))
    return f"the deal's own {', '.join(foreign)} belongs to HubSpot" if foreign else ""


def _foreign_deal_properties(fields: Any) -> str:
    """The same for every input of a batch."""
    inputs = fields.get("inputs") if isinstance(fields, dict) else None
    if not isinstance(inputs, list) or set(fields) != {"inputs"} or not inputs:
        return "it is not a batch of updates"
    for one in inputs:
        if not isinstance(one, dict) or not set(one) <= {"id", "objectWriteTraceId", "properties"}:
            return "it is not a batch of updates"
        if complaint := _foreign_deal_property({"properties": one.get("properties")}):
            return complaint
    return ""


def _foreign_definition(fields: Any) -> str:
    """Names a property definition that would not be the connector's own."""
    name = fields.get("name") if isinstance(fields, dict) else None
    return (
        ""
        if isinstance(name, str) and name.startswith(OWN_PREFIX)
        else f"{name!r} is not the connector's property"
    )


def _rule(method: str, path: str, resource: str) -> Rule:
    return Rule(method, re.compile(path), resource)


HUBSPOT_WALL = Wall(
    side="hubspot",
    reads=(
        _rule("GET", rf"{_OBJECTS}/{_TYPE}", "objects"),
        _rule("GET", rf"{_OBJECTS}/{_TYPE}/{_ID}", "object"),
        _rule("POST", rf"{_OBJECTS}/{_TYPE}/batch/read", "objects"),
        _rule("POST", rf"{_OBJECTS}/{_TYPE}/search", "search"),
        _rule("POST", rf"{_ASSOCIATIONS}/{_TYPE}/{_TYPE}/batch/read", "associations"),
        _rule("GET", rf"{_PROPERTIES}/{_TYPE}", "properties"),
        _rule("GET", rf"/crm/(?:v3/pipelines|pipelines/{_VERSION})/{_TYPE}", "pipelines"),
        _rule("GET", rf"/crm/(?:v3/owners|owners/{_VERSION})", "owners"),
        _rule("GET", rf"/account-info/(?:v3|{_VERSION})/details", "account"),
        _rule("POST", "/oauth/(?:v3|2026-0[39])/token", "token"),
        _rule("POST", "/oauth/v2/private-apps/get/access-token-info", "token_info"),
    ),
    writes=(
        *(_rule("POST", rf"{_OBJECTS}/{kind}/batch/upsert", f"{kind}.upsert") for kind in WRITABLE),
        _rule("POST", rf"{_OBJECTS}/products/batch/create", "products.create"),
        *(_rule("PATCH", rf"{_OBJECTS}/{kind}/{_ID}", f"{kind}.update") for kind in WRITABLE),
        *(_rule("POST", rf"{_OBJECTS}/{kind}/batch/update", f"{kind}.update") for kind in WRITABLE),
        Rule(
            "POST",
            re.compile(rf"{_OBJECTS}/deals/batch/update"),
            "deals.update",
            _foreign_deal_properties,
        ),
        _rule("POST", rf"{_ASSOCIATIONS}/contacts/companies/batch/create", "associations.create"),
        Rule("PATCH", re.compile(rf"{_OBJECTS}/deals/{_ID}"), "deals.update", _foreign_deal_property),
        Rule("POST", re.compile(rf"{_PROPERTIES}/{_TYPE}"), "properties", _foreign_definition),
        _rule("POST", rf"{_PROPERTIES}/{_TYPE}/groups", "groups"),
    ),
)
