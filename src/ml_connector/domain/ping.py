"""What a ping found: one step a promise, in the order they were tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a ping tried: what it saw and, when it failed or is worth a hint, what to do."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class PingReport:
    """The steps of one ping, and the facts worth keeping with the connection (names, ids, currencies)."""

    steps: tuple[Step, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: ConnectorError | None = None  # of the first step that failed: decides the exit code

    @property
    def ok(self) -> bool:
        """Whether every step succeeded."""
        return all(step.ok for step in self.steps)

    def require(self) -> None:
        """Raise the error of the first failed step, if there is one."""
        if self.error is not None:
            raise self.error


class PingLog:
    """Collects the steps of a ping while it runs."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self._steps: list[Step] = []
        self._error: ConnectorError | None = None

    def passed(self, name: str, detail: str, fix: str = "") -> None:
        """A step succeeded; ``fix`` is an advice, not a fault."""
        self._steps.append(Step(name, ok=True, detail=detail, fix=fix))

    def failed(self, name: str, error: ConnectorError) -> None:
        """A step failed with an error that says why."""
        self._steps.append(Step(name, ok=False, detail=error.message, fix=error.hint))
        self._error = self._error or error

    def report(self) -> PingReport:
        """What was found."""
        return PingReport(tuple(self._steps), self.facts, self._error)
