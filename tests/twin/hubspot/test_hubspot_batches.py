"""Batches of the HubSpot twin: what is written when some inputs are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

    Inputs = list[dict[str, Any]]


def one(key: str, *, trace: str = "", **properties: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": key, "idProperty": "key", "properties": {"key": key} | properties}
    return made | ({"objectWriteTraceId": trace} if trace else {})


def upsert(desk: Desk, inputs: Inputs, *, kind: str = "companies", status: int = 200) -> Any:
    return desk.ask("POST", desk.objects(f"{kind}/batch/upsert"), {"inputs": inputs}, status=status)


def test_upsert_creates_then_changes(keyed: Desk) -> None:
    """Each result says whether it is new; the key decides which record is meant [S]."""
    first = upsert(keyed, [one("a", name="A"), one("b", name="B")])
    assert first["status"] == "COMPLETE"
    assert [result["new"] for result in first["results"]] == [True, True]
    second = upsert(keyed, [one("b", name="B2"), one("c", name="C")])
    new = {result["properties"]["key"]: result["new"] for result in second["results"]}
    assert new == {"b": False, "c": True}
    assert keyed.machine.counts()["companies"] == 3


def test_without_trace_ids_one_bad_input_refuses_all(keyed: Desk) -> None:
    """Without objectWriteTraceId nothing is written when one input is invalid [D/O]."""
    answer = keyed.send(
        "POST",
        keyed.objects("companies/batch/upsert"),
        {"inputs": [one("a", name="A"), one("b", name="B", nonsense="1")]},
    )
    body = orjson.loads(answer.body)
    assert answer.status == 400
    assert body["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert answer.written is not None
    assert not answer.written.committed
    assert keyed.machine.counts()["companies"] == 0


def test_with_trace_ids_the_good_ones_are_written(keyed: Desk) -> None:
    """With a trace id on every input the answer is 207 and errors are keyed by it [D/O]."""
    inputs = [one("a", trace="t1", name="A"), one("b", trace="t2", name="B", industry="None such")]
    body = upsert(keyed, inputs, status=207)
    assert [result["objectWriteTraceId"] for result in body["results"]] == ["t1"]
    assert body["numErrors"] == 1
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["t2"]
    assert body["errors"][0]["category"] == "VALIDATION_ERROR"
    assert keyed.machine.counts()["companies"] == 1
    assert keyed.calls[-1].written is not None
    assert keyed.calls[-1].written.keys == (body["results"][0]["id"],)


@pytest.mark.parametrize("traces", [("t1", ""), ("t1", "t1")])
def test_trace_ids_count_only_when_all_have_one_and_all_differ(keyed: Desk, traces: tuple[str, str]) -> None:
    """A missing or repeated trace id makes the request all-or-nothing [D]."""
    inputs = [one("a", trace=traces[0], name="A"), one("b", trace=traces[1], name="B", nonsense="1")]
    upsert(keyed, inputs, status=400)
    assert keyed.machine.counts()["companies"] == 0


@pytest.mark.parametrize("traced", [True, False])
def test_a_key_named_twice_refuses_all(keyed: Desk, *, traced: bool) -> None:
    """Duplicate ids are 400 for all, with or without trace ids [O]."""
    inputs = [one(key, trace=f"t{n}" if traced else "", name="A") for n, key in enumerate(("a", "b", "a"))]
    body = upsert(keyed, inputs, status=400)
    assert body["message"] == "Duplicate IDs found in batch input: [a]. IDs must be unique"
    assert body["context"] == {"ids": ["a"]}


def test_duplicates_are_found_after_normalisation(desk: Desk) -> None:
    """E-mails that differ in case only are the same key [O]."""
    inputs = [
        {"id": email, "idProperty": "email", "properties": {"lastname": "A"}}
        for email in ("kim@example.com", "KIM@example.com")
    ]
    body = upsert(desk, inputs, kind="contacts", status=400)
    assert body["context"] == {"ids": ["kim@example.com"]}


@pytest.mark.parametrize(
    ("kind", "name", "type_id"),
    [("companies", "domain", "0-2"), ("deals", "dealname", "0-3"), ("products", "hs_sku", "0-7")],
)
def test_upsert_by_a_non_unique_property_is_refused(desk: Desk, kind: str, name: str, type_id: str) -> None:
    """domain, dealname [O] and hs_sku [I] are not unique."""
    body = upsert(desk, [{"id": "a", "idProperty": name, "properties": {}}], kind=kind, status=400)
    assert body["message"] == (
        f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID 4711"
    )
    assert body["category"] == "VALIDATION_ERROR"


def test_contacts_upsert_by_email(desk: Desk) -> None:
    """Contacts can be upserted by e-mail, in any case [D]."""
    key = desk.create("contacts", email="kim@example.com", lastname="Berg")
    body = upsert(
        desk,
        [{"id": "Kim@Example.com", "idProperty": "email", "properties": {"firstname": "Kim"}}],
        kind="contacts",
    )
    assert body["results"][0]["id"] == key
    assert body["results"][0]["new"] is False


def test_upsert_takes_no_associations(keyed: Desk) -> None:
    """An upsert input has no field ``associations`` [S]."""
    upsert(keyed, [one("a", name="A") | {"associations": []}], status=400)


def test_more_than_a_hundred_inputs_are_refused(keyed: Desk) -> None:
    """101 inputs are 400 [O]; 100 are fine [D]."""
    inputs = [one(str(n), name="A") for n in range(101)]
    upsert(keyed, inputs, status=400)
    assert len(upsert(keyed, inputs[:100])["results"]) == 100


def test_results_are_not_in_the_order_of_the_inputs(keyed: Desk) -> None:
    """Results come in any order [O]."""
    inputs = [one(str(n), trace=f"t{n}", name="A") for n in range(50)]
    order = [result["objectWriteTraceId"] for result in upsert(keyed, inputs)["results"]]
    assert order != [f"t{n}" for n in range(50)]
    assert sorted(order) == sorted(f"t{n}" for n in range(50))


def test_two_inputs_cannot_take_the_same_unique_value(keyed: Desk) -> None:
    """Within one request the second input that claims a unique value fails."""
    keyed.define("companies", "other", unique=True)
    inputs = [one(key, trace=key, name="A", other="same") for key in ("a", "b")]
    body = upsert(keyed, inputs, status=207)
    assert len(body["results"]) == 1
    assert body["errors"][0]["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


@pytest.mark.parametrize(
    ("behaviour", "status", "live"), [("create", 200, 1), ("restore", 200, 1), ("conflict", 409, 0)]
)
def test_upsert_against_an_archived_key(
    open_portal: Callable[..., Desk], behaviour: str, status: int, live: int
) -> None:
    """Whether it creates, restores or conflicts is undocumented, so it is a switch [I]."""
    desk = open_portal(upsert_archived_key=behaviour)
    desk.define("companies", "key", unique=True)
    old = upsert(desk, [one("a", name="A")])["results"][0]["id"]
    desk.send("DELETE", desk.objects(f"companies/{old}"))
    body = upsert(desk, [one("a", name="A2")], status=status)
    assert desk.machine.counts()["companies"] == live
    if live:
        result = body["results"][0]
        assert (result["id"] == old) is (behaviour == "restore")
        assert result["new"] is (behaviour == "create")


def test_restoring_a_key_works_more_than_once(open_portal: Callable[..., Desk]) -> None:
    """A restored record that changed its key no longer stands for the old one."""
    desk = open_portal(upsert_archived_key="restore")
    desk.define("companies", "key", unique=True)
    old = upsert(desk, [one("a", name="A")])["results"][0]["id"]
    desk.send("DELETE", desk.objects(f"companies/{old}"))
    upsert(desk, [one("a", name="A")])
    desk.ask("PATCH", desk.objects(f"companies/{old}"), {"properties": {"key": "b"}})
    result = upsert(desk, [one("a", name="A2")])["results"][0]
    assert result["new"] is True
    assert desk.machine.counts()["companies"] == 2


def test_unique_case_is_a_switch(open_portal: Callable[..., Desk]) -> None:
    """Whether keys that differ in case are the same key is not documented [I]."""
    for chosen, count in (("sensitive", 2), ("insensitive", 1)):
        desk = open_portal(unique_case=chosen)
        desk.define("companies", "key", unique=True)
        for key in ("a", "A"):
            upsert(desk, [one(key, name="A")])
        assert desk.machine.counts()["companies"] == count


def test_batch_create_with_associations(desk: Desk) -> None:
    """Batch create is 201 and takes associations per input [D]."""
    company = desk.create("companies", name="A")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    desk.ask(
        "POST",
        desk.objects("contacts/batch/create"),
        {
            "inputs": [
                {"properties": {"lastname": "B"}, "associations": [{"to": {"id": company}, "types": types}]}
            ]
        },
        status=201,
    )
    assert desk.value("companies", company, "num_associated_contacts") == "1"


def test_batch_create_lists_an_existing_contact_as_conflict(desk: Desk) -> None:
    """A contact that exists is one error among written ones when all are traced [D/O]."""
    key = desk.create("contacts", email="kim@example.com")
    inputs = [
        {"objectWriteTraceId": email, "properties": {"email": email}}
        for email in ("kim@example.com", "lee@example.com")
    ]
    body = desk.ask("POST", desk.objects("contacts/batch/create"), {"inputs": inputs}, status=207)
    assert body["errors"][0]["message"] == f"Contact already exists. Existing ID: {key}"
    assert body["errors"][0]["category"] == "CONFLICT"
    assert len(body["results"]) == 1


def test_batch_update_by_id(keyed: Desk) -> None:
    """Update names record ids; ids that do not exist are listed in a 207 [S/I]."""
    key = keyed.create("companies", name="A", key="a")
    inputs = [{"id": key, "properties": {"name": "B"}}, {"id": "12", "properties": {"name": "C"}}]
    body = keyed.ask("POST", keyed.objects("companies/batch/update"), {"inputs": inputs}, status=207)
    assert body["errors"][0]["context"]["ids"] == ["12"]
    assert body["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert keyed.value("companies", key, "name") == "B"
    by_key = [{"id": "a", "idProperty": "key", "properties": {"name": "D"}}]
    keyed.ask("POST", keyed.objects("companies/batch/update"), {"inputs": by_key})
    assert keyed.value("companies", key, "name") == "D"


@pytest.mark.parametrize(("kind", "name"), [("companies", "hs_object_id"), ("contacts", "email")])
def test_batch_update_refuses_these_id_properties(desk: Desk, kind: str, name: str) -> None:
    """idProperty hs_object_id is refused as non-unique [O], and so was a contact's e-mail [O 2024]."""
    inputs = [{"id": "1", "idProperty": name, "properties": {}}]
    body = desk.ask("POST", desk.objects(f"{kind}/batch/update"), {"inputs": inputs}, status=400)
    assert f"property {name} in portal ID 4711" in body["message"]


def test_batch_read_reports_what_is_missing(open_portal: Callable[..., Desk]) -> None:
    """Missing ids make a 207 with OBJECT_NOT_FOUND [S/I], or are left out: a switch."""
    for chosen, status in (("207", 207), ("omit", 200)):
        desk = open_portal(batch_missing=chosen)
        key = desk.create("companies", name="A")
        asked = {"properties": ["name"], "inputs": [{"id": key}, {"id": "12"}]}
        body = desk.ask("POST", desk.objects("companies/batch/read"), asked, status=status)
        assert [result["properties"]["name"] for result in body["results"]] == ["A"]
        assert [error["context"]["ids"] for error in body.get("errors", [])] == (
            [["12"]] if status == 207 else []
        )
        assert desk.calls[-1].written is None


def test_batch_read_by_unique_property(keyed: Desk) -> None:
    """Batch read takes one ``idProperty`` for all inputs [S]."""
    key = keyed.create("companies", name="A", key="a")
    asked = {"idProperty": "key", "properties": ["key"], "inputs": [{"id": "a"}]}
    body = keyed.ask("POST", keyed.objects("companies/batch/read"), asked)
    assert body["results"][0]["id"] == key


def test_batch_archive_is_always_204(desk: Desk) -> None:
    """204 regardless of state [I]."""
    key = desk.create("companies", name="A")
    desk.ask(
        "POST", desk.objects("companies/batch/archive"), {"inputs": [{"id": key}, {"id": "12"}]}, status=204
    )
    assert desk.machine.counts()["companies"] == 0
    assert desk.calls[-1].written is not None
    assert desk.calls[-1].written.keys == (key,)
