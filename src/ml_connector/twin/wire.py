"""What travels between a twin's shell and its machine: one request, one answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class Request:
    """One HTTP request as it reached the twin: ``target`` is the raw path and query, header names lower-case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        """The decoded path, without the query."""
        return unquote(urlsplit(self.target).path)

    @cached_property
    def raw_path(self) -> str:
        """The path as sent, still percent-encoded."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query, in order, repeated names kept."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def param(self, name: str, default: str | None = None) -> str | None:
        """The first query value of that name."""
        return next((value for key, value in self.query if key == name), default)


@dataclass(frozen=True, slots=True)
class Written:
    """What a mutating request did: the record keys it touched and whether anything was stored."""

    keys: tuple[str, ...]
    committed: bool


@dataclass(slots=True)
class Answer:
    """One HTTP answer; ``written`` is None for requests that only read."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    written: Written | None = None
    throttled: bool = False


def json_answer(status: int, body: Any, *, written: Written | None = None, **headers: str) -> Answer:
    """An answer with a JSON body; keyword header names get dashes for underscores."""
    named = {"Content-Type": "application/json;charset=utf-8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Answer(status, orjson.dumps(body, default=_plain), named, written)


def _plain(value: Any) -> Any:
    """Decimals travel as JSON numbers with their own digits."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)


class Machine(Protocol):
    """One system's behaviour: state in memory, one request at a time, no waiting inside."""

    side: str  # "dynamics" or "hubspot"

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """Refuse before any work: credentials, throttling. None lets the request in. Called on arrival."""

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one admitted request; everything it changes is changed before it returns. This is the commit."""

    def counts(self) -> dict[str, int]:
        """Records by set (dynamics) or object type (hubspot): the ground truth."""

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Ground truth of one set or object type in key order, and the key to go on after."""
