"""Companies, keys and paths (reference: dynamics.md 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller


def test_a_list_shows_only_the_default_company(fo: Caller) -> None:
    """[MS 1] Reads return the caller's default company."""
    assert {row["dataAreaId"] for row in fo.rows("CustomersV3")} == {"usmf"}


def test_cross_company_shows_every_company(fo: Caller) -> None:
    """[MS 1] cross-company=true returns all companies."""
    assert {row["dataAreaId"] for row in fo.rows("CustomersV3", cross_company="true")} == {"usmf", "demf"}


def test_a_filter_on_the_company_alone_does_not_leave_the_default_company(fo: Caller) -> None:
    """[MS 1] The filter needs the flag beside it."""
    assert fo.rows("CustomersV3", filter="dataAreaId eq 'demf'") == []
    assert len(fo.rows("CustomersV3", filter="dataAreaId eq 'DEMF'", cross_company="true")) == 2


@pytest.mark.parametrize("name", ["Currencies", "LegalEntities", "AllProducts", "FinancialDimensionValues"])
def test_shared_sets_show_everything_without_the_flag(fo: Caller, name: str) -> None:
    """[META] Sets without dataAreaId are shared."""
    assert fo.rows(name) == fo.rows(name, cross_company="true") != []


def test_a_key_in_another_company_is_not_found_without_the_flag(fo: Caller) -> None:
    """[INF] 404 by key without cross-company, for reads and writes alike."""
    path = "/data/CustomersV3(dataAreaId='demf',CustomerAccount='DE-001')"
    assert fo.send("GET", path).status == 404
    assert fo.send("PATCH", path, {"KnownAs": "x"}).status == 404
    assert fo.get(f"{path}?cross-company=true")["OrganizationName"] == "Adatum GmbH"


def test_the_switch_finds_a_key_in_another_company(starting: Callable[..., Caller]) -> None:
    """[INF] The other behaviour."""
    fo = starting(key_in_other_company="found")
    assert fo.get("/data/CustomersV3(dataAreaId='demf',CustomerAccount='DE-001')")["dataAreaId"] == "demf"


@pytest.mark.parametrize(
    "key",
    [
        "CustomerAccount='US-001'",
        "dataAreaId='usmf'",
        "'US-001'",
        "",
        "dataAreaId=usmf,CustomerAccount='US-001'",
    ],
)
def test_every_key_field_must_be_given(fo: Caller, key: str) -> None:
    """[MS 1] Every key field, dataAreaId included."""
    assert fo.send("GET", f"/data/CustomersV3({key})").status == 404


def test_item_numbers_may_begin_with_a_blank(fo: Caller) -> None:
    """[REC] Keys are never trimmed; the blank travels as %20."""
    row = fo.get("/data/ReleasedProductsV2(dataAreaId='usmf',ItemNumber='%20OIL-5')")
    assert row["ItemNumber"] == " OIL-5"
    assert fo.send("GET", "/data/ReleasedProductsV2(dataAreaId='usmf',ItemNumber='OIL-5')").status == 404


def test_quotes_in_keys_are_doubled_and_percent_encoded(fo: Caller) -> None:
    """[MS 1] A quote inside a key value is doubled."""
    fo.send("POST", "/data/CustomerGroups", {"CustomerGroupId": "O'N/1", "Description": "Odd"})
    row = fo.get("/data/CustomerGroups(dataAreaId='usmf',CustomerGroupId='O''N%2F1')")
    assert row["Description"] == "Odd"


def test_an_enumeration_in_a_key_is_written_with_its_type(fo: Caller) -> None:
    """[INF from MS 1] Enumeration keys carry their type."""
    kind = "Microsoft.Dynamics.DataEntities.DimensionHierarchyType'DataEntityDefaultDimensionFormat'"
    row = fo.get(
        f"/data/DimensionIntegrationFormats(DimensionFormatName='Default dimensions',DimensionFormatType={kind})"
    )
    assert row["IsActive"] == "Yes"


def test_integer_keys_are_plain(fo: Caller) -> None:
    """[META] DimensionParameters is keyed by an Int32."""
    assert fo.get("/data/DimensionParameters(Key=0)")["DimensionSegmentDelimiter"] == "Hyphen"


def test_keys_are_found_whatever_their_case(fo: Caller) -> None:
    """[INF] Keys compare as the database does, without case."""
    row = fo.get("/data/CustomersV3(dataAreaId='USMF',CustomerAccount='us-001')")
    assert (row["dataAreaId"], row["CustomerAccount"]) == ("usmf", "US-001")


@pytest.mark.parametrize(
    "path", ["/data/Customersv3", "/data/CustomersV3/Nothing", "/other", "/data/$nothing"]
)
def test_unknown_sets_and_paths_are_not_found(fo: Caller, path: str) -> None:
    """[CODE C4] Entity-set names are case sensitive; [INF] 404."""
    assert fo.send("GET", path).status == 404


def test_the_service_document_lists_every_set(fo: Caller) -> None:
    """[MS 1] The root names the collections."""
    names = {item["name"] for item in fo.get("/data")["value"]}
    assert names == set(fo.machine.counts())


def test_a_tenant_may_lack_the_cds_sets(starting: Callable[..., Caller]) -> None:
    """[INF] The CDS sets are a probed capability."""
    fo = starting(cds_sets="missing")
    assert fo.send("GET", "/data/CDSContactPersonsV2").status == 404
    assert fo.rows("ContactPersons")


def test_views_of_one_table_show_the_same_orders(fo: Caller, order: dict[str, str]) -> None:
    """[META] V2, V3 and V4 are views of the sales table; only V4 drops the lines."""
    for name in ("SalesOrderHeadersV2", "SalesOrderHeadersV3", "SalesOrderHeadersV4"):
        assert [row["SalesOrderNumber"] for row in fo.rows(name)] == [order["SalesOrderNumber"]]
    assert fo.send("GET", "/data/SalesOrderHeadersV4?$expand=SalesOrderLines").status == 400
