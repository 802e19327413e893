"""Property definitions and groups of the HubSpot twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

PATH = "/crm/properties/2026-03/companies"


def plain(name: str, /, **changes: Any) -> dict[str, Any]:
    made = {
        "name": name,
        "label": name,
        "type": "string",
        "fieldType": "text",
        "groupName": "companyinformation",
    }
    return made | changes


def test_standard_properties_say_what_can_be_written(desk: Desk) -> None:
    """modificationMetadata.readOnlyValue, calculated and hubspotDefined tell [S]."""
    found = {one["name"]: one for one in desk.ask("GET", PATH)["results"]}
    assert found["name"]["modificationMetadata"]["readOnlyValue"] is False
    assert found["num_associated_contacts"]["calculated"] is True
    assert found["num_associated_contacts"]["modificationMetadata"]["readOnlyValue"] is True
    assert found["domain"]["hasUniqueValue"] is False
    assert found["country"]["type"] == "string"
    assert {one["hubspotDefined"] for one in found.values()} == {True}
    email = desk.ask("GET", "/crm/properties/2026-03/contacts/email")
    assert email["hasUniqueValue"] is True


def test_create_read_change_archive_and_restore(desk: Desk) -> None:
    """POST is 201; an archived name that is posted again is restored [D/O]."""
    made = desk.ask("POST", PATH, plain("d365_key", hasUniqueValue=True), status=201)
    assert made["hasUniqueValue"] is True
    assert made["hubspotDefined"] is False
    key = desk.create("companies", name="A", d365_key="1")
    changed = desk.ask("PATCH", f"{PATH}/d365_key", {"label": "Key", "hasUniqueValue": False})
    assert changed["label"] == "Key"
    assert changed["hasUniqueValue"] is True  # immutable
    assert desk.send("DELETE", f"{PATH}/d365_key").status == 204
    desk.ask("GET", f"{PATH}/d365_key", status=404)
    assert [one["name"] for one in desk.ask("GET", f"{PATH}?archived=true")["results"]] == ["d365_key"]
    assert "d365_key" not in desk.read("companies", key, "d365_key")["properties"]
    restored = desk.ask("POST", PATH, plain("d365_key"), status=201)
    assert restored["hasUniqueValue"] is True
    assert desk.value("companies", key, "d365_key") == "1"


def test_an_existing_name_is_409(desk: Desk) -> None:
    """OBJECT_ALREADY_EXISTS with its subCategory [O]."""
    desk.ask("POST", PATH, plain("d365_customer_key"), status=201)
    body = desk.ask("POST", PATH, plain("d365_customer_key"), status=409)
    assert body["message"] == "A property named 'd365_customer_key' already exists."
    assert body["category"] == "OBJECT_ALREADY_EXISTS"
    assert body["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"type": "text"},
        {"fieldType": "number"},
        {"groupName": "nowhere"},
        {"name": "Upper"},
        {"type": "bool", "fieldType": "booleancheckbox", "hasUniqueValue": True},
        {"type": "enumeration", "fieldType": "select", "options": [{"label": "A", "value": "a"}]},
    ],
)
def test_definitions_are_checked(desk: Desk, wrong: dict[str, Any]) -> None:
    """Required fields, type and field type, group, name, and displayOrder of options [S]."""
    assert desk.send("POST", PATH, plain("d365_x", **wrong)).status == 400


def test_v3_does_not_ask_for_the_order_of_options(desk: Desk) -> None:
    """2026-03 requires displayOrder on each option, v3 does not [S]."""
    options = [{"label": "A", "value": "a", "hidden": False}]
    body = plain("d365_x", type="enumeration", fieldType="select", options=options)
    assert desk.send("POST", "/crm/v3/properties/companies", body).status == 201


def test_options_are_replaced_as_a_whole(desk: Desk) -> None:
    """PATCH options replaces the list; a value that is gone is refused from then on [D]."""

    def options(*values: str) -> list[dict[str, Any]]:
        return [{"label": v, "value": v, "displayOrder": n} for n, v in enumerate(values)]

    desk.define("companies", "d365_x", type="enumeration", fieldType="select", options=options("a", "b"))
    desk.create("companies", name="A", d365_x="a")
    desk.ask("PATCH", f"{PATH}/d365_x", {"options": options("b", "c")})
    body = desk.ask(
        "POST", desk.objects("companies"), {"properties": {"name": "B", "d365_x": "a"}}, status=400
    )
    assert body["errors"][0]["code"] == "INVALID_OPTION"
    desk.create("companies", name="C", d365_x="c")


def test_ten_unique_properties_an_object(desk: Desk) -> None:
    """The eleventh unique property is refused [D]."""
    for number in range(10):
        desk.define("companies", f"key_{number}", unique=True)
    assert desk.send("POST", PATH, plain("key_10", hasUniqueValue=True)).status == 400
    assert desk.send("POST", PATH, plain("key_10")).status == 201


def test_products_may_refuse_unique_properties(open_portal: Callable[..., Desk]) -> None:
    """A probe stored one on products [O]; a secondary source says they are excluded."""
    body = plain("d365_product_key", hasUniqueValue=True, groupName="productinformation")
    for chosen, status in (("yes", 201), ("no", 400)):
        desk = open_portal(products_unique=chosen)
        assert desk.send("POST", "/crm/properties/2026-03/products", body).status == status


def test_batch_create_lists_the_refused(desk: Desk) -> None:
    """201, or 207 with the refused ones [S]."""
    inputs = [plain("d365_a"), plain("d365_b")]
    desk.ask("POST", f"{PATH}/batch/create", {"inputs": inputs}, status=201)
    body = desk.ask(
        "POST", f"{PATH}/batch/create", {"inputs": [plain("d365_a"), plain("d365_c")]}, status=207
    )
    assert [one["name"] for one in body["results"]] == ["d365_c"]
    assert body["errors"][0]["category"] == "OBJECT_ALREADY_EXISTS"
    written = desk.calls[-1].written
    assert written is not None
    assert written.keys == ("d365_c",)


def test_batch_read_and_archive(desk: Desk) -> None:
    """Batch read is 207 for unknown names; batch archive is 204 [S]."""
    desk.define("companies", "d365_a")
    asked = {
        "archived": False,
        "dataSensitivity": "non_sensitive",
        "inputs": [{"name": "d365_a"}, {"name": "x"}],
    }
    assert desk.ask("POST", f"{PATH}/batch/read", asked, status=207)["numErrors"] == 1
    assert desk.calls[-1].written is None
    desk.ask("POST", f"{PATH}/batch/archive", {"inputs": [{"name": "d365_a"}]}, status=204)
    desk.ask("GET", f"{PATH}/d365_a", status=404)


def test_groups(desk: Desk) -> None:
    """Groups are created 201, refused twice 409 [O], and deleted only when empty [O]."""
    group = {"name": "dynamics_365", "label": "Dynamics 365"}
    desk.ask("POST", f"{PATH}/groups", group, status=201)
    assert desk.ask("POST", f"{PATH}/groups", group, status=409)["category"] == "OBJECT_ALREADY_EXISTS"
    assert desk.ask("GET", f"{PATH}/groups/dynamics_365")["label"] == "Dynamics 365"
    assert desk.ask("PATCH", f"{PATH}/groups/dynamics_365", {"label": "D365"})["label"] == "D365"
    desk.define("companies", "d365_a", groupName="dynamics_365")
    body = desk.ask("DELETE", f"{PATH}/groups/dynamics_365", status=400)
    assert body["subCategory"] == "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    desk.send("DELETE", f"{PATH}/d365_a")
    assert desk.send("DELETE", f"{PATH}/groups/dynamics_365").status == 204
    assert [one["name"] for one in desk.ask("GET", f"{PATH}/groups")["results"]] == ["companyinformation"]


def test_a_property_in_use_cannot_be_deleted(open_portal: Callable[..., Desk]) -> None:
    """CANNOT_DELETE_PROPERTY_IN_USE [O]; which ones are in use is a switch."""
    desk = open_portal(properties_in_use="companies.d365_a")
    desk.define("companies", "d365_a")
    body = desk.ask("DELETE", f"{PATH}/d365_a", status=400)
    assert body["subCategory"] == "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"


def test_an_app_cannot_make_its_property_read_only(desk: Desk) -> None:
    """modificationMetadata is ignored on create [O]."""
    made = desk.define("companies", "d365_a", modificationMetadata={"readOnlyValue": True})
    assert made["modificationMetadata"]["readOnlyValue"] is False


def test_hubspots_own_properties_cannot_be_changed_or_deleted(desk: Desk) -> None:
    """readOnlyDefinition and not archivable [S]."""
    assert desk.send("PATCH", f"{PATH}/name", {"label": "N"}).status == 400
    assert desk.send("DELETE", f"{PATH}/name").status == 400


def test_prices_per_additional_currency(desk: Desk) -> None:
    """Products have hs_price_{ccy} for each additional currency of the portal [I]."""
    names = {one["name"] for one in desk.ask("GET", "/crm/properties/2026-03/products")["results"]}
    assert {name for name in names if name.startswith("hs_price_")} == {"hs_price_eur"}
