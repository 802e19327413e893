"""One request over the network and its answer, read strictly and to the end. No retries, no meaning."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from ml_connector.transport import strict_json
from ml_connector.transport.request import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.domain.clock import Clock

LARGEST_BODY = 32 * 1024 * 1024  # after decompression
_LONGEST_TEXT = 20_000
_CORRELATION = ("x-hubspot-correlation-id", "request-id", "x-ms-request-id", "x-ms-correlation-id")
_NOT_SENT = (httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_NAME_TROUBLE = ("resolved", "name or service", "getaddrinfo", "nodename", "name resolution")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``whole_s`` bounds one send with its answer; ``patience_s`` a pause the side asks for."""

    connect_s: float = 10.0
    read_s: float = 60.0
    pool_s: float = 10.0
    whole_s: float = 120.0
    patience_s: float = 120.0


class BrokenError(Exception):
    """No usable answer. ``sent`` tells whether the other side may have seen the call."""

    def __init__(self, why: str, code: str, *, sent: bool, again: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.sent = sent
        self.again = again


class Wire:
    """Connections to the network, or what stands in its place.

    Args:
        network: None opens real sockets at the first call.
        local: Real sockets may connect to private addresses.
    """

    def __init__(
        self, network: httpx2.AsyncBaseTransport | None, clock: Clock, timeouts: Timeouts, *, local: bool
    ) -> None:
        self._network = network
        self._clock = clock
        self._whole_s = timeouts.whole_s
        self._local = local
        self._extensions = {
            "timeout": {
                "connect": timeouts.connect_s,
                "read": timeouts.read_s,
                "write": timeouts.read_s,
                "pool": timeouts.pool_s,
            }
        }

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send one request and read its answer.

        Raises:
            BrokenError: There is no answer, or none that can be trusted.
        """
        network = self._opened()
        request = httpx2.Request(method, url, headers=headers, content=body, extensions=self._extensions)
        try:
            async with asyncio.timeout(self._whole_s):
                response = await network.handle_async_request(request)
                content = await _content(response)
        except TimeoutError as exc:
            raise BrokenError("the answer took too long", "transport.deadline", sent=True) from exc
        except httpx2.TransportError as exc:
            raise _broken(exc) from exc
        except httpx2.DecodingError as exc:
            raise BrokenError(
                "the answer could not be decompressed", "transport.malformed", sent=True
            ) from exc
        found = {name.lower(): value for name, value in response.headers.items()}
        correlation_id = next((found[name] for name in _CORRELATION if name in found), "")
        data = _data(response.status_code, found.get("content-type", "").lower(), content)
        return Reply(response.status_code, data, found, correlation_id[:200], self._clock.now())

    async def close(self) -> None:
        """Close the connections."""
        if self._network is not None:
            await self._network.aclose()

    def _opened(self) -> httpx2.AsyncBaseTransport:
        if self._network is None:
            from ml_connector.transport.network import Sockets

            self._network = Sockets(local=self._local)
        return self._network


async def _content(response: httpx2.Response) -> bytearray:
    """The whole body, decompressed in bounded pieces, refused once it grows beyond the cap."""
    body = bytearray()
    try:
        async with aclosing(response.aiter_bytes()) as stream:
            async for part in stream:
                body += part
                if len(body) > LARGEST_BODY:
                    raise BrokenError(
                        f"the answer is larger than {LARGEST_BODY // 2**20} MiB",
                        "transport.too_large",
                        sent=True,
                        again=False,
                    )
    finally:
        await response.aclose()
    return body


def _data(status: int, content_type: str, content: bytearray) -> Any:
    """Parsed JSON, or the beginning of a text; a success that is neither breaks the call."""
    if not content:
        return None
    success = httpx2.codes.is_success(status)
    if success and content_type.startswith("multipart/mixed"):
        return bytes(content)
    if "json" in content_type:
        try:
            return strict_json.loads(content)
        except strict_json.MalformedError as exc:
            if success:
                raise BrokenError(
                    f"the answer is not valid JSON: {exc}", "transport.malformed", sent=True
                ) from exc
    elif success and ("html" in content_type or content.lstrip()[:1] == b"<"):
        raise BrokenError("a web page came instead of data", "transport.html", sent=True)
    return content[:_LONGEST_TEXT].decode("utf-8", errors="replace")


def _broken(exc: httpx2.TransportError) -> BrokenError:
    """What broke, in words without addresses or headers."""
    if isinstance(exc, httpx2.ConnectError):
        text = str(exc).lower()
        if "certificate" in text or "ssl" in text or "tls" in text:
            return BrokenError("its certificate was not accepted", "transport.tls", sent=False)
        if any(words in text for words in _NAME_TROUBLE):
            return BrokenError("its name cannot be resolved", "transport.dns", sent=False)
        return BrokenError("it cannot be reached", "transport.unreachable", sent=False)
    if isinstance(exc, _NOT_SENT):
        return BrokenError("no connection could be made in time", "transport.unreachable", sent=False)
    if isinstance(exc, httpx2.TimeoutException):
        return BrokenError("it did not answer in time", "transport.timeout", sent=True)
    return BrokenError("the connection was lost", "transport.connection_lost", sent=True)
