"""Answers for programs, held against their schemas in docs/reference/json/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "json"


def check_schema(found: Any) -> None:
    """The object is what its schema in docs/reference/json/ says."""
    name, _, version = found["schema"].partition("/")
    assert version == "1"
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(found)
