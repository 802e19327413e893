"""Scope filters of customers: who is left out, by which filter, and that one who leaves is still handed on."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flows import record_flow
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office

    from ml_connector.domain.records import SourceRecord


async def _read(office: Office, flow: str = "customers") -> dict[str, SourceRecord]:
    source = (await record_flow(office.at, flow)).source
    async with aclosing(source.pages(None)) as pages:
        return {record.key: record async for page in pages for record in page.records}


async def _left(office: Office, flow: str = "customers") -> dict[str, str]:
    return {key: record.left_scope for key, record in (await _read(office, flow)).items()}


@pytest.mark.parametrize(
    ("settings", "fields", "filter_name"),
    [
        ({}, {"IsOneTimeCustomer": "Yes"}, "one-time customer"),
        ({"one_time": True}, {"IsOneTimeCustomer": "Yes"}, ""),
        ({}, {"CustomerGroupId": "20"}, ""),
        ({"groups": ["10", "30"]}, {"CustomerGroupId": "20"}, "customer group"),
        ({"groups": ["10", " 20 "]}, {"CustomerGroupId": "20"}, ""),
        ({"intercompany_groups": ["20"]}, {"CustomerGroupId": "20"}, "intercompany"),
        ({"groups": ["20"], "intercompany_groups": ["20"]}, {"CustomerGroupId": "20"}, "intercompany"),
        ({"address_books": ["Field sales"]}, {"AddressBooks": ""}, "address book"),
        ({"address_books": ["Field sales"]}, {"AddressBooks": "Retail;field sales"}, ""),
        ({"address_books": ["Field sales"]}, {"AddressBooks": "Field sales north"}, "address book"),
    ],
)
async def test_scope_filters_customer_group_one_time_customers_intercompany_groups_address_book_tag(
    start: Callable[..., Awaitable[Office]],
    settings: dict[str, Any],
    fields: dict[str, str],
    filter_name: str,
) -> None:
    """The record carries the filter's name, in the listing and in a keyed read; so does the customer's own contact."""
    office = await start(settings={"customers": settings})
    await office.customer("usmf:US-001", PrimaryContactEmail="office@a.example", **fields)
    assert await _left(office) == {"usmf:US-001": filter_name}
    assert await _left(office, "contacts") == {"usmf:c-US-001": filter_name}
    [record] = await (await record_flow(office.at, "customers")).source.read(["usmf:US-001"])
    assert record.left_scope == filter_name


async def test_what_leaves_the_scope_later_is_handed_on_with_the_filters_name(office: Office) -> None:
    """Else it could not be marked: a row that a filter in the query drops is not there to be marked."""
    await office.customer("usmf:US-001")
    before = (await _read(office))["usmf:US-001"]
    office.clerk_changes("CustomersV3", "usmf:US-001", IsOneTimeCustomer="Yes")
    after = (await _read(office))["usmf:US-001"]
    assert (before.left_scope, after.left_scope) == ("", "one-time customer")
    assert before.digest != after.digest


async def test_a_customer_that_only_the_settings_let_in_again_counts_as_changed(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(settings={"customers": {"groups": ["20"]}})
    await office.customer("usmf:US-001", CustomerGroupId="10")
    out = (await _read(office))["usmf:US-001"]
    async with office.opened(customers={"groups": ["20", "10"]}) as place:
        [back] = await (await record_flow(place, "customers")).source.read(["usmf:US-001"])
    assert (out.left_scope, back.left_scope) == ("customer group", "")
    assert out.digest != back.digest


async def test_a_misspelt_setting_is_named_with_the_nearest_one(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(settings={"customers": {"group": ["10"]}})
    with pytest.raises(ConfigurationError, match=r"customers\.group .*Did you mean 'groups'"):
        await _read(office)
