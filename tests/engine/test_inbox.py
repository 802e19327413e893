"""The inbox: an event is a hint, kept once, read once, and never lost by being many, late or out of order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ml_connector.engine import inbox as box
from ml_connector.engine.inbox import Inbox, Rule
from ml_connector.errors import UnavailableError
from ml_connector.store import flows, inbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import ManualClock
    from tests.engine.telling import engine_of, policy, told

    from ml_connector.domain.clock import Surroundings
    from ml_connector.domain.events import Told
    from ml_connector.engine.context import Engine
    from ml_connector.engine.inbox import Verdict
    from ml_connector.store.database import Store, Tx
    from ml_connector.store.inbox import Event
else:
    from telling import engine_of, policy, told  # pytest puts this folder on the path


@pytest.fixture
async def engine(store: Store, around: Surroundings) -> Engine:
    return await engine_of(store, around)


async def rows(engine: Engine) -> list[Event]:
    async with engine.store.read() as tx:
        return await inbox.list(tx, engine.connection_id, after=0)


async def outcomes(engine: Engine) -> list[tuple[str, str, int | None]]:
    return [(row.number, row.outcome, row.other_no) for row in await rows(engine)]


async def send(engine: Engine, *events: Told, at_once: bool = False) -> list[Verdict]:
    """Events one request after the other, or all requests at once."""
    door = Inbox(engine)
    if at_once:
        return await asyncio.gather(*(door.accept([event], policy()) for event in events))
    return [await door.accept([event], policy()) for event in events]


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def hints(engine: Engine) -> dict[str, set[str]]:
    """Every open hint, without taking it."""
    open_rows = [row for row in await rows(engine) if row.outcome == "accepted" and row.done_at is None]
    return {
        flow: {row.key for row in open_rows if row.flow == flow} for flow in {row.flow for row in open_rows}
    }


async def test_an_event_becomes_a_hint_that_is_taken_once(engine: Engine) -> None:
    await send(engine, told(1, "A"), told(2, "B"))
    taken = await box.take(engine, "customers", 10)
    assert (taken.keys, taken.whole) == (("A", "B"), False)
    assert not await box.take(engine, "customers", 10)
    await box.done(engine, taken)
    assert await box.open_hints(engine) == {}
    assert all(row.done_at is not None for row in await rows(engine))


@pytest.mark.parametrize("at_once", [False, True])
async def test_e4_a_duplicate_is_kept_as_one_and_changes_nothing(engine: Engine, *, at_once: bool) -> None:
    await send(engine, told(1), told(1), told(1), at_once=at_once)
    assert await outcomes(engine) == [("1", "accepted", None), ("1", "duplicate", 1), ("1", "duplicate", 1)]
    assert await hints(engine) == {"customers": {"A"}}


async def test_e3_a_copy_that_comes_after_its_record_was_read_reads_nothing_again(engine: Engine) -> None:
    await send(engine, told(1))
    await box.done(engine, await box.take(engine, "customers", 10))
    await send(engine, told(1))
    assert await hints(engine) == {}


@pytest.mark.parametrize("at_once", [False, True])
async def test_e9_a_reused_number_with_other_content_is_fetched_anyway_and_noted(
    engine: Engine, *, at_once: bool
) -> None:
    await send(engine, told(1, "A"), told(1, "B"), told(1, "A"), at_once=at_once)
    first, other, copy = await rows(engine)
    assert (first.outcome, first.note) == ("accepted", "")
    assert (other.outcome, other.note) == ("accepted", "1 came before with other content")
    assert (copy.outcome, copy.other_no) == ("duplicate", first.event_no)
    assert await hints(engine) == {"customers": {"A", "B"}}


async def test_twenty_events_on_one_record_are_one_read(engine: Engine, clock: ManualClock) -> None:
    """It is due since the first came, so that a stream of changes does not put it off."""
    began = clock.now()
    for number in range(20):
        await send(engine, told(number))
        clock.advance(1)
    *older, newest = await rows(engine)
    assert {row.outcome for row in older} == {"superseded"}
    assert [row.other_no for row in older] == [row.event_no for row in [*older[1:], newest]]
    assert (newest.outcome, newest.due_at) == ("accepted", began)
    assert (await box.take(engine, "customers", 10)).keys == ("A",)


async def test_events_of_one_transaction_supersede_each_other_too(engine: Engine) -> None:
    await send(engine, told(1), told(2), told(3), told(2), at_once=True)
    assert await outcomes(engine) == [
        ("1", "superseded", 2), ("2", "superseded", 3), ("3", "accepted", None), ("2", "duplicate", 2)
    ]  # fmt: skip


async def test_an_event_that_comes_while_its_record_is_read_is_a_new_hint(engine: Engine) -> None:
    await send(engine, told(1))
    taken = await box.take(engine, "customers", 10)
    await send(engine, told(2))
    await box.done(engine, taken)
    assert await hints(engine) == {"customers": {"A"}}
    assert (await box.take(engine, "customers", 10)).keys == ("A",)


async def test_what_could_not_be_read_is_due_again_later(engine: Engine, clock: ManualClock) -> None:
    await send(engine, told(1))
    await box.put_back(engine, await box.take(engine, "customers", 10), after=timedelta(minutes=1))
    assert not await box.take(engine, "customers", 10)
    clock.advance(60)
    assert (await box.take(engine, "customers", 10)).keys == ("A",)


async def test_what_a_dead_reader_had_taken_is_given_out_again(engine: Engine, clock: ManualClock) -> None:
    """Its late ``done`` then closes nothing."""
    await send(engine, told(1))
    dead = await box.take(engine, "customers", 10)
    clock.advance(box.LAPSE.total_seconds())
    assert not await box.take(engine, "customers", 10)
    clock.advance(1)
    assert (await box.take(engine, "customers", 10)).keys == ("A",)
    await box.done(engine, dead)
    assert await hints(engine) == {"customers": {"A"}}


async def test_an_event_that_names_no_record_hints_at_the_whole_flow(engine: Engine) -> None:
    await send(engine, told(1, type="Priced"), told(2, type="Priced"))
    taken = await box.take(engine, "products", 10)
    assert (taken.keys, taken.whole, bool(taken)) == ((), True, True)


async def test_no_more_records_are_taken_than_asked_for_and_the_longest_due_come_first(
    engine: Engine, clock: ManualClock
) -> None:
    for key in "CAB":
        await send(engine, told(ord(key), key))
        clock.advance(1)
    assert [(await box.take(engine, "customers", 2)).keys for _ in range(2)] == [("C", "A"), ("B",)]
    assert await hints(engine) == {"customers": {"A", "B", "C"}}


async def test_what_is_out_of_scope_is_kept_with_its_filter(engine: Engine) -> None:
    async with engine.store.write() as tx:
        await flows.put(tx, engine.connection_id, flows.FlowRow("products", "off"))
    door = Inbox(engine)
    only_usmf = policy(left_out=lambda event: "" if event.legal_entity == "usmf" else "not a chosen entity")
    await door.accept([told(1, type="Unknown")], policy())
    await door.accept([told(2, type="Priced")], policy())
    await door.accept([replace(told(3), legal_entity="demf")], only_usmf)
    assert [(row.outcome, row.note) for row in await rows(engine)] == [
        ("out_of_scope", "no rule for Unknown"),
        ("out_of_scope", "flow products is off"),
        ("out_of_scope", "not a chosen entity"),
    ]
    assert await hints(engine) == {}


@pytest.mark.parametrize("kept", [True, False])
async def test_the_body_of_what_is_left_out_is_kept_only_where_it_is_of_use(
    engine: Engine, *, kept: bool
) -> None:
    """A webhook about a person whom no flow moves is none of our business."""
    door = Inbox(engine)
    await door.accept([told(1, type="Unknown"), told(2)], policy(keep_left_out=kept))
    async with engine.store.read() as tx:
        left_out, accepted = [await inbox.get(tx, engine.connection_id, n, engine.vault) for n in (1, 2)]
    assert left_out is not None
    assert accepted is not None
    assert (left_out.body is not None, accepted.body is not None) == (kept, True)


async def test_an_event_that_was_out_of_scope_counts_when_it_comes_again(engine: Engine) -> None:
    door = Inbox(engine)
    await door.accept([told(1)], policy(rules={}))
    await door.accept([told(1)], policy())
    assert await hints(engine) == {"customers": {"A"}}


async def test_names_that_are_no_keys_are_looked_up_and_strangers_are_left_out(engine: Engine) -> None:
    async def find(_tx: Tx, _cid: int, names: Sequence[str]) -> dict[str, Sequence[str]]:
        return {"9001": ["usmf:1", "ussi:2"]} if "9001" in names else {}

    rules = {"changed": Rule("customers", lambda event: (event.fields["key"],), find)}
    door = Inbox(engine)
    await door.accept([told(1, "9001"), told(2, "9002")], policy(rules=rules))
    assert await hints(engine) == {"customers": {"usmf:1", "ussi:2"}}
    assert [(row.identifier, row.outcome) for row in await rows(engine)] == [
        ("9001", "accepted"), ("9001", "accepted"), ("9002", "out_of_scope")
    ]  # fmt: skip


async def test_a_test_event_is_remembered_and_hints_at_nothing(engine: Engine) -> None:
    """Each time it comes, for it always has the same number."""
    await send(engine, told(-1, is_test=True), told(-1, is_test=True))
    assert [row.outcome for row in await rows(engine)] == ["test", "test"]
    assert await hints(engine) == {}


async def test_e10_too_many_open_events_are_refused_whole_and_those_that_add_none_are_not(
    engine: Engine,
) -> None:
    door = Inbox(engine)
    narrow = policy(most_open=2)
    assert (await door.accept([told(1, "A")], narrow)).accepted == 1
    assert (await door.accept([told(2, "B"), told(3, "C")], narrow)).full
    assert (await door.accept([told(4, "B")], narrow)).accepted == 1
    assert (await door.accept([told(5, "B")], narrow)).accepted == 1  # one read as before
    assert (await door.accept([told(6, "C")], narrow)).full
    assert (await door.accept([told(1, "A")], narrow)).duplicates == 1
    assert await hints(engine) == {"customers": {"A", "B"}}


async def test_a_request_that_finds_no_room_takes_none_from_those_it_shares_a_commit_with(
    engine: Engine,
) -> None:
    door = Inbox(engine)
    narrow = policy(most_open=2)
    batches = [[told(1, "A")], [told(2, "B"), told(3, "C")], [told(2, "B")]]
    verdicts = await asyncio.gather(*(door.accept(batch, narrow) for batch in batches))
    assert [verdict.full for verdict in verdicts] == [False, True, False]
    assert await hints(engine) == {"customers": {"A", "B"}}


async def test_pruning_forgets_what_is_over_and_old_and_nothing_that_is_open(
    engine: Engine, clock: ManualClock
) -> None:
    await send(engine, told(-1, is_test=True), told(1, "A"))
    await box.done(engine, await box.take(engine, "customers", 10))
    await send(engine, told(2, "B"), told(2, "B"), told(-1, is_test=True))
    async with engine.store.write() as tx:
        await inbox.reject(tx, {(engine.connection_id, "dynamics", "token"): 3})
    clock.advance(10 * 86400)
    await send(engine, told(3, "A"))
    assert await box.prune(engine, timedelta(days=7)) == 3
    kept = [(row.number, row.outcome) for row in await rows(engine)]
    assert kept == [("2", "accepted"), ("-1", "test"), ("3", "accepted")]
    async with engine.store.read() as tx:
        assert await inbox.rejected(tx, engine.connection_id, "2000-01-01") == []


async def test_many_requests_share_few_transactions(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    engine.store.after_commit.append(lambda: begun.append(1))
    door = Inbox(engine)
    verdicts = await asyncio.gather(*(door.accept([told(n, str(n))], policy()) for n in range(200)))
    assert sum(verdict.accepted for verdict in verdicts) == 200
    assert len(begun) <= 200 // box.COMMIT_AT


async def test_no_answer_comes_before_its_commit(engine: Engine) -> None:
    """What a caller was told is there when somebody else looks."""
    door = Inbox(engine)
    committed: list[int] = []
    engine.store.after_commit.append(lambda: committed.append(1))

    async def call(number: int) -> bool:
        await door.accept([told(number, str(number))], policy())
        return bool(committed) and str(number) in {row.number for row in await rows(engine)}

    assert all(await asyncio.gather(*(call(number) for number in range(20))))


async def test_a_writer_that_is_killed_before_its_commit_answers_nobody_well(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Inbox(engine)
    reached = asyncio.Event()
    whole = inbox.add

    async def add_and_hang(*given: object) -> list[int]:
        numbers = await whole(*given)  # type: ignore[arg-type]  # as it was called
        reached.set()
        await asyncio.Event().wait()
        return numbers

    monkeypatch.setattr(inbox, "add", add_and_hang)
    calls = [asyncio.create_task(door.accept([told(n, str(n))], policy())) for n in range(3)]
    await reached.wait()
    late = asyncio.create_task(door.accept([told(9, "late")], policy()))
    await asyncio.sleep(0)
    assert door._commits.writer is not None
    door._commits.writer.cancel()
    for call in (*calls, late):
        with pytest.raises(UnavailableError, match="stopped before the commit"):
            await call
    monkeypatch.setattr(inbox, "add", whole)
    assert await rows(engine) == []
    assert (await door.accept([told(1)], policy())).accepted == 1  # and the next one is taken again


async def test_after_a_transaction_that_failed_the_next_one_is_tried(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Inbox(engine)

    async def no_disk(*_given: object) -> list[int]:
        raise UnavailableError("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "add", no_disk)
        with pytest.raises(UnavailableError, match="disk"):
            await door.accept([told(1)], policy())
    assert (await door.accept([told(1)], policy())).accepted == 1


async def test_nothing_of_a_body_can_be_read_in_the_database(
    engine: Engine, store_url: str, tmp_path: Path
) -> None:
    """A body may hold personal data: it is sealed, and its digest is keyed."""
    await send(engine, told(1, says="jane.canary@example.com"))
    async with engine.store.read() as tx:
        event = await inbox.get(tx, engine.connection_id, 1, engine.vault)
    assert event is not None
    assert event.body is not None
    assert b"jane.canary" in event.body
    if store_url.startswith("sqlite"):
        assert b"jane.canary" not in bytes_of(tmp_path)


async def test_the_events_of_two_connections_never_meet(store: Store, around: Surroundings) -> None:
    one, two = await engine_of(store, around, "one"), await engine_of(store, around, "two")
    await send(one, told(1))
    await send(two, told(1))
    taken = await box.take(one, "customers", 10)
    await box.done(two, taken)
    assert [row.outcome for row in await rows(two)] == ["accepted"]
    assert await hints(one) == {"customers": {"A"}}
    async with store.read() as tx:
        assert await inbox.get(tx, one.connection_id, 2, one.vault) is None


async def test_digests_are_keyed_so_that_nobody_can_try_names_against_them(engine: Engine) -> None:
    door = Inbox(engine)
    await door.accept([told(1)], policy())
    await door.accept([told(1)], policy(digest_key=b"another"))
    one, two = await rows(engine)
    assert (one.identity, one.content) != (two.identity, two.content)
    assert len({one.identity, two.identity, one.content, two.content}) == 4


# one event a number, as a side would tell them: three about A, two about B, one about the products as a whole
STORY = (told(1, "A"), told(2, "A"), told(3, "B"), told(4, "A"), told(5, type="Priced"), told(6, "B"))
LEFT_OPEN = {"customers": {"A", "B"}, "products": {""}}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@given(
    told_again=st.lists(st.integers(0, len(STORY) - 1), max_size=12).flatmap(
        lambda more: st.permutations([*range(len(STORY)), *more])
    ),
    cut=st.integers(1, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_and_number_of_copies_leaves_the_same_hints(
    store: Store, around: Surroundings, told_again: list[int], cut: int
) -> None:
    engine = await engine_of(store, around, f"c{around.new_id()}")
    door = Inbox(engine)
    events = [STORY[number] for number in told_again]
    requests = [events[at : at + cut] for at in range(0, len(events), cut)]
    for at in range(0, len(requests), 2):  # two at a time share a commit
        await asyncio.gather(*(door.accept(request, policy()) for request in requests[at : at + 2]))
    assert await hints(engine) == LEFT_OPEN


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_two_processes_that_take_at_once_never_get_the_same_record(
    store: Store, around: Surroundings
) -> None:
    """On SQLite there is one writer; on PostgreSQL the second waits for the first, and then finds nothing free."""
    engine = await engine_of(store, around)
    await send(engine, told(1, "A"), told(2, "B"))
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> list[str]:
        async with store.write() as tx:
            keys = await inbox.take(tx, engine.connection_id, "customers", "one", 9, tx.now)
            looked.set()
            await go_on.wait()
            return keys

    async def second() -> list[str]:
        await looked.wait()
        async with store.write() as tx:
            return await inbox.take(tx, engine.connection_id, "customers", "two", 9, tx.now)

    async def let_go() -> None:
        """Once the second waits for the rows that the first has changed."""
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        async with asyncio.timeout(10), store.read() as tx:
            while not (await tx.connection.execute(waiting)).scalar_one():
                await asyncio.sleep(0.01)
                await tx.connection.rollback()  # the view is that of the transaction's first look
        go_on.set()

    one, two, _ = await asyncio.gather(first(), second(), let_go())
    assert (one, two) == (["A", "B"], [])
