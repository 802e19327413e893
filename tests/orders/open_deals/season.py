"""A few days of one tenant: reps make deals, the connector looks at them while they are open, reps win them.

Readiness is what stands on the deal in HubSpot at the moment it is won: what the rep has seen.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.orders.open_deals.making import DAYS, LONGEST, Meanwhile, OpenDeal, open_deals
from tests.orders.open_deals.own_rules import history, own_rules
from tests.orders.open_deals.spec import Spec
from tests.orders.open_deals.tally import Outcome
from tests.orders.open_deals.tenants import BusyTenant, clerks_prepare
from tests.orders.row import DealMaker, Row

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.sync import sync

if TYPE_CHECKING:
    from datetime import datetime

    from tests.orders.open_deals.own_rules import OwnRule
    from tests.orders.shop import Shop

    from ml_connector.app.workplace import Workplace

LOOKS = (9.5, 13.5)  # hours at which the connector passes while deals are open
WON_AT = 17.0
SHOWN = "d365_order_readiness"


@dataclass
class Season:
    """One tenant's deals, from the first to the last."""

    shop: Shop
    deals: list[OpenDeal]
    rules: list[OwnRule]
    earlier: list[Spec]  # deals that each rule of Dynamics' own has refused before
    ids: dict[int, str] = field(default_factory=dict)
    begun: datetime | None = None

    async def outcomes(self) -> list[Outcome]:
        """What was shown on each deal, and what became of it."""
        clerks_prepare(self.shop)
        self.begun = self.shop.now().replace(hour=0, minute=0)
        async with self.shop.opened(readiness=True) as place:
            await self._earlier(place)
            found: list[Outcome] = []
            for day in range(DAYS + LONGEST):
                found += await self._day(place, day)
        return found

    async def _earlier(self, place: Workplace) -> None:
        """What went before: deals that ran into rules of Dynamics' own, and still wait."""
        for rule in self.rules:
            if rule.from_day == 0:
                rule.set_up(self.shop)
        won = [self._make(spec.as_deal()) for spec in self.earlier]
        for deal in won:
            self.shop.hubspot.set_deal_stage(deal, "won", self.shop.now())
        await self._pass(place)
        for deal in won:
            stood = await self._settled(place, deal)
            assert stood["cause"] == "dynamics.refused", stood

    async def _day(self, place: Workplace, day: int) -> list[Outcome]:
        for rule in self.rules:
            if rule.from_day == day > 0:
                rule.set_up(self.shop)
        for deal in self.deals:
            if deal.made_on == day:
                self.ids[deal.number] = self._make(deal.deal)
        for hour in LOOKS:
            await self._until(day, hour)
            await self._pass(place)
        await self._until(day, WON_AT)
        won = [deal for deal in self.deals if deal.won_on == day]
        shown = {deal.number: self._shown(deal) for deal in won}
        for deal in won:
            self.shop.hubspot.set_deal_stage(self.ids[deal.number], "won", self.shop.now())
        await asyncio.sleep(60)
        await self._pass(place)
        return [
            Outcome.of(self.shop.tenant.name, deal, shown[deal.number], await self._settled(place, self.ids[deal.number]))
            for deal in won
        ]

    async def _until(self, day: int, hour: float) -> None:
        """Let the time pass, with what clerks do on the way."""
        for due in sorted(self._meanwhile(), key=lambda change: (change.day, change.hour)):
            if (due.day, due.hour) <= (day, hour) and due.what:
                await self._sleep_until(due.day, due.hour)
                self.shop.clerk_does(due.what, due.fields)
        await self._sleep_until(day, hour)

    def _meanwhile(self) -> list[Meanwhile]:
        """The changes that have not come yet."""
        assert self.begun
        passed = self.shop.now() - self.begun
        return [
            change
            for deal in self.deals
            for change in deal.meanwhile
            if timedelta(days=change.day, hours=change.hour) > passed
        ]

    async def _sleep_until(self, day: int, hour: float) -> None:
        assert self.begun
        until = self.begun + timedelta(days=day, hours=hour)
        await asyncio.sleep(max(0.0, (until - self.shop.now()).total_seconds()))

    def _make(self, deal: dict[str, Any]) -> str:
        told = {"situation": deal["name"], "deal": deal}
        maker = DealMaker(self.shop, Row("open deals", told, self.shop.tenant))
        made = maker.make()
        quote = deal.get("quote")
        if quote:
            now = self.shop.now()
            self.shop.hubspot.make_quote(made, now, status="APPROVAL_NOT_NEEDED", accepted=True)
            for place, fields in quote.get("then", {}).items():
                self.shop.hubspot.edit("line_items", maker.lines[place - 1], fields, now)
        return made

    def _shown(self, deal: OpenDeal) -> str:
        record = self.shop.hubspot.portal.tables["deals"].get(int(self.ids[deal.number]))
        assert record
        return str(record.properties.get(SHOWN) or "")

    async def _pass(self, place: Workplace) -> None:
        for report in await sync(place, ["orders"]):
            if report.error is not None:
                raise report.error

    async def _settled(self, place: Workplace, deal: str) -> dict[str, Any]:
        """Where a won deal stands once everybody has done what was asked of them."""
        stood = await show_deal(place, deal)
        if stood["state"] == "waiting" and stood["release"] == "asked":
            await approve_deal(place, deal, by="Kim")
            stood = await show_deal(place, deal)
        return stood


def season(shop: Shop, seed: int, count: int, late_day: int | None) -> Season:
    """The deals of one tenant for a seed."""
    tenant = shop.tenant
    assert isinstance(tenant, BusyTenant)
    chance = random.Random(f"{seed}-{tenant.name}")  # noqa: S311 - reproducible on purpose
    rules = own_rules(tenant, chance, late_day)
    earlier = history(rules, (Spec(tenant, chance, -number) for number in range(1, 100)))
    return Season(shop, open_deals(tenant, rules, chance, count), rules, earlier)
