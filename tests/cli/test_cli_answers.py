"""Answers for programs: every command has a schema, every schema a command, and none says more than it means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer

from ml_connector.cli.main import app

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "json"
FILES = sorted(FOLDER.glob("*.json"))
SYNC_FIGURES = {
    "read", "created", "updated", "unchanged", "held", "waiting", "parked", "skipped",
    "requests", "throttled", "seconds",
}  # fmt: skip


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def commands(command: Any, words: str = "") -> list[str]:
    below = getattr(command, "commands", None)
    if below is None:
        return [words]
    shown = {name: child for name, child in below.items() if not child.hidden}
    return [path for name, child in shown.items() for path in commands(child, f"{words}.{name}".strip("."))]


def test_every_command_has_a_schema_and_every_schema_a_command() -> None:
    """``sync/1`` is described by json/sync.json, ``records.show/1`` by json/records.show.json, and so on."""
    answers = set(commands(typer.main.get_command(app))) - {"twin.serve"} | {"twin", "error"}
    assert {path.stem for path in FILES} == answers


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_schemas_are_valid_and_name_themselves(path: Path) -> None:
    """A schema follows JSON Schema 2020-12, requires every field it lists, and fixes its own name and version."""
    found = schema(path.stem)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["properties"]["schema"] == {"const": f"{path.stem}/1"}
    assert set(found["required"]) == set(found["properties"])
    assert found["additionalProperties"] is False


def test_the_figures_of_a_sync_are_exactly_those_promised() -> None:
    """Programs count on these names; ``error`` is there only when a flow was stopped, ``reading`` where set up."""
    flow = schema("sync")["properties"]["flows"]["additionalProperties"]
    assert set(flow["required"]) == SYNC_FIGURES
    assert set(flow["properties"]) == SYNC_FIGURES | {"error", "reading"}
