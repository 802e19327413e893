"""An order is placed once, whatever becomes of the answers; over real sockets, the clock put forward past the waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deals import approve_deal
from ml_connector.app.replay import replay
from ml_connector.app.sync import sync
from ml_connector.engine.once import Patience
from ml_connector.store import operations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, OTHER_ITEM, sellable, sold
else:
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path
    from selling import ITEM, OTHER_ITEM, sellable, sold

HEADER, LINE, TOGETHER = "SalesOrderHeaders", "SalesOrderLines", "batch"
LOST: dict[str, dict[str, Any]] = {
    "committed, answer dropped": {"kind": "reset-after-commit"},
    "committed late": {"kind": "late-commit", "seconds": 0.3, "reset": True},
    "never arrived": {"kind": "reset-before"},
    "an error page instead of the answer": {"kind": "truncate"},
    "not available": {"kind": "status", "status": 503},
}
OFTEN = ("committed, answer dropped", "committed late")
WRITES = {
    "header": (HEADER, 0),
    "lines": (TOGETHER, 0),
}  # what is written, and how many such writes go before it
ONE_BY_ONE = {"first line": (LINE, 0), "last line": (LINE, 1)}


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def _asked(shop: Office) -> str:
    """A deal of two lines that waits for approval."""
    deal = await sold(shop, (ITEM, {"quantity": "2"}), (OTHER_ITEM, {"quantity": "3"}))
    await shop.figures("orders")
    return deal


async def _loses(shop: Office, write: str, how: dict[str, Any]) -> str:
    """Approve a deal of whose order one answer is lost: it waits, and a pass in between does not sleep."""
    deal = await _asked(shop)
    path, skip = (WRITES | ONE_BY_ONE)[write]
    order = dict(how)
    shop.fault("dynamics", order.pop("kind"), "POST", path, skip=skip, **order)
    waiting = await approve_deal(shop.at, deal, by="Kim")
    assert (waiting["state"], waiting["step"]) == ("waiting", "place")
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    due_at = (await shop.process(deal)).due_at
    assert due_at is not None
    assert shop.around.clock.now() < due_at
    return deal


def _one_order(shop: Office, deal: str) -> None:
    [order] = shop.orders()
    lines = [(line["ItemNumber"], line["OrderedSalesQuantity"]) for line in shop.lines()]
    assert lines == [(ITEM, 2), (OTHER_ITEM, 3)]
    assert {line["SalesOrderNumber"] for line in shop.lines()} == {order["SalesOrderNumber"]}
    assert shop.deal(deal)["d365_sales_order_number"] == order["SalesOrderNumber"]
    assert shop.deal(deal)["d365_order_status"] == "Open"


@pytest.mark.parametrize(
    ("write", "lost"),
    [
        *(("header", lost) for lost in LOST),
        *(("lines", lost) for lost in LOST),
        *(("first line", lost) for lost in OFTEN),
        *(("last line", lost) for lost in OFTEN),
    ],
)
async def test_an_answer_that_is_lost_makes_one_order_with_the_right_lines(
    start: Callable[..., Awaitable[Office]], write: str, lost: str
) -> None:
    change_sets = "auto" if write in WRITES else "never"
    orders = {"quiet_minutes": 0, "change_sets": change_sets}
    shop = await sellable(await start(settings={"orders": orders}))
    deal = await _loses(shop, write, LOST[lost])
    await shop.until_due(deal)
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    _one_order(shop, deal)
    assert await shop.figures("orders") == {"read": 1, "unchanged": 1}
    await shop.verified()


@ON_BOTH_DATABASES
async def test_all_answers_of_an_order_are_lost_one_after_the_other(office: Office) -> None:
    shop = await sellable(office)
    deal = await _loses(shop, "header", LOST["committed, answer dropped"])
    shop.fault("dynamics", "reset-before", "POST", TOGETHER)
    shop.fault("dynamics", "late-commit", "POST", TOGETHER, seconds=0.3, reset=True)
    for _ in range(2):
        await shop.until_due(deal)
        assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    await shop.until_due(deal)
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    _one_order(shop, deal)
    kinds = [row.kind for row in await shop.story("orders", deal) if "." in row.kind]
    assert kinds.count("header.adopted") == 1
    assert kinds.count("lines.adopted") == 1
    assert kinds.count("line.adopted") == 2
    await shop.verified()


async def test_a_write_that_may_still_land_is_looked_for_and_never_sent_again(shop: Office) -> None:
    """Somebody looks before the settle time is over: the order is not there yet, and nothing goes out."""
    deal = await _loses(shop, "header", {**LOST["committed late"], "seconds": 2.0})
    mark = shop.mark()
    await shop.due_now(deal)
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert not any(row.side == "dynamics" for row in shop.writes(mark))
    await shop.until_due(deal)
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    _one_order(shop, deal)


async def test_after_three_lost_attempts_a_person_decides_and_a_replay_begins_anew(shop: Office) -> None:
    deal = await _loses(shop, "header", {**LOST["never arrived"], "times": 0})
    for _ in range(2):
        await shop.until_due(deal)
        assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    await shop.until_due(deal)
    assert await shop.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await shop.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.unsure", "it")
    assert shop.orders() == []

    shop.mended()
    [result] = await replay(shop.at, [f"deals/{deal}"])
    assert result.outcome == "done"
    _one_order(shop, deal)
    await shop.verified()


@ON_BOTH_DATABASES
async def test_two_processes_that_place_the_same_deal_make_one_order(office: Office) -> None:
    shop = await sellable(office)
    deal = await _asked(shop)
    automatic = {"orders": {"quiet_minutes": 0, "release": "automatic"}}
    async with shop.opened(**automatic) as one, shop.opened(**automatic) as other:
        shop.rep_changes("deals", deal, dealname="Pumps for the mill, today")
        await asyncio.gather(sync(one, ["orders"]), sync(other, ["orders"]))
        await sync(one, ["orders"])
    _one_order(shop, deal)
    await shop.verified()


async def test_a_process_that_dies_before_its_answer_leaves_the_longest_wait(shop: Office) -> None:
    """Nobody knows when it was sent: send_by, the request's own deadline and the settle time would have to pass before
    it is sent again; what has landed is found and taken as ours at once.
    """
    deal = await _asked(shop)
    shop.fault("dynamics", "delay", "POST", HEADER, seconds=0.2)
    seen, landed = asyncio.Event(), asyncio.Event()
    shop.twins.pair.log.listeners.append(lambda row: landed.set() if HEADER in row.path else None)
    dying = asyncio.create_task(approve_deal(shop.at, deal, by="Kim"))
    shop.twins.pair.shells["dynamics"].on_request.append(
        lambda _side, request, _at: (
            seen.set() if request.method == "POST" and HEADER in request.path else None
        )
    )
    await asyncio.wait_for(seen.wait(), 10)
    dying.cancel()
    await asyncio.wait([dying])
    patience = Patience()
    process = await shop.process(deal)
    async with shop.at.store.read() as tx:
        cid = shop.at.connection.connection_id
        [operation] = await operations.of_process(tx, cid, process.process_id, shop.at.vault)
    assert operation.state == "intended"
    wait_s = (patience.settled_at(operation) - shop.around.clock.now()).total_seconds()
    assert 1030 < wait_s < 1051
    await asyncio.wait_for(landed.wait(), 10)
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    _one_order(shop, deal)
    await shop.verified()
