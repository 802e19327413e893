"""What F&O's answers mean: when to try again, and what to tell a person.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/service-protection-api-limits
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    MissingScopeError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from ml_connector.transport.judge import Again, Final, Judge, Reauthenticate, Verdict
from ml_connector.transport.request import ReadRequest, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.transport.request import Reply, Request

_LONGEST = 1_000
_LEVEL = re.compile(r"^(?:Info|Warning|Error):\s*")
_NOISE = re.compile(r"^(?:validateField|validateWrite|validateDelete)\s+failed\s+on\b", re.IGNORECASE)
_WRITE_FAILED = re.compile(r"^Write failed for table row of type '[^']*'\.\s*")
_FIELD = re.compile(r"\bvalidateField\s+failed\s+on\s+field\s+'[^'.]*\.(\w+)'", re.IGNORECASE)
_COLLISION = ("update conflict", "deadlock", "another user process")
_REFUSALS = ("Write failed", "AxODataWriteException")
_UNKNOWN_FIELD = re.compile(r"Could not find a property named '([^']{1,200})'")


def innermost(data: Any) -> tuple[str, str]:
    """The deepest message of an error envelope, and the type it names; stack traces are left behind."""
    node = data.get("error") if isinstance(data, dict) else None
    message, kind = "", ""
    for _ in range(8):
        if not isinstance(node, dict):
            break
        text = node.get("message")
        if isinstance(text, dict):  # older releases: {"lang": …, "value": …}
            text = text.get("value")
        if isinstance(text, str) and text.strip():
            message = text
        if isinstance(node.get("type"), str):
            kind = node["type"]
        node = node.get("innererror") or node.get("internalexception")
    return message, kind


def sentences(message: str) -> list[str]:
    """The Infolog's own sentences, without levels, repeated dots and the framework's noise."""
    _, found, infolog = message.partition("Infolog:")
    text = infolog if found else _WRITE_FAILED.sub("", message)
    kept: list[str] = []
    for part in re.split(r";\s+|\s*[\r\n]+\s*", text):
        sentence = _LEVEL.sub("", part.strip()).strip()
        sentence = re.sub(r"\.{2,}$", ".", sentence).strip("; ")
        if sentence and not _NOISE.match(sentence) and sentence not in kept:
            kept.append(sentence)
    return kept


def verdict(status: int, headers: Mapping[str, str], data: Any) -> Verdict:  # noqa: ARG001 - Judge's signature
    """Whether the same call may succeed later."""
    if status == HTTPStatus.UNAUTHORIZED:
        return Reauthenticate()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Again(least_s=0.2, reason="throttled", throttled=True, pause=True)
    message, kind = innermost(data)
    if any(words in message.lower() for words in _COLLISION):
        return Again(reason="another process changed the record at the same time")
    if any(words in message or words in kind for words in _REFUSALS):
        return Final()  # refused in words, whatever the status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Again(reason=f"status {status}")
    return Final()


def fault(reply: Reply, request: Request) -> ConnectorError:
    """The error of an answer that stays; a refusal's context holds F&O's own words and the fields it points at."""
    message, _ = innermost(reply.data)
    said = " ".join(sentences(message))[:_LONGEST]
    status, correlation_id = reply.status, reply.correlation_id
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _no_access(reply, request)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ThrottledError(
            "Dynamics asked us to slow down.", retry_after_s=0.0, correlation_id=correlation_id
        )
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown and isinstance(request, ReadRequest):
        return ConfigurationError(
            f"Dynamics does not know the field {unknown[1]} in {_data_entity(request)}.",
            code="dynamics.unknown_field",
            hint="Compare the mapping with the data entity: names are case sensitive and differ by release.",
            field=unknown[1],
        )
    if status == HTTPStatus.NOT_FOUND:
        return _not_found(reply, request)
    stale = status == HTTPStatus.PRECONDITION_FAILED or _meets_a_change(request, message)
    if not stale and isinstance(verdict(status, reply.headers, reply.data), Again):
        return UnavailableError(
            f"Dynamics could not answer now (status {status}){_colon(said)}",
            code="dynamics.unavailable",
            correlation_id=correlation_id,
        )
    return RejectedError(
        f"Dynamics refused {_what(request)}{_colon(said or f'status {status}, without a reason')}",
        status=status,
        code="dynamics.changed_meanwhile" if stale else "dynamics.refused",
        remote_code=str(status),
        correlation_id=correlation_id,
        **{name: told for name, told in (("said", said), ("fields", _FIELD.findall(message))) if told},
    )


def _meets_a_change(request: Request, message: str) -> bool:
    """Whether a change of a row met another one, in F&O's own words: it must be read anew first."""
    changes = isinstance(request, WriteRequest) and request.method == "PATCH"
    return changes and any(words in message.lower() for words in _COLLISION)


def _no_access(reply: Reply, request: Request) -> ConnectorError:
    if reply.status == HTTPStatus.FORBIDDEN:
        return MissingScopeError(
            f"The app's user in Dynamics may not use {_data_entity(request)}.",
            hint="Give that user a security role with access to this data entity.",
            correlation_id=reply.correlation_id,
        )
    return CredentialsError(
        "Dynamics does not accept the app, although Entra ID does.",
        hint="In Dynamics open System administration > Setup > Microsoft Entra ID applications and add a row "
        "with this client id and a user that has the roles. The URL must be the environment's own address.",
        correlation_id=reply.correlation_id,
    )


def _not_found(reply: Reply, request: Request) -> ConnectorError:
    if isinstance(request, WriteRequest) or request.resource != "rows":
        return RejectedError(
            f"Dynamics does not have the record of {_what(request)}.",
            status=HTTPStatus.NOT_FOUND,
            code="dynamics.not_found",
            remote_code="404",
            correlation_id=reply.correlation_id,
        )
    return ConfigurationError(
        f"This Dynamics environment has no data entity {_data_entity(request)}.",
        code="dynamics.unknown_entity",
        hint="Check the URL, and that the entity's configuration key is enabled in this environment.",
    )


def _data_entity(request: Request) -> str:
    return request.path.removeprefix("/data/").partition("(")[0]


def _what(request: Request) -> str:
    return f"the {'write to' if isinstance(request, WriteRequest) else 'read of'} {_data_entity(request)}"


def _colon(said: str) -> str:
    return f": {said}" if said else "."


JUDGE = Judge(verdict=verdict, fault=fault)
