"""Starts a pair of twins on two ports of this machine."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.twin.control import Control
from ml_connector.twin.options import TwinOptions
from ml_connector.twin.pair import Pair
from ml_connector.twin.sending import send
from ml_connector.twin.server import TwinServer
from ml_connector.twin.tls import https_of_our_own

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

__all__ = ["RunningTwins", "TwinOptions", "running_twins"]

REP_SECONDS = 1.0  # between two things the rep does by itself


@dataclass(frozen=True, slots=True)
class RunningTwins:
    """Twins that are being served."""

    pair: Pair
    dynamics_url: str
    hubspot_url: str
    ca_file: str | None = None
    certificate_file: str | None = None

    def announcement(self) -> dict[str, Any]:
        """What ``twin serve`` prints: everything a client needs."""
        access = self.pair.access
        return {
            "schema": "twin/1",
            "dynamics_url": self.dynamics_url,
            "authority": self.dynamics_url,
            "tenant": access.entra.tenant,
            "client_id": access.entra.client_id,
            "client_secret": access.entra.client_secret,
            "hubspot_url": self.hubspot_url,
            "hubspot_token": access.hubspot_token,
            "hubspot_client_id": access.hubspot_app.client_id,
            "hubspot_client_secret": access.hubspot_app.client_secret,
            "hubspot_refresh_token": access.hubspot_app.refresh_token,
            "portal_id": access.portal_id,
            "ca_file": self.ca_file,
            "certificate_file": self.certificate_file,
        }


@asynccontextmanager
async def running_twins(
    options: TwinOptions,
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
    new_id: Callable[[], str],
) -> AsyncIterator[RunningTwins]:
    """Serve both twins until the block is left.

    Raises:
        ValueError: A port is not free, or a file cannot be written.
    """
    servers: dict[str, TwinServer] = {}
    pair = Pair(
        options,
        clock=clock,
        rng=rng,
        new_id=new_id,
        dynamics_url=lambda: servers["dynamics"].url,
        send=send,
    )
    control = Control(pair)
    ports = {"dynamics": options.dynamics_port, "hubspot": options.hubspot_port}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(pair.close)
        https = stack.enter_context(https_of_our_own(clock())) if options.tls else None
        certificate_file = None
        if options.certificate_file:
            certificate_file = _write_private(options.certificate_file, pair.make_certificate().pem)
        for side, port in ports.items():
            application = partial(control.serve, pair.shells[side])
            server = TwinServer(application, port=port, tls=https.context if https else None)
            await _start(server, port)
            stack.push_async_callback(server.close)
            servers[side] = server
        if options.rep:
            stack.push_async_callback(_stop, asyncio.create_task(_sell(pair), name="rep"))
        yield RunningTwins(
            pair,
            servers["dynamics"].url,
            servers["hubspot"].url,
            ca_file=https.ca_file if https else None,
            certificate_file=certificate_file,
        )


async def _start(server: TwinServer, port: int) -> None:
    try:
        await server.start()
    except OSError as error:
        raise ValueError(
            f"port {port} cannot be used ({error.strerror}): choose another one, or 0"
        ) from error


def _write_private(name: str, text: str) -> str:
    """Write a file for its owner's eyes only; returns its full path."""
    path = Path(name).absolute()
    try:
        path.unlink(missing_ok=True)  # a file that is there keeps its permissions
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror})") from error
    return str(path)


async def _sell(pair: Pair) -> None:
    """Let the rep do one thing every few seconds."""
    while True:
        await asyncio.sleep(REP_SECONDS)
        pair.act(1)


async def _stop(task: asyncio.Task[None]) -> None:
    """End the rep; what made it fail earlier is raised now."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
