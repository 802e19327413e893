"""Whatever happened in the two systems: the plan is what is then written, record by record and field by field."""

from __future__ import annotations

import itertools
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.flows.office import Office
    from tests.flows.planning import (
        People,
        agrees,
        compare,
    )

else:  # pytest puts this folder on the path
    from planning import (
        People,
        agrees,
        compare,
    )


HOUSES = itertools.count(1)


@pytest.fixture
async def people(start: Callable[..., Awaitable[Office]]) -> People:
    found = People(await start(switches={"search_lag_s": "0"}))
    await found.ready()
    return found


def person(email: str, **more: str) -> dict[str, str]:
    return {"email": email, "firstname": "Ada", "lastname": "Birk", "jobtitle": "", **more}


async def test_a_contact_that_stands_in_hubspot_is_planned_as_an_adoption_and_what_it_has_is_kept(
    people: People,
) -> None:
    made = await people.office.rep_asks(
        "POST",
        "/crm/v3/objects/contacts",
        {"properties": {"email": "ada@birk.example", "firstname": "Adele"}},
    )
    people.rows = {"usmf:1": person("ada@birk.example"), "usmf:2": person("", lastname="Finch")}
    lines, outlook = await people.plan()
    by_key = {line.change.key: line for line in lines}
    assert (by_key["usmf:1"].what, by_key["usmf:1"].target_id) == ("adopt", made["id"])
    assert by_key["usmf:1"].changed == {
        "d365_contact_key": (None, "usmf:1"),
        "d365_status": (None, "Active"),
        "lastname": (None, "Birk"),
    }
    assert outlook.changes == {"adopt": 1, "create": 1}


async def test_the_oldest_key_owns_a_shared_address_and_the_others_are_listed_on_it(people: People) -> None:
    """In the plan as in what is written, also when the contact stood there before."""
    await people.office.rep_asks(
        "POST", "/crm/v3/objects/contacts", {"properties": {"email": "shared@birk.example"}}
    )
    people.rows = {
        f"usmf:{number}": person("shared@birk.example", firstname=f"Ada {number}") for number in range(1, 4)
    }
    people.rows |= {f"usmf:{number}": person("new@birk.example") for number in (4, 5)}
    lines, _ = await people.plan()
    assert {line.change.key: line.what for line in lines} == {
        "usmf:1": "adopt", "usmf:2": "follow", "usmf:3": "follow", "usmf:4": "create", "usmf:5": "follow",
    }  # fmt: skip
    await agrees(people)
    shared = next(
        row["properties"]
        for row in people.office.records("contacts")
        if row["properties"].get("email") == "shared@birk.example"
    )
    assert (shared["d365_contact_key"], shared["d365_contact_keys"]) == ("usmf:1", "usmf:2;usmf:3")
    assert shared["firstname"] == "Ada 1"


async def test_a_further_key_that_is_gone_leaves_the_record_to_its_owner(people: People) -> None:
    """Nothing is written for it, in the plan as in fact, and it parks nothing."""
    people.rows = {f"usmf:{number}": person("shared@birk.example") for number in (1, 2)}
    await agrees(people)
    del people.rows["usmf:2"]
    for _ in range(4):
        await agrees(people)
    assert await people.office.stuck("contacts") == {}
    people.rows["usmf:2"] = person("shared@birk.example")
    for _ in range(2):
        await agrees(people)
    assert len(people.office.records("contacts")) == 1


ADDRESSES = st.sampled_from(["", *(f"{name}@birk.example" for name in "abcde")])
PERSON = st.builds(
    person, ADDRESSES, firstname=st.sampled_from(["Ada", "Bo"]), jobtitle=st.sampled_from(["", "Buyer"])
)
CROWD = st.dictionaries(st.sampled_from([f"usmf:{n}" for n in range(1, 9)]), PERSON, max_size=8)


FEW = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a world is too slow to be made smaller again and again
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(FEW, max_examples=8)
@given(first=CROWD, standing=st.sets(ADDRESSES.filter(bool), max_size=2))
async def test_a_plan_of_people_equals_what_is_written(
    start: Callable[..., Awaitable[Office]], first: dict[str, dict[str, str]], standing: set[str]
) -> None:
    """Whoever shares an address with whom, and whoever was there before."""
    people = People(await start(house=f"house-{next(HOUSES)}", switches={"search_lag_s": "0"}))
    await people.ready()
    for email in sorted(standing):
        body = {"properties": {"email": email, "firstname": "There before"}}
        await people.office.rep_asks("POST", "/crm/v3/objects/contacts", body)
    people.rows = first
    await agrees(people)
    people.rows = {
        key: {**row, "jobtitle": "Head of " + row["firstname"]}
        for key, row in first.items()
        if key != "usmf:2"
    }
    await agrees(people)
    await agrees(people)


ACCOUNTS = [f"usmf:US-{number}" for number in range(1, 5)] + ["demf:DE-1", "demf:DE-2"]
EDIT = st.one_of(
    st.tuples(
        st.just("customer"),
        st.sampled_from(ACCOUNTS),
        st.sampled_from(["OrganizationName", "PrimaryContactPhone", "AddressStreet"]),
        st.sampled_from(["", "Alder & Finch", "+1 312 555 0199", "1 Main Street"]),
    ),
    st.tuples(st.just("customer"), st.sampled_from(ACCOUNTS), st.just("PrimaryContactEmail"), ADDRESSES),
    st.tuples(
        st.just("customer"),
        st.sampled_from(ACCOUNTS),
        st.just("OnHoldStatus"),
        st.sampled_from(["No", "All"]),
    ),
    st.tuples(st.just("new"), st.sampled_from([f"usmf:N-{number}" for number in range(1, 4)])),
    st.tuples(st.just("remove"), st.sampled_from(ACCOUNTS)),
    st.tuples(st.just("person"), st.sampled_from(ACCOUNTS), ADDRESSES),
    st.tuples(st.just("price"), st.integers(0, 7), st.sampled_from(["12.5", "0", "99"])),
    st.tuples(st.just("edited"), st.sampled_from(ACCOUNTS), st.sampled_from(["name", "phone", "city"])),
    st.tuples(st.just("deleted"), st.sampled_from(ACCOUNTS)),
    st.tuples(st.just("restored")),
    st.tuples(st.just("merged"), st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)),
)
EDITS = st.lists(EDIT, max_size=6)


class World:
    """The clerk and the rep, who do what they are told as far as it can be done."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.people = itertools.count(1)
        self.binned: list[str] = []

    async def begin(self) -> None:
        for number, key in enumerate(ACCOUNTS):
            await self.office.customer(
                key, PrimaryContactPhone=f"+1 312 555 010{number}", AddressCity="Chicago"
            )
            await self.person(key, f"{'abcde'[number % 5]}@birk.example")
        email = {"properties": {"email": "a@birk.example", "firstname": "There before"}}
        await self.office.rep_asks("POST", "/crm/v3/objects/contacts", email)

    async def do(self, what: str, *how: Any) -> None:
        await getattr(self, what)(*how)

    def standing(self) -> set[str]:
        rows = self.office.records("CustomersV3")
        return {f"{row['dataAreaId']}:{row['CustomerAccount']}" for row in rows}

    async def customer(self, key: str, field: str, value: str) -> None:
        if key in self.standing() and (value or field != "OrganizationName"):
            self.office.clerk_changes("CustomersV3", key, **{field: value})

    async def new(self, key: str) -> None:
        if key not in self.standing():
            await self.office.customer(key, PrimaryContactEmail="b@birk.example")

    async def remove(self, key: str) -> None:
        if key in self.standing():
            self.office.twins.pair.remove("CustomersV3", key)

    async def person(self, key: str, email: str) -> None:
        if key in self.standing():
            legal_entity, account = key.split(":")
            await self.office.clerk_adds(
                "CDSContactPersonsV2",
                dataAreaId=legal_entity,
                ContactPersonPartyNumber=f"{next(self.people):06}",
                AssociatedContactNumber=account,
                AssociatedContactType="Customer",
                FirstName="Ada",
                PrimaryEmailAddress=email,
            )

    async def price(self, place: int, price: str) -> None:
        number = sorted(self.office.releases())[place]
        self.office.release_changes(number, min(self.office.releases()[number]), SalesPrice=Decimal(price))

    async def edited(self, key: str, name: str) -> None:
        if key in self.office.companies():
            self.office.rep_changes("companies", self.office.company_id(key), **{name: "changed by a rep"})

    async def deleted(self, key: str) -> None:
        if key in self.office.companies():
            self.binned.append(self.office.company_id(key))
            await self.office.rep_asks("DELETE", f"/crm/v3/objects/companies/{self.binned[-1]}")

    async def restored(self) -> None:
        if self.binned:
            table = self.office.twins.pair.hubspot.portal.tables["companies"]
            table.restore(table.records[int(self.binned.pop())], self.office.twins.pair.hubspot.portal.now)

    async def merged(self, key: str, other: str) -> None:
        if key != other and {key, other} <= self.office.companies().keys():
            body = {
                "primaryObjectId": self.office.company_id(key),
                "objectIdToMerge": self.office.company_id(other),
            }
            await self.office.rep_asks("POST", "/crm/v3/objects/companies/merge", body)


@settings(FEW, max_examples=int(os.environ.get("MLC_PLAN_EXAMPLES", "2")))
@given(earlier=EDITS, later=EDITS, other_mapping=st.booleans())
async def test_a_plan_equals_the_writes_that_follow_record_by_record_and_field_by_field(
    start: Callable[..., Awaitable[Office]],
    tmp_path: Path,
    earlier: list[tuple[Any, ...]],
    later: list[tuple[Any, ...]],
    other_mapping: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever clerks and reps did, and whatever was changed in the mapping: nothing else is written."""
    office = await start(house=f"house-{next(HOUSES)}", switches={"search_lag_s": "0"})
    world = World(office)
    await world.begin()
    await compare(office, tmp_path)
    for edit in earlier:
        await world.do(*edit)
    await compare(office, tmp_path)
    for edit in later:
        await world.do(*edit)
    if other_mapping:
        file = office.home / "mappings" / "customers.yaml"
        file.write_text(file.read_text().replace("  - target: website", "  - target: description"))
    for _ in range(2):
        await compare(office, tmp_path)
