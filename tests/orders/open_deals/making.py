"""Open deals by chance, the same ones for the same seed: half of them fine, the others with one or two troubles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.orders.open_deals import own_rules, troubles
from tests.orders.open_deals.spec import MostlyFine, Spec
from tests.orders.open_deals.tenants import FIRMS, ITEMS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.orders.open_deals.own_rules import OwnRule
    from tests.orders.open_deals.tenants import BusyTenant

FINE, ONE_TROUBLE = 0.55, 0.33  # shares of ordinary deals; the rest has two
OWN_RULE, BESIDE_RULE = 0.05, 0.04  # shares of deals that run into a rule of Dynamics' own, or just miss one
MEANWHILE = 0.01  # share of deals against which Dynamics changes before they are won


@dataclass(frozen=True)
class Meanwhile:
    """What a clerk changes in Dynamics after a deal was made and before it is won."""

    day: int
    hour: float
    what: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenDeal:
    """A deal as a rep makes it on one day and wins it on another."""

    number: int
    deal: dict[str, Any]
    troubles: tuple[str, ...]
    beside: str
    made_on: int
    won_on: int
    meanwhile: Meanwhile | None = None


@dataclass(frozen=True)
class Maker:
    """Makes the deals of one tenant up.

    Args:
        tenant: Whose.
        rules: Those of Dynamics' own, known to nobody else.
        chance: Decides everything.
        days: On so many days deals are made.
        open_for: A deal is won after so many days at most.
    """

    tenant: BusyTenant
    rules: list[OwnRule]
    chance: random.Random
    days: int
    open_for: int
    # Firms and items that are held and stopped while a deal is open, each for one deal.
    firms: Iterator[str] = field(default_factory=lambda: iter(FIRMS[30:]))
    items: Iterator[str] = field(default_factory=lambda: iter(ITEMS[30:]))

    def deals(self, count: int) -> list[OpenDeal]:
        """So many, in the order of their making."""
        days = sorted(self.chance.randrange(self.days) for _ in range(count))
        return [self._deal(number, day) for number, day in enumerate(days, start=1)]

    def _deal(self, number: int, day: int) -> OpenDeal:
        chance, spec = self.chance, Spec(self.tenant, self.chance, number)
        won_on = day + chance.randint(0, self.open_for)
        in_force = [rule for rule in self.rules if rule.from_day <= day]
        meanwhile, drawn = None, chance.random()
        if drawn < OWN_RULE:
            own_rules.run_into(chance.choice(in_force), spec)
        elif drawn < OWN_RULE + BESIDE_RULE:
            own_rules.just_miss(chance.choice(in_force), spec)
        elif drawn < OWN_RULE + BESIDE_RULE + MEANWHILE and won_on > day:
            meanwhile = self._meanwhile(spec, day, won_on)
        else:
            self._ordinary(spec)
        return OpenDeal(number, spec.as_deal(), tuple(spec.troubles), spec.beside, day, won_on, meanwhile)

    def _ordinary(self, spec: Spec) -> None:
        drawn = self.chance.random()
        if drawn < FINE:
            MostlyFine(spec).vary()
            return
        for _ in range(1 if drawn < FINE + ONE_TROUBLE else 2):
            troubles.add_one(spec)

    def _meanwhile(self, spec: Spec, day: int, won_on: int) -> Meanwhile:
        """A customer that is put on hold, or an item that is stopped, while the deal is open."""
        hours = self.chance.uniform(10, 24 * (won_on - day) + 17)
        at = (day + int(hours // 24), hours % 24)
        if self.chance.random() < 0.5:
            name = spec.deal["company"] = next(self.firms)
            spec.troubles.append("put on hold while open")
            return Meanwhile(*at, f"customer {name}", {"OnHoldStatus": "All"})
        item = next(self.items)
        spec.add_line(item)
        spec.troubles.append("stopped while open")
        return Meanwhile(*at, f"order settings {item}", {"IsSalesProcessingStopped": "Yes"})
