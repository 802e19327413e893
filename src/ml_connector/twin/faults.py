"""Faults: what may go wrong between a client and a twin; ordered singly, taken by the requests they match."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, unquote_plus

import orjson

from ml_connector.twin.switches import did_you_mean
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.twin.evidence import Evidence
    from ml_connector.twin.wire import Request

HTML_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Service maintenance</title></head>"
    "<body><h1>We will be back shortly</h1></body></html>\n"
)

# F&O's 401 says nothing; what HubSpot says of an expired token is inferred from its other error bodies.
_EXPIRED_HUBSPOT = {
    "status": "error",
    "message": "The OAuth token used to make this call expired.",
    "category": "EXPIRED_AUTHENTICATION",
}


class Kind(Enum):
    """What happens to the request."""

    STATUS = "status"
    RESET_BEFORE = "reset-before"
    RESET_AFTER_COMMIT = "reset-after-commit"
    LATE_COMMIT = "late-commit"
    TRUNCATE = "truncate"
    SLOW = "slow"
    HTML = "html"
    DELAY = "delay"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105  the name of a fault, not a credential


# What each does to the request it takes, and what says that it happens.
MEANS: dict[Kind, tuple[str, Evidence]] = {
    Kind.STATUS: ("This status is answered, with this body and these headers; nothing is done.", "D"),
    Kind.RESET_BEFORE: ("The connection breaks before anything is done.", "INF"),
    Kind.RESET_AFTER_COMMIT: ("Everything is done, then the connection breaks.", "INF"),
    Kind.LATE_COMMIT: (
        "No answer, or the given status, or a reset; it is done so many seconds later all the same.",
        "INF",
    ),
    Kind.TRUNCATE: ("Half of the body arrives, then the connection ends.", "INF"),
    Kind.SLOW: ("The body takes so many seconds to arrive.", "INF"),
    Kind.HTML: ("A page of HTML with status 200 (or the given one), as gateways send it.", "CODE"),
    Kind.DELAY: ("The request is taken up so many seconds later.", "INF"),
    Kind.EXPIRED_TOKEN: ("401, as for a token that has run out.", "MS"),
}


@dataclass(slots=True)
class Fault:
    """One ordered fault; ``times`` and ``skip`` count down as requests match."""

    kind: Kind
    method: str | None = None
    path: re.Pattern[str] | None = None
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    times: int | None = 1  # None: for ever
    skip: int = 0
    reset: bool = False  # late-commit without a status: reset the connection at once instead of silence
    id: str = ""

    def matches(self, request: Request) -> bool:
        """Whether method and path fit; the path is tried as sent and percent-decoded, query included."""
        if self.method is not None and self.method != request.method:
            return False
        if self.path is None:
            return True
        path, _, query = request.target.partition("?")
        decoded = f"{unquote(path)}?{unquote_plus(query)}" if query else unquote(path)
        return any(self.path.search(text) for text in (request.target, decoded))

    def answer(self, status: int, body: bytes = b"") -> Answer:
        """The answer given in place of the machine's; ``body`` stands in where the fault has none."""
        content = self.body or body
        kind = "text/html" if content.lstrip()[:1] == b"<" else "application/json"
        headers = {"Content-Type": f"{kind};charset=utf-8"} if content else {}
        return Answer(status, content, headers | self.headers)


class Faults:
    """The ordered faults of one side; the first that matches takes the request."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> str:
        """Arm a fault and return its id."""
        fault.id = self._new_id()
        self._waiting.append(fault)
        return fault.id

    def clear(self) -> None:
        """Disarm all."""
        self._waiting.clear()

    def take(self, request: Request) -> Fault | None:
        """The fault this request runs into; counts its ``skip`` and ``times`` down."""
        for fault in self._waiting:
            if not fault.matches(request):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
            return fault
        return None


def expired_token(side: str, new_id: Callable[[], str]) -> Answer:
    """The 401 of an expired token: empty from F&O, an error body from HubSpot."""
    if side == "dynamics":
        return Answer(401, b"")
    body = orjson.dumps(_EXPIRED_HUBSPOT | {"correlationId": new_id()})
    return Answer(401, body, {"Content-Type": "application/json;charset=utf-8"})


def parse_fault(order: Any) -> Fault:
    """Read a fault as ``POST /__twin__/faults`` takes it.

    Raises:
        ValueError: A sentence that names the field and what it takes.
    """
    if not isinstance(order, dict):
        raise ValueError('a fault is a JSON object such as {"fault": "html"}')  # noqa: TRY004  one error for bad input
    match: dict[str, Any] = _field(order, "match", dict, {})
    _known(order, _FIELDS, "a fault")
    _known(match, ("method", "path"), "match")
    kind = _kind(order)
    status = _field(order, "status", int, None)
    if kind is Kind.STATUS and status is None:
        raise ValueError('the fault "status" needs a status, for example 503')
    if status is not None and not 200 <= status <= 599:  # noqa: PLR2004  the final HTTP statuses
        raise ValueError(f"status is a number from 200 to 599, not {status}")
    method = _field(match, "method", str, None)
    return Fault(
        kind=kind,
        method=method.upper() if method else None,
        path=_pattern(_field(match, "path", str, None)),
        status=status,
        body=_body(order.get("body")),
        headers={str(name): str(value) for name, value in _field(order, "headers", dict, {}).items()},
        seconds=float(_not_negative("seconds", _field(order, "seconds", (int, float), 0))),
        times=int(_not_negative("times", _field(order, "times", int, 0 if "times" in order else 1))) or None,
        skip=int(_not_negative("skip", _field(order, "skip", int, 0))),
        reset=_field(order, "reset", bool, default=False),
    )


_FIELDS = ("match", "fault", "status", "body", "headers", "seconds", "times", "skip", "reset")
_T = TypeVar("_T")


def _kind(order: Mapping[str, Any]) -> Kind:
    names = tuple(kind.value for kind in Kind)
    name = order.get("fault")
    if name not in names:
        raise ValueError(
            f"there is no fault {name!r}{did_you_mean(str(name), names)}; choose one of {', '.join(names)}"
        )
    return Kind(name)


def _field(
    order: Mapping[str, Any], name: str, kind: type[Any] | tuple[type[Any], ...], default: _T
) -> Any | _T:
    value = order.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} of a fault cannot be {value!r}")
    return value


def _known(order: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in order:
        if name not in names:
            raise ValueError(f"{where} has no field {name!r}{did_you_mean(name, names)}")


def _not_negative(name: str, value: float) -> float:
    if value < 0:
        raise ValueError(f"{name} of a fault cannot be negative")
    return value


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise ValueError(f"match.path is not a regular expression: {error}") from error


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else orjson.dumps(body)
