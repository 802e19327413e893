"""``demo``: the whole circle on simulated systems."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ml_connector.cli.command import Reply, Terminal, command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add ``demo``."""
    command(
        app,
        "demo",
        panel="Start",
        examples=("ml-connector demo", "ml-connector demo --json"),
    )(demo)


async def demo(terminal: Terminal) -> Reply:
    """Watch the whole circle on simulated systems: no account needed."""
    from ml_connector.app.demo import run_demo

    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if not terminal.json:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    code = await run_demo(say)
    return Reply("demo/1", {"story": said, "exit_code": code}, (), code)
