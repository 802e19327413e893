"""What an order says beside its lines: the customer's number, dates, the delivery address, who takes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.flows.orders.terms.step import today_in

if TYPE_CHECKING:
    from tests.flows.drafting import Outcome, Situation, drafted, with_rules
    from tests.flows.office import Office
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold
else:
    from drafting import Situation, drafted, with_rules  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold

SHIPPING, RECEIPT = "RequestedShippingDate", "RequestedReceiptDate"
PEOPLE = ("OrderTakerPersonnelNumber", "OrderResponsiblePersonnelNumber")


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


def _day(shop: Office, days: int) -> str:
    return (shop.around.clock.now() + timedelta(days=days)).date().isoformat()


async def test_the_customers_order_number_is_sent_and_demanded_where_the_customer_demands_one(
    shop: Office,
) -> None:
    """Twenty characters fit; a person may give it for this order alone."""
    name = "CustomerRequisitionNumber"
    own = Situation("the deal's", [(ITEM, {})], {"d365_customer_po": " PO-77 "})
    assert (await drafted(shop, own)).header(name) == ("PO-77",)
    chosen = Situation("a person's", [(ITEM, {})], choose=lambda _lines: {"customer_po": "PO-88"})
    outcome = await drafted(shop, chosen)
    assert (outcome.header(name), outcome.rule(name)) == (("PO-88",), "chosen by Kim: asked the buyer")
    assert (await drafted(shop, Situation("none", [(ITEM, {})]))).header(name) == (None,)
    longest = Situation("longest", [(ITEM, {})], {"d365_customer_po": "P" * 20})
    assert (await drafted(shop, longest)).header(name) == ("P" * 20,)

    long = await drafted(shop, Situation("too long", [(ITEM, {})], {"d365_customer_po": "P" * 21}))
    assert long.cause == "order.customer_po_too_long"
    assert "has 21 characters, and Dynamics takes 20" in long.message
    shop.clerk_changes("CustomersV3", "usmf:US-001", IsOrderNumberReferenceUsed="Yes")
    missing = await drafted(shop, Situation("demanded", [(ITEM, {})]))
    assert missing.cause == "order.customer_po_missing"
    assert "US-001 Works demands its own order number" in missing.message
    assert (await drafted(shop, own)).header(name) == ("PO-77",)


async def test_the_requested_date_goes_to_header_and_lines_and_the_close_date_never(shop: Office) -> None:
    """A line's own before the deal's; as the shipping or the receipt date, by setting."""
    soon, later, gone = _day(shop, 9), _day(shop, 30), _day(shop, -9)
    lines = [(ITEM, {}), (OTHER_ITEM, {"d365_requested_date": later})]
    deal = {"d365_requested_date": soon, "closedate": f"{_day(shop, 3)}T10:00:00Z"}
    receipt, today = {"requested_date": "receipt"}, {"past_dates": "today"}
    noon_soon, noon_later = f"{soon}T12:00:00Z", f"{later}T12:00:00Z"
    cases: list[tuple[Situation, tuple[Any, ...], list[tuple[Any, ...]]]] = [
        (Situation("shipping", lines, deal), (noon_soon, None), [(noon_soon, None), (noon_later, None)]),
        (
            Situation("receipt", lines, deal, settings=receipt),
            (None, noon_soon),
            [(None, noon_soon), (None, noon_later)],
        ),
        (
            Situation("line alone", lines, {"closedate": deal["closedate"]}),
            (None, None),
            [(None, None), (noon_later, None)],
        ),
    ]
    for situation, header, of_lines in cases:
        outcome = await drafted(shop, situation)
        assert outcome.header(SHIPPING, RECEIPT) == header, situation.what
        assert outcome.lines(SHIPPING, RECEIPT) == of_lines, situation.what

    past = {"d365_requested_date": gone}
    parked = await drafted(shop, Situation("past", [(ITEM, {})], past))
    assert parked.cause == "order.requested_date"
    assert f"the requested date of the deal, {gone}, is past" in parked.message
    of_line = await drafted(shop, Situation("a line's", [(ITEM, {"name": "Pump", **past})]))
    assert f"the requested date of line 'Pump', {gone}, is past" in of_line.message
    before = _day(shop, 0)
    utc = {"time_zones": {"usmf": "Etc/UTC"}}
    moved = await drafted(shop, Situation("today", [(ITEM, {})], past, settings=today, flow=utc))
    assert moved.header(SHIPPING)[0] in {f"{day}T12:00:00Z" for day in (before, _day(shop, 0))}
    assert moved.rule(SHIPPING) == f"the deal's requested date {gone} is past, so today (orders.past_dates)"


async def test_the_day_is_that_of_the_legal_entity(shop: Office) -> None:
    """Before midnight in Chicago it is tomorrow in Berlin; F&O's own time zones are known from connecting."""
    evening = replace(shop.at.engine, around=replace(shop.around, clock=_Stopped()))
    deal = {"d365_requested_date": "2030-07-01"}

    async def asked(**flow: Any) -> Outcome:
        return await drafted(shop, Situation("evening", [(ITEM, {})], deal, flow={"engine": evening, **flow}))

    assert (await asked()).header(SHIPPING) == ("2030-07-01T12:00:00Z",)  # usmf is in Chicago
    assert (await asked(time_zones={"usmf": "Europe/Berlin"})).cause == "order.requested_date"
    unknown = await asked(time_zones={"usmf": ""})
    assert unknown.notes == (
        "The time zone of usmf is not known; its day was taken from UTC. Connect Dynamics again.",
    )
    no_date = Situation("no date", [(ITEM, {})], flow={"time_zones": {"usmf": ""}})
    assert (await drafted(shop, no_date)).notes == ()


class _Stopped:
    """A clock that stands at half past six in the evening of July 1st in Chicago."""

    def now(self) -> datetime:
        return datetime(2030, 7, 1, 23, 30, tzinfo=UTC)

    def elapsed_s(self) -> float:
        return 0.0


def test_midnight_comes_at_different_times() -> None:
    """Half past ten in the evening in Chicago is tomorrow in Berlin; summer time counts."""
    evening = datetime(2026, 7, 2, 3, 30, tzinfo=UTC)
    days = {zone: today_in(zone, "usmf", evening).day for zone in ("America/Chicago", "Europe/Berlin", "")}
    assert days == {
        "America/Chicago": date(2026, 7, 1),
        "Europe/Berlin": date(2026, 7, 2),
        "": date(2026, 7, 2),
    }
    assert today_in("Europe/Berlin", "demf", datetime(2026, 7, 1, 22, 30, tzinfo=UTC)).day == date(2026, 7, 2)
    assert today_in("Europe/Berlin", "demf", datetime(2026, 12, 1, 22, 30, tzinfo=UTC)).day == date(
        2026, 12, 1
    )


async def test_a_deal_picks_one_of_the_customers_valid_delivery_addresses(shop: Office) -> None:
    """By id or description; without a word F&O's own default stays."""
    for location, description, more in (
        ("L1", "Gate 2", {}),
        ("L2", "Main yard", {}),
        ("L3", "Main yard", {}),
        ("L4", "Former yard", {"Expiration": "2020-01-01T00:00:00Z"}),
        ("L5", "Coming yard", {"Effective": "2099-01-01T00:00:00Z"}),
        ("L6", "Office", {"IsRoleDelivery": "No"}),
    ):
        await _address(shop, "US-001", location, description, **more)
    await shop.customer("usmf:US-002")
    await _address(shop, "US-002", "L7", "Neighbour")
    name = "DeliveryAddressLocationId"
    found: list[tuple[dict[str, str], str | None]] = [
        ({}, None),
        ({"d365_delivery_address": "L2"}, "L2"),
        ({"d365_delivery_address": " gate  2 "}, "L1"),
    ]
    for deal, location_id in found:
        assert (await drafted(shop, Situation(str(deal), [(ITEM, {})], deal))).header(name) == (location_id,)
    chosen = Situation(
        "a person's", [(ITEM, {})], {"d365_delivery_address": "L1"}, choose=lambda _: {"address": "L3"}
    )
    outcome = await drafted(shop, chosen)
    assert (outcome.header(name), outcome.rule(name)) == (("L3",), "chosen by Kim: asked the buyer")

    for wrong in ("Main yard", "Gate 3", "Former yard", "Coming yard", "Office", "L7", "Neighbour"):
        situation = Situation(wrong, [(ITEM, {})], {"d365_delivery_address": wrong})
        outcome = await drafted(shop, situation)
        assert outcome.cause == "order.address_unknown", wrong
        how = "means several" if wrong == "Main yard" else "is not one"
        assert f"'{wrong}' (the deal's property d365_delivery_address) {how}" in outcome.message
        there = "L1 (Gate 2, Duluth); L2 (Main yard, Duluth); L3 (Main yard, Duluth)"
        assert f"They are: {there}." in outcome.message


async def _address(shop: Office, account: str, location: str, description: str, **more: str) -> None:
    plain = {"IsRoleDelivery": "Yes", "AddressCity": "Duluth", "Effective": "2020-01-01T00:00:00Z"}
    await shop.clerk_adds(
        "CustomerPostalAddresses",
        dataAreaId="usmf",
        CustomerAccountNumber=account,
        AddressLocationId=location,
        AddressDescription=description,
        **plain | more,
    )


async def test_order_taker_and_responsible_come_from_the_owner_by_a_table(shop: Office) -> None:
    """An owner the table does not know is a note; a number that is no worker's parks."""
    owner = next(iter(shop.twins.pair.hubspot.portal.owners))
    rules = (
        "  order_taker:\n    - {source: owner.email, table: workers}\n"
        "  responsible:\n    - {value: '000002'}\n"
    )
    deal = {"hubspot_owner_id": str(owner.id)}
    known, wrong = {"workers": {owner.email: "000001"}}, {"workers": {owner.email: "999999"}}
    outcome = await drafted(shop, Situation("known", [(ITEM, {})], deal, rules, known))
    assert outcome.header(*PEOPLE) == ("000001", "000002")
    assert f"order_taker, because owner.email is {owner.email}" in outcome.rule(PEOPLE[0])

    outcome = await drafted(shop, Situation("not in the table", [(ITEM, {})], deal, rules, {"workers": {}}))
    assert outcome.header(*PEOPLE) == (None, "000002")
    assert outcome.notes == (
        f"No rule gives an order taker for the owner {owner.email}; Dynamics sets its own.",
    )
    outcome = await drafted(shop, Situation("nobody", [(ITEM, {})], {}, rules, known))
    assert outcome.notes == ("No rule gives an order taker for the owner nobody; Dynamics sets its own.",)
    outcome = await drafted(shop, Situation("no such worker", [(ITEM, {})], deal, rules, wrong))
    assert outcome.cause == "order.worker_unknown"
    assert "gives the personnel number 999999, which no worker in Dynamics has" in outcome.message
    assert (await drafted(shop, Situation("no rules", [(ITEM, {})], deal))).notes == ()

    missing = {"error": {"message": "Not here."}}
    shop.fault("dynamics", "status", "GET", "/data/EmployeesV2", status=403, body=missing, times=0)
    outcome = await drafted(shop, Situation("not readable", [(ITEM, {})], deal, rules, wrong))
    assert outcome.header(*PEOPLE) == ("999999", "000002")
    assert "not checked" in outcome.rule(PEOPLE[0])


async def test_all_terms_stand_on_the_order_that_is_placed(shop: Office) -> None:
    """F&O takes each of them under the name it is sent by."""
    await _address(shop, "US-001", "L1", "Gate 2")
    path = shop.home / "mappings" / "orders.yaml"
    rules = "  order_taker: [{value: '000001'}]\n  site: [{value: '1'}]"
    path.write_text(with_rules(path.read_text(), rules))
    soon = _day(shop, 9)
    terms = {
        "d365_customer_po": "PO-77",
        "d365_requested_date": soon,
        "d365_delivery_address": "Gate 2",
    }
    deal = await sold(shop, (ITEM, {}), win=True, **terms)
    await approved(shop, deal)
    [order] = shop.orders()
    names = (
        "CustomerRequisitionNumber",
        SHIPPING,
        "DeliveryAddressLocationId",
        PEOPLE[0],
        "DefaultShippingSiteId",
    )
    assert [order[name] for name in names] == ["PO-77", f"{soon}T12:00:00Z", "L1", "000001", "1"]
    [line] = shop.lines()
    assert (line[SHIPPING], line["ShippingSiteId"]) == (f"{soon}T12:00:00Z", "1")
    assert order["LanguageId"] == "en-US"
