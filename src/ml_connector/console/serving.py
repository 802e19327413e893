"""The server beside the service: it listens until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ml_connector.app.intake import Intake
from ml_connector.console.server import create_app, create_server
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ml_connector.app.service import Service


@asynccontextmanager
async def listening(service: Service) -> AsyncIterator[str]:
    """Take events in and answer about health until the block is left; yields the address.

    Raises:
        ConfigurationError: it would listen to other machines without a proxy in front, or the address is taken.
    """
    settings = service.settings
    if not _is_loopback(settings.host) and not settings.trusted_proxies.strip():
        raise ConfigurationError(
            f"To listen on {settings.host} needs a proxy in front of it that speaks TLS.",
            code="serve.exposed",
            hint="Name its address in trusted_proxies (MLC_TRUSTED_PROXIES), or listen on 127.0.0.1.",
        )
    app = create_app(Intake(settings, service.store, service.vault, service.around), service)
    server = create_server(
        app, host=settings.host, port=settings.port, trusted_proxies=settings.trusted_proxies
    )
    door = _door(settings.host, settings.port)
    # serve() would take over the signals, which are the command's
    running = asyncio.create_task(server._serve(sockets=[door]))  # noqa: SLF001
    address, port = door.getsockname()[:2]
    try:
        yield f"http://{address}:{port}"
    finally:
        server.should_exit = True
        await asyncio.gather(running, return_exceptions=True)
        door.close()


def _door(host: str, port: int) -> socket.socket:
    """A socket that listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"It cannot listen on {host}, port {port}: {error.strerror}.",
            code="serve.address",
            hint="Choose another one: ml-connector serve --port 0 takes any free port.",
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
