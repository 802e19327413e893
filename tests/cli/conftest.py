"""The command line as people meet it: in this process for speed, as a program of its own where it matters."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ml_connector.cli.main import answer

if TYPE_CHECKING:
    from tests.cli.cli_answers import check_schema
    from tests.cli.cli_live import SMALL, Twins, serving
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_answers import check_schema
    from cli_live import SMALL, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Said:
    """What one command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> Any:
        """The one object on standard output, checked against its schema."""
        assert self.out.count("\n") == 1, f"one object and nothing else: {self.out!r}"
        found = json.loads(self.out)
        check_schema(found)
        return found


class Ask(Protocol):
    def __call__(self, *words: str) -> Said: ...


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's settings reaches a test."""
    for name in list(os.environ):
        if name.startswith("MLC_") or name in {"NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where this test's connector lives; ``init`` makes it."""
    return tmp_path / "home"


@pytest.fixture
def ask(capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Ask]:
    """Run one command line in this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*words: str) -> Said:
        code = answer(list(words))
        out, err = capsysbinary.readouterr()
        return Said(code, out.decode(), err.decode())

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def ready(ask: Ask) -> Ask:
    """The same with a home that ``init`` has made."""
    said = ask("init", "--quiet")
    assert said.code == 0, said.err
    return ask


@pytest.fixture(scope="session")
def program() -> str:
    """The installed console script."""
    found = shutil.which("ml-connector", path=str(Path(sys.executable).parent))
    assert found, "the project is not installed: make setup"
    return found


@pytest.fixture
def run_program(program: str) -> Callable[..., Said]:
    """Run one command line as a process of its own."""

    def run(*words: str, **environment: str) -> Said:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, **environment},
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="module")
def shared_twins(program: str) -> Iterator[Twins]:
    """Twins for tests that only look at them."""
    with serving(program, *SMALL) as twins:
        yield twins


@pytest.fixture
def twins(program: str) -> Iterator[Twins]:
    """Twins of this test alone."""
    with serving(program, *SMALL) as alone:
        yield alone
