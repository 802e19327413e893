"""One call over real sockets: what is sent, what comes back, and what is never done twice."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest
import structlog

from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UncertainWriteError,
    WallError,
)
from ml_connector.transport.request import ReadRequest, WriteRequest
from ml_connector.transport.retry import RetryPolicy
from ml_connector.transport.wire import LARGEST_BODY, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.transport.conftest import Answer as AnswerType
    from tests.transport.conftest import Loopback

    from ml_connector.transport.http import Transport

    Connect = Callable[..., Transport]

READ = ReadRequest("plain", "GET", "/things", "things")
TOKEN = "pat-na1-canary-4711"


def write(*, idempotent: bool, method: Literal["POST", "PATCH"] = "POST", **rest: Any) -> WriteRequest:
    path = "/things" if method == "POST" else "/things/1"
    return WriteRequest("plain", method, path, "things", rest.pop("fields", {"a": 1}), idempotent, **rest)


@pytest.fixture
def answer(loopback: Loopback) -> Callable[..., AnswerType]:
    """Builds an answer and puts it at the end of the script."""

    def put(*, always: bool = False, **what: Any) -> AnswerType:
        built = type(loopback.answer)(**what)
        if always:
            loopback.answer = built
        else:
            loopback.script.append(built)
        return built

    return put


async def test_an_answer_arrives_with_exact_numbers_and_its_correlation_id(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(body=b'{"price":0.10000000000000000001}', headers={"x-hubspot-correlation-id": "c-1"})
    transport = connect()
    reply = await transport.read(
        ReadRequest("plain", "GET", "/things", "things", params=(("$filter", "a eq 'x + y'"), ("b", "c&d")))
    )
    assert reply.data == {"price": Decimal("0.10000000000000000001")}
    assert reply.correlation_id == "c-1"
    assert loopback.seen[0].target == "/things?$filter=a%20eq%20'x%20%2B%20y'&b=c%26d"
    assert loopback.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert transport.sent == 1


async def test_stored_bytes_go_out_exactly_as_they_were_stored(connect: Connect, loopback: Loopback) -> None:
    stored = b'{"b": 1,  "a": 2.50}'
    await connect().write(write(idempotent=False, fields=stored, call_id="call-7"))
    assert loopback.seen[0].body == stored
    assert loopback.seen[0].headers["x-client-request-id"] == "call-7"


async def test_a_redirect_is_an_error_and_is_not_followed(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(always=True, status=302, headers={"location": loopback.url + "/elsewhere"})
    with pytest.raises(ConfigurationError, match="redirect"):
        await connect().read(READ)
    assert len(loopback.seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_read_waits_out_server_errors(
    status: int, connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(status=status, body=b"<html>busy</html>", content_type="text/html")
    answer(status=status)
    assert (await connect().read(READ)).data == {"ok": True}
    assert len(loopback.seen) == 3


async def test_an_idempotent_write_is_repeated_with_the_same_bytes(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(silent=True)
    await connect().write(write(idempotent=True))
    assert [seen.body for seen in loopback.seen] == [b'{"a":1}'] * 2


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 500},
        {"status": 503},
        {"silent": True},
        {"cut": 3},
        {"body": b'{"ok":tru'},
        {"body": b"<html>", "content_type": "text/html"},
    ],
)
async def test_a_write_that_may_have_landed_is_uncertain_and_never_repeated(
    broken: dict[str, Any], connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(always=True, **broken)
    with pytest.raises(UncertainWriteError):
        await connect().write(write(idempotent=False))
    assert len(loopback.seen) == 1


async def test_a_write_that_was_refused_by_its_words_is_not_uncertain(
    connect: Connect, answer: Callable[..., AnswerType]
) -> None:
    answer(always=True, status=422, headers={"request-id": "r-9"})
    with pytest.raises(RejectedError) as caught:
        await connect().write(write(idempotent=False))
    assert caught.value.correlation_id == "r-9"


async def test_a_refused_connection_did_nothing_even_for_an_order(
    connect: Connect, loopback: Loopback
) -> None:
    await loopback.stop()
    with pytest.raises(UnavailableError) as caught:
        await connect().write(write(idempotent=False))
    assert caught.value.context["sent"] is False
    assert caught.value.code == "transport.unreachable"
    await loopback.start()


async def test_a_throttled_order_is_sent_again_because_nothing_was_done(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(status=429, headers={"retry-after": "0.2"})
    transport = connect()
    began = time.monotonic()
    await transport.write(write(idempotent=False))
    assert time.monotonic() - began >= 0.2
    assert (len(loopback.seen), transport.sent, transport.throttled) == (2, 2, 1)


async def test_a_pause_holds_every_caller_of_the_bucket(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(status=429, headers={"retry-after": "0.3"})
    transport = connect()
    first = asyncio.create_task(transport.read(READ))
    async with asyncio.timeout(10):
        while not transport.throttled:  # noqa: ASYNC110 - until the 429 has been read
            await asyncio.sleep(0.001)
    began = time.monotonic()
    await asyncio.gather(first, *(transport.read(READ) for _ in range(3)))
    assert time.monotonic() - began >= 0.25
    assert len(loopback.seen) == 5


async def test_a_pause_beyond_the_patience_is_handed_to_the_caller(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(always=True, status=429, headers={"retry-after": "900"})
    transport = connect()
    with pytest.raises(ThrottledError) as caught:
        await transport.read(READ)
    assert caught.value.retry_after_s == 900
    with pytest.raises(ThrottledError):  # and nobody asks again before its end
        await transport.read(READ)
    assert len(loopback.seen) == 1


async def test_throttling_that_does_not_end_is_given_up(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(always=True, status=429)
    with pytest.raises(ThrottledError):
        await connect(retries=RetryPolicy(first_s=0.001, cap_s=0.001, throttled_attempts=4)).read(READ)
    assert len(loopback.seen) == 4


async def test_retries_of_all_calls_together_stay_within_a_tenth(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(always=True, status=503)
    transport = connect(retries=RetryPolicy(first_s=0.001, cap_s=0.001, floor=3))
    for _ in range(20):
        with pytest.raises(ConnectorError):
            await transport.read(READ)
    assert len(loopback.seen) <= 20 + 3 + 2


async def test_a_static_token_that_is_refused_stops_at_once(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(always=True, status=401)
    with pytest.raises(CredentialsError):
        await connect().read(READ)
    assert len(loopback.seen) == 1


async def test_the_last_check_runs_before_every_send_and_can_stop_it(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    answer(status=429, headers={"retry-after": "0"})
    checked: list[int] = []

    def last_check() -> None:
        checked.append(len(loopback.seen))
        if len(checked) == 2:
            raise ConfigurationError("too late to send")

    with pytest.raises(ConfigurationError, match="too late"):
        await connect().write(write(idempotent=False), last_check=last_check)
    assert checked == [0, 1]
    assert len(loopback.seen) == 1


async def test_a_decompression_bomb_is_cut_off_at_the_cap(
    connect: Connect, answer: Callable[..., AnswerType], loopback: Loopback
) -> None:
    bomb = gzip.compress(b'"' + b"a" * (LARGEST_BODY + 10) + b'"', compresslevel=1)
    answer(always=True, body=bomb, headers={"content-encoding": "gzip"})
    with pytest.raises(UnavailableError) as caught:
        await connect().read(READ)
    assert caught.value.code == "transport.too_large"
    assert len(loopback.seen) == 1


async def test_an_endless_body_is_cut_off_at_the_cap(
    connect: Connect, answer: Callable[..., AnswerType]
) -> None:
    answer(always=True, body=b"[", endless=b"1," * 500_000)
    with pytest.raises(UnavailableError) as caught:
        await connect().read(READ)
    assert caught.value.code == "transport.too_large"


async def test_a_slow_drip_ends_at_the_deadline(connect: Connect, answer: Callable[..., AnswerType]) -> None:
    answer(always=True, body=b" " * 1000 + b"1", drip_s=0.02)
    with pytest.raises(UnavailableError) as caught:
        await connect(timeouts=Timeouts(whole_s=0.2), retries=RetryPolicy(attempts=1)).read(READ)
    assert caught.value.code == "transport.deadline"


async def test_silence_ends_at_the_read_timeout(connect: Connect, answer: Callable[..., AnswerType]) -> None:
    answer(always=True, body=b"1 ", drip_s=5)
    with pytest.raises(UnavailableError) as caught:
        await connect(timeouts=Timeouts(read_s=0.1), retries=RetryPolicy(attempts=1)).read(READ)
    assert caught.value.code == "transport.timeout"


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/things?page=2",
        "https://{host}/things",
        "http://user@{host}/things",
        "http://{host}.evil.example/things",
        "//{host}/things",
    ],
)
async def test_a_next_link_to_another_origin_is_refused_unsent(
    link: str, connect: Connect, loopback: Loopback
) -> None:
    url = link.format(host=loopback.url.removeprefix("http://"))
    with pytest.raises(WallError):
        await connect().read(ReadRequest("plain", "GET", "/things", "things", url=url))
    assert loopback.seen == []


async def test_a_next_link_to_the_same_origin_is_followed_as_it_is(
    connect: Connect, loopback: Loopback
) -> None:
    url = f"{loopback.url}/things?$skiptoken=a%2Fb&x='%20'"
    await connect().read(ReadRequest("plain", "GET", "/things", "things", url=url))
    assert loopback.seen[0].target == "/things?$skiptoken=a%2Fb&x='%20'"


async def test_only_if_match_may_be_added_to_a_write(connect: Connect, loopback: Loopback) -> None:
    await connect().write(write(idempotent=True, method="PATCH", headers=(("If-Match", 'W/"1"'),)))
    assert loopback.seen[0].headers["if-match"] == 'W/"1"'
    with pytest.raises(WallError):
        await connect().write(write(idempotent=True, headers=(("X-HTTP-Method-Override", "DELETE"),)))
    assert len(loopback.seen) == 1


@pytest.mark.parametrize(
    "failing", [{"status": 401}, {"status": 400}, {"silent": True}, {"cut": 2}, {"status": 302}]
)
async def test_no_secret_stands_in_an_error_or_a_log_line(
    failing: dict[str, Any],
    connect: Connect,
    answer: Callable[..., AnswerType],
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer(always=True, **failing)
    transport = connect(retries=RetryPolicy(attempts=2, first_s=0.001))
    with (
        caplog.at_level(logging.DEBUG),
        structlog.testing.capture_logs() as lines,
        pytest.raises(ConnectorError) as caught,
    ):
        await transport.read(READ)
    error: BaseException | None = caught.value
    while error is not None:
        assert TOKEN not in f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or error.__context__
    assert TOKEN not in f"{lines} {caplog.text}"
