"""A plan says what will be written, record by record and field by field, and writes nothing itself."""

from __future__ import annotations

import itertools
import os
import stat
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.app.chosen import held_verdict, release, sync_first, sync_keys, sync_plan
from ml_connector.app.flow_switch import disable
from ml_connector.errors import ConfigurationError, RunStoppedError
from ml_connector.store import runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.flows.office import Office, check_sum
    from tests.flows.planning import KEYS, People, content, planned, planned_of, promised, written
else:  # pytest puts this folder on the path
    from office import check_sum
    from planning import KEYS, People, content, planned, planned_of, promised, written

TYPES = {"customers": "companies", "products": "products"}
PLANNED = ("customers", "products")  # the flows of the world that is changed at random
HOUSES = itertools.count(1)
QUIET_TABLES = ("mlc_link", "mlc_parked", "mlc_progress", "mlc_audit", "mlc_run", "mlc_seen", "mlc_stage", "mlc_call")


async def stored(office: Office) -> dict[str, list[Any]]:
    """Everything of ours that a pass would change."""
    async with office.at.store.read() as tx:
        return {
            table: list(await tx.connection.exec_driver_sql(f"SELECT * FROM {table}"))  # noqa: S608 - names of ours
            for table in QUIET_TABLES
        }


async def loaded(office: Office, count: int = 3) -> None:
    for number in range(1, count + 1):
        await office.customer(f"usmf:US-{number:03}", PrimaryContactPhone="+1 312 555 0101")
    await office.figures("customers")


# --- what a plan says -------------------------------------------------------------------------------------------


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
    assert {"property": "name", "before": None, "after": "US-004 Works"} in lines["customers/usmf:US-004"]["changed"]
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
        office.twins.pair.dynamics  # noqa: B018 - the twin stands
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
    assert found["changes"][0]["changed"] == [{"property": "name", "before": "Our friends", "after": "US-001 Works"}]


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


async def test_plan_of_orders_points_to_the_drafts_of_deals(office: Office) -> None:
    found = await planned(office, "orders", "products")
    assert list(found["flows"]) == ["products"]
    assert "deals list" in found["notes"][0]


# --- people: one e-mail address, one contact ----------------------------------------------------------------------


@pytest.fixture
async def people(start: Callable[..., Awaitable[Office]]) -> People:
    found = People(await start(switches={"search_lag_s": "0"}))
    await found.ready()
    return found


def person(email: str, **more: str) -> dict[str, str]:
    return {"email": email, "firstname": "Ada", "lastname": "Birk", "jobtitle": "", **more}


async def test_a_contact_that_stands_in_hubspot_is_planned_as_an_adoption_and_what_it_has_is_kept(
    people: People,
) -> None:
    made = await people.office.rep_asks(
        "POST", "/crm/v3/objects/contacts", {"properties": {"email": "ada@birk.example", "firstname": "Adele"}}
    )
    people.rows = {"usmf:1": person("ada@birk.example"), "usmf:2": person("", lastname="Finch")}
    lines, outlook, _ = await people.plan()
    by_key = {line.change.key: line for line in lines}
    assert (by_key["usmf:1"].what, by_key["usmf:1"].target_id) == ("adopt", made["id"])
    assert by_key["usmf:1"].changed == {
        "d365_contact_key": (None, "usmf:1"),
        "d365_status": (None, "Active"),
        "lastname": (None, "Birk"),
    }
    assert outlook.changes == {"adopt": 1, "create": 1}


async def test_the_oldest_key_owns_a_shared_address_and_the_others_are_listed_on_it(people: People) -> None:
    """In the plan as in what is written, also when the contact stood there before."""
    await people.office.rep_asks(
        "POST", "/crm/v3/objects/contacts", {"properties": {"email": "shared@birk.example"}}
    )
    people.rows = {
        f"usmf:{number}": person("shared@birk.example", firstname=f"Ada {number}") for number in range(1, 4)
    }
    people.rows |= {f"usmf:{number}": person("new@birk.example") for number in (4, 5)}
    lines, _, _ = await people.plan()
    assert {line.change.key: line.what for line in lines} == {
        "usmf:1": "adopt", "usmf:2": "follow", "usmf:3": "follow", "usmf:4": "create", "usmf:5": "follow",
    }  # fmt: skip
    await agrees(people)
    shared = next(
        row["properties"]
        for row in people.office.records("contacts")
        if row["properties"].get("email") == "shared@birk.example"
    )
    assert (shared["d365_contact_key"], shared["d365_contact_keys"]) == ("usmf:1", "usmf:2;usmf:3")
    assert shared["firstname"] == "Ada 1"


async def agrees(people: People) -> None:
    """The next sync writes what the plan says, and no more."""
    lines, _, _ = await people.plan()
    before = {str(row["id"]) for row in people.office.records("contacts")}
    mark = people.office.mark()
    counters = (await people.sync()).counters
    check_sum(counters)
    assert counters.parked == 0
    assert Counter(set(people.written(mark, before))) == people.promised(lines)


async def test_a_further_key_that_is_gone_leaves_the_record_to_its_owner(people: People) -> None:
    """Nothing is written for it, in the plan as in fact, and it parks nothing."""
    people.rows = {f"usmf:{number}": person("shared@birk.example") for number in (1, 2)}
    await agrees(people)
    del people.rows["usmf:2"]
    for _ in range(4):
        await agrees(people)
    assert await people.office.stuck("contacts") == {}


ADDRESSES = st.sampled_from(["", *(f"{name}@birk.example" for name in "abcde")])
PERSON = st.builds(
    person, ADDRESSES, firstname=st.sampled_from(["Ada", "Bo"]), jobtitle=st.sampled_from(["", "Buyer"])
)
CROWD = st.dictionaries(st.sampled_from([f"usmf:{n}" for n in range(1, 9)]), PERSON, max_size=8)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=CROWD, standing=st.sets(ADDRESSES.filter(bool), max_size=2))
async def test_a_plan_of_people_equals_what_is_written(
    start: Callable[..., Awaitable[Office]], first: dict[str, dict[str, str]], standing: set[str]
) -> None:
    """Whoever shares an address with whom, and whoever was there before."""
    people = People(await start(house=f"house-{next(HOUSES)}", switches={"search_lag_s": "0"}))
    await people.ready()
    for email in sorted(standing):
        body = {"properties": {"email": email, "firstname": "There before"}}
        await people.office.rep_asks("POST", "/crm/v3/objects/contacts", body)
    people.rows = first
    await agrees(people)
    people.rows = {
        key: {**row, "jobtitle": "Head of " + row["firstname"]} for key, row in first.items() if key != "usmf:2"
    }
    await agrees(people)
    await agrees(people)
