"""A few days of one tenant: reps make deals, the connector looks at them while they are open, reps win them.

Readiness is what stands on the deal in HubSpot at the moment it is won: what the rep has seen.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.orders.open_deals.making import Maker
from tests.orders.open_deals.own_rules import OWN_RULE, history, own_rules
from tests.orders.open_deals.spec import Spec
from tests.orders.open_deals.tally import Outcome
from tests.orders.open_deals.tenants import clerks_prepare
from tests.orders.row import DealMaker, Row

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.sync import sync

if TYPE_CHECKING:
    from datetime import datetime

    from tests.orders.open_deals.making import Meanwhile, OpenDeal
    from tests.orders.open_deals.own_rules import OwnRule
    from tests.orders.open_deals.tenants import BusyTenant
    from tests.orders.shop import Shop

    from ml_connector.app.workplace import Workplace

MADE_AT, LOOKS, WON_AT = (
    9.0,
    (9.5, 14.0),
    17.0,
)  # hours of a day; at LOOKS the connector passes over open deals
SHOWN = "d365_order_readiness"


@dataclass(frozen=True)
class Plan:
    """How long a season is, and whether Dynamics' own rules have shown themselves before it."""

    days: int = 6
    open_for: int = 3
    late_day: int = 3  # on which a tenant gets a new rule; 0: never
    history: bool = True
    looks: tuple[float, ...] = (9.5, 14.0)  # hours at which the connector passes over open deals


@dataclass
class Season:
    """One tenant's deals, from the first to the last."""

    shop: Shop
    plan: Plan
    rules: list[OwnRule]
    earlier: list[Spec]  # deals that rules of Dynamics' own have refused before
    deals: list[OpenDeal]
    ids: dict[int, str] = field(default_factory=dict)
    begun: datetime | None = None

    async def outcomes(self) -> list[Outcome]:
        """What was shown on each deal, and what became of it."""
        clerks_prepare(self.shop)
        self.begun = self.shop.now().replace(hour=0, minute=0)
        async with self.shop.opened(readiness=True) as place:
            await self._earlier(place)
            found: list[Outcome] = []
            for day in range(self.plan.days + self.plan.open_for):
                known = {trouble for one in found if one.refused for trouble in one.troubles}
                found += await self._day(place, day, known)
        return found

    async def _earlier(self, place: Workplace) -> None:
        """What went before: deals that ran into rules of Dynamics' own, and still wait."""
        self._new_rules(0)
        won = [self._make(spec.as_deal()) for spec in self.earlier]
        for deal in won:
            self.shop.hubspot.set_deal_stage(deal, "won", self.shop.now())
        await _pass(place)
        for deal in won:
            stood = await _settled(place, deal)
            assert stood["cause"] == "dynamics.refused", stood

    async def _day(self, place: Workplace, day: int, known: set[str]) -> list[Outcome]:
        await self._until(day, MADE_AT)
        if day:
            self._new_rules(day)
        for deal in self.deals:
            if deal.made_on == day:
                self.ids[deal.number] = self._make(deal.deal)
        for hour in self.plan.looks:
            await self._until(day, hour)
            await _pass(place)
        await self._until(day, WON_AT)
        won = [deal for deal in self.deals if deal.won_on == day]
        shown = {deal.number: self._shown(deal) for deal in won}
        for deal in won:
            self.shop.hubspot.set_deal_stage(self.ids[deal.number], "won", self.shop.now())
        await asyncio.sleep(60)
        await _pass(place)
        return [
            Outcome.of(
                self.shop.tenant.name,
                deal,
                shown=shown[deal.number],
                stood=await _settled(place, self.ids[deal.number]),
                excuse=self._excuse(deal, known),
            )
            for deal in won
        ]

    def _excuse(self, deal: OpenDeal, known: set[str]) -> str:
        """Why nobody could know what became of a deal when the connector last looked at it; mostly empty."""
        change = deal.meanwhile
        if change and (change.day, change.hour) > (deal.won_on, self.plan.looks[-1]):
            return "Dynamics changed after the last look"
        if deal.beside:
            return "an order about the same was refused, and what else it took is not known yet"
        told = known | {trouble for spec in self.earlier for trouble in spec.troubles}
        own = [trouble for trouble in deal.troubles if trouble.startswith(OWN_RULE)]
        return "Dynamics refuses by this rule for the first time" if {*own} - told else ""

    def _new_rules(self, day: int) -> None:
        for rule in self.rules:
            if rule.from_day == day:
                rule.set_up(self.shop)

    async def _until(self, day: int, hour: float) -> None:
        """Let the time pass, with what clerks do on the way."""
        for due in sorted(self._to_come(), key=lambda change: (change.day, change.hour)):
            if (due.day, due.hour) <= (day, hour):
                await self._sleep_until(due.day, due.hour)
                self.shop.clerk_does(due.what, due.fields)
        await self._sleep_until(day, hour)

    def _to_come(self) -> list[Meanwhile]:
        """The changes in Dynamics that have not come yet."""
        assert self.begun
        passed = self.shop.now() - self.begun
        changes = (deal.meanwhile for deal in self.deals if deal.meanwhile)
        return [change for change in changes if timedelta(days=change.day, hours=change.hour) > passed]

    async def _sleep_until(self, day: int, hour: float) -> None:
        assert self.begun
        until = self.begun + timedelta(days=day, hours=hour)
        await asyncio.sleep(max(0.0, (until - self.shop.now()).total_seconds()))

    def _make(self, deal: dict[str, Any]) -> str:
        told = {"situation": deal["name"], "deal": deal}
        maker = DealMaker(self.shop, Row("open deals", told, self.shop.tenant))
        made = maker.make()
        if quote := deal.get("quote"):
            now = self.shop.now()
            self.shop.hubspot.make_quote(made, now, status="APPROVAL_NOT_NEEDED", accepted=True)
            for place, fields in quote.get("then", {}).items():
                self.shop.hubspot.edit("line_items", maker.lines[place - 1], fields, now)
        return made

    def _shown(self, deal: OpenDeal) -> str:
        record = self.shop.hubspot.portal.tables["deals"].get(int(self.ids[deal.number]))
        assert record
        return str(record.properties.get(SHOWN) or "")


async def _pass(place: Workplace) -> None:
    for report in await sync(place, ["orders"]):
        if report.error is not None:
            raise report.error


async def _settled(place: Workplace, deal: str) -> dict[str, Any]:
    """Where a won deal stands once everybody has done what was asked of them."""
    stood = await show_deal(place, deal)
    if stood["state"] == "waiting" and stood["release"] == "asked":
        await approve_deal(place, deal, by="Kim")
        stood = await show_deal(place, deal)
    return stood


def season(shop: Shop, tenant: BusyTenant, seed: int, count: int, plan: Plan) -> Season:
    """The deals of one tenant for a seed."""
    chance = random.Random(f"{seed}-{tenant.name}")  # noqa: S311 - reproducible on purpose
    rules = own_rules(tenant, chance, plan.late_day)
    specs = (Spec(tenant, chance, -number) for number in range(1, 1 + len(rules)))
    earlier = history(rules, specs) if plan.history else []
    deals = Maker(tenant, rules, chance, plan.days, plan.open_for).deals(count)
    return Season(shop, plan, rules, earlier, deals)
