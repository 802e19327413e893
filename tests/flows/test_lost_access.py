"""A side that does not let us in, slows us down or goes away: nothing is lost, the next pass goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.app.deals import approve_deal
from ml_connector.errors import AccessError, CredentialsError, UnavailableError
from ml_connector.store import runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, sellable, sold
else:
    from office import ON_BOTH_DATABASES, Office  # pytest puts this folder on the path
    from selling import ITEM, sellable, sold

UPSERT = "/companies/batch/upsert"


@ON_BOTH_DATABASES
async def test_a_token_revoked_in_the_middle_of_a_run_stops_the_flow_and_the_next_run_completes_it(
    start: Callable[..., Awaitable[Office]], database: str
) -> None:
    """Batches under way end on record; orders are not begun; the new token goes on."""
    office = await start(customers=700, products=0)
    organisations = sum(row["PartyType"] == "Organization" for row in office.records("CustomersV3"))
    office.slow("hubspot", 0.02)
    pair = office.twins.pair
    pair.log.listeners.append(lambda row: _revoke(office) if UPSERT in row.path else None)
    reports = await office.sync("customers", "orders")
    assert set(reports) == {"customers"}
    assert isinstance(reports["customers"].error, CredentialsError)
    pair.log.listeners.clear()
    arrived = len(office.companies())
    assert 0 < arrived < organisations
    async with office.at.store.read() as tx:
        [run] = await runs.list(tx, office.at.connection.connection_id, limit=1)
    assert (run.state, run.message) == ("failed", reports["customers"].error.message)
    await office.verified()

    office.slow("hubspot", 0)
    await office.reconnect_hubspot(hubspot_token="pat-na1-the-new-one")
    await office.figures("customers")
    assert len(office.companies()) == organisations
    figures = await office.figures("customers")
    assert figures == {"read": organisations, "unchanged": organisations}
    await office.verified()


def _revoke(office: Office) -> None:
    office.twins.pair.hubspot.account.token = "pat-na1-the-new-one"


async def test_a_token_revoked_while_an_order_is_placed_keeps_order_and_number(office: Office) -> None:
    """The order stands once; its number reaches the deal with the new token."""
    shop = await sellable(office)
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    pair = shop.twins.pair
    pair.log.listeners.append(lambda row: _revoke(shop) if "SalesOrderLines" in row.path else None)
    with pytest.raises(AccessError):
        await approve_deal(shop.at, deal, by="Kim")
    pair.log.listeners.clear()
    await shop.reconnect_hubspot(hubspot_token="pat-na1-the-new-one")
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    [order] = shop.orders()
    assert shop.deal(deal)["d365_sales_order_number"] == order["SalesOrderNumber"]
    await shop.verified()


async def test_an_app_dynamics_no_longer_accepts_stops_the_order_before_anything_stands(
    office: Office,
) -> None:
    shop = await sellable(office)
    deal = await sold(shop, (ITEM, {}))
    await shop.figures("orders")
    shop.fault("dynamics", "status", "POST", "SalesOrderHeaders", status=403)
    with pytest.raises(AccessError):
        await approve_deal(shop.at, deal, by="Kim")
    assert shop.orders() == []
    assert await shop.figures("orders") == {"read": 1, "created": 1}
    assert len(shop.orders()) == 1
    await shop.verified()


async def test_a_429_caused_by_somebody_else_is_waited_out_and_counted(office: Office) -> None:
    await office.customer("usmf:US-001")
    body = {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
    }
    headers = {"Retry-After": "1"}
    office.fault("hubspot", "status", "POST", UPSERT, status=429, body=body, headers=headers)
    report = (await office.sync("customers"))["customers"]
    assert report.error is None
    assert (report.counters.created, report.counters.throttled) == (1, 1)
    assert report.counters.seconds >= 1
    assert report.counters.requests["hubspot"] >= 2
    await office.verified()


async def test_dynamics_going_away_while_it_is_read_ends_the_run_and_the_next_goes_on_from_there(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(customers=330, products=0, page_size=100)
    organisations = sum(row["PartyType"] == "Organization" for row in office.records("CustomersV3"))
    office.fault("dynamics", "status", "GET", r"CustomersV3.*skip", status=503, skip=1, times=0)
    office.slow("dynamics", 0.04)  # a page is stored while the next one comes
    report = (await office.sync("customers"))["customers"]
    assert isinstance(report.error, UnavailableError)
    assert len(office.companies()) >= 100
    office.mended()
    office.slow("dynamics", 0)
    figures = await office.figures("customers")
    assert figures["read"] < organisations
    assert len(office.companies()) == organisations
    assert await office.figures("customers") == {"read": organisations, "unchanged": organisations}
    await office.verified()


async def test_dynamics_going_away_while_a_deal_is_drafted_lets_the_deal_wait(office: Office) -> None:
    shop = await sellable(office)
    deal = await sold(shop, (ITEM, {}))
    shop.fault("dynamics", "status", "GET", "CustomersV3", status=503, times=0)
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert "could not answer" in (await shop.process(deal)).message
    shop.mended()
    await shop.due_now(deal)
    assert await shop.figures("orders") == {"read": 1, "waiting": 1}
    assert (await shop.process(deal)).step == "release"


async def test_hubspot_going_away_during_a_write_writes_it_again_without_a_second_company(
    office: Office,
) -> None:
    """The batch was stored, its answer lost: the repeat finds the same companies."""
    for number in range(1, 4):
        await office.customer(f"usmf:US-00{number}")
    office.fault("hubspot", "reset-after-commit", "POST", UPSERT)
    figures = await office.figures("customers")
    assert figures["read"] == 3
    assert len(office.records("companies")) == 3
    assert await office.figures("customers") == {"read": 3, "unchanged": 3}
    await office.verified()
