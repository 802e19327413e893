"""What becomes of a deal after its order, and what a person decides about it: one order stays one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.choosing import read_choices
from ml_connector.app.deal_work import decide_deal, sweep_deals
from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.replay import replay
from ml_connector.errors import ConfigurationError, ConnectorError, SubjectLeftError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold
else:
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold

ONE_BY_ONE = {"orders": {"quiet_minutes": 0, "change_sets": "never"}}  # so that an order can stand half-way


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def ordered(shop: Office, *lines: tuple[str, dict[str, Any]]) -> str:
    """A deal with its order, and nothing left to look at."""
    deal = await sold(shop, *(lines or ((ITEM, {"quantity": "2"}),)))
    await approved(shop, deal)
    await shop.figures("orders")
    assert await shop.stuck("orders") == {}
    return deal


async def decide(shop: Office, deal: str, what: Any, reason: str = "agreed") -> dict[str, Any]:
    return await decide_deal(shop.at, deal, [what], by="Kim", reason=reason)


async def test_a_deal_that_is_reopened_and_won_again_unchanged_is_nothing(shop: Office) -> None:
    deal = await ordered(shop)
    shop.rep_changes("deals", deal, dealstage=shop.open_stage())
    await shop.figures("orders")
    shop.win(deal)
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert (len(shop.orders()), shop.writes(mark), await shop.stuck("orders")) == (1, [], {})


async def test_deals_the_flow_knows_are_followed_when_it_was_off_in_between(shop: Office) -> None:
    """The go-live moment says which deals begin something, not which are watched."""
    placed, parked = await ordered(shop), await sold(shop, ("NO-SUCH-SKU", {}))
    await shop.figures("orders")
    await shop.switch_off_and_on("orders")
    shop.rep_changes("deals", placed, d365_customer_po="PO-9")
    shop.rep_changes("line_items", shop.line_of(parked), hs_sku=ITEM)
    assert await shop.figures("orders") == {"read": 2, "parked": 1, "waiting": 1}
    assert (await shop.stuck("orders"))[placed].cause == "order.changed_after"
    assert (await shop.process(parked)).step == "release"


@ON_BOTH_DATABASES
async def test_a_deal_edited_after_its_order_waits_for_a_person_and_the_order_is_not_touched(
    office: Office,
) -> None:
    """What changed is told in words, here and on the deal; a second pass says nothing new."""
    shop = await sellable(office)
    deal = await ordered(shop)
    shop.rep_changes("line_items", shop.line_of(deal), quantity="3")
    shop.rep_changes("deals", deal, d365_customer_po="PO-9")
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.changed_after", "sales")
    assert "line 'A line' quantity: 2 -> 3" in stuck.message
    assert "customer's order number: (nothing) -> PO-9" in stuck.message
    assert shop.deal(deal)["d365_order_message"] == stuck.message
    assert shop.deal(deal)["d365_order_status"] == "Open"
    assert {row.side for row in shop.writes(mark)} == {"hubspot"}
    assert [line["OrderedSalesQuantity"] for line in shop.lines()] == [2]
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    assert shop.writes(mark) == []
    await shop.verified()


@pytest.mark.parametrize("decision", ["keep", "handled"])
async def test_a_person_keeps_the_order_and_is_not_asked_again_until_the_deal_changes_once_more(
    shop: Office, decision: str
) -> None:
    deal = await ordered(shop)
    shop.rep_changes("line_items", shop.line_of(deal), quantity="3")
    shop.rep_changes("deals", deal, dealname="Pumps, three")
    await shop.figures("orders")
    with pytest.raises(ConfigurationError, match="needs its reason"):
        await decide(shop, deal, decision, " ")
    seen = await decide(shop, deal, decision)
    assert (seen["state"], seen["message"]) == ("done", "")
    assert await shop.stuck("orders") == {}
    assert not shop.deal(deal).get("d365_order_message")
    for _ in range(2):
        assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    story = (await show_deal(shop.at, deal))["story"]
    [told] = [event for event in story if event["kind"] == "decided"]
    assert (told["decision"], told["by"], told["reason"]) == (decision, "Kim", "agreed")

    shop.rep_changes("line_items", shop.line_of(deal), quantity="4")
    shop.rep_changes("deals", deal, dealname="Pumps, four")
    assert await shop.figures("orders") == {"read": 1, "parked": 1}


@ON_BOTH_DATABASES
async def test_placed_again_a_deal_becomes_a_second_order_with_a_reference_of_its_own(office: Office) -> None:
    """After a person has seen its draft; the first order stays as it is, and the deal shows the new one."""
    shop = await sellable(office)
    deal = await ordered(shop)
    shop.rep_changes("line_items", shop.line_of(deal), quantity="3")
    shop.rep_changes("deals", deal, dealname="Pumps, three")
    await shop.figures("orders")
    asked = await decide(shop, deal, "again", "ordered once more")
    assert (asked["state"], asked["step"], asked["total"]) == ("waiting", "release", "300.00")
    assert "revision 2" in asked["message"]
    assert len(shop.orders()) == 1
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    first, second = sorted(shop.orders(), key=lambda order: order["SalesOrderNumber"])
    assert second["CustomersOrderReference"] == f"{first['CustomersOrderReference']}-R2"
    quantities = {line["SalesOrderNumber"]: line["OrderedSalesQuantity"] for line in shop.lines()}
    assert quantities == {first["SalesOrderNumber"]: 2, second["SalesOrderNumber"]: 3}
    assert shop.deal(deal)["d365_sales_order_number"] == second["SalesOrderNumber"]
    assert (await show_deal(shop.at, deal))["revision"] == 2
    for _ in range(2):
        assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert len(shop.orders()) == 2
    await shop.verified()


async def test_a_deal_that_is_not_won_cannot_be_placed_again(shop: Office) -> None:
    deal = await ordered(shop)
    shop.rep_changes("deals", deal, dealstage=shop.open_stage())
    with pytest.raises(SubjectLeftError, match="is not won"):
        await decide(shop, deal, "again")
    assert len(shop.orders()) == 1


async def test_a_deal_lost_after_its_order_is_flagged_and_won_again_it_is_as_before(shop: Office) -> None:
    deal = await ordered(shop)
    shop.twins.pair.set_deal_stage(deal, "closedlost")
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await shop.stuck("orders"))[deal]
    assert stuck.cause == "order.lost_after"
    assert shop.orders()[0]["SalesOrderNumber"] in stuck.message
    assert shop.deal(deal)["d365_order_message"] == stuck.message
    shop.win(deal)
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert await shop.stuck("orders") == {}
    assert not shop.deal(deal).get("d365_order_message")
    assert len(shop.orders()) == 1


async def test_a_deal_deleted_after_its_order_is_flagged_by_the_sweep(shop: Office) -> None:
    deal = await ordered(shop)
    await shop.rep_asks("DELETE", f"/crm/v3/objects/deals/{deal}")
    await sweep_deals(shop.at)
    await shop.figures("orders")
    assert (await shop.stuck("orders"))[deal].cause == "order.deleted_after"
    assert len(shop.orders()) == 1
    await decide(shop, deal, "handled")
    await sweep_deals(shop.at)
    await shop.figures("orders")
    assert await shop.stuck("orders") == {}


async def test_a_flag_that_hubspot_did_not_take_is_told_with_a_later_pass(shop: Office) -> None:
    """And so is its end: nobody is left with words on the deal that are not true any more."""
    deal = await ordered(shop)
    shop.rep_changes("line_items", shop.line_of(deal), quantity="3")
    shop.rep_changes("deals", deal, dealname="Pumps, three")
    shop.fault("hubspot", "status", "PATCH", f"/deals/{deal}", status=503, times=0)
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    assert not shop.deal(deal).get("d365_order_message")
    shop.mended()
    await shop.due_now(deal)
    await shop.figures("orders")
    assert "quantity: 2 -> 3" in shop.deal(deal)["d365_order_message"]
    shop.fault("hubspot", "status", "PATCH", f"/deals/{deal}", status=503, times=0)
    await decide(shop, deal, "keep")
    shop.mended()
    await shop.due_now(deal)
    await shop.figures("orders")
    assert not shop.deal(deal).get("d365_order_message")
    assert (await shop.process(deal)).due_at is None


# --- merged deals ---


async def merge(shop: Office, primary: str, other: str) -> str:
    """The rep merges two deals; the id of the one that is left."""
    body = {"primaryObjectId": primary, "objectIdToMerge": other}
    return str((await shop.rep_asks("POST", "/crm/v3/objects/deals/merge", body))["id"])


@ON_BOTH_DATABASES
@pytest.mark.parametrize("ordered_is", ["primary", "other"])
async def test_the_winner_of_a_merge_keeps_the_one_order(office: Office, ordered_is: str) -> None:
    """Under a new id, and whichever of the two had it: no second order, and a person hears what was added."""
    shop = await sellable(office)
    deal = await ordered(shop)
    other = await sold(shop, (OTHER_ITEM, {}))
    await shop.figures("orders")
    pair = (deal, other) if ordered_is == "primary" else (other, deal)
    winner = await merge(shop, *pair)
    assert winner not in pair
    for _ in range(3):
        await shop.figures("orders")
    process = await shop.process(winner)
    assert (process.state, process.result["number"]) == ("done", shop.orders()[0]["SalesOrderNumber"])
    stuck = await shop.stuck("orders")
    assert {key: row.cause for key, row in stuck.items()} == {winner: "order.merged_after"}
    assert shop.deal(winner)["d365_sales_order_number"] == process.result["number"]
    assert len(shop.orders()) == 1
    await decide(shop, winner, "keep")
    for _ in range(2):
        assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert len(shop.orders()) == 1
    await shop.verified()


async def test_an_order_half_way_is_finished_for_the_winner_of_a_merge(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Its header stands under the reference of the deal that is gone: it is completed, not placed anew."""
    shop = await sellable(await start(settings=ONE_BY_ONE))
    deal = await sold(shop, (ITEM, {}), (OTHER_ITEM, {}))
    await shop.figures("orders")
    refused = {"error": {"message": "Write failed. Infolog: Error: The item is being counted."}}
    shop.fault("dynamics", "status", "POST", "SalesOrderLines", status=400, body=refused, skip=1)
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "parked"
    assert len(shop.lines()) == 1
    other = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    winner = await merge(shop, other, deal)
    await shop.figures("orders")
    assert (await shop.process(winner)).state == "done"
    assert (len(shop.orders()), len(shop.lines())) == (1, 2)


async def test_merged_deals_without_an_order_become_one(shop: Office) -> None:
    deals = [await sold(shop, (ITEM, {})) for _ in range(2)]
    await shop.figures("orders")
    winner = await merge(shop, *deals)
    await shop.figures("orders")
    assert {(await shop.process(deal)).state for deal in deals} == {"ignored"}
    assert (await approve_deal(shop.at, winner, by="Kim"))["state"] == "done"
    assert len(shop.orders()) == 1


async def test_two_deals_with_an_order_each_that_are_merged_wait_for_a_person(shop: Office) -> None:
    deals = [await ordered(shop), await ordered(shop)]
    winner = await merge(shop, *deals)
    for _ in range(2):
        await shop.figures("orders")
    stuck = (await shop.stuck("orders"))[winner]
    assert stuck.cause == "order.merged_orders"
    assert all(order["SalesOrderNumber"] in stuck.message for order in shop.orders())
    assert len(shop.orders()) == 2


# --- choices, and deals handled outside ---


@ON_BOTH_DATABASES
async def test_a_value_is_chosen_for_one_order_with_its_author_and_reason(office: Office) -> None:
    """The last choice of a field counts; it stands in the audit and behind the value, and nothing else is changed."""
    shop = await sellable(office)
    await shop.customer("usmf:US-002")
    deal = await sold(shop, (ITEM, {}), d365_customer_account="US-999")
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    for account in ("US-001", "US-002"):
        [result] = await replay(
            shop.at,
            [f"deals/{deal}"],
            choices=read_choices([f"account={account}"], by="Kim", reason="the branch"),
        )
        assert result.outcome == "waiting"
    shown = await show_deal(shop.at, deal)
    header = {field["name"]: (field["value"], field["rule"]) for field in shown["draft"]["header"]}
    assert header["OrderingCustomerAccountNumber"] == ("US-002", "chosen by Kim: the branch")
    assert [choice["value"] for choice in shown["choices"]] == ["US-001", "US-002"]
    chosen = [event for event in shown["story"] if event["kind"] == "chosen"]
    assert [event["choices"][0]["reason"] for event in chosen] == ["the branch"] * 2
    assert (await approve_deal(shop.at, deal, by="Kim"))["state"] == "done"
    assert shop.orders()[0]["OrderingCustomerAccountNumber"] == "US-002"
    assert shop.deal(deal)["d365_customer_account"] == "US-999"

    with pytest.raises(ConnectorError, match="nothing can be chosen"):
        await replay(
            shop.at, [f"deals/{deal}"], choices=read_choices(["account=US-001"], by="Kim", reason="no")
        )
    again = await decide(shop, deal, "again")
    assert (again["state"], again["cause"]) == ("parked", "order.customer_unknown"), (
        "the choice was for one order"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["acount=US-001"], "Did you mean 'account'"),
        (["item.=X"], "Nobody can choose"),
        (["account"], "is not FIELD=VALUE"),
        (["account="], "is not FIELD=VALUE"),
        (["d365_note=hello"], "Nobody can choose"),
    ],
)
def test_only_named_fields_can_be_chosen(words: list[str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_choices(words, by="Kim", reason="so")


def test_a_choice_needs_its_reason() -> None:
    with pytest.raises(ConfigurationError, match="needs its reason"):
        read_choices(["account=US-001"], by="Kim", reason=" ")


async def test_a_deal_handled_outside_is_closed_and_stays_so_until_it_is_replayed(shop: Office) -> None:
    deal = await sold(shop, (ITEM, {"recurringbillingfrequency": "monthly"}))
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    with pytest.raises(ConnectorError, match="waits for a decision"):
        await decide(shop, deal, "keep")
    seen = await decide(shop, deal, "handled", "entered by hand")
    assert (seen["state"], seen["message"]) == ("ignored", "Handled outside by Kim: entered by hand")
    assert await shop.stuck("orders") == {}
    assert not shop.deal(deal).get("d365_order_status")
    shop.rep_changes("deals", deal, dealname="Edited")
    assert await shop.figures("orders") == {"read": 1, "skipped": 1}
    shop.rep_changes("line_items", shop.line_of(deal), recurringbillingfrequency="")
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert (result.outcome, (await shop.process(deal)).step) == ("waiting", "release")
