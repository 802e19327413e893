"""What listens on the Dynamics port: Entra ID's endpoints and F&O's, as one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.errors import InfologError, RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics import DynamicsMachine
    from ml_connector.twin.entra import Entra
    from ml_connector.twin.wire import Answer, Request


class DynamicsPort:
    """Sends each request to Entra ID or to F&O; ground truth is F&O's alone."""

    side = "dynamics"

    def __init__(self, entra: Entra, machine: DynamicsMachine) -> None:
        self._entra = entra
        self._machine = machine

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """Let token requests in without a token."""
        return None if self._entra.owns(request) else self._machine.admit(request, now)

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one request."""
        entra = self._entra.owns(request)
        return self._entra.handle(request, now) if entra else self._machine.handle(request, now)

    def counts(self) -> dict[str, int]:
        """Records by entity set."""
        return self._machine.counts()

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Records of one entity set in key order."""
        return self._machine.records(of, after=after, limit=limit)

    def edit(self, of: str, key: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Change a record as a person inside F&O would.

        Raises:
            LookupError: There is no such set or record.
            ValueError: A property or value that F&O refuses, with its sentence.
        """
        try:
            self._machine.edit(of, key, fields, now)
        except KeyError as error:
            raise LookupError(f"F&O has no record {key!r} in {of}") from error
        except (RefusalError, InfologError) as refused:
            raise ValueError(str(refused)) from refused

    def act(self, act: str, company: str, order: str, how: Mapping[str, Any], now: datetime) -> str:
        """Let people inside F&O act on an order; returns its processing status.

        Raises:
            LookupError: There is no such order or line.
            ValueError: What F&O refuses, with its sentence.
        """
        try:
            return self._machine.act(act, company, order, how, now)
        except KeyError as error:
            raise LookupError(f"F&O has no order {company}:{order} with {error.args[0]!r}") from error
        except InfologError as refused:
            raise ValueError(str(refused)) from refused

    def add(self, of: str, fields: Mapping[str, Any]) -> None:
        """Add a row of set-up; LookupError when there is no such table."""
        self._machine.add(of, fields)

    def remove(self, of: str, key: str) -> None:
        """Delete a record as a person inside F&O would.

        Raises:
            LookupError: There is no such set or record.
            ValueError: F&O's rules refuse it, with their sentence.
        """
        try:
            self._machine.remove(of, key)
        except KeyError as error:
            raise LookupError(f"F&O has no record {key!r} in {of}") from error
        except RefusalError as refused:
            raise ValueError(str(refused)) from refused
