"""What each transform makes of a value on its way to HubSpot."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.errors import ConfigurationError, MappingError
from ml_connector.mapping.apply import compile_mapping
from ml_connector.mapping.model import CALLS, FieldRow, Lookup, MappingDocument, TransformCall
from ml_connector.mapping.transforms import _BUILDERS

if TYPE_CHECKING:
    from tests.mapping.mapping_samples import mapped, one_row
else:
    from mapping_samples import (
        mapped,
        one_row,
    )  # pytest puts this folder on the path; mypy names it from the root

PHONE = {"name": "phone", "country": "Country", "extension": "Extension"}


def phone(number: str, country: str = "DEU", extension: str = "") -> Any:
    return mapped(number, PHONE, beside={"Country": country, "Extension": extension})


def notes_of(value: Any, *calls: dict[str, Any], **beside: Any) -> tuple[str, ...]:
    return one_row(source="Value", transform=calls).apply({"Key": "k", "Value": value, **beside}).notes


def test_every_transform_of_the_grammar_has_a_function_and_a_name() -> None:
    assert {*_BUILDERS, Lookup} == set(get_args(TransformCall)) == set(CALLS.values())


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, ""),
        ("", ""),
        ("  ", ""),
        (" Mu\u0308ller\x00\r\nGmbH ", "Müller GmbH"),
        (Decimal("12.500"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.00"), "0"),
        (7, "7"),
        (True, "true"),
        (False, "false"),
        ("1900-01-01T12:00:00Z", ""),
        ("1900-01-01T00:00:00Z", ""),
    ],
)
def test_a_row_without_transform_stores_what_people_would_write(value: Any, stored: str) -> None:
    assert mapped(value) == stored


@pytest.mark.parametrize("value", [0.1, ["a"], {"a": 1}, Decimal("NaN"), Decimal("1E+400")])
def test_values_that_are_no_single_exact_value_are_refused_with_their_target(value: Any) -> None:
    with pytest.raises(MappingError) as caught:
        mapped(value)
    assert caught.value.field == "out"


def test_a_key_keeps_every_character() -> None:
    assert mapped("  00 42\u0308 ", {"name": "key"}) == "  00 42\u0308 "


def test_a_key_that_cannot_be_stored_stops_the_record() -> None:
    with pytest.raises(MappingError, match="control characters"):
        mapped("4\n2", {"name": "key"})


def test_text_keeps_or_joins_its_lines() -> None:
    lines = "Hall 2\r\nGate 4"
    assert mapped(lines, {"name": "text"}) == "Hall 2 Gate 4"
    assert mapped(lines, {"name": "text", "line_breaks": "comma"}) == "Hall 2, Gate 4"
    assert mapped(lines, {"name": "text", "line_breaks": "keep"}) == "Hall 2\nGate 4"


@pytest.mark.parametrize(
    ("number", "country", "extension", "stored"),
    [
        ("030 901820", "DEU", "", "+4930901820"),
        ("+49 (0)30 901820", "USA", "", "+4930901820"),
        ("0049 30 901820", "DE", "", "+4930901820"),
        ("(206) 555-0134", "US", "", "+12065550134"),
        ("206-555-0134 ext. 12", "USA", "", "+12065550134 ext. 12"),
        ("206-555-0134", "USA", "x 12", "+12065550134 ext. 12"),
        ("06 6982", "ITA", "", "+39066982"),
    ],
)
def test_a_phone_number_is_stored_internationally(
    number: str, country: str, extension: str, stored: str
) -> None:
    assert phone(number, country, extension) == stored


@pytest.mark.parametrize("number", ["ask for Petra", "555-0134", "030 901820 / 0171 5550134", "123"])
def test_what_is_no_phone_number_stays_as_it_is_with_a_note(number: str) -> None:
    assert phone(number, "USA") == number
    notes = notes_of(number, PHONE, Country="USA", Extension="")
    assert notes == (f"out: '{number}' is no phone number of United States; kept as it is",)


def test_without_a_known_country_only_international_numbers_are_understood() -> None:
    assert phone("+4930901820", "") == "+4930901820"
    assert phone("030 901820", "", "7") == "030 901820 ext. 7"
    assert notes_of("030 901820", {"name": "phone"})[0].endswith(
        "of a country that is not known; kept as it is"
    )


@pytest.mark.parametrize(
    ("country", "to", "stored"),
    [
        ("USA", "name", "United States"),
        ("de", "name", "Germany"),
        ("KOR", "name", "South Korea"),
        ("NO", "name", "Norway"),
        ("UK", "alpha-3", "GBR"),
        ("XKX", "alpha-2", "XK"),
        ("Germany", "alpha-3", "DEU"),
        ("Russian Federation", "name", "Russia"),
    ],
)
def test_countries_are_understood_by_code_and_name(country: str, to: str, stored: str) -> None:
    assert mapped(country, {"name": "country", "to": to}) == stored


def test_an_unknown_country_stays_as_it_is_with_a_note() -> None:
    assert mapped("Region 7", {"name": "country"}) == "Region 7"
    assert notes_of("Region 7", {"name": "country"}) == (
        "out: 'Region 7' is no country of ISO 3166; kept as it is",
    )


@pytest.mark.parametrize(
    ("country", "state", "to", "stored"),
    [
        ("USA", "WA", "name", "Washington"),
        ("DEU", "by", "name", "Bayern"),
        ("ESP", "MD", "name", "Comunidad de Madrid"),
        ("ESP", "GI", "name", "Girona"),
        ("USA", "Washington", "name", "Washington"),
        ("USA", "Washington", "code", "WA"),
        ("USA", "wa", "code", "WA"),
        ("DEU", "WA", "name", "WA"),
        ("", "WA", "name", "WA"),
    ],
)
def test_states_are_named_within_their_country(country: str, state: str, to: str, stored: str) -> None:
    call = {"name": "state", "country": "Country", "to": to}
    assert mapped(state, call, beside={"Country": country}) == stored


@pytest.mark.parametrize(
    ("value", "time", "stored"),
    [
        ("2026-07-23T12:00:00Z", "drop", "2026-07-23"),
        ("2026-07-23", "drop", "2026-07-23"),
        ("2026-07-23T23:30:00-05:00", "drop", "2026-07-23"),
        ("2026-07-23T23:30:00-05:00", "keep", "2026-07-24T04:30:00Z"),
        ("1784764800000", "drop", "2026-07-23"),
        ("1900-01-01T12:00:00Z", "drop", ""),
        ("1900-01-01T00:00:00Z", "keep", ""),
        ("2154-12-31T23:59:59Z", "keep", ""),
    ],
)
def test_days_stay_the_day_that_was_written_and_null_dates_are_empty(
    value: str, time: str, stored: str
) -> None:
    assert mapped(value, {"name": "date", "time": time}) == stored


@pytest.mark.parametrize("value", ["soon", "2026-13-01", "0001-01-01", "9" * 40])
def test_what_is_no_date_stops_the_record(value: str) -> None:
    with pytest.raises(MappingError, match=r"out holds .* which is no date"):
        mapped(value, {"name": "date"})


def test_decimals_are_exact_rounded_on_request_and_zero_can_mean_none() -> None:
    assert mapped(Decimal("0.1") + Decimal("0.2"), {"name": "decimal"}) == "0.3"
    assert mapped("1234567890123456789012345678", {"name": "decimal"}) == "1234567890123456789012345678"
    assert mapped(Decimal("2.345"), {"name": "decimal", "digits": 2}) == "2.35"
    assert mapped(Decimal(0), {"name": "decimal"}) == "0"
    assert mapped(Decimal(0), {"name": "decimal", "zero": "empty"}) == ""
    assert mapped(3, {"name": "decimal"}) == "3"


@pytest.mark.parametrize("value", ["1,5", True, Decimal("Infinity")])
def test_what_is_no_number_stops_the_record(value: Any) -> None:
    with pytest.raises(MappingError):
        mapped(value, {"name": "decimal"})


def hold(unknown: str) -> dict[str, Any]:
    return {"name": "map", "values": {"No": "Free", "All": "Blocked"}, "unknown": unknown}


def test_a_listed_word_is_translated_and_an_unlisted_one_follows_the_rows_choice() -> None:
    assert mapped("No", hold("park")) == "Free"
    assert mapped("Never", hold("keep")) == "Never"
    assert mapped("Never", hold("empty")) == ""
    assert notes_of("Never", hold("empty")) == (
        "out: 'Never' is not listed in the row's 'values'; left empty",
    )
    with pytest.raises(MappingError, match=r"'Al' is not listed.*Did you mean 'All'\?"):
        mapped("Al", hold("park"))


def test_a_lookup_reads_its_table_and_a_missing_table_is_found_before_any_record() -> None:
    key = FieldRow.model_validate({"target": "key", "source": "K", "transform": [{"name": "key"}]})
    row = FieldRow.model_validate(
        {"target": "owner", "source": "Taker", "transform": [{"name": "lookup", "table": "owners"}]}
    )
    rules = MappingDocument(flow="customers", object="companies", key="key", fields=(key, row))
    mapping = compile_mapping(rules, lookups={"owners": {"000123": "77"}})
    assert mapping.apply({"K": "k", "Taker": "000123"}).properties["owner"] == "77"
    with pytest.raises(
        ConfigurationError, match=r"table 'owners', which is not there\. Did you mean 'owner'\?"
    ):
        compile_mapping(rules, lookups={"owner": {}})


def test_several_sources_become_the_first_or_all_of_them() -> None:
    sources = {"A": " ", "B": "1900-01-01T00:00:00Z", "C": "third", "D": 4}
    first = one_row(source=["A", "B", "C", "D"], transform=[{"name": "first-of"}])
    joined = one_row(source=["A", "B", "C", "D"], transform=[{"name": "join", "separator": ", "}])
    assert first.apply({"Key": "k", **sources}).properties["out"] == "third"
    assert joined.apply({"Key": "k", **sources}).properties["out"] == "third, 4"
    assert mapped(["demf", "usmf"], {"name": "join", "separator": ";"}) == "demf;usmf"
    assert mapped([], {"name": "join"}) == ""


def test_a_constant_needs_no_source() -> None:
    mapping = one_row(transform=[{"name": "constant", "value": "distributor"}])
    assert mapping.apply({"Key": "k"}).properties["out"] == "distributor"


def test_a_cut_is_noted() -> None:
    assert mapped("abcdef", {"name": "cut", "max_length": 4}) == "abcd"
    assert notes_of("abcdef", {"name": "cut", "max_length": 4}) == ("out: cut from 6 to 4 characters",)


def test_an_address_that_is_no_email_is_left_out_with_a_note() -> None:
    assert mapped(" Office@Lakeside.example ", {"name": "email"}) == "office@lakeside.example"
    assert mapped("office(at)lakeside", {"name": "email"}) == ""
    assert notes_of("x y", {"name": "email"}) == ("out: 'x y' is no e-mail address; left empty",)


@settings(deadline=None)  # the first example builds tables, and the machine may be busy
@given(st.text())
def test_no_text_breaks_a_transform_that_promises_to_keep_going(text: str) -> None:
    for call in (PHONE, {"name": "country"}, {"name": "domain"}, {"name": "email"}, {"name": "text"}):
        mapped(text, call, beside={"Country": text, "Extension": text})
