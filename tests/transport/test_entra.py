"""The app-only token: fetched once for all, renewed early and once on 401, refusals explained."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from ml_connector.errors import ConfigurationError, CredentialsError, UnavailableError
from ml_connector.transport.auth import EntraToken, StaticToken
from ml_connector.transport.request import ReadRequest, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import ManualClock
    from tests.transport.conftest import Answer, Loopback, Seen

    from ml_connector.domain.clock import Surroundings
    from ml_connector.transport.http import Transport

READ = ReadRequest("plain", "GET", "/things", "things")
SECRET = "canary~se+cr/et="


class Issuer:
    """Answers token requests with numbered tokens and everything else by the tokens still accepted."""

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self.expires_in: Any = 3599
        self.accepted: set[str] | None = None
        self.issued = 0
        self.refusal: tuple[int, dict[str, Any]] | None = None

    def __call__(self, seen: Seen) -> Answer:
        answer = type(self.loopback.answer)
        if not seen.target.endswith("/token"):
            token = seen.headers["authorization"].removeprefix("Bearer ")
            fine = self.accepted is None or token in self.accepted
            return answer(status=200 if fine else 401)
        if self.refusal is not None:
            status, body = self.refusal
            return answer(status=status, body=json.dumps(body).encode())
        self.issued += 1
        grant = {
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "access_token": f"token-{self.issued:04}",
        }
        return answer(body=json.dumps(grant).encode())


@pytest.fixture
def issuer(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    made = Issuer(loopback)
    send = loopback._send

    async def by_request(writer: asyncio.StreamWriter, _answer: Answer) -> None:
        await send(writer, made(loopback.seen[-1]))

    monkeypatch.setattr(loopback, "_send", by_request)
    return made


@pytest.fixture
def entra(loopback: Loopback) -> EntraToken:
    return EntraToken(loopback.url, "tenant", "client-1", SECRET, "contoso.operations.dynamics.com")


async def test_the_token_is_asked_for_as_entra_wants_it(
    connect: Callable[..., Transport], issuer: Issuer, entra: EntraToken, loopback: Loopback
) -> None:
    await connect(credentials=entra).read(READ)
    asked = loopback.seen[0]
    assert asked.target == "/tenant/oauth2/v2.0/token"
    assert "authorization" not in asked.headers
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": [SECRET],
        "scope": ["https://contoso.operations.dynamics.com/.default"],
    }


async def test_many_callers_share_one_token_request(
    connect: Callable[..., Transport], issuer: Issuer, entra: EntraToken
) -> None:
    transport = connect(credentials=entra)
    await asyncio.gather(*(transport.read(READ) for _ in range(20)))
    assert issuer.issued == 1


@pytest.mark.parametrize(("life", "early"), [(3599, 300), ("3599", 300), (600, 60)])
async def test_the_token_is_renewed_before_it_ends(
    life: Any,
    early: int,
    *,
    connect: Callable[..., Transport],
    issuer: Issuer,
    entra: EntraToken,
    around: Surroundings,
    clock: ManualClock,
) -> None:
    issuer.expires_in = life
    transport = connect(credentials=entra, around=around)
    await transport.read(READ)
    clock.advance(int(life) - early - 1)
    await transport.read(READ)
    assert issuer.issued == 1
    clock.advance(2)
    await transport.read(READ)
    assert issuer.issued == 2


async def test_a_refused_token_is_renewed_once_and_the_call_repeated(
    connect: Callable[..., Transport], issuer: Issuer, entra: EntraToken, loopback: Loopback
) -> None:
    transport = connect(credentials=entra)
    issuer.accepted = {"token-0002"}
    write = WriteRequest("plain", "POST", "/things", "things", {"order": 1}, idempotent=False)
    await transport.write(write)  # a 401 did nothing: also an order may be sent again
    assert issuer.issued == 2
    assert [seen.body for seen in loopback.seen if seen.method == "POST" and seen.target == "/things"] == [
        b'{"order":1}'
    ] * 2


async def test_many_callers_with_one_refused_token_renew_it_once(
    connect: Callable[..., Transport], issuer: Issuer, entra: EntraToken
) -> None:
    transport = connect(credentials=entra)
    await transport.read(READ)
    issuer.accepted = {"token-0002"}
    await asyncio.gather(*(transport.read(READ) for _ in range(6)))
    assert issuer.issued == 2


async def test_a_second_refusal_stops_without_a_loop(
    connect: Callable[..., Transport], issuer: Issuer, entra: EntraToken, loopback: Loopback
) -> None:
    issuer.accepted = set()
    async with asyncio.timeout(10):
        with pytest.raises(CredentialsError):
            await connect(credentials=entra).read(READ)
    assert len([seen for seen in loopback.seen if seen.target == "/things"]) == 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (7000215, "secret is wrong"),
        (7000222, "secret has expired"),
        (700016, "no app with this client id"),
        (90002, "no such tenant"),
        (900023, "tenant is neither"),
        (500011, "does not know this Dynamics address"),
        (7000112, "disabled"),
        (53003, "AADSTS53003"),
    ],
)
async def test_each_refusal_says_what_to_mend(
    code: int,
    words: str,
    *,
    connect: Callable[..., Transport],
    issuer: Issuer,
    entra: EntraToken,
    loopback: Loopback,
) -> None:
    issuer.refusal = (
        401,
        {
            "error": "invalid_client",
            "error_description": f"AADSTS{code}: … Trace ID: x",
            "error_codes": [code],
        },
    )
    expected = (
        ConfigurationError if code == 500011 else CredentialsError
    )  # there the address is wrong, not the secret
    with pytest.raises(expected) as caught:
        await connect(credentials=entra).read(READ)
    assert words in caught.value.message
    assert caught.value.hint
    assert caught.value.code == f"entra.{code}"
    assert SECRET not in f"{caught.value} {entra!r}"
    assert len(loopback.seen) == 1


@pytest.mark.parametrize("passing", [(503, {}), (429, {}), (400, {"error_codes": [90033]})])
async def test_passing_faults_of_the_sign_in_service_are_waited_out(
    passing: tuple[int, dict[str, Any]],
    connect: Callable[..., Transport],
    issuer: Issuer,
    entra: EntraToken,
    loopback: Loopback,
) -> None:
    issuer.refusal = passing
    reading = asyncio.create_task(connect(credentials=entra).read(READ))
    async with asyncio.timeout(10):
        while len(loopback.seen) < 2:  # noqa: ASYNC110 - until it was asked twice
            await asyncio.sleep(0.001)
    issuer.refusal = None
    await reading
    assert issuer.issued == 1


async def test_a_sign_in_service_that_stays_away_is_unavailable_not_a_wrong_secret(
    connect: Callable[..., Transport], issuer: Issuer, entra: EntraToken
) -> None:
    issuer.refusal = (503, {})
    with pytest.raises(UnavailableError):
        await connect(credentials=entra).read(READ)


@pytest.mark.parametrize("pasted", ["", "  ", "two words", "line\nbreak", "ümlaut", "a\x00b"])
def test_a_token_that_cannot_be_one_is_refused_before_anything_is_sent(pasted: str) -> None:
    with pytest.raises(CredentialsError):
        StaticToken(pasted)
