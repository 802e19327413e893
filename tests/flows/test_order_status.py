"""What became of placed orders in F&O stands on their deals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.home import init
from ml_connector.app.replay import replay
from ml_connector.flows.order_status import source
from ml_connector.settings import load_settings
from ml_connector.store import links, processes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office, connect
    from tests.flows.selling import ITEM, OTHER_ITEM, approved, sellable, sold
else:
    from office import ON_BOTH_DATABASES, Office, connect  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, approved, sellable, sold

HEADERS = "SalesOrderHeadersV2"
LISTS = rf"/data/{HEADERS}\?"  # headers asked for by a filter, not by their key
OURS = ("d365_order_status", "d365_requested_ship_date", "d365_confirmed_ship_date")
LINES = ((ITEM, {"quantity": "4"}), (OTHER_ITEM, {"quantity": "2"}))


@pytest.fixture
async def shop(office: Office) -> Office:
    """One customer and the products stand in HubSpot."""
    return await sellable(office)


async def placed(shop: Office, *, legal_entity: str = "usmf") -> str:
    """A deal of two lines with its order."""
    deal = await sold(shop, *LINES, companies=[shop.company_id(f"{legal_entity}:US-001")])
    await approved(shop, deal)
    return deal


async def order_of(shop: Office, deal: str) -> tuple[str, str]:
    """Legal entity and number of a deal's order."""
    result = (await shop.process(deal)).result
    return result["legal_entity"], result["number"]


async def people(shop: Office, deal: str, act: str, **how: Any) -> None:
    """What people in F&O do to the deal's order."""
    shop.twins.pair.act_on_order(act, *(await order_of(shop, deal)), how)


async def removed(shop: Office, deal: str) -> None:
    """Somebody deletes the order in F&O."""
    shop.twins.pair.remove(HEADERS, ":".join(await order_of(shop, deal)))


def shown(shop: Office, deal: str) -> str:
    return str(shop.deal(deal).get("d365_order_status") or "")


def written(shop: Office, since: int) -> list[tuple[str, str, dict[str, Any]]]:
    """What reached either side since the mark: method, deal and properties of each change, in any order."""
    found = []
    for row in shop.writes(since):
        assert (row.side, row.method, row.path.rpartition("deals")[2]) == ("hubspot", "POST", "/batch/update")
        inputs = (json.loads(row.body) if isinstance(row.body, str | bytes) else row.body)["inputs"]
        found += [("update", one["id"], one["properties"]) for one in inputs]
    return found


def today(shop: Office) -> str:
    return shop.around.clock.now().date().isoformat()


# --- the ten statuses ---

Acts = tuple[tuple[str, dict[str, Any]], ...]
JOURNEYS: dict[str, Acts] = {
    "Open": (),
    "Confirmed": (("confirm", {}),),
    "Picked": (("confirm", {}), ("pick", {})),
    "Partly delivered": (("deliver", {"share": "partly"}),),
    "Delivered": (("deliver", {}),),
    "Partly invoiced": (("invoice", {"share": "partly"}),),
    "Delivered and partly invoiced": (("deliver", {}), ("invoice", {"share": "partly"})),
    "Invoiced": (("invoice", {}),),
    "Cancelled": (("cancel", {}),),
}


@pytest.mark.parametrize("status", JOURNEYS)
async def test_linked_open_orders_show_how_far_they_are(shop: Office, status: str) -> None:
    """Open, Confirmed, Picked, Partly delivered, Delivered, Partly invoiced, Delivered and partly invoiced,
    Invoiced, Cancelled: on the deal, and a second run writes nothing."""
    deal = await placed(shop)
    for act, how in JOURNEYS[status]:
        await people(shop, deal, act, **how)
    assert await shop.figures("order_status") == {"read": 1, "updated": 1}
    assert shown(shop, deal) == status

    mark = shop.mark()
    assert await shop.figures("order_status") == {"read": 1, "unchanged": 1}
    assert shop.writes(mark) == []
    await shop.verified()


@ON_BOTH_DATABASES
async def test_an_order_goes_its_way_and_the_deal_follows_with_requested_and_confirmed_ship_date(
    office: Office,
) -> None:
    """Each step is one write of our own three properties; the audit tells before and after."""
    shop = await sellable(office)
    deal = await placed(shop)
    later = (shop.around.clock.now() + timedelta(days=9)).date().isoformat()
    mark = shop.mark()
    assert await shop.figures("order_status") == {"read": 1, "updated": 1}
    first = {"d365_order_status": "Open", "d365_requested_ship_date": today(shop)}
    assert written(shop, mark) == [("update", deal, first)]

    await people(shop, deal, "change", date=later)
    await people(shop, deal, "confirm")
    mark = shop.mark()
    assert await shop.figures("order_status") == {"read": 1, "updated": 1}
    second = dict(zip(OURS, ("Confirmed", later, later), strict=True))
    assert written(shop, mark) == [("update", deal, second)]
    assert {name: shop.deal(deal)[name] for name in OURS} == second
    assert (await shop.changes("order_status", deal))[-1] == {
        "d365_order_status": ["Open", "Confirmed"],
        "d365_requested_ship_date": [today(shop), later],
        "d365_confirmed_ship_date": [None, later],
    }
    await shop.verified()


async def test_no_amount_posted_invoice_or_voucher_number_is_even_read(shop: Office) -> None:
    """Never amounts posted, never invoice or voucher numbers: they are not among the fields asked for."""
    deal = await placed(shop)
    await people(shop, deal, "invoice")
    asked = shop.calls("dynamics")
    await shop.figures("order_status")
    [target] = [each for each in asked if HEADERS in each]
    select = target.partition("%24select=")[2] or target.partition("$select=")[2]
    assert set(select.partition("&")[0].replace("%2C", ",").split(",")) == set(source.FIELDS)
    assert not any(word in select for word in ("Amount", "Invoice", "Voucher"))


async def test_placing_and_status_do_not_take_turns_on_the_deal(shop: Office) -> None:
    """The orders flow writes "Open" once; from then on the status is this flow's."""
    deal = await placed(shop)
    await people(shop, deal, "deliver")
    await shop.figures("order_status")
    mark = shop.mark()
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    assert await shop.figures("order_status") == {"read": 1, "unchanged": 1}
    assert shop.writes(mark) == []
    assert shown(shop, deal) == "Delivered"


async def test_a_deal_whose_order_waits_is_left_alone(shop: Office) -> None:
    deal = await sold(shop, *LINES)
    await shop.figures("orders")
    mark = shop.mark()
    assert await shop.figures("order_status") == {}
    assert shop.writes(mark) == []
    assert shown(shop, deal) == "Awaiting approval"


async def test_a_deal_that_has_not_been_told_its_number_yet_is_left_to_the_orders_flow(shop: Office) -> None:
    """Placed, but not written back: the deal's properties are still in the hands of the process."""
    deal = await sold(shop, *LINES)
    await shop.figures("orders")
    shop.fault("hubspot", "status", "PATCH", f"/deals/{deal}", status=503, times=0)
    assert (await approve_deal(shop.at, deal, by="Kim"))["step"] == "write back"
    shop.mended()
    mark = shop.mark()
    assert await shop.figures("order_status") == {}
    assert shop.writes(mark) == []


async def test_a_deal_lost_after_the_order_still_shows_its_status(shop: Office) -> None:
    deal = await placed(shop)
    shop.twins.pair.set_deal_stage(deal, "closedlost")
    await people(shop, deal, "deliver")
    await shop.figures("order_status")
    assert shown(shop, deal) == "Delivered"


# --- not in Dynamics ---


@ON_BOTH_DATABASES
async def test_an_order_absent_from_two_runs_is_marked_not_in_dynamics_and_never_deleted(
    office: Office,
) -> None:
    shop = await sellable(office)
    kept, deal = await placed(shop), await placed(shop)
    await shop.figures("order_status")
    stood = {name: shop.deal(deal).get(name) for name in OURS}
    await removed(shop, deal)
    mark = shop.mark()
    assert await shop.figures("order_status") == {"read": 2, "unchanged": 2}
    assert shop.writes(mark) == []
    assert await shop.figures("order_status") == {"read": 2, "updated": 1, "unchanged": 1}
    assert {name: shop.deal(deal).get(name) for name in OURS} == stood | {
        "d365_order_status": "Not in Dynamics"
    }
    assert shown(shop, kept) == "Open"
    note = orjson.loads((await shop.story("order_status", deal))[-1].payload)["notes"]
    assert note == [f"Order {(await order_of(shop, deal))[1]} in usmf was missing in two runs."]

    mark, asked = shop.mark(), shop.calls("dynamics")
    for _ in range(3):
        assert await shop.figures("order_status") == {"read": 2, "unchanged": 2}
    assert shop.writes(mark) == []
    assert len([each for each in asked if HEADERS in each]) == 3  # it is not asked for by key any more
    await shop.verified()


async def test_an_order_gone_before_its_first_status_is_marked_by_the_second_run(shop: Office) -> None:
    await placed(shop)
    deal = await placed(shop)
    await removed(shop, deal)
    await shop.figures("order_status")
    assert shown(shop, deal) == "Open"
    await shop.figures("order_status")
    assert shown(shop, deal) == "Not in Dynamics"


@pytest.mark.parametrize("runs", [1, 3])
async def test_an_empty_answer_marks_nothing_however_often_it_comes(shop: Office, runs: int) -> None:
    """A short or odd read is never a mass change: the order is asked for by its key before it is believed gone."""
    deal = await placed(shop)
    await shop.figures("order_status")
    mark = shop.mark()
    shop.fault("dynamics", "status", "GET", LISTS, status=200, body={"value": []}, times=0)
    for _ in range(runs):
        assert await shop.figures("order_status") == {"read": 1, "unchanged": 1}
    shop.mended()
    assert await shop.figures("order_status") == {"read": 1, "unchanged": 1}
    assert shop.writes(mark) == []
    assert shown(shop, deal) == "Open"


async def test_a_truncated_answer_marks_nothing_however_often_it_comes(shop: Office) -> None:
    kept, left_out = await placed(shop), await placed(shop)
    await shop.figures("order_status")
    number = (await order_of(shop, kept))[1]
    rows = [row for row in shop.orders() if row["SalesOrderNumber"] == number]
    body = {"value": [{name: rows[0][name] for name in source.FIELDS}]}
    shop.fault("dynamics", "status", "GET", LISTS, status=200, body=body, times=0)
    mark = shop.mark()
    for _ in range(3):
        assert await shop.figures("order_status") == {"read": 2, "unchanged": 2}
    assert shop.writes(mark) == []
    assert shown(shop, left_out) == "Open"


async def test_a_legal_entity_that_answers_no_order_at_all_marks_nothing(shop: Office) -> None:
    """The app may have lost its access to it: rows then vanish without an error, by key as well."""
    await shop.customer("ussi:US-001")
    await shop.figures("customers")
    deals = [await placed(shop), await placed(shop, legal_entity="ussi")]
    await shop.figures("order_status")
    await removed(shop, deals[1])
    mark = shop.mark()
    for _ in range(3):
        assert await shop.figures("order_status") == {"read": 2, "unchanged": 2}
    assert shop.writes(mark) == []
    assert [shown(shop, deal) for deal in deals] == ["Open", "Open"]


async def test_an_order_that_was_missed_once_and_is_back_is_simply_there(shop: Office) -> None:
    deal = await placed(shop)
    await shop.figures("order_status")
    shop.fault("dynamics", "status", "GET", LISTS, status=200, body={"value": []})
    await shop.figures("order_status")
    await people(shop, deal, "pick")
    assert await shop.figures("order_status") == {"read": 1, "updated": 1}
    assert shown(shop, deal) == "Picked"


# --- what stops one deal stops no other ---


@ON_BOTH_DATABASES
async def test_a_deal_that_is_gone_parks_alone_with_its_cause_and_comes_back_by_replay(
    office: Office,
) -> None:
    shop = await sellable(office)
    kept, gone = await placed(shop), await placed(shop)
    await shop.rep_asks("DELETE", f"/crm/v3/objects/deals/{gone}")
    assert await shop.figures("order_status") == {"read": 2, "updated": 1, "parked": 1}
    assert shown(shop, kept) == "Open"
    [row] = (await shop.stuck("order_status")).values()
    assert (row.key, row.cause, row.turn) == (gone, "order_status.deal_gone", "sales")

    mark = shop.mark()
    assert await shop.figures("order_status") == {"read": 2, "unchanged": 1, "parked": 1}
    assert shop.writes(mark) == []
    [result] = await replay(shop.at, [f"order_status/{gone}"])
    assert result.outcome == "parked"
    await people(shop, kept, "deliver")
    assert await shop.figures("order_status") == {"read": 2, "updated": 1, "parked": 1}
    assert shown(shop, kept) == "Delivered"
    await shop.verified()


async def test_a_deal_merged_into_another_after_the_order_parks_and_one_order_stays_one_order(
    shop: Office,
) -> None:
    deals = [await placed(shop), await placed(shop)]
    await shop.figures("order_status")
    primary, other = deals
    body = {"primaryObjectId": primary, "objectIdToMerge": other}
    await shop.rep_asks("POST", "/crm/v3/objects/deals/merge", body)
    for deal in deals:
        await people(shop, deal, "confirm")
    figures = await shop.figures("order_status")
    assert figures["read"] == figures["parked"] + figures.get("updated", 0) == 2
    stuck = await shop.stuck("order_status")
    assert other in stuck
    assert {row.cause for row in stuck.values()} == {"order_status.deal_gone"}
    assert len(shop.orders()) == 2


@pytest.mark.parametrize(
    ("strange", "cause"),
    [
        ({"SalesOrderProcessingStatus": "Reserved"}, "order_status.unknown"),
        ({"SalesOrderStatus": "Suspended"}, "order_status.unknown"),
        ({"SalesOrderStatus": "Backorder", "SalesOrderProcessingStatus": "Canceled"}, "order_status.unknown"),
        ({"RequestedShippingDate": "soon"}, "mapping.value"),
    ],
)
async def test_what_dynamics_says_and_we_do_not_know_parks_and_is_never_guessed(
    shop: Office, strange: dict[str, str], cause: str
) -> None:
    deal = await placed(shop)
    await shop.figures("order_status")
    stands = {name: each for name, each in shop.orders()[0].items() if name in source.FIELDS}
    body = {"value": [stands | strange]}
    shop.fault("dynamics", "status", "GET", LISTS, status=200, body=body)
    mark = shop.mark()
    assert await shop.figures("order_status") == {"read": 1, "parked": 1}
    assert {key: row.cause for key, row in (await shop.stuck("order_status")).items()} == {deal: cause}
    assert shop.writes(mark) == []
    assert shown(shop, deal) == "Open"

    shop.mended()
    assert await shop.figures("order_status") == {"read": 1, "unchanged": 1}
    assert await shop.stuck("order_status") == {}


# --- nothing is mixed up ---


async def test_the_same_number_in_two_legal_entities_is_two_orders(shop: Office) -> None:
    """Legal entities never mix."""
    await shop.customer("ussi:US-001")
    await shop.figures("customers")
    here, there = await placed(shop), await placed(shop, legal_entity="ussi")
    orders = [await order_of(shop, deal) for deal in (here, there)]
    assert orders == [("usmf", orders[0][1]), ("ussi", orders[0][1])]
    await people(shop, there, "cancel")
    assert await shop.figures("order_status") == {"read": 2, "updated": 2}
    assert (shown(shop, here), shown(shop, there)) == ("Open", "Cancelled")

    await removed(shop, here)
    other = await placed(shop)  # so that usmf still answers an order
    await shop.figures("order_status")
    await shop.figures("order_status")
    assert [shown(shop, deal) for deal in (here, there, other)] == ["Not in Dynamics", "Cancelled", "Open"]


async def test_two_connections_in_one_database_see_their_own_orders_only(shop: Office) -> None:
    mine, theirs = await placed(shop), await placed(shop)
    around, url = shop.around, shop.database_url
    await init(load_settings(home=shop.home, database_url=url, allow_local=True, connection="other"), around)
    async with shop.opened(connection="other") as other:
        await connect(other, shop.twins)
        process = await shop.process(theirs)
        async with shop.at.store.write() as tx:  # theirs changes hands
            moved = replace(process, process_id="moved", result=process.result)
            await processes.put(tx, other.connection.connection_id, moved, other.vault)
            await processes.put(
                tx, shop.at.connection.connection_id, replace(process, state="ignored"), shop.at.vault
            )
        own, shop.place = shop.at, other
        assert await shop.figures("order_status") == {"read": 1, "updated": 1}
        shop.place = own
        assert await shop.figures("order_status") == {"read": 1, "updated": 1}
        async with own.store.read() as tx:
            ids = (own.connection.connection_id, other.connection.connection_id)
            linked = [await links.many(tx, cid, "order_status", [mine, theirs]) for cid in ids]
        assert [list(each) for each in linked] == [[mine], [theirs]]


# --- how much is read ---


async def test_orders_are_read_in_few_calls_and_page_by_page(
    shop: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is that of a page: each page asks F&O once for its numbers."""
    deals = [await placed(shop) for _ in range(5)]
    asked = shop.calls("dynamics")
    assert await shop.figures("order_status") == {"read": 5, "updated": 5}
    assert len([each for each in asked if HEADERS in each]) == 1

    monkeypatch.setattr(source, "ORDERS_A_PAGE", 2)
    asked.clear()
    assert await shop.figures("order_status") == {"read": 5, "unchanged": 5}
    assert len([each for each in asked if HEADERS in each]) == 3
    assert [shown(shop, deal) for deal in deals] == ["Open"] * 5


async def test_a_run_that_was_interrupted_goes_on_behind_the_last_deal_it_covered(
    shop: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "ORDERS_A_PAGE", 2)
    deals = sorted([await placed(shop) for _ in range(5)])
    await shop.figures("order_status")
    for deal in deals:
        await people(shop, deal, "pick")
    shop.fault("dynamics", "status", "GET", LISTS, status=503, skip=2, times=0)
    report = (await shop.sync("order_status"))["order_status"]
    assert report.error is not None
    assert [shown(shop, deal) for deal in deals[4:]] == ["Open"]
    shop.mended()
    await shop.figures("order_status")
    assert [shown(shop, deal) for deal in deals] == ["Picked"] * 5


@pytest.mark.parametrize(("final_days", "read"), [(30, 2), (0, 1)])
async def test_an_order_that_came_to_its_end_is_read_for_final_days_and_then_no_more(
    start: Callable[..., Awaitable[Office]], final_days: float, read: int
) -> None:
    """Invoiced and cancelled orders do not weigh on each run for ever; replay still reads them."""
    shop = await sellable(await start(settings={"order_status": {"final_days": final_days}}))
    open_one, ended = await placed(shop), await placed(shop)
    await people(shop, ended, "invoice")
    await shop.figures("order_status")
    assert await shop.figures("order_status") == {"read": read, "unchanged": read}
    assert (shown(shop, open_one), shown(shop, ended)) == ("Open", "Invoiced")
    [result] = await replay(shop.at, [f"order_status/{ended}"])
    assert result.outcome == "done"


# --- what people see ---


async def test_the_deal_links_to_the_list_of_orders_in_the_right_company(shop: Office) -> None:
    """A link to F&O opens the list page in the right company; the number is shown to search for."""
    waiting, done = await sold(shop, *LINES), await placed(shop)
    url = shop.twins.announcement()["dynamics_url"]
    assert (await show_deal(shop.at, done))["in_dynamics"] == f"{url}/?cmp=USMF&mi=SalesTableListPage"
    assert (await show_deal(shop.at, waiting))["in_dynamics"] is None
