"""The outbox and the real sender: lanes, timeouts, broken connections."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.twin.events_at import Scene

from ml_connector.twin.control import CONTROL_CALLS
from ml_connector.twin.deliveries import Outbox, Postman
from ml_connector.twin.launch import TwinOptions, running_twins
from ml_connector.twin.sending import check_address, send
from ml_connector.twin.server import TwinServer
from ml_connector.twin.shell import RESET, Delivery
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.wire import Request

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Note:
    """A letter that is tried twice."""

    side: str = "dynamics"
    url: str = "http://receiver.example/"
    timeout_s: float = 10.0
    given_up: list[str] = field(default_factory=list)

    def write(self, attempt: int, _now: datetime) -> tuple[dict[str, str], bytes]:
        return {"Content-Type": "application/json"}, b"%d" % attempt

    def wait(self, attempt: int, _now: datetime) -> timedelta | None:
        return timedelta(seconds=1) if attempt < 1 else None

    def give_up(self, reason: str, _now: datetime) -> None:
        self.given_up.append(reason)


def test_a_side_sends_no_more_at_once_than_it_has_lanes() -> None:
    outbox = Outbox({"dynamics": 2})
    for _letter in range(3):
        outbox.put(Note(), NOW)
    outbox.put(Note(side="hubspot"), NOW)
    first = outbox.due(NOW)
    assert [post.letter.side for post in first] == ["dynamics", "dynamics", "hubspot"]
    assert (outbox.due(NOW), outbox.next_at()) == ([], None)
    outbox.settle(first[0], 200, "", NOW)
    assert outbox.next_at() == NOW
    assert len(outbox.due(NOW)) == 1


def test_an_answer_after_everything_was_forgotten_schedules_nothing() -> None:
    outbox = Outbox({})
    outbox.put(Note(), NOW)
    (post,) = outbox.due(NOW)
    outbox.clear()
    outbox.settle(post, 500, "", NOW)
    assert (outbox.next_at(), list(outbox.attempts)) == (None, [])


async def test_a_receiver_that_never_answers_costs_the_timeout_and_a_retry() -> None:
    async def hang(_url: str, _headers: Mapping[str, str], _body: bytes) -> int:
        await asyncio.Event().wait()
        return 200

    outbox, letter = Outbox({}), Note(timeout_s=0.0)
    postman = Postman(outbox, collect=lambda _now: None, send=hang, clock=lambda: NOW)
    outbox.put(letter, NOW, attempt=1)
    await postman.step()
    assert "timed out" in letter.given_up[0]
    assert [attempt.status for attempt in outbox.attempts] == [0]


@dataclass
class Receiver:
    """A real server that keeps what it is sent."""

    delivery: Delivery = field(default_factory=lambda: Delivery(Answer(204)))
    requests: list[Request] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Delivery:
        self.requests.append(request)
        self.arrived.set()
        return self.delivery


async def test_the_sender_posts_the_very_bytes_to_the_very_address() -> None:
    receiver = Receiver()
    server = TwinServer(receiver.take)
    await server.start()
    status = await send(f"{server.url}/a%20b?c=%2F", {"X-Mark": "1"}, b'{"d":1}')
    await server.close()
    (request,) = receiver.requests
    assert status == 204
    assert (request.method, request.target, request.body) == ("POST", "/a%20b?c=%2F", b'{"d":1}')
    assert request.headers["x-mark"] == "1"
    assert f"http://{request.headers['host']}" == server.url


async def test_a_broken_connection_is_an_os_error() -> None:
    server = TwinServer(Receiver(delivery=RESET).take)
    await server.start()
    with pytest.raises(OSError, match=r".+"):
        await send(server.url, {}, b"{}")
    await server.close()
    with pytest.raises(OSError, match=r".+"):
        await send(server.url, {}, b"{}")


@pytest.mark.parametrize("url", ["", "receiver", "ftp://a/", "http:///x", "http://a/#b"])
def test_only_web_addresses_are_receivers(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https address"):
        check_address(url)


async def test_served_twins_reach_a_real_receiver() -> None:
    receiver = Receiver()
    server = TwinServer(receiver.take)
    await server.start()
    seconds, ids = itertools.count(), itertools.count(1)
    async with (
        running_twins(
            TwinOptions(customers=2, products=2, deals=1, rep=False),
            clock=lambda: NOW + timedelta(milliseconds=next(seconds)),
            rng=random.Random(1),  # noqa: S311  seeded on purpose
            new_id=lambda: f"id-{next(ids)}",
        ) as twins,
        httpx2.AsyncClient(base_url=twins.hubspot_url) as client,
    ):
        order = {"url": f"{server.url}/hooks", "types": ["company.creation"], "delay_ms": 0}
        assert (await client.post("/__twin__/webhooks", json=order)).status_code == 201
        bearer = {"Authorization": f"Bearer {twins.pair.access.hubspot_token}"}
        company = {"properties": {"name": "Adler"}}
        await client.post("/crm/v3/objects/companies", json=company, headers=bearer)
        await asyncio.wait_for(receiver.arrived.wait(), 5)
    await server.close()
    assert b'"subscriptionType":"company.creation"' in receiver.requests[0].body


async def test_the_list_of_control_calls_is_what_an_unknown_call_is_told() -> None:
    scene = Scene()
    status, told = await scene.ask("GET nonsense")
    assert status == 404
    assert all(f"{method} {path}" in told["error"] for method, path, _does in CONTROL_CALLS)
    for method, path, _does in CONTROL_CALLS:
        _status, answer = await scene.ask(f"{method} {path.replace('ID', '1')}", {})
        assert "there is no control call" not in str(answer)
    await scene.close()
