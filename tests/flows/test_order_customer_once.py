"""A new customer is created once, whatever becomes of the answers and however many deals want it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.replay import replay
from ml_connector.app.sync import sync

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import (
        BIRK,
        GROUPS,
        account_of,
        company,
        customers_of,
        first_deal,
        newcomers,
        on_company,
        ordered_by,
    )
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:
    from newcomer import (  # pytest puts this folder on the path
        BIRK,
        GROUPS,
        account_of,
        company,
        customers_of,
        first_deal,
        newcomers,
        on_company,
        ordered_by,
    )
    from office import ON_BOTH_DATABASES, Office

SET = "CustomersV3"
SAME_NAME = r"CustomersV3\?.*OrganizationName%20eq"  # the look-up by what was sent
LOST: dict[str, dict[str, Any]] = {
    "committed, answer dropped": {"kind": "reset-after-commit"},
    "committed late": {"kind": "late-commit", "seconds": 0.3, "reset": True},
    "never arrived": {"kind": "reset-before"},
}
TWIN_OF_BIRK = {  # in every field that is sent, and yet another customer
    "OrganizationName": "Birk Foundry",
    "AddressStreet": BIRK["address"],
    "AddressCity": BIRK["city"],
    "AddressZipCode": BIRK["zip"],
    "AddressState": "WA",
    "AddressCountryRegionId": "USA",
}
FREELY: dict[str, Any] = {"new_customers": "create", "release": "automatic"}


@pytest.mark.parametrize("mark", ["", "OrganizationNumber"])
@pytest.mark.parametrize("lost", LOST)
async def test_a_creation_whose_answer_is_lost_makes_one_customer(
    start: Callable[..., Awaitable[Office]], lost: str, mark: str
) -> None:
    """Found again by our own mark where a field is set aside for it, else by name and address."""
    office = await newcomers(start, rules=GROUPS, customer_reference_field=mark, **FREELY)
    buyer = await company(office)
    deal = await first_deal(office, buyer)
    order = dict(LOST[lost])
    office.fault("dynamics", order.pop("kind"), "POST", SET, **order)
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    await office.until_due(deal)
    assert await office.figures("orders") == {"read": 1, "created": 1}
    [(account, customer)] = customers_of(office).items()
    assert ordered_by(office) == [account]
    assert on_company(office, buyer) == (f"usmf:{account}", "")
    portal = office.twins.announcement()["portal_id"]
    assert customer["OrganizationNumber"] == (f"HS-{portal}-{buyer}" if mark else "")
    kinds = [row.kind for row in await office.story("orders", deal)]
    assert ("customer.adopted" in kinds) is (lost != "never arrived")
    await office.verified()


async def test_a_customer_that_stood_there_before_is_never_taken_for_the_one_that_was_sent(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The clerk saw it and wants a new one all the same; the answer is lost, the look-up leaves the old one out."""
    office = await newcomers(start, rules=GROUPS)
    old = account_of(await office.customer("usmf:", **TWIN_OF_BIRK))
    older = account_of(await office.customer("usmf:", **TWIN_OF_BIRK))
    buyer = await company(office)
    deal = await first_deal(office, buyer)
    await office.figures("orders")
    candidates = (await show_deal(office.at, deal))["draft"]["customer_form"]["candidates"]
    assert {each["account"] for each in candidates} == {old, older}
    office.fault("dynamics", "reset-after-commit", "POST", SET)
    waiting = await approve_deal(office.at, deal, by="Kim")
    assert (waiting["state"], waiting["step"]) == ("waiting", "place")
    await office.until_due(deal)
    assert await office.figures("orders") == {"read": 1, "created": 1}
    [new] = set(customers_of(office)) - {old, older}
    assert ordered_by(office) == [new]


async def test_a_customer_that_appears_between_draft_and_creation_stops_the_deal(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Nobody who approved has seen it; the next draft takes it."""
    office = await newcomers(start, rules=GROUPS)
    deal = await first_deal(office, await company(office))
    await office.figures("orders")
    made: list[str] = []

    async def meanwhile(*_: Any) -> None:
        made.append(await office.customer("usmf:", **TWIN_OF_BIRK))

    flow_reads = office.calls("dynamics")
    stopped = await _approved_while(office, deal, meanwhile)
    assert (stopped["state"], stopped["cause"]) == ("parked", "order.customer_doubtful")
    assert account_of(made[0]) in stopped["message"]
    assert flow_reads
    [result] = await replay(office.at, [f"deals/{deal}"])
    assert result.outcome == "waiting"
    await approve_deal(office.at, deal, by="Kim")
    assert ordered_by(office) == list(customers_of(office)) == [account_of(made[0])]


async def _approved_while(
    office: Office, deal: str, meanwhile: Callable[..., Awaitable[None]]
) -> dict[str, Any]:
    """Approve; as soon as the deal has been drafted once more, a clerk acts before the customer is looked for."""
    office.fault("dynamics", "delay", "GET", SAME_NAME, seconds=1.0)
    seen = asyncio.Event()
    office.twins.pair.shells["dynamics"].on_request.append(
        lambda _side, request, _at: seen.set() if "OrganizationName%20eq" in request.target else None
    )
    approving = asyncio.create_task(approve_deal(office.at, deal, by="Kim"))
    await asyncio.wait_for(seen.wait(), 10)
    await meanwhile()
    return await approving


async def test_several_customers_that_fit_what_was_sent_wait_for_a_person(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Ours arrived without an answer, and a clerk made the same one by hand: none is taken at random."""
    office = await newcomers(start, rules=GROUPS, **FREELY)
    deal = await first_deal(office, await company(office))
    office.fault("dynamics", "reset-after-commit", "POST", SET)
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    by_hand = account_of(await office.customer("usmf:", **TWIN_OF_BIRK))
    await office.until_due(deal)
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.customer_twice", "finance")
    assert by_hand in stuck.message
    assert office.orders() == []
    office.rep_changes("deals", deal, d365_customer_account=by_hand)
    assert await office.figures("orders") == {"read": 1, "created": 1}
    assert ordered_by(office) == [by_hand]


@ON_BOTH_DATABASES
async def test_two_deals_won_at_once_for_one_new_company_on_two_workers_make_one_customer(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start, rules=GROUPS, **FREELY)
    buyer = await company(office)
    deals = [await first_deal(office, buyer) for _ in range(2)]
    office.fault("dynamics", "delay", "GET", SAME_NAME, seconds=0.4, times=0)  # both look before one sends
    office.fault("dynamics", "delay", "POST", SET, seconds=0.2, times=0)
    chosen = {"orders": {**FREELY, "quiet_minutes": 0, "settle_s": 0.6, "default_legal_entity": "usmf"}}
    async with office.opened(**chosen) as one, office.opened(**chosen) as other:
        await asyncio.gather(sync(one, ["orders"]), sync(other, ["orders"]))
        for deal in deals:
            if (await office.process(deal)).state != "done":
                await office.due_now(deal)
        await sync(one, ["orders"])
    [account] = customers_of(office)
    assert ordered_by(office) == [account, account]
    assert [
        row for row in office.writes(0) if SET in row.path and row.method == "POST" and row.committed
    ] != []
    assert on_company(office, buyer) == (f"usmf:{account}", "")
    await office.verified()


async def test_a_creation_that_dynamics_refuses_parks_with_its_words_and_goes_on_once_mended(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Nothing stands there, so the next attempt is made of the next draft."""
    office = await newcomers(start, rules=GROUPS, **FREELY)
    deal = await first_deal(office, await company(office))
    refused = {"error": {"message": "Write failed. Infolog: Error: The customer group is being revised."}}
    office.fault("dynamics", "status", "POST", SET, status=400, body=refused)
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("dynamics.refused", "finance")
    assert "The customer group is being revised" in stuck.message
    [result] = await replay(office.at, [f"deals/{deal}"])
    assert result.outcome == "done"
    assert len(customers_of(office)) == 1
    await office.verified()


async def test_a_company_that_hubspot_could_not_stamp_is_stamped_later_and_the_customer_is_not_made_again(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start, rules=GROUPS, **FREELY)
    buyer = await company(office)
    deal = await first_deal(office, buyer)
    office.fault("hubspot", "status", "PATCH", "/companies/", status=503, times=0)
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    [account] = customers_of(office)
    second = await first_deal(office, buyer)
    office.mended()
    await office.due_now(deal)
    assert await office.figures("orders") == {"read": 2, "created": 2}
    assert list(customers_of(office)) == [account]
    assert ordered_by(office) == [account, account]
    assert on_company(office, buyer) == (f"usmf:{account}", "")
    draft = (await show_deal(office.at, second))["draft"]
    assert draft["customer_form"] is None
    await office.verified()
