"""Reading records of one portal: one, many, a page of all, those that a search finds, and what they are linked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import RejectedError
from ml_connector.systems.hubspot import search as searching
from ml_connector.systems.hubspot.calling import BATCH, Calling, circle, one_record, onward
from ml_connector.systems.hubspot.faults import SIDE, refusal
from ml_connector.systems.hubspot.models import (
    Association,
    HubSpotPage,
    Record,
    SearchPage,
    next_after,
    results,
    unexpected,
)
from ml_connector.transport.request import ReadRequest

if TYPE_CHECKING:
    import builtins
    from collections.abc import Sequence

    from ml_connector.transport.request import Reply

LARGEST_LIST = 100
_ASSOCIATION_READS = 1_000
_GONE = "OBJECT_NOT_FOUND"


class Reading(Calling):
    """Records, as they stand."""

    async def get(
        self,
        object_type: str,
        record_id: str,
        *,
        properties: Sequence[str],
        id_property: str | None = None,
        associations: Sequence[str] = (),
        history: Sequence[str] = (),
    ) -> Record | None:
        """Read one record by its id or by a unique property; None when there is none.

        ``history`` names properties whose former values come too, under ``propertiesWithHistory``, the newest first.
        """
        params = [("properties", ",".join(properties))]
        if history:
            params.append(("propertiesWithHistory", ",".join(history)))
        if id_property:
            params.append(("idProperty", id_property))
        if associations:
            params.append(("associations", ",".join(associations)))
        path = self._paths.record(object_type, record_id)
        try:
            reply = await self.transport.read(ReadRequest(SIDE, "GET", path, "object", params=tuple(params)))
        except RejectedError as exc:
            if exc.code == "hubspot.not_found":
                return None
            raise
        return one_record(reply)

    async def archived(self, object_type: str, ids: Sequence[str]) -> set[str]:
        """Those of the records that lie in the recycle bin, from which a person can restore them for 90 days."""
        wanted = list(dict.fromkeys(ids))
        found: set[str] = set()
        for start in range(0, len(wanted), BATCH):
            fields: dict[str, Any] = {
                "inputs": [{"id": each} for each in wanted[start : start + BATCH]],
                "properties": [],
                "propertiesWithHistory": [],
            }
            path = self._paths.batch(object_type, "read")
            request = ReadRequest(
                SIDE, "POST", path, "objects", params=(("archived", "true"),), fields=fields
            )
            reply = await self.transport.read(request)
            records = results(reply)
            _only_gone(reply, f"the read of {object_type}")
            found |= {str(record.get("id")) for record in records}
        return found & set(wanted)

    async def read(
        self,
        object_type: str,
        ids: Sequence[str],
        *,
        properties: Sequence[str],
        id_property: str | None = None,
        also_in: str = "",
    ) -> dict[str, Record]:
        """Read many records by their ids or by a unique property; what is missing is left out.

        Args:
            object_type: Of what type.
            ids: Which.
            properties: What to read of them.
            id_property: The unique property that the ids are values of; without it they are HubSpot's own.
            also_in: A property that lists further values by which HubSpot may find a record, separated by ``;``.

        Returns:
            Records by the ids that were asked for.
        """
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Record] = {}
        keys = [name for name in (id_property, also_in) if name]
        names = list(dict.fromkeys((*properties, *keys)))
        for start in range(0, len(wanted), BATCH):
            chunk = wanted[start : start + BATCH]
            fields: dict[str, Any] = {
                "inputs": [{"id": each} for each in chunk],
                "properties": names,
                "propertiesWithHistory": [],
            }
            if id_property:
                fields["idProperty"] = id_property
            path = self._paths.batch(object_type, "read")
            reply = await self.transport.read(ReadRequest(SIDE, "POST", path, "objects", fields=fields))
            records = results(reply)
            _only_gone(reply, f"the read of {object_type}")
            asked = {each.lower(): each for each in chunk}
            for record in records:
                names_of = _found_by(record, id_property, also_in)
                found |= {asked[name]: record for name in names_of if name in asked}
        return found

    async def list(
        self,
        object_type: str,
        *,
        properties: Sequence[str],
        limit: int = LARGEST_LIST,
        after: str | None = None,
        associations: Sequence[str] = (),
        archived: bool = False,
    ) -> HubSpotPage:
        """Read one page of all records in the order of their ids; ``archived`` reads the recycle bin."""
        params = [("limit", str(limit)), ("properties", ",".join(properties))]
        if associations:
            params.append(("associations", ",".join(associations)))
        if after:
            params.append(("after", after))
        if archived:
            params.append(("archived", "true"))
        path = self._paths.objects(object_type)
        reply = await self.transport.read(ReadRequest(SIDE, "GET", path, "objects", params=tuple(params)))
        return HubSpotPage(results(reply), onward(reply.data, after, object_type))

    async def search(
        self,
        object_type: str,
        *,
        filters: Sequence[searching.Filter],
        sorts: Sequence[searching.Sort] = (),
        properties: Sequence[str],
        limit: int = searching.LARGEST_PAGE,
        after: str | None = None,
    ) -> SearchPage:
        """Find records by their values, seconds after they were written; 10,000 of them at most."""
        fields = searching.body(filters, sorts, properties, limit, after)
        path = self._paths.search(object_type)
        reply = await self.transport.read(ReadRequest(SIDE, "POST", path, "search", fields=fields))
        records = results(reply)
        total = reply.data.get("total")
        if not isinstance(total, int):
            raise unexpected(reply, "total")
        return SearchPage(total, records, onward(reply.data, after, object_type))

    async def associations(
        self, from_type: str, to_type: str, ids: Sequence[str]
    ) -> dict[str, builtins.list[Association]]:
        """Read what records are linked to; ids without links are left out."""
        found: dict[str, dict[str, set[int]]] = {}
        waiting: list[dict[str, str]] = [{"id": each} for each in dict.fromkeys(ids)]
        path = self._paths.associations(from_type, to_type)
        while waiting:
            chunk, waiting = waiting[:_ASSOCIATION_READS], waiting[_ASSOCIATION_READS:]
            request = ReadRequest(SIDE, "POST", path, "associations", fields={"inputs": chunk})
            reply = await self.transport.read(request)
            _only_gone(reply, f"the read of links from {from_type} to {to_type}")
            asked = {(entry["id"], entry.get("after", "")) for entry in chunk}
            for row in results(reply):
                from_id, after = _collect(row, found, reply)
                if after is not None:
                    if (from_id, after) in asked:
                        raise circle(f"links from {from_type} to {to_type}")
                    waiting.append({"id": from_id, "after": after})
        return {
            from_id: [Association(to_id, frozenset(types)) for to_id, types in linked.items()]
            for from_id, linked in found.items()
        }


def _found_by(record: Record, id_property: str | None, also_in: str) -> list[str]:
    """The ids, in lower case, by which a read may have found this record."""
    if not id_property:
        return [str(record.get("id"))]
    values = record.get("properties") or {}
    further = str(values.get(also_in) or "").split(";") if also_in else []
    return [str(each).lower() for each in (values.get(id_property), *further)]


def _collect(row: Record, found: dict[str, dict[str, set[int]]], reply: Reply) -> tuple[str, str | None]:
    """Take over one record's links; the cursor of its further ones comes back."""
    try:
        from_id = str(row["from"]["id"])
        linked = found.setdefault(from_id, {})
        for target in row["to"]:
            types = linked.setdefault(str(target["toObjectId"]), set())
            types.update(int(each["typeId"]) for each in target["associationTypes"])
    except (KeyError, TypeError, ValueError):
        raise unexpected(reply, "results") from None
    return from_id, next_after(row)


def _only_gone(reply: Reply, what: str) -> None:
    """Let errors pass that say a record, or a link of it, is not there; raise any other."""
    errors = reply.data.get("errors") if isinstance(reply.data, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict) or error.get("category") != _GONE:
            raise refusal(error, status=reply.status, correlation_id=reply.correlation_id, what=what)
