"""0.12 Single data parks never pause a flow; causes of the system do, and the next pass that gets through lifts it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.flow_switch import disable, enable, flows_on, list_flows

if TYPE_CHECKING:
    from tests.flows.crawling import edit_mapping
    from tests.flows.office import Office
else:
    from crawling import edit_mapping  # pytest puts this folder on the path
    from office import Office

SYSTEM: dict[str, dict[str, Any]] = {
    "credentials": {"status": 401},
    "permission": {"status": 403},
    "schema": {"status": 404, "body": {"error": {"code": "", "message": "No HTTP resource was found."}}},
    "throttling": {"status": 429, "headers": {"Retry-After": "3000"}},
}  # fmt: skip


async def _stands(office: Office, flow: str = "customers") -> tuple[str, str]:
    return next((row.state, row.paused_reason) for row in await list_flows(office.at) if row.flow == flow)


@pytest.mark.parametrize("cause", SYSTEM)
async def test_a_flow_pauses_itself_for_causes_of_the_system_credentials_permission_schema_throttling(
    office: Office, cause: str
) -> None:
    """The reason is shown, the other flows stay on, a bare sync tries again, and what gets through lifts it."""
    await office.customer("usmf:US-001")
    await office.figures("customers")
    office.fault("dynamics", "status", "GET", "/data/CustomersV3", times=0, **SYSTEM[cause])
    error = (await office.sync("customers"))["customers"].error
    assert error is not None
    assert await _stands(office) == ("paused", error.message)
    assert await _stands(office, "orders") == ("on", "")
    assert "customers" in await flows_on(office.at)

    office.mended()
    if cause == "throttling":
        office.later(timedelta(seconds=3000))  # the pause that F&O asked for is over
    async with office.opened() as later:
        again = Office(office.twins, office.home, office.database_url, office.around, place=later)
        assert await again.figures("customers") == {"read": 1, "unchanged": 1}
        assert await _stands(again) == ("on", "")


async def test_a_side_that_is_away_for_a_while_pauses_nothing(office: Office) -> None:
    await office.customer("usmf:US-001")
    await office.figures("customers")
    office.fault("dynamics", "status", "GET", "/data/CustomersV3", status=503, times=0)
    assert (await office.sync("customers"))["customers"].error is not None
    assert await _stands(office) == ("on", "")


async def test_a_run_of_which_over_20_percent_of_at_least_50_records_would_park_pauses_its_flow(
    office: Office,
) -> None:
    """10 of 50 are parked one by one and the flow stays on; with the 11th it pauses, and nothing was written."""
    for number in range(1, 51):
        await office.customer(f"usmf:US-{number:03}", AddressStreet="1 Main Street")
    await office.figures("customers")
    edit_mapping(
        office, "line_breaks: comma", "line_breaks: comma\n    max_length: 15\n    on_too_long: park"
    )
    for number in range(1, 11):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", AddressStreet="2 Side Street, back")
    assert await office.figures("customers") == {"read": 50, "unchanged": 40, "parked": 10}
    assert await _stands(office) == ("on", "")

    edit_mapping(office, "max_length: 15", "max_length: 14")  # parked ones are judged afresh
    office.clerk_changes("CustomersV3", "usmf:US-011", AddressStreet="3 High Street, back")
    mark = office.mark()
    error = (await office.sync("customers"))["customers"].error
    assert error is not None
    assert "11 of 50 records that were read would be parked" in error.message
    assert await _stands(office) == ("paused", error.message)
    assert office.writes(mark) == []

    edit_mapping(office, "\n    max_length: 14\n    on_too_long: park", "")
    assert await office.figures("customers") == {"read": 50, "updated": 11, "unchanged": 39}
    assert await _stands(office) == ("on", "")


async def test_enable_and_disable_take_the_pause_away(office: Office) -> None:
    await office.customer("usmf:US-001")
    await office.figures("customers")
    live: list[Any] = []
    for switch, state in ((enable, "on"), (disable, "off")):
        office.fault("dynamics", "status", "GET", "/data/CustomersV3", status=403)
        await office.sync("customers")
        assert (await _stands(office))[0] == "paused"
        [row] = await switch(office.at, ["customers"])
        assert (row.state, row.paused_reason) == (state, "")
        live.append(row.go_live_at)
    assert live[0] is not None, "what went live stays live"
