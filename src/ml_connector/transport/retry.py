"""When a call is repeated: capped exponential backoff, full jitter, bounded by attempts, age and a budget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import datetime

LONGEST_PAUSE_S = 3600.0
_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a call is repeated.

    ``attempts`` counts sends of one call; throttled ones have an allowance of their own, since an obeyed 429
    costs the other side nothing. ``share`` is the extra load all repeats together may add, ``floor`` what is
    always free.
    """

    attempts: int = 6
    throttled_attempts: int = 12
    first_s: float = 0.5
    cap_s: float = 30.0
    age_s: float = 600.0
    share: float = 0.1
    floor: int = 10

    def backoff_s(self, attempt: int, rng: random.Random) -> float:
        """The wait after the given attempt (1 is the first), anywhere between nothing and its cap."""
        return rng.random() * min(self.cap_s, self.first_s * 2.0 ** min(attempt - 1, 30))


class RetryBudget:
    """Repeats that remain: each call earns a share of one, none is saved beyond ten times the floor."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._share = policy.share
        self._most = policy.floor * 10.0
        self._left = float(policy.floor)

    def earn(self) -> None:
        """A call was made."""
        self._left = min(self._most, self._left + self._share)

    def spend(self) -> bool:
        """Take one repeat, if one is left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """What Retry-After asks for, in seconds, at most an hour; None when absent, negative, past or unreadable.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_PAUSE_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - now).total_seconds()
    return min(wait, LONGEST_PAUSE_S) if wait >= 0 else None
