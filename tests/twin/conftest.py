"""A tiny machine inside the real shell and the real server, for the promises that hold for every machine."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector.twin.faults import parse_fault
from ml_connector.twin.server import TwinServer
from ml_connector.twin.shell import TwinShell
from ml_connector.twin.wire import Answer, Request, Written, json_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class TinyMachine:
    """Stores what is POSTed under its path; refuses what carries no token."""

    side: str = "hubspot"
    stored: list[bytes] = field(default_factory=list)
    handled: list[Request] = field(default_factory=list)
    answer_size: int = 0
    committed: asyncio.Event = field(default_factory=asyncio.Event)

    def admit(self, request: Request, _now: datetime) -> Answer | None:
        return Answer(429, b"{}", throttled=True) if "busy" in request.headers else None

    def handle(self, request: Request, _now: datetime) -> Answer:
        self.handled.append(request)
        if request.method == "GET":
            return json_answer(200, {"records": len(self.stored), "filler": "x" * self.answer_size})
        if "refuse" in request.headers:
            return json_answer(400, {}, written=Written((request.path,), committed=False))
        self.stored.append(request.body)
        self.committed.set()
        return json_answer(
            201, {"stored": len(self.stored)}, written=Written((request.path,), committed=True)
        )

    def counts(self) -> dict[str, int]:
        return {"things": len(self.stored)}

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        assert of == "things"
        rows = [{"id": str(number)} for number in range(len(self.stored))]
        start = int(after) + 1 if after else 0
        chosen = rows[start : start + limit]
        return chosen, chosen[-1]["id"] if start + limit < len(rows) else None


@dataclass
class Port:
    """A served tiny machine and a client that talks to it."""

    machine: TinyMachine
    shell: TwinShell
    server: TwinServer
    client: httpx2.AsyncClient
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def fault(self, **order: Any) -> str:
        return self.shell.faults.add(parse_fault(order))


def shell_of(machine: TinyMachine, latency_s: float = 0.0) -> TwinShell:
    ids = itertools.count(1)
    return TwinShell(
        machine,
        clock=lambda: START,
        rng=random.Random(7),  # noqa: S311  seeded on purpose
        new_id=lambda: f"id-{next(ids)}",
        latency_s=latency_s,
    )


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    machine = TinyMachine()
    shell = shell_of(machine)
    server = TwinServer(shell.handle)
    await server.start()
    async with httpx2.AsyncClient(base_url=server.url, timeout=5) as client:
        port = Port(machine, shell, server, client)
        shell.on_request.append(lambda *_: port.arrived.set())
        yield port
    await server.close()
    await shell.close()


@pytest.fixture
def tiny_machine() -> TinyMachine:
    return TinyMachine()
