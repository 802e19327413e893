"""The one word for the two statuses of an order, and the day for a date: every case, and the page that tells them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from ml_connector.errors import RecordError
from ml_connector.flows.order_status.status import STATUSES, day, order_status
from ml_connector.systems.dynamics.screens import sales_orders
from ml_connector.systems.hubspot.properties import ORDER_STATUSES

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "tests" / "contract" / "facts" / "dynamics_sets.json"
PAGE = ROOT / "docs" / "reference" / "mappings" / "order_status.md"


def test_every_pair_of_the_two_enumerations_has_one_of_the_ten_statuses_or_is_refused() -> None:
    """The members are F&O's own; a refused pair contradicts itself."""
    members = json.loads(FACTS.read_text(encoding="utf-8"))["enums"]
    assert set(STATUSES) == set(members["SalesStatus"])
    assert {each for row in STATUSES.values() for each in row} == set(members["SalesOrderProcessingStatus"])
    pairs = list(itertools.product(members["SalesStatus"], members["SalesOrderProcessingStatus"]))
    refused = [pair for pair in pairs if pair[1] not in STATUSES[pair[0]]]
    found = {order_status(*pair, order="Order 1") for pair in pairs if pair not in refused}
    for pair in refused:
        with pytest.raises(RecordError, match=f"{pair[0]} and SalesOrderProcessingStatus {pair[1]}") as error:
            order_status(*pair, order="Order 1")
        assert error.value.code == "order_status.unknown"
    assert found == set(ORDER_STATUSES[ORDER_STATUSES.index("Open") :]) - {"Not in Dynamics"}
    assert {pair for pair in refused if pair[0] != "None"} == {
        (status, "Canceled") for status in ("Backorder", "Delivered", "Invoiced")
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-02T12:00:00Z", "2026-03-02"),
        ("1900-01-01T12:00:00Z", ""),
        ("1900-01-01T00:00:00Z", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_null_date_is_empty_and_a_day_stays_the_day_that_was_written(
    value: str | None, expected: str
) -> None:
    assert day(value, order="Order 1") == expected


def test_the_page_shows_the_table_as_it_is() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and line.count("|") == len(STATUSES) + 2
    ]
    head, _, *body = rows
    assert head == ["SalesOrderProcessingStatus", *STATUSES]
    told = {(column, row[0]): word for row in body for column, word in zip(STATUSES, row[1:], strict=True)}
    pairs = {(column, name): word for column, words in STATUSES.items() for name, word in words.items()}
    assert {pair: word for pair, word in told.items() if word != "parked"} == pairs


def test_a_link_opens_the_list_page_in_the_right_company() -> None:
    url = "https://contoso.operations.dynamics.com/"
    expected = "https://contoso.operations.dynamics.com/?cmp=USMF&mi=SalesTableListPage"
    assert sales_orders(url, "usmf") == expected
    assert "cmp=A%26B" in sales_orders(url, "a&b")
