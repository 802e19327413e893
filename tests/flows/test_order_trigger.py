"""Which won deals are taken up, how long they are left alone, and who lets a complete draft go."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.flows import order_flow
from ml_connector.app.replay import replay
from ml_connector.engine.advance import reopen
from ml_connector.engine.pace import Pace
from ml_connector.flows.orders.draft.resolved import STEPS
from ml_connector.twin.hubspot import search as twin_search

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, approved, sellable, sold
else:
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path
    from selling import ITEM, approved, sellable, sold

LONG_AGO = "2026-01-01T00:00:00.000Z"
QUIET = {"orders": {"quiet_minutes": 10}}


def automatic(**further: Any) -> dict[str, Any]:
    return {"orders": {"quiet_minutes": 0, "release": "automatic", **further}}


def lines_are_old(shop: Office) -> None:
    """No line has changed for a long time: only what comes and goes can be news."""
    for record in shop.twins.pair.hubspot.portal.tables["line_items"].all_live():
        record.updated_at = LONG_AGO


# --- the quiet period ---


@ON_BOTH_DATABASES
async def test_a_company_or_a_line_that_comes_during_the_quiet_period_begins_it_anew(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Neither moves a time that the deal or an old line would show."""
    shop = await sellable(await start(settings=QUIET))
    second = await shop.customer("usmf:US-002")
    await shop.sync("customers")
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    for added in ("company", "line"):
        if added == "company":
            await shop.associate("deals", deal, "companies", shop.company_id(second), 341)
        else:
            await shop.new_line(deal, ITEM)
        lines_are_old(shop)
        await shop.due_now(deal)
        assert await shop.figures("orders") == {"read": 1, "waiting": 1}
        process = await shop.process(deal)
        assert process.step == "quiet", added
        assert process.due_at is not None
        assert process.due_at > shop.around.clock.now()
    lines_are_old(shop)
    await shop.due_now(deal)
    await shop.figures("orders")
    assert (await shop.process(deal)).step == "release"


async def test_a_deal_that_left_won_before_its_quiet_period_ended_is_ignored_quietly(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Nothing stands on it, nothing is parked; won once more it begins again."""
    shop = await sellable(await start(settings=QUIET))
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    shop.rep_changes("deals", deal, dealstage=shop.open_stage())
    await shop.due_now(deal)
    mark = shop.mark()
    assert (await shop.figures("orders"))["skipped"] == 1
    assert (await shop.process(deal)).state == "ignored"
    assert await shop.stuck("orders") == {}
    assert shop.writes(mark) == []
    assert await shop.figures("orders") == {}

    shop.win(deal)
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    lines_are_old(shop)
    await shop.due_now(deal)
    await shop.figures("orders")
    assert (await shop.process(deal)).step == "release"


async def test_a_deal_edited_while_it_waits_for_approval_is_looked_at_again_only_when_it_is_quiet(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """However many other deals change meanwhile: the time to look is kept with the deal."""
    shop = await sellable(await start(settings=QUIET))
    deal = await sold(shop, (ITEM, {"quantity": "2"}))
    await shop.figures("orders")
    lines_are_old(shop)
    await shop.due_now(deal)
    await shop.figures("orders")
    shop.rep_changes("line_items", shop.line_of(deal), quantity="5")
    shop.rep_changes("deals", deal, dealname="Pumps for the mill, five")
    await shop.figures("orders")
    assert (await show_deal(shop.at, deal))["total"] == "200.00"
    await shop.due_now(deal)
    await shop.figures("orders")
    assert (await show_deal(shop.at, deal))["total"] == "500.00"


async def test_hubspots_word_that_a_deal_is_won_is_checked_against_its_stage(shop: Office) -> None:
    """HubSpot says won for a deal in a stage that loses deals: nobody guesses."""
    deal = await sold(shop, (ITEM, {}))
    record = next(row for row in shop.records("deals") if row["id"] == deal)
    record["properties"] |= {"dealstage": "closedlost", "hs_is_closed_won": "true", "hs_is_closed": "true"}
    shop.fault("hubspot", "status", "GET", f"/deals/{deal}", status=200, body=record, times=0)
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn, stuck.detail["step"]) == ("order.stage_unclear", "it", "gather")


async def test_only_deals_of_the_chosen_pipelines_are_taken_up(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await sellable(await start())
    first, second = list(shop.twins.pair.hubspot.portal.pipelines.all)[:2]
    there = shop.twins.pair.hubspot.portal.pipelines.all[second]
    deal = await sold(shop, (ITEM, {}), pipeline=second, dealstage=there.stages[0].id)
    async with shop.opened(orders={"quiet_minutes": 0, "pipelines": [first]}) as place:
        flow = await order_flow(place)
        assert there.won_stage().id not in await flow.won_deals.won_stages()
        async with aclosing(flow.triggers(None)) as pages:
            assert [one async for page in pages for one in page.triggers if one.holds] == []
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert (await shop.process(deal)).step == "release"


# --- found by search ---


async def test_a_search_finds_every_deal_however_many_share_one_moment(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a search gives at all changed in the same millisecond; the cap of 10,000 is 300 here."""
    monkeypatch.setattr(twin_search, "MOST_RESULTS", 300)
    shop = await start(switches={"search_lag_s": "0"}, settings={"orders": {"list_up_to": 0}})
    table = shop.twins.pair.hubspot.portal.tables["deals"]
    won = {"dealname": "One of many", "pipeline": "default", "dealstage": "closedwon"}
    at = stamp(shop.around.clock.now() + timedelta(seconds=1))
    entered = {"hs_v2_date_entered_closedwon": at}
    many = [str(table.insert(won | entered, at, "IMPORT", keep=False).id) for _ in range(650)]
    later = stamp(shop.around.clock.now() + timedelta(seconds=2))
    many.append(
        str(table.insert(won | {"hs_v2_date_entered_closedwon": later}, later, "IMPORT", keep=False).id)
    )
    flow = await order_flow(shop.at)
    found: set[str] = set()
    watermark = None
    async with aclosing(flow.triggers(None)) as pages:
        async for page in pages:
            found |= {one.subject for one in page.triggers if one.holds}
            watermark = page.watermark or watermark
    assert found == set(many)
    assert watermark is not None
    assert stamp(datetime.fromisoformat(watermark)) == later


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


async def test_a_deal_that_search_shows_late_is_found_by_the_overlap(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The one won later is seen first: the watermark has passed the one that search still hides."""
    shop = await sellable(
        await start(
            switches={"search_lag_s": "0"}, settings={"orders": {"quiet_minutes": 0, "list_up_to": 0}}
        )
    )
    hidden = await sold(shop, (ITEM, {}))
    table = shop.twins.pair.hubspot.portal.tables["deals"]
    record = table.records[int(hidden)]
    table._by_change.pop(record.id)
    seen = await sold(shop, (ITEM, {}))
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    table._by_change = {record.id: None, **table._by_change}
    assert (await shop.figures("orders"))["read"] == 2
    assert {(await shop.process(deal)).step for deal in (hidden, seen)} == {"release"}


# --- who lets it go ---


async def test_a_deal_that_another_program_made_already_won_waits_for_a_person_even_when_nobody_is_asked(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await sellable(await start(settings=automatic()))
    company = shop.company_id("usmf:US-001")
    born_won = await shop.new_deal(company, dealstage="closedwon")
    await shop.new_line(born_won, ITEM)
    usual = await sold(shop, (ITEM, {}))
    assert await shop.figures("orders") == {"read": 2, "created": 1, "waiting": 1}
    assert (await shop.process(usual)).state == "done"
    asked = await shop.process(born_won)
    assert (asked.step, asked.release) == ("release", "asked")
    assert "another program" in asked.message
    assert "another program" in shop.deal(born_won)["d365_order_message"]
    assert (await approve_deal(shop.at, born_won, by="Kim"))["state"] == "done"


async def test_an_order_above_the_amount_waits_for_a_person_with_the_reason(
    start: Callable[..., Awaitable[Office]],
) -> None:
    shop = await sellable(await start(settings=automatic(most_amount=500)))
    small = await sold(shop, (ITEM, {"price": "500"}))
    large = await sold(shop, (ITEM, {"price": "500.01"}))
    assert await shop.figures("orders") == {"read": 2, "created": 1, "waiting": 1}
    assert (await shop.process(small)).state == "done"
    assert "more than 500 waits for a person" in (await shop.process(large)).message
    assert (await approve_deal(shop.at, large, by="Kim"))["state"] == "done"


@ON_BOTH_DATABASES
async def test_more_orders_in_an_hour_than_set_wait_for_a_person(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Those held stay held in the next pass, and go when somebody approves them."""
    shop = await sellable(await start(settings=automatic(most_in_an_hour=2)))
    deals = [await sold(shop, (ITEM, {})) for _ in range(3)]
    assert await shop.figures("orders") == {"read": 3, "created": 2, "waiting": 1}
    [held] = [deal for deal in deals if (await shop.process(deal)).state == "waiting"]
    assert "2 orders were released within an hour" in (await shop.process(held)).message
    assert (await shop.figures("orders"))["waiting"] == 1
    assert len(shop.orders()) == 2
    assert (await approve_deal(shop.at, held, by="Kim"))["state"] == "done"


def test_the_usual_pace_is_three_times_the_busiest_hour_that_is_over_and_never_under_25() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    pace = Pace()
    for minute in range(40):
        pace.forget(noon + timedelta(minutes=minute))
        pace.count(noon + timedelta(minutes=minute))
    assert sum(pace.slots.values()) == 40
    assert pace.most(0) == 25, "the hour that runs is no measure of itself"
    pace.forget(noon + timedelta(hours=3))
    assert (sum(pace.slots.values()), pace.most(0), pace.most(7)) == (0, 120, 7)
    assert Pace.from_details(pace.as_details()) == pace


# --- what is told ---


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def test_the_nine_steps_are_told_by_their_names_with_what_came_in_and_out(shop: Office) -> None:
    deal = await sold(shop, (ITEM, {"quantity": "2"}))
    await shop.figures("orders")
    steps = (await show_deal(shop.at, deal))["steps"]
    assert [step["step"] for step in steps] == list(STEPS)
    assert [step["state"] for step in steps] == ["done"] * 7 + ["here", "open"]
    assert "US-001" in steps[2]["gave"]
    assert "2 x 100 = 200.00 USD" in steps[4]["gave"]
    await approve_deal(shop.at, deal, by="Kim")
    steps = (await show_deal(shop.at, deal))["steps"]
    assert {step["state"] for step in steps} == {"done"}
    assert steps[7]["gave"] == f"order {shop.orders()[0]['SalesOrderNumber']}"
    assert all(step["took"] and step["gave"] for step in steps)


async def test_a_parked_deal_says_at_which_step(shop: Office) -> None:
    deal = await sold(shop, ("NO-SUCH", {}))
    await shop.figures("orders")
    assert (await shop.stuck("orders"))[deal].detail["step"] == "products"
    here = [step["step"] for step in (await show_deal(shop.at, deal))["steps"] if step["state"] == "here"]
    assert here == ["products"]


async def test_a_deal_shows_that_it_is_being_placed_before_anything_is_written(shop: Office) -> None:
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    mark = shop.mark()
    await approve_deal(shop.at, deal, by="Kim")
    first = shop.writes(mark)[0]
    assert (first.side, first.body["properties"]["d365_order_status"]) == ("hubspot", "Placing")


async def test_a_won_deal_that_no_pass_has_seen_begins_by_hand(shop: Office) -> None:
    """Also one that was won before the flow went live."""
    deal = await sold(shop, (ITEM, {}))
    await shop.switch_off_and_on("orders")
    assert await shop.figures("orders") == {}
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert (result.outcome, (await shop.process(deal)).step) == ("waiting", "release")


async def test_an_order_that_was_placed_and_told_is_not_looked_at_for_ever(shop: Office) -> None:
    """Our own words on the deal move it once: after one more look there is nothing to read."""
    deal = await sold(shop, (ITEM, {}))
    await approved(shop, deal)
    await shop.figures("orders")
    calls = shop.calls("hubspot")
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert [target for target in calls if f"/deals/{deal}" in target] == []


async def test_a_replay_whose_process_dies_at_once_is_taken_up_by_the_next_pass(office: Office) -> None:
    shop = await sellable(office)
    deal = await sold(shop, ("NO-SUCH-SKU", {}))
    await shop.figures("orders")
    shop.rep_changes("line_items", shop.line_of(deal), hs_sku=ITEM)
    await reopen(await order_flow(shop.at), shop.at.engine, await shop.process(deal))  # and then it died
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert (await shop.process(deal)).step == "release"
