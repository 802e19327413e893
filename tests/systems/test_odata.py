"""OData text is escaped by the type of its value, and every filter fits into a URL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.errors import ConfigurationError
from ml_connector.systems.dynamics import odata


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("US-001", "'US-001'"),
        ("", "''"),
        ("O'Neill", "'O''Neill'"),
        ("''", "''''''"),
        ("%27", "'%27'"),
        (") or 1 eq 1", "') or 1 eq 1'"),
        (7, "7"),
        (5637144576, "5637144576"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 7, 23), "2026-07-23T12:00:00Z"),
        (datetime(2026, 7, 23, 8, 30, tzinfo=UTC), "2026-07-23T08:30:00Z"),
        (odata.EnumMember("NoYes", "Yes"), "Microsoft.Dynamics.DataEntities.NoYes'Yes'"),
    ],
)
def test_a_value_is_written_by_its_type(value: Any, text: str) -> None:
    assert odata.literal(value) == text


@given(st.text())
def test_no_text_can_leave_its_quotes(text: str) -> None:
    literal = odata.literal(text)
    assert literal[1:-1].replace("''", "") == text.replace("'", "")
    assert literal.count("'") == 2 + 2 * text.count("'")


@pytest.mark.parametrize("name", ["a b", "a'b", "", "1a", "a/b", "Name eq 'x' or Name", "$filter"])
def test_a_name_is_only_ever_a_name(name: str) -> None:
    with pytest.raises(ConfigurationError):
        odata.equals(name, "x")
    with pytest.raises(ConfigurationError):
        odata.key_path(name, {"dataAreaId": "usmf"})


def test_conditions_are_joined_so_that_they_mean_what_they_say() -> None:
    companies = odata.any_of(odata.equals("dataAreaId", each) for each in ("usmf", "ussi"))
    assert odata.all_of((companies, "", odata.after("ItemNumber", "D1"))) == (
        "(dataAreaId eq 'usmf' or dataAreaId eq 'ussi') and ItemNumber gt 'D1'"
    )
    assert odata.any_of([odata.equals("a", "x")]) == "a eq 'x'"
    assert odata.any_of([]) == odata.all_of([]) == ""


@given(st.lists(st.text(min_size=1, max_size=40), max_size=80))
def test_chains_hold_every_value_once_and_fit(values: list[str]) -> None:
    chains = list(odata.chains("ItemNumber", values, room=600))
    for value in values:
        assert any(odata.equals("ItemNumber", value) in chain for chain in chains)
    assert sum(chain.count("ItemNumber eq") for chain in chains) >= len(values)
    for chain in chains:
        assert len(quote(chain, safe="'()")) <= 600 or " or " not in chain


def test_a_key_keeps_its_blanks_and_is_encoded_for_a_path() -> None:
    path = odata.key_path("ReleasedProductsV2", {"dataAreaId": "dat", "ItemNumber": " RFI'#1+ü"})
    assert unquote(path) == "ReleasedProductsV2(dataAreaId='dat',ItemNumber=' RFI''#1+ü')"
    assert not set(path) & set(" #+ü")


@pytest.mark.parametrize("value", ["a/b", "a\\b", "50%", "A*", "a\nb"])
def test_a_key_that_a_path_would_garble_is_looked_up_by_filter(value: str) -> None:
    assert not odata.fits_key_path({"ItemNumber": value})
    assert odata.fits_key_path({"ItemNumber": " plain-1 #+'"})
