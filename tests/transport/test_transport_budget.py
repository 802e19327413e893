"""The ledger in virtual time: limits hold for the server, whatever the latency, and nobody is starved."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector.errors import ThrottledError
from ml_connector.transport.auth import StaticToken
from ml_connector.transport.budget import MemoryLedger
from ml_connector.transport.http import Transport
from ml_connector.transport.judge import Again, Final, Judge
from ml_connector.transport.request import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.domain.clock import Surroundings

    Virtually = Callable[[Callable[[Surroundings], Any]], Any]


@pytest.mark.parametrize(("limit", "window_s"), [(19, 1.0), (190, 10.0), (5, 1.0), (1, 0.5)])
def test_no_window_of_the_server_ever_holds_more_calls_than_allowed(
    limit: int, window_s: float, virtually: Virtually
) -> None:
    calls = limit * 12

    async def main(around: Surroundings) -> tuple[int, float]:
        ledger = MemoryLedger(around)
        ledger.learn("hubspot", limit, window_s)
        arrivals: deque[float] = deque()
        most = 0

        async def call() -> None:
            nonlocal most
            slot = await ledger.acquire(("hubspot",))
            await asyncio.sleep(around.rng.random() * 0.2)  # on its way
            now = around.clock.elapsed_s()
            while arrivals and arrivals[0] <= now - window_s:
                arrivals.popleft()
            arrivals.append(now)
            most = max(most, len(arrivals))
            await asyncio.sleep(around.rng.random() * 0.2)  # and back
            slot.answered()

        await asyncio.gather(*(call() for _ in range(calls)))
        return most, around.clock.elapsed_s()

    most, seconds = virtually(main)
    assert most <= limit
    ideal = (calls / limit - 1) * window_s
    assert seconds <= ideal + 12 * 0.4 + 1  # each window is late by one latency at most


def test_callers_are_served_in_the_order_they_came(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> list[int]:
        ledger = MemoryLedger(around)
        ledger.learn("side", 2, 1.0)
        order: list[int] = []

        async def call(number: int) -> None:
            slot = await ledger.acquire(("side",))
            order.append(number)
            slot.answered()

        await asyncio.gather(*(call(number) for number in range(20)))
        return order

    assert virtually(main) == list(range(20))


def test_no_more_calls_are_under_way_than_the_side_is_given(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> int:
        ledger = MemoryLedger(around)
        under_way = most = 0

        async def call() -> None:
            nonlocal under_way, most
            slot = await ledger.acquire(("dynamics",))
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(1)
            under_way -= 1
            slot.answered()

        await asyncio.gather(*(call() for _ in range(40)))
        return most

    assert virtually(main) == 6


def test_waiting_for_search_keeps_no_other_call_back(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> float:
        ledger = MemoryLedger(around, concurrent={"hubspot": 3})
        ledger.learn("hubspot.search", 1, 60.0)
        (await ledger.acquire(("hubspot", "hubspot.search"))).answered()
        searches = [asyncio.create_task(ledger.acquire(("hubspot", "hubspot.search"))) for _ in range(5)]
        await asyncio.sleep(0)
        for _ in range(10):
            (await ledger.acquire(("hubspot",))).answered()
        elapsed = around.clock.elapsed_s()
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)
        return elapsed

    assert virtually(main) == 0.0


def test_nothing_is_sent_before_a_pause_ends(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> list[float]:
        ledger = MemoryLedger(around)
        ledger.pause("side", 30.0)
        times: list[float] = []

        async def call() -> None:
            slot = await ledger.acquire(("side",))
            times.append(around.clock.elapsed_s())
            slot.answered()

        await asyncio.gather(*(call() for _ in range(5)))
        return times

    assert min(virtually(main)) >= 30.0


def test_after_a_storm_half_as_many_call_at_once_and_slowly_more(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> tuple[int, int]:
        ledger = MemoryLedger(around, concurrent={"hubspot": 16})
        under_way = 0
        peaks = [0, 0]

        async def call(phase: int) -> None:
            nonlocal under_way
            slot = await ledger.acquire(("hubspot",))
            under_way += 1
            peaks[phase] = max(peaks[phase], under_way)
            await asyncio.sleep(1)
            under_way -= 1
            slot.answered()

        held = [await ledger.acquire(("hubspot",)) for _ in range(16)]
        ledger.pause("hubspot", 5.0)
        ledger.pause("hubspot", 6.0)  # the same storm
        for slot in held[:8]:
            slot.answered()
        for slot in held[8:]:
            slot.answered()
        await asyncio.gather(*(call(0) for _ in range(8)))
        await asyncio.gather(*(call(1) for _ in range(300)))
        return peaks[0], peaks[1]

    first, later = virtually(main)
    assert first <= 10
    assert later == 16


def test_whoever_waits_is_told_when_a_pause_exceeds_his_patience(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> float:
        ledger = MemoryLedger(around, concurrent={"side": 1})
        slot = await ledger.acquire(("side",))
        waiting = asyncio.create_task(ledger.acquire(("side",), patience_s=120.0))
        await asyncio.sleep(1)
        ledger.pause("side", 3600.0)
        slot.answered()
        with pytest.raises(ThrottledError) as caught:
            await waiting
        assert around.clock.elapsed_s() == 1
        return caught.value.retry_after_s

    assert virtually(main) == pytest.approx(3599.0)


def test_a_cancelled_caller_gives_his_slot_back(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> None:
        ledger = MemoryLedger(around, concurrent={"side": 1})
        first = await ledger.acquire(("side",))
        waiting = [asyncio.create_task(ledger.acquire(("side",))) for _ in range(3)]
        await asyncio.sleep(0)
        first.answered()  # hands the slot to the first in line, who is cancelled before he wakes
        waiting[0].cancel()
        waiting[1].cancel()
        (await waiting[2]).answered()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        (await ledger.acquire(("side",))).answered()

    virtually(main)


def test_calls_of_others_in_the_window_are_counted_from_what_is_left(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> float:
        ledger = MemoryLedger(around)
        slot = await ledger.acquire(("hubspot",))
        ledger.learn("hubspot", 10, 10.0, left=2)  # seven calls were somebody else's
        slot.answered()
        for _ in range(3):
            (await ledger.acquire(("hubspot",))).answered()
        return around.clock.elapsed_s()

    assert virtually(main) >= 10.0


def test_what_a_side_has_told_is_not_forgotten_when_another_client_begins(virtually: Virtually) -> None:
    async def main(around: Surroundings) -> float:
        ledger = MemoryLedger(around)
        for _client in range(2):  # the second one begins while the first one's calls are still in the window
            ledger.assume("hubspot", 4, 0.0)
            for _ in range(5):
                (await ledger.acquire(("hubspot",))).answered()
                ledger.learn("hubspot", 190, 10.0)
        return around.clock.elapsed_s()

    began = virtually(_elapsed)
    assert virtually(main) - began < 1


async def _elapsed(around: Surroundings) -> float:
    return around.clock.elapsed_s()


def test_a_whole_call_runs_in_virtual_time_without_threads_or_sockets(virtually: Virtually) -> None:
    statuses = [429, 503, 200]

    class Network(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(2)
            status = statuses.pop(0)
            headers = {"content-type": "application/json", **({"retry-after": "40"} if status == 429 else {})}
            return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(b"{}"))

    async def main(around: Surroundings) -> float:
        import re

        from ml_connector.transport.wall import Rule, Wall

        def verdict(status: int, _headers: Any, _data: Any) -> Again | Final:
            return Again(throttled=status == 429, pause=status == 429)

        transport = Transport(
            side="side",
            base_url="https://side.example",
            wall=Wall("side", (Rule("GET", re.compile("/x"), "x"),), ()),
            credentials=StaticToken("a-secret-token"),
            judge=Judge(verdict, lambda _reply, _request: ThrottledError("x", retry_after_s=0)),
            budget=MemoryLedger(around),
            around=around,
            network=Network(),
        )
        await transport.read(ReadRequest("side", "GET", "/x", "x"))
        return around.clock.elapsed_s()

    assert virtually(main) >= 46.0
