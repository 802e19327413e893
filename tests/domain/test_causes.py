"""The one list of causes: whatever parks a record has its own words for the person whose turn it is."""

from __future__ import annotations

import re
from pathlib import Path

from ml_connector.domain.causes import CAUSES, cause_of
from ml_connector.domain.causes_page import OTHERS, page
from ml_connector.domain.order_causes import ORDER_CAUSES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ml_connector"
NOT_PARKING = {"order.no_draft"}  # a fault of ours, never a record's


def raised() -> set[str]:
    """Every code of an order that an error or a finding anywhere in the program carries."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.parent.name != "domain" and "twin" not in path.relative_to(SOURCE).parts:
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'(?:code=|DEAL_GONE = )"(order(?:_status)?\.[a-z_]+)"', text))
            found |= set(re.findall(r'(?:Later|Finding)\(\s*"(order\.[a-z_]+)"', text))
    return found


def test_every_code_that_parks_a_deal_has_a_cause_of_its_own() -> None:
    codes = raised()
    assert len(codes) > 25
    assert {"order_status.deal_gone", "order_status.unknown", "order.changed_after", "order.stray"} <= codes
    assert codes - NOT_PARKING - CAUSES.keys() == set()


def test_every_cause_of_an_order_is_raised_somewhere() -> None:
    """A cause that nothing raises would be explained to people who never meet it."""
    codes = {cause.code for cause in ORDER_CAUSES}
    assert codes - raised() == set()


def test_every_cause_says_what_whose_turn_and_what_next() -> None:
    for code, cause in CAUSES.items():
        assert cause.code == code
        assert cause.title
        assert cause.explanation.endswith(".")
        assert cause.next_action.endswith(".")


def test_what_sales_mends_is_mended_on_a_screen_that_is_named() -> None:
    for cause in ORDER_CAUSES:
        assert cause.in_hubspot or cause.in_dynamics or cause.turn == "it" or cause.code == "order.unsure", (
            cause
        )


def test_the_page_of_causes_is_written_from_the_list_and_holds_each_where_the_cause_says() -> None:
    written = (ROOT / "docs" / "how-to" / "when-an-order-waits.md").read_text(encoding="utf-8")
    assert written == page(), (
        "run: python -m ml_connector.domain.causes_page > docs/how-to/when-an-order-waits.md"
    )
    anchors = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^### (.+)$", written, re.MULTILINE)
    }
    told = [*ORDER_CAUSES, *(CAUSES[code] for code in OTHERS)]
    assert {cause.docs.partition("#")[2] for cause in told} == anchors
    assert len(anchors) == len(told)


def test_a_code_without_words_of_its_own_still_says_whose_turn_it_is() -> None:
    assert cause_of("hubspot.something_new") is CAUSES["record.rejected"]
