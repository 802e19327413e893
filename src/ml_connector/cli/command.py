"""How a function becomes a command: its examples, the options every command has, its answer and its exit code."""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.failures import INTERRUPTED, report, tell
from ml_connector.cli.help import EVERYWHERE, NO_HELP_OF_TYPER, Command, Noun, show_help_of
from ml_connector.cli.terminal import Color, Reply, Table, Terminal
from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from ml_connector.app.workplace import Workplace

    Work = Callable[..., Coroutine[Any, Any, Reply | None]]

__all__ = ["Reply", "Table", "Terminal", "command", "noun", "workplace"]


def _common(*names: str, default: object, help: str, **more: Any) -> tuple[Any, object]:  # noqa: A002 - Typer's word
    return typer.Option(*names, help=help, rich_help_panel=EVERYWHERE, show_default=False, **more), default


COMMON: dict[str, tuple[type[Any], tuple[Any, object]]] = {
    "connection": (
        str,
        _common(
            "--connection", default="", metavar="NAME", help="The connection to work on (MLC_CONNECTION)."
        ),
    ),
    "json": (bool, _common("--json", default=False, help="Answer with one JSON object on standard output.")),
    "quiet": (
        bool,
        _common("--quiet", "-q", default=False, help="No messages and no progress, only the answer."),
    ),
    "verbose": (bool, _common("--verbose", "-v", default=False, help="Log what happens, on standard error.")),
    "debug": (
        bool,
        _common("--debug", default=False, help="Log every call; a traceback when something fails."),
    ),
    "no_input": (bool, _common("--no-input", default=False, help="Never ask a question.")),
    "color": (
        Color,  # type: ignore[dict-item]  # a Literal is what Typer makes choices of
        _common(
            "--color", default="auto", metavar="WHEN", help="Colours: auto, always or never (also NO_COLOR)."
        ),
    ),
}


def noun(app: typer.Typer, name: str, *, panel: str, about: str, examples: tuple[str, str]) -> typer.Typer:
    """A word that commands are put under."""
    group = typer.Typer(
        name=name,
        cls=Noun,
        help=about,
        epilog="\n".join(examples),
        rich_markup_mode=None,
        callback=show_help_of,
        invoke_without_command=True,
        context_settings=NO_HELP_OF_TYPER,
    )
    app.add_typer(group, rich_help_panel=panel)
    return group


def command(
    app: typer.Typer, name: str, *, examples: tuple[str, str], panel: str | None = None, hidden: bool = False
) -> Callable[[Work], Work]:
    """Register an async function ``work(terminal, ...) -> Reply``; its docstring is the help.

    A function that prints its answer by itself gives None. A hidden command is another word for one that is shown.
    """

    def register(work: Work) -> Work:
        @functools.wraps(work)
        def run(**given: Any) -> int:
            terminal = Terminal(**{option: given.pop(option) for option in COMMON})
            return _execute(terminal, lambda: work(terminal, **given))

        run.__signature__ = _signature(work)  # type: ignore[attr-defined]  # what inspect.signature looks at
        run.__annotations__ = {}
        app.command(
            name,
            cls=Command,
            epilog="\n".join(examples),
            rich_help_panel=panel,
            hidden=hidden,
            context_settings={"help_option_names": ["--help", "-h"]},
        )(run)
        return work

    return register


def _signature(work: Work) -> inspect.Signature:
    """The parameters of the function without its terminal, and those of every command."""
    own = list(inspect.signature(work, eval_str=True).parameters.values())[1:]
    common = [
        inspect.Parameter(
            option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
        )
        for option, (kind, (info, default)) in COMMON.items()
    ]
    return inspect.Signature([param.replace(kind=inspect.Parameter.KEYWORD_ONLY) for param in own] + common)


def _execute(terminal: Terminal, work: Callable[[], Coroutine[Any, Any, Reply | None]]) -> int:
    """Do the work, print the answer; an error ends in a sentence."""
    from ml_connector.telemetry import setup_logging

    level = "DEBUG" if terminal.debug else "INFO" if terminal.verbose else "WARNING"
    setup_logging(level, json=not sys.stderr.isatty())
    try:
        reply = run_async(work)
    except ConnectorError as error:
        return report(error, json=terminal.json, debug=terminal.debug)
    except (KeyboardInterrupt, typer.Abort):
        words = "Interrupted. What was done is stored; the same command goes on from there."
        tell(words, hint="", code=INTERRUPTED, error_code="usage.interrupted", json=terminal.json)
        return INTERRUPTED
    if reply is None:
        return 0
    terminal.give(reply)
    return reply.code


def run_async(work: Callable[[], Coroutine[Any, Any, Reply | None]]) -> Reply | None:
    """Run on an event loop of its own; on Windows the one that PostgreSQL's driver can use."""
    import asyncio

    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work())


@asynccontextmanager
async def workplace(terminal: Terminal) -> AsyncIterator[Workplace]:
    """The opened connection this command works on."""
    from ml_connector.app.system import surroundings
    from ml_connector.app.workplace import open_workplace

    async with open_workplace(terminal.settings(), surroundings(), started_by=who()) as place:
        yield place


def who() -> str:
    """Who sits at this command line, for the audit."""
    import getpass

    try:
        return f"{getpass.getuser()} on the command line"
    except (OSError, KeyError):  # a container's user need not have a name
        return "command line"
