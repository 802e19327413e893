"""What an answer means is the system's knowledge; this is how it tells the transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003  # field types of a dataclass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_connector.errors import ConnectorError
    from ml_connector.transport.request import Reply, Request


@dataclass(frozen=True, slots=True)
class Final:
    """Repeating the same call would bring the same answer."""


@dataclass(frozen=True, slots=True)
class Again:
    """The same call may succeed later.

    Args:
        after_s: How long to wait where the answer has no usable Retry-After; None means backoff.
        least_s: Never wait less, whatever the answer says.
        throttled: The side asked us to slow down.
        pause: Nobody may use the bucket until the wait is over.
        bucket: Which bucket pauses; empty for all buckets of the call.
        day_is_spent: Nothing is left of the day's calls; the wait ends with the day at the latest.
    """

    after_s: float | None = None
    least_s: float = 0.0
    reason: str = ""
    throttled: bool = False
    pause: bool = False
    bucket: str = ""
    day_is_spent: bool = False


@dataclass(frozen=True, slots=True)
class Reauthenticate:
    """The credential was refused: a fresh one may do."""


Verdict = Final | Again | Reauthenticate


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit an answer told us: at most ``calls`` in any ``window_s`` seconds, ``left`` of them unused."""

    bucket: str
    calls: int
    window_s: float
    left: int | None = None


@dataclass(frozen=True, slots=True)
class DayLimit:
    """What an answer told of the day: ``calls`` in all, ``left`` of them unused."""

    calls: int
    left: int


def _no_limit(_request: Request, _headers: Mapping[str, str]) -> Limit | None:
    return None


def _no_day(_headers: Mapping[str, str]) -> DayLimit | None:
    return None


@dataclass(frozen=True, slots=True)
class Judge:
    """How one system's answers are read.

    Args:
        verdict: From status, headers and data of an answer that is no success to what to do next.
        fault: The error of an answer that stays.
        limit: The limit an answer's headers tell, if any.
        day: What they tell of the day's calls, if anything.
    """

    verdict: Callable[[int, Mapping[str, str], Any], Verdict]
    fault: Callable[[Reply, Request], ConnectorError]
    limit: Callable[[Request, Mapping[str, str]], Limit | None] = _no_limit
    day: Callable[[Mapping[str, str]], DayLimit | None] = _no_day
