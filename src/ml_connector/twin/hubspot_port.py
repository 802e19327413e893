"""What listens on the HubSpot port: the settings of an app's webhooks, and the portal itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot import webhook_routes

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.twin.hubspot import HubSpotMachine
    from ml_connector.twin.hubspot.webhook_routes import WebhookSettings
    from ml_connector.twin.wire import Answer, Request


class HubSpotPort:
    """Sends each request to the webhook settings or to the portal; ground truth is the portal's alone."""

    side = "hubspot"

    def __init__(self, machine: HubSpotMachine, settings: WebhookSettings) -> None:
        self._machine = machine
        self._settings = settings

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """A developer key opens the settings, a token the portal."""
        if webhook_routes.owns(request):
            return self._settings.admit(request)
        return self._machine.admit(request, now)

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one request."""
        if webhook_routes.owns(request):
            return self._settings.handle(request, now)
        return self._machine.handle(request, now)

    def counts(self) -> dict[str, int]:
        """Live records by object type."""
        return self._machine.counts()

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Live records of one object type in id order."""
        return self._machine.records(of, after=after, limit=limit)
