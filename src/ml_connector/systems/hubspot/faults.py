"""What HubSpot's answers mean: when to try again, and what to tell a person. Any field may be absent.

Source: https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ml_connector.errors import (
    ConnectorError,
    CredentialsError,
    MissingScopeError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from ml_connector.transport import strict_json
from ml_connector.transport.judge import Again, DayLimit, Final, Judge, Limit, Reauthenticate, Verdict
from ml_connector.transport.request import WriteRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.transport.request import Reply, Request

SIDE = "hubspot"
SEARCH = "hubspot.search"
ASSOCIATIONS = "hubspot.associations"
ASSOCIATING = frozenset({"associations", "associations.create"})
MIGRATING = 477  # the account moves to another data centre
_DAILY_PAUSE_S = 3600.0  # until the portal's midnight, and where that is not known every hour a look
_LONGEST = 400
_EXISTING = re.compile(r"Existing ID:\s*(\d{1,20})")
_RULES = {"MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"}
_SENTENCES = {
    "PROPERTY_DOESNT_EXIST": "this portal has no property {name}",
    "READ_ONLY_VALUE": "{name} is read-only in HubSpot",
    "INVALID_EMAIL": "{name} is not a valid e-mail address",
    "INVALID_OPTION": "{name} does not have this option in HubSpot",
    "INVALID_INTEGER": "{name} must be a whole number",
    "INVALID_LONG": "{name} must be a whole number",
    "INVALID_DATE": "{name} must be a date",
    "CONFLICTING_UNIQUE_VALUE": "{name} must be unique, and another record has this value already",
    "LEADING_TRAILING_WHITESPACE": "{name} may not begin or end with a blank",
    "MISSING_REQUIRED_PROPERTY": "a rule of this portal requires {name}",
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": "a rule of this portal requires {name}",
}
_HINTS = {
    "PROPERTY_DOESNT_EXIST": "Create the connector's properties: ml-connector hubspot properties --create.",
    "INVALID_OPTION": "Add the option to the property in HubSpot, or map the value to one that exists.",
    **dict.fromkeys(
        _RULES, "Relax the rule in HubSpot (settings of the object), or map a value for the property."
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint: HubSpot's code, the property it is about, HubSpot's words."""

    code: str
    name: str
    words: str

    @property
    def sentence(self) -> str:
        """The complaint in plain words."""
        template = _SENTENCES.get(self.code)
        return template.format(name=self.name or "a property") if template else self.words


def buckets(request: Request) -> tuple[str, ...]:
    """Which limits a call counts against, general first."""
    if request.resource == "search":
        return (SIDE, SEARCH)
    if request.resource in ASSOCIATING:
        return (ASSOCIATIONS,)  # a quota of their own
    return (SIDE,)


def limit(request: Request, headers: Mapping[str, str]) -> Limit | None:
    """The window an answer tells; search answers tell none, association answers may mean their own quota."""
    if request.resource == "search" or request.resource in ASSOCIATING:
        return None
    calls = headers.get("x-hubspot-ratelimit-max", "")
    window = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    left = headers.get("x-hubspot-ratelimit-remaining", "")
    if not (calls.isdigit() and window.isdigit() and int(calls) and int(window)):
        return None
    return Limit(SIDE, int(calls), int(window) / 1000, int(left) if left.isdigit() else None)


def day(headers: Mapping[str, str]) -> DayLimit | None:
    """What an answer tells of the day; nothing to an OAuth app, and nothing on searches."""
    calls = headers.get("x-hubspot-ratelimit-daily", "")
    left = headers.get("x-hubspot-ratelimit-daily-remaining", "")
    return DayLimit(int(calls), int(left)) if calls.isdigit() and left.isdigit() and int(calls) else None


def verdict(status: int, headers: Mapping[str, str], data: Any) -> Verdict:  # noqa: ARG001 - Judge's signature
    """Whether the same call may succeed later."""
    if status == HTTPStatus.UNAUTHORIZED:
        return Reauthenticate()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _slow_down(data)
    if status == HTTPStatus.LOCKED:
        return Again(least_s=2.0, reason="a bulk write holds the records")
    if status == MIGRATING:
        return Again(
            after_s=60.0, reason="the account moves to another data centre", throttled=True, pause=True
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Again(reason=f"status {status}")
    return Final()


def _slow_down(data: Any) -> Again:
    policy = str(_field(data, "policyName")).upper()
    words = str(_field(data, "message")).lower()
    if policy == "DAILY" or "daily limit" in words:
        return Again(
            after_s=_DAILY_PAUSE_S,
            reason="daily limit",
            throttled=True,
            pause=True,
            bucket=SIDE,
            day_is_spent=True,
        )
    if policy.startswith("TEN_SECONDLY") or "ten_secondly" in words:
        return Again(after_s=10.0, reason="ten-second limit", throttled=True, pause=True, bucket=SIDE)
    if policy == "SECONDLY" or "secondly limit" in words:
        return Again(after_s=1.0, reason="search limit", throttled=True, pause=True, bucket=SEARCH)
    return Again(least_s=1.0, reason="too many calls", throttled=True, pause=True)


def fault(reply: Reply, request: Request) -> ConnectorError:
    """The error of an answer that stays."""
    status, correlation_id = reply.status, reply.correlation_id
    if status == HTTPStatus.UNAUTHORIZED:
        return CredentialsError(
            "HubSpot does not accept the access token.",
            hint="It was revoked, rotated or copied incompletely: enter the current one.",
            correlation_id=correlation_id,
        )
    if status == HTTPStatus.FORBIDDEN or "Edit Associations" in str(_field(reply.data, "message")):
        return _missing_scope(reply, request)
    if status in {HTTPStatus.TOO_MANY_REQUESTS, MIGRATING}:
        return ThrottledError(
            "HubSpot asked us to slow down.", retry_after_s=0.0, correlation_id=correlation_id
        )
    if isinstance(verdict(status, reply.headers, reply.data), Again):
        return UnavailableError(
            f"HubSpot could not answer now (status {status}).",
            code="hubspot.unavailable",
            correlation_id=correlation_id,
        )
    return refusal(reply.data, status=status, correlation_id=correlation_id, what=_what(request))


def refusal(data: Any, *, status: int, correlation_id: str, what: str) -> RejectedError:
    """The error of one refused request, or of one refused record of a batch."""
    found = problems(data)
    message = str(_field(data, "message"))[:_LONGEST]
    said = "; ".join(dict.fromkeys(problem.sentence for problem in found)) or message or f"status {status}"
    remote_code = next((problem.code for problem in found if problem.code), str(_field(data, "category")))
    existing = _EXISTING.search(message)
    return RejectedError(
        f"HubSpot refused {what}: {said.rstrip('.')}.",
        status=status,
        code=_code(status, remote_code),
        remote_code=remote_code,
        correlation_id=correlation_id,
        hint=_HINTS.get(remote_code, ""),
        properties=[problem.name for problem in found if problem.name],
        existing_id=existing[1] if existing else "",
    )


def problems(data: Any) -> list[Problem]:
    """The complaints of an error body, from ``errors`` or from the JSON hidden inside ``message``."""
    listed = _field(data, "errors")
    found = (
        [_problem(entry) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    )
    hidden = [] if any(problem.name for problem in found) else _hidden(str(_field(data, "message")))
    return [problem for problem in hidden or found if problem.code or problem.words]


def _hidden(message: str) -> list[Problem]:
    start, end = message.find("[{"), message.rfind("]")
    if start < 0 or end < start:
        return []
    try:
        entries = strict_json.loads(message[start : end + 1].encode("utf-8", "replace"))
    except strict_json.MalformedError:
        return []
    return [_problem(entry) for entry in entries if isinstance(entry, dict)]


def _problem(entry: dict[str, Any]) -> Problem:
    named = _field(_field(entry, "context"), "propertyName")
    name = named[0] if isinstance(named, list) and named else named or entry.get("name") or ""
    code = entry.get("code") or entry.get("error") or ""
    return Problem(str(code), str(name)[:100], str(entry.get("message") or "")[:_LONGEST])


def _code(status: int, remote_code: str) -> str:
    if status == HTTPStatus.NOT_FOUND or remote_code == "OBJECT_NOT_FOUND":
        return "hubspot.not_found"
    if status == HTTPStatus.CONFLICT or remote_code in {"CONFLICT", "CONFLICTING_UNIQUE_VALUE"}:
        return "hubspot.exists"
    if remote_code == "PROPERTY_DOESNT_EXIST":
        return "hubspot.property_missing"
    return "hubspot.portal_rule" if remote_code in _RULES else "record.rejected"


def _missing_scope(reply: Reply, request: Request) -> MissingScopeError:
    listed = _field(reply.data, "errors")
    scopes: list[str] = []
    for entry in listed if isinstance(listed, list) else []:
        needed = _field(_field(entry, "context"), "requiredGranularScopes")
        scopes += [str(scope) for scope in needed] if isinstance(needed, list) else []
    named = f": {', '.join(dict.fromkeys(scopes))}" if scopes else ""
    return MissingScopeError(
        f"The HubSpot access token may not make {_what(request)}{named or '.'}",
        hint="Add the scopes to the key or app in HubSpot; enter the new token if HubSpot shows one.",
        scopes=scopes,
        correlation_id=reply.correlation_id,
    )


def _what(request: Request) -> str:
    return f"the {'write' if isinstance(request, WriteRequest) else 'read'} of {request.resource}"


def _field(data: Any, name: str) -> Any:
    found = data.get(name) if isinstance(data, dict) else None
    return "" if found is None else found


JUDGE = Judge(verdict=verdict, fault=fault, limit=limit, day=day)
