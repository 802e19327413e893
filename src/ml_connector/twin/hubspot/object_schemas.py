"""Object schemas, to read: HubSpot's own object types; the twin has none of the portal's own.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/objects/schemas/guide
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.object_types import object_type

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Table
    from ml_connector.twin.wire import Answer


def list_schemas(_call: Call) -> Answer:
    """The schemas of the portal's own object types: none."""
    return answer(200, {"results": []})


def get_schema(call: Call) -> Answer:
    """The schema of one object type."""
    kind = object_type(call.args["type"])
    if kind is None:
        raise ApiError(404, f"There is no object type {call.args['type']}", "OBJECT_NOT_FOUND")
    return answer(200, _schema(call.portal, call.portal.tables[kind.name]))


def read_schemas(call: Call) -> Answer:
    """The schemas of several object types; unknown ones are left out."""
    body = call.body()
    required_in(
        body,
        "inputs",
        "includeAssociationDefinitions",
        "includeAuditMetadata",
        "includePropertyDefinitions",
    )
    words = body["inputs"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise invalid_input("inputs must be a list of object types")
    kinds = [kind for word in words if (kind := object_type(word)) is not None]
    return answer(200, {"results": [_schema(call.portal, call.portal.tables[one.name]) for one in kinds]})


def _schema(portal: Portal, table: Table) -> dict[str, Any]:
    kind = table.kind
    associations = [
        {
            "id": str(one.id),
            "name": portal.links.printed_name(one, kind.singular, portal.tables[one.target].kind.singular),
            "fromObjectTypeId": kind.type_id,
            "toObjectTypeId": portal.tables[one.target].kind.type_id,
        }
        for one in portal.links.types.values()
        if one.source == kind.name
    ]
    return {
        "id": kind.type_id,
        "objectTypeId": kind.type_id,
        "name": kind.singular.upper(),
        "fullyQualifiedName": kind.singular.upper(),
        "labels": {
            "singular": kind.singular.replace("_", " ").capitalize(),
            "plural": kind.name.replace("_", " ").capitalize(),
        },
        "allowsSensitiveProperties": False,
        "archived": False,
        "primaryDisplayProperty": kind.defaults[0],
        "secondaryDisplayProperties": [],
        "requiredProperties": [],
        "searchableProperties": list(kind.searched),
        "properties": [prop.wire() for prop in table.schema.properties.values()],
        "associations": associations,
    }
