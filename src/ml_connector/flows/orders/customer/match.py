"""Whether F&O has a company already: its customers compared with it by the rules of ``match customers``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ml_connector.flows.orders.draft.resolved import Candidate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.flows.orders.deal.snapshot import DealCompany

MOST_CANDIDATES = 5  # more would not be read
SAME_PARTY = "same party"


@dataclass(frozen=True, slots=True)
class Alike:
    """A customer that may be the company: the rule that says so and what agrees, in words.

    ``certain``: the rule alone is enough, nothing else fits, and no other company is linked to the customer.
    """

    account: str
    name: str
    certain: bool
    rule: str
    score: int
    reasons: tuple[str, ...] = ()

    @property
    def candidate(self) -> Candidate:
        """As people see it."""
        return Candidate(self.account, self.name, f"{self.rule}: {', '.join(self.reasons)}")


class Matcher(Protocol):
    """Compares a company with the customers of a legal entity, all of them."""

    async def alike(self, company: DealCompany, legal_entity: str) -> Sequence[Alike]:
        """The customers that may be this company."""

    def forget(self, legal_entity: str) -> None:
        """A customer was created there: read them anew next time."""


def certain_one(found: Sequence[Alike]) -> Alike | None:
    """The one customer that is this company for certain."""
    certain = [each for each in found if each.certain]
    return certain[0] if len(certain) == 1 else None


def candidates(found: Sequence[Alike]) -> tuple[Candidate, ...]:
    """The best of them, for a person to look at."""
    best = sorted(found, key=lambda each: (-each.score, each.account))
    return tuple(each.candidate for each in best[:MOST_CANDIDATES])
