"""The HTTP server: keep-alive, many clients, odd requests, clean ends."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2

from ml_connector.twin.server import TwinServer
from ml_connector.twin.shell import Delivery
from ml_connector.twin.wire import Answer, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.twin.conftest import Port


async def raw(port: Port, sent: bytes) -> bytes:
    """Send bytes and read to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port.server.url.rsplit(":", 1)[1]))
    writer.write(sent)
    async with asyncio.timeout(5):
        received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


@asynccontextmanager
async def served(
    application: Callable[[Request], Awaitable[Delivery]], *, compress: bool = False
) -> AsyncIterator[httpx2.AsyncClient]:
    """A server around a plain function, and a client for it."""
    server = TwinServer(application, compress=compress)
    await server.start()
    async with httpx2.AsyncClient(base_url=server.url) as client:
        yield client
    await server.close()


async def test_a_connection_is_kept_for_the_next_request(port: Port) -> None:
    await port.client.get("/things")
    assert len(port.server.connections) == 1
    await port.client.post("/things", json={})
    assert len(port.server.connections) == 1


async def test_requests_of_many_clients_are_answered_side_by_side(port: Port) -> None:
    port.fault(fault="late-commit", seconds=0.2, times=0)
    loop = asyncio.get_running_loop()
    started = loop.time()
    answers = await asyncio.gather(*(port.client.post("/things", json={}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert loop.time() - started < 2


async def test_pipelined_requests_are_answered_in_order(port: Port) -> None:
    one = b"POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    last = b"GET /things HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = await raw(port, one + one + last)
    assert [received.index(text) for text in (b'"stored":1', b'"stored":2', b'"records":2')] == sorted(
        received.index(text) for text in (b'"stored":1', b'"stored":2', b'"records":2')
    )


async def test_what_is_not_http_is_refused_and_the_port_lives_on(port: Port) -> None:
    received = await raw(port, b"hello there\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")
    assert (await port.client.get("/things")).status_code == 200


async def test_a_large_body_arrives_and_leaves_unharmed(port: Port) -> None:
    body = bytes(range(256)) * 20_000
    await port.client.post("/things", content=body)
    assert port.machine.stored[0] == body
    port.machine.answer_size = 5_000_000
    assert len((await port.client.get("/things")).json()["filler"]) == 5_000_000


async def test_a_chunked_body_is_put_together(port: Port) -> None:
    chunked = b"POST /things HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    await raw(port, chunked + b"2\r\n{}\r\n3\r\n   \r\n0\r\n\r\n")
    assert port.machine.stored == [b"{}   "]


async def test_a_client_that_asks_first_is_told_to_go_on(port: Port) -> None:
    asking = b"POST /things HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port.server.url.rsplit(":", 1)[1]))
    writer.write(asking + b"Content-Length: 2\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
    writer.write(b"{}")
    assert b"201 Created" in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_headers_arrive_in_lower_case_and_the_target_as_sent(port: Port) -> None:
    await port.client.get("/a%20b?x=1&x=2", headers={"X-Thing": "1"})
    request = port.machine.handled[0]
    assert request.headers["x-thing"] == "1"
    assert (request.target, request.path) == ("/a%20b?x=1&x=2", "/a b")
    assert request.query == [("x", "1"), ("x", "2")]


async def test_a_204_has_no_body_and_no_length() -> None:
    async def application(request: Request) -> Delivery:
        return Delivery(Answer(204, b"", {"ETag": "x"}))

    async with served(application) as client:
        for _ in range(2):  # the connection must survive it
            answer = await client.request("PATCH", "/thing", content=b"{}")
            assert (answer.status_code, answer.content) == (204, b"")
            assert "content-length" not in answer.headers


async def test_gzip_only_for_those_who_accept_it_when_switched_on() -> None:
    async def application(request: Request) -> Delivery:
        return Delivery(Answer(200, b"a" * 5000, {}))

    async with served(application, compress=True) as client:
        plain = await client.get("/", headers={"Accept-Encoding": "identity"})
        packed = await client.get("/", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) == len(gzip.compress(b"a" * 5000, 1, mtime=0))
        assert packed.content == plain.content


async def test_a_failing_application_breaks_the_connection_and_is_reported() -> None:
    reports: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context["message"]))

    async def application(request: Request) -> Delivery:
        raise ZeroDivisionError

    async with served(application) as client:
        try:
            await client.get("/")
        except httpx2.ReadError:
            reports.append("reset")
    assert sorted(reports) == ["a twin failed to answer", "reset"]


async def test_closing_leaves_no_connection_and_frees_the_port(port: Port) -> None:
    port.fault(fault="late-commit", seconds=30)
    waiting = asyncio.ensure_future(port.client.post("/things"))
    await asyncio.wait_for(port.arrived.wait(), 5)
    await port.server.close()
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], httpx2.HTTPError)
    again = TwinServer(port.shell.handle, port=int(port.server.url.rsplit(":", 1)[1]))
    await again.start()
    await again.close()
