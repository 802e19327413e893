"""The settings API of an app's webhooks, in its three versions, opened with a developer API key.

Facts: https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.evidence import Endpoint
from ml_connector.twin.hubspot.calls import answer
from ml_connector.twin.hubspot.errors import ApiError, invalid_input, missing_scopes, unauthenticated
from ml_connector.twin.hubspot.webhooks import DEFAULT_CONCURRENCY, EVENT_TYPES, MOST_SUBSCRIPTIONS
from ml_connector.twin.sending import check_address
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ml_connector.twin.evidence import Evidence
    from ml_connector.twin.hubspot.webhooks import App, Subscription, Target
    from ml_connector.twin.wire import Request

PREFIXES = {
    ("webhooks", "v3"): "v3",
    ("webhooks", "2026-03"): "2026-03",
    ("app-webhooks", "2026-09"): "2026-09",
}
LEAST_CONCURRENCY = 6  # the number must exceed five
_APP = 3  # segments before what is asked of the app

_CALLS = (
    ("GET", "settings", "read the target address and the concurrency"),
    ("PUT", "settings", "set the target address and the concurrency"),
    ("DELETE", "settings", "remove the target, which stops all deliveries"),
    ("GET", "subscriptions", "list the app's subscriptions"),
    ("POST", "subscriptions", "subscribe to one kind of event"),
    ("POST", "subscriptions/batch/update", "start or pause several subscriptions"),
    ("GET", "subscriptions/{subscriptionId}", "read one subscription"),
    ("PATCH", "subscriptions/{subscriptionId}", "start or pause one subscription"),
    ("DELETE", "subscriptions/{subscriptionId}", "remove one subscription"),
)
_SPECIFIED: Evidence = "S"
ENDPOINTS: tuple[Endpoint, ...] = tuple(
    Endpoint("hubspot", method, f"/{area}/{version}/{{appId}}/{path}", does, _SPECIFIED)
    for area, version in PREFIXES
    for method, path, does in _CALLS
)


def owns(request: Request) -> bool:
    """Whether a request is for the webhook settings."""
    return tuple(request.raw_path.strip("/").split("/")[:2]) in PREFIXES


class WebhookSettings:
    """Answers the settings API of one app."""

    def __init__(self, app: App, new_id: Callable[[], str]) -> None:
        self._app = app
        self._new_id = new_id

    def admit(self, request: Request) -> Answer | None:
        """Let in whoever holds the developer key of the app."""
        if request.param("hapikey") == self._app.developer_key:
            return None
        dated = request.raw_path.startswith("/app-webhooks")
        if request.headers.get("authorization") and not dated:
            way = "read" if request.method == "GET" else "write"
            return self._refused(missing_scopes((f"developers-{way}", f"private-apps-{way}")), request)
        return self._refused(unauthenticated(), request)

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one admitted request."""
        self._app.portal.arrive(now)
        parts = request.path.strip("/").split("/")
        try:
            return self._route(request, PREFIXES[parts[0], parts[1]], parts[2:])
        except ApiError as refused:
            return self._refused(refused, request)

    def _route(self, request: Request, version: str, parts: list[str]) -> Answer:
        if not parts or parts[0] != str(self._app.id):
            raise ApiError(404, "resource not found", None)
        match request.method, *parts[1:]:
            case [method, "settings"]:
                return self._settings(request, method)
            case ["GET", "subscriptions"]:
                listed = [_subscription(one) for one in self._app.subscriptions.values()]
                return answer(200, {"results": listed})
            case ["POST", "subscriptions"]:
                return self._create(request, version)
            case ["POST", "subscriptions", "batch", "update"]:
                return self._update(request, version)
            case [method, "subscriptions", subscription_id]:
                return self._one(request, method, subscription_id)
        raise ApiError(404, "resource not found", None)

    def _settings(self, request: Request, method: str) -> Answer:
        if method == "PUT":
            return self._set(request)
        target = self._target()
        if method == "GET":
            return answer(200, _target(target))
        if method != "DELETE":
            raise ApiError(405, "Method Not Allowed", None)
        self._app.drop_target()
        return Answer(204, written=self._written("settings"))

    def _set(self, request: Request) -> Answer:
        body = _object(request)
        throttling = body.get("throttling")
        most = throttling.get("maxConcurrentRequests") if isinstance(throttling, dict) else None
        if not isinstance(most, int) or isinstance(most, bool):
            raise invalid_input("throttling.maxConcurrentRequests must be a number")
        if most < LEAST_CONCURRENCY:
            raise invalid_input("throttling.maxConcurrentRequests must be greater than 5")
        try:
            url = check_address(str(body.get("targetUrl", "")))
        except ValueError as wrong:
            raise invalid_input(f"targetUrl: {wrong}") from None
        return answer(200, _target(self._app.aim(url, most)), self._written("settings"))

    def _create(self, request: Request, version: str) -> Answer:
        body = _object(request)
        event_type, name = body.get("eventType"), str(body.get("propertyName") or "")
        kind, active = str(body.get("objectTypeId") or ""), body.get("active")
        if event_type not in EVENT_TYPES:
            raise invalid_input(f"eventType is not valid: {event_type}")
        if active is None and version == "v3":
            active = False
        if not isinstance(active, bool):
            raise invalid_input("active must be true or false")
        if event_type.endswith(".propertyChange") != bool(name):
            raise invalid_input("propertyName belongs to propertyChange subscriptions, and to no others")
        if event_type.startswith("object.") != bool(kind):
            raise invalid_input("objectTypeId belongs to object subscriptions, and to no others")
        if len(self._app.subscriptions) >= MOST_SUBSCRIPTIONS:
            raise invalid_input(f"An app can have {MOST_SUBSCRIPTIONS} subscriptions at most")
        wanted = (event_type, name, kind)
        for known in self._app.subscriptions.values():
            if (known.event_type, known.property_name, known.object_type_id) == wanted:
                raise invalid_input(f"Subscription already exists. Existing ID: {known.id}")
        made = self._app.subscribe(*wanted, active=active)
        return answer(201, _subscription(made), self._written(str(made.id)))

    def _one(self, request: Request, method: str, subscription_id: str) -> Answer:
        found = self._find(subscription_id)
        if method == "GET":
            return answer(200, _subscription(found))
        if method == "DELETE":
            self._app.unsubscribe(found.id)
            return Answer(204, written=self._written(subscription_id))
        if method != "PATCH":
            raise ApiError(405, "Method Not Allowed", None)
        active = _object(request).get("active", found.active)
        if not isinstance(active, bool):
            raise invalid_input("active must be true or false")
        changed = self._app.switch(found, active=active)
        return answer(200, _subscription(changed), self._written(subscription_id))

    def _update(self, request: Request, version: str) -> Answer:
        inputs = _object(request).get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise invalid_input("inputs must be a list of objects")
        results, errors = [], []
        for one in inputs:
            active = one.get("active")
            if not isinstance(active, bool):
                raise invalid_input("active must be true or false")
            try:
                changed = self._app.switch(self._find(str(one.get("id"))), active=active)
            except ApiError as refused:
                errors.append(refused.entry())
            else:
                results.append(_subscription(changed))
        now = self._app.portal.now
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        status = 207 if errors and version != "2026-09" else 200
        return answer(status, body, self._written(*(one["id"] for one in results)))

    def _target(self) -> Target:
        if self._app.target is None:
            raise ApiError(404, "resource not found", None)
        return self._app.target

    def _find(self, subscription_id: str) -> Subscription:
        known = subscription_id.isascii() and subscription_id.isdigit()
        found = self._app.subscriptions.get(int(subscription_id)) if known else None
        if found is None:
            raise ApiError(404, f"No subscription with id {subscription_id}", "OBJECT_NOT_FOUND")
        return found

    def _written(self, *keys: str) -> Written:
        return Written(tuple(f"webhooks:{key}" for key in keys), committed=bool(keys))

    def _refused(self, refused: ApiError, request: Request) -> Answer:
        written = None if request.method == "GET" else Written((), committed=False)
        return answer(refused.status, refused.body(self._new_id()), written)


def _object(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise invalid_input("Invalid input JSON") from None
    if not isinstance(body, dict):
        raise invalid_input("Invalid input JSON: an object is expected")
    return body


def _target(target: Target) -> dict[str, Any]:
    return {
        "targetUrl": target.url,
        "throttling": {"maxConcurrentRequests": target.concurrency or DEFAULT_CONCURRENCY},
        "createdAt": target.created_at,
        "updatedAt": target.updated_at,
    }


def _subscription(one: Subscription) -> dict[str, Any]:
    printed: dict[str, Any] = {
        "id": str(one.id),
        "eventType": one.event_type,
        "active": one.active,
        "createdAt": one.created_at,
    }
    optional = {
        "propertyName": one.property_name,
        "objectTypeId": one.object_type_id,
        "updatedAt": one.updated_at,
    }
    return printed | {name: value for name, value in optional.items() if value}
