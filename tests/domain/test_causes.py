"""The one list of causes: whatever parks a record has its own words for the person whose turn it is."""

from __future__ import annotations

import re
from pathlib import Path

from ml_connector.domain.causes import CAUSES, cause_of

SOURCE = Path(__file__).parents[2] / "src" / "ml_connector"
NOT_PARKING = {"order.no_draft"}  # a fault of ours, never a record's


def test_every_code_that_parks_a_deal_has_a_cause_of_its_own() -> None:
    codes = {
        code
        for path in (SOURCE / "flows").rglob("*.py")
        for code in re.findall(
            r'(?:code=|DEAL_GONE = )"(order(?:_status)?\.[a-z_]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert len(codes) > 15
    assert {"order_status.deal_gone", "order_status.unknown"} <= codes
    assert codes - NOT_PARKING - CAUSES.keys() == set()


def test_every_cause_says_what_whose_turn_and_what_next() -> None:
    for code, cause in CAUSES.items():
        assert cause.code == code
        assert cause.title
        assert cause.explanation.endswith(".")
        assert cause.next_action.endswith(".")


def test_a_code_without_words_of_its_own_still_says_whose_turn_it_is() -> None:
    assert cause_of("hubspot.something_new") is CAUSES["record.rejected"]
