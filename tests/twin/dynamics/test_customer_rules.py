"""What decides whether a customer is right: sequences, parties, prospects, deletion (flows.md 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

SET = "/data/CustomersV3"
PLAIN = {
    "dataAreaId": "usmf",
    "OrganizationName": "Trey Research",
    "CustomerGroupId": "20",
    "SalesCurrencyCode": "USD",
}


def group_sequence(fo: Caller, *, manual: str) -> None:
    """Give customer group 20 a number sequence of its own."""
    fo.machine.edit("CustomerGroups", "usmf:20", {"CustomerAccountNumberSequence": "RETAIL"}, fo.now)
    row = {"NumberSequenceCode": "RETAIL", "ScopeType": "DataArea", "ScopeValue": "usmf", "Manual": manual}
    fo.machine.add("SequenceV2Tables", row)


def test_a_group_may_number_its_customers_itself(fo: Caller) -> None:
    """[META CustomerAccountNumberSequence] Other groups go on with the usual sequence."""
    group_sequence(fo, manual="No")
    numbers = [
        fo.create("CustomersV3", PLAIN | {"CustomerGroupId": group})["CustomerAccount"]
        for group in ("20", "10")
    ]
    assert numbers == ["RETAIL-000001", "USMF-000001"]


def test_a_groups_sequence_may_be_manual(fo: Caller) -> None:
    """[META Manual] Then the number must be sent, for customers of that group."""
    group_sequence(fo, manual="Yes")
    assert "must be filled in" in fo.refusal("POST", SET, PLAIN)[1]
    created = fo.create("CustomersV3", PLAIN | {"CustomerAccount": "HS-9"})
    assert created["CustomerAccount"] == "HS-9"


def test_a_prospect_of_the_same_party_must_have_the_same_number(starting: Callable[..., Caller]) -> None:
    """[CODE C11] The sentence clients match on."""
    fo = starting(customer_numbers="manual")
    prospect = {"dataAreaId": "usmf", "ProspectId": "P-7", "PartyNumber": "PDE-001"}
    fo.machine.add("prospects", prospect)
    body = PLAIN | {"PartyNumber": "PDE-001"}
    _, text = fo.refusal("POST", SET, body | {"CustomerAccount": "HS-1"})
    assert text.split("Infolog: Warning: ")[1].startswith(
        "Cannot create customer with account number 'HS-1' with same party number as prospect 'P-7'. "
        "The customer and prospect should have the same account number."
    )
    assert fo.create("CustomersV3", body | {"CustomerAccount": "P-7"})["PartyNumber"] == "PDE-001"


@pytest.mark.parametrize(("value", "status"), [("allowed", 201), ("refused", 400)])
def test_a_party_may_have_two_accounts_in_one_company_or_not(
    starting: Callable[..., Caller], value: str, status: int
) -> None:
    """[INF] In another company it always may."""
    fo = starting(party_twice=value)
    body = PLAIN | {"PartyNumber": "PUS-002"}
    assert fo.send("POST", SET, body).status == status
    other = body | {"dataAreaId": "demf", "SalesCurrencyCode": "EUR"}
    assert fo.create("CustomersV3", other)["OrganizationName"] == "Fabrikam"


def test_a_change_of_address_or_contact_changes_every_account_of_the_party_and_its_tag(fo: Caller) -> None:
    """[6.1, 2.4] The party's row is one of the tables behind the tag."""
    paths = [
        f"{SET}(dataAreaId='usmf',CustomerAccount='US-001')?cross-company=true",
        f"{SET}(dataAreaId='demf',CustomerAccount='DE-002')?cross-company=true",
    ]
    before = [fo.get(path)["@odata.etag"] for path in paths]
    change = {"AddressCity": "Chicago", "PrimaryContactEmail": "new@example.com"}
    assert fo.send("PATCH", paths[0], change).status == 204
    after = [fo.get(path) for path in paths]
    assert [row["AddressCity"] for row in after] == ["Chicago", "Chicago"]
    assert all(row["@odata.etag"] != tag for row, tag in zip(after, before, strict=True))
    own = fo.get(paths[1])["@odata.etag"]
    fo.send("PATCH", paths[0], {"CustomerGroupId": "20"})
    assert fo.get(paths[1])["@odata.etag"] == own


def test_a_one_time_customer_is_marked_as_such(fo: Caller) -> None:
    """[META IsOneTimeCustomer]"""
    created = fo.create("CustomersV3", PLAIN | {"IsOneTimeCustomer": "Yes"})
    assert created["IsOneTimeCustomer"] == "Yes"
    assert len(fo.rows("CustomersV3", filter=YES)) == 1


def test_a_customer_takes_terms_tax_group_and_dimensions_from_its_group(fo: Caller) -> None:
    """[META CustomerGroups] PaymentTermId, TaxGroupId, DefaultDimensionDisplayValue: when not sent."""
    group = {"PaymentTermId": "Net30", "TaxGroupId": "CA", "DefaultDimensionDisplayValue": "002--"}
    fo.machine.edit("CustomerGroups", "usmf:20", group, fo.now)
    names = ("PaymentTerms", "SalesTaxGroup", "DefaultDimensionDisplayValue")
    created = fo.create("CustomersV3", PLAIN)
    assert [created[name] for name in names] == ["Net30", "CA", "002--"]
    sent = fo.create("CustomersV3", PLAIN | {"SalesTaxGroup": "NY", "DefaultDimensionDisplayValue": "-022-"})
    assert [sent[name] for name in names] == ["Net30", "NY", "-022-"]


YES = "IsOneTimeCustomer eq Microsoft.Dynamics.DataEntities.NoYes'Yes'"


@pytest.mark.parametrize(("value", "status"), [("refused", 400), ("allowed", 204)])
@pytest.mark.parametrize("account", ["US-001", "US-003"])
def test_a_customer_with_orders_may_be_kept(
    starting: Callable[..., Caller], value: str, status: int, account: str
) -> None:
    """[MS 1] Restricted delete actions: as customer (US-003) or as payer (US-001)."""
    fo = starting(restricted_delete=value)
    order: dict[str, Any] = {"OrderingCustomerAccountNumber": "US-003"}
    fo.create("SalesOrderHeadersV2", order)
    path = f"{SET}(dataAreaId='usmf',CustomerAccount='{account}')"
    assert fo.send("DELETE", path).status == status


@pytest.mark.parametrize("value", ["auto", "manual"])
@pytest.mark.parametrize(("switch", "code"), [("customer_numbers", "Cust_1"), ("order_numbers", "Sale_1")])
def test_the_set_up_of_the_sequences_tells_what_the_switch_says(
    starting: Callable[..., Caller], switch: str, code: str, value: str
) -> None:
    """[META SequenceV2Tables.Manual] So that a client can read it before it sends a number."""
    table = starting(**{switch: value}).machine._environment.store.tables["SequenceV2Tables"]
    row = table.find(("NumberSequenceCode", "ScopeType", "ScopeValue"), [code, "DataArea", "usmf"])
    assert row is not None
    assert row.values["Manual"] == ("Yes" if value == "manual" else "No")
