"""A thin HTTP/1.1 server: turns bytes into requests, deliveries into bytes or into broken connections.

It knows nothing of systems, faults or latency; the application it is given decides everything.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import sys
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import h11

from ml_connector.twin.shell import Delivery, Manner
from ml_connector.twin.wire import Answer, Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"  # a twin is never offered to a network
MAX_HEAD = 64 * 1024
MIN_GZIP = 1024
SLOW_PIECES = 20
# on: yes, linger: 0 seconds; closing such a socket sends a reset instead of an orderly end
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_NO_BODY = frozenset({204, 304})


class TwinServer:
    """One port. Use ``start`` and ``close``; ``url`` is known once started.

    Args:
        application: Answers one request; cancelled when its client goes away.
        port: 0 takes any free one.
        compress: Whether to gzip answers over 1 KB for clients that accept it.
        tls: Certificate and key for https; None serves plain http.
    """

    def __init__(
        self,
        application: Callable[[Request], Awaitable[Delivery]],
        *,
        port: int = 0,
        compress: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.application = application
        self.compress = compress
        self.connections: set[_Connection] = set()
        self._port = port
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), HOST, self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{HOST}:{self._port}"

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        working = [connection.shut() for connection in list(self.connections)]
        await asyncio.gather(*(task for task in working if task), return_exceptions=True)
        await self._server.wait_closed()
        self._server = None


class _Connection(asyncio.Protocol):
    """One client's connection: one request at a time, kept alive between them."""

    def __init__(self, server: TwinServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()
        self._server.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def shut(self) -> asyncio.Task[None] | None:
        """Drop the connection and return what was still at work on it."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
        return self._task

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    def _read(self) -> None:
        """Collect events until a request is whole; the next one waits until this one is answered."""
        try:
            while self._task is None:
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._request = event
                    self._expect()
                elif isinstance(event, h11.Data):
                    self._body.append(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self._begin()
                else:
                    return  # more bytes are needed
        except h11.RemoteProtocolError as error:
            self._refuse(error)

    def _expect(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            self._transport.write(
                self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
            )

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """What was sent is not HTTP."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            answer = Answer(error.error_status_hint, str(error).encode(), {"Connection": "close"})
            self._transport.write((self._http.send(_response(answer)) or b"") + answer.body)
        self._transport.close()

    def _begin(self) -> None:
        assert self._request is not None
        request = _request(self._request, self._body)
        self._request, self._body = None, []
        self._task = asyncio.get_running_loop().create_task(self._answer(request))
        self._task.add_done_callback(self._ended)

    async def _answer(self, request: Request) -> None:
        delivery = await self._server.application(request)
        if delivery.answer is None:
            self._reset()
        elif delivery.manner is Manner.TRUNCATED:
            self._truncate(delivery.answer)
        else:
            await self._send(request, self._compressed(request, delivery.answer), delivery)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Go on with the next request of this connection, if it lives."""
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            context = {"message": "a twin failed to answer", "exception": error}
            task.get_loop().call_exception_handler(context)
            self._reset()
        elif self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._read()
        else:
            self._transport.close()

    async def _send(self, request: Request, answer: Answer, delivery: Delivery) -> None:
        head = self._http.send(_response(answer)) or b""
        if not answer.body or answer.status in _NO_BODY or request.method == "HEAD":
            self._transport.write(head)
        elif delivery.manner is Manner.SLOW:
            self._transport.write(head)
            await self._drip(answer.body, delivery.seconds)
        else:
            self._write(head, answer.body)
            await self._writable.wait()
        self._http.send(h11.EndOfMessage())

    def _write(self, head: bytes, body: bytes) -> None:
        """Send head and body in one piece when the body is small, else without copying it."""
        pieces = self._http.send_with_data_passthrough(h11.Data(data=body)) or []
        if len(body) <= MAX_HEAD:
            self._transport.write(b"".join((head, *pieces)))
            return
        self._transport.write(head)
        for piece in pieces:
            self._transport.write(piece)

    async def _drip(self, body: bytes, seconds: float) -> None:
        """Pace the bytes over the seconds."""
        size = max(1, -(-len(body) // SLOW_PIECES))
        starts = range(0, len(body), size)
        for start in starts:
            await asyncio.sleep(seconds / len(starts))
            self._transport.write(self._http.send(h11.Data(data=body[start : start + size])) or b"")

    def _truncate(self, answer: Answer) -> None:
        """Announce the whole body, send half of it and close."""
        head = self._http.send(_response(answer)) or b""
        self._transport.write(head + answer.body[: len(answer.body) // 2])
        self._transport.close()

    def _reset(self) -> None:
        """Break the connection as a crashed peer or a firewall does."""
        channel = self._transport.get_extra_info("socket")
        if channel is not None:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    def _compressed(self, request: Request, answer: Answer) -> Answer:
        accepted = "gzip" in request.headers.get("accept-encoding", "")
        if not (self._server.compress and accepted and len(answer.body) > MIN_GZIP):
            return answer
        headers = answer.headers | {"Content-Encoding": "gzip"}
        return replace(answer, body=gzip.compress(answer.body, compresslevel=1, mtime=0), headers=headers)


def _request(event: h11.Request, body: list[bytes]) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in event.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(event.method.decode("ascii"), event.target.decode("latin-1"), headers, b"".join(body))


def _response(answer: Answer) -> h11.Response:
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() != "content-length"]
    if answer.status not in _NO_BODY:
        headers.append(("Content-Length", str(len(answer.body))))
    return h11.Response(status_code=answer.status, headers=headers, reason=_REASONS.get(answer.status, b""))
