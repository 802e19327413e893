"""``$batch``: multipart requests with change sets; failures stand inside a 200.

https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ml_connector.twin.dynamics.errors import RefusalError, bad_body
from ml_connector.twin.dynamics.render import refusal
from ml_connector.twin.wire import Answer, Request, Written

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ml_connector.twin.dynamics.routes import Router

BATCH_PATH = "/data/$batch"
MAX_OPERATIONS = 5000
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_BAD = 400
_LINE = "\r\n"


@dataclass(frozen=True, slots=True)
class _Part:
    content_id: str
    request: Request


@dataclass(frozen=True, slots=True)
class _ChangeSet:
    parts: tuple[_Part, ...]


def answer_batch(
    request: Request,
    now: datetime,
    router: Router,
    *,
    new_id: Callable[[], str],
    atomic: bool,
    refuse: Callable[[], Answer | None] = lambda: None,
) -> Answer:
    """Answer a batch part by part; a change set is one write unless ``atomic`` is off.

    ``refuse`` may give a part, or a change set as a whole, another answer: a 429.
    """
    try:
        found = _read(request)
    except RefusalError as problem:
        return refusal(problem, written=Written((), committed=False))
    boundary = f"batchresponse_{new_id()}"
    blocks: list[str] = []
    touched: list[Written] = []
    for item in found:
        if isinstance(item, _ChangeSet):
            refused = refuse()
            pairs = (
                [(item.parts[0].content_id if item.parts else "", refused)]
                if refused
                else _run_change_set(item, now, router, atomic=atomic)
            )
            blocks.append(_multipart(f"changesetresponse_{new_id()}", pairs))
        else:
            pairs = [(item.content_id, refuse() or router.answer(item.request, now))]
            blocks.append(_http(*pairs[0]))
        touched += [answer.written for _, answer in pairs if answer.written]
    body = "".join(f"--{boundary}{_LINE}{block}" for block in blocks) + f"--{boundary}--{_LINE}"
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}", "OData-Version": "4.0"}
    return Answer(200, body.encode(), headers, _summary(touched))


def _run_change_set(
    item: _ChangeSet, now: datetime, router: Router, *, atomic: bool
) -> list[tuple[str, Answer]]:
    """A failed change set answers with one part, under the first part's Content-ID."""
    ids = [part.content_id for part in item.parts]
    requests = [part.request for part in item.parts]
    if not atomic:
        return list(zip(ids, [router.answer(one, now) for one in requests], strict=True))
    answers = router.together(requests, now, ids)
    if answers and answers[-1].status >= _BAD:
        return [(ids[0], answers[-1])]
    return list(zip(ids, answers, strict=True))


def _summary(touched: list[Written]) -> Written | None:
    if not touched:
        return None
    committed = [item for item in touched if item.committed]
    keys = tuple(key for item in committed or touched for key in item.keys)
    return Written(keys, bool(committed))


# Reading


def _read(request: Request) -> list[_Part | _ChangeSet]:
    found: list[_Part | _ChangeSet] = []
    operations = 0
    for headers, content in _split(request.headers.get("content-type", ""), request.body):
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/mixed"):
            parts = tuple(_part(*inner) for inner in _split(kind, content))
            found.append(_ChangeSet(parts))
            operations += len(parts)
        else:
            found.append(_part(headers, content))
            operations += 1
    if operations > MAX_OPERATIONS:
        raise bad_body(f"A batch may hold {MAX_OPERATIONS} operations.")
    return found


def _split(content_type: str, body: bytes) -> list[tuple[dict[str, str], bytes]]:
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise bad_body("A batch needs the content type multipart/mixed with a boundary.")
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(match[1].encode()) + rb"(?:--)?[ \t]*(?:\r?\n|$)", body)
    return [_headers_and_content(piece) for piece in pieces[1:] if piece.strip()]


def _headers_and_content(piece: bytes) -> tuple[dict[str, str], bytes]:
    head, _, content = piece.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
    headers = {}
    for line in head.decode(errors="replace").splitlines():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, content


def _part(outer: dict[str, str], content: bytes) -> _Part:
    first, _, rest = content.lstrip(b"\n").partition(b"\n")
    words = first.decode(errors="replace").split()
    if len(words) < 2:  # noqa: PLR2004 - method and address
        raise bad_body("A part of the batch holds no request.")
    headers, body = _headers_and_content(rest) if not rest.startswith(b"\n") else ({}, rest.lstrip(b"\n"))
    address = urlsplit(words[1])
    path = address.path if address.path.startswith("/") else f"/data/{address.path}"
    target = f"{path}?{address.query}" if address.query else path
    content_id = outer.get("content-id", headers.get("content-id", ""))
    return _Part(content_id, Request(words[0].upper(), target, headers, body.strip()))


# Writing


def _multipart(boundary: str, pairs: list[tuple[str, Answer]]) -> str:
    parts = "".join(f"--{boundary}{_LINE}{_http(*pair)}" for pair in pairs)
    return f"Content-Type: multipart/mixed; boundary={boundary}{_LINE}{_LINE}{parts}--{boundary}--{_LINE}"


def _http(content_id: str, answer: Answer) -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return _LINE.join([*lines, "", answer.body.decode(), ""])
