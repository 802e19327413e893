"""Writing records of one portal, in batches or one, and what ties them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import UnavailableError, UncertainWriteError
from ml_connector.systems.hubspot.answers import linked, written
from ml_connector.systems.hubspot.calling import Calling, one_record
from ml_connector.systems.hubspot.faults import SIDE
from ml_connector.transport.request import WriteRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.systems.hubspot.models import (
        LinkInput,
        LinkReport,
        Record,
        UpdateInput,
        UpsertInput,
        UpsertReport,
    )

ASSOCIATION_BATCH = 2_000
_SEND_WITHIN_S = 120.0  # of its intent, a creation leaves or does not leave at all


class Writing(Calling):
    """Records, changed and created. Every input carries its trace id, so that HubSpot refuses records one by one."""

    async def upsert(
        self, object_type: str, id_property: str, inputs: Sequence[UpsertInput], *, call_id: str = ""
    ) -> UpsertReport:
        """Create or update up to 100 records by a unique property of our own. Safe to repeat.

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
        rows = [{"id": entry.id, "idProperty": id_property, **_keyed(entry, id_property)} for entry in inputs]
        reply = await self.transport.write(self._batch(object_type, "upsert", rows, call_id=call_id))
        return written(object_type, _traces(inputs), _by_key(inputs), id_property, reply)

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
        rows = [_keyed(entry, id_property) for entry in inputs]
        request = self._batch(object_type, "create", rows, call_id=call_id, idempotent=False)
        send_by_s = self.transport.elapsed_s() + _SEND_WITHIN_S

        def last_check() -> None:
            if self.transport.elapsed_s() > send_by_s:
                raise _too_late(object_type)

        reply = await self.transport.write(request, last_check=last_check)
        try:
            return written(object_type, _traces(inputs), _by_key(inputs), id_property, reply)
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
        rows = [{"id": entry.id, **_traced(entry, dict(entry.properties))} for entry in inputs]
        reply = await self.transport.write(self._batch(object_type, "update", rows, call_id=call_id))
        by_id = {entry.id: entry.trace_id for entry in inputs}
        return written(object_type, _traces(inputs), by_id, "", reply)

    def _batch(
        self,
        object_type: str,
        verb: str,
        rows: Sequence[dict[str, Any]],
        *,
        call_id: str,
        idempotent: bool = True,
    ) -> WriteRequest:
        """The call that carries these inputs."""
        return WriteRequest(
            SIDE,
            "POST",
            self._paths.batch(object_type, verb),
            f"{object_type}.{verb}",
            fields={"inputs": rows},
            idempotent=idempotent,
            call_id=call_id,
        )

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
        return one_record(reply)


def _keyed(entry: UpsertInput, id_property: str) -> dict[str, Any]:
    """A record with its key among its properties."""
    return _traced(entry, {**entry.properties, id_property: entry.id})


def _traced(entry: UpsertInput | UpdateInput, properties: dict[str, str]) -> dict[str, Any]:
    return {"objectWriteTraceId": entry.trace_id, "properties": properties}


def _traces(inputs: Sequence[UpsertInput | UpdateInput]) -> list[str]:
    return [entry.trace_id for entry in inputs]


def _by_key(inputs: Sequence[UpsertInput]) -> dict[str, str]:
    """Trace ids by key, which HubSpot may answer in another case."""
    return {entry.id.lower(): entry.trace_id for entry in inputs}


def _too_late(object_type: str) -> UnavailableError:
    return UnavailableError(
        f"A batch of {object_type} waited longer than {_SEND_WITHIN_S:.0f} s for its turn; it was not sent.",
        code="hubspot.too_late",
        hint="Nothing is lost: the next run sends it.",
        sent=False,
    )
