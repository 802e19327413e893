"""The endpoints of associations: read, set, remove, single and in batches, and their labels.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.hubspot.associations import plain_type
from ml_connector.twin.hubspot.batch import inputs_in
from ml_connector.twin.hubspot.calls import answer, envelope, is_id, objects_in, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input, not_found
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.store import Record, Table

LARGEST_PAGE = 500
MOST_READ = 1_000
MOST_WRITTEN = 2_000
MOST_ARCHIVED = 100


def read_associations(call: Call) -> Answer:
    """One page of the records associated with one record."""
    source, target = call.table_of("from"), call.table_of("to")
    record = live(source, call.args["id"])
    limit = min(call.whole("limit", LARGEST_PAGE) or LARGEST_PAGE, LARGEST_PAGE)
    rows, following = _rows(call, source, record.id, target, start=call.whole("after", 0), limit=limit)
    body: dict[str, Any] = {"results": rows}
    if following:
        body["paging"] = {"next": {"after": following}}
    return answer(200, body)


def read_batch(call: Call) -> Answer:
    """The associations of up to 1,000 records; those without any are listed in a 207."""
    source, target = call.table_of("from"), call.table_of("to")
    results, errors = [], []
    for one in inputs_in(call.body(), MOST_READ):
        key, after = str(one.get("id", "")), str(one.get("after") or "0")
        record_id = int(key) if is_id(key) else 0
        if not is_id(after):
            raise invalid_input(f"after must be a whole number, not {after}")
        rows, following = _rows(call, source, record_id, target, start=int(after), limit=LARGEST_PAGE)
        if not rows:
            errors.append(none_found(source, key, target))
            continue
        entry: dict[str, Any] = {"from": {"id": key}, "to": rows}
        if following:
            entry["paging"] = {"next": {"after": following}}
        results.append(entry)
    if call.portal.settings["associations_missing"] == "omit":
        errors = []
    return answer(207 if errors else 200, envelope(call.portal, results, errors))


def set_default(call: Call) -> Answer:
    """Associate two records without a label."""
    source, target = call.table_of("from"), call.table_of("to")
    one, other = live(source, call.args["id"]), live(target, call.args["to_id"])
    results = _associate_default(call, source, one, target, other)
    return answer(200, envelope(call.portal, results), _written(one, other))


def set_labels(call: Call) -> Answer:
    """Replace the labels between two records by the ones in the body."""
    source, target = call.table_of("from"), call.table_of("to")
    one, other = live(source, call.args["id"]), live(target, call.args["to_id"])
    try:
        specs = orjson.loads(call.request.body)
    except orjson.JSONDecodeError:
        raise invalid_input("Invalid input JSON") from None
    types = _types(call, source, target, specs)
    call.portal.associate(source.kind.name, one.id, target.kind.name, other.id, types, replace=True)
    return answer(201, _labels(call, source, one, target, other), _written(one, other))


def remove_pair(call: Call) -> Answer:
    """Remove every association between two records."""
    source, target = call.table_of("from"), call.table_of("to")
    one, other = call.args["id"], call.args["to_id"]
    changed = False
    if is_id(one) and is_id(other):
        changed = call.portal.links.remove(source.kind.name, int(one), target.kind.name, int(other))
    return Answer(204, written=Written((f"{one}>{other}",), committed=changed))


def create_batch(call: Call) -> Answer:
    """Labelled associations of up to 2,000 pairs."""
    source, target = call.table_of("from"), call.table_of("to")
    results, errors, keys = [], [], []
    for one in inputs_in(call.body(), MOST_WRITTEN):
        try:
            first, second = ends(source, target, one)
            types = _types(call, source, target, one.get("types"))
        except ApiError as refused:
            errors.append(refused.entry())
            continue
        call.portal.associate(source.kind.name, first.id, target.kind.name, second.id, types, replace=True)
        results.append(_labels(call, source, first, target, second))
        keys.append(f"{first.id}>{second.id}")
    status = 207 if errors else 201
    return answer(status, envelope(call.portal, results, errors), Written(tuple(keys), bool(keys)))


def create_default_batch(call: Call) -> Answer:
    """Unlabelled associations of up to 2,000 pairs."""
    source, target = call.table_of("from"), call.table_of("to")
    results, errors, keys = [], [], []
    for one in inputs_in(call.body(), MOST_WRITTEN):
        try:
            first, second = ends(source, target, one)
        except ApiError as refused:
            errors.append(refused.entry())
            continue
        results += _associate_default(call, source, first, target, second)
        keys.append(f"{first.id}>{second.id}")
    status = 207 if errors else 200
    return answer(status, envelope(call.portal, results, errors), Written(tuple(keys), bool(keys)))


def archive_batch(call: Call) -> Answer:
    """Remove every association of up to 100 records with the ones named."""
    source, target = call.table_of("from"), call.table_of("to")
    inputs = inputs_in(call.body(), MOST_WRITTEN)
    if len({str(end_of(one, "from")) for one in inputs}) > MOST_ARCHIVED:
        raise invalid_input(f"At most {MOST_ARCHIVED} records can be named in from")
    keys = []
    for one in inputs:
        required_in(one, "from", "to")
        first = end_of(one, "from")
        for end in objects_in(one.get("to"), "to"):
            second = end_of({"to": end}, "to")
            if call.portal.links.remove(source.kind.name, first, target.kind.name, second):
                keys.append(f"{first}>{second}")
    return _archived(call, keys)


def archive_labels_batch(call: Call) -> Answer:
    """Take labels off pairs; taking the plain one removes all."""
    source, target = call.table_of("from"), call.table_of("to")
    keys = []
    for one in inputs_in(call.body(), MOST_WRITTEN):
        first, second = end_of(one, "from"), end_of(one, "to")
        types = _types(call, source, target, one.get("types"))
        if call.portal.links.remove(source.kind.name, first, target.kind.name, second, types):
            keys.append(f"{first}>{second}")
    return _archived(call, keys)


def list_labels(call: Call) -> Answer:
    """The association types between two object types."""
    source, target = call.table_of("from"), call.table_of("to")
    kinds = call.portal.links.between(source.kind.name, target.kind.name)
    return answer(200, {"results": [kind.wire() for kind in kinds]})


def _rows(
    call: Call, source: Table, record_id: int, target: Table, *, start: int, limit: int
) -> tuple[list[dict[str, Any]], str]:
    found = call.portal.links.of(source.kind.name, record_id, target.kind.name)
    ids = sorted(one for one in found if one >= start)
    rows = [
        {
            "toObjectId": str(one) if call.version.association_ids_as_text else one,
            "associationTypes": [call.portal.links.types[type_id].wire() for type_id in sorted(found[one])],
        }
        for one in ids[:limit]
    ]
    return rows, str(ids[limit]) if len(ids) > limit else ""


def live(table: Table, key: str) -> Record:
    """A live record by id; 404 when there is none."""
    record = table.get(int(key)) if is_id(key) else None
    if record is None:
        raise not_found(key)
    return record


def end_of(one: dict[str, Any], side: str) -> int:
    """The record id of one side of a pair."""
    end = one.get(side)
    key = str(end.get("id", "")) if isinstance(end, dict) else ""
    if not is_id(key):
        raise invalid_input(f"Every input needs {side}.id")
    return int(key)


def ends(source: Table, target: Table, one: dict[str, Any]) -> tuple[Record, Record]:
    """The two records of a pair, which must exist."""
    return live(source, str(end_of(one, "from"))), live(target, str(end_of(one, "to")))


def _types(call: Call, source: Table, target: Table, specs: Any) -> frozenset[int]:
    if not isinstance(specs, list) or not specs:
        raise invalid_input("A list of association types is expected")
    found = set()
    for spec in specs:
        type_id = spec.get("associationTypeId") if isinstance(spec, dict) else None
        if not isinstance(type_id, int) or not spec.get("associationCategory"):
            raise invalid_input("Every association type needs associationCategory and associationTypeId")
        found.add(call.portal.links.defined(source.kind.name, target.kind.name, type_id).id)
    return frozenset(found)


def _associate_default(
    call: Call, source: Table, one: Record, target: Table, other: Record
) -> list[dict[str, Any]]:
    kind = plain_type(source.kind.name, target.kind.name)
    types = frozenset({kind.id})
    call.portal.associate(source.kind.name, one.id, target.kind.name, other.id, types, replace=False)
    return [_spec(one, other, kind.id), _spec(other, one, kind.inverse)]


def _spec(one: Record, other: Record, type_id: int) -> dict[str, Any]:
    return {
        "from": {"id": str(one.id)},
        "to": {"id": str(other.id)},
        "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id},
    }


def _labels(call: Call, source: Table, one: Record, target: Table, other: Record) -> dict[str, Any]:
    links = call.portal.links
    types = links.of(source.kind.name, one.id, target.kind.name).get(other.id, frozenset())
    as_text = call.version.association_ids_as_text
    return {
        "fromObjectTypeId": source.kind.type_id,
        "fromObjectId": str(one.id) if as_text else one.id,
        "toObjectTypeId": target.kind.type_id,
        "toObjectId": str(other.id) if as_text else other.id,
        "labels": [label for type_id in sorted(types) if (label := links.types[type_id].label)],
    }


def none_found(source: Table, key: str, target: Table) -> dict[str, Any]:
    """The entry of a batch read for a record without associations."""
    one, other = source.kind.singular, target.kind.singular
    return ApiError(
        404,
        f"No {other} is associated with {one} {key}.",
        "OBJECT_NOT_FOUND",
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={"fromObjectId": [key], "fromObjectType": [one], "toObjectType": [other]},
    ).entry()


def _archived(call: Call, keys: list[str]) -> Answer:
    written = Written(tuple(keys), bool(keys))
    if call.version.association_archive_body:
        return answer(200, envelope(call.portal, []), written)
    return Answer(204, written=written)


def _written(one: Record, other: Record) -> Written:
    return Written((f"{one.id}>{other.id}",), committed=True)
