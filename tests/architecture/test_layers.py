"""The house keeps its walls: imports point down, one door to the environment, nothing of any one machine."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ml_connector"

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/")
# In pieces, so that this file passes its own test.
HOSTS = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("docker", "io"))
REGISTRY_HOST = re.compile("|".join(r"\.".join(parts) for parts in HOSTS))
HEAVY = {"httpx2", "sqlalchemy", "alembic", "psycopg", "aiosqlite", "fastapi", "uvicorn", "dbos"}
HELP = """
import json, sys
sys.argv = ["ml-connector", "--help"]
from ml_connector.cli.main import run
try:
    run()
except SystemExit as stop:
    code = stop.code
else:
    code = 0
print(json.dumps({"code": code or 0, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def kept_files() -> list[Path]:
    """What the repository holds or is about to hold: tracked files, and new ones that are not ignored."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs the git repository")
    listing = subprocess.run(
        [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def reads_environment(tree: ast.AST) -> bool:
    names = {"environ", "environb", "getenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os" and names & {a.name for a in node.names}:
            return True
    return False


def test_imports_point_down() -> None:
    """Every contract in pyproject.toml holds: layers, siblings, one way out, one room with SQL."""
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert linter, "import-linter is part of the dev set: make setup"
    report = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert report.returncode == 0, report.stdout + report.stderr


def test_every_room_has_its_place() -> None:
    """A new or renamed room cannot stand outside the walls: the layers name every room but the twin."""
    rooms = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or any(path.glob("**/*.py"))}
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in linter["contracts"] if contract["id"] == "layers")
    placed = {room.strip(" ()") for layer in layers for room in re.split(r"[|:]", layer)}
    assert rooms - {"__init__", "__main__"} - placed == {"twin"}


def test_only_settings_reads_the_environment() -> None:
    """Where a value comes from is decided in one file, so that it can be explained in one sentence."""
    readers = [
        path.relative_to(SOURCE).as_posix()
        for path in modules()
        if reads_environment(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    ]
    assert [path for path in readers if path != "settings.py"] == []


@pytest.mark.parametrize("words", [MACHINE_PATH, REGISTRY_HOST], ids=["machine paths", "registry hosts"])
def test_no_file_names_a_machine_or_a_registry(words: re.Pattern[str]) -> None:
    """The repository stands on any machine, and installs from whatever registry that machine is set to."""
    found = []
    for path in kept_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in words.finditer(text)]
    assert found == []


def test_help_loads_nothing_heavy() -> None:
    """``ml-connector --help`` answers without importing the network, the database or the web."""
    answer = subprocess.run(
        [sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    outcome = json.loads(answer.stdout.splitlines()[-1])
    assert outcome["code"] == 0
    assert HEAVY & set(outcome["modules"]) == set()
