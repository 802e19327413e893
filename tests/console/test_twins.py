"""The twins send, the door takes: the whole way over real sockets, with what goes wrong on it."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector.app.event_secrets import endpoints, keep_signing_secret
from ml_connector.app.system import SystemClock
from ml_connector.domain.clock import Surroundings
from ml_connector.store import connections
from ml_connector.twin.launch import TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from tests.console.door import Door, opened

    from ml_connector.twin.launch import RunningTwins
else:
    from door import opened  # pytest puts this folder on the path

CHANGED = {"id": "FFYCustomerChangedBusinessEvent", "set": "CustomersV3"}


class Office:
    """Twins with people at work, and the door they send to. The twins' clock goes as the test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.browser = httpx2.AsyncClient()
        self.twins: RunningTwins
        self.door: Door

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead

    async def ask(self, call: str, order: Any = None) -> Any:
        """A control call of the twins."""
        method, path = call.split()
        url = f"{self.twins.hubspot_url}/__twin__/{path}"
        answer = await self.browser.request(method, url, json=order)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def business_events(self, form: str = "business", **more: Any) -> None:
        """Set up the endpoint in F&O, as an administrator does."""
        dynamics, _ = await endpoints(self.door.place, rotate=False)
        events = [{**CHANGED, "form": form, **more}]
        await self.ask("POST business-events", {"url": dynamics.url, "events": events})
        await self.delivered()  # the test event

    async def webhooks(self, *types: str, **manners: Any) -> None:
        """Enter the target URL in HubSpot."""
        _, hubspot = await endpoints(self.door.place, rotate=False)
        await self.ask("POST webhooks", {"url": hubspot.url, "types": list(types), **manners})

    def customers(self) -> list[str]:
        rows, _ = self.twins.pair.records("CustomersV3", after=None, limit=5)
        return [f"{row['dataAreaId']}:{row['CustomerAccount']}" for row in rows]

    def deals(self) -> list[str]:
        return [str(deal) for deal in self.twins.pair.hubspot.world_deals]

    def edit(self, key: str, credit: int) -> None:
        self.twins.pair.edit("CustomersV3", key, {"CreditLimit": credit})

    async def delivered(self, **ahead: float) -> list[int]:
        """Let the twins send all that is due after a while (5 s); the statuses they got since asked."""
        events = self.twins.pair.events
        await events.step()
        self.ahead += timedelta(**(ahead or {"seconds": 5}))
        await events.step()
        while events.postman._under_way:  # sent by the twins' own round, and not answered yet
            await asyncio.gather(*events.postman._under_way, return_exceptions=True)
        statuses = [attempt.status for attempt in events.outbox.attempts]
        events.outbox.attempts.clear()
        return statuses


@pytest.fixture
async def office(tmp_path: Path, store_url: str) -> AsyncIterator[Office]:
    """Twins, and a door that knows their portal and their secret."""
    office, ids = Office(), itertools.count(1)
    chance = random.Random(3)  # noqa: S311 - repeatable on purpose
    around = Surroundings(SystemClock(), chance, lambda: f"id-{next(ids)}", chance.randbytes)
    options = TwinOptions(customers=6, products=4, deals=4, rep=False)
    async with (
        running_twins(options, clock=office.now, rng=chance, new_id=around.new_id) as office.twins,
        opened(tmp_path, store_url, around, public_url="http://127.0.0.1:PORT") as office.door,
        office.browser,
    ):
        place, access = office.door.place, office.twins.pair.access
        cid, now = office.door.cid, around.clock.now()
        async with place.store.write() as tx:
            side = connections.SideRow("hubspot", {}, str(access.portal_id), {}, now)
            await connections.put_side(tx, cid, side, {}, place.vault)
            entities = [
                connections.LegalEntityRow(name, name, "USD", "UTC") for name in ("usmf", "ussi", "demf")
            ]
            await connections.put_legal_entities(tx, cid, entities)
        await keep_signing_secret(place, (await office.ask("GET webhooks"))["secret"])
        yield office


async def test_setting_up_an_endpoint_in_fo_succeeds_and_a_wrong_token_does_not(office: Office) -> None:
    """The test event is answered at once: otherwise F&O does not save the endpoint."""
    await office.business_events()
    assert await office.door.outcomes() == ["test"]
    assert (await office.ask("GET business-events"))["url"]
    office.door.token = "wrong"
    url = f"http://127.0.0.1:{office.door.port}{office.door.dynamics_path}"
    with pytest.raises(AssertionError, match="Unable to send test event to endpoint"):
        await office.ask("POST business-events", {"url": url, "events": [CHANGED]})


@pytest.mark.parametrize("form", ["business", "dataverse", "data"])
async def test_what_a_clerk_changes_is_a_hint_in_each_form(office: Office, form: str) -> None:
    """A data event is known by its entity, the others by the event's id."""
    await office.business_events(form)
    one, two, *_ = office.customers()
    office.edit(one, 5)
    office.edit(two, 6)
    assert await office.delivered() == [200, 200]
    assert await office.door.hints() == {"customers": {one, two}}


async def test_e4_disorder_and_doubles_of_the_twins_leave_one_hint_a_customer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = office.twins.pair.events.business.environment
    chance = {"event_duplicates": "100", "event_order": "any", "event_delay_ms": "400"}
    monkeypatch.setattr(environment, "switches", {**environment.switches, **chance})
    await office.business_events()
    keys = office.customers()[:3]
    for credit in range(1, 5):
        for key in keys:
            office.edit(key, credit)
        await office.delivered(milliseconds=150)
    await office.delivered(seconds=2)
    rows = await office.door.rows()
    numbers = [int(row.number) for row in rows if row.outcome not in {"test", "duplicate"}]
    assert (len(numbers), len(set(numbers))) == (12, 12)
    assert numbers != sorted(numbers)
    assert sum(row.outcome == "duplicate" for row in rows) == 12
    assert await office.door.hints() == {"customers": set(keys)}
    assert sorted(await office.door.read_all("customers")) == sorted(keys)


async def test_e6_what_was_answered_with_503_comes_again_and_is_taken(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F&O tries three times more, then an administrator sends it again, any time later."""
    await office.business_events()
    await office.webhooks("deal.propertyChange:dealstage")
    deal = office.deals()[0]
    with monkeypatch.context() as busy:
        busy.setattr("ml_connector.app.intake.MOST_AT_ONCE", 0)
        office.edit(office.customers()[0], 5)
        await office.ask(f"POST deals/{deal}/stage", {"stage": "won"})
        assert set(await office.delivered()) == {503}
        assert [await office.delivered(seconds=1.1) for _ in range(3)] == [[503]] * 3
    assert await office.door.hints() == {}
    assert await office.delivered(minutes=2) == [200]
    assert await office.door.hints() == {"orders": {deal}}
    [failed] = await office.ask("GET business-events/errors")
    office.ahead += timedelta(days=3)
    await office.ask("POST business-events/resend", {"id": failed["id"]})
    await office.delivered()
    assert await office.door.hints() == {"orders": {deal}, "customers": {office.customers()[0]}}


async def test_a_won_deal_is_told_and_what_the_app_writes_itself_is_not(office: Office) -> None:
    await office.webhooks("deal.propertyChange", "deal.associationChange", "deal.deletion")
    one, two, *_ = office.deals()
    await office.ask(f"POST deals/{one}/stage", {"stage": "won"})
    token = {"authorization": f"Bearer {office.twins.pair.access.hubspot_token}"}
    url = f"{office.twins.hubspot_url}/crm/v3/objects/deals/{two}"
    written = await office.browser.patch(url, json={"properties": {"dealname": "Renamed"}}, headers=token)
    assert written.status_code == 200
    assert set(await office.delivered()) == {200}
    assert await office.door.hints() == {"orders": {one}}
    assert {row.note for row in await office.door.rows() if row.outcome == "out_of_scope"} == {
        "written by this app itself"
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"secret": "another"}, "signature"), ({"signature": "v1"}, "algorithm")],
    ids=["another secret", "the first version alone"],
)
async def test_e1_webhooks_that_are_not_signed_as_they_must_be_are_refused(
    office: Office, changed: dict[str, str], reason: str
) -> None:
    await office.webhooks("deal.propertyChange:dealstage", **changed)
    deal = office.deals()[0]
    await office.ask(f"POST deals/{deal}/stage", {"stage": "won"})
    assert await office.delivered() == [401]
    assert await office.door.rows() == []
    assert await office.door.refused() == {reason: 1}
