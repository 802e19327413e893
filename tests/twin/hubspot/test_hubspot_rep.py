"""The scripted rep of the demo world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.twin.hubspot import rep

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk


def stock(desk: Desk) -> None:
    desk.create("companies", name="Adler Works")
    desk.create("products", name="Pump", price="100", hs_sku="P-100")
    desk.create("products", name="Valve", price="19.99", hs_sku="P-200", hs_price_eur="17.50")


def test_nothing_to_do_in_an_empty_portal(desk: Desk) -> None:
    """Before companies and products exist the rep does nothing."""
    assert rep.act(desk.machine, desk.now, desk.dice(1), 5) == []


def test_a_step_is_one_visible_action(desk: Desk) -> None:
    """The rep links by exact name, then quotes by SKU at the product's price, and says so (architecture 6)."""
    stock(desk)
    said = rep.act(desk.machine, desk.now, desk.dice(1), 1)
    assert said == ["The rep linked the deal Pumps for Adler to Adler Works."]
    deal = desk.deals()[0]
    assert desk.value("deals", deal, "hs_num_of_associated_line_items") == "0"
    said = rep.act(desk.machine, desk.now, desk.dice(1), 1)
    assert said == ["The rep quoted Pumps for Adler: 2 lines, 319.98 USD."]
    assert desk.value("deals", deal, "amount") == "319.98"
    companies = desk.ask("GET", desk.objects(f"deals/{deal}/associations/companies"))["results"]
    assert [one["typeId"] for one in companies[0]["associationTypes"]] == [5, 341]
    lines = desk.ask(
        "GET", desk.objects("line_items?properties=hs_sku,price,quantity,amount,hs_object_source")
    )
    found = [
        tuple(one["properties"][name] for name in ("hs_sku", "price", "quantity", "amount"))
        for one in lines["results"]
    ]
    assert found == [("P-100", "100", "3", "270.00"), ("P-200", "19.99", "2.5", "49.98")]
    assert lines["results"][0]["properties"]["hs_object_source"] == "CRM_UI"


def test_a_sku_the_portal_lacks_is_skipped(desk: Desk) -> None:
    """A line whose product is not there is left out, and that is said."""
    desk.create("companies", name="Birk Ltd")
    desk.create("products", name="Valve", price="19.99", hs_sku="P-200", hs_price_eur="17.50")
    said = rep.link_and_quote(desk.machine, desk.deals()[1], desk.now)
    assert said == [
        "The rep linked the deal Valves for Birk to Birk Ltd.",
        "The rep quoted Valves for Birk: 1 line, 43.75 EUR, 1 not found in the portal.",
    ]


def test_link_and_quote_completes_one_deal_once(desk: Desk) -> None:
    """A demo can do one deal completely; a second time there is nothing left to do."""
    desk.define("deals", "d365_customer_po")
    stock(desk)
    deal = desk.deals()[0]
    assert len(rep.link_and_quote(desk.machine, deal, desk.now)) == 2
    assert rep.link_and_quote(desk.machine, deal, desk.now) == []
    assert desk.value("deals", deal, "d365_customer_po") == "PO-9"
    with pytest.raises(LookupError, match="no company Birk Ltd"):
        rep.link_and_quote(desk.machine, desk.deals()[1], desk.now)


def test_the_rep_moves_deals_on_and_decides_them(open_portal: Callable[..., Desk]) -> None:
    """Later steps move quoted deals stage by stage until decided; the same seed tells the same story."""
    stories = []
    for _run in range(2):
        desk = open_portal()
        stock(desk)
        stories.append(rep.act(desk.machine, desk.now, desk.dice(3), 50))
        assert desk.value("deals", desk.deals()[0], "hs_is_closed") == "true"
        assert desk.value("deals", desk.deals()[1], "hs_is_closed") == "false"  # not quoted: left alone
    assert stories[0] == stories[1]
    assert stories[0][2] == "The rep moved the deal Pumps for Adler on to Contract sent."
    assert stories[0][3] in {
        "The rep won the deal Pumps for Adler.",
        "The rep lost the deal Pumps for Adler.",
    }
