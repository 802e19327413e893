"""What goes out and what comes back, as values. A write has a type of its own: no read can become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

JSON = "application/json"
_QUERY_SAFE = "$'(),:;/*@!"  # what a query value may hold in clear; blanks become %20, never "+"


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A call that changes nothing on the other side, whatever its method, and may be repeated at will.

    Args:
        path: Below the base URL, percent-encoded, without query.
        resource: The name the wall lists this path under.
        fields: A JSON body, for the POSTs that only read.
        url: An absolute next link, followed as it is after its origin has been checked.
    """

    side: str
    method: Literal["GET", "POST"]
    path: str
    resource: str
    params: tuple[tuple[str, str], ...] = ()
    fields: Any = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A call that changes something: only what the wall lists passes.

    Args:
        fields: The body: plain data, or bytes that were stored and go out again exactly so.
        idempotent: Whether sending it twice equals sending it once.
        headers: Only ``If-Match``.
        call_id: The id of the intent row; travels along as ``x-client-request-id``.
    """

    side: str
    method: Literal["POST", "PATCH", "PUT"]
    path: str
    resource: str
    fields: Any
    idempotent: bool
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    call_id: str = ""
    content_type: str = JSON


Request = ReadRequest | WriteRequest


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer read to its end. ``data`` is parsed JSON, a multipart body as it came, other text, or None."""

    status: int
    data: Any
    headers: Mapping[str, str]  # names in lower case
    correlation_id: str
    received_at: datetime


def query(params: tuple[tuple[str, str], ...]) -> str:
    """The query string, with its question mark; empty without parameters."""
    if not params:
        return ""
    return "?" + "&".join(
        f"{quote(name, safe='$')}={quote(value, safe=_QUERY_SAFE)}" for name, value in params
    )
