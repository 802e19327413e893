"""Whatever is sent, the HubSpot twin answers: a wrong shape is 4xx, never an exception."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.twin.hubspot.conftest import Desk

TYPES = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
ENDS = {"from": {"id": "1"}, "to": {"id": "2"}, "types": TYPES}
OPTION = {"label": "a", "value": "a", "displayOrder": 1, "hidden": False}
PROPERTY = {
    "name": "px",
    "label": "l",
    "type": "enumeration",
    "fieldType": "select",
    "groupName": "companyinformation",
    "options": [OPTION],
    "displayOrder": 1,
    "hasUniqueValue": False,
}
FILTERS = [
    {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"},
    {"propertyName": "annualrevenue", "operator": "BETWEEN", "value": "1", "highValue": "4"},
    {"propertyName": "name", "operator": "IN", "values": ["x"]},
]
STAGE = {
    "stageId": "s",
    "label": "l",
    "displayOrder": 1,
    "metadata": {"isClosed": "false", "probability": "0.5"},
}
LABEL = {"name": "n", "label": "l", "inverseLabel": "i"}
BODIES: list[tuple[str, str, Any]] = [
    ("POST", "/crm/objects/2026-09/companies", {"properties": {"name": "x"}, "associations": [ENDS]}),
    (
        "POST",
        "/crm/objects/2026-03/companies/batch/upsert",
        {
            "inputs": [
                {"id": "a", "idProperty": "key", "objectWriteTraceId": "t", "properties": {"name": "x"}}
            ]
        },
    ),
    (
        "POST",
        "/crm/objects/2026-03/companies/batch/update",
        {"inputs": [{"id": "a", "idProperty": "key", "properties": {"annualrevenue": "1"}}]},
    ),
    (
        "POST",
        "/crm/objects/2026-03/companies/batch/read",
        {"idProperty": "key", "properties": ["name"], "inputs": [{"id": "a"}]},
    ),
    (
        "POST",
        "/crm/objects/2026-03/line_items",
        {"properties": {"hs_product_id": "1", "quantity": "2", "price": "3", "hs_discount_percentage": "3"}},
    ),
    (
        "POST",
        "/crm/objects/2026-03/deals",
        {"properties": {"dealname": "x", "dealstage": "closedwon", "pipeline": "default", "closedate": "0"}},
    ),
    (
        "POST",
        "/crm/objects/2026-03/companies/search",
        {
            "filterGroups": [{"filters": FILTERS}],
            "sorts": [{"propertyName": "name", "direction": "ASCENDING"}],
            "properties": ["name"],
            "limit": 10,
            "after": "0",
            "query": "x",
        },
    ),
    ("PUT", "/crm/objects/2026-03/deals/1/associations/companies/2", TYPES),
    ("POST", "/crm/associations/2026-03/deals/companies/batch/create", {"inputs": [ENDS]}),
    ("POST", "/crm/associations/2026-03/deals/companies/batch/read", {"inputs": [{"id": "1", "after": "0"}]}),
    (
        "POST",
        "/crm/associations/2026-03/deals/companies/batch/archive",
        {"inputs": [{"from": {"id": "1"}, "to": [{"id": "2"}]}]},
    ),
    ("POST", "/crm/properties/2026-03/companies", PROPERTY),
    ("PATCH", "/crm/properties/2026-03/companies/key", PROPERTY),
    ("POST", "/crm/properties/2026-03/companies/groups", {"name": "g", "label": "l", "displayOrder": 1}),
    ("POST", "/crm/pipelines/2026-03/deals", {"label": "p", "displayOrder": 1, "stages": [STAGE]}),
    ("PUT", "/crm/pipelines/2026-03/deals/default", {"label": "p", "displayOrder": 1, "stages": [STAGE]}),
    ("PATCH", "/crm/pipelines/2026-03/deals/default/stages/closedwon", STAGE),
    ("POST", "/crm/associations/2026-03/deals/companies/labels", LABEL),
    ("PUT", "/crm/associations/2026-03/deals/companies/labels", {"associationTypeId": 30001, "label": "l"}),
    (
        "POST",
        "/crm/associations/2026-03/definitions/configurations/deals/companies/batch/create",
        {"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 5, "maxToObjectIds": 3}]},
    ),
    (
        "POST",
        "/crm/v3/associations/deals/companies/batch/create",
        {"inputs": [{"from": {"id": "1"}, "to": {"id": "2"}, "type": "deal_to_company"}]},
    ),
    (
        "PUT",
        "/crm/property-validations/2026-03/companies/city/rule-type/MAX_LENGTH",
        {"ruleArguments": ["5"], "shouldApplyNormalization": False},
    ),
    (
        "POST",
        "/crm-object-schemas/2026-03/schemas/batch/read",
        {
            "inputs": ["companies"],
            "includeAssociationDefinitions": True,
            "includeAuditMetadata": True,
            "includePropertyDefinitions": True,
        },
    ),
    (
        "POST",
        "/crm/exports/2026-03/export/async",
        {
            "exportType": "VIEW",
            "format": "CSV",
            "exportName": "e",
            "language": "EN",
            "objectType": "COMPANY",
            "objectProperties": ["name"],
        },
    ),
    ("POST", "/crm/objects/2026-03/companies/merge", {"primaryObjectId": "1", "objectIdToMerge": "2"}),
    (
        "POST",
        "/crm/objects/2026-03/contacts/gdpr-delete",
        {"objectId": "a@example.com", "idProperty": "email"},
    ),
]
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**17,
    "",
    "x",
    " 1",
    "1e5",
    "NaN",
    "٣",
    [],
    {},
    [[]],
    [{}],
    "9" * 60,
)


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inside:
        yield from places(value, (*path, key))


def changed(body: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    made = copy.deepcopy(body)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return made


@pytest.mark.parametrize(("method", "target", "body"), BODIES)
def test_any_value_in_any_place_is_answered(keyed: Desk, method: str, target: str, body: Any) -> None:
    """Every part of a request replaced by every kind of wrong value gets an answer below 500."""
    keyed.create("companies", name="A", key="a")
    for path in places(body):
        for wrong in WRONG:
            keyed.wait(1)
            assert keyed.send(method, target, changed(body, path, wrong)).status < 500
    for kind in keyed.machine.counts():
        keyed.machine.records(kind, after=None, limit=100_000)
