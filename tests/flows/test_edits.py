"""Values that are ours and were edited in HubSpot: noticed at the next crawl, audited, put back; others stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office


@pytest.fixture
async def office(start: Callable[..., Awaitable[Office]]) -> Office:
    """A portal whose search shows at once what was written."""
    return await start(switches={"search_lag_s": "0"})


async def _company(office: Office) -> str:
    """One customer, loaded; the moment up to which edits have been looked at is known."""
    await office.customer("usmf:US-001", OrganizationName="Contoso")
    await office.figures("customers")
    await office.figures("customers")
    return office.company_id("usmf:US-001")


async def test_an_edit_of_a_value_that_dynamics_owns_is_noticed_and_put_back(office: Office) -> None:
    company = await _company(office)
    office.rep_changes("companies", company, name="Contoso the Great")
    assert await office.figures("customers") == {"read": 2, "updated": 1, "unchanged": 1}
    assert office.companies()["usmf:US-001"]["name"] == "Contoso"
    story = await office.story("customers", "usmf:US-001")
    entry = next(row for row in story if row.kind == "put back")
    assert orjson.loads(entry.payload)["changed"] == {"name": ["Contoso the Great", "Contoso"]}
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}


async def test_a_value_that_hubspot_owns_and_one_of_a_first_write_field_stay_as_people_left_them(
    office: Office,
) -> None:
    company = await _company(office)
    office.rep_changes("companies", company, industry="BANKING", domain="contoso.example")
    assert await office.figures("customers") == {"read": 1, "unchanged": 1}
    kept = office.companies()["usmf:US-001"]
    assert (kept["industry"], kept["domain"]) == ("BANKING", "contoso.example")


async def test_a_key_that_somebody_changed_comes_back_and_no_second_record_is_made(office: Office) -> None:
    company = await _company(office)
    office.rep_changes("companies", company, d365_customer_account="US-999")
    assert await office.figures("customers") == {"read": 2, "updated": 1, "unchanged": 1}
    assert office.companies()["usmf:US-001"]["d365_customer_account"] == "US-001"
    assert len(office.companies()) == 1


async def test_what_search_does_not_show_yet_is_noticed_by_a_later_crawl(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(switches={"search_lag_s": "1"})
    company = await _company(office)
    office.rep_changes("companies", company, name="Contoso the Great")
    for _ in range(200):
        if (await office.figures("customers")).get("updated"):
            break
    assert office.companies()["usmf:US-001"]["name"] == "Contoso"
