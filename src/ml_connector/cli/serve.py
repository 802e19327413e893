"""``serve``: run unattended."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml_connector.cli.command import Reply, Terminal, command

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    import typer


def register(app: typer.Typer) -> None:
    """Add ``serve``."""
    command(
        app,
        "serve",
        panel="Work",
        examples=("ml-connector serve", "ml-connector serve --verbose"),
    )(serve)


async def serve(terminal: Terminal) -> Reply | None:
    """Run unattended: poll on schedule, do what was asked for, until it is stopped."""
    import asyncio

    from ml_connector.app.service import serving
    from ml_connector.app.system import surroundings

    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        async with serving(terminal.settings(), surroundings()) as service:
            terminal.say(f"Serving as {service.me.name}. Ctrl-C stops it; what is under way ends first.")
            await stop.wait()
            terminal.say("Stopping: what is under way ends where it can go on.")
    return None


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set the event; a second one ends the process at once, which loses nothing."""
    import asyncio

    loop = asyncio.get_running_loop()

    def told(_number: int, _frame: object) -> None:
        if stop.is_set():
            sys.exit(130)
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
