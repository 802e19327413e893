"""Requests that nobody of ours has sent: each is refused, and leaves nothing but a number behind."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.store import connections, rotating
from ml_connector.store.rotating import Rotating
from ml_connector.twin.hubspot.signatures import sign_v1, sign_v2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.conftest import ManualClock
    from tests.console.door import PUBLIC, SECRET, Door, Reply, business, relayed, webhook
else:
    from door import (
        PUBLIC,
        SECRET,
        Door,
        Reply,
        business,
        relayed,
        webhook,
    )  # pytest puts this folder on the path

HOOK = "/hooks/hubspot/default"
BODY = json.dumps([webhook()]).encode()
EVENT = json.dumps(business()).encode()
MINUTES_5 = 300_000
NOTHING = json.dumps({**relayed(business()), "InputParameters": []}).encode()
LARGE = 1024 * 1024 + 1


@dataclass(frozen=True)
class Forgery:
    """What is wrong with it, the status it earns, and what it is counted as: nothing when it never reached a door."""

    what: str
    status: int
    reason: str
    send: Callable[[Door], Awaitable[Reply]]


def hubspot(
    what: str,
    status: int,
    reason: str,
    *,
    body: bytes = BODY,
    sent: bytes | None = None,
    target: str = HOOK,
    **signed: Any,
) -> Forgery:
    """A webhook signed over something, and sent as something else."""

    async def send(door: Door) -> Reply:
        shift = signed.pop("shift_ms", None)
        given = {**signed, **({"stamp": door.stamp(shift)} if shift is not None else {})}
        drop, put, more = given.pop("drop", ()), given.pop("put", {}), given.pop("more", [])
        headers = [
            (name, put.get(name, value)) for name, value in door.signed(body, **given) if name not in drop
        ]
        return await door.send(target, body if sent is None else sent, [*headers, *more])

    return Forgery(f"hubspot: {what}", status, reason, send)


def dynamics(
    what: str, status: int, reason: str, *, body: bytes = EVENT, path: str = "", **given: Any
) -> Forgery:
    """A business event at this path; T stands for the good token."""

    async def send(door: Door) -> Reply:
        target = path.replace("T", door.token) if path else door.dynamics_path
        return await door.send(target, body, **given)

    return Forgery(f"dynamics: {what}", status, reason, send)


def raw(what: str, status: int, reason: str, text: str) -> Forgery:
    """Bytes that are hardly HTTP; T stands for the good token, N for the length of an event."""

    async def send(door: Door) -> Reply:
        head = text.replace("T/", f"{door.token}/").replace("{T}", door.token).replace("{N}", str(len(EVENT)))
        return await door.raw(head.replace("\n", "\r\n").encode(), EVENT)

    return Forgery(f"raw: {what}", status, reason, send)


def changed(**fields: Any) -> bytes:
    """A business event with other fields."""
    return json.dumps(business(**fields)).encode()


def told(**fields: Any) -> bytes:
    """A webhook with other fields."""
    return json.dumps([webhook(**fields)]).encode()


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


SIGNATURE, STAMP = "X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"
V1 = [("X-HubSpot-Signature", sign_v1(SECRET, BODY)), ("X-HubSpot-Signature-Version", "v1")]
V2 = [
    ("X-HubSpot-Signature", sign_v2(SECRET, "POST", PUBLIC + HOOK, BODY)),
    ("X-HubSpot-Signature-Version", "v2"),
]
NONE = (SIGNATURE, STAMP)

SIGNED = (  # E1, E2: who did not sign, or not this, or not now
    hubspot("no signature", 401, "signature_missing", drop=NONE),
    hubspot("a timestamp without a signature", 401, "signature_missing", drop=(SIGNATURE,)),
    hubspot("a signature without a timestamp", 401, "timestamp", drop=(STAMP,)),
    hubspot("an empty signature", 401, "signature", put={SIGNATURE: ""}),
    hubspot("a signature of blanks", 401, "signature", put={SIGNATURE: "=" * 44}),
    hubspot("a signature of something else", 401, "signature", sent=BODY.replace(b"closedwon", b"closedlst")),
    hubspot("a body with a blank more", 401, "signature", sent=BODY + b" "),
    hubspot("a body with other line ends", 401, "signature", body=b"[\n]", sent=b"[\r\n]"),
    hubspot("no body", 401, "signature", sent=b""),
    hubspot("another secret", 401, "signature", secret="guessed"),
    hubspot("an empty secret", 401, "signature", secret=""),
    hubspot("the secret in another case", 401, "signature", secret=SECRET.upper()),
    hubspot("a truncated signature", 401, "signature", put={SIGNATURE: "K36dawei4A"}),
    hubspot("a signature that is no ASCII", 401, "signature", put={SIGNATURE: "ÿ" * 44}),
    hubspot("the method GET", 401, "signature", method="GET"),
    hubspot("the address over http", 401, "signature", uri=f"http://connector.example{HOOK}"),
    hubspot("the address of another host", 401, "signature", uri=f"https://evil.example{HOOK}"),
    hubspot("the address of another connection", 401, "signature", uri=f"{PUBLIC}/hooks/hubspot/other"),
    hubspot("the host alone", 401, "signature", uri=PUBLIC),
    hubspot("a query that was not sent", 401, "signature", uri=f"{PUBLIC}{HOOK}?a=1"),
    hubspot("a query that was not signed", 401, "signature", target=f"{HOOK}?a=1"),
    hubspot(
        "the host that a forwarding header names", 401, "signature", uri=f"https://evil.example{HOOK}",
        more=[("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("Forwarded", "host=evil.example")],
    ),
    hubspot(
        "the scheme that a forwarding header names", 401, "signature", uri=f"http://connector.example{HOOK}",
        more=[("X-Forwarded-Proto", "http")],
    ),
    hubspot("five minutes and a moment ago", 401, "timestamp", shift_ms=-MINUTES_5 - 1),
    hubspot("in five minutes and a moment", 401, "timestamp", shift_ms=MINUTES_5 + 1),
    hubspot("a timestamp changed afterwards", 401, "signature", put={STAMP: "1772452800001"}),
    hubspot("a timestamp in seconds", 401, "timestamp", stamp="1772452800"),
    hubspot("a negative timestamp", 401, "timestamp", stamp="-1772452800000"),
    hubspot("a timestamp with a sign", 401, "timestamp", stamp="+1772452800000"),
    hubspot("a timestamp in other digits", 401, "timestamp", put={STAMP: "١٧٧٢٤٥٢٨٠٠٠٠٠"}),
    hubspot("a timestamp of 400 digits", 401, "timestamp", stamp="1" * 400),
    hubspot("a timestamp beyond every calendar", 401, "timestamp", stamp="9" * 15),
    hubspot("a timestamp as a power", 401, "timestamp", stamp="1.772e12"),
    hubspot("two signatures, one of them good", 401, "signature_doubled", more=[(SIGNATURE, "x")]),
    hubspot("two timestamps", 401, "signature_doubled", more=[(STAMP, "1772452800000")]),
    hubspot("the first version of the signature", 401, "algorithm", drop=NONE, more=V1),
    hubspot("the second version of the signature", 401, "algorithm", drop=NONE, more=V2),
    hubspot("the first version under the third's name", 401, "signature", put={SIGNATURE: V1[0][1]}),
    hubspot("a bad third version beside a good first", 401, "signature", put={SIGNATURE: "bad"}, more=V1),
    hubspot("no timestamp beside a good first version", 401, "timestamp", drop=(STAMP,), more=V1),
    hubspot("an unknown version", 401, "algorithm", drop=NONE, more=[V1[0], ("X-HubSpot-Signature-Version", "v9")]),
    hubspot(
        "a connection that does not exist", 401, "signature", target="/hooks/hubspot/none",
        uri=f"{PUBLIC}/hooks/hubspot/none",
    ),
    hubspot(
        "the connection in another case", 401, "signature", target="/hooks/hubspot/DEFAULT",
        uri=f"{PUBLIC}/hooks/hubspot/DEFAULT",
    ),
    hubspot(
        "another connection's secret", 401, "signature", secret="secret of the other one",
    ),
)  # fmt: skip

TOKENS = (
    dynamics("no token", 404, "", path="/hooks/dynamics/default"),
    dynamics("an empty token", 404, "", path="/hooks/dynamics/default/"),
    dynamics("a guessed token", 401, "token", path="/hooks/dynamics/default/guessed"),
    dynamics("a token with a sign more", 401, "token", path="/hooks/dynamics/default/Tx"),
    dynamics("a token with an encoded zero", 401, "token", path="/hooks/dynamics/default/T%00"),
    dynamics("a token with a slash", 404, "", path="/hooks/dynamics/default/T/"),
    dynamics("a token that is no ASCII", 401, "token", path="/hooks/dynamics/default/%C3%BF"),
    dynamics("a token that is no UTF-8", 401, "token", path="/hooks/dynamics/default/%FF%FE"),
    dynamics("the token as a query", 404, "", path="/hooks/dynamics/default?token=T"),
    dynamics(
        "the token of another connection", 401, "token", path="/hooks/dynamics/default/token-of-the-other-one"
    ),
    dynamics("a good token at another connection", 401, "token", path="/hooks/dynamics/other/T"),
    dynamics("a good token at no connection", 401, "token", path="/hooks/dynamics/none/T"),
    dynamics(
        "the name of the token's field", 401, "token", path="/hooks/dynamics/default/events.dynamics.token"
    ),
    dynamics("a connection that climbs", 404, "", path="/hooks/dynamics/../default/T/x"),
    dynamics("a new line in the connection", 401, "token", path="/hooks/dynamics/a%0d%0aSet-Cookie:x=1/T"),
    dynamics("GET", 405, "", method="GET", body=b""),
    dynamics("PUT", 405, "", method="PUT"),
    dynamics(
        "an overruled method", 405, "", method="GET", body=b"", headers=[("X-HTTP-Method-Override", "POST")]
    ),
)

BODIES = (  # E5: whoever holds a good token or secret may still send what is no event
    dynamics("a body over 1 MiB", 413, "too_large", body=b"", headers=[("Content-Length", str(LARGE))]),
    hubspot("a body over 1 MiB", 413, "too_large", sent=b"", more=[("Content-Length", str(LARGE))]),
    dynamics("a compressed body", 415, "compressed", body=gzip.compress(EVENT), headers=[("Content-Encoding", "gzip")]),
    hubspot("a compressed body", 415, "compressed", body=gzip.compress(BODY), more=[("Content-Encoding", "gzip")]),
    dynamics("no body", 400, "unreadable", body=b""),
    dynamics("text", 400, "unreadable", body=b"hello"),
    dynamics("nothing", 400, "unreadable", body=b"null"),
    dynamics("an empty array", 400, "unreadable", body=b"[]"),
    dynamics("an array of numbers", 400, "unreadable", body=b"[1]"),
    dynamics("10,000 events", 400, "unreadable", body=b"[" + b",".join([b"{}"] * 10_000) + b"]"),
    dynamics("JSON 65 deep", 400, "unreadable", body=nested(65)),
    dynamics("JSON 100,000 deep", 400, "unreadable", body=nested(100_000)),
    dynamics("a key twice", 400, "unreadable", body=EVENT[:-1] + b', "ControlNumber": 1}'),
    dynamics("not a number", 400, "unreadable", body=json.dumps(business(float("nan"))).encode()),  # type: ignore[arg-type]
    dynamics("half a character", 400, "unreadable", body=json.dumps(business(1, "\ud800")).encode()),
    dynamics("a byte order mark", 400, "unreadable", body=b"\xef\xbb\xbf" + EVENT),
    dynamics("UTF-16", 400, "unreadable", body=EVENT.decode().encode("utf-16")),
    dynamics("a truncated body", 400, "unreadable", body=EVENT[:-5]),
    dynamics("no event id", 400, "unreadable", body=b'{"ControlNumber": 1}'),
    dynamics("a fraction as number", 400, "unreadable", body=EVENT.replace(b"5637985363", b"5637985363.0")),
    dynamics("a number of 65 bits", 400, "unreadable", body=changed(ControlNumber=2**63)),
    dynamics("a number of 5,000 digits", 400, "unreadable", body=EVENT.replace(b"5637985363", b"9" * 5000)),
    dynamics("yes as number", 400, "unreadable", body=changed(ControlNumber=True)),
    dynamics("no number", 400, "unreadable", body=changed(ControlNumber=None)),
    dynamics("an object as event id", 400, "unreadable", body=changed(BusinessEventId={})),
    dynamics("a new line in the event id", 400, "unreadable", body=changed(BusinessEventId="a\nb")),
    dynamics("an event id of 1,000 signs", 400, "unreadable", body=changed(BusinessEventId="a" * 1000)),
    dynamics("a zero in the legal entity", 400, "unreadable", body=changed(BusinessEventLegalEntity="a\0")),
    dynamics("parameters that are no list", 400, "unreadable", body=b'{"InputParameters": {}}'),
    dynamics("parameters without keys", 400, "unreadable", body=b'{"InputParameters": [{"value": 1}]}'),
    dynamics("a data event of nothing", 400, "unreadable", body=NOTHING),
    hubspot("an object", 400, "unreadable", body=b"{}"),
    hubspot("an empty list", 400, "unreadable", body=b"[]"),
    hubspot("101 events", 400, "unreadable", body=json.dumps([webhook(n) for n in range(101)]).encode()),
    hubspot("a good event and a bad one", 400, "unreadable", body=json.dumps([webhook(), 1]).encode()),
    hubspot("no type", 400, "unreadable", body=told(subscriptionType=None)),
    hubspot("no portal", 400, "unreadable", body=told(portalId=None)),
    hubspot("a fraction as record", 400, "unreadable", body=told(objectId=1.5)),
    hubspot("a zero in the type", 400, "unreadable", body=told(subscriptionType="deal.\0")),
    hubspot("a number beyond any size", 400, "unreadable", body=b'[{"eventId": 1e999999999}]'),
)  # fmt: skip

HEAD = "POST /hooks/dynamics/default/{T} HTTP/1.1\nHost: x\n"
WIRE = (  # what no well-bred client sends
    raw("a length and chunks", 400, "", HEAD + "Content-Length: 5\nTransfer-Encoding: chunked, identity\n\n"),
    raw("two lengths", 400, "", HEAD + "Content-Length: 1\nContent-Length: 2\n\n"),
    raw("a length that is no number", 400, "", HEAD + "Content-Length: +5\n\n"),
    raw("a header with a new line in it", 400, "", HEAD + "X-A: b\x00c\nContent-Length: {N}\n\n"),
    raw("no host", 400, "", "POST /hooks/dynamics/default/{T} HTTP/1.1\nContent-Length: {N}\n\n"),
    raw("the address of a proxy", 404, "", "POST http://evil.example/hooks/dynamics/default/{T} HTTP/1.1\nHost: x\n"
        "Connection: close\nContent-Length: {N}\n\n"),
    raw("a length over 1 MiB and nothing behind it", 413, "too_large", HEAD + f"Content-Length: {LARGE}\n\n"),
)  # fmt: skip
FORGERIES = (*SIGNED, *TOKENS, *BODIES, *WIRE)


async def another_connection(door: Door) -> None:
    """With secrets of its own: they open nothing but its own door."""
    place = door.place
    async with place.store.write() as tx:
        other = (await connections.get_or_create(tx, "other")).connection_id
        token, secret = (
            Rotating(text, tx.now) for text in ("token-of-the-other-one", "secret of the other one")
        )
        await rotating.put(tx, other, "events.dynamics.token", token, place.vault)
        await rotating.put(tx, other, "events.hubspot.secret", secret, place.vault)


def test_there_are_more_than_forty_kinds() -> None:
    assert len({forgery.what for forgery in FORGERIES}) == len(FORGERIES) > 40


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.what)
async def test_e1_e2_e5_a_forged_request_is_refused_and_leaves_only_a_number(
    shared_door: Door, forgery: Forgery
) -> None:
    await another_connection(shared_door)
    before = await shared_door.refused()
    reply = await forgery.send(shared_door)
    assert reply.status == forgery.status
    assert await shared_door.refused() - before == Counter([forgery.reason] if forgery.reason else [])
    assert await shared_door.rows() == []
    assert "set-cookie" not in reply.headers
    assert shared_door.token.encode() not in reply.body


@pytest.mark.parametrize("shift_ms", [0, -MINUTES_5, MINUTES_5])
async def test_e2_within_five_minutes_either_way_a_signature_is_good(door: Door, shift_ms: int) -> None:
    reply = await door.send(HOOK, BODY, door.signed(BODY, stamp=door.stamp(shift_ms)))
    assert reply.status == 200


async def test_a_body_that_grows_over_1_mib_in_chunks_is_cut_off(door: Door) -> None:
    """Nobody has to say how long it will be: it is counted while it comes."""
    head = f"POST {door.dynamics_path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    reply = await door.raw(head, *[chunk] * 16, b"1\r\n \r\n")
    assert reply.status == 413
    assert await door.refused() == {"too_large": 1}


async def test_a_body_that_never_ends_coming_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_connector.console import hooks

    monkeypatch.setattr(hooks, "READ_WITHIN_S", 0.05)
    head = f"POST {door.dynamics_path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode()
    reply = await door.raw(head, b"[")
    assert reply.status == 408
    assert await door.refused() == {"too_slow": 1}


async def test_a_sender_that_goes_away_in_the_middle_is_counted_and_makes_no_noise(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"POST {door.dynamics_path} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n["
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(10):
        while not (refused := await door.refused()):
            pass  # each look waits for the database
    assert refused == {"broken_off": 1}
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == []


async def test_strangers_and_wrong_tokens_are_answered_alike(door: Door) -> None:
    """Nobody learns from an answer which connections there are."""
    replies = [
        await door.send(f"/hooks/dynamics/{name}/{token}", EVENT)
        for name, token in (("default", "wrong"), ("none", "wrong"), ("none", door.token))
    ]
    replies += [
        await door.send(f"/hooks/hubspot/{name}", BODY, door.signed(BODY, secret="wrong"))
        for name in ("default", "none")
    ]
    assert len({(reply.status, reply.body, tuple(sorted(reply.headers.items()))) for reply in replies}) == 1


async def test_refused_requests_are_counted_by_day_and_reason(door: Door, clock: ManualClock) -> None:
    for _ in range(3):
        await door.send("/hooks/dynamics/default/guessed", EVENT)
    await door.send(HOOK, BODY)
    assert await door.refused() == {"token": 3, "signature_missing": 1}
    await door.send("/hooks/dynamics/default/guessed", EVENT)
    assert await door.refused() == {"token": 4, "signature_missing": 1}
