"""Refusals of Entra ID, in the shape that operators look up by number.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


class AadError(Exception):
    """A refused request: ``code`` is the AADSTS number, ``name`` OAuth's word for it."""

    def __init__(self, code: int, name: str, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.name = name
        self.status = status


def missing(parameter: str) -> AadError:
    """The form or query lacks a parameter."""
    sentence = f"The request body must contain the following parameter: '{parameter}'."
    return AadError(900144, "invalid_request", 400, sentence)


def error_body(error: AadError, now: datetime, *, trace: str, correlation: str) -> dict[str, Any]:
    """What a client is told about a refusal."""
    stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
    return {
        "error": error.name,
        "error_description": (
            f"AADSTS{error.code}: {error} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        ),
        "error_codes": [error.code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
