"""What makes Entra refuse a request that is right: passing faults, and a client that asks in a loop.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes (50196, 90033)
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.twin.entra.errors import AadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.entra.requests import TokenRequest

_LOOP_WINDOW = timedelta(minutes=5)  # Microsoft names no time: an inference


class Troubles:
    """Counts requests against the switches ``token_failures`` and ``loop_after``."""

    def __init__(self, switches: Mapping[str, str]) -> None:
        self._failures = int(switches["token_failures"])
        self._allowed = int(switches["loop_after"])
        self._granted: dict[TokenRequest, deque[datetime]] = {}

    def fail(self) -> None:
        """Refuse the first requests as a service does that is not quite there."""
        if self._failures:
            self._failures -= 1
            sentence = "A transient error has occurred. Please try again."
            raise AadError(90033, "temporarily_unavailable", 503, sentence)

    def loop(self, asked: TokenRequest, now: datetime) -> None:
        """Refuse the same request when it comes too often in five minutes."""
        if not self._allowed:
            return
        times = self._granted.setdefault(asked, deque())
        while times and times[0] <= now - _LOOP_WINDOW:
            times.popleft()
        if len(times) >= self._allowed:
            sentence = (
                "The server terminated an operation because it encountered a client request loop. "
                "Please contact your app vendor."
            )
            raise AadError(50196, "temporarily_unavailable", 400, sentence)
        times.append(now)
