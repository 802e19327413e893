"""Merge and privacy delete of the HubSpot twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk


@pytest.mark.parametrize(("merge_id", "kept"), [("new", False), ("primary", True)])
def test_merge(open_portal: Callable[..., Desk], merge_id: str, *, kept: bool) -> None:
    """The survivor has a new id unless the account joined the preservation beta [D]; links come over."""
    desk = open_portal(merge_id=merge_id)
    desk.define("companies", "key", unique=True)
    first = desk.create("companies", name="A", key="1")
    second = desk.create("companies", name="B", city="Bonn", key="2")
    deal = desk.deals()[0]
    desk.ask("PUT", desk.objects(f"deals/{deal}/associations/default/companies/{second}"))
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    survivor = desk.ask("POST", desk.objects("companies/merge"), body)["id"]
    assert (survivor == first) is kept
    read = desk.read("companies", survivor, "name", "city", "key", "hs_merged_object_ids")["properties"]
    assert (read["name"], read["city"], read["key"]) == ("A", "Bonn", "1")
    assert read["hs_merged_object_ids"] == (second if kept else f"{first};{second}")
    assert desk.ask("GET", desk.objects("companies?archived=true"))["results"] == []
    assert [one["id"] for one in desk.ask("GET", desk.objects("companies"))["results"]] == [survivor]
    desk.ask("GET", desk.objects(f"companies/{second}"), status=404)
    linked = desk.ask("GET", desk.objects(f"deals/{deal}/associations/companies"))["results"]
    assert [one["toObjectId"] for one in linked] == [survivor]


def test_which_unique_value_survives_a_merge(open_portal: Callable[..., Desk]) -> None:
    """Not specified, so it is a switch [I]."""
    desk = open_portal(merge_unique="merged")
    desk.define("companies", "key", unique=True)
    first, second = (desk.create("companies", name="A", key=key) for key in "12")
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    survivor = desk.ask("POST", desk.objects("companies/merge"), body)["id"]
    assert desk.value("companies", survivor, "key") == "2"
    desk.create("companies", name="B", key="1")


def test_privacy_delete(desk: Desk) -> None:
    """204, permanent, and the e-mail address is blocked [D]."""
    key = desk.create("contacts", email="kim@example.com")
    body = {"objectId": "kim@example.com", "idProperty": "email"}
    desk.ask("POST", desk.objects("contacts/gdpr-delete"), body, status=204)
    desk.ask("GET", desk.objects(f"contacts/{key}"), status=404)
    assert desk.ask("GET", desk.objects("contacts?archived=true"))["results"] == []
    desk.ask("POST", desk.objects("contacts"), {"properties": {"email": "kim@example.com"}}, status=400)
