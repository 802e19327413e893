"""The table of deals: each row a situation, on the tenants it is for, and the order it becomes or why it waits.

How to read the rows stands in README.md beside this file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.orders.table import ROWS

if TYPE_CHECKING:
    from tests.orders.row import Row
    from tests.orders.table import Table

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="rows act in a fork, which Windows cannot")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file} - {row.name}")
def test_the_deal_becomes_the_order_of_the_table_or_waits_for_the_cause_it_names(
    row: Row, table: Table
) -> None:
    differences = table.differences(row)
    assert not differences, "\n".join([row.told["situation"], *differences])


def test_the_table_has_at_least_a_hundred_and_fifty_rows_and_each_is_told_once() -> None:
    told = [(row.file, row.told["situation"], row.tenant.name) for row in ROWS]
    assert len(told) == len(set(told))
    assert len({(file, situation) for file, situation, _ in told}) >= 150
