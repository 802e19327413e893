"""A portal that refuses a unique key on products: each product is made once, whatever becomes of the answers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flows import record_flow
from ml_connector.app.replay import replay
from ml_connector.store import calls, links, tables
from ml_connector.systems.hubspot.sink import SETTLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import writes
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.planning import planned_of

    from ml_connector.twin.writes import WriteRow
else:
    from crawling import writes  # pytest puts this folder on the path
    from office import ON_BOTH_DATABASES, Office
    from planning import planned_of

CREATE = "/products/batch/create"
LOST: dict[str, dict[str, Any]] = {
    "committed, answer dropped": {"kind": "reset-after-commit"},
    "committed, answer cut off": {"kind": "truncate"},
    "never arrived": {"kind": "reset-before"},
    "not available": {"kind": "status", "status": 503},
    "an answer that says nothing": {
        "kind": "status",
        "status": 201,
        "body": {"status": "COMPLETE", "results": []},
    },
}
LANDED = ("committed, answer dropped", "committed, answer cut off")


@pytest.fixture
def plain(start: Callable[..., Awaitable[Office]]) -> Callable[..., Awaitable[Office]]:
    """A portal that refuses the unique key; what is written is found at once unless a test says otherwise."""

    async def begin(products: int = 8, lag_s: int = 0) -> Office:
        switches = {"products_unique": "no", "search_lag_s": str(lag_s), "search_rate": "0"}
        return await start(products=products, switches=switches)

    return begin


async def settled(office: Office) -> None:
    """The time passes after which what was sent must have come to light."""
    async with office.at.store.write() as tx:
        cid = office.at.connection.connection_id
        for doubt in await calls.in_doubt(tx, cid, "products.create"):
            sent_at = doubt.intended_at - SETTLE
            statement = tables.call.update().where(tables.call.c.call_id == doubt.call_id)
            await tx.connection.execute(statement.values(intended_at=sent_at))


def creations(office: Office, since: int = 0) -> list[WriteRow]:
    return [row for row in writes(office, since) if row.path.endswith(CREATE)]


def one_of_each(office: Office) -> None:
    """No product stands twice, and none is missing."""
    standing = [row["properties"]["d365_product_key"] for row in office.records("products")]
    assert sorted(standing) == sorted(office.releases())


async def quiet(office: Office) -> None:
    """Two crawls without a change write nothing."""
    count, mark = len(office.releases()), office.mark()
    for _ in range(2):
        assert await office.figures("products") == {"read": count, "unchanged": count}
    assert writes(office, mark) == []
    await office.verified()


@ON_BOTH_DATABASES
async def test_products_are_created_once_and_changed_by_their_ids(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(products=8, switches={"products_unique": "no", "search_lag_s": "0"})
    assert await office.figures("products") == {"read": 8, "created": 8}
    one_of_each(office)
    await quiet(office)
    number, mark = next(iter(office.releases())), office.mark()
    office.clerk_changes("AllProducts", number, ProductName="Gear pump, blue")
    assert await office.figures("products") == {"read": 8, "updated": 1, "unchanged": 7}
    assert office.products()[number]["name"] == "Gear pump, blue"
    assert [row.path.rpartition("/products/")[2] for row in writes(office, mark)] == ["batch/update"]


@pytest.mark.parametrize("lost", LOST)
async def test_a_creation_whose_answer_is_lost_is_looked_up_and_never_repeated_blindly(
    plain: Callable[..., Awaitable[Office]], lost: str
) -> None:
    office = await plain()
    order = dict(LOST[lost])
    office.fault("hubspot", order.pop("kind"), "POST", CREATE, **order)
    assert await office.figures("products") == {"read": 8, "waiting": 8}
    mark = office.mark()
    if lost in LANDED:  # what stands is found at once, and is ours
        assert await office.figures("products") == {"read": 8, "updated": 8}
    else:
        assert await office.figures("products") == {"read": 8, "waiting": 8}
        assert (await planned_of(office, "products"))["counts"]["create"] == 0
        assert writes(office, mark) == []
        await settled(office)
        assert await office.figures("products") == {"read": 8, "created": 8}
    assert len(creations(office, mark)) == (lost not in LANDED)
    one_of_each(office)
    await quiet(office)


async def test_a_late_commit_is_waited_for_and_adopted(plain: Callable[..., Awaitable[Office]]) -> None:
    office = await plain()
    landed = asyncio.Event()
    office.twins.pair.log.listeners.append(lambda row: landed.set() if row.path.endswith(CREATE) else None)
    office.fault("hubspot", "late-commit", "POST", CREATE, seconds=0.4, reset=True)
    assert await office.figures("products") == {"read": 8, "waiting": 8}
    await asyncio.wait_for(landed.wait(), 10)
    assert await office.figures("products") == {"read": 8, "updated": 8}
    one_of_each(office)
    story = await office.story("products", next(iter(office.releases())))
    assert [row.kind for row in story] == ["found", "updated"]
    await quiet(office)


async def test_what_search_does_not_show_yet_is_not_made_again(
    plain: Callable[..., Awaitable[Office]],
) -> None:
    office = await plain(lag_s=3_600)
    office.fault("hubspot", "reset-after-commit", "POST", CREATE)
    for _ in range(2):
        assert await office.figures("products") == {"read": 8, "waiting": 8}
    office.twins.pair.hubspot.portal._lag = timedelta(0)
    assert await office.figures("products") == {"read": 8, "updated": 8}
    one_of_each(office)
    await quiet(office)


async def test_some_of_a_batch_stand_and_the_others_are_made(plain: Callable[..., Awaitable[Office]]) -> None:
    """The rest of a batch is made once the time to settle has passed, not before."""
    office = await plain()
    office.fault("hubspot", "reset-after-commit", "POST", CREATE)
    await office.figures("products")
    numbers = sorted(office.releases())
    for row in office.records("products"):
        if row["properties"]["d365_product_key"] in numbers[:3]:
            await office.rep_asks("DELETE", f"/crm/v3/objects/products/{row['id']}")
    assert await office.figures("products") == {"read": 8, "updated": 5, "waiting": 3}
    [stuck] = [await replay(office.at, [f"products/{numbers[0]}"])]
    assert [one.outcome for one in stuck] == ["waiting"]
    await settled(office)
    assert await office.figures("products") == {"read": 8, "created": 3, "unchanged": 5}
    one_of_each(office)
    await quiet(office)


class KilledError(Exception):
    """What ends the process."""


@pytest.mark.parametrize(("module", "name"), [(calls, "finish"), (links, "put")])
async def test_killed_between_intent_and_outcome_no_second_product_is_made(
    plain: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    office = await plain()

    async def dying(*_given: Any, **_named: Any) -> Any:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(module, name, dying)
        with pytest.raises((KilledError, BaseExceptionGroup)):
            await office.sync("products")
    one_of_each(office)  # they stand, and nothing here says so
    mark = office.mark()
    assert await office.figures("products") == {"read": 8, "updated": 8}
    assert creations(office, mark) == []
    one_of_each(office)
    await quiet(office)


async def test_killed_while_what_was_found_is_linked_it_is_found_again(
    plain: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await plain()
    office.fault("hubspot", "reset-after-commit", "POST", CREATE)
    await office.figures("products")
    await settled(office)

    async def dying(*_given: Any, **_named: Any) -> Any:
        raise KilledError

    for module, name in ((links, "put"), (calls, "finish")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, dying)
            with pytest.raises((KilledError, BaseExceptionGroup)):
                await office.sync("products")
    assert await office.figures("products") == {"read": 8, "updated": 8}
    one_of_each(office)
    await quiet(office)


@ON_BOTH_DATABASES
async def test_two_processes_at_once_make_each_product_once(plain: Callable[..., Awaitable[Office]]) -> None:
    """Whoever writes the intent first makes it; the other one waits."""
    office = await plain()
    office.fault("hubspot", "delay", "POST", CREATE, seconds=0.3)
    async with office.opened() as other:
        numbers = [f"products/{number}" for number in office.releases()]
        await asyncio.gather(replay(office.at, numbers), replay(other, numbers))
    one_of_each(office)


async def test_a_refused_batch_is_halved_and_only_the_refused_product_is_parked(
    plain: Callable[..., Awaitable[Office]],
) -> None:
    office = await plain()
    office.fault(
        "hubspot",
        "status",
        "POST",
        CREATE,
        status=400,
        body={"message": "no", "category": "VALIDATION_ERROR"},
    )
    number = next(iter(office.releases()))
    office.clerk_changes("AllProducts", number, ProductDescription="x" * 65_537)
    assert await office.figures("products") == {"read": 8, "created": 7, "parked": 1}
    office.clerk_changes("AllProducts", number, ProductDescription="A pump")
    assert await office.figures("products") == {"read": 8, "created": 1, "unchanged": 7}
    one_of_each(office)
    await quiet(office)


async def test_a_product_that_was_merged_is_found_by_its_plain_key(
    plain: Callable[..., Awaitable[Office]],
) -> None:
    office = await plain()
    await office.figures("products")
    first, second = sorted(office.releases())[:2]
    ids = {row["properties"]["d365_product_key"]: row["id"] for row in office.records("products")}
    flow = await record_flow(office.at, "products")
    assert await flow.sink.standing([first, second, "unheard of"]) == {first: ids[first], second: ids[second]}
    traces = await flow.sink.trace({first: "1"}, ["name"])
    now = traces[first].now
    assert now is not None
    assert now.target_id == ids[first]
