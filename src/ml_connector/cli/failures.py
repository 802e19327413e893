"""From an error to a sentence, the next command and an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from ml_connector.cli.terminal import write_json
from ml_connector.cli.words import one_line
from ml_connector.errors import AccessError, ConfigurationError, ConnectorError, RetryableError

if TYPE_CHECKING:
    from types import TracebackType

FAILED, USAGE, PARKED, ACCESS, UNREACHABLE, SERVED, PLANNED, INTERRUPTED = 1, 2, 3, 4, 5, 6, 10, 130
TURN = {
    ACCESS: "Whose turn: whoever administers that system.",
    UNREACHABLE: "Whose turn: nobody's. Try again later; what was done is stored.",
}


def exit_code(error: ConnectorError) -> int:
    """The exit code of an error, by what happens next."""
    if error.code == "serve.refused":
        return SERVED
    if isinstance(error, ConfigurationError):
        return USAGE
    if isinstance(error, AccessError):
        return ACCESS
    if isinstance(error, RetryableError):
        return UNREACHABLE
    return FAILED


def report(error: ConnectorError, *, json: bool, debug: bool) -> int:
    """Say what happened and what helps; the exit code."""
    if debug:
        _print_trace(error)
    code = exit_code(error)
    tell(error.message, hint=error.hint, code=code, error_code=error.code, json=json)
    return code


def tell(message: str, *, hint: str, code: int, error_code: str, json: bool) -> None:
    """The sentence on stderr, and for programs the one object on stdout."""
    from ml_connector.telemetry import redact

    message, hint = redact(message), redact(hint)
    words = [
        message if code == INTERRUPTED else f"Error: {message}",
        *(["  " + hint] if hint else []),
        *(["  " + TURN[code]] if code in TURN else []),
    ]
    sys.stderr.write("".join(f"{one_line(line)}\n" for line in words))
    if json:
        error: dict[str, Any] = {"code": error_code, "message": message, "hint": hint}
        write_json({"schema": "error/1", "error": error, "exit_code": code})


def report_unexpected(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """The last resort of the interpreter (``sys.excepthook``): a fault of ours, in one sentence."""
    arguments = sys.argv[1:]
    if "--debug" in arguments:
        _print_trace(error)
    tell(
        f"Something went wrong that should not: {kind.__name__}: {error}",
        hint="Run it again with --debug and report what it prints.",
        code=FAILED,
        error_code="connector.unexpected",
        json="--json" in arguments,
    )


def _print_trace(error: BaseException) -> None:
    """The traceback, secrets masked."""
    from ml_connector.telemetry import redact

    sys.stderr.write(redact("".join(traceback.format_exception(error))))
