"""F&O's business events and data events as they arrive.

A business event is a flat object: the framework's fields among those of its contract. With the Power Platform
integration it comes as Dataverse's execution context, its fields as parameters; data events come so too. Nothing is
signed, and the order in which events arrive means nothing; ``ControlNumber`` grows with gaps.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/business-events/managing-business-event-endpoints
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/business-events/data-events
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.events import Told, UnreadableEventError, word
from ml_connector.transport import strict_json
from ml_connector.transport.strict_json import MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDE = "dynamics"
# what is sent when an endpoint is set up; unless it is taken, the endpoint cannot be saved
TEST_EVENT = "BusinessEventsTestEndpointContract"
EVENT_ID, CONTROL_NUMBER = "BusinessEventId", "ControlNumber"
PREFIX = "mserp_"  # Dataverse's names of F&O's entities and their fields
MOST_EVENTS = 1_000  # in one array; one event a POST is what is documented
_LEAST, _MOST = -(2**63), 2**63 - 1


def plain_name(name: str) -> str:
    """A field's name as both forms share it: without case, and without Dataverse's prefix."""
    return name.casefold().removeprefix(PREFIX)


def read_events(body: bytes, environment: str) -> list[Told]:
    """The events of one POST.

    Args:
        body: As it arrived.
        environment: Address of the F&O environment: control numbers mean nothing in another one.

    Raises:
        UnreadableEventError: it is not JSON as we accept it, or not what F&O sends.
    """
    try:
        found = strict_json.loads(body)
    except MalformedError as exc:
        raise UnreadableEventError(f"it is not JSON: {exc}") from None
    events = found if isinstance(found, list) else [found]
    if not events or len(events) > MOST_EVENTS:
        raise UnreadableEventError(f"it holds {len(events)} events")
    return [_told(event, environment) for event in events]


def _told(event: Any, environment: str) -> Told:
    if not isinstance(event, dict):
        raise UnreadableEventError("an event is not an object")
    if EVENT_ID in event:
        return _business(event, event, environment)
    parameters = _pairs(event.get("InputParameters"), "InputParameters")
    if EVENT_ID in parameters:
        return _business(parameters, parameters, environment)
    if "PrimaryEntityName" in event:
        return _data(event, parameters, environment)
    raise UnreadableEventError(f"it has neither {EVENT_ID} nor PrimaryEntityName")


def _business(fields: Mapping[str, Any], content: Mapping[str, Any], environment: str) -> Told:
    """An event of the framework, in whichever form it came."""
    name = word(fields[EVENT_ID], EVENT_ID)
    number = _control_number(fields.get(CONTROL_NUMBER))
    entity = fields.get("BusinessEventLegalEntity") or fields.get("LegalEntity") or ""
    legal_entity = word(entity, "BusinessEventLegalEntity", empty=True).lower()
    return Told(
        source=SIDE,
        type=name,
        legal_entity=legal_entity,
        identifier="",
        number=number,
        identity=strict_json.canonical([environment, name, legal_entity, number]),
        content=strict_json.canonical(content),
        fields={plain_name(key): value for key, value in fields.items()},
        is_test=name == TEST_EVENT,
    )


def _data(event: Mapping[str, Any], parameters: Mapping[str, Any], environment: str) -> Told:
    """A data event: it has no number, so that only equal ones are the same."""
    name = word(event["PrimaryEntityName"], "PrimaryEntityName").lower()
    message = word(event.get("MessageName"), "MessageName")
    target = parameters.get("Target")
    if not isinstance(target, dict):
        raise UnreadableEventError("it has no Target")
    values = _pairs(target.get("Attributes", []), "Attributes")
    fields = {plain_name(key): value for key, value in values.items()}
    content = strict_json.canonical(event)
    return Told(
        source=SIDE,
        type=name,
        legal_entity=word(fields.get("dataareaid", ""), "dataAreaId", empty=True).lower(),
        identifier="",
        number=word(event.get("OperationId") or "", "OperationId", empty=True),
        identity=strict_json.canonical([environment, name]) + content,
        content=content,
        fields={**fields, "messagename": message},
    )


def _pairs(found: Any, what: str) -> dict[str, Any]:
    """Dataverse's lists of keys and values as a mapping."""
    if not isinstance(found, list):
        raise UnreadableEventError(f"{what} is not a list")
    pairs: dict[str, Any] = {}
    for pair in found:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise UnreadableEventError(f"{what} holds something else than keys and values")
        pairs[pair["key"]] = pair.get("value")
    return pairs


def _control_number(found: Any) -> str:
    """An Int64, as a number or as text."""
    text = word(found, CONTROL_NUMBER)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or not _LEAST <= int(text) <= _MOST:
        raise UnreadableEventError(f"{CONTROL_NUMBER} is not a whole number of 64 bits")
    return str(int(text))
