"""A mapping file is read whole or refused with the line, the word that was meant and the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.errors import ConfigurationError
from ml_connector.mapping.load import load_mapping
from ml_connector.mapping.lookups import read_lookup, tables_of
from ml_connector.mapping.model import Join, Phone, ValueMap

if TYPE_CHECKING:
    from tests.mapping.mapping_samples import document, rows_file, shipped
else:
    from mapping_samples import document, rows_file, shipped  # pytest puts this folder on the path

ORDER = (
    "header:\n  - {target: dataAreaId, source: legal_entity}\nline:\n  - {target: ItemNumber, source: item}\n"
)


def refused(text: str, flow: str = "customers") -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load_mapping(text, flow=flow, file_name=f"{flow}.yaml")
    assert caught.value.hint
    return caught.value


def test_the_shipped_files_are_well_formed() -> None:
    customers = load_mapping(shipped("customers"), flow="customers", file_name="customers.yaml")
    assert (customers.object, customers.key) == ("companies", "d365_customer_key")
    products = load_mapping(shipped("products"), flow="products", file_name="products.yaml")
    assert (products.object, products.key) == ("products", "d365_product_key")
    orders = load_mapping(shipped("orders"), flow="orders", file_name="orders.yaml")
    assert orders.header[0].target == orders.line[0].target == "dataAreaId"


def test_a_row_keeps_its_line_and_transforms_are_written_in_any_of_three_ways() -> None:
    fields = document(
        "  - target: a",
        "    source: A",
        "    transform: text",
        "  - {target: b, source: B, transform: {phone: {country: C}}}",
        "  - {target: c, source: [A, B], transform: [join, {cut: {max_length: 5}}]}",
    ).fields
    assert [row.line for row in fields] == [4, 5, 8, 9]
    assert fields[2].transform == (Phone(country=("C",)),)
    assert fields[2].all_sources == ("B", "C")
    assert fields[3].transform[0] == Join()


def test_yes_no_and_null_stay_the_words_they_are() -> None:
    row = document(
        "  - {target: a, source: NO, transform: {map: {values: {No: no, Yes: 0o7, null: ~}}}}"
    ).fields[1]
    assert row.source == "NO"
    assert row.transform == (ValueMap(values={"No": "no", "Yes": "0o7", "null": "~"}),)


def test_orders_leave_empty_fields_out_unless_the_row_says_otherwise() -> None:
    orders = load_mapping(ORDER, flow="orders", file_name="orders.yaml")
    assert {row.on_empty for row in orders.rows} == {"keep"}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("  - {target: a, suorce: A}", "line 5: unknown key 'suorce'. Did you mean 'source'?"),
        ("  - target: a\n    source: A\n    transform: fone",
         "line 7: unknown transform 'fone'. Did you mean 'phone'?"),
        ("  - target: a\n    source: A\n    transform:\n      phone:\n        countri: C",
         "line 9: unknown key 'countri'. Did you mean 'country'?"),
        ("  - {target: a, source: A, transform: {key: {x: 1}}}", "line 5: unknown key 'x'."),
        ("  - target: a\n    source: A\n    owner: dynamic",
         "line 7: 'dynamic' is no value of 'owner'. Did you mean 'dynamics'?"),
        ("  - {source: A}", "line 5: the key 'target' is missing."),
        ("  - {target: a, source: A, transform: state}", "line 5: the key 'country' is missing."),
        ("  - {target: a}", "line 5: a row has a source, or no source and 'constant' as its first transform."),
        ("  - {target: a, source: [A, B]}", "line 5: several sources need 'first-of', 'join' or 'domain'"),
        ("  - {target: a, source: A, transform: [key, text]}", "line 5: a key stays as it is"),
        ("  - {target: a, source: A, transform: [text, {constant: {value: x}}]}",
         "line 5: 'constant' can only stand first"),
        ("  - {target: a, source: A, target: b}", "line 5: the key 'target' stands here twice."),
        ("  - {target: a, source: A, transform: {map: {values: {x: 1, x: 2}}}}",
         "line 5: the key 'x' stands here twice."),
        ("  - target: a\n    source: A\n    max_length: many", "line 7: 'max_length' is not right: "),
        ("  - {target: a, source: A, transform: {text: {}, key: {}}}", "line 5: one transform is expected here."),
        ("  - {target: a, source: A, transform: {map: {values: {x: [1]}}}}", "line 5: 'values' is not right"),
        ("  - just words", "line 5: keys with values are expected here."),
        ("  - {target: a, source: &x A, note: *x}", "line 5: aliases (*name) are not used in mapping files."),
        ("  - {target: a, source: A", "this is not YAML"),
        ("  - " + "[" * 5000, "line 5: this is nested too deeply."),
        ("  - {target: a, source: A, line: 3}", "line 5: unknown key 'line'."),
    ],
)  # fmt: skip
def test_a_slip_in_a_row_names_its_line_and_the_word_that_was_meant(row: str, sentence: str) -> None:
    error = refused(rows_file(row))
    assert error.message.startswith("customers.yaml, ")
    assert sentence in error.message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: the file is empty."),
        ("- a", "line 1: keys with values are expected here."),
        ("object: companies\nkey: k\nfields: x", "line 3: a list is expected here."),
        ("object: companies\nkey: k\nfields: []", "line 3: 'fields' is not right"),
        ("object: companies\nkey: k\nfield: []", "line 3: unknown key 'field'. Did you mean 'fields'?"),
        (
            "object: companies\nkey: k\nfields: [{target: a, source: A}]",
            "line 1: the key k needs a row of its own",
        ),
        ("a: 1\n---\nb: 2", "this is not YAML: but found another document"),
        ("object: \x07", "this is not YAML: it holds characters a text file cannot have."),
        ("#" * 1_000_001, "the file is larger than a million characters."),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_words(text: str, sentence: str) -> None:
    assert sentence in refused(text).message


def test_order_rows_have_no_owner() -> None:
    error = refused(ORDER.replace("source: item", "source: item, owner: hubspot"), "orders")
    assert "line 4: an order is written once, so its rows have no owner." in error.message


@settings(deadline=None)  # the first example builds tables, and the machine may be busy
@given(st.text(alphabet=st.characters() | st.sampled_from("-:[]{}#&*!|>'\"%@`\n ")))
def test_no_text_breaks_the_reader(text: str) -> None:
    refused(text)


def test_a_table_is_read_however_a_spreadsheet_saved_it() -> None:
    assert read_lookup("owner,worker\n77, 000123 \n\n78,000124\n", name="owners") == {
        "77": "000123",
        "78": "000124",
    }
    assert read_lookup('\ufefftitle;word\r\n"a;b";"say ""x"""\r\n', name="t") == {"a;b": 'say "x"'}


def test_a_table_knows_where_each_word_stands() -> None:
    table = read_lookup('owner,worker\n\n77,1\n"a\nb",2\n78,3\n77,1\n', name="owners")
    assert table.file_name == "owners.csv"
    assert table.lines == {"77": 3, "a b": 5, "78": 6}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("owner\n1", "owners.csv, line 1: a title row of two columns is expected."),
        ("a,b\n1,2,3", "owners.csv, line 2: two columns are expected"),
        ("a,b\n,2", "owners.csv, line 2: two columns are expected"),
        ("a,b\n1,2\n1,3", "owners.csv, line 3: '1' stands here a second time"),
        ('a,b\n"1,2', "this is not CSV"),
    ],
)
def test_a_table_that_is_unclear_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_lookup(text, name="owners")
    assert sentence in caught.value.message


def test_a_document_says_which_tables_it_needs() -> None:
    assert tables_of(document("  - {target: a, source: A, transform: {lookup: {table: owners}}}")) == {
        "owners"
    }


@pytest.mark.parametrize("target", ["domain", "lifecyclestage", "hubspot_owner_id", "description"])
def test_first_write_by_default_domain_lifecycle_stage_owner_description(target: str) -> None:
    """Of companies and contacts, unless the row names an owner; a product's description is F&O's."""

    def owner(object_type: str, said: str = "") -> str:
        text = (
            f"object: {object_type}\nkey: k\nfields:\n  - {{target: k, source: K, transform: key}}\n"
            f"  - {{target: {target}, source: S{said}}}\n  - {{target: name, source: N}}\n"
        )
        flow = {"companies": "customers"}.get(object_type, object_type)
        rows = load_mapping(text, flow=flow, file_name=f"{flow}.yaml").rows
        assert (rows[0].owner, rows[2].owner) == ("dynamics", "dynamics")
        return rows[1].owner

    assert owner("companies") == owner("contacts") == "first-write"
    assert owner("companies", ", owner: dynamics") == "dynamics"
    assert owner("contacts", ", owner: hubspot") == "hubspot"
    assert owner("products") == "dynamics"
