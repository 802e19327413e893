"""Rules of orders.yaml and dimensions.yaml: the first that fits and has something to say decides, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.errors import ConfigurationError
from ml_connector.mapping.apply import compile_dimensions, compile_mapping
from ml_connector.mapping.load import load_dimensions, load_mapping
from ml_connector.mapping.lookups import read_lookup
from ml_connector.mapping.rules import wanted_properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.mapping.rules import DimensionRules

DIMENSIONS = """
mandatory: {USMF: [BusinessUnit]}
header:
  Department:
    - source: owner.email
      table: departments
    - when: {pipeline: [Projects, "Key *"], legal_entity: usmf}
      value: "027"
    - value: "022"
line:
  ItemGroup:
    - source: product.d365_product_group
"""
ORDERS = """
header:
  - {target: dataAreaId, source: legal_entity, transform: key}
  - {target: SalesOrderPoolId, source: rules.pool}
line:
  - {target: dataAreaId, source: legal_entity, transform: key}
rules:
  pool:
    - {when: {deal.dealtype: newbusiness}, value: NEW}
"""
TABLES = {"departments": {"kim@example.com": "030"}}


def dimensions(text: str = DIMENSIONS) -> DimensionRules:
    return compile_dimensions(load_dimensions(text, file_name="dimensions.yaml"), lookups=TABLES)


@pytest.mark.parametrize(
    ("facts", "value", "because"),
    [
        ({"owner.email": "kim@example.com"}, "030", "owner.email is kim@example.com"),
        (
            {"owner.email": "lee@example.com", "pipeline": "projects", "legal_entity": "usmf"},
            "027",
            "pipeline is projects and legal_entity is usmf",
        ),
        ({"pipeline": "Key accounts", "legal_entity": "usmf"}, "027", "pipeline is Key accounts"),
        ({"pipeline": "Projects", "legal_entity": "demf"}, "022", "Department"),
        ({}, "022", "dimensions.yaml, line 9"),
    ],
)
def test_the_first_rule_that_fits_and_has_something_to_say_gives_the_value(
    facts: Mapping[str, str], value: str, because: str
) -> None:
    said = dimensions().header.ask("Department", facts)
    assert said is not None
    assert said.value == value
    assert because in said.rule


@pytest.mark.parametrize("spelt", ["kim@example.com", "Kim@Example.com", " KIM@EXAMPLE.COM "])
def test_a_table_is_searched_as_conditions_are_and_the_rule_names_its_line(spelt: str) -> None:
    """Case and outer blanks do not count, on either side."""
    document = load_dimensions(DIMENSIONS, file_name="dimensions.yaml")
    table = read_lookup("email,department\nlee@example.com,031\nKim@example.com,030\n", name="departments")
    rules = compile_dimensions(document, lookups={"departments": table})
    said = rules.header.ask("Department", {"owner.email": spelt})
    assert said is not None
    assert said.value == "030"
    assert said.rule.endswith(f"because owner.email is {spelt} (departments.csv, line 3)")


def test_where_no_rule_fits_nothing_is_said() -> None:
    assert dimensions().line.ask("ItemGroup", {}) is None
    assert dimensions().header.ask("Unheard", {}) is None


def test_mandatory_dimensions_are_found_by_the_entity_in_lower_case() -> None:
    assert dimensions().mandatory == {"usmf": ("BusinessUnit",)}


def test_rules_tell_which_properties_must_be_read() -> None:
    assert wanted_properties(dimensions().every_rule, "product") == ("d365_product_group",)
    assert wanted_properties(dimensions().every_rule, "owner") == ("email",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("header: {A: [{value: x, source: pipeline}]}", "either 'value', a constant, or 'source'"),
        ("header: {A: [{when: {pipeline: x}}]}", "either 'value', a constant, or 'source'"),
        ("header: {A: [{source: weather}]}", "'weather' is no fact"),
        ("header: {A: [{when: {deal.: x}, value: y}]}", "'deal.' is no fact"),
        ("header: {A: [{value: x, table: t}]}", "'table' looks up what 'source' says"),
        ("header: {A: [{value: x}, {source: pipeline}]}", "go on after one that always fits"),
        ("header: {A: [{sauce: pipeline}]}", "unknown key 'sauce'. Did you mean 'source'?"),
        ("header: {A: {value: x}}", "a list is expected here"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_dimensions(text, file_name="dimensions.yaml")
    assert sentence in refused.value.message
    assert "dimensions.yaml, line 1" in refused.value.message


def test_a_table_that_is_not_there_names_the_rule_that_needs_it() -> None:
    document = load_dimensions(DIMENSIONS, file_name="dimensions.yaml")
    with pytest.raises(ConfigurationError, match=r"line 5: the table departments\.csv for Department"):
        compile_dimensions(document, lookups={})


def test_a_row_of_an_order_takes_what_a_rule_gives() -> None:
    mapping = compile_mapping(load_mapping(ORDERS, flow="orders", file_name="orders.yaml"))
    said = mapping.rules.ask("pool", {"deal.dealtype": "newbusiness"})
    assert said is not None
    assert mapping.header({"legal_entity": "usmf", "rules.pool": said.value})["SalesOrderPoolId"] == "NEW"


def test_a_row_that_reads_rules_which_are_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"reads rules\.pool, and there are no rules of this name"):
        load_mapping(ORDERS.replace("  pool:", "  pond:"), flow="orders", file_name="orders.yaml")
