"""The control calls about what the twins send: receivers, deliveries, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.webhooks import EVENT_TYPES, Manners
from ml_connector.twin.sending import check_address
from ml_connector.twin.switches import did_you_mean
from ml_connector.twin.wire import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ml_connector.twin.events import Events

    Call = Callable[[Mapping[str, Any]], Awaitable[Answer]]

_FORMS = ("", "business", "dataverse", "data")
# Generic subscriptions name an object type, which these lists do not; conversations are not in the twin.
_OFFERED = tuple(name for name in EVENT_TYPES if object_type(name.partition(".")[0]) is not None)

EVENT_CALLS: tuple[tuple[str, str, str], ...] = (
    ("GET", "webhooks", "the app's id, secret and developer key, target and subscriptions"),
    ("POST", "webhooks", "send HubSpot's webhooks to a url: url, secret?, types?, signature?, chances?"),
    ("DELETE", "webhooks", "forget target and subscriptions"),
    ("GET", "deliveries", "every attempt to deliver something, both sides in one; ?after=SEQ"),
    ("GET", "business-events", "F&O's endpoint and activated events"),
    ("POST", "business-events", "test an endpoint and send F&O's events to it: url, events"),
    ("DELETE", "business-events", "forget endpoint, events and errors"),
    ("GET", "business-events/errors", "events that could not be sent"),
    ("POST", "business-events/resend", "send a failed event once more: id"),
)


class EventCalls:
    """Answers these calls for one pair."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._calls: dict[str, Call] = {
            "GET webhooks": self._webhooks,
            "POST webhooks": self._aim,
            "DELETE webhooks": self._disarm,
            "GET deliveries": self._deliveries,
            "GET business-events": self._business,
            "POST business-events": self._activate,
            "DELETE business-events": self._deactivate,
            "GET business-events/errors": self._errors,
            "POST business-events/resend": self._resend,
        }

    def find(self, call: str) -> Call | None:
        """The call by method and path."""
        return self._calls.get(call)

    async def _webhooks(self, _order: Mapping[str, Any]) -> Answer:
        return json_answer(200, self._told())

    async def _aim(self, order: Mapping[str, Any]) -> Answer:
        app = self._events.app
        url = check_address(_text(order, "url"))
        types = [_event_type(one) for one in _list(order, "types", str)] or [(name, "") for name in _OFFERED]
        manners = Manners.of(app.portal.settings.values, order)
        app.clear()
        app.manners = manners
        app.secret = _text(order, "secret", app.secret)
        for event_type, name in types:
            app.subscribe(event_type, name, active=True)
        app.aim(url)
        return json_answer(201, self._told())

    async def _disarm(self, _order: Mapping[str, Any]) -> Answer:
        self._events.app.clear()
        return Answer(204)

    async def _deliveries(self, order: Mapping[str, Any]) -> Answer:
        after = _text(order, "after", "0")
        if not (after.isascii() and after.isdigit()):
            raise ValueError(f"after must be a whole number, not {after!r}")
        attempts = self._events.outbox.attempts
        return json_answer(200, [one.as_json() for one in attempts if one.seq > int(after)])

    async def _business(self, _order: Mapping[str, Any]) -> Answer:
        business = self._events.business
        events = [
            {"id": one.id, "set": one.view.name, "legal_entity": one.company, "form": one.form}
            for one in business.activations
        ]
        return json_answer(200, {"url": business.url, "events": events})

    async def _activate(self, order: Mapping[str, Any]) -> Answer:
        business = self._events.business
        url = check_address(_text(order, "url"))
        activations = []
        for one in _list(order, "events", dict):
            form, fields = _text(one, "form", ""), one.get("fields", {})
            if form not in _FORMS:
                raise ValueError(f"an event's form is business, dataverse or data, not {form!r}")
            if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields.values()):
                raise ValueError("fields must be an object of property names")
            company = _text(one, "legal_entity", "")
            activations.append(
                business.activation(_text(one, "id"), _text(one, "set"), company, form, fields)
            )
        await self._events.endpoint(url, tuple(activations))
        return await self._business(order)

    async def _deactivate(self, _order: Mapping[str, Any]) -> Answer:
        self._events.business.clear()
        return Answer(204)

    async def _errors(self, _order: Mapping[str, Any]) -> Answer:
        rows = [
            {
                "id": failed.id,
                "at": failed.at,
                "event": failed.post.event_id,
                "control_number": failed.post.number,
                "url": failed.post.url,
                "error": failed.reason,
            }
            for failed in self._events.business.errors.values()
        ]
        return json_answer(200, rows)

    async def _resend(self, order: Mapping[str, Any]) -> Answer:
        self._events.resend(_text(order, "id"))
        return Answer(204)

    def _told(self) -> dict[str, Any]:
        app = self._events.app
        return {
            "app_id": app.id,
            "secret": app.secret,
            "developer_key": app.developer_key,
            "url": app.target.url if app.target else None,
            "signature": app.manners.signature,
            "types": [
                one.event_type + (f":{one.property_name}" if one.property_name else "")
                for one in app.subscriptions.values()
                if one.active
            ],
        }


def _event_type(text: str) -> tuple[str, str]:
    """Read ``deal.propertyChange`` or ``deal.propertyChange:dealstage``."""
    name, _, wanted = text.partition(":")
    if name not in _OFFERED:
        raise ValueError(f"HubSpot sends no {name!r} events here{did_you_mean(name, _OFFERED)}")
    return name, wanted


def _text(order: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = order.get(name, default)
    if not isinstance(value, str) or (not value and default is None):
        raise ValueError(f"{name} must be a text")
    return value


def _list(order: Mapping[str, Any], name: str, kind: type[Any]) -> list[Any]:
    value = order.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, kind) for one in value):
        raise ValueError(f"{name} must be a list of {'texts' if kind is str else 'objects'}")
    return value
