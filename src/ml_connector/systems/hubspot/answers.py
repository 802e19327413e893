"""What HubSpot's batch answers say about each record, matched to what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from ml_connector.errors import RejectedError, UnavailableError
from ml_connector.systems.hubspot.faults import refusal
from ml_connector.systems.hubspot.models import (
    LinkReport,
    Upserted,
    UpsertReport,
    WrittenBatch,
    WrittenLinks,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.systems.hubspot.models import LinkInput
    from ml_connector.transport.request import Reply

_WRITTEN = TypeAdapter(WrittenBatch)
_LINKED = TypeAdapter(WrittenLinks)


def written(
    object_type: str,
    trace_ids: Sequence[str],
    names: Mapping[str, str],
    id_property: str,
    reply: Reply,
) -> UpsertReport:
    """The answer to a batch of writes, by trace id.

    Args:
        object_type: What was written.
        trace_ids: One for each input.
        names: Trace ids by what else tells an input: its lower-case key where ``id_property`` is given, else its id.
        id_property: The key property, which HubSpot may have lower-cased.
        reply: The answer.

    Raises:
        RejectedError: a refusal names no record.
        UnavailableError: a record is in neither list.
    """
    batch = parse(_WRITTEN, reply.data, reply)
    traces = set(trace_ids)
    done: dict[str, Upserted] = {}
    for row in batch.results:
        name = str(row.properties.get(id_property, "")).lower() if id_property else row.id
        trace_id = row.trace_id or names.get(name, "")
        if trace_id in traces:
            done[trace_id] = Upserted(row.id, row.new)
    refused: dict[str, RejectedError] = {}
    nameless: RejectedError | None = None
    for error in batch.errors:
        rejected = refusal(
            error,
            status=reply.status,
            correlation_id=reply.correlation_id,
            what=f"a record of {object_type}",
        )
        known = [each for each in _named(error, "objectWriteTraceId") if each in traces]
        if not known and not id_property:
            known = [names[each] for each in _named(error, "ids") if each in names]
        refused.update(dict.fromkeys(known, rejected))
        nameless = nameless if known else rejected
    missing = traces - done.keys() - refused.keys()
    if missing and nameless is not None:
        raise nameless
    if missing:
        raise UnavailableError(
            f"HubSpot's answer to a batch of {object_type} leaves out {len(missing)} of {len(traces)}.",
            code="hubspot.answer_incomplete",
            hint="Nothing is lost: the batch is sent again.",
            correlation_id=reply.correlation_id,
        )
    return UpsertReport(done, refused, reply.correlation_id, reply.status)


def linked(inputs: Sequence[LinkInput], reply: Reply) -> LinkReport:
    """The answer to a batch of associations. Refusals name no pair for sure: a pair is made only if it is listed."""
    batch = parse(_LINKED, reply.data, reply)
    made = frozenset((row.from_id, row.to_id) for row in batch.results)
    wanted = [(entry.from_id, entry.to_id) for entry in inputs]
    errors = [
        refusal(error, status=reply.status, correlation_id=reply.correlation_id, what="an association")
        for error in batch.errors
    ]
    left = [pair for pair in wanted if pair not in made]
    refused: dict[tuple[str, str], RejectedError] = {}
    for pair in left:
        if not errors:
            raise UnavailableError(
                f"HubSpot's answer to a batch of associations leaves out {len(left)} of {len(wanted)}.",
                code="hubspot.answer_incomplete",
                hint="Nothing is lost: they are sent again.",
                correlation_id=reply.correlation_id,
            )
        about = [error for error in errors if any(end in error.message for end in pair)]
        refused[pair] = (about or errors)[0]
    return LinkReport(made & frozenset(wanted), refused, reply.correlation_id, reply.status)


def _named(error: dict[str, object], field: str) -> list[str]:
    """What an error names in its context; values may be a text or a list of texts."""
    context = error.get("context")
    named = context.get(field) if isinstance(context, dict) else None
    if isinstance(named, str):
        return [named]
    return [str(each) for each in named] if isinstance(named, list) else []
