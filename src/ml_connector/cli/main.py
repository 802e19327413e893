"""The program ``ml-connector``: every command registered, every way to fail ended in a sentence."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from ml_connector import __version__
from ml_connector.cli import (
    connect,
    db,
    deals,
    demo,
    doctor,
    errors,
    events,
    flows,
    hubspot,
    init,
    mapping,
    match,
    ping,
    plan,
    records,
    replay,
    runs,
    serve,
    status,
    sync,
    twin,
)
from ml_connector.cli.command import COMMON
from ml_connector.cli.failures import FAILED, INTERRUPTED, report_unexpected, tell
from ml_connector.cli.help import NO_HELP_OF_TYPER, HelpFlag, Noun, show_help_of

app = typer.Typer(
    name="ml-connector",
    cls=Noun,
    help="Keep Dynamics 365 Finance & Operations and HubSpot in step: customers and products out, won deals back as "
    "sales orders.",
    epilog="ml-connector demo\nml-connector sync customers --yes",
    rich_markup_mode=None,
    add_completion=False,
    context_settings=NO_HELP_OF_TYPER,
)

EVERYWHERE_FLAGS = {f"--{option.replace('_', '-')}" for option in COMMON} | {"-q", "-v"}

for module in (
    demo, init, connect, ping, doctor, flows, match, plan, sync, serve, deals, status, records, errors, events, runs,
    replay, mapping, hubspot, db, twin
):  # fmt: skip
    module.register(app)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    help_asked: HelpFlag = False,  # noqa: ARG001 - answered by its callback
) -> None:
    if version:
        typer.echo(f"ml-connector {__version__}")
        raise typer.Exit
    show_help_of(context)


def run() -> None:
    """The console script."""
    # a pass holds pages of records that are no garbage: looking through them again and again costs a fifth of it;
    # so rarely costs nothing more and lets little garbage gather
    gc.set_threshold(20_000, 20, 100)
    sys.excepthook = report_unexpected
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a legacy console cannot show every sign: it must not be a reason to fail
            stream.reconfigure(errors="replace")
    sys.exit(_closing(sys.argv[1:]))


def _closing(arguments: list[str]) -> int:
    """Run, flush, and take it calmly when the reader of a pipe has gone (``ml-connector runs list | head -1``)."""
    try:
        code = answer(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def answer(arguments: list[str]) -> int:
    """Run one command line; the exit code."""
    json = "--json" in arguments
    program = typer.main.get_command(app)
    try:
        code = program.main(arguments, prog_name="ml-connector", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f"See: {context.command_path} --help" if context is not None else ""
        tell(_sentence(error), hint=hint, code=error.exit_code, error_code="usage.arguments", json=json)
        return error.exit_code
    except typer.Abort:
        tell("Interrupted.", hint="", code=INTERRUPTED, error_code="usage.interrupted", json=json)
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _sentence(error: typer.TyperException) -> str:
    """What was not understood, with the nearest words."""
    text = error.format_message()
    option = getattr(error, "option_name", "")
    if option in EVERYWHERE_FLAGS:
        return f"{option} is written after the command: ml-connector COMMAND {option}."
    near = getattr(error, "possibilities", None)
    if near:
        text = f"{getattr(error, 'message', text).rstrip('.')}. Did you mean {' or '.join(sorted(near))}?"
    return text
