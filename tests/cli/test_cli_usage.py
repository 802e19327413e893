"""Wrong words on the command line end in one sentence, with the nearest right word, and exit code 2."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ml_connector.cli import failures
from ml_connector.cli.terminal import _interruptible
from ml_connector.errors import (
    AccessError,
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    KeyRefusedError,
    MappingError,
    MissingReferenceError,
    MissingScopeError,
    RecordError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnavailableError,
    UncertainWriteError,
    WallError,
)
from ml_connector.telemetry import register_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ask, Said

# Starts a command on a terminal of its own, waits for its question, and presses Ctrl-C there; again when the
# first one fell into the moment before Python's input() waits.
AT_A_QUESTION = """
import os, pty, select, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b""
try:
    while True:
        if b"Address" in said and not select.select([terminal], [], [], 1)[0]:
            os.write(terminal, b"\\x03")
        said += os.read(terminal, 1000)
except OSError:
    pass  # how Linux reports that the other end was closed
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode())
"""
CODES: list[tuple[ConnectorError, int]] = [
    (ConfigurationError("x"), 2),
    (KeyRefusedError("x"), 2),
    (WallError("x"), 2),
    (AccessError("x"), 4),
    (CredentialsError("x"), 4),
    (MissingScopeError("x"), 4),
    (RetryableError("x"), 5),
    (ThrottledError("x", retry_after_s=1), 5),
    (UnavailableError("x"), 5),
    (ConnectorError("x"), 1),
    (UncertainWriteError("x"), 1),
    (RecordError("x"), 1),
    (MappingError("x", field="f"), 1),
    (MissingReferenceError("x"), 1),
    (RejectedError("x", status=400), 1),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda value: type(value).__name__)
def test_exit_codes_follow_the_error_tree(error: ConnectorError, code: int) -> None:
    """What happens next decides the exit code, for every class of error."""
    assert failures.exit_code(error) == code


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("sinc", "'sync'"),
        ("flows enabel", "'enable'"),
        ("deals aprove 1", "'approve'"),
        ("sync --jsn", "--json"),
        ("sync customrs", "'customers'"),
        ("flows list", ""),
        ("errors list --flow product", "'products'"),
        ("records show custmers/usmf:1", "'customers'"),
        ("ping dynamic", "'dynamics'"),
        ("connect hubspt", "'hubspot'"),
        ("deals list --state parkd", "'parked'"),
    ],
)
def test_the_nearest_word_is_named(ready: Ask, words: str, meant: str) -> None:
    """Did you mean: for commands, verbs, options, flows, sides and states."""
    said = ready(*words.split())
    if not meant:
        assert said.code == 0
        return
    assert said.code == 2
    assert said.out == ""
    assert "Did you mean" in said.err
    assert meant in said.err.splitlines()[0]


@pytest.mark.parametrize(
    "words",
    [
        "sync --color purple",
        "errors show seventeen",
        "errors list --limit 0",
        "records show",
        "records show nonsense",
        "records show deals/",
        "replay",
        "status too many words",
        "init --connection",
        "twin serve --customers many",
    ],
)
def test_bad_words_end_in_one_sentence(ready: Ask, words: str) -> None:
    """Whatever is wrong: exit 2, one sentence, where to look, and nothing on standard output."""
    said = ready(*words.split())
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.startswith("Error: ")
    assert len(said.err.splitlines()) <= 3


def test_an_option_before_the_command_is_explained(ask: Ask) -> None:
    """``ml-connector --json status`` says where the option belongs."""
    said = ask("--json", "status")
    assert said.code == 2
    assert "written after the command" in said.err


@pytest.mark.parametrize("words", ["sinc", "flows enabel", "sync customrs", "errors show 99"])
def test_with_json_a_failure_is_an_object_too(ready: Ask, words: str) -> None:
    """A program that asked for JSON always gets exactly one object, also when its words were wrong."""
    said = ready(*words.split(), "--json")
    assert said.code == 2
    assert said.object["schema"] == "error/1"
    assert said.object["exit_code"] == said.code
    assert said.object["error"]["message"] in said.err


def test_a_fault_of_ours_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody foresaw ends without a traceback, and says how to get one."""
    error = RuntimeError("the unexpected")
    failures.report_unexpected(RuntimeError, error, None)
    said = capsys.readouterr()
    assert said.err.startswith("Error: Something went wrong that should not: RuntimeError: the unexpected")
    assert "--debug" in said.err
    assert "Traceback" not in said.err


def test_secrets_are_masked_in_what_goes_wrong(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A secret of this process stays out of sentences, hints, objects and tracebacks."""
    register_secret("planted~secret/42")
    error = UnavailableError("planted~secret/42 was refused", hint="not planted~secret/42")
    failures.report(error, json=True, debug=True)
    out, err = capsysbinary.readouterr()
    assert b"Traceback" not in out
    assert b"planted" not in out + err
    assert "•••".encode() in err


def test_debug_shows_the_traceback(ready: Ask) -> None:
    """A traceback is shown to those who ask for it, and to nobody else."""
    assert "Traceback" in ready("ping", "--debug").err
    assert "Traceback" not in ready("ping").err


async def test_a_question_can_be_interrupted_at_once() -> None:
    """While a question blocks the loop, Ctrl-C does not wait for the loop: Python's own handler is in force."""
    before = signal.getsignal(signal.SIGINT)
    with _interruptible():
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupted_command_says_so(program: str, home: Path, run_program: Callable[..., Said]) -> None:
    """Ctrl-C ends with exit code 130 and says that what was done is stored."""
    assert run_program("init").code == 0
    done = subprocess.run(
        [sys.executable, "-c", AT_A_QUESTION, program, "connect", "dynamics"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split()[0] == str(signal.SIGINT + 128)
    assert "Interrupted" in done.stdout
