"""Real sockets. In a simulation another ``AsyncBaseTransport`` stands in this place.

Names are resolved here and the checked address itself is connected to, so that a name cannot point elsewhere
between check and use.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from ml_connector.errors import ConfigurationError
from ml_connector.transport.address import is_public

if TYPE_CHECKING:
    from collections.abc import Iterable


class PublicAddresses(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses only."""

    def __init__(self) -> None:
        self._sockets = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check and connect; addresses are tried in the resolver's order.

        Raises:
            ConfigurationError: The name points into a private network.
        """
        addresses = await self._resolve(host, port, timeout)
        failure: httpcore2.ConnectError | httpcore2.ConnectTimeout | None = None
        for address in addresses:
            if not is_public(address):
                raise ConfigurationError(
                    f"The name {host} points to {address}, which is not on the internet; nothing was sent.",
                    code="configuration.address",
                    hint="Check the name server of this machine.",
                )
        for address in addresses:
            try:
                return await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def _resolve(self, host: str, port: int, timeout_s: float | None) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as exc:
            raise httpcore2.ConnectError(f"the name {host} cannot be resolved") from exc
        except TimeoutError as exc:
            raise httpcore2.ConnectTimeout(f"the name {host} was not resolved in time") from exc
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def sleep(self, seconds: float) -> None:
        """Wait; the loop controls it."""
        await asyncio.sleep(seconds)


class Sockets(httpx2.AsyncHTTPTransport):
    """Connections kept open between calls. Certificates are always checked; there is no switch for that."""

    def __init__(self, *, local: bool, connections: int = 72) -> None:
        # http to this machine needs no certificates, and reading the authorities' takes as long as ten calls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if local else httpx2.create_ssl_context()
        super().__init__(verify=context)
        # httpx2 has no parameter for the backend; a test fails should this attribute ever be renamed.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=20.0,
            network_backend=None if local else PublicAddresses(),
        )
