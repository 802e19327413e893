"""All versions are served from one store, under plural names, singular names and type ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

PREFIXES = ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("word", ["companies", "company", "0-2"])
def test_one_store_behind_every_path(desk: Desk, prefix: str, word: str) -> None:
    """Date versions and v3 see the same records; {type} is a name or a type id [D]."""
    key = desk.create("companies", name="A")
    assert desk.ask("GET", f"{prefix}/{word}/{key}?properties=name")["properties"]["name"] == "A"
    assert len(desk.ask("GET", f"{prefix}/{word}")["results"]) == 1
    desk.wait(5)
    assert desk.ask("POST", f"{prefix}/{word}/search", {})["total"] == 1
    desk.ask("POST", f"{prefix}/{word}", {"properties": {"name": "B"}}, status=201)


@pytest.mark.parametrize("prefix", ["/crm/v4/objects", *PREFIXES[1:]])
def test_associations_are_read_under_v4_and_date_versions(desk: Desk, prefix: str) -> None:
    """Associations live under v4 and the date versions [D]."""
    assert desk.ask("GET", f"{prefix}/deals/{desk.deals()[0]}/associations/companies") == {"results": []}
    assert desk.send("GET", "/crm/v4/objects/companies").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v3/properties/deals",
        "/crm/properties/2026-03/0-3",
        "/crm/properties/2026-09/deal",
        "/crm/v3/pipelines/deals",
        "/crm/pipelines/2026-09/deals",
        "/crm/v3/owners",
        "/crm/owners/2026-09",
        "/account-info/v3/details",
    ],
)
def test_other_resources_follow_the_same_pattern(desk: Desk, path: str) -> None:
    """The version stands before the resource in v3 and after it in the date versions [D]."""
    assert desk.send("GET", path).status == 200


def test_unknown_object_type_is_refused(desk: Desk) -> None:
    """A word that names no object type is 400."""
    desk.ask("GET", desk.objects("trains"), status=400)


@pytest.mark.parametrize(("version", "status"), [("2026-03", 201), ("v3", 201), ("2026-09", 400)])
def test_create_form_rules_hold_from_2026_09(
    open_portal: Callable[..., Desk], version: str, status: int
) -> None:
    """Admin's required properties stop creates on 2026-09 only [D]."""
    desk = open_portal(create_required="companies.phone")
    path = "/crm/v3/objects/companies" if version == "v3" else f"/crm/objects/{version}/companies"
    body = desk.ask("POST", path, {"properties": {"name": "A"}}, status=status)
    if status == 400:
        assert body["errors"][0] == {
            "code": "MISSING_REQUIRED_PROPERTY",
            "message": "A value for phone must be provided",
            "context": {"propertyName": ["phone"]},
        }


@pytest.mark.parametrize(("version", "status"), [("2026-03", 200), ("2026-09", 400)])
def test_conditional_rules_hold_from_2026_09(
    open_portal: Callable[..., Desk], version: str, status: int
) -> None:
    """Conditionally required properties stop writes on 2026-09 only [D]."""
    desk = open_portal(conditional_required="companies.country=Germany:zip")
    key = desk.create("companies", name="A")
    path = f"/crm/objects/{version}/companies/{key}"
    body = desk.ask("PATCH", path, {"properties": {"country": "Germany"}}, status=status)
    if status == 400:
        assert body["errors"][0]["code"] == "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
        assert body["errors"][0]["message"] == (
            "zip is required because of a conditional property rule based on [country]"
        )
    desk.ask("PATCH", path, {"properties": {"country": "Germany", "zip": "10115"}})
