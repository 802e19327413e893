"""Where words go: answers to stdout, everything else to stderr; colours, widths, pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ml_connector.cli.progress import MILESTONE, figures, handled, progress
from ml_connector.cli.terminal import Reply, Table, Terminal
from ml_connector.cli.words import clean, listed, shown
from ml_connector.domain.records import Counters

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ask, Said


def test_json_is_the_only_thing_on_stdout(ready: Ask) -> None:
    """Messages and hints never mix with the object."""
    for words in (
        "status",
        "flows list",
        "errors list",
        "runs list",
        "deals list",
        "doctor",
        "init",
        "records find x",
    ):
        said = ready(*words.split(), "--json")
        assert said.code == 0
        assert said.object["schema"].replace(".", " ").startswith(words.removesuffix(" x"))
        assert said.err == ""


def test_people_read_a_verdict_first(ready: Ask) -> None:
    """The first line answers the question in one sentence."""
    assert ready("status").out.splitlines()[0] == "Dynamics and HubSpot are not connected yet."
    assert ready("errors", "list").out == "Nothing is parked.\n"
    assert ready("doctor").out.splitlines()[0] == "This machine is set up as it must be."


def test_no_line_ends_in_blanks_and_none_is_wider_than_the_terminal(ready: Ask) -> None:
    """Tables stay inside 80 columns and leave nothing behind them."""
    for words in ("status", "flows list", "doctor"):
        lines = ready(*words.split()).out.splitlines()
        assert [line for line in lines if line != line.rstrip() or len(line) > 80] == []


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ("status", {}, True),
        ("status", {"NO_COLOR": "1"}, False),
        ("status --color never", {}, False),
        ("status --color always", {"NO_COLOR": "1"}, True),
        ("sinc", {}, False),
        ("--help", {}, False),
    ],
)
def test_colours_on_a_terminal(
    ready: Ask, program: str, words: str, environment: dict[str, str], *, coloured: bool
) -> None:
    """A terminal gets colours unless NO_COLOR is set or they were refused; ``always`` overrules NO_COLOR."""
    script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    done = subprocess.run(
        [sys.executable, "-c", script, program, *words.split()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    assert (b"\x1b[" in done.stdout) is coloured, done.stdout


def test_a_pipe_gets_no_colours_unless_asked(ready: Ask) -> None:
    """Escape signs in a file are noise; ``--color always`` is for pagers."""
    assert "\x1b" not in ready("status").out
    assert "\x1b[" in ready("status", "--color", "always").out


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
@pytest.mark.parametrize("words", ["status", "status --json", "--help"])
def test_a_reader_that_goes_away_is_no_reason_for_a_traceback(
    run_program: Callable[..., Said], program: str, words: str
) -> None:
    """``ml-connector ... | head -0`` ends quietly."""
    assert run_program("init").code == 0
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [program, *words.split()], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
        )
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 1)


def test_quiet_keeps_the_answer(ready: Ask) -> None:
    """``-q`` silences messages, not the answer and not errors."""
    assert ready("status", "-q").out
    assert ready("sync", "-q").err.startswith("Error: No flow is on")


def test_text_from_elsewhere_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that holds escape signs is shown, not obeyed; square brackets are not markup."""
    assert clean("a\x1b[2Jb\x07") == "a\\x1b[2Jb\\x07"
    Terminal().give(Reply("x/1", {}, ("[red]verdict[/red]", Table(("name",), [("\x1b[31mEvil [bold]Ltd",)]))))
    assert capsys.readouterr().out == "[red]verdict[/red]\nname\n\\x1b[31mEvil [bold]Ltd\n"


def test_without_a_terminal_progress_is_a_line_per_milestone(capsys: pytest.CaptureFixture[str]) -> None:
    """A log gets a line when a flow begins and one every few thousand records, never a moving bar."""
    with progress(Terminal(), {}, lambda: 0.0) as watch:
        for done in range(0, MILESTONE * 2, 1000):
            watch("customers", Counters(read=MILESTONE * 2, unchanged=done))
        watch("products", Counters())
    said = ["customers: reading", "customers: 5,000 of 10,000 read", "products: reading"]
    assert capsys.readouterr().err.splitlines() == said


def test_progress_counts_what_is_done_and_at_which_rate() -> None:
    """A bar tells records with an outcome, of how many, how fast, with how many calls."""
    counters = Counters(
        read=500, created=100, updated=50, unchanged=40, held=3, waiting=2, parked=4, skipped=1
    )
    assert handled(counters) == 200
    assert figures(200, 500, 2.0, 7) == "200 of 500 · 100/s · 7 calls"
    assert figures(0, 500, 2.0, 0) == "0 of 500"


def test_cells() -> None:
    """Figures have separators, nothing is empty, yes and no are words."""
    assert [shown(value) for value in (1234567, None, True, False, 0.25)] == [
        "1,234,567",
        "",
        "yes",
        "no",
        "0.2",
    ]
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"


def test_nobody_is_asked_without_a_terminal(ready: Ask, run_program: Callable[..., Said]) -> None:
    """Without a terminal, or with --no-input, a question becomes a sentence with the way out, and exit code 2."""
    for words in (("sync", "orders"), ("connect", "hubspot"), ("sync", "orders", "--no-input")):
        said = run_program(*words)
        assert said.code == 2
        assert said.err.startswith("Error: ")
        assert "--yes" in said.err or "--from-env" in said.err
