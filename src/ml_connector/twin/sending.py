"""Posts bytes over a real connection: what ``twin serve`` uses to reach receivers, http and https."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_CHUNK = 65_536


def check_address(url: str) -> str:
    """Return the address of a receiver when something can be posted to it.

    Raises:
        ValueError: It is not an http or https address with a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.fragment:
        raise ValueError(f"{url!r} is not an http or https address")
    return url


async def send(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """POST once on a connection of its own.

    Returns:
        The status of the answer.

    Raises:
        OSError: There is no connection, or it broke, or the other end does not speak HTTP.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    reader, writer = await asyncio.open_connection(host, port, ssl=_tls(parts.scheme, host))
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        writer.write(_request(target, parts.netloc.rpartition("@")[2], headers, body))
        await writer.drain()
        return await _status(reader)
    except (h11.RemoteProtocolError, h11.LocalProtocolError) as error:
        raise ConnectionError(str(error)) from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _tls(scheme: str, host: str) -> ssl.SSLContext | None:
    """A receiver on this machine may hold a certificate that nobody signed; any other must prove its name."""
    if scheme != "https":
        return None
    context = ssl.create_default_context()
    if host in _LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _request(target: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    http = h11.Connection(h11.CLIENT)
    named = [("Host", host), *headers.items(), ("Content-Length", str(len(body))), ("Connection", "close")]
    head = http.send(h11.Request(method="POST", target=target, headers=named)) or b""
    return head + (http.send(h11.Data(data=body)) or b"") + (http.send(h11.EndOfMessage()) or b"")


async def _status(reader: asyncio.StreamReader) -> int:
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    http.send(h11.EndOfMessage())
    while True:
        event = http.next_event()
        if isinstance(event, h11.Response):
            return int(event.status_code)
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(_CHUNK))
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionError("the connection was closed without an answer")
