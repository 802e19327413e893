"""Help: every command explains itself at 80 columns, with two examples that work, without loading the product."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from ml_connector.cli import reference
from ml_connector.cli.command import COMMON
from ml_connector.cli.main import app
from ml_connector.twin.options import TwinOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Ask

ROOT = Path(__file__).parents[2]
LIGHT = {"ml_connector", "typer", "annotated_doc", "shellingham"}  # Typer and what it brings
LOADED = """
import json, sys
before = set(sys.modules)
import ml_connector.cli.main as main
try:
    code = main.answer([*sys.argv[1:], "--help"])
finally:
    names = {name.partition(".")[0] for name in set(sys.modules) - before}
    rooms = {name for name in sys.modules if name.startswith("ml_connector.")}
    print(json.dumps({"code": code, "names": sorted(names), "rooms": sorted(rooms)}))
"""


def tree() -> dict[str, Any]:
    """Every command by the words that call it."""

    def below(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        yield words, command
        for name, child in getattr(command, "commands", {}).items():
            yield from below(child, f"{words} {name}".strip())

    return dict(below(typer.main.get_command(app), ""))


COMMANDS = tree()
PROMISED = {
    "", "demo", "init", "connect", "ping", "doctor", "hubspot", "db",
    "db upgrade",
    "hubspot properties", "flows", "flows list",
    "flows enable", "flows disable", "flows schedule", "flows pause", "flows resume", "plan", "preview", "sync",
    "serve", "status", "records", "records find",
    "records show", "deals",
    "deals list", "deals show", "deals check", "deals approve", "deals decide",
    "deals sweep", "events", "events list", "events show", "events tail", "events endpoint",
    "errors", "errors list", "errors show", "replay", "runs",
    "runs list", "runs show", "runs release", "twin", "twin serve", "twin switches", "match", "match customers",
    "match contacts",
    "match products", "match review", "match undo", "mapping", "mapping validate", "mapping show",
}  # fmt: skip


def examples(help_text: str) -> list[str]:
    first, *lines = help_text.splitlines()
    assert first == "Examples:"
    return [line.strip() for line in lines[: lines.index("")]]


def test_the_tree_is_the_one_that_was_promised() -> None:
    """Scripts hang on these words: a command is added here on purpose, and never lost."""
    assert set(COMMANDS) == PROMISED


@pytest.mark.parametrize("words", sorted(PROMISED))
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_begins_with_two_examples_and_fits_80_columns(ask: Ask, words: str, flag: str) -> None:
    """``--help`` and ``-h`` of every command: two examples first, no line over 80 signs."""
    said = ask(*words.split(), flag)
    assert said.code == 0
    assert said.err == ""
    assert len(examples(said.out)) == 2
    assert [line for line in said.out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", sorted(PROMISED))
def test_examples_are_understood(ask: Ask, words: str) -> None:
    """An example is a command line that the program knows: its words and options exist."""
    for example in examples(ask(*words.split(), "--help").out):
        program, *rest = shlex.split(example)
        assert program == "ml-connector"
        said = ask(*rest, "--help")
        assert said.code == 0, said.err


@pytest.mark.parametrize(
    "words", sorted(words for words in PROMISED if not hasattr(COMMANDS[words], "commands"))
)
def test_every_command_takes_the_same_options(words: str) -> None:
    """``--json``, ``--connection``, ``--debug``, ``-q``, ``-v``, ``--no-input``, ``--color`` are everywhere."""
    flags = {flag for param in COMMANDS[words].params for flag in param.opts}
    assert {f"--{name.replace('_', '-')}" for name in COMMON} | {"-q", "-v"} <= flags


@pytest.mark.parametrize("words", ["", "sync", "deals show", "twin serve"])
def test_help_loads_only_the_command_line(words: str) -> None:
    """Help is quick because it loads neither a library beyond Typer nor any room below the command line."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words.split()], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded["code"] == 0
    assert set(loaded["names"]) - LIGHT <= set(sys.stdlib_module_names)
    assert "asyncio" not in loaded["names"]
    assert {room.split(".")[1] for room in loaded["rooms"]} == {"cli", "errors"}


def test_the_reference_page_is_what_the_program_says() -> None:
    """docs/reference/cli.md is written by ``python -m ml_connector.cli.reference``; write it again after a change."""
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert page == reference.page()


def test_the_twins_help_names_their_real_defaults(ask: Ask) -> None:
    """What stands in brackets behind an option of ``twin serve`` is what happens without it."""
    said = " ".join(ask("twin", "serve", "--help").out.split())
    real = TwinOptions()
    calls, seconds = real.hubspot_limit
    for default in (
        f"all legal entities ({real.customers})", f"all legal entities ({real.products})",
        f"another seed ({real.seed})", f"Contact persons ({real.contacts_per_customer})",
        f"Open deals ({real.deals})", f"on the deals ({'on' if real.rep else 'off'})", f"Dynamics ({real.page_size})",
        f"between ({','.join(real.legal_entities)})", f"a time ({calls}/{seconds:.0f}s)",
    ):  # fmt: skip
        assert default in said
    assert not real.latency_ms


def test_version(ask: Ask) -> None:
    """``--version`` names the program and its version."""
    assert ask("--version").out.startswith("ml-connector ")


@pytest.mark.parametrize("words", ["", "flows", "deals", "records", "errors", "runs", "hubspot", "twin"])
def test_a_noun_alone_shows_its_help_as_a_wrong_usage(ask: Ask, words: str) -> None:
    """Without a verb there is nothing to do: the help goes to standard error, the exit code is 2."""
    said = ask(*words.split())
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("Examples:")
