"""What both twins send by themselves: HubSpot's webhooks and F&O's events, through one outbox."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ml_connector.twin.deliveries import Outbox, Post, Postman, is_good
from ml_connector.twin.dynamics.business_events import LANES, BusinessEvents
from ml_connector.twin.hubspot.webhooks import DEFAULT_CONCURRENCY, App

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.deliveries import Send
    from ml_connector.twin.dynamics import DynamicsMachine
    from ml_connector.twin.dynamics.business_events import Activation
    from ml_connector.twin.hubspot import HubSpotMachine


async def no_way_out(_url: str, _headers: Mapping[str, str], _body: bytes) -> int:
    """The sender of a pair that was given none."""
    raise ConnectionRefusedError("nothing carries deliveries here")


class Events:
    """Senders of both sides. Nothing leaves before a receiver is registered.

    Args:
        send: Carries one POST to a receiver.
        clock: Tells the time.
    """

    def __init__(self, *, send: Send, clock: Callable[[], datetime]) -> None:
        self.outbox = Outbox({"dynamics": LANES, "hubspot": DEFAULT_CONCURRENCY})
        self.postman = Postman(self.outbox, collect=self._collect, send=send, clock=clock)
        self._clock = clock

    def attach(
        self, dynamics: DynamicsMachine, hubspot: HubSpotMachine, rng: random.Random, *, secret: str
    ) -> None:
        """Stand beside two new machines; receivers and deliveries of the former ones are forgotten.

        ``secret`` is the app's own: what signs its webhooks and gets its OAuth tokens is one secret.
        """
        self.outbox.clear()
        key = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        self.app = App(hubspot.portal, self.outbox, rng, secret=secret, developer_key=key)
        self.business = BusinessEvents(dynamics.environment, self.outbox, rng)
        hubspot.portal.happenings.journal.wake = self.postman.wake
        dynamics.environment.store.journal.wake = self.postman.wake

    async def endpoint(self, url: str, activations: tuple[Activation, ...]) -> None:
        """Set up F&O's endpoint: the test event first, then the events.

        Raises:
            ValueError: The test event was not taken.
        """
        now = self._clock()
        letter = self.business.test_post(url, now)
        post = Post(letter, 0, now, *letter.write(0, now))
        status, reason = await self.postman.ask(post)
        good = is_good(status)
        self.outbox.note(post, status, "delivered" if good else "given up")
        if not good:
            raise ValueError(f"Unable to send test event to endpoint. Exception message: {reason}")
        self.business.activate(url, activations)

    def resend(self, error_id: str) -> None:
        """Send an event from F&O's errors once more; LookupError when there is no such error."""
        self.business.resend(error_id, self._clock())
        self.postman.wake()

    async def step(self) -> None:
        """Send what is due now and wait for the answers: for callers without a running loop of deliveries."""
        await self.postman.step()

    async def close(self) -> None:
        """Stop at once."""
        await self.postman.close()

    def _collect(self, now: datetime) -> None:
        self.app.collect(now)
        self.business.collect(now)
