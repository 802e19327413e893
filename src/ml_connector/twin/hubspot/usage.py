"""How much of its limits the account has used.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/limits-tracking/guide. The limits themselves
depend on the account's tier; those shown here are round figures of a large one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.store import Table
    from ml_connector.twin.wire import Answer

MOST_RECORDS = 15_000_000
MOST_PIPELINES = 100
MOST_PROPERTIES = 1_000
MOST_CALCULATED = 200
MOST_OBJECT_TYPES = 10
MOST_LABELS = 50
MOST_ASSOCIATED = 50_000


def records(call: Call) -> Answer:
    """Records of each object type against the limit."""
    rows = [_row(table, len(table.live), MOST_RECORDS) for table in call.portal.tables.values()]
    return answer(200, {"hubspotDefinedObjectTypes": rows, "customObjectTypes": _overall([], 0, 0)})


def pipelines(call: Call) -> Answer:
    """Pipelines of each object type that has them."""
    rows = [_row(call.portal.tables["deals"], len(call.portal.pipelines.all), MOST_PIPELINES)]
    return answer(200, {"hubspotDefinedObjectTypes": rows, "customObjectTypes": _overall([], 0, 0)})


def custom_properties(call: Call) -> Answer:
    """The portal's own properties of each object type."""
    rows = [_row(table, _own(table), MOST_PROPERTIES) for table in call.portal.tables.values()]
    used = sum(row["usage"] for row in rows)
    return answer(200, _overall(rows, used, MOST_PROPERTIES * len(rows)))


def calculated_properties(call: Call) -> Answer:
    """The portal's own calculated properties; the twin lets nobody make one."""
    rows = [_named(table) | {"usage": 0} for table in call.portal.tables.values()]
    return answer(200, _overall(rows, 0, MOST_CALCULATED))


def custom_object_types(_call: Call) -> Answer:
    """Object types of the portal's own; the twin has none."""
    return answer(200, {"limit": MOST_OBJECT_TYPES, "percentage": 0.0, "usage": 0})


def association_labels(call: Call) -> Answer:
    """The portal's own association labels for each pair of object types that has some."""
    asked = (call.request.param("fromObjectTypeId"), call.request.param("toObjectTypeId"))
    tables, links = call.portal.tables, call.portal.links
    results = []
    for source in tables.values():
        for target in tables.values():
            pair = (source.kind.type_id, target.kind.type_id)
            if any(want and want != have for want, have in zip(asked, pair, strict=True)):
                continue
            kinds = links.between(source.kind.name, target.kind.name)
            own = [kind.label for kind in kinds if kind.category == "USER_DEFINED"]
            if own:
                results.append(
                    {
                        "allLabels": own,
                        "fromObjectType": _named(source),
                        "toObjectType": _named(target),
                        "limit": MOST_LABELS,
                        "usage": len(own),
                        "percentage": len(own) / MOST_LABELS,
                    }
                )
    return answer(200, {"results": results})


def near_limit(call: Call) -> Answer:
    """Object types with records near the limit of associations; the twin never gets there."""
    if "type" in call.args:
        call.table_of("type")
    return answer(200, {"results": []})


def association_records(call: Call) -> Answer:
    """Records of a pair of object types near the limit of associations; the twin never gets there."""
    call.table_of("from"), call.table_of("to")
    return answer(
        200,
        {
            "atLimitFromRecordSamples": [],
            "limit": MOST_ASSOCIATED,
            "nearLimitFromRecordSamples": [],
            "totalRecordsAtLimit": 0,
            "totalRecordsNearLimit": 0,
        },
    )


def _own(table: Table) -> int:
    return sum(not prop.hubspot_defined for prop in table.schema.properties.values())


def _named(table: Table) -> dict[str, Any]:
    return {
        "objectTypeId": table.kind.type_id,
        "pluralLabel": table.kind.name.replace("_", " ").capitalize(),
        "singularLabel": table.kind.singular.replace("_", " ").capitalize(),
    }


def _row(table: Table, used: int, most: int) -> dict[str, Any]:
    return _named(table) | {"limit": most, "usage": used, "percentage": used / most}


def _overall(rows: list[dict[str, Any]], used: int, most: int) -> dict[str, Any]:
    return {
        "byObjectType": rows,
        "overallLimit": most,
        "overallUsage": used,
        "overallPercentage": used / most if most else 0.0,
    }
