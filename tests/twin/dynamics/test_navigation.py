"""One record leads to another: ``$expand`` of the first level, and links by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.twin.dynamics.conftest import Caller


def with_order(fo: Caller) -> str:
    number: str = fo.create(
        "SalesOrderHeadersV2",
        {"OrderingCustomerAccountNumber": "US-001", "SalesOrderOriginCode": "CRM"},
    )["SalesOrderNumber"]
    fo.create("SalesOrderLinesV3", {"SalesOrderNumber": number, "ItemNumber": "D0001"})
    return number


@pytest.mark.parametrize(
    ("set_name", "navigation", "name", "expected"),
    [
        ("SalesOrderHeadersV2", "SalesOrderLines", "ItemNumber", ["D0001"]),
        ("SalesOrderHeadersV3", "SalesOrderLines", "ItemNumber", ["D0001"]),
        ("SalesOrderHeadersV4", "SalesOrderOrigin", "OriginCode", "CRM"),
        ("SalesOrderLines", "SalesOrderHeaderV2", "OrderingCustomerAccountNumber", "US-001"),
        ("CDSSalesOrderHeaders", "CDSSalesOrderLinesV2", "ProductNumber", ["D0001"]),
        ("CustomersV3", "DimensionSet", "DisplayValue", "001--"),
        ("ReleasedProductsV2", "EveryProduct", "ProductName", "Pump 40"),
        ("ReleasedProductsV2", "ProductV2", "ProductName", "Pump 40"),
        ("ReleasedProductsV2", "ProductDefaultOrderSettings", "SalesSiteId", "1"),
        ("ReleasedProductsV2", "ProductSpecificOrderSettingsV3", "OperationalSiteId", ["1"]),
        ("CDSContactPersonsV2", "Party", "PersonFirstName", "Ann"),
        ("Ledgers", "LedgerAccountingCurrency", "CurrencyCode", "USD"),
    ],
)
def test_a_navigation_expands_with_the_properties_wanted_of_it(
    fo: Caller, set_name: str, navigation: str, name: str, expected: Any
) -> None:
    """[MS 1] [CODE C9] The rows beside a record, cut to the nested $select."""
    with_order(fo)
    row = fo.rows(set_name, top="1", expand=f"{navigation}($select={name})")[0]
    found = row[navigation]
    if isinstance(expected, list):
        assert [item.pop("@odata.etag")[:2] for item in found] == ["W/"] * len(expected)
        assert found == [{name: value} for value in expected]
    else:
        found.pop("@odata.etag")
        assert found == {name: expected}


def test_a_navigation_that_nothing_ties_is_empty(fo: Caller) -> None:
    """Many is an empty list, one is null."""
    row = fo.rows("CustomersV3", top="1", expand="OpenSalesPriceJournalLineV2")[0]
    assert row["OpenSalesPriceJournalLineV2"] == []
    assert fo.rows("CustomerGroups", top="1", expand="DimensionSet")[0]["DimensionSet"] is None


@pytest.mark.parametrize(
    "text",
    [
        "SalesOrderLines($expand=SalesOrderHeaderV2)",
        "SalesOrderLines/SalesOrderHeaderV2",
        "SalesOrderLines($filter=ItemNumber eq 'D0001')",
        "NoSuchLink",
        "SalesOrderLines($select=NoSuchName)",
    ],
)
def test_only_the_first_level_expands(fo: Caller, text: str) -> None:
    """[MS 1] A second level, an unknown name or another nested option is refused."""
    assert fo.refusal("GET", f"/data/SalesOrderHeadersV2?$expand={text.replace(' ', '%20')}")[0] == 400


def test_a_navigation_link_of_full_metadata_leads_there(fo: Caller) -> None:
    """[CODE C9] The link in a row answers what expanding it would have shown."""
    number = with_order(fo)
    row = fo.get(
        f"/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='{number}')",
        accept="application/json;odata.metadata=full",
    )
    link = row["SalesOrderLines@odata.navigationLink"].removeprefix("http://127.0.0.1:8101")
    assert [line["ItemNumber"] for line in fo.get(link)["value"]] == ["D0001"]
    assert fo.send("GET", link.replace("SalesOrderLines", "NoSuchLink")).status == 404
    one = fo.get("/data/ReleasedProductsV2(dataAreaId='usmf',ItemNumber='D0001')/EveryProduct")
    assert one["ProductName"] == "Pump 40"
    assert (
        fo.send("GET", "/data/CustomerGroups(dataAreaId='usmf',CustomerGroupId='10')/DimensionSet").status
        == 204
    )
