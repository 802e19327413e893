"""The further sets agree with the records they show anew, and follow them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.dynamics.bi_entities import DERIVATIONS as BI_SETS
from ml_connector.twin.dynamics.derivations import derivations
from ml_connector.twin.dynamics.entities import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

US_001 = "dataAreaId='usmf',CustomerAccount='US-001'"
MODULE = "ModuleType eq Microsoft.Dynamics.DataEntities.ModuleInventPurchSales"
ALL = {"cross_company": "true"}


def one(rows: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(rows) == 1
    return rows[0]


def test_rows_hold_only_properties_of_their_sets(fo: Caller) -> None:
    """A made row with a name its set does not have would never be seen."""
    schema = load_schema()
    environment = fo.machine._environment
    for name, view in environment.views.items():
        if view.table == name:
            for row in environment.store.tables[name].rows:
                assert row.values.keys() <= schema.sets[name].properties.keys(), name
    assert set(derivations({})) >= set(BI_SETS)


def test_every_customer_has_its_primary_address_and_some_have_one_for_deliveries(fo: Caller) -> None:
    """The address of the customer itself, one location for all accounts of a party."""
    customers = {(row["dataAreaId"], row["CustomerAccount"]): row for row in fo.rows("CustomersV3", **ALL)}
    rows = fo.rows("CustomerPostalAddresses", **ALL)
    primary = [row for row in rows if row["IsPrimary"] == "Yes"]
    assert len(primary) == len(customers)
    for row in primary:
        customer = customers[row["dataAreaId"], row["CustomerAccountNumber"]]
        for name in ("AddressStreet", "AddressCity", "AddressZipCode", "AddressCountryRegionId"):
            assert row[name] == customer[name]
        assert row["AddressLocationId"] == customer["AddressLocationId"]
    assert 0 < len([row for row in rows if row["IsRoleDelivery"] == "Yes"]) < len(customers)


def test_an_address_and_a_contact_follow_their_customer_and_lead_back_to_it(fo: Caller) -> None:
    """A change through either set shows in both."""
    fo.send("PATCH", f"/data/CustomersV3({US_001})", {"AddressStreet": "2 New Road"})
    mine = "CustomerAccountNumber eq 'US-001' and IsPrimary eq Microsoft.Dynamics.DataEntities.NoYes'Yes'"
    row = one(fo.rows("CustomerPostalAddresses", filter=mine))
    assert row["AddressStreet"] == "2 New Road"
    key = ",".join(
        f"{name}='{row[name]}'"
        for name in ("dataAreaId", "CustomerAccountNumber", "CustomerLegalEntityId", "AddressLocationId")
    )
    path = f"/data/CustomerPostalAddresses({key},Effective={row['Effective']})"
    assert fo.send("PATCH", path, {"AddressCity": "Shelbyville"}).status == 204
    assert fo.get(f"/data/CustomersV3({US_001})")["AddressCity"] == "Shelbyville"
    email = "PartyNumber eq 'PUS-001' and Locator eq 'info@example.com'"
    contact = one(fo.rows("PartyContactsV3", filter=email))
    path = (
        f"/data/PartyContactsV3(PartyNumber='PUS-001',ElectronicAddressId='{contact['ElectronicAddressId']}')"
    )
    assert fo.send("PATCH", path, {"Locator": "new@example.com"}).status == 204
    assert fo.get(f"/data/CustomersV3({US_001})")["PrimaryContactEmail"] == "new@example.com"
    assert fo.refusal("PATCH", path, {"Purpose": "Other"})[0] == 400
    assert fo.refusal("DELETE", path)[0] == 400


def test_a_made_row_goes_with_its_record_and_comes_with_a_new_one(fo: Caller) -> None:
    """Counts agree with what is read, before and after."""
    body = {"OrganizationName": "New", "CustomerGroupId": "10", "SalesCurrencyCode": "USD"}
    account = fo.create("CustomersV3", body)["CustomerAccount"]
    mine = {"filter": f"AccountNum eq '{account}'"}
    assert one(fo.rows("CustTableBiEntities", **mine))["Currency"] == "USD"
    fo.send("DELETE", f"/data/CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')")
    before = fo.machine.counts()
    assert fo.rows("CustTableBiEntities", **mine) == []
    assert fo.machine.counts() == before
    for name in derivations({}):
        assert before[name] == len(fo.rows(name, **ALL)), name


def test_an_address_for_deliveries_is_created_and_kept(fo: Caller) -> None:
    """Its location and first moment are F&O's; the customer's own address stays."""
    body = {"CustomerAccountNumber": "US-001", "AddressStreet": "9 Dock", "IsRoleDelivery": "Yes"}
    made = fo.create("CustomerPostalAddresses", body)
    assert made["AddressLocationId"]
    fo.send("PATCH", f"/data/CustomersV3({US_001})", {"AddressStreet": "2 New Road"})
    streets = {
        row["AddressStreet"]
        for row in fo.rows("CustomerPostalAddresses", filter="CustomerAccountNumber eq 'US-001'")
    }
    assert {"9 Dock", "2 New Road"} <= streets
    body = {"CustomerAccountNumber": "NONE", "AddressStreet": "9 Dock"}
    assert fo.refusal("POST", "/data/CustomerPostalAddresses", body)[0] == 400


def modified(fo: Caller, set_name: str, text: str) -> str:
    return str(one(fo.rows(set_name, filter=text, select="SysModifiedDateTime"))["SysModifiedDateTime"])


def test_the_moment_of_a_table_entity_moves_with_its_own_row_alone(fo: Caller) -> None:
    """[META] A changed name or address is the party's: CustTable's moment stays."""
    mine = "AccountNum eq 'US-001'"
    start = modified(fo, "CustTableBiEntities", mine)
    fo.now += timedelta(hours=1)
    fo.send(
        "PATCH", f"/data/CustomersV3({US_001})", {"OrganizationName": "Renamed", "AddressCity": "Elsewhere"}
    )
    assert modified(fo, "CustTableBiEntities", mine) == start
    fo.send("PATCH", f"/data/CustomersV3({US_001})", {"PaymentTerms": "Net30", "OnHoldStatus": "Invoice"})
    assert modified(fo, "CustTableBiEntities", mine) == "2026-03-02T10:30:15Z"
    since = "SysModifiedDateTime ge 2026-03-02T10:00:00Z"
    assert [row["AccountNum"] for row in fo.rows("CustTableBiEntities", filter=since)] == ["US-001"]


def test_a_price_moves_the_moment_of_its_module_and_not_that_of_the_item(fo: Caller) -> None:
    """[META] InventTable and InventTableModule are tables of their own."""
    item, sales = "ItemId eq 'D0001'", f"ItemId eq 'D0001' and {MODULE}'Sales'"
    before = [
        modified(fo, "InventTableBiEntities", item),
        modified(fo, "InventTableModuleBiEntities", sales),
    ]
    fo.now += timedelta(hours=1)
    path = "/data/ReleasedProductsV2(dataAreaId='usmf',ItemNumber='D0001')"
    assert fo.send("PATCH", path, {"SalesPrice": 500}).status == 204
    assert modified(fo, "InventTableBiEntities", item) == before[0]
    assert modified(fo, "InventTableModuleBiEntities", sales) == "2026-03-02T10:30:15Z"
    assert modified(fo, "InventTableModuleBiEntities", sales.replace("'Sales'", "'Purch'")) == before[1]
    assert fo.send("PATCH", path, {"NetProductWeight": 3}).status == 204
    assert modified(fo, "InventTableBiEntities", item) == "2026-03-02T10:30:15Z"


@pytest.mark.parametrize("kind", ["absent", "own_table", "whole_record"])
def test_a_tenant_may_have_added_a_time_of_change(starting: Callable[..., Caller], kind: str) -> None:
    """[INF] Of the account's table, or of all that a customer shows; off by default."""
    fo = starting(modified_property=kind)
    path = f"/data/CustomersV3({US_001})"
    if kind == "absent":
        assert "ModifiedDateTime" not in fo.get(path)
        return
    start = fo.get(path)["ModifiedDateTime"]
    fo.now += timedelta(hours=1)
    fo.send("PATCH", path, {"AddressCity": "Elsewhere"})
    assert (fo.get(path)["ModifiedDateTime"] == start) is (kind == "own_table")
    fo.now += timedelta(hours=1)
    fo.send("PATCH", path, {"PaymentTerms": "Net30"})
    since = "ModifiedDateTime gt 2026-03-02T11:00:00Z"
    [row] = fo.rows("CustomersV3", filter=since, orderby="ModifiedDateTime desc,CustomerAccount")
    assert row["CustomerAccount"] == "US-001"
    assert "ModifiedDateTime" in fo.get("/data/ReleasedProductsV2(dataAreaId='usmf',ItemNumber='D0001')")


def test_a_refused_write_moves_no_moment(fo: Caller) -> None:
    """What is rolled back leaves no trace in the table entities."""
    mine = "AccountNum eq 'US-001'"
    start = modified(fo, "CustTableBiEntities", mine)
    fo.now += timedelta(hours=1)
    assert fo.send("PATCH", f"/data/CustomersV3({US_001})", {"CustomerGroupId": "none"}).status == 400
    assert modified(fo, "CustTableBiEntities", mine) == start


def test_an_item_shows_its_table_and_its_three_modules(fo: Caller) -> None:
    """Price and unit of each module are those of the released product."""
    rows = fo.rows("InventTableModuleBiEntities", filter="ItemId eq 'D0001'", orderby="ModuleType")
    assert [row["ModuleType"] for row in rows] == ["Invent", "Purch", "Sales"]
    assert str(rows[2]["Price"]) == "412.35"
    assert one(fo.rows("InventTableBiEntities", filter="ItemId eq 'D0001'"))["ItemType"] == "Item"


def test_table_entities_refuse_writes(fo: Caller) -> None:
    """They are for reading."""
    path = "/data/CustTableBiEntities(dataAreaId='usmf',AccountNum='US-001')"
    assert fo.refusal("PATCH", path, {"Memo": "x"})[0] == 400


@pytest.mark.parametrize(("chosen", "manual"), [("auto", "No"), ("manual", "Yes")])
def test_a_number_sequence_says_whether_numbers_may_be_supplied(
    starting: Callable[..., Caller], chosen: str, manual: str
) -> None:
    """[META] Manual, Next and Format agree with what a create does."""
    fo = starting(order_numbers=chosen)
    reference = one(
        fo.rows("NumberSequencesV2References", filter="DataTypeName eq 'SalesId' and ScopeValue eq 'usmf'")
    )
    wanted = {"filter": f"NumberSequenceCode eq '{reference['NumberSequenceCode']}'"}
    sequence = one(fo.rows("SequenceV2Tables", **wanted))
    assert (sequence["Manual"], sequence["Continuous"], sequence["Format"]) == (manual, "No", "SO-######")
    if chosen == "auto":
        number = fo.create("SalesOrderHeadersV2", {"OrderingCustomerAccountNumber": "US-001"})[
            "SalesOrderNumber"
        ]
        assert number == f"SO-{sequence['Next']:06d}"
        assert one(fo.rows("SequenceV2Tables", **wanted))["Next"] == sequence["Next"] + 1


def test_parties_and_values_of_dimensions_are_those_of_the_world(fo: Caller) -> None:
    """Each customer's party, each contact's party; each department a value of its dimension."""
    parties = {row["PartyNumber"]: row for row in fo.rows("CDSParties")}
    for row in fo.rows("CustomersV3", **ALL):
        assert parties[row["PartyNumber"]]["PartyType"] == row["PartyType"]
        assert parties[row["PartyNumber"]]["OrganizationName"] == row["OrganizationName"]
        assert parties[row["PartyNumber"]]["NameAlias"] == row["NameAlias"]
    assert parties[fo.rows("ContactPersons")[0]["ContactPersonPartyNumber"]]["PersonLastName"] == "Lee"
    assert [row["Value"] for row in fo.rows("DimAttributeOMDepartments")] == ["022"]
    assert {row["DisplayValue"] for row in fo.rows("DimensionSets")} == {"001--"}
