"""Deals, pipelines, products and line items of the HubSpot twin: what is calculated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

CLOSED = ("hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost")


def test_pipelines_have_speaking_and_opaque_stage_ids(desk: Desk) -> None:
    """The default pipeline has HubSpot's stage ids, every other opaque numeric ones; metadata is text [D]."""
    first, second = desk.ask("GET", "/crm/pipelines/2026-03/deals")["results"]
    assert first["id"] == "default"
    assert [stage["id"] for stage in first["stages"]] == [
        "appointmentscheduled",
        "contractsent",
        "closedwon",
        "closedlost",
    ]
    assert first["stages"][2]["metadata"] == {"isClosed": "true", "probability": "1.0"}
    assert first["stages"][3]["metadata"] == {"isClosed": "true", "probability": "0.0"}
    assert second["id"].isdigit()
    assert all(stage["id"].isdigit() for stage in second["stages"])
    assert desk.ask("GET", f"/crm/pipelines/2026-03/deals/{second['id']}")["label"] == "Service"
    assert len(desk.ask("GET", f"/crm/pipelines/2026-03/0-3/{second['id']}/stages")["results"]) == 3
    desk.ask("GET", "/crm/pipelines/2026-03/deals/nowhere", status=404)


@pytest.mark.parametrize("place", [0, 1])
def test_winning_a_deal_in_any_pipeline(desk: Desk, place: int) -> None:
    """hs_is_closed_won and the date of entering the won stage follow the stage [D]."""
    deal = desk.deals()[place]
    assert [desk.value("deals", deal, name) for name in CLOSED] == ["false", "false", "false"]
    desk.wait(60)
    desk.machine.set_deal_stage(deal, "won", desk.now)
    assert [desk.value("deals", deal, name) for name in CLOSED] == ["true", "true", "false"]
    stage = desk.value("deals", deal, "dealstage")
    assert desk.value("deals", deal, f"hs_v2_date_entered_{stage}") == "2026-11-22T12:01:00.000Z"
    assert desk.value("deals", deal, "hs_closed_won_date") == "2026-11-22T12:01:00.000Z"


def test_a_deal_reopened_and_won_again_entered_again(desk: Desk) -> None:
    """Deals can be reopened and won again; the entry date is the latest [D/I]."""
    deal = desk.deals()[0]
    for stage, closed in (("won", True), ("appointmentscheduled", False), ("won", True)):
        desk.wait(60)
        desk.machine.set_deal_stage(deal, stage, desk.now)
        assert (desk.value("deals", deal, "hs_closed_won_date") is not None) is closed
    assert desk.value("deals", deal, "hs_v2_date_entered_closedwon") == "2026-11-22T12:03:00.000Z"


def test_set_deal_stage_says_what_is_wrong(desk: Desk) -> None:
    """An unknown deal or stage is a LookupError with a sentence."""
    with pytest.raises(LookupError, match="no deal 12"):
        desk.machine.set_deal_stage("12", "won", desk.now)
    with pytest.raises(LookupError, match="has no stage 'x'"):
        desk.machine.set_deal_stage(desk.deals()[0], "x", desk.now)


def test_stage_must_be_of_the_deals_pipeline(desk: Desk) -> None:
    """A stage of another pipeline is not an option; pipeline and stage go together [I]."""
    service = desk.machine.portal.pipelines.named("Service")
    deal = desk.deals()[0]
    path = desk.objects(f"deals/{deal}")
    desk.ask("PATCH", path, {"properties": {"dealstage": service.stages[0].id}}, status=400)
    both = {"pipeline": service.id, "dealstage": service.stages[0].id}
    desk.ask("PATCH", path, {"properties": both})


def test_deal_takes_the_default_pipeline_and_company_currency(desk: Desk) -> None:
    """Without a pipeline the default one is used [D]; the currency is the portal's [I]."""
    deal = desk.create("deals", dealname="X", dealstage="appointmentscheduled", amount="10")
    assert desk.value("deals", deal, "pipeline") == "default"
    assert desk.value("deals", deal, "deal_currency_code") == "USD"
    assert desk.value("deals", deal, "amount_in_home_currency") == "10"


def test_line_item_copies_its_product_at_creation(desk: Desk) -> None:
    """Values of the product are copied when the line is created; later edits do not flow [D]."""
    product = desk.create("products", name="Pump", price="99.50", hs_sku="P-100", description="Steel")
    line = desk.create("line_items", hs_product_id=product, quantity="2", name="My pump")
    desk.ask("PATCH", desk.objects(f"products/{product}"), {"properties": {"price": "1"}})
    found = desk.read("line_items", line, "name", "description", "price", "hs_sku", "amount")["properties"]
    assert found["name"] == "My pump"
    assert (found["description"], found["price"], found["hs_sku"]) == ("Steel", "99.50", "P-100")
    assert found["amount"] == "199.00"


def test_line_item_may_copy_custom_properties_too(open_portal: Callable[..., Desk]) -> None:
    """Whether the portal's own properties are copied where both types have them is a switch [I]."""
    for chosen, expected in (("yes", "pcs"), ("no", None)):
        desk = open_portal(line_copies_custom=chosen)
        for kind, group in (("products", "productinformation"), ("line_items", "lineiteminformation")):
            desk.define(kind, "d365_sales_unit", groupName=group)
        product = desk.create("products", name="Pump", d365_sales_unit="pcs")
        line = desk.create("line_items", hs_product_id=product)
        assert desk.value("line_items", line, "d365_sales_unit") == expected


@pytest.mark.parametrize(
    ("sent", "before", "off", "amount"),
    [
        ({"quantity": "3", "price": "10"}, "30.00", "0.00", "30.00"),
        ({"quantity": "3", "price": "10", "discount": "1"}, "30.00", "3.00", "27.00"),
        ({"quantity": "3", "price": "9.99", "hs_discount_percentage": "7.5"}, "29.97", "2.25", "27.72"),
        (
            {"quantity": "2", "price": "10", "discount": "1", "hs_discount_percentage": "50"},
            "20.00",
            "11.00",
            "9.00",
        ),
        ({"price": "10"}, None, None, None),
    ],
)
def test_line_amounts(desk: Desk, sent: dict[str, str], before: str, off: str, amount: str) -> None:
    """amount is the net line total, calculated [D]; the order of the discounts is inferred [I]."""
    line = desk.create("line_items", **sent)
    found = desk.read("line_items", line, "amount", "hs_pre_discount_amount", "hs_total_discount")[
        "properties"
    ]
    assert found["hs_pre_discount_amount"] == before
    assert found["hs_total_discount"] == off
    assert found["amount"] == amount


def test_line_amount_cannot_be_written(desk: Desk) -> None:
    """amount is read-only [D]."""
    body = desk.ask("POST", desk.objects("line_items"), {"properties": {"amount": "1"}}, status=400)
    assert body["errors"][0]["code"] == "READ_ONLY_VALUE"


def test_lines_are_counted_and_archived_with_their_deal(desk: Desk) -> None:
    """hs_num_of_associated_line_items counts; deleting the parent deletes its lines [D]."""
    deal = desk.deals()[0]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}]
    body = {"properties": {"quantity": "1"}, "associations": [{"to": {"id": deal}, "types": types}]}
    desk.ask("POST", desk.objects("line_items"), body, status=201)
    assert desk.value("deals", deal, "hs_num_of_associated_line_items") == "1"
    desk.send("DELETE", desk.objects(f"deals/{deal}"))
    assert desk.machine.counts()["line_items"] == 0
