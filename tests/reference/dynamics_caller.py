"""The F&O twin over the demo world, driven without sockets."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_connector.twin.dynamics import SWITCHES, DynamicsMachine
from ml_connector.twin.switches import resolve
from ml_connector.twin.wire import Answer, Request
from ml_connector.twin.world.build import build

NOW = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)
BASE = "https://contoso.operations.dynamics.com"


@dataclass(slots=True)
class Twin:
    """Sends requests as a client would."""

    machine: DynamicsMachine

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        return self.machine.handle(Request(method, path, {}, data), NOW)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


def start(**switches: str) -> Twin:
    """A fresh environment."""
    numbers = itertools.count(1)
    return Twin(
        DynamicsMachine(
            build(1, customers=24, products=30, deals=4),
            verify=lambda _header, _now: "client",
            rng=random.Random(1),  # noqa: S311 - repeatable on purpose
            new_id=lambda: f"id{next(numbers)}",
            base_url=lambda: BASE,
            switches=resolve(SWITCHES, switches),
            page_size=10_000,
            now=NOW,
        )
    )
