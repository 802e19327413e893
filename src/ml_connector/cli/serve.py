"""``serve``: run unattended."""

from __future__ import annotations

import signal
import sys
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.command import Reply, Terminal, command
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator


def register(app: typer.Typer) -> None:
    """Add ``serve``."""
    command(
        app,
        "serve",
        panel="Work",
        examples=("ml-connector serve", "ml-connector serve --port 8443 --verbose"),
    )(serve)


async def serve(
    terminal: Terminal,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Listen here instead of at MLC_HOST.")
    ] = "",
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", min=0, max=65_535, help="0: any free one."),
    ] = None,
    no_console: Annotated[bool, typer.Option("--no-console", help="Listen to nobody: poll only.")] = False,
    no_scheduler: Annotated[
        bool, typer.Option("--no-scheduler", help="Take events in and do no work.")
    ] = False,
) -> Reply | None:
    """Run unattended: poll on schedule, take events in, do what was asked for, until it is stopped."""
    import asyncio

    from ml_connector.app.service import serving
    from ml_connector.app.system import surroundings

    if no_console and no_scheduler:
        raise ConfigurationError("With neither there is nothing to serve.", code="usage.serve")
    chosen = {name: value for name, value in (("host", host or None), ("port", port)) if value is not None}
    settings = terminal.settings().model_copy(update=chosen)
    stop = asyncio.Event()
    async with AsyncExitStack() as opened:
        opened.enter_context(_stopped_by_signals(stop))
        service = await opened.enter_async_context(
            serving(settings, surroundings(), schedules=not no_scheduler)
        )
        url = ""
        if not no_console:
            from ml_connector.console.serving import listening

            url = await opened.enter_async_context(listening(service))
        at = f" at {url}" if url else ""
        terminal.say(f"Serving as {service.me.name}{at}. Ctrl-C stops it; what is under way ends first.")
        if terminal.json:
            terminal.give(Reply("serve/1", {"served_by": service.me.name, "url": url}, ()))
            sys.stdout.flush()
        await _first(stop, service.draining)
        terminal.say("Stopping: what is under way ends where it can go on.")
    if service.lost is not None:
        raise service.lost
    return None


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    import asyncio

    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


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
