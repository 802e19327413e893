from __future__ import annotations
from typing import Any
from ml_connector.app.connect import ping
from ml_connector.app.fit.report import fit
from office import Office

async def test_x(office: Office) -> None:
    one = await office.customer("usmf:C-1", OrganizationName="Harbour Pumps", AddressZipCode="98052", PrimaryContactEmail="sales@contoso.com", AddressCountryRegionId="USA")
    print(one)
    await office.customer("usmf:C-2", OrganizationName="HARBOUR  pumps", AddressZipCode="98052", PrimaryContactEmail="sales@contoso.com", AddressCountryRegionId="USA", PrimaryContactPhone="call me")
    party = next(r for r in office.records("CustomersV3") if r["CustomerAccount"]=="C-1")
    await office.customer("demf:C-9", OrganizationName="Harbour Pumps", PartyNumber=party["PartyNumber"])
    await office.customer("usmf:C-3", SalesCurrencyCode="GBP", PrimaryContactEmail="nobody at home")
    office.clerk_changes("CustomersV3", "usmf:C-3", OrganizationName="", NameAlias="", AddressCountryRegionId="ZZZ", AddressCountryRegionISOCode="")
    await office.clerk_adds("ContactPersons", dataAreaId="usmf", FirstName="Ada", LastName="Bo", AssociatedPartyNumber=party["PartyNumber"], PrimaryEmailAddress="sales@contoso.com")
    for n, by in office.releases().items(): print(n, {e: r["ItemNumber"] for e,r in by.items()}, next(iter(by.values()))["ProductSubType"])
    rep = await fit(office.at, await ping(office.at), print)
    print(rep)
    assert 0
