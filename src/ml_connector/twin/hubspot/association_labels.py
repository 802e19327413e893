"""The portal's own association labels, and how many records one may have of a type.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associations-schema/guide
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.batch import inputs_in
from ml_connector.twin.hubspot.calls import answer, envelope, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.oauth import USER, USER_ID
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.associations import AssociationType
    from ml_connector.twin.hubspot.calls import Call

_OWN = "USER_DEFINED"
_UPDATED = 200


def create_label(call: Call) -> Answer:
    """A new label between two object types, with its inverse."""
    source, target = call.table_of("from").kind.name, call.table_of("to").kind.name
    body = call.body()
    required_in(body, "label", "name")
    label, name = str(body["label"]), str(body["name"])
    known = call.portal.links.between(source, target)
    if any(label == kind.label or name == kind.name for kind in known):
        raise invalid_input(f"An association label {label} already exists from {source} to {target}")
    made = call.portal.links.define(source, target, name, label, str(body.get("inverseLabel") or label))
    written = Written((str(made[0].id),), committed=True)
    return answer(200, {"results": [kind.wire() for kind in made]}, written)


def update_label(call: Call) -> Answer:
    """Rename a label of the portal's own."""
    body = call.body()
    required_in(body, "associationTypeId", "label")
    links = call.portal.links
    kind = _own(call, body["associationTypeId"])
    links.types[kind.id] = replace(kind, label=str(body["label"]))
    if body.get("inverseLabel") and kind.inverse != kind.id:
        links.types[kind.inverse] = replace(links.types[kind.inverse], label=str(body["inverseLabel"]))
    return Answer(204, written=Written((str(kind.id),), committed=True))


def delete_label(call: Call) -> Answer:
    """Delete a label of the portal's own; the pairs that had it lose it."""
    text = call.args["type_id"]
    kind = _own(call, int(text) if text.isascii() and text.isdigit() else text)
    call.portal.links.undefine(kind)
    return Answer(204, written=Written((text,), committed=True))


def all_configurations(call: Call) -> Answer:
    """Every association type that has a limit of the portal's own."""
    links = call.portal.links
    return answer(200, {"results": [_printed(links.types[one], most) for one, most in links.most.items()]})


def list_configurations(call: Call) -> Answer:
    """The types between two object types that have a limit of the portal's own."""
    source, target = call.table_of("from").kind.name, call.table_of("to").kind.name
    links = call.portal.links
    kinds = [kind for kind in links.between(source, target) if kind.id in links.most]
    return answer(200, {"results": [_printed(kind, links.most[kind.id]) for kind in kinds]})


def create_configurations(call: Call) -> Answer:
    """Limits on how many records one record may have of a type."""
    return _configure(call, success=201)


def update_configurations(call: Call) -> Answer:
    """Other limits for types that have one."""
    return _configure(call, success=_UPDATED)


def purge_configurations(call: Call) -> Answer:
    """Take limits off."""
    keys = []
    for one in inputs_in(call.body()):
        required_in(one, "category", "typeId")
        if call.portal.links.most.pop(_kind(call, one["typeId"]).id, None) is not None:
            keys.append(str(one["typeId"]))
    written = Written(tuple(keys), bool(keys))
    if call.version.association_archive_body:
        return answer(200, envelope(call.portal, []), written)
    return Answer(204, written=written)


def report_usage(call: Call) -> Answer:
    """Order the report of records with many associations; it comes by e-mail, so nothing is seen of it."""
    at = int(datetime.fromisoformat(call.portal.now).timestamp() * 1000)
    body = {
        "enqueueTime": {"dateOnly": False, "timeZoneShift": 0, "value": at},
        "userEmail": USER,
        "userId": int(call.args["user"]) if call.args["user"].isdecimal() else USER_ID,
    }
    return answer(200, body)


def _configure(call: Call, *, success: int) -> Answer:
    links, results, errors, keys = call.portal.links, [], [], []
    for one in inputs_in(call.body()):
        try:
            kind, most = _limit(call, one, known=success == _UPDATED)
        except ApiError as refused:
            errors.append(refused.entry())
            continue
        links.most[kind.id] = most
        printed = _printed(kind, most)
        if success == _UPDATED:
            del printed["label"]  # the answer to an update is a smaller one
        results.append(printed)
        keys.append(str(kind.id))
    status = 207 if errors else success
    return answer(status, envelope(call.portal, results, errors), Written(tuple(keys), bool(keys)))


def _limit(call: Call, one: dict[str, Any], *, known: bool) -> tuple[AssociationType, int]:
    required_in(one, "category", "typeId", "maxToObjectIds")
    kind, most = _kind(call, one["typeId"]), one["maxToObjectIds"]
    if not isinstance(most, int) or most < 1:
        raise invalid_input("maxToObjectIds must be a whole number of 1 or more")
    if known and kind.id not in call.portal.links.most:
        raise ApiError(404, f"Type {kind.id} has no limit to change", "OBJECT_NOT_FOUND")
    return kind, most


def _kind(call: Call, type_id: Any) -> AssociationType:
    if not isinstance(type_id, int):
        raise invalid_input("typeId must be a whole number")
    return call.portal.links.defined(call.table_of("from").kind.name, call.table_of("to").kind.name, type_id)


def _own(call: Call, type_id: Any) -> AssociationType:
    kind = _kind(call, type_id)
    if kind.category != _OWN:
        raise invalid_input(f"Association type {kind.id} is defined by HubSpot and cannot be changed")
    return kind


def _printed(kind: AssociationType, most: int) -> dict[str, Any]:
    return kind.wire() | {"userEnforcedMaxToObjectIds": most}
