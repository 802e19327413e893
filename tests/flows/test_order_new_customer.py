"""The form of a new customer: how it is filled, what a person may change of it, and when it is sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.replay import replay
from ml_connector.errors import ConfigurationError, ConnectorError
from ml_connector.flows.orders.deal.snapshot import DealCompany, DealLine, DealSnapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import (
        GROUPS,
        LIKE_BIRK,
        account_of,
        company,
        customers_of,
        first_deal,
        form_of,
        newcomers,
        on_company,
        ordered_by,
        with_rules,
    )
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:
    from newcomer import (  # pytest puts this folder on the path
        GROUPS,
        LIKE_BIRK,
        account_of,
        company,
        customers_of,
        first_deal,
        form_of,
        newcomers,
        on_company,
        ordered_by,
        with_rules,
    )
    from office import ON_BOTH_DATABASES, Office

WHY = "as agreed on the telephone"
RULES = f"""{GROUPS}  customer_payment_terms:
    - value: net30
  customer_language:
    - value: en-us
  customer_credit_limit:
    - when: {{company.industry: MACHINERY}}
      value: "2500.5"
"""


@ON_BOTH_DATABASES
async def test_a_clerk_sees_the_filled_form_with_its_rules_edits_it_and_the_customer_is_created_with_the_order(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Also where orders are released by themselves; codes as Dynamics spells them, what nobody says is not sent."""
    office = await newcomers(start, rules=RULES, release="automatic")
    buyer = await company(office)
    deal = await first_deal(office, buyer)
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    shown = await show_deal(office.at, deal)
    assert shown["message"] == "Waiting for approval. Birk Foundry becomes a customer of usmf."
    form = await form_of(office, deal)
    assert form["OrganizationName"][:2] == ("Birk Foundry", "the company's name")
    assert form["CustomerGroupId"][0] == "10"
    assert form["CustomerGroupId"][1].startswith("orders.yaml, line ")
    assert form["CustomerGroupId"][1].endswith("because customer.AddressCountryRegionId is USA")
    assert form["SalesCurrencyCode"][:2] == ("USD", "the deal's currency")
    assert form["PaymentTerms"][0] == "Net30"
    assert form["AddressState"][:2] == ("WA", "the company's state Washington, as AddressStates lists it")
    assert form["AddressCountryRegionId"][0] == "USA"
    assert form["PrimaryContactPhone"][0] == "+12535550123"
    assert form["DeliveryMode"] == ("", "no rule fits", False)
    assert not any(is_open for _, _, is_open in form.values())
    assert customers_of(office) == {}

    chosen = {"customer.PaymentTerms": "NET45", "customer.CreditLimit": "1000"}
    done = await approve_deal(office.at, deal, by="Kim", chosen=chosen, because=WHY)
    assert (done["state"], done["approved_by"]) == ("done", "Kim")
    [(account, customer)] = customers_of(office).items()
    assert (customer["PaymentTerms"], customer["CreditLimit"], customer["LanguageId"]) == (
        "Net45",
        Decimal(1000),
        "en-US",
    )
    assert (customer["AddressState"], customer["OrganizationName"]) == ("WA", "Birk Foundry")
    assert ordered_by(office) == [account]
    assert office.orders()[0]["InvoiceCustomerAccountNumber"] == account
    assert on_company(office, buyer) == (f"usmf:{account}", "")
    [body] = [row.body for row in office.writes(0) if "CustomersV3" in row.path]
    assert isinstance(body, dict)
    assert "DeliveryMode" not in body

    mark = office.mark()
    assert await office.figures("orders") == {"read": 1, "unchanged": 1}
    assert office.writes(mark) == []
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    assert await office.figures("orders") == {"read": 1, "unchanged": 1}
    assert len(office.records("companies")) == 1
    await office.verified()


async def test_an_edit_of_the_form_must_be_a_field_of_it_with_a_value_that_dynamics_lists(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A refusal names the nearest and leaves everything as it was."""
    office = await newcomers(start, rules=GROUPS)
    deal = await first_deal(office, await company(office))
    await office.figures("orders")
    before = await show_deal(office.at, deal)
    for name, value, said in (
        ("customer.PaymentTerm", "Net45", "Did you mean 'PaymentTerms'?"),
        ("customer.PartyNumber", "000000001", "has no field PartyNumber"),
        ("customer.PaymentTerms", "Net46", "Did you mean 'Net4"),
        ("customer.CustomerGroupId", "11", "CustomerGroups does not list '11'"),
        ("customer.SalesCurrencyCode", "UDS", "Did you mean 'USD'?"),
        ("customer.SalesTaxGroup", "NOPE", "TaxGroups does not list 'NOPE'"),
        ("customer.DeliveryTerms", "NOPE", "DeliveryTerms does not list 'NOPE'"),
        ("customer.DeliveryMode", "NOPE", "DeliveryModesV2 does not list 'NOPE'"),
        ("customer.AddressState", "XX", "AddressStates does not list 'XX'"),
        ("customer.CreditLimit", "much", "CreditLimit"),
        ("account_", "US-001", "Did you mean 'account'?"),
        ("account", "US-404", "There is no customer US-404 in usmf"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            await approve_deal(office.at, deal, by="Kim", chosen={name: value}, because=WHY)
        assert said in refused.value.message
    assert await show_deal(office.at, deal) == before
    assert customers_of(office) == {}


async def test_what_dynamics_demands_and_no_rule_gives_is_open_until_a_person_says_it(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """No rule for the group; a state, a country and a ruled tax group that Dynamics does not list."""
    office = await newcomers(start, rules="  customer_tax_group:\n    - value: DOMM\n")
    buyer = await company(office, state="Washintgon")
    deal = await first_deal(office, buyer)
    lost = await first_deal(office, await company(office, name="Elm", domain="", country="Atlantis"))
    await office.figures("orders")
    form = await form_of(office, deal)
    assert form["CustomerGroupId"] == ("", "no rule fits", True)
    assert form["AddressState"][0] == ""
    assert "AddressStates does not list Washintgon for USA" in form["AddressState"][1]
    assert form["SalesTaxGroup"][0] == ""
    assert "TaxGroups does not list 'DOMM'. Did you mean 'DOM'?" in form["SalesTaxGroup"][1]
    assert [name for name, (_, _, is_open) in form.items() if is_open] == [
        "CustomerGroupId", "SalesTaxGroup", "AddressState",
    ]  # fmt: skip
    assert (
        "does not list the company's country Atlantis"
        in (await form_of(office, lost))["AddressCountryRegionId"][1]
    )
    with pytest.raises(ConnectorError, match="Open are: CustomerGroupId") as refused:
        await approve_deal(office.at, deal, by="Kim")
    assert "--set customer.CustomerGroupId=" in refused.value.hint
    chosen = {"customer.CustomerGroupId": "10", "customer.AddressState": "wa"}
    with pytest.raises(ConnectorError, match="Open are: SalesTaxGroup"):
        await approve_deal(office.at, deal, by="Kim", chosen=chosen, because=WHY)
    assert customers_of(office) == {}
    chosen = {"customer.SalesTaxGroup": ""}  # left to Dynamics
    assert (await approve_deal(office.at, deal, by="Kim", chosen=chosen, because=WHY))["state"] == "done"
    [customer] = customers_of(office).values()
    assert (customer["AddressState"], customer["CustomerGroupId"], customer["SalesTaxGroup"]) == (
        "WA",
        "10",
        "",
    )


async def test_a_candidate_can_be_taken_in_place_of_a_new_customer(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Possible duplicates stand in the form with what speaks for them; the draft is then one of that customer."""
    office = await newcomers(start)
    key = await office.customer("usmf:", **LIKE_BIRK)
    deal = await first_deal(office, await company(office))
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    form = (await show_deal(office.at, deal))["draft"]["customer_form"]
    [candidate] = form["candidates"]
    assert (candidate["account"], candidate["name"]) == (account_of(key), "Birk Foundry Ltd")
    done = await approve_deal(office.at, deal, by="Kim", chosen={"account": account_of(key)}, because=WHY)
    assert done["state"] == "done"
    assert ordered_by(office) == list(customers_of(office)) == [account_of(key)]
    assert (await show_deal(office.at, deal))["draft"]["customer_form"] is None


async def test_a_deal_that_changed_since_the_form_was_shown_is_not_approved_with_an_edit(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The edit is kept; who approves must see the rest first."""
    office = await newcomers(start, rules=GROUPS)
    deal = await first_deal(office, await company(office))
    await office.figures("orders")
    office.rep_changes("line_items", office.line_of(deal), quantity="3")
    chosen = {"customer.PaymentTerms": "Net45"}
    asked = await approve_deal(office.at, deal, by="Kim", chosen=chosen, because=WHY)
    assert (asked["state"], asked["step"], asked["total"]) == ("waiting", "release", "300.00")
    assert customers_of(office) == {}
    assert (await form_of(office, deal))["PaymentTerms"] == ("Net45", f"chosen by Kim: {WHY}", False)
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    assert [row["PaymentTerms"] for row in customers_of(office).values()] == ["Net45"]


@ON_BOTH_DATABASES
async def test_where_customers_are_created_without_asking_a_missing_rule_parks_the_deal(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Once finance has given the rule, a replay places order and customer; one deal alone may have its own value."""
    office = await newcomers(start, new_customers="create", release="automatic")
    deals = [
        await first_deal(office, await company(office, name=name, domain=""))
        for name in ("Birk Foundry", "Elm Castings")
    ]
    assert await office.figures("orders") == {"read": 2, "parked": 2}
    stuck = (await office.stuck("orders"))[deals[0]]
    assert (stuck.cause, stuck.turn) == ("order.new_customer_incomplete", "finance")
    assert "lacks CustomerGroupId (no rule fits)" in stuck.message
    assert stuck.detail["fields"] == ["CustomerGroupId"]
    done = await approve_deal(
        office.at, deals[1], by="Kim", chosen={"customer.CustomerGroupId": "20"}, because=WHY
    )
    assert done["state"] == "done"
    with_rules(office, GROUPS)
    [result] = await replay(office.at, [f"deals/{deals[0]}"])
    assert result.outcome == "done"
    groups = {row["OrganizationName"]: row["CustomerGroupId"] for row in customers_of(office).values()}
    assert groups == {"Birk Foundry": "10", "Elm Castings": "20"}
    assert ordered_by(office) == sorted(customers_of(office))
    await office.verified()


async def test_where_numbers_are_given_by_hand_the_form_asks_for_one(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Read from the number sequence, not assumed; a number that is taken is refused by Dynamics' own words."""
    office = await newcomers(start, rules=GROUPS, switches={"customer_numbers": "manual"})
    await office.customer("usmf:B-1")
    deal = await first_deal(office, await company(office))
    await office.figures("orders")
    assert (await form_of(office, deal))["CustomerAccount"] == (
        "", "customers in usmf get their numbers by hand", True,
    )  # fmt: skip
    taken = await approve_deal(
        office.at, deal, by="Kim", chosen={"customer.CustomerAccount": "B-1"}, because=WHY
    )
    assert (taken["state"], taken["cause"]) == ("parked", "order.customer_doubtful")
    assert "B-1" in taken["message"]
    asked = await approve_deal(
        office.at, deal, by="Kim", chosen={"customer.CustomerAccount": "B-2"}, because=WHY
    )
    assert asked["step"] == "release"
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    assert ordered_by(office) == ["B-2"]
    assert sorted(customers_of(office)) == ["B-1", "B-2"]


async def test_a_vat_number_and_the_contact_are_shown_and_only_the_contacts_address_is_sent(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A rule may look at any property of the company."""
    office = await start(
        settings={
            "orders": {"quiet_minutes": 0, "default_legal_entity": "usmf"},
            "matching": {"tax_id_property": "description"},
        },
        switches={"customer_numbers": "auto"},
    )
    with_rules(office, RULES)
    buyer = await company(office, description="US 99-123", industry="MACHINERY")
    deal = await first_deal(office, buyer)
    body = {"properties": {"firstname": "Ada", "email": "ada@birk-foundry.com"}}
    contact = str((await office.rep_asks("POST", "/crm/v3/objects/contacts", body))["id"])
    await office.associate("deals", deal, "contacts", contact, 3)
    await office.figures("orders")
    form = await form_of(office, deal)
    assert form["PrimaryContactEmail"][0] == "ada@birk-foundry.com"
    assert form["CreditLimit"][0] == Decimal("2500.5")
    notes = (await show_deal(office.at, deal))["draft"]["customer_form"]["notes"]
    assert any("US 99-123: shown, not sent" in note for note in notes)
    await approve_deal(office.at, deal, by="Kim")
    [customer] = customers_of(office).values()
    assert (customer["PrimaryContactEmail"], customer["TaxExemptNumber"]) == ("ada@birk-foundry.com", "")


def test_what_comes_back_from_dynamics_is_no_edit_of_the_deal() -> None:
    """Keys and values of companies and products are written by the flows; which ones a deal has is for sales."""
    line = DealLine("7", "Pump", "P-1", "9", "P-1", "1", "100", "", "", "100", "")
    firm = DealCompany("5", "Birk", primary=True, customer_keys=())
    deal = DealSnapshot(
        "1", "Deal", "p", "won", "100", "USD", "", "", "", "", "", companies=(firm,), lines=(line,)
    )
    known = replace(firm, name="Birk Foundry", customer_keys=("usmf:1",), properties={"phone": "+1"})
    listed = replace(line, product_key="usmf:P-1", product={"d365_status": "Active"})
    assert replace(deal, companies=(known,), lines=(listed,)).hash() == deal.hash()
    assert replace(deal, companies=(replace(firm, id="6"),)).hash() != deal.hash()
    assert replace(deal, lines=(replace(line, quantity="2"),)).hash() != deal.hash()
