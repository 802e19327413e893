"""Business events and data events: one endpoint, the activated events, and what could not be sent.

https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/business-events/managing-business-event-endpoints
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.changes import fold
from ml_connector.twin.dynamics.event_forms import (
    TEST_CONTROL_NUMBER,
    TEST_EVENT,
    Envelope,
    data_event,
    proxied,
)
from ml_connector.twin.dynamics.render import dumps

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from datetime import datetime

    from ml_connector.twin.deliveries import Outbox
    from ml_connector.twin.dynamics.changes import RowChange
    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.views import View

LANES = 4  # threads that send
TIMEOUT_S = 10.0
RETRIES = 3
RETRY_WAIT = timedelta(milliseconds=1000)
_PERCENT = 100
ENDPOINT_NAME = "Receiver"
# What the contract of an event shows of a record, unless the activation says otherwise: field -> property.
CONTRACTS: dict[str, dict[str, str]] = {
    "customers": {"Account": "CustomerAccount", "Name": "OrganizationName"},
    "releases": {"ItemNumber": "ItemNumber", "ProductNumber": "ProductNumber"},
    "orders": {"CustomerAccount": "OrderingCustomerAccountNumber", "SalesOrderNumber": "SalesOrderNumber"},
    "lines": {
        "InventoryLotId": "InventoryLotId",
        "ItemNumber": "ItemNumber",
        "SalesOrderNumber": "SalesOrderNumber",
    },
}


@dataclass(frozen=True, slots=True)
class Activation:
    """One event that is activated: its id, the entity set it watches, the legal entity (none: all)."""

    id: str
    view: View
    company: str
    form: str
    contract: dict[str, str]


@dataclass(slots=True)
class EventPost:
    """One event on its way; its text never changes, however often it is sent."""

    events: BusinessEvents
    url: str
    body: bytes
    event_id: str
    number: int
    side: str = "dynamics"
    timeout_s: float = TIMEOUT_S

    def write(self, _attempt: int, _now: datetime) -> tuple[dict[str, str], bytes]:
        """The event; nothing signs it."""
        return {"Content-Type": "application/json"}, self.body

    def wait(self, attempt: int, _now: datetime) -> timedelta | None:
        """Three retries, a second apart."""
        return RETRY_WAIT if attempt < RETRIES else None

    def give_up(self, reason: str, now: datetime) -> None:
        """Show it among the errors, from where it can be sent again."""
        self.events.fail(self, reason, now)


@dataclass(frozen=True, slots=True)
class Failed:
    """An event that could not be sent."""

    id: str
    at: datetime
    reason: str
    post: EventPost


@dataclass(slots=True)
class BusinessEvents:
    """The events of one environment."""

    environment: Environment
    outbox: Outbox
    rng: random.Random
    url: str = ""
    activations: tuple[Activation, ...] = ()
    errors: dict[str, Failed] = field(default_factory=dict)
    envelope: Envelope = field(init=False)
    _failures: int = 0

    def __post_init__(self) -> None:
        """Number events from the start."""
        self.envelope = Envelope(self.rng)

    def activation(
        self, event_id: str, of: str, company: str, form: str, contract: dict[str, str]
    ) -> Activation:
        """An event to activate.

        Raises:
            ValueError: There is no such set, legal entity, form or property.
        """
        view = self.environment.views.get(of)
        if view is None:
            raise ValueError(f"F&O has no entity set {of!r}")
        if company and company.lower() not in self.environment.companies:
            raise ValueError(f"F&O has no legal entity {company!r}")
        chosen = contract or {
            name: source
            for name, source in CONTRACTS.get(view.table, {key: key for key in view.set.keys}).items()
            if source in view.set.properties and source != "dataAreaId"
        }
        for source in chosen.values():
            if source not in view.set.properties:
                raise ValueError(f"{of} has no property {source!r}")
        return Activation(event_id, view, company.lower(), form or self._switch("event_form"), chosen)

    def activate(self, url: str, activations: tuple[Activation, ...]) -> None:
        """Send these events there from now on, in place of those before."""
        self.url, self.activations = url, activations
        journal = self.environment.store.journal
        journal.take()
        journal.open = bool(activations)
        self._show()

    def _show(self) -> None:
        """Let the entity sets about events tell what is activated."""
        store = self.environment.store
        for name, rows in catalog_rows(self).items():
            table = store.tables[name]
            for row in list(table.rows):
                table.remove(row)
            for values in rows:
                store.fill(name, values)

    def clear(self) -> None:
        """Send nothing any more; the errors go as well."""
        self.activate("", ())
        self.errors.clear()
        self.outbox.clear("dynamics")

    def test_post(self, url: str, now: datetime) -> EventPost:
        """The event that is sent when an endpoint is set up."""
        event = self.envelope.business(TEST_EVENT, "", {}, TEST_CONTROL_NUMBER, now)
        return EventPost(self, url, dumps(event), TEST_EVENT, TEST_CONTROL_NUMBER)

    def collect(self, now: datetime) -> None:
        """Put what was committed since the last time into the outbox."""
        posts = [
            self._post(activation, row_change, now)
            for change in fold(self.environment.store.journal.take())
            for activation, row_change in self._wanted(change)
        ]
        if posts and self._switch("event_posts") == "bundled":
            first = posts[0]
            body = b"[" + b",".join(post.body for post in posts) + b"]"
            posts = [EventPost(self, self.url, body, first.event_id, first.number)]
        for post in posts:
            self._send(post, now)

    def fail(self, post: EventPost, reason: str, now: datetime) -> None:
        """Keep an event that could not be sent."""
        self._failures += 1
        failed = Failed(str(self._failures), now, reason, post)
        self.errors[failed.id] = failed

    def resend(self, error_id: str, now: datetime) -> None:
        """Send a failed event once more, as it was.

        Raises:
            LookupError: There is no such error.
        """
        failed = self.errors.pop(error_id, None)
        if failed is None:
            raise LookupError(f"there is no failed event {error_id}")
        self.outbox.put(failed.post, now)

    def _switch(self, name: str) -> str:
        return self.environment.switches[name]

    def _wanted(self, change: RowChange) -> Iterator[tuple[Activation, RowChange]]:
        for activation in self.activations:
            for row_change in self._seen(activation.view, change):
                company = row_change.row.values.get("dataAreaId", "")
                if activation.company in {"", company}:
                    yield activation, row_change

    def _seen(self, view: View, change: RowChange) -> Iterator[RowChange]:
        """The change as a set shows it: a party's change is one of every customer of that party."""
        if view.table == change.table:
            yield change
        elif view.plan.shared and change.table == "parties" and change.message == "Update":
            for row in self.environment.store.tables[view.table].rows:
                if row.joined is change.row:
                    yield type(change)(view.table, row, change.message, change.before)

    def _post(self, activation: Activation, change: RowChange, now: datetime) -> EventPost:
        view, envelope = activation.view, self.envelope
        number = envelope.next_number()
        if activation.form == "data":
            event = data_event(envelope, self.environment.schema, view, change, now)
        else:
            values = view.reader()(change.row)
            company = str(values.get("dataAreaId", "")).upper()
            contract = {name: values[source] for name, source in activation.contract.items()}
            contract["LegalEntity"] = company
            event = envelope.business(activation.id, company, contract, number, now)
            if activation.form == "dataverse":
                event = proxied(envelope, event, now)
        return EventPost(self, self.url, dumps(event), activation.id, number)

    def _send(self, post: EventPost, now: datetime) -> None:
        delay = int(self._switch("event_delay_ms"))
        any_order = self._switch("event_order") == "any"
        twice = self.rng.uniform(0, _PERCENT) < int(self._switch("event_duplicates"))
        for _copy in range(2 if twice else 1):
            wait = self.rng.uniform(0, delay) if any_order else delay
            self.outbox.put(post, now + timedelta(milliseconds=wait))


def catalog_rows(events: BusinessEvents) -> dict[str, list[dict[str, Any]]]:
    """The rows of the three entity sets that describe business events, by set."""
    catalogs = {
        one.id: {
            "BusinessEventId": one.id,
            "Name": one.id,
            "Description": f"Changes of {one.view.name}",
            "Contract": f"{one.id}Contract",
        }
        for one in events.activations
    }
    configurations = [
        {
            "BusinessEventsTable": one.id,
            "LegalEntity": one.company,
            "BusinessEventsEndpoint_Name": ENDPOINT_NAME,
            "Disabled": "No",
        }
        for one in events.activations
    ]
    endpoints = [
        {
            "Name": ENDPOINT_NAME,
            "Type": "Http",
            "ProducerConsumerType": "BusinessEvents",
            "KeyVaultSecretName": "receiver-url",
        }
    ]
    return {
        "BusinessEventsCatalogs": list(catalogs.values()),
        "BusinessEventsConfigurations": configurations,
        "BusinessEventsEndpoints": endpoints if events.url else [],
    }
