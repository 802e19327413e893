"""The ledger wall: what is not listed never leaves, and the two systems list as little as they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.errors import WallError
from ml_connector.systems.dynamics.wall import DYNAMICS_WALL
from ml_connector.systems.hubspot.wall import HUBSPOT_WALL
from ml_connector.transport.request import ReadRequest, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.transport.conftest import Loopback

    from ml_connector.transport.http import Transport

OBJECTS = "/crm/objects/2026-03"


def wrote(side: str, method: Any, path: str, resource: str, fields: Any = None) -> WriteRequest:
    return WriteRequest(side, method, path, resource, fields, idempotent=True)


@pytest.mark.parametrize(
    ("method", "path", "resource"),
    [
        ("POST", "/data/CustomersV3", "CustomersV3"),
        ("PATCH", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='O''N%20%231')", "CustomersV3"),
        ("POST", "/data/SalesOrderHeadersV2", "SalesOrderHeadersV2"),
        ("POST", "/data/SalesOrderLinesV3", "SalesOrderLinesV3"),
    ],
)
def test_writable_in_dynamics_post_and_patch_on_customers_post_on_order_headers_and_lines(
    method: str, path: str, resource: str
) -> None:
    """0.6 Writable in F&O. A change set is not listed: orders are written part by part."""
    DYNAMICS_WALL.check(wrote("dynamics", method, path, resource))


@pytest.mark.parametrize(
    ("method", "path", "resource"),
    [
        ("DELETE", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='1')", "CustomersV3"),
        ("PUT", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='1')", "CustomersV3"),
        ("POST", "/data/LedgerJournalHeaders", "LedgerJournalHeaders"),
        ("POST", "/data/LedgerJournalHeaders", "CustomersV3"),
        ("POST", "/data/CustomersV3", "SalesOrderHeadersV2"),
        ("POST", "/data/CustomersV3/../LedgerJournalHeaders", "CustomersV3"),
        ("POST", "/data/CustomersV3%2f..%2fLedgerJournalHeaders", "CustomersV3"),
        ("POST", "/data//CustomersV3", "CustomersV3"),
        ("POST", "/data/CustomersV3?x=1", "CustomersV3"),
        ("POST", "/data/customersv3", "CustomersV3"),
        ("POST", "/data/CustomersV3 ", "CustomersV3"),
        ("POST", "/data/CustomersV3\n", "CustomersV3"),
        ("POST", "/data/$batch", "CustomersV3"),
        ("POST", "/data/CustomersV3/Microsoft.Dynamics.DataEntities.doIt", "CustomersV3"),
        ("PATCH", "/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='1')", "SalesOrderHeadersV2"),
        ("PATCH", "/data/CustomersV3", "CustomersV3"),
        ("POST", "/tenant/oauth2/v2.0/token", "token"),
    ],
)
def test_dynamics_takes_nothing_else_by_method_and_path_and_no_delete_ever(
    method: str, path: str, resource: str
) -> None:
    with pytest.raises(WallError):
        DYNAMICS_WALL.check(wrote("dynamics", method, path, resource))


ACTION = "/data/DimensionSets/Microsoft.Dynamics.DataEntities.getSetDisplayValue"


def test_of_actions_only_the_one_that_writes_down_dimensions_may_be_called() -> None:
    """It reads; as a write, under another name or on another set it does not pass."""
    DYNAMICS_WALL.check(ReadRequest("dynamics", "POST", ACTION, "getSetDisplayValue"))
    for path, resource in (
        (ACTION.replace("getSetDisplayValue", "postJournal"), "getSetDisplayValue"),
        (ACTION.replace("DimensionSets", "LedgerJournalHeaders"), "getSetDisplayValue"),
        (f"{ACTION}/x", "getSetDisplayValue"),
        (ACTION.replace("Microsoft.Dynamics", "MicrosoftxDynamics"), "getSetDisplayValue"),
        (ACTION, "rows"),
    ):
        with pytest.raises(WallError):
            DYNAMICS_WALL.check(ReadRequest("dynamics", "POST", path, resource))
    with pytest.raises(WallError):
        DYNAMICS_WALL.check(wrote("dynamics", "POST", ACTION, "getSetDisplayValue"))


def test_a_read_cannot_become_a_write() -> None:
    with pytest.raises(WallError):
        DYNAMICS_WALL.check(ReadRequest("dynamics", "POST", "/data/CustomersV3", "CustomersV3"))
    with pytest.raises(WallError):
        HUBSPOT_WALL.check(ReadRequest("hubspot", "POST", f"{OBJECTS}/companies/batch/upsert", "objects"))


def test_a_request_for_the_other_side_is_refused() -> None:
    with pytest.raises(WallError):
        HUBSPOT_WALL.check(ReadRequest("dynamics", "GET", f"{OBJECTS}/companies", "objects"))


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (f"{OBJECTS}/companies/search", "search"),
        (f"{OBJECTS}/contacts/batch/read", "objects"),
        ("/crm/associations/2026-03/deals/companies/batch/read", "associations"),
        ("/oauth/v2/private-apps/get/access-token-info", "token_info"),
    ],
)
def test_hubspots_posts_that_only_read_are_listed_by_name(path: str, resource: str) -> None:
    """Search, batch/read, associations batch/read, token introspection; none passes as a write or by another name."""
    HUBSPOT_WALL.check(ReadRequest("hubspot", "POST", path, resource))
    for other in ("objects", "search", "associations", "token_info", "companies.upsert"):
        if other != resource:
            with pytest.raises(WallError):
                HUBSPOT_WALL.check(ReadRequest("hubspot", "POST", path, other))
        with pytest.raises(WallError):
            HUBSPOT_WALL.check(wrote("hubspot", "POST", path, other))


def test_associations_are_made_of_contacts_with_companies_and_no_others() -> None:
    made = "/crm/associations/2026-03/{}/{}/batch/create"
    HUBSPOT_WALL.check(wrote("hubspot", "POST", made.format("contacts", "companies"), "associations.create"))
    for one, other in (("deals", "companies"), ("companies", "contacts"), ("contacts", "deals")):
        with pytest.raises(WallError):
            HUBSPOT_WALL.check(wrote("hubspot", "POST", made.format(one, other), "associations.create"))


@pytest.mark.parametrize("version", ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"])
def test_hubspot_takes_companies_contacts_and_products_in_every_version(version: str) -> None:
    for kind in ("companies", "contacts", "products"):
        HUBSPOT_WALL.check(wrote("hubspot", "POST", f"{version}/{kind}/batch/upsert", f"{kind}.upsert"))
        HUBSPOT_WALL.check(wrote("hubspot", "PATCH", f"{version}/{kind}/77", f"{kind}.update"))


def test_of_a_deal_only_our_own_properties_may_be_written() -> None:
    def deal(fields: Any) -> WriteRequest:
        return wrote("hubspot", "PATCH", f"{OBJECTS}/deals/9", "deals.update", fields)

    HUBSPOT_WALL.check(deal({"properties": {"d365_order_status": "Open"}}))
    HUBSPOT_WALL.check(deal(b'{"properties":{"d365_order_status":"Open"}}'))
    foreign: Any
    for foreign in (
        {"properties": {"d365_order_status": "Open", "amount": "1"}},
        {"properties": {"dealstage": "closedwon"}},
        {"properties": {}, "associations": []},
        {},
        [],
        b'{"properties":{"amount":"1"}}',
    ):
        with pytest.raises(WallError):
            HUBSPOT_WALL.check(deal(foreign))


@pytest.mark.parametrize(
    ("method", "path", "resource"),
    [
        ("POST", f"{OBJECTS}/deals/batch/upsert", "deals.upsert"),
        ("POST", f"{OBJECTS}/companies/batch/archive", "companies.upsert"),
        ("POST", f"{OBJECTS}/companies/merge", "companies.upsert"),
        ("POST", f"{OBJECTS}/contacts/gdpr-delete", "contacts.upsert"),
        ("DELETE", f"{OBJECTS}/companies/1", "companies.update"),
        ("PATCH", f"{OBJECTS}/line_items/1", "line_items.update"),
        ("POST", "/crm/objects/2025-09/companies/batch/upsert", "companies.upsert"),
        ("PATCH", f"{OBJECTS}/companies/1/../../deals/1", "companies.update"),
    ],
)
def test_hubspot_takes_nothing_else(method: str, path: str, resource: str) -> None:
    with pytest.raises(WallError):
        HUBSPOT_WALL.check(wrote("hubspot", method, path, resource))


def test_only_the_connectors_own_properties_are_defined() -> None:
    path = "/crm/properties/2026-03/companies"
    HUBSPOT_WALL.check(wrote("hubspot", "POST", path, "properties", {"name": "d365_status"}))
    with pytest.raises(WallError):
        HUBSPOT_WALL.check(wrote("hubspot", "POST", path, "properties", {"name": "industry"}))


async def test_a_stopped_write_never_reaches_the_network(
    connect: Callable[..., Transport], loopback: Loopback
) -> None:
    with pytest.raises(WallError):
        await connect().write(WriteRequest("plain", "POST", "/ledger", "things", {}, idempotent=False))
    assert loopback.seen == []
