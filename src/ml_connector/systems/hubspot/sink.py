"""HubSpot as a sink: batch upsert on our own unique property, batch update by id, an outcome for each record.

Where the portal refuses a unique property, records are made by plain creation, which must not be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.domain.records import Edited, Held, Outcome, Pushed, Result, Trace
from ml_connector.errors import RejectedError
from ml_connector.systems.hubspot.associations import CONTACT_TO_COMPANY, PRIMARY_CONTACT_TO_COMPANY
from ml_connector.systems.hubspot.client import (
    ASSOCIATION_BATCH,
    BATCH,
    LinkInput,
    UpdateInput,
    UpsertInput,
    UpsertReport,
)
from ml_connector.systems.hubspot.search import (
    LARGEST_PAGE,
    ascending,
    at_least,
    contains_token,
    descending,
    known,
    one_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.domain.diff import Change
    from ml_connector.domain.records import Pair
    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.models import SearchPage
    from ml_connector.systems.hubspot.search import Filter

MOST_EDITS = 1_000  # changes that one look goes through; after a load they are our own anyway
_CHANGED = {"contacts": "lastmodifieddate"}
_FURTHER = {"email": "hs_additional_emails"}  # a contact has each of them to itself
MERGED = "hs_merged_object_ids"
SETTLE = timedelta(minutes=10)  # to leave (2), to be answered or given up (2), and for search to show it
_LOOKED_FOR = 20  # keys in one search: its body may hold 3,000 characters
_GONE = "hubspot.not_found"
_TAKEN = "hubspot.exists"


@dataclass(frozen=True, slots=True)
class UpsertSink:
    """One object type: created by its unique key property, changed by its own ids.

    ``identity`` names what else HubSpot keeps unique of the type (``email`` of contacts). Where the portal did not make
    the key property ``unique``, nothing can be upserted: the link table is the identity, and a creation is made once.
    """

    client: HubSpotClient
    object_type: str
    id_property: str
    identity: str = ""
    side: str = "hubspot"
    batch_size: int = BATCH
    unique: bool = True

    @property
    def settle(self) -> timedelta | None:
        """How long after its intent a creation may still come to light; None when it may be repeated at will."""
        return None if self.unique else SETTLE

    def resource(self, *, creating: bool) -> str:
        """What a call is named in the journal."""
        made = "upsert" if self.unique else "create"
        return f"{self.object_type}.{made if creating else 'update'}"

    async def push(self, changes: Sequence[Change], *, creating: bool, call_id: str) -> Pushed:
        """Write one batch; each record carries a trace id, so that a refused one does not sink the rest.

        Changes of one record that several keys share go out once; all of them get its outcome.
        """
        sent = changes if creating else {change.target_id: change for change in changes}.values()
        traced = {f"{call_id}-{position}": change for position, change in enumerate(sent)}
        reply = await self._send(traced, creating=creating, call_id=call_id)
        if creating:
            outcomes = [self._outcome(trace_id, change, reply) for trace_id, change in traced.items()]
        else:
            by_id = {change.target_id: trace_id for trace_id, change in traced.items()}
            outcomes = [self._outcome(by_id[change.target_id], change, reply) for change in changes]
        return Pushed(outcomes, reply.status, reply.correlation_id)

    async def _send(self, traced: Mapping[str, Change], *, creating: bool, call_id: str) -> UpsertReport:
        """One call. A record that is refused alone is refused by name, whichever way HubSpot says it."""
        try:
            if creating:
                create = self.client.upsert if self.unique else self.client.create_batch
                return await create(
                    self.object_type,
                    self.id_property,
                    [UpsertInput(trace_id, change.key, change.send) for trace_id, change in traced.items()],
                    call_id=call_id,
                )
            return await self.client.update_batch(
                self.object_type,
                [UpdateInput(trace_id, change.target_id, change.send) for trace_id, change in traced.items()],
                call_id=call_id,
            )
        except RejectedError as error:
            if len(traced) > 1:
                raise
            return UpsertReport({}, dict.fromkeys(traced, error), error.correlation_id, error.status)

    async def look(self, target_ids: Sequence[str], properties: Sequence[str]) -> dict[str, Held]:
        """Records as they stand now, by their ids."""
        found = await self.client.read(self.object_type, target_ids, properties=self._asked(properties))
        return {record_id: self._held(record) for record_id, record in found.items()}

    async def holders(self, identities: Sequence[str], properties: Sequence[str]) -> dict[str, Held]:
        """The records that have these e-mail addresses now, secondary ones too where HubSpot finds them so."""
        if not self.identity or not identities:
            return {}
        found = await self.client.read(
            self.object_type,
            identities,
            properties=self._asked([*properties, self.identity]),
            id_property=self.identity,
            also_in=_FURTHER.get(self.identity, ""),
        )
        return {identity: self._held(record) for identity, record in found.items()}

    async def trace(self, target_ids: Mapping[str, str], properties: Sequence[str]) -> dict[str, Trace]:
        """What became of records their ids do not find: the key tells, then the recycle bin, then the merged ids.

        A record that was merged away is not in the recycle bin. Search trails writes: a record that was merged a
        moment ago may look as if it had vanished.

        Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis
        """
        asked = self._asked(properties)
        traces = {
            key: Trace("moved", record) for key, record in (await self._with_keys(target_ids, asked)).items()
        }
        left = {key: target_id for key, target_id in target_ids.items() if key not in traces}
        binned = await self.binned(list(left.values()))
        for key, target_id in left.items():
            if target_id in binned:
                traces[key] = Trace("deleted")
                continue
            merged = await self.client.search(
                self.object_type, filters=[contains_token(MERGED, target_id)], properties=asked, limit=2
            )
            found = merged.records[0] if merged.records else None
            traces[key] = Trace("vanished") if found is None else Trace("moved", self._held(found))
        return traces

    async def standing(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of the records that bear these keys; search shows a new one after some seconds."""
        return {key: one.target_id for key, one in (await self._with_keys(keys, self._asked(()))).items()}

    async def _with_keys(self, keys: Iterable[str], asked: Sequence[str]) -> dict[str, Held]:
        """Records by our key. A plain property several may bear, as after somebody cloned one: the oldest counts."""
        wanted = list(dict.fromkeys(keys))
        if self.unique:
            found = await self.client.read(
                self.object_type, wanted, properties=asked, id_property=self.id_property
            )
            return {key: self._held(record) for key, record in found.items()}
        held: dict[str, Held] = {}
        for start in range(0, len(wanted), _LOOKED_FOR):
            lowered = [key.lower() for key in wanted[start : start + _LOOKED_FOR]]
            filters = [one_of(self.id_property, lowered)]  # texts are compared in lower case
            page = await self.client.search(self.object_type, filters=filters, properties=asked)
            for one in sorted(map(self._held, page.records), key=lambda each: int(each.target_id)):
                held.setdefault(one.key, one)
        return {key: held[key] for key in wanted if key in held}

    async def binned(self, target_ids: Sequence[str]) -> set[str]:
        """Those of the records that a person deleted and can still restore."""
        return await self.client.archived(self.object_type, target_ids) if target_ids else set()

    async def edited(self, since: str, properties: Sequence[str]) -> Edited:
        """Records with our key that were changed since; HubSpot's own clock tells when.

        Our own writes are among them. Search trails writes by seconds: who acts on a value reads it afresh first.

        Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
        """
        ours = [known(self.id_property)]
        changed = _CHANGED.get(self.object_type, "hs_lastmodifieddate")
        if since:
            ours.append(at_least(changed, since))
        sort = ascending(changed) if since else descending(changed)
        asked = [*self._asked(properties), changed]
        found: list[Held] = []
        after: str | None = None
        while True:
            page = await self.client.search(
                self.object_type,
                filters=ours,
                sorts=[sort],
                properties=asked,
                limit=LARGEST_PAGE if since else 1,
                after=after,
            )
            if not since or page.total > MOST_EDITS:
                newest = page if not since else await self._newest(ours, changed)
                return Edited(_latest(newest.records, changed, since), unseen=page.total if since else 0)
            found += [self._held(record) for record in page.records]
            after = page.after
            if after is None:
                return Edited(_latest([one.values for one in found], changed, since), found)

    async def _newest(self, ours: list[Filter], changed: str) -> SearchPage:
        return await self.client.search(
            self.object_type, filters=ours, sorts=[descending(changed)], properties=[changed], limit=1
        )

    def _asked(self, properties: Sequence[str]) -> list[str]:
        return list(dict.fromkeys((*properties, self.id_property)))

    def _held(self, record: Mapping[str, Any]) -> Held:
        values: dict[str, str | None] = record["properties"]
        return Held(str(record["id"]), values, values.get(self.id_property) or "")

    def _outcome(self, trace_id: str, change: Change, reply: UpsertReport) -> Outcome:
        """What HubSpot said about one record."""
        refused = reply.refused.get(trace_id)
        if refused is None:
            done = reply.done[trace_id]  # the client refuses an answer that leaves a record out
            made = done.new or (change.kind == "create" and not self.unique)
            return Outcome(change.key, Result.CREATED if made else Result.UPDATED, target_id=done.id)
        existing = str(refused.context.get("existing_id", ""))
        taken = bool(self.identity) and refused.code == _TAKEN and change.record.identity != ""
        return Outcome(
            change.key,
            Result.PARKED,
            error=refused,
            occupied=taken and change.kind == "create",
            occupied_by=existing,
            missing=refused.code == _GONE and change.target_id != "",
        )


def _latest(records: Sequence[Mapping[str, Any]], changed: str, since: str) -> str:
    """The last change among records, as epoch milliseconds; HubSpot writes moments as ISO 8601."""
    moments = [
        datetime.fromisoformat(str(values[changed]))
        for record in records
        if (values := record.get("properties", record)).get(changed)
    ]
    return str(int(max(moments).timestamp() * 1000)) if moments else since


@dataclass(frozen=True, slots=True)
class ContactCompanies:
    """How contacts hang on companies. Type 1 makes a company the primary one; the plain type comes with it."""

    client: HubSpotClient
    batch_size: int = ASSOCIATION_BATCH
    resource: str = "associations.create"

    async def current(self, from_ids: Sequence[str]) -> dict[str, dict[str, bool]]:
        """The companies of these contacts now, and whether each is the primary one."""
        if not from_ids:
            return {}
        found = await self.client.associations("contacts", "companies", from_ids)
        return {
            contact_id: {one.id: PRIMARY_CONTACT_TO_COMPANY in one.type_ids for one in companies}
            for contact_id, companies in found.items()
        }

    async def make(
        self, pairs: Sequence[Pair], *, call_id: str
    ) -> dict[tuple[str, str], RejectedError | None]:
        """Associate contacts with companies; safe to repeat."""
        inputs = [
            LinkInput(
                pair.from_id,
                pair.to_id,
                (PRIMARY_CONTACT_TO_COMPANY, CONTACT_TO_COMPANY) if pair.primary else (CONTACT_TO_COMPANY,),
            )
            for pair in pairs
        ]
        report = await self.client.associate("contacts", "companies", inputs, call_id=call_id)
        return {(pair.from_id, pair.to_id): report.refused.get((pair.from_id, pair.to_id)) for pair in pairs}
