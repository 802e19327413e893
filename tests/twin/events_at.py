"""A pair without sockets whose deliveries go to an invented receiver, on a clock that the test moves."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.twin.control import Control
from ml_connector.twin.options import TwinOptions
from ml_connector.twin.pair import Pair
from ml_connector.twin.wire import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOOK = "http://receiver.example/hooks?path=1"
SMALL = {"customers": 12, "products": 12, "deals": 4, "rep": False}


@dataclass
class Received:
    """One POST that reached the receiver."""

    at: datetime
    url: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Scene:
    """The pair, the receiver and the clock."""

    switches: dict[str, str] = field(default_factory=dict)
    now: datetime = START
    statuses: list[int] = field(default_factory=list)  # the receiver's next answers; then 200
    always: int = 200
    received: list[Received] = field(default_factory=list)
    pair: Pair = field(init=False)
    _shown: int = 0

    def __post_init__(self) -> None:
        ids = itertools.count(1)
        self.pair = Pair(
            TwinOptions(**SMALL, switches=self.switches),  # type: ignore[arg-type]  # a dict of options
            clock=lambda: self.now,
            rng=random.Random(1),  # noqa: S311  seeded on purpose
            new_id=lambda: f"id-{next(ids)}",
            dynamics_url=lambda: "http://fo.example",
            send=self.receive,
        )
        self.control = Control(self.pair)

    async def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.received.append(Received(self.now, url, headers, body))
        status = self.statuses.pop(0) if self.statuses else self.always
        if status == 0:
            raise ConnectionRefusedError("nobody listens")
        return status

    async def ask(self, call: str, order: dict[str, Any] | None = None) -> tuple[int, Any]:
        """One control call."""
        method, path = call.split()
        body = b"" if order is None else json.dumps(order).encode()
        answer = await self._on(method, f"/__twin__/{path}", body=body)
        return answer.status, json.loads(answer.body) if answer.body else None

    async def hubspot(self, call: str, order: Any = None, **headers: str) -> tuple[int, Any]:
        """One request to the HubSpot port, with the portal's token."""
        method, path = call.split()
        token = {"authorization": f"Bearer {self.pair.access.hubspot_token}"}
        body = b"" if order is None else json.dumps(order).encode()
        answer = await self._on(method, path, headers={**token, **headers}, body=body)
        return answer.status, json.loads(answer.body) if answer.body else None

    async def _on(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        serve = partial(self.control.serve, self.pair.shells["hubspot"])
        delivery = await serve(Request(method, path, headers or {}, body))
        assert delivery.answer is not None
        return delivery.answer

    async def quiet(self, until: timedelta = timedelta(days=2)) -> list[Received]:
        """Let time pass until nothing is left to send; returns what arrived since last asked."""
        end = self.now + until
        await self.pair.events.step()
        while (at := self.pair.events.outbox.next_at()) is not None and at <= end:
            self.now = max(self.now, at)
            await self.pair.events.step()
        fresh, self._shown = self.received[self._shown :], len(self.received)
        return fresh

    async def close(self) -> None:
        await self.pair.close()
