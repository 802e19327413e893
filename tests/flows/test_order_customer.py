"""Step customer of an order: which account orders, who pays, and what is too uncertain to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.engine.match import UNTOUCHED
from ml_connector.errors import ConfigurationError
from ml_connector.store import links
from ml_connector.store.links import Link

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import (
        BIRK_IN_DYNAMICS,
        LIKE_BIRK,
        account_of,
        company,
        customers_of,
        first_deal,
        newcomers,
        on_company,
        ordered_by,
    )
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, sold
else:
    from newcomer import (  # pytest puts this folder on the path
        BIRK_IN_DYNAMICS,
        LIKE_BIRK,
        account_of,
        company,
        customers_of,
        first_deal,
        newcomers,
        on_company,
        ordered_by,
    )
    from office import ON_BOTH_DATABASES, Office
    from selling import ITEM, sold


WHY = "as agreed on the telephone"


async def test_of_several_accounts_a_person_chooses_one_and_the_reason_stands_in_the_draft(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """The deal waits with the accounts and their names; what is chosen is drafted and asks for approval."""
    office = await newcomers(start)
    keys = [await office.customer("usmf:", OrganizationName=name) for name in ("Birk East", "Birk West")]
    buyer = await company(office, d365_customer_key=keys[0], d365_customer_accounts=keys[1])
    deal = await first_deal(office, buyer)
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    east, west = map(account_of, keys)
    assert (stuck.cause, stuck.turn) == ("order.account_unclear", "sales")
    assert f"{east} (Birk East), {west} (Birk West)" in stuck.message
    assert stuck.detail["step"] == "customer"

    asked = await approve_deal(office.at, deal, by="Kim", chosen={"account": west}, because=WHY)
    assert (asked["state"], asked["step"], asked["customer"]) == ("waiting", "release", "Birk West")
    header = {each["name"]: each for each in (await show_deal(office.at, deal))["draft"]["header"]}
    assert header["OrderingCustomerAccountNumber"]["rule"] == f"chosen by Kim: {WHY}"
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    assert ordered_by(office) == [west]
    assert any(WHY in row.payload.decode() for row in await office.story("orders", deal))


async def test_an_account_on_the_deal_overrides_all_and_must_stand_in_the_legal_entity(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """One of another legal entity is no account here."""
    office = await newcomers(start)
    own, other = await office.customer("usmf:"), await office.customer("usmf:")
    abroad = await office.customer("demf:")
    buyer = await company(office, d365_customer_key=own)
    deal = await first_deal(office, buyer, d365_customer_account=account_of(abroad))
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.customer_unknown", "finance")
    assert "d365_customer_account" in stuck.message

    office.rep_changes("deals", deal, d365_customer_account=account_of(other))
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    await approve_deal(office.at, deal, by="Kim")
    assert ordered_by(office) == [account_of(other)]


@ON_BOTH_DATABASES
async def test_a_company_without_a_key_buys_as_the_customer_it_is_linked_to(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Somebody cleared the property; our own link knows, and names the legal entity as well."""
    office = await newcomers(start)
    key = await office.customer("demf:")
    buyer = await company(office)
    link = Link("customers", key, "companies", buyer, UNTOUCHED, b"", 1, 0, b"{}", role="adopted")
    async with office.at.store.write() as tx:
        await links.put(tx, office.at.connection.connection_id, [link])
    deal = await first_deal(office, buyer, deal_currency_code="EUR")
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    draft = (await show_deal(office.at, deal))["draft"]
    header = {each["name"]: each for each in draft["header"]}
    assert draft["legal_entity"] == "demf"
    assert header["OrderingCustomerAccountNumber"]["value"] == account_of(key)
    assert "is linked to" in header["OrderingCustomerAccountNumber"]["rule"]


async def test_a_company_that_others_were_merged_into_buys_as_the_customer_of_any_of_them(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """HubSpot names the ids it has merged; our link may still hold the old one."""
    office = await newcomers(start)
    key = await office.customer("usmf:")
    buyer = await company(office)
    link = Link("customers", key, "companies", "4711", UNTOUCHED, b"", 1, 0, b"{}", role="adopted")
    async with office.at.store.write() as tx:
        await links.put(tx, office.at.connection.connection_id, [link])
    deal = await first_deal(office, buyer)
    office.answering("companies", hs_merged_object_ids="4710;4711")
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    header = {each["name"]: each["value"] for each in (await show_deal(office.at, deal))["draft"]["header"]}
    assert header["OrderingCustomerAccountNumber"] == account_of(key)


async def test_without_a_company_the_one_contact_that_is_a_customer_buys(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """A person customer, under the names of the person; two of them stop the deal, a firm's contact is none."""
    office = await newcomers(start)
    person = {
        "PartyType": "Person",
        "OrganizationName": "",
        "PersonFirstName": "Ada",
        "PersonLastName": "Holm",
    }
    ada, ole = [await office.customer("usmf:", **person) for _ in range(2)]
    firm = await office.customer("usmf:", PrimaryContactEmail="office@birk.test")
    people = []
    for place, key in enumerate((ada, firm, ole)):
        body = {
            "firstname": f"P{place}",
            "email": f"p{place}@birk.test",
            "d365_contact_key": f"usmf:c-{account_of(key)}",
        }
        people.append(
            str((await office.rep_asks("POST", "/crm/v3/objects/contacts", {"properties": body}))["id"])
        )

    async def deal_of(*contacts: str) -> str:
        deal = await sold(office, (ITEM, {}), companies=[], win=False)
        for contact in contacts:
            await office.associate("deals", deal, "contacts", contact, 3)
        office.win(deal)
        return deal

    alone, both, nobody = (
        await deal_of(people[0], people[1]),
        await deal_of(people[0], people[2]),
        await deal_of(people[1]),
    )
    assert await office.figures("orders") == {"read": 3, "waiting": 1, "parked": 2}
    stuck = await office.stuck("orders")
    assert (stuck[both].cause, stuck[nobody].cause) == ("order.contact_unclear", "order.no_company")
    done = await approve_deal(office.at, alone, by="Kim")
    assert (done["state"], done["customer"]) == ("done", "Ada Holm")
    assert ordered_by(office) == [account_of(ada)]


async def test_several_companies_without_a_primary_one_stop_the_deal(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start)
    deal = await sold(
        office, (ITEM, {}), companies=[await company(office), await company(office, name="Alder", domain="")]
    )
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    assert (await office.stuck("orders"))[deal].cause == "order.company_unclear"


async def test_a_hold_for_invoicing_stops_the_deal_where_the_setting_says_so(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """With the hold's own name; also when it is the payer's."""
    office = await newcomers(start, invoice_hold="park")
    payer = await office.customer("usmf:", OnHoldStatus="Invoice")
    key = await office.customer("usmf:", InvoiceAccount=account_of(payer))
    deal = await first_deal(office, await company(office, d365_customer_key=key))
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert stuck.cause == "order.customer_on_hold"
    assert account_of(payer) in stuck.message
    assert stuck.message.endswith("on hold in Dynamics: Invoice.")


# --- a company that F&O may know already ---


@ON_BOTH_DATABASES
async def test_a_company_that_is_a_customer_for_certain_buys_as_that_one_and_is_linked_with_the_order(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Nothing is created, nothing is stamped before approval, and flow customers makes no second company."""
    office = await newcomers(start)
    key = await office.customer("usmf:", **BIRK_IN_DYNAMICS)
    buyer = await company(office)
    deal = await first_deal(office, buyer)
    mark = office.mark()
    assert await office.figures("orders") == {"read": 1, "waiting": 1}
    header = {each["name"]: each for each in (await show_deal(office.at, deal))["draft"]["header"]}
    assert header["OrderingCustomerAccountNumber"]["value"] == account_of(key)
    assert "name and postal code" in header["OrderingCustomerAccountNumber"]["rule"]
    assert not any("/companies/" in row.path or "CustomersV3" in row.path for row in office.writes(mark))
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
    assert list(customers_of(office)) == ordered_by(office) == [account_of(key)]
    assert on_company(office, buyer) == (key, "")
    assert await office.figures("customers") == {"read": 1, "updated": 1}
    assert len(office.records("companies")) == 1
    await office.verified()


async def test_a_customer_that_belongs_to_another_company_is_never_taken_for_certain(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Two companies of HubSpot may be one; which is for a person to say."""
    office = await newcomers(start, new_customers="never")
    key = await office.customer("usmf:", **BIRK_IN_DYNAMICS)
    await office.sync("customers")
    deal = await first_deal(office, await company(office, domain="birk-second.test"))
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert stuck.cause == "order.customer_doubtful"
    assert f"linked to company {office.company_id(key)}" in stuck.message


@pytest.mark.parametrize("mode", ["create", "never"])
async def test_a_doubtful_match_parks_with_its_candidates_and_a_person_takes_one(
    start: Callable[..., Awaitable[Office]], mode: str
) -> None:
    """Nothing is created behind it; an account that does not exist is refused."""
    office = await newcomers(start, new_customers=mode, release="automatic")
    key = await office.customer("usmf:", **LIKE_BIRK)
    deal = await first_deal(office, await company(office))
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.customer_doubtful", "finance")
    [candidate] = stuck.detail["candidates"]
    assert (candidate["account"], candidate["name"]) == (account_of(key), "Birk Foundry Ltd")
    assert "city Tacoma" in candidate["reason"]
    assert len(customers_of(office)) == 1

    with pytest.raises(ConfigurationError, match="Say why"):
        await approve_deal(office.at, deal, by="Kim", chosen={"account": account_of(key)})
    done = await approve_deal(office.at, deal, by="Kim", chosen={"account": account_of(key)}, because=WHY)
    assert done["state"] == "done"
    assert ordered_by(office) == list(customers_of(office)) == [account_of(key)]


async def test_without_a_match_a_setting_of_never_leaves_the_customer_to_people(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await newcomers(start, new_customers="never")
    deal = await first_deal(office, await company(office))
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    stuck = (await office.stuck("orders"))[deal]
    assert (stuck.cause, stuck.turn) == ("order.company_not_linked", "finance")


# --- an account in a second legal entity ---


@pytest.mark.parametrize(("reuse", "joined"), [("on", "joined"), ("off", "of its own")])
async def test_an_account_opened_in_a_second_legal_entity_carries_the_known_party(
    start: Callable[..., Awaitable[Office]], reuse: str, joined: str
) -> None:
    """Deal and company disagree until a person says to open one; whether Dynamics joined the party is read and told."""
    office = await newcomers(start, switches={"party_reuse": reuse})
    key = await office.customer("usmf:", **BIRK_IN_DYNAMICS)
    buyer = await company(office, d365_customer_key=key)
    deal = await first_deal(office, buyer, d365_legal_entity="demf", deal_currency_code="EUR")
    assert await office.figures("orders") == {"read": 1, "parked": 1}
    assert (await office.stuck("orders"))[deal].cause == "order.legal_entity_conflict"
    with pytest.raises(ConfigurationError, match="'demf'"):
        await approve_deal(office.at, deal, by="Kim", chosen={"open_account": "demm"}, because=WHY)
    await approve_deal(office.at, deal, by="Kim", chosen={"open_account": "DEMF"}, because=WHY)
    party = customers_of(office)[account_of(key)]["PartyNumber"]
    form = {
        each["name"]: each["value"]
        for each in (await show_deal(office.at, deal))["draft"]["customer_form"]["fields"]
    }
    assert (form["dataAreaId"], form["PartyNumber"]) == ("demf", party)

    done = await approve_deal(
        office.at, deal, by="Kim", chosen={"customer.CustomerGroupId": "20"}, because=WHY
    )
    assert (done["state"], done["legal_entity"]) == ("done", "demf")
    [(account, opened)] = customers_of(office, "demf").items()
    assert (opened["PartyNumber"] == party) is (joined == "joined")
    said = " ".join((await show_deal(office.at, deal))["notes"])
    assert ("belongs to the company's party" in said) is (joined == "joined")
    assert ("a party of its own" in said) is (joined == "of its own")
    assert on_company(office, buyer) == (key, f"demf:{account}")
    await office.sync("customers")
    assert len(office.records("companies")) == 1
    await office.verified()


async def test_an_account_of_the_known_party_that_stands_there_already_is_taken(
    start: Callable[..., Awaitable[Office]],
) -> None:
    """Also where Dynamics would refuse a second one, and whatever it is called there."""
    office = await newcomers(start, switches={"party_twice": "refused"})
    key = await office.customer("usmf:", **BIRK_IN_DYNAMICS)
    party = customers_of(office)[account_of(key)]["PartyNumber"]
    there = await office.customer("demf:", PartyNumber=party)
    buyer = await company(office, d365_customer_key=key)
    deal = await first_deal(office, buyer, d365_legal_entity="demf", deal_currency_code="EUR")
    await office.figures("orders")
    asked = await approve_deal(office.at, deal, by="Kim", chosen={"open_account": "demf"}, because=WHY)
    assert asked["step"] == "release"
    await approve_deal(office.at, deal, by="Kim")
    assert ordered_by(office) == [account_of(there)]
    assert on_company(office, buyer) == (key, there)
