"""Associations of the HubSpot twin: primary and plain rows, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk


def spec(*type_ids: int) -> list[dict[str, Any]]:
    return [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": one} for one in type_ids]


def rows(desk: Desk, source: str, key: str, target: str) -> dict[str, list[int]]:
    """Target id -> type ids."""
    found = desk.ask("GET", desk.objects(f"{source}/{key}/associations/{target}"))["results"]
    return {row["toObjectId"]: [one["typeId"] for one in row["associationTypes"]] for row in found}


@pytest.fixture
def pair(desk: Desk) -> tuple[Desk, str, str]:
    """A desk, a deal and a company, not associated."""
    return desk, desk.deals()[0], desk.create("companies", name="A")


def test_default_association_shows_both_directions(pair: tuple[Desk, str, str]) -> None:
    """PUT default needs no body and answers 200 with both directions [D]."""
    desk, deal, company = pair
    body = desk.ask("PUT", desk.objects(f"deals/{deal}/associations/default/companies/{company}"))
    found = [(one["from"]["id"], one["associationSpec"]["associationTypeId"]) for one in body["results"]]
    assert found == [(deal, 341), (company, 342)]
    assert rows(desk, "deals", deal, "companies") == {company: [341]}
    assert rows(desk, "companies", company, "deals") == {deal: [342]}
    assert desk.value("companies", company, "num_associated_deals") == "1"


def test_primary_comes_with_the_plain_row(pair: tuple[Desk, str, str]) -> None:
    """Type 5 makes a company primary; reading shows the plain row too, and 6 on the other side [D]."""
    desk, deal, company = pair
    path = desk.objects(f"deals/{deal}/associations/companies/{company}")
    body = desk.ask("PUT", path, spec(5), status=201)
    assert body == {
        "fromObjectTypeId": "0-3",
        "fromObjectId": deal,
        "toObjectTypeId": "0-2",
        "toObjectId": company,
        "labels": ["Primary"],
    }
    assert rows(desk, "deals", deal, "companies") == {company: [5, 341]}
    assert rows(desk, "companies", company, "deals") == {deal: [6, 342]}


def test_a_second_primary_replaces_the_first(pair: tuple[Desk, str, str]) -> None:
    """Using 5 silently replaces the former primary company, which stays associated [D]."""
    desk, deal, first = pair
    second = desk.create("companies", name="B")
    for company in (first, second):
        desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/{company}"), spec(5), status=201)
    assert rows(desk, "deals", deal, "companies") == {first: [341], second: [5, 341]}
    assert rows(desk, "companies", first, "deals") == {deal: [342]}


def test_one_company_is_primary_for_many_deals(desk: Desk) -> None:
    """Only a deal's side is limited to one primary; a company's is not [D]."""
    company = desk.create("companies", name="A")
    for deal in desk.deals():
        desk.ask("PUT", desk.objects(f"companies/{company}/associations/deals/{deal}"), spec(6), status=201)
    assert [5 in rows(desk, "deals", deal, "companies")[company] for deal in desk.deals()] == [True, True]


def test_a_primary_set_from_the_company_replaces_too(pair: tuple[Desk, str, str]) -> None:
    """Type 6, from the company's side, is the same primary company of the deal [D]."""
    desk, deal, first = pair
    second = desk.create("companies", name="B")
    for company in (first, second):
        desk.ask("PUT", desk.objects(f"companies/{company}/associations/deals/{deal}"), spec(6), status=201)
    assert rows(desk, "deals", deal, "companies") == {first: [341], second: [5, 341]}


def test_sending_labels_replaces_them(pair: tuple[Desk, str, str]) -> None:
    """A labelled PUT replaces what was there [D/O]."""
    desk, deal, company = pair
    for types in ((5,), (341,)):
        path = desk.objects(f"deals/{deal}/associations/companies/{company}")
        desk.ask("PUT", path, spec(*types), status=201)
    assert rows(desk, "deals", deal, "companies") == {company: [341]}


def test_get_and_list_show_one_row_per_type(pair: tuple[Desk, str, str]) -> None:
    """Primary and unlabelled appear as separate rows in a record's associations [S/O]."""
    desk, deal, company = pair
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/{company}"), spec(5), status=201)
    expected = {
        "companies": {
            "results": [
                {"id": company, "type": "deal_to_company"},
                {"id": company, "type": "deal_to_company_unlabeled"},
            ]
        }
    }
    assert desk.read("deals", deal, query="associations=companies,contacts")["associations"] == expected
    listed = desk.ask("GET", desk.objects("deals?associations=companies"))["results"]
    assert listed[0]["associations"] == expected
    assert "associations" not in listed[1] or listed[1]["associations"] == {}


@pytest.mark.parametrize("key", ["line items", "line_items"])
def test_line_items_have_their_own_key(open_portal: Callable[..., Desk], key: str) -> None:
    """Captures show the key with a blank; which one comes is a switch [I]."""
    desk = open_portal(line_items_key=key)
    deal = desk.deals()[0]
    association = {"to": {"id": deal}, "types": spec(20)}
    desk.ask(
        "POST", desk.objects("line_items"), {"properties": {}, "associations": [association]}, status=201
    )
    assert list(desk.read("deals", deal, query="associations=line_items")["associations"]) == [key]


def test_wrong_types_are_refused(pair: tuple[Desk, str, str]) -> None:
    """Direction matters: 342 leads from company to deal only [D]."""
    desk, deal, company = pair
    path = desk.objects(f"deals/{deal}/associations/companies/{company}")
    desk.ask("PUT", path, spec(342), status=400)
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/99"), spec(341), status=404)


def test_products_cannot_be_associated_with_deals(desk: Desk) -> None:
    """Only line items can be associated with deals [D]."""
    product = desk.create("products", name="Pump")
    desk.ask(
        "PUT", desk.objects(f"deals/{desk.deals()[0]}/associations/default/products/{product}"), status=400
    )


def test_read_pages_by_500(desk: Desk) -> None:
    """At most 500 rows a page [D]."""
    company = desk.create("companies", name="A")
    for _batch in range(6):
        inputs = [
            {"properties": {"lastname": "A"}, "associations": [{"to": {"id": company}, "types": spec(279)}]}
        ] * 100
        desk.ask("POST", desk.objects("contacts/batch/create"), {"inputs": inputs}, status=201)
    path = desk.objects(f"companies/{company}/associations/contacts")
    first = desk.ask("GET", path)
    second = desk.ask("GET", f"{path}?after={first['paging']['next']['after']}")
    assert (len(first["results"]), len(second["results"])) == (500, 100)
    assert "paging" not in second


def test_batch_read_lists_those_without_any(open_portal: Callable[..., Desk]) -> None:
    """Ids without associations appear as errors of a 207, or not at all [S/I]."""
    for chosen, status in (("207", 207), ("omit", 200)):
        desk = open_portal(associations_missing=chosen)
        company = desk.create("companies", name="A")
        deal, other = desk.deals()
        desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/{company}"), spec(5), status=201)
        asked = {"inputs": [{"id": deal}, {"id": other}]}
        body = desk.ask("POST", "/crm/associations/2026-03/deals/companies/batch/read", asked, status=status)
        assert [one["from"]["id"] for one in body["results"]] == [deal]
        assert body["results"][0]["to"][0]["toObjectId"] == company
        assert desk.calls[-1].written is None
        if status == 207:
            assert body["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
            assert body["errors"][0]["context"]["fromObjectId"] == [other]


@pytest.mark.parametrize(("tail", "most"), [("read", 1_000), ("create", 2_000)])
def test_batches_have_their_own_caps(desk: Desk, tail: str, most: int) -> None:
    """1,000 inputs to read and 2,000 to create [D]."""
    one = {"id": "1", "from": {"id": "1"}, "to": {"id": "1"}, "types": spec(341)}
    path = f"/crm/associations/2026-03/deals/companies/batch/{tail}"
    assert desk.send("POST", path, {"inputs": [one] * most}).status == 207
    assert desk.send("POST", path, {"inputs": [one] * (most + 1)}).status == 400


def test_batch_create_labels(pair: tuple[Desk, str, str]) -> None:
    """Batch create is 201; a record that does not exist is an error of a 207 [S]."""
    desk, deal, company = pair
    inputs = [{"from": {"id": deal}, "to": {"id": company}, "types": spec(5)}]
    path = "/crm/associations/2026-03/deals/companies/batch/create"
    body = desk.ask("POST", path, {"inputs": inputs}, status=201)
    assert body["results"][0]["labels"] == ["Primary"]
    inputs.append({"from": {"id": deal}, "to": {"id": "99"}, "types": spec(341)})
    assert desk.ask("POST", path, {"inputs": inputs}, status=207)["numErrors"] == 1


def test_batch_create_default(pair: tuple[Desk, str, str]) -> None:
    """associate/default takes pairs without types [S]."""
    desk, deal, company = pair
    path = "/crm/associations/2026-03/deals/companies/batch/associate/default"
    desk.ask("POST", path, {"inputs": [{"from": {"id": deal}, "to": {"id": company}}]})
    assert rows(desk, "deals", deal, "companies") == {company: [341]}


@pytest.mark.parametrize(
    ("prefix", "status"), [("/crm/v4/associations", 204), ("/crm/associations/2026-03", 200)]
)
def test_batch_archive_differs_by_version(pair: tuple[Desk, str, str], prefix: str, status: int) -> None:
    """From v4 to 2026-03 batch archive went from 204 to 200 with a body [S]."""
    desk, deal, company = pair
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/{company}"), spec(5), status=201)
    inputs = [{"from": {"id": deal}, "to": [{"id": company}]}]
    desk.ask("POST", f"{prefix}/deals/companies/batch/archive", {"inputs": inputs}, status=status)
    assert rows(desk, "deals", deal, "companies") == {}


def test_removing_labels(pair: tuple[Desk, str, str]) -> None:
    """Removing the primary label leaves the plain row; removing that removes all [D/O]."""
    desk, deal, company = pair
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/{company}"), spec(5), status=201)
    path = "/crm/associations/2026-03/deals/companies/batch/labels/archive"
    for types, left in ((5, {company: [341]}), (341, {})):
        inputs = [{"from": {"id": deal}, "to": {"id": company}, "types": spec(types)}]
        desk.ask("POST", path, {"inputs": inputs})
        assert rows(desk, "deals", deal, "companies") == left


def test_delete_removes_the_pair(pair: tuple[Desk, str, str]) -> None:
    """DELETE of a pair is 204 [S]."""
    desk, deal, company = pair
    path = desk.objects(f"deals/{deal}/associations/companies/{company}")
    desk.ask("PUT", path, spec(5), status=201)
    assert desk.send("DELETE", path).status == 204
    assert rows(desk, "companies", company, "deals") == {}


def test_archiving_a_record_ends_its_associations(pair: tuple[Desk, str, str]) -> None:
    """An archived company is no longer associated with its deals."""
    desk, deal, company = pair
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/companies/{company}"), spec(5), status=201)
    desk.send("DELETE", desk.objects(f"companies/{company}"))
    assert rows(desk, "deals", deal, "companies") == {}


def test_v4_prints_target_ids_as_numbers(pair: tuple[Desk, str, str]) -> None:
    """Ids in answers are text from the date versions on [S]."""
    desk, deal, company = pair
    desk.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/default/companies/{company}")
    found = desk.ask("GET", f"/crm/v4/objects/deals/{deal}/associations/companies")["results"]
    assert found[0]["toObjectId"] == int(company)


def test_first_company_may_become_primary(open_portal: Callable[..., Desk]) -> None:
    """Whether the first associated company becomes primary by itself is a switch [I]."""
    for chosen, types in (("no", [341]), ("yes", [5, 341])):
        desk = open_portal(first_company_primary=chosen)
        company, deal = desk.create("companies", name="A"), desk.deals()[0]
        desk.ask("PUT", desk.objects(f"deals/{deal}/associations/default/companies/{company}"))
        assert rows(desk, "deals", deal, "companies") == {company: types}


def test_associating_may_move_the_timestamp(open_portal: Callable[..., Desk]) -> None:
    """Changing associations may not bump the record's time of change [I]."""
    for chosen, moved in (("no", False), ("yes", True)):
        desk = open_portal(touch_associated=chosen)
        company, deal = desk.create("companies", name="A"), desk.deals()[0]
        desk.wait(5)
        desk.ask("PUT", desk.objects(f"deals/{deal}/associations/default/companies/{company}"))
        read = desk.read("deals", deal)
        assert (read["updatedAt"] != read["createdAt"]) is moved


def test_labels_of_a_pair_of_types(desk: Desk) -> None:
    """The defined types between deals and companies are 341 and, labelled, 5 [D]."""
    body = desk.ask("GET", "/crm/associations/2026-03/deals/companies/labels")
    assert {(one["typeId"], one["label"]) for one in body["results"]} == {(341, None), (5, "Primary")}
