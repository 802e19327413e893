"""The associations API of v3: batches that name their association type by a word.

Facts: https://developers.hubspot.com/docs/api-reference/legacy/crm/associations/associate-records/v3-guide
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.association_routes import MOST_READ, MOST_WRITTEN, end_of, ends, none_found
from ml_connector.twin.hubspot.batch import inputs_in
from ml_connector.twin.hubspot.calls import answer, envelope, is_id, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.associations import AssociationType
    from ml_connector.twin.hubspot.calls import Call


def read_batch(call: Call) -> Answer:
    """The ids associated with up to 1,000 records; those without any are listed in a 207."""
    source, target = call.table_of("from"), call.table_of("to")
    links, results, errors = call.portal.links, [], []
    for one in inputs_in(call.body(), MOST_READ):
        key = str(one.get("id", ""))
        found = links.of(source.kind.name, int(key), target.kind.name) if is_id(key) else {}
        rows = [
            {"id": str(other), "type": _word(call, links.types[type_id])}
            for other, types in sorted(found.items())
            for type_id in sorted(types)
        ]
        if rows:
            results.append({"from": {"id": key}, "to": rows})
        else:
            errors.append(none_found(source, key, target))
    if call.portal.settings["associations_missing"] == "omit":
        errors = []
    return answer(207 if errors else 200, envelope(call.portal, results, errors))


def create_batch(call: Call) -> Answer:
    """Associations of up to 2,000 pairs, each with the word of its type."""
    source, target = call.table_of("from"), call.table_of("to")
    results, errors, keys = [], [], []
    for one in inputs_in(call.body(), MOST_WRITTEN):
        try:
            first, second = ends(source, target, one)
            kind = _kind(call, one)
        except ApiError as refused:
            errors.append(refused.entry())
            continue
        types = frozenset({kind.id})
        call.portal.associate(kind.source, first.id, kind.target, second.id, types, replace=False)
        results.append({"from": {"id": str(first.id)}, "to": {"id": str(second.id)}, "type": one["type"]})
        keys.append(f"{first.id}>{second.id}")
    status = 207 if errors else 201
    return answer(status, envelope(call.portal, results, errors), Written(tuple(keys), bool(keys)))


def archive_batch(call: Call) -> Answer:
    """Take associations of one type off pairs."""
    source, target = call.table_of("from"), call.table_of("to")
    keys = []
    for one in inputs_in(call.body(), MOST_WRITTEN):
        first, second = end_of(one, "from"), end_of(one, "to")
        types = frozenset({_kind(call, one).id})
        if call.portal.links.remove(source.kind.name, first, target.kind.name, second, types):
            keys.append(f"{first}>{second}")
    return Answer(204, written=Written(tuple(keys), bool(keys)))


def _kind(call: Call, one: dict[str, Any]) -> AssociationType:
    """The type an input names: its word, or its id as text."""
    required_in(one, "from", "to", "type")
    source, target = call.table_of("from").kind, call.table_of("to").kind
    word = str(one["type"])
    for kind in call.portal.links.between(source.name, target.name):
        if word in {_word(call, kind), str(kind.id)}:
            return kind
    raise invalid_input(f"{word} is not an association type from {source.name} to {target.name}")


def _word(call: Call, kind: AssociationType) -> str:
    source, target = call.table_of("from").kind, call.table_of("to").kind
    return call.portal.links.printed_name(kind, source.singular, target.singular)
