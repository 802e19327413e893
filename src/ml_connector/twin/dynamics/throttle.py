"""F&O's limits: the retired one per user, and the one by resources, which has no number.

https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/service-protection-api-limits
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.errors import RefusalError
from ml_connector.twin.dynamics.render import refusal
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

WINDOW = timedelta(seconds=300)
RESOURCE_WAIT_S = 5
_BUSY = (
    "This request could not be processed at this time due to system experiencing high resource utilization."
)


class Throttle:
    """Decides who must wait."""

    def __init__(self, switches: Mapping[str, str]) -> None:
        self._switches = switches
        self._arrivals: dict[str, deque[datetime]] = {}
        self._served = 0

    def refuse(self, client: str, now: datetime) -> Answer | None:
        """The 429 of one request of a client, or None when it may go on."""
        kind = self._switches["throttle"]
        if kind == "user":
            return self._by_user(client, now)
        return self._by_load() if kind == "resource" else None

    def _by_user(self, client: str, now: datetime) -> Answer | None:
        """So many requests in a sliding window of 300 seconds."""
        limit = int(self._switches["throttle_requests"])
        arrivals = self._arrivals.setdefault(client, deque())
        while arrivals and arrivals[0] <= now - WINDOW:
            arrivals.popleft()
        if len(arrivals) < limit:
            arrivals.append(now)
            return None
        sentence = (
            f"Number of requests exeeded the limit of {limit} over the time window of "
            f"{int(WINDOW.total_seconds())} seconds."
        )
        wait = arrivals[0] + WINDOW - now if arrivals else WINDOW
        return self._answer(sentence, max(1, ceil(wait.total_seconds())))

    def _by_load(self) -> Answer | None:
        """Every so many requests the server is busy; which ones depends on nothing a client can see."""
        every = int(self._switches["throttle_every"])
        self._served += 1
        return self._answer(_BUSY, RESOURCE_WAIT_S) if every and self._served % every == 0 else None

    def _answer(self, sentence: str, wait_s: int) -> Answer:
        if self._switches["throttle_body"] == "text":
            answer = Answer(429, sentence.encode(), {"Content-Type": "text/plain;charset=utf-8"})
        else:
            answer = refusal(RefusalError(429, sentence, outer=sentence))
        answer.throttled = True
        if self._switches["retry_after"] == "sent":
            answer.headers["Retry-After"] = str(wait_s)
        return answer
