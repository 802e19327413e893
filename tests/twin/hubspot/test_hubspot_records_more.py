"""More of what records can do: history, quotes, dates that are put right, imports, exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

    from ml_connector.twin.wire import Answer


def test_property_history_tells_every_value(desk: Desk) -> None:
    """propertiesWithHistory lists what a property was, the latest first, in reads and batch reads [S]."""
    key = desk.create("companies", name="A", city="Essen")
    for place, city in enumerate(("Bonn", "Kiel"), start=1):
        desk.wait(place)
        desk.ask("PATCH", desk.objects(f"companies/{key}"), {"properties": {"city": city}})
    found = desk.read("companies", key, query="propertiesWithHistory=city,num_associated_deals")
    history = found["propertiesWithHistory"]
    assert [one["value"] for one in history["city"]] == ["Kiel", "Bonn", "Essen"]
    assert history["city"][0]["timestamp"] > history["city"][1]["timestamp"]
    assert {one["sourceType"] for one in history["city"]} == {"INTEGRATION"}
    assert history["num_associated_deals"][0]["value"] == "0"
    body = {"inputs": [{"id": key}], "properties": [], "propertiesWithHistory": ["city"]}
    result = desk.ask("POST", desk.objects("companies/batch/read"), body)["results"][0]
    assert result["propertiesWithHistory"] == {"city": history["city"]}


def test_the_next_link_is_v3_and_keeps_the_question(desk: Desk) -> None:
    """paging.next.link may show a v3 address on any version [D]."""
    for name in ("A", "B"):
        desk.create("companies", name=name)
    page = desk.ask("GET", desk.objects("companies?limit=1&properties=city,zip"))
    link = page["paging"]["next"]["link"]
    assert link.startswith("https://api.hubapi.com/crm/v3/objects/companies?limit=1&after=")
    assert link.endswith("properties=city%2Czip")


def test_the_recycle_bin_is_listed_apart(desk: Desk) -> None:
    """archived=true lists what was deleted, with archivedAt, and nothing else [D]."""
    key, other = desk.create("companies", name="A"), desk.create("companies", name="B")
    desk.ask("DELETE", desk.objects(f"companies/{key}"), status=204)
    (gone,) = desk.ask("GET", desk.objects("companies?archived=true"))["results"]
    assert (gone["id"], gone["archived"], bool(gone["archivedAt"])) == (key, True, True)
    assert [one["id"] for one in desk.ask("GET", desk.objects("companies"))["results"]] == [other]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/crm/objects/2026-03/companies/batch/read", 100),
        ("/crm/objects/2026-03/companies/batch/archive", 100),
        ("/crm/properties/2026-03/companies/batch/read", 100),
        ("/crm/associations/2026-03/deals/companies/batch/read", 1000),
        ("/crm/associations/2026-03/deals/companies/batch/create", 2000),
        ("/crm/v3/associations/deals/companies/batch/read", 1000),
        ("/crm/v3/associations/deals/companies/batch/create", 2000),
    ],
)
def test_a_batch_with_one_too_many_is_refused(desk: Desk, path: str, most: int) -> None:
    """100 records or definitions, 1,000 associations read, 2,000 written [D/O]."""
    one = {"id": "1", "name": "x", "from": {"id": "1"}, "to": {"id": "2"}}
    assert desk.send("POST", path, {"inputs": [one] * (most + 1)}).status == 400
    assert desk.send("POST", path, {"inputs": [one] * most}).status in {200, 204, 207}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"nothing"])
def test_a_body_that_is_no_object_is_400(desk: Desk, body: bytes) -> None:
    """A malformed body is told apart from a wrong value by its message [O]."""
    answer = desk.ask("POST", desk.objects("companies"), body, status=400)
    assert answer["message"].startswith("Invalid input JSON")


def test_a_write_needs_its_properties(desk: Desk) -> None:
    """properties is a required member [S]."""
    body = desk.ask("POST", desk.objects("line_items"), {}, status=400)
    assert body["message"] == "Some required fields were not set: [properties]"


def test_a_quote_copies_the_deals_lines_and_sums_them(desk: Desk) -> None:
    """A quote has lines of its own and a total; a later change of the deal does not reach it [D]."""
    product = desk.create("products", name="Pump", price="10")
    deal = desk.deals()[0]
    line = desk.create("line_items", hs_product_id=product, quantity="3", discount="1")
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/default/line_items/{line}"))
    machine = desk.machine
    quote = machine.make_quote(deal, desk.now, status="APPROVED", accepted=True)
    desk.ask("PATCH", desk.objects(f"line_items/{line}"), {"properties": {"quantity": "9"}})
    names = ("hs_status", "hs_quote_amount", "hs_currency", "hs_esign_num_signers_completed")
    found = desk.read("quotes", quote, *names, query="&associations=line_items,deals")
    values = found["properties"]
    assert [values[name] for name in names] == ["APPROVED", "27.00", "USD", "1"]
    assert found["associations"]["deals"]["results"][0]["id"] == deal
    own = found["associations"]["line items"]["results"]
    assert len(own) == 1
    assert own[0]["id"] != line
    with pytest.raises(LookupError, match="no deal"):
        machine.make_quote("1", desk.now, status="DRAFT", accepted=False)
    with pytest.raises(ValueError, match="hs_status"):
        machine.make_quote(deal, desk.now, status="LOUD", accepted=False)


@pytest.mark.parametrize("version", ["2026-03", "v3", "2026-09"])
@pytest.mark.parametrize("chosen", ["warn", "silent"])
def test_dates_that_are_not_quite_right(open_portal: Callable[..., Desk], version: str, chosen: str) -> None:
    """From 2026-09 on they are put right, with a warning that names both values [D]; before, they are 400."""
    desk = open_portal(lenient_dates=chosen)
    desk.define("companies", "founded", type="date", fieldType="date")
    path = "/crm/v3/objects/companies" if version == "v3" else f"/crm/objects/{version}/companies"
    lenient = version == "2026-09"
    body = {"properties": {"name": "A", "founded": "1990-01-01T10:30:00Z"}}
    made = desk.ask("POST", path, body, status=201 if lenient else 400)
    if not lenient:
        return
    assert desk.value("companies", made["id"], "founded") == "1990-01-01"
    warning = {
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": "founded was normalized",
        "context": {
            "propertyName": "founded",
            "rawValue": "1990-01-01T10:30:00Z",
            "normalizedValue": "631152000000",
        },
    }
    assert made.get("warnings") == ([warning] if chosen == "warn" else None)
    batch = {"inputs": [{"id": made["id"], "properties": {"founded": "1990-01-01T00:00:00Z"}}]}
    result = desk.ask("POST", f"{path}/batch/update", batch)["results"][0]
    assert ("warnings" in result) == (chosen == "warn")
    plain = desk.ask("PATCH", f"{path}/{made['id']}", {"properties": {"founded": "1990-01-02"}})
    assert "warnings" not in plain
    desk.ask("PATCH", f"{path}/{made['id']}", {"properties": {"founded": "soon"}}, status=400)


@pytest.mark.parametrize(("version", "status"), [("2026-03", 201), ("v3", 201), ("2026-09", 400)])
def test_a_create_form_may_demand_an_association(
    open_portal: Callable[..., Desk], version: str, status: int
) -> None:
    """Required associations of the create form stop creates on 2026-09 only [D]."""
    desk = open_portal(create_required_associations="contacts>companies")
    company = desk.create("companies", name="A")
    path = "/crm/v3/objects/contacts" if version == "v3" else f"/crm/objects/{version}/contacts"
    body: dict[str, Any] = {"properties": {"firstname": "B"}}
    answer = desk.ask("POST", path, body, status=status)
    if status == 400:
        assert answer["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body["associations"] = [{"to": {"id": company}, "types": types}]
    desk.ask("POST", path, body, status=201)


def start_import(desk: Desk, rows: str, operation: str = "UPSERT") -> Answer:
    columns = [
        {
            "columnObjectTypeId": "0-1",
            "columnName": "Mail",
            "propertyName": "email",
            "columnType": "HUBSPOT_ALTERNATE_ID",
        },
        {"columnObjectTypeId": "0-1", "columnName": "First", "propertyName": "firstname"},
    ]
    page = {"hasHeader": True, "columnMappings": columns}
    file = {"fileName": "people.csv", "fileFormat": "CSV", "fileImportPage": page}
    order = {"name": "people", "importOperations": {"0-1": operation}, "files": [file]}
    parts = [
        b'Content-Disposition: form-data; name="importRequest"\r\n\r\n' + orjson.dumps(order),
        b'Content-Disposition: form-data; name="files"; filename="people.csv"\r\n\r\n' + rows.encode(),
    ]
    body = b"".join(b"--zz\r\n" + part + b"\r\n" for part in parts) + b"--zz--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=zz"}
    return desk.send("POST", "/crm/imports/2026-03", body, **kind)


ROWS = "Mail,First\r\nada@example.com,Ada\r\nbob@example.com,Bob\r\nnothing,Cy\r\n"


def test_an_import_creates_changes_and_lists_what_it_could_not(open_portal: Callable[..., Desk]) -> None:
    """Multipart in, rows carried out in the background, errors by row [S]."""
    desk = open_portal(import_seconds="5")
    known = desk.create("contacts", email="ada@example.com", firstname="A.")
    made = orjson.loads(start_import(desk, ROWS).body)
    path = f"/crm/imports/2026-03/{made['id']}"
    assert (made["state"], made["mappedObjectTypeIds"]) == ("PROCESSING", ["0-1"])
    assert desk.machine.counts()["contacts"] == 1
    desk.wait(5)
    done = desk.ask("GET", path)
    assert done["state"] == "DONE"
    counted = {"TOTAL_ROWS": 3, "CREATED_OBJECTS": 1, "UPDATED_OBJECTS": 1, "ERRORS": 1}
    assert done["metadata"]["counters"] == counted
    assert desk.value("contacts", known, "firstname") == "Ada"
    (error,) = desk.ask("GET", f"{path}/errors")["results"]
    assert (error["errorType"], error["sourceData"]["lineNumber"]) == ("INVALID_EMAIL", 4)
    assert [one["id"] for one in desk.ask("GET", "/crm/v3/imports")["results"]] == [made["id"]]
    desk.ask("POST", f"{path}/cancel", status=400)
    desk.ask("GET", "/crm/imports/2026-03/77", status=404)


def test_a_cancelled_import_writes_nothing(desk: Desk) -> None:
    """Cancel stops an import that is under way [S]."""
    made = orjson.loads(start_import(desk, ROWS).body)
    path = f"/crm/imports/2026-03/{made['id']}"
    assert desk.ask("POST", f"{path}/cancel")["status"] == "CANCELED"
    desk.wait(60)
    assert desk.ask("GET", path)["state"] == "CANCELED"
    assert desk.machine.counts()["contacts"] == 0


@pytest.mark.parametrize(
    ("operation", "expected"), [("CREATE", "CREATE_ONLY_IMPORT"), ("UPDATE", "UPDATE_ONLY_IMPORT")]
)
def test_an_import_does_what_its_operation_allows(desk: Desk, operation: str, expected: str) -> None:
    """CREATE leaves known records alone, UPDATE makes none [S]."""
    desk.create("contacts", email="ada@example.com")
    made = orjson.loads(start_import(desk, ROWS, operation).body)
    desk.wait(2)
    errors = desk.ask("GET", f"/crm/imports/2026-03/{made['id']}/errors")["results"]
    assert expected in [error["errorType"] for error in errors]


def test_an_import_that_is_no_form_is_refused(desk: Desk) -> None:
    """The body is multipart/form-data with both parts [S]."""
    assert desk.send("POST", "/crm/imports/2026-03", {"name": "x"}).status == 415
    kind = {"content-type": "multipart/form-data; boundary=zz"}
    assert desk.send("POST", "/crm/imports/2026-03", b"--zz--", **kind).status == 400


@pytest.mark.parametrize("wrong", [None, 1, [], {}, [[]], [{}], "x"])
@pytest.mark.parametrize("member", ["name", "importOperations", "files"])
def test_a_wrong_order_for_an_import_is_answered(desk: Desk, member: str, wrong: Any) -> None:
    """Whatever stands in the order, the answer is below 500, and so is every later one."""
    order: dict[str, Any] = {"name": "n", "files": [{"fileImportPage": {"columnMappings": [{}]}}]}
    content = orjson.dumps(order | {member: wrong})
    body = b'--zz\r\nContent-Disposition: form-data; name="importRequest"\r\n\r\n' + content + b"\r\n"
    body += b'--zz\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\na\x00,b\r\n--zz--'
    kind = {"content-type": "multipart/form-data; boundary=zz"}
    assert desk.send("POST", "/crm/imports/2026-03", body, **kind).status < 500
    desk.wait(10)
    desk.ask("GET", "/crm/imports/2026-03")


def test_an_export_is_a_task_and_then_a_file(open_portal: Callable[..., Desk]) -> None:
    """202 with a task, its status, then the address of a CSV file [S]."""
    desk = open_portal(export_seconds="5")
    desk.create("companies", name="Adler, Works", city="Essen")
    order = {
        "exportType": "VIEW",
        "format": "CSV",
        "exportName": "all",
        "language": "EN",
        "objectType": "COMPANY",
        "objectProperties": ["name", "city"],
    }
    path = "/crm/exports/2026-03/export/async"
    task = desk.ask("POST", path, order, status=202)
    status = f"{path}/tasks/{task['id']}/status"
    assert desk.ask("GET", status)["status"] == "PROCESSING"
    assert desk.send("GET", f"/export-files/{task['id']}").status == 404
    desk.wait(5)
    done = desk.ask("GET", status)
    assert done["status"] == "COMPLETE"
    assert desk.ask("GET", f"/crm/exports/2026-03/export/{task['id']}")["recordCount"] == 1
    answer = desk.send("GET", done["result"].removeprefix("https://api.hubapi.com"), authorization="")
    header, row = answer.body.decode().splitlines()
    assert header == "Record ID,Company name,City"
    assert row.endswith(',"Adler, Works",Essen')
    desk.ask("POST", path, order | {"format": "XLS"}, status=400)


def test_every_endpoint_says_what_it_does_and_what_stands_behind_it(desk: Desk) -> None:
    """The list for the documentation: unique, each with a sentence, paths under every version's form."""
    listed = desk.machine.endpoints()
    assert len({(one.method, one.path) for one in listed}) == len(listed)
    assert all(one.does.endswith(".") and one.service == "hubspot" for one in listed)
    paths = {(one.method, one.path) for one in listed}
    assert ("GET", "/crm/objects/{v}/{type}/{id}") in paths
    assert ("GET", "/crm/v3/objects/{type}/{id}") in paths
    assert ("POST", "/oauth/{v}/token") in paths
    assert {one.evidence for one in listed} <= {"S", "D", "O", "I"}
