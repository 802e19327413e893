"""Batches of up to 100 inputs: read, create, update, upsert, archive.

Without trace ids one bad input refuses the whole request and nothing is written; with a unique
``objectWriteTraceId`` on every input the good ones are written and the bad ones listed in a 207.
Facts: https://developers.hubspot.com/docs/api-reference/error-handling,
https://github.com/segmentio/action-destinations/pull/3957, https://github.com/segmentio/action-destinations/pull/3969
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import (
    answer,
    by_unique,
    envelope,
    is_id,
    names_in,
    objects_in,
    properties_in,
    wrote,
)
from ml_connector.twin.hubspot.errors import (
    ApiError,
    duplicate_ids,
    invalid_input,
    non_unique,
    not_found_in_batch,
)
from ml_connector.twin.hubspot.objects import associations_in, history_of, stored_and_written
from ml_connector.twin.hubspot.values import as_text
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Claims, Draft, Portal
    from ml_connector.twin.hubspot.store import Record, Table

    Input = dict[str, Any]
    Associated = tuple[str, int, frozenset[int]]

MOST_INPUTS = 100


def read_batch(call: Call) -> Answer:
    """Records by id or unique property; those that do not exist are reported in a 207."""
    portal, table, body = call.portal, call.table, call.body()
    inputs = inputs_in(body)
    id_property = as_text(body.get("idProperty")) or "hs_object_id"
    archived = call.flag("archived")
    chosen = portal.selection(table, names_in(body))
    history = names_in({"properties": body.get("propertiesWithHistory")})
    results, missing = [], []
    seen = set()
    for one in inputs:
        key = _id(one)
        record = _record(portal, table, key, id_property, archived=archived)
        if record is None:
            missing.append(key)
        elif record.id not in seen:
            seen.add(record.id)
            printed = portal.render(table, record, chosen)
            if history:
                printed["propertiesWithHistory"] = history_of(portal, table, record, history)
            results.append(printed)
    portal.rng.shuffle(results)
    errors = [not_found_in_batch(table.kind.singular, missing).entry()] if missing else []
    if portal.settings["batch_missing"] == "omit":
        errors = []
    return answer(207 if errors else 200, envelope(portal, results, errors))


def create_batch(call: Call) -> Answer:
    """New records."""
    portal, table = call.portal, call.table

    def draft(one: Input, claims: Claims) -> tuple[Draft, list[Associated]]:
        wanted = associations_in(call, table, one)
        return portal.draft_create(table, properties_in(one), call.version, claims), wanted

    return _write(call, table, inputs_in(call.body()), draft, success=201, whole=True)


def update_batch(call: Call) -> Answer:
    """Changes to records named by id or by a unique property; ids that do not exist are listed in a 207."""
    portal, table = call.portal, call.table
    inputs = inputs_in(call.body())
    named = [(one, as_text(one.get("idProperty"))) for one in inputs]
    for _one, name in named:
        if name and (name == "email" or name not in table.schema.unique):
            raise non_unique(table.kind.type_id, name, portal.portal_id)
    _no_duplicates(table, [(name, _id(one)) for one, name in named])
    found: dict[int, Record] = {}
    missing = []
    for place, (one, name) in enumerate(named):
        record = _record(portal, table, _id(one), name or "hs_object_id", archived=False)
        if record is None:
            missing.append(place)
        else:
            found[place] = record
    present = [inputs[place] for place in found]
    by_input = {id(inputs[place]): record for place, record in found.items()}

    def draft(one: Input, claims: Claims) -> tuple[Draft, list[Associated]]:
        return portal.draft_update(table, by_input[id(one)], properties_in(one), call.version, claims), []

    gone = _missing_entries(table, [inputs[place] for place in missing])
    return _write(call, table, present, draft, success=200, errors=gone)


def upsert_batch(call: Call) -> Answer:
    """Create or change records by a unique property."""
    portal, table = call.portal, call.table
    inputs = inputs_in(call.body())
    named = [(as_text(one.get("idProperty")) or "hs_object_id", _id(one)) for one in inputs]
    for name in {name for name, _key in named}:
        if name not in table.schema.unique:
            raise non_unique(table.kind.type_id, name, portal.portal_id)
    _no_duplicates(table, named)

    def draft(one: Input, claims: Claims) -> tuple[Draft, list[Associated]]:
        if "associations" in one:
            raise invalid_input("An upsert takes no associations")
        return _upsert(call, table, one, claims), []

    return _write(call, table, inputs, draft, success=200, upsert=True)


def archive_batch(call: Call) -> Answer:
    """Put records into the recycle bin; those that are not there count as done."""
    table = call.table
    gone = []
    for one in inputs_in(call.body()):
        key = _id(one)
        record = table.get(int(key)) if is_id(key) else None
        if record is not None:
            call.portal.archive(table, record)
            gone.append(record)
    return Answer(204, written=replace(wrote(*gone), committed=bool(gone)))


def inputs_in(body: dict[str, Any], most: int = MOST_INPUTS) -> list[Input]:
    """The checked ``inputs`` of a batch."""
    inputs = objects_in(body.get("inputs"), "inputs")
    if not inputs:
        raise invalid_input("inputs must not be empty")
    if len(inputs) > most:
        raise invalid_input(f"The maximum number of inputs supported in a batch request is {most}")
    return inputs


def _upsert(call: Call, table: Table, one: Input, claims: Claims) -> Draft:
    portal = call.portal
    name, key = one["idProperty"], _id(one)
    given = {name: key} | properties_in(one)
    holder = table.holder(name, key)
    if holder is not None:
        return portal.draft_update(table, table.records[holder], given, call.version, claims)
    former = table.former(name, key)
    behaviour = portal.settings["upsert_archived_key"]
    if former is None or behaviour == "create":
        return portal.draft_create(table, given, call.version, claims)
    if behaviour == "conflict":
        raise ApiError(409, f"An archived record holds {name} {key}. Existing ID: {former}", "CONFLICT")
    draft = portal.draft_update(table, table.records[former], given, call.version, claims)
    return replace(draft, revive=True)


def _write(
    call: Call,
    table: Table,
    inputs: list[Input],
    draft: Callable[[Input, Claims], tuple[Draft, list[Associated]]],
    *,
    success: int,
    whole: bool = False,
    upsert: bool = False,
    errors: list[dict[str, Any]] | None = None,
) -> Answer:
    """Check every input before the first is written; ``whole`` prints all values, not only those sent."""
    portal = call.portal
    traces = _traces(inputs)
    entries = errors or []
    claims: Claims = {}
    drafts: list[tuple[Input, Draft, list[Associated]]] = []
    for place, one in enumerate(inputs):
        try:
            drafts.append((one, *draft(one, claims)))
        except ApiError as refused:
            if traces is None:
                raise
            entries.append(refused.entry(traces[place]))
    results = []
    keys = []
    for one, ready, wanted in drafts:
        record = _commit(portal, table, ready, wanted)
        keys.append(str(record.id))
        printed = _printed(portal, record, ready, whole=whole) | ready.notes()
        if upsert:
            printed["new"] = ready.record is None
        if trace := one.get("objectWriteTraceId"):
            printed["objectWriteTraceId"] = trace
        results.append(printed)
    portal.rng.shuffle(results)
    written = Written(tuple(keys), committed=bool(keys))
    return answer(207 if entries else success, envelope(portal, results, entries), written)


def _commit(portal: Portal, table: Table, ready: Draft, wanted: list[Associated]) -> Record:
    record = portal.commit(ready)
    for target, target_id, types in wanted:
        portal.associate(table.kind.name, record.id, target, target_id, types, replace=False)
    return record


def _printed(portal: Portal, record: Record, ready: Draft, *, whole: bool) -> dict[str, Any]:
    table = ready.table
    if whole:
        return portal.render(table, record, stored_and_written(portal, table, record))
    return portal.render(table, record, portal.selection(table, tuple(ready.values)))


def _traces(inputs: list[Input]) -> list[str] | None:
    """Every input's trace id, when all have one and all differ."""
    traces = [one.get("objectWriteTraceId") for one in inputs]
    texts = [trace for trace in traces if isinstance(trace, str) and trace]
    return texts if len(set(texts)) == len(inputs) else None


def _no_duplicates(table: Table, keys: list[tuple[str, str]]) -> None:
    normal = [(name, table.normal(name, key)) for name, key in keys]
    if len(set(normal)) == len(normal):
        return
    seen: set[tuple[str, str]] = set()
    twice = [key for key in normal if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    raise duplicate_ids(list(dict.fromkeys(key for _name, key in twice)))


def _missing_entries(table: Table, inputs: list[Input]) -> list[dict[str, Any]]:
    if not inputs:
        return []
    traces = _traces(inputs)
    if traces is None:
        return [not_found_in_batch(table.kind.singular, [_id(one) for one in inputs]).entry()]
    return [
        not_found_in_batch(table.kind.singular, [_id(one)]).entry(trace)
        for one, trace in zip(inputs, traces, strict=True)
    ]


def _record(portal: Portal, table: Table, key: str, name: str, *, archived: bool) -> Record | None:
    if name != "hs_object_id":
        holder = by_unique(table, key, name, portal)
        return None if holder is None else table.get(holder)
    if not is_id(key):
        return None
    if archived:
        record = table.records.get(int(key))
        return record if record is not None and record.archived_at else None
    return table.get(int(key))


def _id(one: Input) -> str:
    key = one.get("id")
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    if not isinstance(key, str) or not key:
        raise invalid_input("Every input needs an id")
    return key
