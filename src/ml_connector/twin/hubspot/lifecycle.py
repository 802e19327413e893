"""Merging two records and deleting a person's data for good.

Facts: https://developers.hubspot.com/docs/guides/crm/using-object-apis
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer, find, is_id
from ml_connector.twin.hubspot.errors import invalid_input, not_found
from ml_connector.twin.hubspot.store import FURTHER
from ml_connector.twin.hubspot.values import as_text
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record, Table


def merge(call: Call) -> Answer:
    """Make one record of two. The survivor has a new id unless the account preserves the primary's."""
    portal, table = call.portal, call.table
    body = call.body()
    primary = _named(table, body, "primaryObjectId")
    other = _named(table, body, "objectIdToMerge")
    if primary.id == other.id:
        raise invalid_input("A record cannot be merged with itself")
    keys = (str(primary.id), str(other.id))
    moved = len(other.properties.keys() - primary.properties.keys())
    with portal.happenings.quietly():
        survivor = _merge(portal, table, primary, other)
    portal.happenings.tell(
        "merge",
        table.kind.name,
        survivor.id,
        primaryObjectId=primary.id,
        mergedObjectIds=[other.id],
        newObjectId=survivor.id,
        numberOfPropertiesMoved=moved,
    )
    written = Written((*keys, str(survivor.id)), committed=True)
    return answer(200, portal.render(table, survivor, portal.selection(table, None)), written)


def delete_for_privacy(call: Call) -> Answer:
    """Delete a contact and everything it held; nothing can bring it back."""
    portal, table = call.portal, call.table
    if table.kind.name != "contacts":
        raise invalid_input(f"Records of type {table.kind.name} cannot be deleted for privacy")
    body = call.body()
    record = find(table, str(body.get("objectId", "")), as_text(body.get("idProperty")), portal)
    portal.links.drop(table.kind.name, record.id)
    if email := record.properties.get("email"):
        portal.blocked_emails.add(email)
    table.forget(record)
    for what in ("privacyDeletion", "deletion"):  # the first triggers the second as well
        portal.happenings.tell(what, table.kind.name, record.id, changeFlag="DELETED")
    return Answer(204, written=Written((str(record.id),), committed=True))


def _merge(portal: Portal, table: Table, primary: Record, other: Record) -> Record:
    """The primary's values win; the other's fill what is empty, and its associations come over."""
    kind = table.kind.name
    first, second = primary.properties, other.properties
    unique = set(table.schema.unique)
    values = second | first
    if portal.settings["merge_unique"] == "merged":
        values |= {name: value for name, value in second.items() if name in unique}
    if kind == "contacts":
        values |= _further_emails(values.get("email", ""), primary, other)
    links = [
        (target, target_id, types)
        for one in (other, primary)
        for target in portal.tables
        for target_id, types in portal.links.of(kind, one.id, target).items()
        if target_id not in {primary.id, other.id}
    ]
    gone = [other] if portal.settings["merge_id"] == "primary" else [primary, other]
    merged = (*primary.merged_ids, *other.merged_ids, *(record.id for record in gone))
    for record in gone:
        portal.links.drop(kind, record.id)
        table.forget(record)
    if portal.settings["merge_id"] == "primary":
        cleared = dict.fromkeys(unique & set(first), "")
        table.replace(primary, cleared | values, portal.now, keep=portal.keep)
        survivor = primary
    else:
        survivor = table.insert(values, portal.now, primary.source, keep=portal.keep)
    survivor.merged_ids = merged
    for target, target_id, types in links:
        portal.links.add(kind, survivor.id, target, target_id, types)
    return survivor


def _further_emails(own: str, *merged: Record) -> dict[str, str]:
    """The addresses that merged contacts had beside the one that is kept."""
    held = [one.properties.get(name, "") for one in merged for name in ("email", FURTHER["email"])]
    found = [email for text in held for email in text.split(";") if email and email != own]
    return {FURTHER["email"]: ";".join(dict.fromkeys(found))} if found else {}


def _named(table: Table, body: dict[str, Any], field: str) -> Record:
    key = str(body.get(field, ""))
    record = table.get(int(key)) if is_id(key) else None
    if record is None:
        raise not_found(key)
    return record
