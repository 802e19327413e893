"""The webhooks of one app in one portal: where to, what of, and the POSTs that carry the events.

Facts: https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide and
https://developers.hubspot.com/changelog/new-subscription-types-for-webhooks
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.hubspot.calculated import API
from ml_connector.twin.hubspot.object_types import BY_NAME
from ml_connector.twin.hubspot.signatures import sign_v1, sign_v3
from ml_connector.twin.hubspot.webhook_switches import WEBHOOK_SWITCHES

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.twin.deliveries import Outbox
    from ml_connector.twin.hubspot.happenings import Happening
    from ml_connector.twin.hubspot.portal import Portal

MOST_EVENTS = 100  # in one POST
MOST_SUBSCRIPTIONS = 1_000  # of an app
DEFAULT_CONCURRENCY = 10
TIMEOUT_S = 5.0
# When the ten retries of 24 hours come at the latest, in minutes after the first attempt.
RETRIES = (1, 5, 15, 45, 120, 240, 480, 720, 1080, 1440)
_EARLIEST = 0.8  # share of that time at which a retry may already come
_PERCENT = 100
_PERSON_ID = 7_000_001

_ALL = ("creation", "deletion", "merge", "propertyChange", "restore")
CONVERSATION = ("creation", "deletion", "newMessage", "privacyDeletion", "propertyChange")
EVENT_TYPES: tuple[str, ...] = (
    *(
        f"{name}.{what}"
        for name in ("company", "contact", "deal", "line_item", "object", "ticket")
        for what in (*_ALL, "associationChange")
    ),
    *(f"product.{what}" for what in _ALL),
    "contact.privacyDeletion",
    *(f"conversation.{what}" for what in CONVERSATION),
    "event.completed",
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One kind of event that the app wants; no property means every property."""

    id: int
    event_type: str
    property_name: str
    object_type_id: str
    active: bool
    created_at: str
    updated_at: str = ""

    def wants(self, happening: Happening) -> bool:
        """Whether it asks for this."""
        name, _, what = self.event_type.partition(".")
        kind = BY_NAME[happening.kind]
        known = kind.type_id == self.object_type_id if name == "object" else kind.singular == name
        given = happening.details.get("propertyName", "")
        return self.active and known and what == happening.what and self.property_name in {"", given}


@dataclass(slots=True)
class Target:
    """Where the app's events go."""

    url: str
    concurrency: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Manners:
    """How events travel: signatures, and what chance does to them (percents)."""

    signature: str
    duplicates: int
    losses: int
    order: str
    delay_ms: int

    @classmethod
    def of(cls, switches: Mapping[str, str], given: Mapping[str, Any]) -> Manners:
        """The portal's switches, overruled by what was given; ValueError when that cannot be."""
        values = {}
        for name in ("signature", "duplicates", "losses", "order", "delay_ms"):
            switch = WEBHOOK_SWITCHES[f"webhook_{name}"]
            values[name] = switch.check(str(given.get(name, switches.get(switch.name, switch.default))))
        return cls(
            values["signature"],
            int(values["duplicates"]),
            int(values["losses"]),
            values["order"],
            int(values["delay_ms"]),
        )


@dataclass(slots=True)
class WebhookPost:
    """Up to 100 events on their way to the app."""

    app: App
    url: str
    manners: Manners
    events: Sequence[Mapping[str, Any]]
    side: str = "hubspot"
    timeout_s: float = TIMEOUT_S
    first_at: datetime | None = None

    def write(self, attempt: int, now: datetime) -> tuple[dict[str, str], bytes]:
        """The events with the number of the attempt, signed as of now."""
        self.first_at = self.first_at or now
        body = orjson.dumps([{**event, "attemptNumber": attempt} for event in self.events])
        headers = {"Content-Type": "application/json"}
        if self.manners.signature in {"v1", "both"}:
            headers["X-HubSpot-Signature"] = sign_v1(self.app.secret, body)
            headers["X-HubSpot-Signature-Version"] = "v1"
        if self.manners.signature in {"v3", "both"}:
            stamp = str(int(now.timestamp() * 1000))
            headers["X-HubSpot-Request-Timestamp"] = stamp
            headers["X-HubSpot-Signature-v3"] = sign_v3(self.app.secret, "POST", self.url, body, stamp)
        return headers, body

    def wait(self, attempt: int, now: datetime) -> timedelta | None:
        """Ten retries within 24 hours, at times nobody can foretell."""
        if attempt >= len(RETRIES) or self.first_at is None:
            return None
        minutes = RETRIES[attempt] * self.app.rng.uniform(_EARLIEST, 1)
        return max(self.first_at + timedelta(minutes=minutes) - now, timedelta())

    def give_up(self, reason: str, now: datetime) -> None:
        """HubSpot keeps nothing."""


@dataclass(slots=True)
class App:
    """One app: its target, its subscriptions, the secret it shares with HubSpot."""

    portal: Portal
    outbox: Outbox
    rng: random.Random
    secret: str
    developer_key: str
    target: Target | None = None
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    manners: Manners = field(init=False)
    _next_id: int = 0

    def __post_init__(self) -> None:
        """Begin with the portal's manners."""
        self.manners = Manners.of(self.portal.settings.values, {})
        self._next_id = self.rng.randrange(10**5, 10**6)

    @property
    def id(self) -> int:
        """The app's id, as the account information shows it."""
        return self.portal.app_id

    def aim(self, url: str, concurrency: int = DEFAULT_CONCURRENCY) -> Target:
        """Set the target of all subscriptions."""
        now = self.portal.now
        created = self.target.created_at if self.target else now
        self.target = Target(url, concurrency, created, now)
        self.outbox.lanes["hubspot"] = concurrency
        self._listen()
        return self.target

    def drop_target(self) -> None:
        """Send nothing any more."""
        self.target = None
        self.outbox.clear("hubspot")
        self._listen()

    def subscribe(
        self, event_type: str, property_name: str = "", object_type_id: str = "", *, active: bool
    ) -> Subscription:
        """Add a subscription."""
        made = Subscription(self._next_id, event_type, property_name, object_type_id, active, self.portal.now)
        self._next_id += self.rng.randrange(1, 9)
        self.subscriptions[made.id] = made
        self._listen()
        return made

    def switch(self, subscription: Subscription, *, active: bool) -> Subscription:
        """Start or pause a subscription."""
        changed = replace(subscription, active=active, updated_at=self.portal.now)
        self.subscriptions[changed.id] = changed
        self._listen()
        return changed

    def unsubscribe(self, subscription_id: int) -> None:
        """Remove a subscription."""
        self.subscriptions.pop(subscription_id, None)
        self._listen()

    def clear(self) -> None:
        """Back to an app without webhooks; the secret stays."""
        self.subscriptions.clear()
        self.manners = Manners.of(self.portal.settings.values, {})
        self.drop_target()

    def collect(self, now: datetime) -> None:
        """Put what has happened since the last time into the outbox."""
        happenings = self.portal.happenings.journal.take()
        if self.target is None or not happenings:
            return
        events = self._chance(self._events(happenings))
        for start in range(0, len(events), MOST_EVENTS):
            post = WebhookPost(self, self.target.url, self.manners, events[start : start + MOST_EVENTS])
            delay = self.manners.delay_ms
            if self.manners.order == "any":
                delay = int(self.rng.uniform(0, delay))
            self.outbox.put(post, now + timedelta(milliseconds=delay))

    def _events(self, happenings: Iterable[Happening]) -> list[dict[str, Any]]:
        first_values = self.portal.settings.yes("webhook_first_values")
        return [
            self._event(subscription, happening)
            for happening in happenings
            if first_values or not happening.first_values
            for subscription in self.subscriptions.values()
            if subscription.wants(happening)
        ]

    def _event(self, subscription: Subscription, happening: Happening) -> dict[str, Any]:
        by_api = happening.source == API
        event: dict[str, Any] = {
            "eventId": self.rng.randrange(1, 2**32),
            "subscriptionId": subscription.id,
            "portalId": self.portal.portal_id,
            "appId": self.id,
            "occurredAt": _milliseconds(happening.at),
            "subscriptionType": subscription.event_type,
            "attemptNumber": 0,
        }
        if happening.what != "associationChange":
            event["objectId"] = happening.record_id
        event |= happening.details
        event["changeSource"] = happening.source
        event["sourceId"] = str(self.id) if by_api else f"userId:{_PERSON_ID}"
        if subscription.event_type.startswith("object."):
            event |= {"objectTypeId": subscription.object_type_id, "isSensitive": False}
        return event

    def _chance(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Lose some events, send some twice, and mix them, as far as the app's manners allow."""
        rng, manners = self.rng, self.manners
        kept = [event for event in events if not self._strikes(manners.losses)]
        kept += [event for event in kept if self._strikes(manners.duplicates)]
        if manners.order == "any":
            rng.shuffle(kept)
        return kept

    def _strikes(self, percent: int) -> bool:
        return bool(percent) and self.rng.uniform(0, _PERCENT) < percent

    def _listen(self) -> None:
        """The portal keeps its journal only while an event could be sent."""
        active = any(subscription.active for subscription in self.subscriptions.values())
        journal = self.portal.happenings.journal
        journal.open = self.target is not None and active
        if not journal.open:
            journal.take()


def _milliseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1000)
