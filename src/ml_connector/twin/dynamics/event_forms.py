"""The three forms in which F&O's events reach a receiver.

A business event is a flat object; with the Power Platform integration the same comes as Dataverse's execution
context, and so do data events.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/business-events/how-to/how-to-https and
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/business-events/data-events
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.changes import CREATE, DELETE, UPDATE
from ml_connector.twin.dynamics.entities import EMPTY_DATE, EMPTY_DATETIME

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics.changes import RowChange
    from ml_connector.twin.dynamics.entities import Schema
    from ml_connector.twin.dynamics.views import View

TEST_EVENT = "BusinessEventsTestEndpointContract"
TEST_CONTROL_NUMBER = -(2**63)
FIRST_CONTROL_NUMBER = 5_637_144_576
_LARGEST_GAP = 5
_CHOICE = "OptionSetValue:http://schemas.microsoft.com/xrm/2011/Contracts"
_FIRST_CHOICE = 200_000_000  # Dataverse numbers the members of F&O's enumerations from here


@dataclass(slots=True)
class Envelope:
    """What surrounds every event: numbers, ids, the user. Control numbers only grow, with gaps."""

    rng: random.Random
    control_number: int = FIRST_CONTROL_NUMBER
    user: str = ""

    def __post_init__(self) -> None:
        """Invent the user on whose behalf everything happens."""
        self.user = self.user or self.guid()

    def guid(self) -> str:
        """An id as F&O prints it."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4)).upper()

    def next_number(self) -> int:
        """The next control number."""
        self.control_number += self.rng.randrange(1, _LARGEST_GAP + 1)
        return self.control_number

    def business(
        self, event_id: str, company: str, contract: Mapping[str, Any], number: int, now: datetime
    ) -> dict[str, Any]:
        """A business event: the framework's fields among the contract's own, by name."""
        fields = {
            "BusinessEventId": event_id,
            "BusinessEventLegalEntity": company,
            "ContextRecordSubject": "",
            "ControlNumber": number,
            "EventId": self.guid(),
            "EventTime": json_date(now),
            "EventTimeIso8601": f"{now:%Y-%m-%dT%H:%M:%S.%f}{self.rng.randrange(10)}Z",
            "InitiatingUserAADObjectId": f"{{{self.user}}}",
            "MajorVersion": 0,
            "MinorVersion": 0,
            "ParentContextRecordSubjects": [],
        }
        return dict(sorted((fields | dict(contract)).items()))

    def context(
        self, message: str, entity: str, parameters: list[dict[str, Any]], now: datetime, **images: Any
    ) -> dict[str, Any]:
        """Dataverse's execution context around a message."""
        return {
            "BusinessUnitId": self.guid().lower(),
            "CorrelationId": self.guid().lower(),
            "Depth": 1,
            "InitiatingUserAzureActiveDirectoryObjectId": self.user.lower(),
            "InputParameters": parameters,
            "IsExecutingOffline": False,
            "MessageName": message,
            "Mode": 1,
            "OperationCreatedOn": f"/Date({int(now.timestamp() * 1000)})/",
            "OperationId": self.guid().lower(),
            "OutputParameters": [],
            "PostEntityImages": [],
            "PreEntityImages": images.get("before", []),
            "PrimaryEntityId": self.guid().lower(),
            "PrimaryEntityName": entity,
            "RequestId": self.guid().lower(),
            "SharedVariables": [],
            "Stage": 40,
        }


def json_date(now: datetime) -> str:
    """A moment in whole seconds, in the form the framework writes."""
    return f"/Date({int(now.timestamp()) * 1000})/"


def proxied(envelope: Envelope, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A business event as Dataverse hands it on: a message of its own, the fields as parameters."""
    parameters = [{"key": name, "value": value} for name, value in event.items()]
    return envelope.context(f"mserp_{event['BusinessEventId']}", "none", parameters, now)


def data_event(
    envelope: Envelope, schema: Schema, view: View, change: RowChange, now: datetime
) -> dict[str, Any]:
    """A data event: the entity's attributes after the change; for an update only those that changed."""
    entity = f"mserp_{view.data_entity.lower()}"
    values = view.reader()(change.row)
    names = set(view.set.properties)
    if change.message == UPDATE:
        names = {*view.set.keys, *(change.before.keys() & names)}
    before = {name: view.set.properties[name].default for name in change.before.keys() & names}
    before |= {name: value for name, value in change.before.items() if name in names and value is not None}
    if change.message == DELETE:
        target = {"LogicalName": entity, "Id": envelope.guid().lower(), "KeyAttributes": []}
    else:
        target = _image(schema, view, ((name, values[name]) for name in view.set.properties if name in names))
    target["LogicalName"] = entity
    images = [] if change.message == CREATE else [_named(_image(schema, view, before.items()))]
    return envelope.context(change.message, entity, [{"key": "Target", "value": target}], now, before=images)


def _named(image: dict[str, Any]) -> dict[str, Any]:
    return {"key": "PreImage", "value": image}


def _image(schema: Schema, view: View, values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Attributes of an entity; dates that are empty are left out."""
    attributes = []
    for name, value in values:
        found = view.set.properties[name]
        if value is None or value in {EMPTY_DATE, EMPTY_DATETIME}:
            continue
        shown = value
        if found.kind == "enum":
            shown = {"__type": _CHOICE, "Value": _FIRST_CHOICE + schema.enums[found.enum].get(str(value), 0)}
        attributes.append({"key": f"mserp_{name.lower()}", "value": shown})
    return {"Attributes": attributes, "EntityState": None, "FormattedValues": [], "KeyAttributes": []}
