"""Single records: list, get, create, update, archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ml_connector.twin.hubspot.calls import (
    answer,
    find,
    is_id,
    may_associate,
    objects_in,
    properties_in,
    wrote,
)
from ml_connector.twin.hubspot.errors import invalid_input, missing_values, not_found
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record, Table

DEFAULT_PAGE = 10
LARGEST_PAGE = 100  # https://developers.hubspot.com/docs/guides/crm/using-object-apis


def list_records(call: Call) -> Answer:
    """One page of live or archived records in id order."""
    portal, table = call.portal, call.table
    limit = call.whole("limit", DEFAULT_PAGE)
    if limit > LARGEST_PAGE or limit < 1:
        if portal.settings["list_over_limit"] == "error" or limit < 1:
            raise invalid_input(f"The value of limit must be between 1 and {LARGEST_PAGE}, not {limit}")
        limit = LARGEST_PAGE
    after = call.whole("after", 0)
    records, following = table.page(after, limit, archived=call.flag("archived"))
    body: dict[str, Any] = {"results": _printed(call, table, records)}
    if following is not None:
        # The link names v3 whatever version was asked for: page by ``after``.
        kept = [(name, value) for name, value in call.request.query if name not in {"limit", "after"}]
        query = urlencode([("limit", limit), ("after", following), *kept])
        link = f"https://api.hubapi.com/crm/v3/objects/{table.kind.name}?{query}"
        body["paging"] = {"next": {"after": str(following), "link": link}}
    return answer(200, body)


def get_record(call: Call) -> Answer:
    """One record by id or by a unique property."""
    table, key = call.table, call.args["id"]
    if call.flag("archived"):
        record = table.records.get(int(key)) if is_id(key) else None
        if record is None or not record.archived_at:
            raise not_found(key)
    else:
        record = find(table, key, call.request.param("idProperty"), call.portal)
    return answer(200, _printed(call, table, [record])[0])


def create_record(call: Call) -> Answer:
    """A new record, associated at once when asked."""
    portal, table = call.portal, call.table
    body = call.body()
    draft = portal.draft_create(table, properties_in(body), call.version, {})
    wanted = associations_in(call, table, body)
    record = portal.commit(draft)
    for target, target_id, types in wanted:
        portal.associate(table.kind.name, record.id, target, target_id, types, replace=False)
    printed = portal.render(table, record, stored_and_written(portal, table, record))
    created = answer(201, printed | draft.notes(), wrote(record))
    created.headers["Location"] = f"https://api.hubapi.com/crm/v3/objects/{table.kind.type_id}/{record.id}"
    return created


def update_record(call: Call) -> Answer:
    """Change some properties of one record."""
    portal, table = call.portal, call.table
    record = find(table, call.args["id"], call.request.param("idProperty"), portal)
    given = properties_in(call.body())
    draft = portal.draft_update(table, record, given, call.version, {})
    portal.commit(draft)
    printed = portal.render(table, record, portal.selection(table, tuple(given)))
    return answer(200, printed | draft.notes(), wrote(record))


def archive_record(call: Call) -> Answer:
    """Put one record into the recycle bin."""
    table, key = call.table, call.args["id"]
    record = table.get(int(key)) if is_id(key) else None
    if record is None:
        if call.portal.settings["archive_missing"] == "404":
            raise not_found(key)
        return Answer(204, written=Written((key,), committed=False))
    call.portal.archive(table, record)
    return Answer(204, written=wrote(record))


def associations_in(
    call: Call, table: Table, body: Mapping[str, Any]
) -> list[tuple[str, int, frozenset[int]]]:
    """The checked ``associations`` of a create: (to type, to id, type ids)."""
    portal = call.portal
    if body.get("associations"):
        may_associate(call)
    wanted = []
    for one in objects_in(body.get("associations"), "associations"):
        try:
            target_id = int(one["to"]["id"])
            ids = frozenset(int(spec["associationTypeId"]) for spec in one["types"])
            categories = [spec["associationCategory"] for spec in one["types"]]
        except (KeyError, TypeError, ValueError):
            raise invalid_input(
                "associations need to.id and types[] with associationCategory and associationTypeId"
            ) from None
        if None in categories:
            raise invalid_input("associationCategory must not be null")
        known = portal.links.types
        targets = {known[type_id].target for type_id in ids if type_id in known}
        if len(targets) != 1:
            raise invalid_input(f"Association types {sorted(ids)} do not name one object type")
        target = targets.pop()
        for type_id in ids:
            portal.links.defined(table.kind.name, target, type_id)
        if portal.tables[target].get(target_id) is None:
            raise not_found(str(target_id))
        wanted.append((target, target_id, ids))
    if call.version.enforces_required:
        _demanded(portal, table, {target for target, _id, _types in wanted})
    return wanted


def _demanded(portal: Portal, table: Table, given: set[str]) -> None:
    """Refuse a new record without the associations that the portal's create form demands (2026-09 on)."""
    rules = [rule.partition(">") for rule in portal.settings.listed("create_required_associations")]
    missing = [target for source, _, target in rules if source == table.kind.name and target not in given]
    if missing:
        raise missing_values(missing)


def stored_and_written(portal: Portal, table: Table, record: Record) -> Any:
    """What a create prints: every property that has a value."""
    names = [name for name, prop in table.schema.properties.items() if prop.calculated]
    chosen = (*record.properties, *names, "hs_object_source", "hs_createdate")
    return portal.selection(table, chosen)


def _printed(call: Call, table: Table, records: Iterable[Record]) -> list[dict[str, Any]]:
    portal = call.portal
    names = call.listed("properties")
    history = call.listed("propertiesWithHistory")
    chosen = portal.selection(table, names)
    targets = [_target(word) for word in call.listed("associations") or ()]
    printed = []
    for record in records:
        body = portal.render(table, record, chosen)
        if targets:
            body["associations"] = associations_of(portal, table, record, targets)
        if history:
            body["propertiesWithHistory"] = history_of(portal, table, record, history)
        printed.append(body)
    return printed


def _target(word: str) -> str:
    kind = object_type(word)
    if kind is None:
        raise invalid_input(f"Unable to infer object type from: {word}")
    return kind.name


def associations_of(portal: Portal, table: Table, record: Record, targets: Iterable[str]) -> dict[str, Any]:
    """A record's ``associations``: one row per type, so a primary company shows twice."""
    found: dict[str, Any] = {}
    links, one = portal.links, table.kind.singular
    for target in targets:
        other = portal.tables[target].kind
        rows = [
            {"id": str(target_id), "type": links.printed_name(links.types[type_id], one, other.singular)}
            for target_id, types in links.of(table.kind.name, record.id, target).items()
            for type_id in sorted(types)
        ]
        if rows:
            key = portal.settings["line_items_key"] if target == "line_items" else other.association_key
            found[key] = {"results": rows}
    return found


def history_of(portal: Portal, table: Table, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """What properties were, the latest first; of computed ones only the present value is known."""
    found: dict[str, Any] = {}
    for name in names:
        entries = record.history(name)
        value = portal.value(table, record, name)
        if not entries and value is not None:
            entries = [(record.updated_at, "CALCULATED", value)]
        if entries:
            found[name] = [
                {"value": text, "timestamp": at, "sourceType": source} for at, source, text in entries
            ]
    return found
