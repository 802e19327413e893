"""A deal's company changes its customer: the fields a setting names, with the order, never against somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import account_of, company, customers_of, first_deal, newcomers
    from tests.flows.office import Office
else:
    from newcomer import (
        account_of,
        company,
        customers_of,
        first_deal,
        newcomers,
    )  # pytest puts this folder on the path

FIELDS = ["PrimaryContactPhone", "AddressStreet", "PaymentTerms"]


async def _asked(office: Office, **customer: str) -> tuple[str, str]:
    """A deal that waits for approval, and the key of its customer."""
    key = await office.customer("usmf:", **customer)
    deal = await first_deal(office, await company(office, d365_customer_key=key))
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    return deal, key


async def test_the_fields_that_the_setting_names_follow_the_company_once_the_order_stands(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Shown with what stands there before; an empty value clears nothing; one PATCH under the tag last read."""
    office = await newcomers(start, update_customer=FIELDS)
    deal, key = await _asked(office, AddressStreet="Old Road 2", PaymentTerms="Net30", AddressCity="Yelm")
    shown = (await show_deal(office.at, deal))["draft"]["customer_update"]
    assert [(each["name"], each["value"]) for each in shown] == [
        ("AddressStreet", "1 Mill Lane"),
        ("PrimaryContactPhone", "+12535550123"),
    ]
    assert shown[0]["rule"].endswith("it is 'Old Road 2' now")
    mark = office.mark()
    await approve_deal(office.at, deal, by="Kim")
    customer = customers_of(office)[account_of(key)]
    assert (customer["AddressStreet"], customer["PaymentTerms"], customer["AddressCity"]) == (
        "1 Mill Lane",
        "Net30",
        "Yelm",
    )
    [change] = [row for row in office.writes(mark) if "CustomersV3" in row.path]
    assert (change.method, set(change.body)) == ("PATCH", {"AddressStreet", "PrimaryContactPhone"})
    assert any("was changed" in note for note in (await show_deal(office.at, deal))["notes"])
    mark = office.mark()
    assert await office.figures("orders") == {"read": 1, "unchanged": 1}
    assert office.writes(mark) == []
    await office.verified()


@pytest.mark.parametrize("stale", ["refused", "conflict"])
async def test_a_change_that_meets_somebody_elses_is_read_once_more_and_made_then(
    start: Callable[..., Awaitable[Office]], stale: str
) -> None:
    """Whether Dynamics answers 412 or in its own words."""
    office = await newcomers(start, switches={"stale_etag": stale}, update_customer=["AddressStreet"])
    deal, key = await _asked(office, AddressStreet="Old Road 2")
    met: list[object] = []

    def meet(_side: str, request: object, _at: object) -> None:
        if getattr(request, "method", "") == "PATCH" and not met:
            met.append(request)
            office.clerk_changes("CustomersV3", key, CreditRating="Good")

    office.twins.pair.shells["dynamics"].on_request.append(meet)
    mark = office.mark()
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    customer = customers_of(office)[account_of(key)]
    first, *_, last = [row for row in office.writes(mark) if row.method == "PATCH" and row.side == "dynamics"]
    assert (first.committed, last.committed) == (False, True)
    assert (customer["AddressStreet"], customer["CreditRating"]) == ("1 Mill Lane", "Good")
    await office.verified()


async def test_a_change_that_always_meets_another_is_left_with_a_note_and_the_order_stands(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start, update_customer=["AddressStreet"])
    deal, key = await _asked(office, AddressStreet="Old Road 2")
    office.fault("dynamics", "status", "PATCH", "CustomersV3", status=412, body={}, times=0)
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    assert customers_of(office)[account_of(key)]["AddressStreet"] == "Old Road 2"
    notes = (await show_deal(office.at, deal))["notes"]
    assert any("somebody else changes it" in note for note in notes)
    await office.verified()


async def test_without_the_setting_a_customer_stays_as_it_is_and_a_field_without_a_row_is_refused(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start)
    deal, key = await _asked(office, AddressStreet="Old Road 2")
    await approve_deal(office.at, deal, by="Kim")
    assert customers_of(office)[account_of(key)]["AddressStreet"] == "Old Road 2"
    async with office.opened(orders={"update_customer": ["AddressStret"]}) as place:
        with pytest.raises(ConfigurationError, match="Did you mean 'AddressStreet'"):
            await approve_deal(place, deal, by="Kim")
