"""What a cause is: a record is parked with one, and it says whose turn it is and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

PAGE = "docs/how-to/when-an-order-waits.md"


class Turn(StrEnum):
    """Whose turn it is."""

    SALES = "sales"
    FINANCE = "finance"
    IT = "it"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: a stable code, a title, a plain explanation, whose turn it is and the next action.

    ``in_hubspot`` and ``in_dynamics`` name the screen where it is mended; ``retryable`` is False where trying again
    cannot help and a person decides.
    """

    code: str
    title: str
    explanation: str
    turn: Turn
    next_action: str
    in_hubspot: str = ""
    in_dynamics: str = ""
    retryable: bool = True

    @property
    def docs(self) -> str:
        """Where the documentation explains it: under its title."""
        return f"{PAGE}#{re.sub(r'[^a-z0-9 -]', '', self.title.lower()).replace(' ', '-')}"
