"""Search of the HubSpot twin: filters, limits, and a view that trails the writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    made = {"propertyName": name, "operator": operator} | more
    return made | ({"value": value} if value is not None else {})


def search(desk: Desk, *filters: dict[str, Any], kind: str = "companies", **more: Any) -> Any:
    groups = [{"filters": list(filters)}] if filters else []
    desk.wait(1)
    return desk.ask("POST", desk.objects(f"{kind}/search"), {"filterGroups": groups} | more)


def names(found: Any) -> list[str]:
    return [one["properties"]["name"] for one in found["results"]]


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    desk.create("companies", name="Adler Works", city="Kiel", annualrevenue="900", industry="MACHINERY")
    desk.wait(1)
    desk.create("companies", name="Birk Ltd", city="Bonn", annualrevenue="1000", domain="birk.example.com")
    desk.wait(1)
    desk.create("companies", name="Cole Marine", annualrevenue="20000")
    desk.wait(10)
    return desk


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (where("name", "EQ", "adler works"), "A"),
        (where("city", "NEQ", "Kiel"), "B"),
        (where("annualrevenue", "GT", "900"), "BC"),
        (where("annualrevenue", "GTE", 900), "ABC"),
        (where("annualrevenue", "LT", "1000"), "A"),
        (where("annualrevenue", "LTE", "1000"), "AB"),
        (where("annualrevenue", "BETWEEN", "950", highValue="20000"), "BC"),
        (where("city", "IN", values=["kiel", "bonn"]), "AB"),
        (where("city", "IN", values=["Kiel"]), ""),
        (where("city", "NOT_IN", values=["kiel"]), "B"),
        (where("city", "HAS_PROPERTY"), "AB"),
        (where("city", "NOT_HAS_PROPERTY"), "C"),
        (where("name", "CONTAINS_TOKEN", "mar*"), "C"),
        (where("domain", "CONTAINS_TOKEN", "*.example.com"), "B"),
        (where("name", "NOT_CONTAINS_TOKEN", "ltd"), "AC"),
        (where("industry", "EQ", "MACHINERY"), "A"),
        (where("industry", "EQ", "machinery"), ""),
        (where("createdate", "GTE", "2026-11-22T12:00:01Z"), "BC"),
        (where("hs_lastmodifieddate", "GTE", "1795348801000"), "BC"),
        (where("hs_lastmodifieddate", "LT", "1795348801000"), "A"),
    ],
)
def test_operators(stocked: Desk, rule: dict[str, Any], expected: str) -> None:
    """Every operator; case matters for enumerations, and IN wants lower-case values [D]."""
    assert [name[0] for name in names(search(stocked, rule))] == list(expected)


def test_groups_are_alternatives_and_filters_conditions(stocked: Desk) -> None:
    """Groups are OR, filters within a group AND [D]."""
    groups = [
        {"filters": [where("city", "EQ", "Kiel"), where("annualrevenue", "EQ", "900")]},
        {"filters": [where("city", "EQ", "Bonn"), where("annualrevenue", "EQ", "900")]},
        {"filters": [where("name", "EQ", "Cole Marine")]},
    ]
    found = search(stocked, filterGroups=groups)
    assert found["total"] == 2
    assert names(found) == ["Adler Works", "Cole Marine"]


def test_negations_may_match_empty_values(open_portal: Callable[..., Desk]) -> None:
    """Whether NEQ finds records without a value is not documented [I]."""
    for chosen, total in (("no", 0), ("yes", 1)):
        desk = open_portal(search_neq_matches_empty=chosen)
        desk.create("companies", name="A")
        desk.wait(5)
        assert search(desk, where("city", "NEQ", "Kiel"))["total"] == total


def test_oldest_first_one_sort_and_pages_by_offset(stocked: Desk) -> None:
    """Default is oldest first; one sort rule; ``after`` is an offset [D]."""
    rule = [{"propertyName": "annualrevenue", "direction": "DESCENDING"}]
    first = search(stocked, sorts=rule, limit=2)
    assert names(first) == ["Cole Marine", "Birk Ltd"]
    assert first["paging"] == {"next": {"after": "2"}}
    last = search(stocked, sorts=rule, limit=2, after="2")
    assert names(last) == ["Adler Works"]
    assert "paging" not in last
    stocked.wait(1)
    stocked.ask("POST", stocked.objects("companies/search"), {"sorts": rule * 2}, status=400)


def test_free_text_looks_at_some_properties(stocked: Desk) -> None:
    """``query`` is a search over the type's default searchable properties [D]."""
    assert names(search(stocked, query="marine")) == ["Cole Marine"]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9900", "limit": 101},
        {"after": "10000", "limit": 1},
        {"after": "abc"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [where("name", "EQ", "a")] * 7}]},
        {"filterGroups": [{"filters": [where("name", "EQ", "a")] * 6}] * 4},
        {"query": "x" * 3000},
        {"filterGroups": [{"filters": [where("nonsense", "EQ", "a")]}]},
        {"filterGroups": [{"filters": [where("name", "LIKE", "a")]}]},
        {"filterGroups": [{"filters": [where("name", "EQ")]}]},
        {"filterGroups": [{"filters": [where("name", "BETWEEN", "a")]}]},
    ],
)
def test_searches_beyond_the_limits_are_refused(desk: Desk, body: dict[str, Any]) -> None:
    """200 a page, 10,000 results, 5 groups, 6 filters each, 18 in all, 3,000 characters [D]."""
    assert desk.send("POST", desk.objects("companies/search"), body).status == 400


def test_search_sees_a_create_only_after_the_lag(desk: Desk) -> None:
    """Search trails the writes by seconds, two by default; reads do not [D]."""
    key = desk.create("companies", name="A")
    assert desk.value("companies", key, "name") == "A"
    assert search(desk)["total"] == 0
    assert search(desk)["total"] == 1


def test_search_sees_the_former_values_until_the_lag_is_over(desk: Desk) -> None:
    """A change becomes visible as late as a create does, each change after its own time [D]."""
    key = desk.create("companies", name="A")
    desk.wait(10)
    for name in ("B", "C"):
        desk.ask("PATCH", desk.objects(f"companies/{key}"), {"properties": {"name": name}})
        desk.wait(1.5)
    # now: B was written 3.0 s ago, C 1.5 s ago; each search waits one second more
    desk.wait(-1)
    assert names(search(desk)) == ["B"]
    assert names(search(desk)) == ["C"]


def test_the_lag_holds_for_searches_by_time_of_change(desk: Desk) -> None:
    """A poll for recent changes misses what happened within the lag, and finds it later [D]."""
    desk.create("companies", name="A")
    rule = where("hs_lastmodifieddate", "GTE", "2026-11-22T12:00:00Z")
    assert search(desk, rule)["total"] == 0
    desk.wait(5)
    assert search(desk, rule)["total"] == 1


def test_an_old_record_changed_late_is_found_by_time_of_change(stocked: Desk) -> None:
    """A search since a moment finds every record changed since, whenever it was created [D]."""
    key = search(stocked, where("name", "EQ", "Adler Works"))["results"][0]["id"]
    stocked.wait(60)
    since = stocked.now.isoformat()
    stocked.ask("PATCH", stocked.objects(f"companies/{key}"), {"properties": {"city": "Ulm"}})
    stocked.wait(5)
    assert names(search(stocked, where("hs_lastmodifieddate", "GTE", since))) == ["Adler Works"]


def test_without_a_lag_search_is_up_to_date(open_portal: Callable[..., Desk]) -> None:
    """The lag is a switch, in seconds."""
    desk = open_portal(search_lag_s="0")
    desk.create("companies", name="A")
    assert search(desk)["total"] == 1


def test_archived_records_are_never_found(stocked: Desk) -> None:
    """Search never returns archived records [D]."""
    key = search(stocked, where("name", "EQ", "Birk Ltd"))["results"][0]["id"]
    stocked.send("DELETE", stocked.objects(f"companies/{key}"))
    assert names(search(stocked)) == ["Adler Works", "Cole Marine"]


def test_contacts_have_their_own_time_of_change(desk: Desk) -> None:
    """Contacts are polled by lastmodifieddate; they lack hs_lastmodifieddate [O]."""
    desk.create("contacts", lastname="A")
    desk.wait(5)
    rule = where("lastmodifieddate", "GTE", "2026-11-22T12:00:00Z")
    assert search(desk, rule, kind="contacts")["total"] == 1
    wrong = {"filterGroups": [{"filters": [where("hs_lastmodifieddate", "GTE", "0")]}]}
    assert desk.send("POST", desk.objects("contacts/search"), wrong).status == 400


def test_search_by_association(desk: Desk) -> None:
    """The pseudo-property associations.company finds by associated record [D]."""
    company = desk.create("companies", name="A")
    deal = desk.deals()[1]
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/default/companies/{company}"))
    desk.wait(5)
    found = search(desk, where("associations.company", "EQ", company), kind="deals")
    assert [one["id"] for one in found["results"]] == [deal]


def test_calculated_properties_can_be_searched(desk: Desk) -> None:
    """A poll for won deals filters hs_is_closed_won [D]."""
    desk.machine.set_deal_stage(desk.deals()[0], "won", desk.now)
    desk.wait(5)
    found = search(desk, where("hs_is_closed_won", "EQ", "true"), kind="deals")
    assert [one["id"] for one in found["results"]] == desk.deals()[:1]


def test_five_searches_a_second_and_no_rate_headers(desk: Desk) -> None:
    """The account's own limit is 5 a second; its answers carry no rate-limit headers [D]."""
    answers = [desk.send("POST", desk.objects("companies/search"), {}) for _n in range(6)]
    assert [one.status for one in answers] == [200] * 5 + [429]
    body = orjson.loads(answers[-1].body)
    assert body["message"] == "You have reached your secondly limit."
    assert body["policyName"] == "SECONDLY"
    assert answers[-1].throttled
    assert not any("RateLimit" in name for one in answers for name in one.headers)
    assert desk.send("GET", desk.objects("companies")).status == 200
    desk.wait(1)
    assert desk.send("POST", desk.objects("companies/search"), {}).status == 200


def test_searches_write_nothing(desk: Desk) -> None:
    """A POST that only reads is no write."""
    assert desk.send("POST", desk.objects("companies/search"), {}).written is None
    assert desk.send("POST", desk.objects("companies/search"), {"limit": 999}).written is None
