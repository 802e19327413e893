"""Faults, late commits and the log of writes, over real sockets."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx2
import pytest

from ml_connector.twin.faults import Kind, parse_fault
from ml_connector.twin.shell import Manner, TwinShell
from ml_connector.twin.wire import Request

if TYPE_CHECKING:
    from tests.twin.conftest import Port, TinyMachine

    from ml_connector.twin.wire import Answer
    from ml_connector.twin.writes import WriteRow


async def committed(port: Port) -> None:
    """Wait for the first commit."""
    await asyncio.wait_for(port.machine.committed.wait(), 5)


async def test_a_status_fault_answers_in_place_of_the_machine_once(port: Port) -> None:
    port.fault(fault="status", status=429, headers={"Retry-After": "7"}, body={"message": "slow down"})
    refused = await port.client.post("/things", json={"a": 1})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
    assert refused.json() == {"message": "slow down"}
    assert port.machine.stored == []
    assert (await port.client.post("/things", json={"a": 1})).status_code == 201


async def test_a_429_may_come_without_retry_after_and_a_5xx_with_html(port: Port) -> None:
    port.fault(fault="status", status=429)
    port.fault(fault="status", status=502, body="<html>Bad gateway</html>")
    bare = await port.client.get("/things")
    assert (bare.status_code, bare.content) == (429, b"")
    assert "retry-after" not in bare.headers
    gateway = await port.client.get("/things")
    assert (gateway.status_code, gateway.headers["content-type"]) == (502, "text/html;charset=utf-8")


async def test_times_and_skip_say_which_matches_are_hit(port: Port) -> None:
    port.fault(fault="status", status=503, match={"method": "GET"}, times=2, skip=1)
    await port.client.post("/things")  # another method: does not count
    statuses = [(await port.client.get("/things")).status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]


@pytest.mark.parametrize("times", [0, None])
async def test_times_zero_or_null_last_until_the_faults_are_cleared(port: Port, times: int | None) -> None:
    port.fault(fault="status", status=503, times=times)
    assert {(await port.client.get("/things")).status_code for _ in range(4)} == {503}
    port.shell.faults.clear()
    assert (await port.client.get("/things")).status_code == 200


async def test_the_path_pattern_sees_the_query_decoded(port: Port) -> None:
    port.fault(fault="status", status=503, match={"path": r"things\?\$filter=name eq 'a'$"})
    params = {"$filter": "name eq 'a'"}
    assert (await port.client.get("/things", params={"$filter": "other"})).status_code == 200
    assert (await port.client.get("/things", params=params)).status_code == 503


async def test_reset_before_reaches_no_machine(port: Port) -> None:
    port.fault(fault="reset-before")
    with pytest.raises(httpx2.ReadError):
        await port.client.post("/things", json={})
    assert port.machine.handled == []
    row = port.shell.log.rows[0]
    assert (row.committed, row.status, row.path) == (False, 0, "/things")


async def test_reset_after_commit_has_committed(port: Port) -> None:
    port.fault(fault="reset-after-commit")
    with pytest.raises(httpx2.ReadError):
        await port.client.post("/things", json={"a": 1})
    assert port.machine.stored == [b'{"a":1}']
    assert port.shell.log.rows[0].committed


async def test_late_commit_with_a_status_answers_now_and_commits_later(port: Port) -> None:
    port.fault(fault="late-commit", status=504, body="<html>Gateway timeout</html>", seconds=0.2)
    answer = await port.client.post("/things", json={})
    assert (answer.status_code, port.machine.stored) == (504, [])
    assert port.shell.log.rows == []
    await committed(port)
    row = port.shell.log.rows[0]
    assert (row.status, row.committed) == (201, True)


async def test_late_commit_with_reset_breaks_now_and_commits_later(port: Port) -> None:
    port.fault(fault="late-commit", reset=True, seconds=0.2)
    with pytest.raises(httpx2.ReadError):
        await port.client.post("/things", json={})
    assert port.machine.stored == []
    await committed(port)


async def test_late_commit_alone_is_silent_until_the_commit_and_then_answers(port: Port) -> None:
    port.fault(fault="late-commit", seconds=0.2)
    answer = await port.client.post("/things", json={})
    assert (answer.status_code, answer.json()) == (201, {"stored": 1})


async def test_a_late_commit_outlives_a_client_that_timed_out(port: Port) -> None:
    port.fault(fault="late-commit", seconds=0.3)
    with pytest.raises(httpx2.ReadTimeout):
        await port.client.post("/things", json={}, timeout=0.05)
    assert port.machine.stored == []
    await committed(port)


async def test_a_request_refused_at_the_door_is_never_committed_late(port: Port) -> None:
    port.fault(fault="late-commit", status=504, seconds=0.01)
    answer = await port.client.post("/things", headers={"busy": "1"})
    assert answer.status_code == 429
    assert port.shell.throttled == 1
    assert port.machine.handled == []


async def test_a_delayed_request_is_handled_although_its_client_left(port: Port) -> None:
    port.fault(fault="delay", seconds=0.2)
    with pytest.raises(httpx2.ReadTimeout):
        await port.client.post("/things", json={}, timeout=0.05)
    await committed(port)


async def test_a_truncated_answer_breaks_off_after_the_commit(port: Port) -> None:
    port.fault(fault="truncate")
    with pytest.raises(httpx2.RemoteProtocolError):
        await port.client.post("/things", json={})
    assert len(port.machine.stored) == 1


async def test_a_slow_body_arrives_whole_and_paced(port: Port) -> None:
    port.machine.answer_size = 2000
    port.fault(fault="slow", seconds=0.3)
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await port.client.get("/things")
    assert len(answer.json()["filler"]) == 2000
    assert loop.time() - started >= 0.29


async def test_an_html_page_with_200_stands_in_for_the_answer(port: Port) -> None:
    port.fault(fault="html")
    answer = await port.client.post("/things", json={})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html;charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert (port.machine.handled, port.shell.log.rows[0].committed) == ([], False)


async def test_an_expired_token_reads_as_each_system_says_it(port: Port) -> None:
    port.fault(fault="expired-token", times=2)
    hubspot = await port.client.get("/things")
    assert (hubspot.status_code, hubspot.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    port.machine.side = "dynamics"
    dynamics = await port.client.get("/things")
    assert (dynamics.status_code, dynamics.content) == (401, b"")


async def test_the_log_tells_each_write_and_its_listeners_hear_it_at_once(port: Port) -> None:
    heard: list[tuple[WriteRow, int]] = []
    port.shell.log.listeners.append(lambda row: heard.append((row, len(port.machine.stored))))
    await port.client.get("/things")
    await port.client.post("/things", json={"a": 1})
    await port.client.post("/things", content=b"not json", headers={"refuse": "1"})
    assert [(row.seq, stored) for row, stored in heard] == [(1, 1), (2, 1)]
    first, second = (row.as_json() for row in port.shell.log.after(0))
    assert (first["side"], first["method"], first["key"], first["status"]) == (
        "hubspot",
        "POST",
        "/things",
        201,
    )
    assert (first["body"], second["body"]) == ({"a": 1}, "not json")
    assert (first["committed"], second["committed"]) == (True, False)
    assert port.shell.log.after(1) == [heard[1][0]]


async def test_a_faulted_token_request_is_not_a_write(port: Port) -> None:
    port.fault(fault="status", status=503, times=2)
    await port.client.post("/tenant/oauth2/v2.0/token")
    await port.client.post("/things")
    assert [row.path for row in port.shell.log.rows] == ["/things"]


async def test_listeners_hear_every_request_and_every_answer(port: Port) -> None:
    asked: list[str] = []
    answered: list[int] = []

    def on_request(side: str, request: Request, at: datetime) -> None:
        assert (side, at.tzinfo) == ("hubspot", UTC)
        asked.append(request.method)

    def on_answer(side: str, request: Request, answer: Answer, at: datetime) -> None:
        answered.append(answer.status)

    port.shell.on_request.append(on_request)
    port.shell.on_answer.append(on_answer)
    port.fault(fault="status", status=503)
    await port.client.get("/things")
    await port.client.post("/things")
    await port.client.get("/things", headers={"busy": "1"})
    assert (asked, answered) == (["GET", "POST", "GET"], [503, 201, 429])


async def test_latency_divides_around_the_commit_and_varies_within_its_jitter(
    tiny_machine: TinyMachine,
) -> None:
    shell = TwinShell(
        tiny_machine,
        clock=lambda: datetime.now(UTC),  # noqa: TID251  this test is about real waiting
        rng=random.Random(3),  # noqa: S311  seeded on purpose
        new_id=lambda: "id",
        latency_s=0.1,
        jitter=0.5,
    )
    loop = asyncio.get_running_loop()
    started = loop.time()
    delivery = await shell.handle(Request("POST", "/things"))
    assert delivery.manner is Manner.COMPLETE
    assert loop.time() - started >= 0.049


async def test_replacing_the_machine_ends_what_was_under_way(port: Port, tiny_machine: TinyMachine) -> None:
    port.fault(fault="late-commit", seconds=30)
    under_way = asyncio.ensure_future(port.client.post("/things"))
    await asyncio.wait_for(port.arrived.wait(), 5)
    port.shell.replace(tiny_machine)
    with pytest.raises(httpx2.ReadError):
        await under_way
    assert (await port.client.post("/things")).status_code == 201
    assert (len(port.machine.stored), len(tiny_machine.stored)) == (0, 1)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"fault": "slowly"}, "did you mean 'slow'"),
        ({"fault": "status"}, "needs a status"),
        ({"fault": "status", "status": 99}, "from 200 to 599"),
        ({"fault": "html", "match": {"path": "("}}, "not a regular expression"),
        ({"fault": "html", "match": {"pth": "a"}}, "did you mean 'path'"),
        ({"fault": "delay", "seconds": -1}, "cannot be negative"),
        ({"fault": "delay", "seconds": "long"}, "cannot be 'long'"),
        ({"fault": "html", "time": 3}, "did you mean 'times'"),
        ([], "JSON object"),
    ],
)
def test_a_wrong_fault_is_refused_in_a_sentence(order: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        parse_fault(order)


def test_every_fault_of_the_contract_is_known() -> None:
    names = "status reset-before reset-after-commit late-commit truncate slow html delay expired-token"
    assert {kind.value for kind in Kind} == set(names.split())
