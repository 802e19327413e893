"""The page about products says what the shipped mapping and the settings are."""

from __future__ import annotations

import re
from pathlib import Path

import ml_connector.flows.products.source as products
from ml_connector.flows.products.records import ACTIVE, END_OF_LIFE, STOPPED
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.mapping.load import load_mapping

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "mappings" / "products.md").read_text(encoding="utf-8")
MAPPING = Path(products.__file__).with_name("mapping.yaml")


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_the_table_of_fields_is_the_shipped_mapping() -> None:
    document = load_mapping(MAPPING.read_text(encoding="utf-8"), flow="products", file_name="products.yaml")
    rows = [
        [
            f"`{row.target}`",
            ", ".join(f"*{name}*" if name in products.SUPPLIED else name for name in row.named_sources),
            row.transform[0].name if row.transform else "text",
        ]
        for row in document.fields
    ]
    assert table("Fields") == rows
    assert {row.owner for row in document.fields} == {"dynamics"}
    assert {row.on_empty for row in document.fields} == {"clear"}


def test_the_table_of_settings_names_each_with_its_default() -> None:
    in_words = {"price_legal_entity": "the first chosen one", "language": "that of AllProducts"}
    in_words |= {"currencies": "none", "end_of_life_states": "none"}
    in_words |= dict.fromkeys(("groups", "types", "lifecycle_states"), "all")
    defaults = ProductSettings().model_dump(mode="json")
    told = {cells[0].strip("`"): cells[1].strip("`") for cells in table("Settings")}
    assert told == {name: in_words.get(name, str(value).lower()) for name, value in defaults.items()}
    assert all(not defaults[name] for name in in_words)
    assert all(field.description for field in ProductSettings.model_fields.values())


def test_the_table_of_status_has_the_words_that_are_written() -> None:
    assert [cells[0] for cells in table("Status")] == [ACTIVE, STOPPED, END_OF_LIFE, "Not in Dynamics"]
