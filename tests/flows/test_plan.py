"""A plan says what the next pass would do, and writes nothing itself: not there, and not in our own store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.long_used import known_portal, matched
    from tests.flows.office import Office
    from tests.flows.planning import (
        compare,
        loaded,
        planned,
        planned_of,
        stored,
    )

else:  # pytest puts this folder on the path
    from long_used import known_portal, matched
    from planning import (
        compare,
        loaded,
        planned,
        planned_of,
        stored,
    )


async def test_a_plan_shows_creates_updates_and_marks_before_and_after_and_writes_nothing_anywhere(
    office: Office,
) -> None:
    """Neither side is written to, and nothing of our own store moves."""
    await loaded(office)
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Alder Mills", PrimaryContactPhone="")
    office.twins.pair.remove("CustomersV3", "usmf:US-003")
    await office.figures("customers")
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Alder Works")
    await office.customer("usmf:US-004")
    mark, before = office.mark(), await stored(office)

    found = await planned_of(office, "customers")
    assert found["counts"] == {
        "read": 3, "create": 1, "adopt": 0, "follow": 0, "update": 1, "restore": 0, "mark": 1, "unchanged": 1,
        "held": 0, "waiting": 0, "park": 0, "parked": 0, "skipped": 0,
    }  # fmt: skip
    lines = {line["record"]: line for line in found["changes"]}
    assert lines["customers/usmf:US-002"]["changed"] == [
        {"property": "name", "before": "Alder Mills", "after": "Alder Works"}
    ]
    assert lines["customers/usmf:US-003"]["changed"] == [
        {"property": "d365_status", "before": "Active", "after": "Not in Dynamics"}
    ]
    assert {"property": "name", "before": None, "after": "US-004 Works"} in lines["customers/usmf:US-004"][
        "changed"
    ]
    assert found["marks"] == {"Not in Dynamics": 1}
    assert office.writes(mark) == []
    assert await stored(office) == before


async def test_a_record_not_listed_for_the_first_time_is_told_and_not_yet_marked(office: Office) -> None:
    """Planning twice is not missing it twice."""
    await loaded(office)
    office.twins.pair.remove("CustomersV3", "usmf:US-003")
    for _ in range(2):
        found = await planned_of(office, "customers")
        assert (found["absent"], found["counts"]["mark"]) == (1, 0)


async def test_what_would_be_parked_is_told_with_its_cause_and_not_parked(office: Office) -> None:
    await office.customer("usmf:US-001", OrganizationName="x" * 65_537)
    await office.customer("usmf:US-002")
    found = await planned_of(office, "customers")
    assert (found["counts"]["park"], found["counts"]["create"]) == (1, 1)
    [row] = found["parked"]
    assert row["record"] == "customers/usmf:US-001"
    assert found["causes"] == {row["cause"]: 1}
    assert row["next_action"]
    assert await office.stuck("customers") == {}


async def test_plan_shows_counts_per_filter(office: Office) -> None:
    """Rows the source leaves out, and records of another legal entity where one was asked for."""
    await office.customer("usmf:US-001")
    await office.customer("demf:DE-001")
    found = await planned_of(office, "customers", legal_entity="demf")
    assert [line["record"] for line in found["changes"]] == ["customers/demf:DE-001"]
    assert found["filters"] == {"another legal entity": 1}
    assert found["counts"]["skipped"] == 1
    with pytest.raises(ConfigurationError, match="'zzmf' is not connected"):
        await planned(office, "customers", legal_entity="zzmf")


async def test_the_calls_of_a_plan_are_those_the_sync_takes(office: Office) -> None:
    """Dynamics' as read, HubSpot's in full batches; minutes at the portal's limit."""
    for number in range(1, 251):
        await office.customer(f"usmf:US-{number:03}")
    found = await planned_of(office, "customers")
    report = (await office.sync("customers"))["customers"]
    assert found["calls"] == report.counters.requests
    assert found["hubspot_limit"]["known"] is False
    assert found["minutes"] == pytest.approx(found["calls"]["hubspot"] / 10 / 6, abs=0.1)


async def test_an_edit_in_hubspot_that_would_be_put_back_is_in_the_plan(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(switches={"search_lag_s": "0"})
    await loaded(office, 1)
    await office.figures("customers")
    office.rep_changes("companies", office.company_id("usmf:US-001"), name="Our friends")
    found = await planned_of(office, "customers")
    assert found["counts"]["restore"] == 1
    assert found["changes"][0]["changed"] == [
        {"property": "name", "before": "Our friends", "after": "US-001 Works"}
    ]


async def test_the_breakers_verdict_is_shown_and_a_first_load_is_exempt(office: Office) -> None:
    for number in range(1, 31):
        await office.customer(f"usmf:US-{number:03}")
    first = await planned_of(office, "customers")
    assert (first["first_load"], first["judged"], first["verdict"]) == (True, False, [])
    await office.figures("customers")
    for number in range(1, 31):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", OrganizationName=f"Other {number}")
    found = await planned_of(office, "customers")
    assert found["verdict"] == ["30 of 30 known records would change"]
    alone = await planned_of(office, "customers", keys=("usmf:US-001", "usmf:US-999"))
    assert (alone["judged"], alone["counts"]["update"], alone["not_found"]) == (False, 1, 1)


async def test_a_plan_of_a_first_load_tells_that_the_portal_was_not_matched(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(switches={"search_lag_s": "0"})
    await office.customer("usmf:US-001")
    await office.rep_asks("POST", "/crm/v3/objects/companies", {"properties": {"name": "There before"}})
    found = await planned_of(office, "customers")
    assert found["refused"]["code"] == "flow.portal_not_matched"
    assert found["counts"]["create"] == 1


async def test_a_plan_lists_every_company_name_that_would_be_replaced(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A matched company: the name that stands there now, and the one that would; what is written equals it."""
    office = await start(switches={"search_lag_s": "0"})
    known = await known_portal(office)
    await matched(office)
    found = await planned_of(office, "customers")
    assert found["refused"] is None
    assert found["names_replaced"] == 1
    [line] = [line for line in found["changes"] if line["target_id"] == known["alder"]]
    assert {field["property"]: (field["before"], field["after"]) for field in line["changed"]}["name"] == (
        "ALDER AND FINCH MILLS",
        "Alder & Finch Mills Inc.",
    )
    assert found["counts"]["held"] == 1
    await compare(office, office.home)


async def test_plan_of_orders_points_to_the_drafts_of_deals(office: Office) -> None:
    found = await planned(office, "orders", "products")
    assert list(found["flows"]) == ["products"]
    assert "deals show" in found["notes"][0]
