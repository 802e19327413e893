"""What lies behind the service: counts, records, edits, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from ml_connector.twin.dynamics import SWITCHES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller


def test_counts_cover_every_set_over_all_companies(fo: Caller) -> None:
    """Ground truth knows no default company."""
    counts = fo.machine.counts()
    assert (counts["CustomersV3"], counts["ReleasedProductsV2"], counts["SalesOrderHeadersV4"]) == (7, 4, 0)
    assert len(counts) == 70


def test_records_come_in_key_order_page_by_page_with_every_property(fo: Caller) -> None:
    """A crawl of the ground truth sees every record once."""
    seen, after = [], None
    while True:
        records, after = fo.machine.records("CustomersV3", after=after, limit=3)
        seen += [f"{record['dataAreaId']}:{record['CustomerAccount']}" for record in records]
        assert all(len(record) == 305 for record in records)
        if after is None:
            break
    assert seen == sorted(seen)
    assert len(seen) == 7


def test_an_edit_is_a_persons_change_past_the_rules(fo: Caller) -> None:
    """Values, row tag and filters follow the edit."""
    before = fo.rows("CustomersV3", filter="CustomerAccount eq 'US-003'")[0]["@odata.etag"]
    fo.machine.edit(
        "CustomersV3", "usmf:US-003", {"OrganizationName": "Litware Inc", "OnHoldStatus": "All"}, fo.now
    )
    row = fo.rows("CustomersV3", filter="OrganizationName eq 'Litware Inc'")[0]
    assert (row["OnHoldStatus"], row["@odata.etag"] != before) == ("All", True)


def test_an_edit_of_an_indexed_value_moves_the_record(fo: Caller) -> None:
    """Indexes made by earlier filters stay true."""
    wanted = {"filter": "CustomerGroupId eq '20'"}
    assert fo.rows("CustomersV3", **wanted) == []
    fo.machine.edit("CustomersV3", "usmf:US-001", {"CustomerGroupId": "20"}, fo.now)
    assert [row["CustomerAccount"] for row in fo.rows("CustomersV3", **wanted)] == ["US-001"]
    assert len(fo.rows("CustomersV3", filter="CustomerGroupId eq '10'")) == 4


def test_an_edit_of_a_released_product_stays_in_its_company(fo: Caller) -> None:
    """What an item takes from its product can be overridden per company; the product itself is shared."""
    fo.machine.edit("ReleasedProductsV2", "usmf:D0001", {"ProductGroupId": "OTHER"}, fo.now)
    fo.machine.edit("AllProducts", "D0001", {"ProductName": "Pump 41"}, fo.now)
    rows = fo.rows("ReleasedProductsV2", filter="ProductNumber eq 'D0001'", cross_company="true")
    assert [row["ProductGroupId"] for row in rows] == ["OTHER", "PUMPS"]
    feed = fo.rows("CDSReleasedDistinctProducts", filter="ProductNumber eq 'D0001'", cross_company="true")
    assert [(row["ProductName"], row["CurrencyCode"]) for row in feed] == [
        ("Pump 41", "USD"),
        ("Pump 41", "EUR"),
    ]


def test_edits_of_unknown_records_fail(fo: Caller) -> None:
    """A typing error in a test or a control call does not pass silently."""
    with pytest.raises(KeyError):
        fo.machine.edit("CustomersV3", "usmf:nobody", {"CreditRating": "A"}, fo.now)
    with pytest.raises(KeyError):
        fo.machine.records("Nothing", after=None, limit=1)


def test_the_metadata_is_well_formed_and_names_every_set(fo: Caller) -> None:
    """[MS 1] CSDL 4.0 with keys and types for all sets."""
    root = ET.fromstring(fo.send("GET", "/data/$metadata").body)  # noqa: S314 - our own document
    space = {"edm": "http://docs.oasis-open.org/odata/ns/edm"}
    sets = {node.attrib["Name"] for node in root.iterfind(".//edm:EntitySet", space)}
    types = {node.attrib["Name"] for node in root.iterfind(".//edm:EntityType", space)}
    enums = {node.attrib["Name"] for node in root.iterfind(".//edm:EnumType", space)}
    assert sets == set(fo.machine.counts())
    for node in root.iterfind(".//edm:Property", space):
        kind = node.attrib["Type"]
        assert kind.startswith("Edm.") or kind.removeprefix("Microsoft.Dynamics.DataEntities.") in enums, kind
    assert {"CustomerV3", "SalesOrderLineV3"} <= types


def test_every_set_can_be_listed_and_each_record_read_by_its_own_key(starting: Callable[..., Caller]) -> None:
    """[MS 1] Full metadata gives each row its address; the address answers the same row."""
    fo = starting()
    order = fo.create("SalesOrderHeadersV2", {"OrderingCustomerAccountNumber": "US-001"})
    fo.create("SalesOrderLinesV3", {"SalesOrderNumber": order["SalesOrderNumber"], "ItemNumber": "D0001"})
    for name in fo.machine.counts():
        rows = fo.get(
            f"/data/{name}?cross-company=true&$top=2", accept="application/json;odata.metadata=full"
        )["value"]
        for row in rows:
            target = row["@odata.id"].removeprefix("http://127.0.0.1:8101").replace(" ", "%20")
            again = fo.get(f"{target}?cross-company=true")
            assert {key: again[key] for key in row if "@odata" not in key} == {
                key: row[key] for key in row if "@odata" not in key
            }


def test_every_switch_has_a_reason_and_its_default_is_allowed() -> None:
    """Both behaviours of every open question can be chosen."""
    for name, switch in SWITCHES.items():
        assert switch.name == name
        assert switch.reason
        assert switch.check(switch.default) == switch.default
        if isinstance(switch.allowed, tuple):
            assert len(switch.allowed) >= 2
