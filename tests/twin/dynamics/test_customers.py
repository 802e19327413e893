"""Creating and changing customers (reference: dynamics.md 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.wire import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

MINIMUM = {
    "dataAreaId": "usmf",
    "OrganizationName": "Northwind",
    "CustomerGroupId": "10",
    "SalesCurrencyCode": "USD",
}


def path(account: str, company: str = "usmf") -> str:
    return f"/data/CustomersV3(dataAreaId='{company}',CustomerAccount='{account}')?cross-company=true"


def test_the_minimum_makes_a_customer_with_numbers_and_defaults(fo: Caller) -> None:
    """[REC] PartyType Organization, numbers from sequences, language, search name."""
    answer = fo.send("POST", "/data/CustomersV3", MINIMUM)
    assert (answer.status, answer.written) == (201, Written(("usmf:USMF-000001",), committed=True))
    row = fo.get(path("USMF-000001"))
    assert row["PartyType"] == "Organization"
    assert row["PartyNumber"]
    assert row["LanguageId"] == "en-US"
    assert row["NameAlias"] == "Northwind"


def test_the_status_of_a_created_record_is_a_switch(starting: Callable[..., Caller]) -> None:
    """[REC/CODE C9] 201 or 200, with the full entity and its tag."""
    assert starting(post_status="200").send("POST", "/data/CustomersV3", MINIMUM).status == 200


def test_a_body_without_company_goes_to_the_default_company(fo: Caller) -> None:
    """[CODE C9] Without dataAreaId the default company."""
    body = {name: value for name, value in MINIMUM.items() if name != "dataAreaId"}
    assert fo.create("CustomersV3", body)["dataAreaId"] == "usmf"


def test_a_body_may_name_another_company(fo: Caller) -> None:
    """[MS 13] The framework changes company by itself; dataAreaId is lower case on read."""
    created = fo.create("CustomersV3", MINIMUM | {"dataAreaId": "DEMF", "SalesCurrencyCode": "EUR"})
    assert (created["dataAreaId"], created["LanguageId"]) == ("demf", "de")
    assert "dat" in fo.refusal("POST", "/data/CustomersV3", MINIMUM | {"dataAreaId": "dat"})[1]


def test_the_same_create_twice_makes_two_customers(fo: Caller) -> None:
    """[6.1] No uniqueness on name or e-mail."""
    first, second = (fo.create("CustomersV3", MINIMUM) for _ in range(2))
    assert first["CustomerAccount"] != second["CustomerAccount"]
    assert first["PartyNumber"] != second["PartyNumber"]


def test_a_person_needs_a_first_name(fo: Caller) -> None:
    """[CODE C6] PartyType Person with PersonFirstName and PersonLastName."""
    person = {
        "PartyType": "Person",
        "CustomerGroupId": "10",
        "SalesCurrencyCode": "USD",
        "PersonLastName": "Lee",
    }
    assert fo.refusal("POST", "/data/CustomersV3", person)[0] == 400
    assert fo.create("CustomersV3", person | {"PersonFirstName": "Ann"})["NameAlias"] == "Ann Lee"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"CustomerGroupId": ""}, "Customer group"),
        ({"SalesCurrencyCode": "XXX"}, "XXX"),
        ({"PaymentTerms": "Net99"}, "Net99"),
        ({"InvoiceAccount": "US-999"}, "US-999"),
        ({"SiteId": "99"}, "99"),
        ({"WarehouseId": "99"}, "99"),
        ({"AddressCountryRegionId": "ATL"}, "ATL"),
        ({"AddressCountryRegionId": "USA", "AddressState": "ZZ"}, "ZZ"),
        ({"PartyNumber": "999999999"}, "999999999"),
        ({"PartyType": "Robot"}, "Robot"),
        ({"OrganizationName": ""}, "Name"),
        ({"DefaultDimensionDisplayValue": "009--"}, "009"),
    ],
)
def test_references_must_exist(fo: Caller, changes: dict[str, str], word: str) -> None:
    """[2.5 bad reference] An unknown group, currency, term, site, country, state or party is refused."""
    status, text = fo.refusal("POST", "/data/CustomersV3", MINIMUM | changes)
    assert status == 400
    assert f"{word}" in text
    assert fo.machine.counts()["CustomersV3"] == 7


def test_an_automatic_sequence_replaces_or_refuses_a_supplied_number(starting: Callable[..., Caller]) -> None:
    """[INF] A number is honoured only by a manual sequence; otherwise replaced or an error."""
    body = MINIMUM | {"CustomerAccount": "MINE-1"}
    assert starting().create("CustomersV3", body)["CustomerAccount"] == "USMF-000001"
    assert starting(supplied_number="refused").refusal("POST", "/data/CustomersV3", body)[0] == 400


def test_a_manual_sequence_takes_the_supplied_number_once(starting: Callable[..., Caller]) -> None:
    """[INF, open question 7] Manual numbers are honoured, demanded, and unique."""
    fo = starting(customer_numbers="manual")
    body = MINIMUM | {"CustomerAccount": "MINE-1"}
    assert fo.create("CustomersV3", body)["CustomerAccount"] == "MINE-1"
    assert fo.refusal("POST", "/data/CustomersV3", body)[1].endswith("The record already exists..")
    assert fo.refusal("POST", "/data/CustomersV3", MINIMUM)[0] == 400


def test_a_known_party_number_joins_the_party_or_not(starting: Callable[..., Caller]) -> None:
    """[flows.md 3.3, v] A customer in a second entity may reuse the known party."""
    body = {
        "dataAreaId": "demf",
        "PartyNumber": "PUS-001",
        "CustomerGroupId": "10",
        "SalesCurrencyCode": "EUR",
    }
    created = starting().create("CustomersV3", body)
    assert (created["PartyNumber"], created["OrganizationName"]) == ("PUS-001", "O'Neill Pumps")
    other = starting(party_reuse="off").create("CustomersV3", body | {"OrganizationName": "O'Neill"})
    assert other["PartyNumber"] != "PUS-001"


def test_a_change_answers_204_with_nothing(fo: Caller) -> None:
    """[REC] PATCH by key: 204, empty body."""
    answer = fo.send("PATCH", path("US-001"), {"CreditRating": "A"})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.written == Written(("usmf:US-001",), committed=True)
    assert fo.get(path("US-001"))["CreditRating"] == "A"


def test_name_and_address_belong_to_the_party_and_change_in_all_companies(fo: Caller) -> None:
    """[INF] PATCH of Address and PrimaryContact fields edits the party all companies share."""
    changes = {"AddressCity": "Chicago", "PrimaryContactEmail": "new@example.com", "PaymentTerms": ""}
    fo.send("PATCH", path("DE-002", "demf"), changes)
    row = fo.get(path("US-001"))
    assert (row["AddressCity"], row["PrimaryContactEmail"]) == ("Chicago", "new@example.com")
    assert row["PaymentTerms"] == "Net30"
    assert "Chicago" in row["FullPrimaryAddress"]


def test_read_only_fields_and_keys_cannot_be_changed(fo: Caller) -> None:
    """[META] PartyNumber, record ids and the key are not editable."""
    bodies: list[dict[str, Any]] = [{"PartyNumber": "P1"}, {"AddressRecordId": 5}, {"CustomerAccount": "X"}]
    for body in bodies:
        assert fo.refusal("PATCH", path("US-001"), body)[0] == 400
    assert fo.send("PATCH", path("US-001"), {"CustomerAccount": "US-001", "dataAreaId": "USMF"}).status == 204


def test_a_bad_reference_in_a_change_is_refused(fo: Caller) -> None:
    """[2.4 call order] Updates are validated like creates."""
    assert fo.refusal("PATCH", path("US-001"), {"CustomerGroupId": "zz", "CreditRating": "A"})[0] == 400
    assert fo.get(path("US-001"))["CreditRating"] == ""


def test_a_customer_can_be_deleted(fo: Caller) -> None:
    """[REC] DELETE by key: 204."""
    assert fo.send("DELETE", path("US-005")).status == 204
    assert fo.send("GET", path("US-005")).status == 404
    assert len(fo.rows("CustomersV3")) == 4


def test_people_are_offered_in_both_contact_sets(fo: Caller) -> None:
    """[META] ContactPersons joins by party number, CDSContactPersonsV2 names the customer itself."""
    person = fo.rows("ContactPersons", filter="AssociatedPartyNumber eq 'PUS-001'")[0]
    assert (person["ContactPersonId"], person["FirstName"], person["EmploymentJobTitle"]) == (
        "C1",
        "Ann",
        "Buyer",
    )
    kind = "Microsoft.Dynamics.DataEntities.SmmContactPersonCdsAssociatedContactType'Customer'"
    found = fo.rows(
        "CDSContactPersonsV2",
        filter=f"AssociatedContactType eq {kind} and AssociatedContactNumber eq 'US-001'",
    )
    assert [row["PrimaryEmailAddress"] for row in found] == ["ann@example.com"]


def test_a_new_person_gets_its_numbers_and_belongs_to_the_customer_of_its_party(fo: Caller) -> None:
    """[META] AssociatedPartyNumber is the customer's party; CDSContactPersonsV2 shows the same row by customer."""
    ann = {"dataAreaId": "usmf", "FirstName": "Ann", "LastName": "Ng"}
    made = fo.create("ContactPersons", ann | {"AssociatedPartyNumber": "PUS-002"})
    assert made["ContactPersonId"]
    assert made["ContactPersonName"] == "Ann Ng"
    [row] = fo.rows(
        "CDSContactPersonsV2", filter=f"ContactPersonPartyNumber eq '{made['ContactPersonPartyNumber']}'"
    )
    assert (row["AssociatedContactType"], row["AssociatedContactNumber"]) == ("Customer", "US-002")

    of_customer = {"AssociatedContactType": "Customer", "AssociatedContactNumber": "US-003"}
    again = {**ann, **of_customer, "ContactPersonPartyNumber": row["ContactPersonPartyNumber"]}
    fo.create("CDSContactPersonsV2", again)
    people = fo.rows(
        "ContactPersons", filter=f"ContactPersonPartyNumber eq '{row['ContactPersonPartyNumber']}'"
    )
    assert {person["AssociatedPartyNumber"] for person in people} == {"PUS-002", "PUS-003"}


def test_a_person_at_a_vendor_belongs_to_no_customer(fo: Caller) -> None:
    """[META] ContactPersons also holds the people of vendors."""
    made = fo.create(
        "ContactPersons", {"dataAreaId": "usmf", "FirstName": "Vic", "AssociatedPartyNumber": "PV-1"}
    )
    number = made["ContactPersonPartyNumber"]
    kind = "Microsoft.Dynamics.DataEntities.SmmContactPersonCdsAssociatedContactType'Customer'"
    found = fo.rows("CDSContactPersonsV2", filter=f"AssociatedContactType eq {kind}")
    assert number not in {row["ContactPersonPartyNumber"] for row in found}
