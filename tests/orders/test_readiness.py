"""Readiness names what placement then refuses: on open deals made up by chance, also what Dynamics refuses on its own.

The same seed makes the same deals; ``python -m benchmarks.readiness`` prints the table for any other one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.orders.open_deals.play import played
from tests.orders.open_deals.season import Plan

if TYPE_CHECKING:
    from tests.orders.open_deals.tally import Tally

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="deals are made in a fork, which Windows cannot"
)
SEED = 11
AT_LEAST = 0.99


def test_readiness_names_the_refusals_of_a_few_deals_but_those_nobody_could_know() -> None:
    tally = played(SEED, 60, Plan(days=2, open_for=1, late_day=0, looks=(9.5,)))
    assert len(tally.refused) >= 20, tally.table()
    _require_no_surprise(tally)


@pytest.mark.sim
def test_readiness_of_five_hundred_open_deals_names_99_percent_of_what_placement_refuses() -> None:
    tally = played(SEED, 500, Plan())
    assert 200 <= len(tally.refused) <= 300, tally.table()
    assert sum(one.cause == "dynamics.refused" for one in tally.refused) >= 10, tally.table()
    assert tally.share >= AT_LEAST, tally.table()
    _require_no_surprise(tally)


def _require_no_surprise(tally: Tally) -> None:
    """Each miss and false alarm has its excuse, and what was named was named with the cause that came."""
    assert not tally.unexcused, tally.table()
    assert not tally.other_cause, tally.table()
