"""Logging of the whole process: one line an event on stderr, with correlation, secrets masked.

Redaction works by value: whoever holds a secret registers it here, and no rendered line, whoever wrote it and
wherever the secret sits in it, leaves the process with the secret in clear.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, quote_plus

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "•••"
_SHORTEST = 6  # masking shorter values would eat ordinary words
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


class Redactor:
    """The known secrets, and what a text looks like without them."""

    def __init__(self, limit: int = 2_000) -> None:
        self._limit = limit
        self._forms: dict[
            str, None
        ] = {}  # never changed once it stands here: another thread may be writing a line
        self._made: tuple[dict[str, None], re.Pattern[str] | None] = (self._forms, None)

    def register(self, secret: str) -> None:
        """Mask this value from now on, also where it is escaped for a URL, for JSON or in base64."""
        if len(secret) < _SHORTEST or secret in self._forms:
            return
        plain = base64.b64encode(secret.encode()).decode()
        forms = (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], plain)
        known = self._forms | dict.fromkeys(forms)
        while len(known) > self._limit:  # access tokens change by the hour: the oldest go
            del known[next(iter(known))]
        self._forms = known

    def clean(self, text: str) -> str:
        """The text with every known secret masked."""
        forms, pattern = self._made
        if forms is not self._forms:  # made when a line is written: most tokens come and go without one
            forms = self._forms
            longest_first = sorted(forms, key=len, reverse=True)
            pattern = re.compile("|".join(re.escape(form) for form in longest_first))
            self._made = forms, pattern
        return pattern.sub(MASK, text) if pattern else text


_redactor = Redactor()


def register_secret(secret: str) -> None:
    """Never let this value appear in a log line of this process."""
    _redactor.register(secret)


def redact(text: str) -> str:
    """A text as it may be logged or shown: known secrets masked."""
    return _redactor.clean(text)


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep a value from starting a line of its own (a name with a newline would forge a log entry)."""
    for key, value in event.items():
        if isinstance(value, str) and key not in {"exception", "stack"} and _CONTROL.search(value):
            event[key] = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
    return event


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks the finished line, whichever library wrote it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def setup_logging(level: str = "INFO", *, json: bool = False) -> None:
    """Send every log line of this process to stderr.

    Args:
        level: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``; ``DEBUG`` adds a line per call, without bodies.
        json: One JSON object a line instead of columns for people.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _one_line,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        # never the variables of a frame: they may hold a credential nobody has registered yet
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _RedactingFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for chatty in ("httpx2", "httpcore2", "asyncio"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class Meter(Protocol):
    """Who keeps the figures of this process, by the names that Prometheus shows."""

    def count(self, name: str, by: float, labels: Mapping[str, str]) -> None:
        """Add to a counter."""

    def time(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """Note how long something took."""


class _NoMeter:
    """Where nobody asks for figures, none are kept."""

    def count(self, name: str, by: float, labels: Mapping[str, str]) -> None:
        pass

    def time(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        pass


_meters: list[Meter] = [_NoMeter()]


def set_meter(meter: Meter) -> None:
    """Keep the figures of this process here."""
    _meters[0] = meter


def count(name: str, by: float = 1, **labels: str) -> None:
    """Add to a counter of this process; labels are few and of few values, never keys of records."""
    _meters[0].count(name, by, labels)


def time_taken(name: str, seconds: float, **labels: str) -> None:
    """Note how long something took in this process."""
    _meters[0].time(name, seconds, labels)
