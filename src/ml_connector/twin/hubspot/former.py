"""The property and pipeline endpoints of v1 and v2 that older readers still use, to read only.

Facts: https://developers.hubspot.com/docs/api-reference/legacy/crm/pipelines/guide and
https://developers.hubspot.com/changelog/legacy-apis-and-legacy-apps-whats-going-unsupported-and-when; the shape
of the bodies is what public clients of the time read, and is confirmed by no source of today.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer
from ml_connector.twin.hubspot.errors import ApiError
from ml_connector.twin.hubspot.pipelines import DEFAULT

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.pipelines import Pipeline
    from ml_connector.twin.hubspot.schema import Property
    from ml_connector.twin.wire import Answer

PIPELINES_END = datetime(2026, 12, 4, tzinfo=UTC)


def list_properties(call: Call) -> Answer:
    """All definitions, as a bare list in the older shape."""
    return answer(200, [_property(one) for one in call.table.schema.properties.values()])


def get_property(call: Call) -> Answer:
    """One definition in the older shape."""
    found = call.table.schema.properties.get(call.args["name"])
    if found is None:
        raise ApiError(404, "resource not found", None)
    return answer(200, _property(found))


def list_groups(call: Call) -> Answer:
    """All groups, as a bare list in the older shape."""
    groups = call.table.schema.groups.values()
    return answer(
        200,
        [
            {
                "name": one.name,
                "displayName": one.label,
                "displayOrder": one.display_order,
                "hubspotDefined": True,
            }
            for one in groups
        ],
    )


def list_pipelines(call: Call) -> Answer:
    """All pipelines in the older shape, until the day the endpoint is shut off."""
    at_end = datetime.fromisoformat(call.portal.now) >= PIPELINES_END
    if at_end and call.portal.settings["pipelines_v1"] == "until_shutdown":
        raise ApiError(404, "resource not found", None)
    known = call.portal.pipelines.all.values() if call.table.kind.name == "deals" else ()
    started = _milliseconds(call.portal.started)
    return answer(200, {"results": [_pipeline(one, started) for one in known]})


def _property(one: Property) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": one.label,
        "description": one.description,
        "groupName": one.group,
        "type": one.type,
        "fieldType": one.field_type,
        "options": [option.wire() | {"readOnly": False, "doubleData": None} for option in one.options],
        "displayOrder": one.display_order,
        "formField": one.form_field,
        "hidden": one.hidden,
        "deleted": False,
        "calculated": one.calculated,
        "externalOptions": one.external_options,
        "hasUniqueValue": one.unique,
        "hubspotDefined": one.hubspot_defined,
        "readOnlyValue": one.read_only,
        "readOnlyDefinition": one.hubspot_defined,
        "mutableDefinitionNotDeletable": False,
    }


def _pipeline(one: Pipeline, started: int) -> dict[str, Any]:
    return {
        "pipelineId": one.id,
        "objectType": "DEAL",
        "objectTypeId": "0-3",
        "label": one.label,
        "displayOrder": one.order,
        "active": True,
        "default": one.id == DEFAULT,
        "createdAt": started,
        "updatedAt": started,
        "stages": [
            {
                "stageId": stage.id,
                "label": stage.label,
                "displayOrder": stage.order,
                "metadata": {"isClosed": str(stage.closed).lower(), "probability": stage.probability},
                "active": True,
                "createdAt": started,
                "updatedAt": started,
            }
            for stage in one.stages
        ],
    }


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
