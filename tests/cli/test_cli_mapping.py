"""``mapping validate`` and ``mapping show`` as people and programs get them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_live import connected, use


def test_files_that_hold_end_with_0_and_wrong_ones_with_2_by_file_and_line(
    ask: Ask, shared_twins: Twins, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shared_twins, monkeypatch)
    connected(ask)
    said = ask("mapping", "validate")
    assert (said.code, said.out) == (0, "5 files checked against both systems: nothing is wrong.\n")

    dimensions = home / "mappings" / "dimensions.yaml"
    dimensions.write_text("header:\n  Department: [{source: owner.team, table: teams}]\n", encoding="utf-8")
    (home / "mappings" / "teams.csv").write_text("team,department\nIndustry,22\n", encoding="utf-8")
    said = ask("mapping", "validate", "orders")
    assert said.code == 2
    assert said.out.startswith("3 files checked against both systems: 1 thing is wrong.\n")
    words = " ".join(said.out.split())
    assert "mappings/teams.csv, line 2: Department '22' is not one of its values" in words
    assert "Did you mean '022'?" in words

    found = ask("mapping", "validate", "orders", "--json")
    assert found.code == 2
    assert found.object["flows"] == ["orders"]
    assert [(each["file"], each["line"], each["nearest"]) for each in found.object["problems"]] == [
        ("mappings/teams.csv", 2, "022")
    ]


def test_validate_needs_both_sides_and_a_flow_that_is_one(ready: Ask) -> None:
    said = ready("mapping", "validate")
    assert said.code == 2
    assert "ml-connector connect" in said.err
    said = ready("mapping", "validate", "custmers")
    assert said.code == 2
    assert "Did you mean 'customers'?" in said.err
    assert "no mapping file" in ready("mapping", "show", "order_status").err


def test_show_lists_the_files_and_of_a_flow_every_row_and_rule(ready: Ask, home: Path) -> None:
    """Nothing has to be connected for it."""
    said = ready("mapping", "show")
    assert (said.code, said.out.splitlines()[0]) == (0, "5 mapping files.")
    (home / "mappings" / "dimensions.yaml").write_text(
        "header:\n  Department:\n    - {when: {pipeline: [A, B]}, value: '022'}\n", encoding="utf-8"
    )
    said = ready("mapping", "show", "orders")
    text = " ".join(said.out.split())
    assert "mappings/dimensions.yaml 0 1 changed" in text
    assert "mappings/orders.yaml: header line fills from" in text
    assert "DefaultLedgerDimensionDisplayValue order.dimensions (key)" in text
    assert (
        "mappings/dimensions.yaml: rules of the header line name gives when 3 Department 022 pipeline is A or B"
        in text
    )
    shown = ready("mapping", "show", "orders", "--json").object
    assert [file["file"] for file in shown["files"]] == ["mappings/orders.yaml", "mappings/dimensions.yaml"]
    assert shown["files"][1]["rules"][0]["when"] == {"pipeline": ["A", "B"]}
