"""HubSpot's CRM API, as much of it as the flows need. Every value travels as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ml_connector.errors import RejectedError, UnavailableError, UncertainWriteError
from ml_connector.systems.hubspot import search as searching
from ml_connector.systems.hubspot.answers import linked, written
from ml_connector.systems.hubspot.faults import ASSOCIATIONS, SEARCH, SIDE, refusal
from ml_connector.systems.hubspot.models import (
    AccountDetails,
    Association,
    HubSpotPage,
    LinkInput,
    LinkReport,
    Owner,
    Pipeline,
    PropertyDefinition,
    Record,
    SearchPage,
    TokenInfo,
    UpdateInput,
    Upserted,
    UpsertInput,
    UpsertReport,
    next_after,
    parse,
    results,
    unexpected,
)
from ml_connector.systems.hubspot.paths import TOKEN_INFO, Paths
from ml_connector.transport.request import ReadRequest, WriteRequest

if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping, Sequence

    from ml_connector.systems.hubspot.settings import HubSpotSettings
    from ml_connector.transport.http import Transport
    from ml_connector.transport.request import Reply

__all__ = [
    "ASSOCIATION_BATCH",
    "BATCH",
    "HubSpotClient",
    "LinkInput",
    "UpdateInput",
    "UpsertInput",
    "UpsertReport",
    "Upserted",
]

BATCH = 100
LARGEST_LIST = 100
ASSOCIATION_BATCH = 2_000
_ASSOCIATION_READS = 1_000
_SEND_WITHIN_S = 120.0  # of its intent, a creation leaves or does not leave at all
_UNTIL_TOLD = (4, 0.0)  # calls at once before the first answer tells the portal's limit
_SEARCHES = (5, 1.0)  # per second and account; answers do not tell
_ASSOCIATION_CALLS = (100, 10.0)  # the smallest tier's; answers do not tell
_GONE = "OBJECT_NOT_FOUND"

_PIPELINES = TypeAdapter(list[Pipeline])
_OWNERS = TypeAdapter(list[Owner])
_DEFINITIONS = TypeAdapter(list[PropertyDefinition])
_ACCOUNT = TypeAdapter(AccountDetails)
_TOKEN = TypeAdapter(TokenInfo)


class HubSpotClient:
    """The records and definitions of one portal."""

    def __init__(self, transport: Transport, settings: HubSpotSettings) -> None:
        self.transport = transport
        self.settings = settings
        self._paths = Paths(settings.api_version)
        transport.budget.assume(SIDE, *_UNTIL_TOLD)
        transport.budget.assume(SEARCH, *_SEARCHES)
        transport.budget.assume(ASSOCIATIONS, *_ASSOCIATION_CALLS)

    # Writing records ---

    async def upsert(
        self, object_type: str, id_property: str, inputs: Sequence[UpsertInput], *, call_id: str = ""
    ) -> UpsertReport:
        """Create or update up to 100 records by a unique property of our own. Safe to repeat.

        Every input carries its trace id, so that HubSpot refuses records one by one.

        Args:
            object_type: ``companies``, ``contacts`` or ``products``.
            id_property: The unique property whose value is each input's ``id``.
            inputs: No two with the same id.
            call_id: The id of the intent row.

        Raises:
            RejectedError: The whole batch was refused without naming a record.
            UnavailableError: The answer does not account for every record; send it again.

        Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis
        """
        fields = {
            "inputs": [
                {
                    "id": entry.id,
                    "idProperty": id_property,
                    "objectWriteTraceId": entry.trace_id,
                    "properties": {**entry.properties, id_property: entry.id},
                }
                for entry in inputs
            ]
        }
        reply = await self.transport.write(
            WriteRequest(
                SIDE,
                "POST",
                self._paths.batch(object_type, "upsert"),
                f"{object_type}.upsert",
                fields=fields,
                idempotent=True,
                call_id=call_id,
            )
        )
        by_key = {entry.id.lower(): entry.trace_id for entry in inputs}
        return written(object_type, [entry.trace_id for entry in inputs], by_key, id_property, reply)

    async def create_batch(
        self, object_type: str, id_property: str, inputs: Sequence[UpsertInput], *, call_id: str
    ) -> UpsertReport:
        """Create up to 100 records whose key property is not unique. Sent once: a repeat makes a second record.

        Args:
            object_type: ``products``.
            id_property: The plain property that takes each input's ``id``.
            inputs: No two with the same id.
            call_id: The id of the intent row, stored a moment ago.

        Raises:
            RejectedError: The whole batch was refused; nothing of it was made.
            RetryableError: Nothing of it was made.
            UncertainWriteError: Some or all of it may stand, or stand in a while: look before it is sent again.

        Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis
        """
        fields = {
            "inputs": [
                {
                    "objectWriteTraceId": entry.trace_id,
                    "properties": {**entry.properties, id_property: entry.id},
                }
                for entry in inputs
            ]
        }
        request = WriteRequest(
            SIDE,
            "POST",
            self._paths.batch(object_type, "create"),
            f"{object_type}.create",
            fields=fields,
            idempotent=False,
            call_id=call_id,
        )
        send_by_s = self.transport.elapsed_s() + _SEND_WITHIN_S

        def last_check() -> None:
            if self.transport.elapsed_s() > send_by_s:
                raise _too_late(object_type)

        reply = await self.transport.write(request, last_check=last_check)
        by_key = {entry.id.lower(): entry.trace_id for entry in inputs}
        try:
            return written(object_type, [entry.trace_id for entry in inputs], by_key, id_property, reply)
        except UnavailableError as error:  # an answer without sense may follow a commit
            raise UncertainWriteError(
                f"A batch of {object_type} may have been created: {error.message}",
                hint="It is looked up before anything is sent again.",
                correlation_id=reply.correlation_id,
            ) from error

    async def update_batch(
        self, object_type: str, inputs: Sequence[UpdateInput], *, call_id: str = ""
    ) -> UpsertReport:
        """Change up to 100 records by their own ids; an empty text clears. Of deals only our own properties.

        Args:
            object_type: ``companies``, ``contacts``, ``products`` or ``deals``.
            inputs: No two with the same id.
            call_id: The id of the intent row.

        Returns:
            A record that is not there is refused with the code ``hubspot.not_found``.

        Raises:
            RejectedError: The whole batch was refused without naming a record.
            UnavailableError: The answer does not account for every record; send it again.
        """
        fields = {
            "inputs": [
                {
                    "id": entry.id,
                    "objectWriteTraceId": entry.trace_id,
                    "properties": dict(entry.properties),
                }
                for entry in inputs
            ]
        }
        reply = await self.transport.write(
            WriteRequest(
                SIDE,
                "POST",
                self._paths.batch(object_type, "update"),
                f"{object_type}.update",
                fields=fields,
                idempotent=True,
                call_id=call_id,
            )
        )
        by_id = {entry.id: entry.trace_id for entry in inputs}
        return written(object_type, [entry.trace_id for entry in inputs], by_id, "", reply)

    async def associate(
        self, from_type: str, to_type: str, inputs: Sequence[LinkInput], *, call_id: str = ""
    ) -> LinkReport:
        """Make up to 2,000 associations. The types given replace those a pair has; safe to repeat.

        Source: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
        """
        fields = {
            "inputs": [
                {
                    "from": {"id": entry.from_id},
                    "to": {"id": entry.to_id},
                    "types": [
                        {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
                        for type_id in entry.type_ids
                    ],
                }
                for entry in inputs
            ]
        }
        reply = await self.transport.write(
            WriteRequest(
                SIDE,
                "POST",
                self._paths.associate(from_type, to_type),
                "associations.create",
                fields=fields,
                idempotent=True,
                call_id=call_id,
            )
        )
        return linked(inputs, reply)

    async def update(
        self, object_type: str, record_id: str, properties: Mapping[str, str], *, call_id: str = ""
    ) -> Record:
        """Change properties of one record; an empty text clears. Of deals only our own properties."""
        reply = await self.transport.write(
            WriteRequest(
                SIDE,
                "PATCH",
                self._paths.record(object_type, record_id),
                f"{object_type}.update",
                fields={"properties": dict(properties)},
                idempotent=True,
                call_id=call_id,
            )
        )
        return _record(reply)

    # Reading records ---

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
        return _record(reply)

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
        return HubSpotPage(results(reply), _onward(reply.data, after, object_type))

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
        return SearchPage(total, records, _onward(reply.data, after, object_type))

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
                        raise _circle(f"links from {from_type} to {to_type}")
                    waiting.append({"id": from_id, "after": after})
        return {
            from_id: [Association(to_id, frozenset(types)) for to_id, types in linked.items()]
            for from_id, linked in found.items()
        }

    # Reading and defining the portal ---

    async def pipelines(self, object_type: str) -> builtins.list[Pipeline]:
        """Pipelines with their stages."""
        reply = await self._read(self._paths.pipelines(object_type), "pipelines")
        return parse(_PIPELINES, results(reply), reply)

    async def owners(self) -> builtins.list[Owner]:
        """Everybody who can own records."""
        owners: list[Owner] = []
        after: str | None = None
        while True:
            params = (("limit", "100"), *((("after", after),) if after else ()))
            reply = await self._read(self._paths.owners, "owners", params)
            found: list[Owner] = parse(_OWNERS, results(reply), reply)
            owners.extend(found)
            after = _onward(reply.data, after, "owners")
            if after is None:
                return owners

    async def properties(self, object_type: str) -> builtins.list[PropertyDefinition]:
        """The properties the portal defines for a type."""
        reply = await self._read(self._paths.properties(object_type), "properties")
        return parse(_DEFINITIONS, results(reply), reply)

    async def create_group(self, object_type: str, name: str, label: str) -> None:
        """Create a property group; one that exists already is left as it is."""
        await self._define(
            self._paths.groups(object_type), "groups", {"name": name, "label": label, "displayOrder": -1}
        )

    async def create_properties(self, object_type: str, definitions: Sequence[Mapping[str, Any]]) -> None:
        """Create properties one by one; those that exist already are left as they are.

        Raises:
            RejectedError: HubSpot refused a definition; those before it exist now.
        """
        for definition in definitions:
            await self._define(self._paths.properties(object_type), "properties", dict(definition))

    async def account(self) -> AccountDetails:
        """The portal behind the token."""
        reply = await self._read(self._paths.account, "account")
        return parse(_ACCOUNT, reply.data, reply)

    async def token_info(self) -> TokenInfo:
        """What the token may do. The token travels in the body: bodies are never logged."""
        token = (await self.transport.authorization()).removeprefix("Bearer ")
        request = ReadRequest(SIDE, "POST", TOKEN_INFO, "token_info", fields={"tokenKey": token})
        reply = await self.transport.read(request)
        return parse(_TOKEN, reply.data, reply)

    async def _read(self, path: str, resource: str, params: tuple[tuple[str, str], ...] = ()) -> Reply:
        return await self.transport.read(ReadRequest(SIDE, "GET", path, resource, params=params))

    async def _define(self, path: str, resource: str, fields: dict[str, Any]) -> None:
        try:
            await self.transport.write(
                WriteRequest(SIDE, "POST", path, resource, fields=fields, idempotent=True)
            )
        except RejectedError as exc:
            if exc.code != "hubspot.exists":
                raise


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


def _too_late(object_type: str) -> UnavailableError:
    return UnavailableError(
        f"A batch of {object_type} waited longer than {_SEND_WITHIN_S:.0f} s for its turn; it was not sent.",
        code="hubspot.too_late",
        hint="Nothing is lost: the next run sends it.",
        sent=False,
    )


def _only_gone(reply: Reply, what: str) -> None:
    """Let errors pass that say a record, or a link of it, is not there; raise any other."""
    errors = reply.data.get("errors") if isinstance(reply.data, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict) or error.get("category") != _GONE:
            raise refusal(error, status=reply.status, correlation_id=reply.correlation_id, what=what)


def _record(reply: Reply) -> Record:
    data = reply.data
    if not isinstance(data, dict) or "id" not in data or not isinstance(data.get("properties"), dict):
        raise unexpected(reply, "properties")
    return data


def _onward(data: Any, after: str | None, what: str) -> str | None:
    """The next cursor; a page that leads to itself is an error."""
    following = next_after(data)
    if following is not None and following == after:
        raise _circle(what)
    return following


def _circle(what: str) -> UnavailableError:
    return UnavailableError(
        f"The pages of {what} in HubSpot lead in a circle; the read was stopped.", code="hubspot.paging"
    )
