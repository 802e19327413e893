"""Open deals by chance, the same ones for the same seed: half of them fine, the others with one or two troubles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.orders.open_deals import own_rules, troubles
from tests.orders.open_deals.spec import MostlyFine, Spec

if TYPE_CHECKING:
    import random

    from tests.orders.open_deals.own_rules import OwnRule
    from tests.orders.open_deals.tenants import BusyTenant

DAYS = 6  # on which deals are made
LONGEST = 3  # days from a deal's making to its winning, at most
FINE, ONE_TROUBLE = 0.5, 0.35  # shares of deals; the rest has two
OWN_RULE, BESIDE_RULE = 0.05, 0.04  # shares of deals that run into a rule of Dynamics' own, or just miss one
MEANWHILE = 0.01  # share of deals against which Dynamics changes before they are won


@dataclass(frozen=True)
class OpenDeal:
    """A deal as a rep makes it on one day and wins it on another."""

    number: int
    deal: dict[str, Any]
    troubles: tuple[str, ...]
    made_on: int
    won_on: int
    meanwhile: tuple[Meanwhile, ...] = ()


@dataclass(frozen=True)
class Meanwhile:
    """What a clerk changes in Dynamics after a deal was made and before it is won."""

    day: int
    hour: float
    what: str
    fields: dict[str, Any] = field(default_factory=dict)


def open_deals(tenant: BusyTenant, rules: list[OwnRule], chance: random.Random, count: int) -> list[OpenDeal]:
    """So many deals of one tenant, in the order of their making."""
    days = sorted(chance.randrange(DAYS) for _ in range(count))
    return [_open_deal(tenant, rules, chance, number, day) for number, day in enumerate(days, start=1)]


def _open_deal(
    tenant: BusyTenant, rules: list[OwnRule], chance: random.Random, number: int, day: int
) -> OpenDeal:
    spec = Spec(tenant, chance, number)
    won_on = day + chance.randint(0, LONGEST)
    meanwhile: tuple[Meanwhile, ...] = ()
    drawn = chance.random()
    in_force = [rule for rule in rules if rule.from_day <= day]
    if drawn < OWN_RULE and in_force:
        own_rules.run_into(chance.choice(in_force), spec)
    elif drawn < OWN_RULE + BESIDE_RULE and in_force:
        own_rules.just_miss(chance.choice(in_force), spec)
    elif drawn < OWN_RULE + BESIDE_RULE + MEANWHILE and won_on > day:
        meanwhile = (_meanwhile(spec, day, won_on),)
    else:
        _ordinary(spec)
    return OpenDeal(number, spec.as_deal(), tuple(spec.troubles), day, won_on, meanwhile)


def _ordinary(spec: Spec) -> None:
    drawn = spec.chance.random()
    fine = FINE / (1 - OWN_RULE - BESIDE_RULE - MEANWHILE)
    if drawn < fine:
        MostlyFine(spec).vary()
        return
    for _ in range(1 if drawn < fine + ONE_TROUBLE else 2):
        troubles.add_one(spec)


def _meanwhile(spec: Spec, day: int, won_on: int) -> Meanwhile:
    """A customer that is put on hold, or an item that is stopped, while the deal is open."""
    hours = spec.chance.uniform(10, 24 * (won_on - day) + 17)
    at = (day + int(hours // 24), hours % 24)
    if spec.chance.random() < 0.5:
        name = spec.reserve_firm()
        spec.deal["company"] = name
        spec.troubles.append("put on hold while open")
        return Meanwhile(*at, f"customer {name}", {"OnHoldStatus": "All"})
    item = spec.reserve_item()
    spec.add_line(item)
    spec.troubles.append("stopped while open")
    return Meanwhile(*at, f"order settings {item}", {"IsSalesProcessingStopped": "Yes"})
