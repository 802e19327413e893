"""Single records of the HubSpot twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk


def test_portal_starts_with_open_deals_and_nothing_else(desk: Desk) -> None:
    """The portal starts with the world's open deals: no company, no lines, no amount (architecture 6)."""
    assert desk.machine.counts() == {
        "companies": 0,
        "contacts": 0,
        "deals": 2,
        "products": 0,
        "line_items": 0,
        "quotes": 0,
    }
    deal = desk.read(
        "deals", desk.deals()[0], "dealname", "pipeline", "dealstage", "amount", "hs_object_source"
    )
    assert deal["properties"]["dealname"] == "Pumps for Adler"
    assert deal["properties"]["pipeline"] == "default"
    assert deal["properties"]["dealstage"] == "appointmentscheduled"
    assert deal["properties"]["amount"] is None
    assert deal["properties"]["hs_object_source"] == "CRM_UI"


def test_create_answers_201_with_a_location(desk: Desk) -> None:
    """Create is 201 with a Location and the record [D]."""
    made = desk.send("POST", desk.objects("companies"), {"properties": {"name": "Adler Works"}})
    body = orjson.loads(made.body)
    assert made.status == 201
    assert made.headers["Location"].endswith(body["id"])
    assert body["properties"]["name"] == "Adler Works"
    assert body["properties"]["hs_object_source"] == "INTEGRATION"
    assert body["createdAt"] == body["updatedAt"] == "2026-11-22T12:00:00.000Z"
    assert body["archived"] is False
    assert made.written is not None
    assert made.written.keys == (body["id"],)
    assert made.written.committed


@pytest.mark.parametrize(
    ("kind", "properties", "status"),
    [
        ("companies", {"city": "Kiel"}, 400),
        ("companies", {"domain": "adler.example.com"}, 201),
        ("contacts", {"phone": "1"}, 400),
        ("contacts", {"lastname": "Adler"}, 201),
        ("deals", {"dealname": "X"}, 400),
        ("deals", {"dealname": "X", "dealstage": "appointmentscheduled"}, 201),
        ("products", {"price": "1"}, 400),
        ("products", {"name": "Pump"}, 201),
        ("line_items", {}, 201),
        ("line_items", {"price": "-1"}, 400),
    ],
)
def test_create_needs_its_minimum(desk: Desk, kind: str, properties: dict[str, str], status: int) -> None:
    """Each object type has its own minimum on create [D]; product's is a switch [I]."""
    made = desk.send("POST", desk.objects(kind), {"properties": properties})
    assert made.status == status
    assert made.written is not None
    assert made.written.committed is (status == 201)


def test_product_minimum_can_be_the_documented_one(open_portal: Callable[..., Desk]) -> None:
    """The products table lists more required properties than its examples send [I]."""
    desk = open_portal(product_minimum="documented")
    desk.ask("POST", desk.objects("products"), {"properties": {"name": "Pump"}}, status=400)


def test_unknown_property_is_refused_with_the_embedded_list(desk: Desk) -> None:
    """PROPERTY_DOESNT_EXIST stands in errors and, as JSON, inside message [D]."""
    body = desk.ask("POST", desk.objects("companies"), {"properties": {"name": "A", "x": "1"}}, status=400)
    head, _, listed = body["message"].partition(": ")
    assert head == "Property values were not valid"
    assert orjson.loads(listed) == [
        {
            "isValid": False,
            "message": 'Property "x" does not exist',
            "error": "PROPERTY_DOESNT_EXIST",
            "name": "x",
            "localizedErrorMessage": 'Property "x" does not exist',
            "portalId": 4711,
        }
    ]
    assert body["errors"] == [
        {
            "message": 'Property "x" does not exist',
            "code": "PROPERTY_DOESNT_EXIST",
            "context": {"propertyName": ["x"]},
        }
    ]
    assert body["category"] == "VALIDATION_ERROR"
    assert desk.machine.counts()["companies"] == 0


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        ("companies", "hs_lastmodifieddate", "2026-01-01", "READ_ONLY_VALUE"),
        ("companies", "industry", "Plumbing", "INVALID_OPTION"),
        ("companies", "annualrevenue", "1,000", "INVALID_INTEGER"),
        ("companies", "annualrevenue", " 1000", "LEADING_TRAILING_WHITESPACE"),
        ("contacts", "email", "nobody", "INVALID_EMAIL"),
        ("deals", "closedate", "soon", "INVALID_LONG"),
        ("line_items", "hs_recurring_billing_start_date", "2026-13-01", "INVALID_DATE"),
        ("line_items", "hs_recurring_billing_start_date", "2026-01-01T10:00:00Z", "INVALID_DATE"),
        ("companies", "description", "x" * 65_537, "PROPERTY_VALUE_TOO_LONG"),
    ],
)
def test_values_are_checked_by_type(desk: Desk, kind: str, name: str, value: str, code: str) -> None:
    """A wrong value is refused with its code [D/O]; the code of a too long one is inferred [I]."""
    body = desk.ask("POST", desk.objects(kind), {"properties": {name: value}}, status=400)
    assert [error["code"] for error in body["errors"]] == [code]


def test_values_come_back_as_text(desk: Desk) -> None:
    """Numbers, booleans and null are accepted on write; answers hold text or null [D/O]."""
    key = desk.create("companies", name="A", numberofemployees=12, annualrevenue=1.5, phone=None)
    read = desk.read("companies", key, "numberofemployees", "annualrevenue", "phone", "nonsense")
    assert read["properties"]["numberofemployees"] == "12"
    assert read["properties"]["annualrevenue"] == "1.5"
    assert read["properties"]["phone"] is None
    assert "nonsense" not in read["properties"]


def test_empty_properties_can_be_left_out(open_portal: Callable[..., Desk]) -> None:
    """The generic guide says a requested property without a value is omitted [D/O: accept both]."""
    desk = open_portal(empty_properties="omit")
    key = desk.create("companies", name="A")
    assert "phone" not in desk.read("companies", key, "phone")["properties"]


def test_dates_are_accepted_in_milliseconds_and_iso(desk: Desk) -> None:
    """Dates are ISO 8601 or epoch milliseconds [D]."""
    deal = desk.deals()[0]
    desk.ask("PATCH", desk.objects(f"deals/{deal}"), {"properties": {"closedate": "1767225600000"}})
    assert desk.value("deals", deal, "closedate") == "2026-01-01T00:00:00.000Z"
    desk.ask("PATCH", desk.objects(f"deals/{deal}"), {"properties": {"closedate": "2026-05-06"}})
    assert desk.value("deals", deal, "closedate") == "2026-05-06T00:00:00.000Z"


def test_update_clears_with_empty_text_and_moves_the_timestamp(desk: Desk) -> None:
    """An empty string clears; hs_lastmodifieddate moves [D]."""
    key = desk.create("companies", name="A", city="Kiel")
    desk.wait(5)
    answer = desk.send("PATCH", desk.objects(f"companies/{key}"), {"properties": {"city": ""}})
    body = orjson.loads(answer.body)
    assert body["properties"]["city"] is None
    assert body["properties"]["hs_lastmodifieddate"] == body["updatedAt"] == "2026-11-22T12:00:05.000Z"
    assert body["createdAt"] == "2026-11-22T12:00:00.000Z"
    assert answer.written is not None
    assert answer.written.keys == (key,)


def test_unchanged_write_may_leave_the_timestamp(open_portal: Callable[..., Desk]) -> None:
    """Whether a write without a change moves the time of the last change is open [I]."""
    for chosen, moved in (("yes", True), ("no", False)):
        desk = open_portal(touch_unchanged=chosen)
        key = desk.create("companies", name="A")
        desk.wait(5)
        body = desk.ask("PATCH", desk.objects(f"companies/{key}"), {"properties": {"name": "A"}})
        assert (body["updatedAt"] != body["createdAt"]) is moved


def test_default_properties_are_a_small_set(desk: Desk) -> None:
    """Without ``properties`` only the default subset returns [D]."""
    key = desk.create("contacts", lastname="Adler", email="a@example.com", phone="1")
    assert set(desk.read("contacts", key)["properties"]) == {
        "firstname",
        "lastname",
        "email",
        "createdate",
        "lastmodifieddate",
        "hs_object_id",
    }


def test_list_pages_in_id_order_by_after(desk: Desk) -> None:
    """``after`` is the next record's id and paging is absent on the last page [D]."""
    keys = [desk.create("companies", name=f"C{n}") for n in range(5)]
    seen: list[str] = []
    after = ""
    for _page in range(3):
        page = desk.ask("GET", desk.objects(f"companies?limit=2&after={after}"))
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
        if not after:
            break
        assert after == keys[len(seen)]
        assert "/crm/v3/" in page["paging"]["next"]["link"]
    assert seen == keys
    assert not after


def test_list_takes_ten_by_default_and_a_hundred_at_most(open_portal: Callable[..., Desk]) -> None:
    """Default 10, at most 100; above it errors or clamps, which is a switch [D/I]."""
    for chosen, status in (("error", 400), ("clamp", 200)):
        desk = open_portal(list_over_limit=chosen)
        inputs = [{"properties": {"name": f"C{n}"}} for n in range(100)]
        desk.ask("POST", desk.objects("companies/batch/create"), {"inputs": inputs}, status=201)
        desk.create("companies", name="last")
        assert len(desk.ask("GET", desk.objects("companies"))["results"]) == 10
        over = desk.send("GET", desk.objects("companies?limit=101"))
        assert over.status == status
        assert status == 400 or len(orjson.loads(over.body)["results"]) == 100


def test_archive_is_204_and_hides_the_record(desk: Desk) -> None:
    """DELETE is 204, again too [I]; the record moves to the archived listing [D]."""
    key = desk.create("companies", name="A")
    first = desk.send("DELETE", desk.objects(f"companies/{key}"))
    again = desk.send("DELETE", desk.objects(f"companies/{key}"))
    assert (first.status, again.status) == (204, 204)
    assert first.written is not None
    assert first.written.committed
    assert again.written is not None
    assert not again.written.committed
    desk.ask("GET", desk.objects(f"companies/{key}"), status=404)
    archived = desk.ask("GET", desk.objects("companies?archived=true"))["results"]
    assert [one["id"] for one in archived] == [key]
    assert archived[0]["archived"] is True
    assert archived[0]["archivedAt"]
    assert desk.ask("GET", desk.objects("companies"))["results"] == []


def test_not_found_has_two_bodies(desk: Desk) -> None:
    """A numeric id and another word get different 404 bodies [O]."""
    numeric = desk.ask("GET", desk.objects("companies/999"), status=404)
    word = desk.ask("GET", desk.objects("companies/abc"), status=404)
    assert numeric["message"] == "resource not found"
    assert "category" not in numeric
    assert word["message"] == "Object not found.  objectId are usually numeric."
    assert word["context"] == {"id": ["abc"]}
    assert word["category"] == "OBJECT_NOT_FOUND"


def test_id_property_finds_by_unique_value(keyed: Desk) -> None:
    """``idProperty`` is e-mail or a unique custom property [D]; others are refused [O]."""
    key = keyed.create("companies", name="A", key="usmf:A/1")
    found = keyed.ask("GET", keyed.objects("companies/usmf%3AA%2F1?idProperty=key"))
    assert found["id"] == key
    body = keyed.ask("GET", keyed.objects("companies/A?idProperty=name"), status=400)
    assert body["message"] == (
        "Unable to perform update/upsert by non-unique 0-2 property name in portal ID 4711"
    )
    contact = keyed.create("contacts", email="Kim@Example.com")
    assert keyed.read("contacts", "kim@example.com", query="idProperty=email")["id"] == contact


def test_emails_are_lower_case_and_unique(desk: Desk) -> None:
    """E-mail is lower-cased; creating a second contact with it is 409 naming the first [O]."""
    key = desk.create("contacts", email="Kim@Example.COM")
    assert desk.value("contacts", key, "email") == "kim@example.com"
    body = desk.ask(
        "POST", desk.objects("contacts"), {"properties": {"email": "KIM@example.com"}}, status=409
    )
    assert body["message"] == f"Contact already exists. Existing ID: {key}"
    assert body["category"] == "CONFLICT"


def test_custom_unique_value_in_use_is_a_validation_error(keyed: Desk) -> None:
    """A custom unique value in use is 400 with CONFLICTING_UNIQUE_VALUE [O]."""
    keyed.create("companies", name="A", key="1")
    body = keyed.ask(
        "POST", keyed.objects("companies"), {"properties": {"name": "B", "key": "1"}}, status=400
    )
    assert body["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


def test_unique_value_is_free_again_once_changed(keyed: Desk) -> None:
    """A unique value belongs to the record that holds it now."""
    first = keyed.create("companies", name="A", key="1")
    keyed.ask("PATCH", keyed.objects(f"companies/{first}"), {"properties": {"key": "2"}})
    keyed.create("companies", name="B", key="1")
    body = keyed.ask("PATCH", keyed.objects(f"companies/{first}"), {"properties": {"key": "1"}}, status=400)
    assert body["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


def test_lifecycle_stage_moves_forward_only(desk: Desk) -> None:
    """A lower lifecycle stage is not taken; after clearing it is [D]."""
    key = desk.create("companies", name="A", lifecyclestage="customer")
    for value, expected in (("lead", "customer"), ("", None), ("lead", "lead")):
        desk.ask("PATCH", desk.objects(f"companies/{key}"), {"properties": {"lifecyclestage": value}})
        assert desk.value("companies", key, "lifecyclestage") == expected


def test_over_long_address_is_414(desk: Desk) -> None:
    """Too many properties in the query give 414 [D]."""
    assert desk.send("GET", desk.objects(f"companies?properties={'a' * 9000}")).status == 414


def test_broken_json_is_refused(desk: Desk) -> None:
    """A body that is no JSON is 400 and writes nothing."""
    answer = desk.send("POST", desk.objects("companies"), b"{nonsense")
    assert answer.status == 400
    assert answer.written is not None
    assert not answer.written.committed


def test_quotes_are_read_only_and_empty(desk: Desk) -> None:
    """Quotes can be listed; the twin holds none, and its token may not write any."""
    assert desk.ask("GET", desk.objects("quotes")) == {"results": []}
    assert desk.send("POST", desk.objects("quotes"), {"properties": {"hs_title": "Q"}}).status == 403


def test_a_person_edits_a_record(desk: Desk) -> None:
    """``edit`` is a person's change: checked like any other, refused with a sentence."""
    key = desk.create("companies", name="A")
    desk.wait(1)
    desk.machine.edit("companies", key, {"phone": "+1 555"}, desk.now)
    assert desk.value("companies", key, "phone") == "+1 555"
    with pytest.raises(LookupError, match="no company 1"):
        desk.machine.edit("companies", "1", {"phone": "2"}, desk.now)
    with pytest.raises(ValueError, match="does not exist"):
        desk.machine.edit("companies", key, {"nonsense": "2"}, desk.now)


def test_ground_truth_pages_in_id_order(desk: Desk) -> None:
    """``records`` shows every live record with all values and associations."""
    keys = [desk.create("companies", name=f"C{n}") for n in range(3)]
    first, after = desk.machine.records("companies", after=None, limit=2)
    rest, end = desk.machine.records("company", after=after, limit=2)
    found: list[dict[str, Any]] = [*first, *rest]
    assert [one["id"] for one in found] == keys
    assert end is None
    assert found[0]["properties"]["name"] == "C0"
