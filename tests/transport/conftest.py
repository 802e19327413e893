"""A loopback server that answers from a script, a transport that calls it, and a loop whose time is virtual."""

from __future__ import annotations

import asyncio
import heapq
import random
import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.domain.clock import Surroundings
from ml_connector.errors import ConnectorError, CredentialsError, RejectedError
from ml_connector.transport.auth import StaticToken
from ml_connector.transport.budget import MemoryLedger
from ml_connector.transport.http import Transport
from ml_connector.transport.judge import Again, Final, Judge, Reauthenticate, Verdict
from ml_connector.transport.retry import RetryPolicy
from ml_connector.transport.wall import Rule, Wall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from ml_connector.transport.request import Reply, Request

TOKEN = "pat-na1-canary-4711"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What to answer: ``cut`` closes after so many bytes of the body, ``endless`` never stops sending."""

    status: int = 200
    body: bytes = b'{"ok":true}'
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"
    cut: int | None = None
    silent: bool = False
    endless: bytes = b""
    drip_s: float = 0.0


class Loopback:
    """Answers in the order of its script, then with the last answer for ever."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: deque[Answer] = deque()
        self.answer = Answer()
        self.url = ""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Seen(method, target, headers, body))
        answer = self.script.popleft() if self.script else self.answer
        if answer.silent:
            return False
        await self._send(writer, answer)
        return answer.cut is None and not answer.endless

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        lines = {"content-type": answer.content_type, **answer.headers}
        if answer.endless:
            lines["connection"] = "close"
        else:
            lines["content-length"] = str(len(answer.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{head}\r\n".encode())
        if answer.drip_s:
            for place in range(len(answer.body)):
                writer.write(answer.body[place : place + 1])
                await writer.drain()
                await asyncio.sleep(answer.drip_s)
            return
        writer.write(answer.body if answer.cut is None else answer.body[: answer.cut])
        await writer.drain()
        while answer.endless:
            writer.write(answer.endless)
            await writer.drain()


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    server = Loopback()
    await server.start()
    yield server
    await server.stop()


class SystemClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - real sockets run in real time

    def elapsed_s(self) -> float:
        return time.monotonic()


def real_time() -> Surroundings:
    chance = random.Random(7)  # noqa: S311 - repeatable on purpose
    return Surroundings(SystemClock(), chance, lambda: "id", chance.randbytes)


def plain_verdict(status: int, _headers: Mapping[str, str], _data: Any) -> Verdict:
    if status == 401:
        return Reauthenticate()
    if status == 429:
        return Again(reason="too many calls", throttled=True, pause=True)
    return Again(reason=f"status {status}") if status >= 500 else Final()


def plain_fault(reply: Reply, _request: Request) -> ConnectorError:
    if reply.status == 401:
        return CredentialsError("refused")
    return RejectedError(f"status {reply.status}", status=reply.status, correlation_id=reply.correlation_id)


WALL = Wall(
    "plain",
    reads=(
        Rule("GET", re.compile(r"/things(?:/[a-z0-9]+)?"), "things"),
        Rule("POST", re.compile(r"/tenant/oauth2/v2\.0/token"), "token"),
    ),
    writes=(
        Rule("POST", re.compile("/things"), "things"),
        Rule("PATCH", re.compile("/things/[0-9]+"), "things"),
    ),
)
QUICK = RetryPolicy(first_s=0.01, cap_s=0.05)


@pytest.fixture
def quickly() -> RetryPolicy:
    return QUICK


@pytest.fixture
async def connect(loopback: Loopback) -> AsyncIterator[Callable[..., Transport]]:
    """Makes transports to the loopback server; keywords replace the defaults."""
    made: list[Transport] = []

    def build(**changed: Any) -> Transport:
        around = changed.pop("around", None) or real_time()
        options: dict[str, Any] = {
            "side": "plain",
            "base_url": loopback.url,
            "wall": WALL,
            "credentials": StaticToken(TOKEN),
            "judge": Judge(plain_verdict, plain_fault),
            "budget": MemoryLedger(around),
            "around": around,
            "retries": QUICK,
        }
        made.append(Transport(**{**options, **changed}))
        return made[-1]

    yield build
    for transport in made:
        await transport.close()


class VirtualLoop(asyncio.BaseEventLoop):
    """Time jumps to the next timer; threads are refused."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._selector = self
        self._scheduled: list[asyncio.TimerHandle]

    def time(self) -> float:
        return self._now_s

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is ready and nothing is scheduled")
        if timeout > 0:
            self._now_s = heapq.nsmallest(1, self._scheduled)[0].when()
        return []

    def _process_events(self, event_list: Any) -> None: ...

    def _write_to_self(self) -> None:
        raise RuntimeError("a thread woke the loop")

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override]  # refuses whatever it is given
        raise RuntimeError("a thread was asked for")

    def call_soon_threadsafe(self, *_: Any, **__: Any) -> Any:  # type: ignore[override]  # the same
        raise RuntimeError("a thread was used")


@dataclass
class VirtualClock:
    loop: VirtualLoop

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_772_452_800 + self.loop.time(), UTC)

    def elapsed_s(self) -> float:
        return self.loop.time()


@pytest.fixture
def virtually() -> Callable[[Callable[[Surroundings], Coroutine[Any, Any, Any]]], Any]:
    """Runs a coroutine function on a fresh virtual loop, with surroundings of that loop."""

    def run(main: Callable[[Surroundings], Coroutine[Any, Any, Any]]) -> Any:
        loop = VirtualLoop()
        chance = random.Random(11)  # noqa: S311 - repeatable on purpose
        around = Surroundings(VirtualClock(loop), chance, lambda: "id", chance.randbytes)
        try:
            return loop.run_until_complete(main(around))
        finally:
            loop.close()

    return run
