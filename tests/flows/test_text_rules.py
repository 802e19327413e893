"""0.8 What becomes of texts, telephone numbers, countries, dates and money on their way, in one pass."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.flows.catalogue import number_sold_in
    from tests.flows.crawling import edit_mapping
    from tests.flows.office import Office
else:
    from catalogue import number_sold_in  # pytest puts this folder on the path
    from crawling import edit_mapping

HERE = {"AddressCountryRegionId": "DEU", "AddressCountryRegionISOCode": ""}
ROWS = (
    "  - {target: industry_note, source: SalesMemo, max_length: 10, on_too_long: cut}\n"
    "  - {target: valid_to, source: AddressValidTo, transform: date}\n"
)
CITY = "  - target: city\n    source: AddressCity\n"


async def _with_own_properties(office: Office) -> None:
    for name, kind, field in (("industry_note", "string", "text"), ("valid_to", "date", "date")):
        body = {
            "name": name,
            "label": name,
            "type": kind,
            "fieldType": field,
            "groupName": "companyinformation",
        }
        await office.rep_asks("POST", "/crm/v3/properties/companies", body)
    edit_mapping(office, CITY, f"{CITY}    max_length: 20\n    on_too_long: park\n{ROWS}")


async def test_text_phones_countries_null_dates_and_money_arrive_as_rule_0_8_says(office: Office) -> None:
    """NFC, control characters removed; over-long values follow the field's rule (cut with an audit note, or park).

    Phone numbers to E.164 using the record's country, those nobody can parse kept verbatim, extensions kept;
    countries ISO 3166; F&O null dates (1900-01-01) to empty; money is Decimal. Keys exempt.
    """
    await _with_own_properties(office)
    await office.customer(
        "demf: e\u0301-1",
        OrganizationName="Mu\u0308ller\u0007 Pumpen",
        PrimaryContactPhone="030 1234567",
        PrimaryContactPhoneExtension="12",
        SalesMemo="A note of too many words",
        AddressValidTo="1900-01-01T00:00:00Z",
        **HERE,
    )
    await office.customer("demf:DE-2", PrimaryContactPhone="ask for Ida", AddressCountryRegionId="USA")
    await office.customer("demf:DE-3", AddressCity="A city with far too long a name")
    assert await office.figures("customers") == {"read": 3, "created": 2, "parked": 1}

    companies = office.companies()
    first, second = companies["demf: e\u0301-1"], companies["demf:DE-2"]
    assert first["name"] == "M\u00fcller Pumpen"
    assert first["d365_customer_account"] == " e\u0301-1", "keys exempt: not one character is changed"
    assert first["industry_note"] == "A note of"
    [entry] = await office.story("customers", "demf: e\u0301-1")
    assert b"industry_note: cut from 24 to 10 characters" in entry.payload
    assert first["phone"] == "+49301234567 ext. 12"
    assert second["phone"] == "ask for Ida"
    assert (first["country"], second["country"]) == ("Germany", "United States")
    assert not first.get("valid_to")
    stuck = (await office.stuck("customers"))["demf:DE-3"]
    assert "city" in stuck.message


async def test_money_is_decimal_a_price_arrives_digit_for_digit(office: Office) -> None:
    """No binary fraction ever touches it."""
    number = number_sold_in(office, 3)
    office.release_changes(number, SalesPrice=Decimal("1234567.89"), SalesPriceQuantity=Decimal(1000))
    await office.figures("products")
    assert office.products()[number]["price"] == "1234.56789"
