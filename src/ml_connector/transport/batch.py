"""Several writes in one call: a multipart change set, made here from requests that each passed the wall.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata and OData 4.0 part 1,
section 11.7.
"""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING

from ml_connector.transport import strict_json
from ml_connector.transport.request import Reply, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import Message

RESOURCE = "$batch"
_LINE = b"\r\n"


def change_set(side: str, path: str, parts: Sequence[WriteRequest], *, call_id: str) -> WriteRequest:
    """The call that carries these writes, in their order; it is never repeated by itself."""
    outer, inner = f"batch_{call_id}", f"changeset_{call_id}"
    blocks = [_part(inner, place, part) for place, part in enumerate(parts, start=1)]
    head = f"--{outer}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n"
    tail = f"--{inner}--\r\n--{outer}--\r\n"
    return WriteRequest(
        side,
        "POST",
        path,
        RESOURCE,
        fields=b"".join([head.encode(), *blocks, tail.encode()]),
        idempotent=False,
        call_id=call_id,
        content_type=f"multipart/mixed; boundary={outer}",
    )


def _part(boundary: str, place: int, part: WriteRequest) -> bytes:
    """One write, as the HTTP request it would have been alone."""
    lines = (
        f"--{boundary}",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: {place}",
        "",
        f"{part.method} {part.path} HTTP/1.1",
        "Content-Type: application/json;odata.metadata=minimal",
        "",
    )
    body = part.fields if isinstance(part.fields, bytes) else strict_json.dumps(part.fields)
    return b"".join(line.encode() + _LINE for line in lines) + body + _LINE


def replies(reply: Reply) -> list[Reply]:
    """The answers inside the answer, in their order; none when it is not multipart.

    A change set that failed as a whole has one.

    Raises:
        MalformedError: a part does not hold what an HTTP answer does.
    """
    if not isinstance(reply.data, bytes):
        return []
    content_type = reply.headers.get("content-type", "")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + reply.data)
    return [_reply(part, reply) for part in _leaves(message)]


def _leaves(message: Message) -> Iterator[Message]:
    if message.is_multipart():
        for part in message.iter_parts():  # type: ignore[attr-defined]  # EmailMessage, by the policy
            yield from _leaves(part)
    elif message.get_content_type() == "application/http":
        yield message


def _reply(part: Message, outer: Reply) -> Reply:
    """``HTTP/1.1 201 Created``, headers, a blank line, a body."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise strict_json.MalformedError("a part of the answer is empty")
    first, _, rest = content.lstrip().partition(b"\n")
    words = first.split()
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - protocol and status
        raise strict_json.MalformedError("a part of the answer has no status")
    inner = BytesParser(policy=HTTP).parsebytes(rest)
    headers = {name.lower(): str(value) for name, value in inner.items()}
    body = inner.get_payload(decode=True)
    data = strict_json.loads(body) if isinstance(body, bytes) and body.strip() else None
    return Reply(int(words[1]), data, headers, outer.correlation_id, outer.received_at)
